"""DataArrays and Variables of xarray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import arrayinit as ai

SHAPE = (4, 6)
pytestmark = pytest.mark.usefixtures("xarray_library")


def expected(function: Any = ai.normal_, rng: Any = 0, **arguments: Any) -> np.ndarray:
    return function(np.empty(SHAPE, np.float32), rng=rng, **arguments)


def data_array(values: Any = None) -> Any:
    import xarray

    values = np.ones(SHAPE, np.float32) if values is None else values
    rows = xarray.DataArray(np.arange(4), dims="rows")
    return xarray.DataArray(values, coords={"rows": rows}, dims=("rows", "columns"), name="w", attrs={"unit": "m"})


def dask_array() -> Any:
    import dask.array as da

    return da.ones(SHAPE, chunks=(2, 3), dtype=np.float32)


def test_the_array_is_written_and_all_around_it_stays() -> None:
    x = data_array()
    values = x.data
    assert ai.normal_(x, rng=0) is x
    assert x.data is values
    np.testing.assert_array_equal(values, expected())
    assert (x.name, x.attrs, x.dims) == ("w", {"unit": "m"}, ("rows", "columns"))
    np.testing.assert_array_equal(x.coords["rows"], np.arange(4))
    ai.zeros_(x[1:3, ::2])
    assert (values[1:3, ::2] == 0).all()
    assert (values[:, 1::2] == expected()[:, 1::2]).all()


def test_chunks_are_replaced_by_chunks() -> None:
    import dask.array as da
    import xarray

    for x in (data_array(dask_array()), xarray.Variable(("rows", "columns"), dask_array())):
        assert ai.normal_(x, rng=0) is x
        assert isinstance(x.data, da.Array)
        assert x.chunks == ((2, 2), (3, 3))
        np.testing.assert_array_equal(x.values, expected())


def test_the_variables_of_a_dataset_are_filled_and_the_dataset_says_so() -> None:
    import xarray

    dataset = xarray.Dataset({"w": data_array(), "scale": ("columns", dask_array()[0])})
    with pytest.raises(
        TypeError, match=r"got xarray\.core\.dataset\.Dataset: pass one of its variables, as x\['name'\]"
    ):
        ai.zeros_(dataset)
    ai.normal_(dataset["w"], rng=0)
    np.testing.assert_array_equal(dataset["w"].values, expected())
    assert ai.initialize(dataset, [("w", ai.ones()), ("scale", ai.constant(2.0))]) is dataset
    assert (dataset["w"].values == 1).all()
    assert (dataset["scale"].values == 2).all()


def test_read_only_arrays_and_indexes_are_left_as_they_are() -> None:
    values = np.ones(SHAPE, np.float32)
    values.flags.writeable = False
    with pytest.raises(ValueError, match=r"read-only array.*x\.copy\(\), or make it writable with x\.data\.flags"):
        ai.zeros_(data_array(values))
    with pytest.raises(ValueError, match=r"share a single memory location"):
        ai.zeros_(data_array(np.broadcast_to(np.float32(1), SHAPE)))
    x = data_array()
    for index in (x.coords["rows"], x.coords["rows"].variable):
        with pytest.raises(ValueError, match=r"x is the index of the dimension 'rows'.*assign_coords"):
            ai.zeros_(index)
    np.testing.assert_array_equal(x.coords["rows"], np.arange(4))


@pytest.mark.parametrize("cache", [True, False])
def test_values_of_a_file_are_replaced_in_memory(tmp_path: Path, cache: bool) -> None:
    import xarray

    path = tmp_path / "weights.nc"
    data_array().to_dataset().to_netcdf(path, engine="scipy")
    with xarray.open_dataset(path, engine="scipy", cache=cache) as dataset:
        x = dataset["w"]
        assert ai.normal_(x, rng=0) is x
        np.testing.assert_array_equal(x.values, expected())
    with xarray.open_dataset(path, engine="scipy") as dataset:
        assert (dataset["w"].values == 1).all()


def test_copies_fans_and_values() -> None:
    source = ai.normal_(data_array(dask_array()), rng=0)
    for x in (data_array(), data_array(dask_array())):
        assert ai.copy_(x, source) is x
        np.testing.assert_array_equal(x.values, expected())
    np.testing.assert_array_equal(ai.copy_(np.empty(SHAPE), source), expected())
    assert ai.calculate_fan_in_and_fan_out(x, layout="IO") == SHAPE
    assert ai.kaiming_uniform(layout="IO")(x, rng=0) is x
    np.testing.assert_array_equal(x.values, expected(ai.kaiming_uniform_, layout="IO"))
    with pytest.raises(TypeError, match="x has dtype datetime64"):
        ai.zeros_(data_array(np.zeros(SHAPE, "datetime64[ns]")))


def test_what_pandas_holds_is_refused_with_what_to_pass() -> None:
    import pandas as pd

    for x in (pd.DataFrame({"a": [1.0]}), pd.Series([1.0]), pd.Index([1.0]), pd.array([1, None])):
        with pytest.raises(TypeError, match=rf"{type(x).__name__}: pass x\.to_numpy\(copy=True\), and make a new one"):
            ai.zeros_(x)
    assert (ai.zeros_(pd.DataFrame({"a": [1.0]}).to_numpy(copy=True)) == 0).all()
