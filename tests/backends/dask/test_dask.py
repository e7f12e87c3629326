"""What only Dask has: chunks, graphs that nothing has computed yet, schedulers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Self

import numpy as np
import pytest
from cases import CASES, FIXED, FUNCTIONS, OWN_WAYS
from dask_calls import CHUNKINGS, DRAWN, FILLS, as_numpy, empty, fill
from libraries import COMPLEX, Library, no_such_case
from portable_calls import same_bits

import arrayinit as ai
from arrayinit.kernels import draw as draws

# Without Dask, the fixture skips the tests, or fails them where Dask was asked for.
with suppress(ImportError):
    import cloudpickle
    import dask
    import dask.array as da
    from dask.callbacks import Callback

pytestmark = [pytest.mark.usefixtures("library"), pytest.mark.parametrize("library", ["dask"], indirect=True)]

every_function = pytest.mark.parametrize("name", FILLS)
every_draw = pytest.mark.parametrize("name", DRAWN)


class Tasks:
    """Counts what is computed within."""

    def __enter__(self) -> Self:
        self.count = 0
        self._callback = Callback(pretask=self._add)
        self._callback.register()
        return self

    def _add(self, *_: Any) -> None:
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self._callback.unregister()


@every_function
@pytest.mark.parametrize("rng", [5, None], ids=["a seed", "None"])
def test_nothing_is_computed_until_asked_for(name, rng):
    asked, case = [], FILLS[name]
    meta = np.empty((0,) * len(case.shape), "float32")
    x = da.map_blocks(lambda: asked.append(1), chunks=empty(case).chunks, dtype="float32", meta=meta)
    with Tasks() as tasks:
        filled = fill(case, x, rng)
        assert tasks.count == 0
        filled.compute(scheduler="synchronous")
        assert tasks.count >= filled.npartitions
    assert not asked, "x itself was computed, only to be replaced"


@every_function
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", *COMPLEX])
def test_the_result_is_as_x_and_as_numpy_fills_it(name, dtype):
    case = FILLS[name]
    if dtype not in case.dtypes:
        no_such_case("complex numbers have no interval")
    x = empty(case, dtype)
    filled = fill(case, x)
    values = filled.compute()
    assert type(filled) is da.Array
    assert filled.chunks == x.chunks
    assert filled.dtype == values.dtype == dtype
    assert type(da.utils.meta_from_array(filled)) is np.ndarray
    assert da.utils.meta_from_array(filled).dtype == dtype
    same_bits(values, case.fill(np.empty(case.shape, dtype)), dtype)


@pytest.mark.parametrize("chunking", CHUNKINGS)
@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_every_scheduler_computes_every_function_in_any_chunks(scheduler, chunking):
    # Each chunk costs a scheduler its time.
    cases = [FUNCTIONS[name] for name in (*OWN_WAYS, *FIXED)] if chunking == "one element" else CASES
    filled = [fill(case, empty(case, chunking=CHUNKINGS[chunking])) for case in cases]
    for case, values in zip(cases, dask.compute(*filled, scheduler=scheduler, num_workers=2), strict=True):
        as_numpy(case, values)


@every_function
def test_what_is_yet_to_be_computed_can_be_pickled(name):
    filled = fill(FILLS[name], empty(FILLS[name]))
    np.testing.assert_array_equal(cloudpickle.loads(cloudpickle.dumps(filled)).compute(), filled.compute())


@every_draw
def test_a_seed_may_have_more_digits_than_python_prints(name):
    case = DRAWN[name]
    for seed in (10**5000, [3, 10**5000]):
        filled = fill(case, empty(case), seed)
        as_numpy(case, filled.compute(), seed)
        assert filled.name == fill(case, empty(case), seed).name
        assert filled.name != fill(case, empty(case), 10**5000 + 1).name


@every_draw
def test_none_is_a_new_seed_in_each_call_and_the_same_at_each_computation(name):
    first, second = (DRAWN[name].fill(empty(DRAWN[name]), None) for _ in range(2))
    np.testing.assert_array_equal(first.compute(), first.compute())
    assert (first.compute() != second.compute()).any()


@every_draw
def test_numpy_s_generator_draws_in_order_whatever_the_chunks(name):
    case, ours, theirs = DRAWN[name], np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(2):
        filled, expected = case.fill(empty(case), ours), case.fill(np.empty(case.shape, "float32"), theirs)
        # Once more: what was drawn is drawn once.
        for _ in range(2):
            np.testing.assert_array_equal(filled.compute(), expected)
    assert ours.random() == theirs.random()


def test_one_seed_has_one_name_and_another_draw_another():
    x = empty(FUNCTIONS["normal_"])
    calls = [lambda: ai.normal_(x, rng=5), lambda: ai.uniform_(x, rng=5), lambda: ai.normal_(x, rng=6)]
    calls += [lambda: ai.normal_(x, rng=[5]), lambda: ai.normal_(x.rechunk(-1), rng=5)]
    names = [call().name for call in calls]
    assert names == [call().name for call in calls]
    # A sequence of one integer is the seed that the integer is.
    assert names[0] == names[3]
    assert len(set(names)) == 4


def test_a_chunk_of_a_huge_array_takes_the_memory_of_a_chunk(monkeypatch):
    made = []
    into = draws.Draw.fill_host
    monkeypatch.setattr(
        draws.Draw, "fill_host", lambda self, box, *corner: (made.append(box.nbytes), into(self, box, *corner))
    )
    # 4 TiB in chunks of 4 GiB, but for one of 4 MiB.
    rows, columns = (*[1 << 15] * 31, (1 << 15) - 32, 32), (1 << 15,) * 32
    x = ai.kaiming_normal_(da.empty((1 << 20, 1 << 20), dtype="float32", chunks=(rows, columns)), rng=0)
    assert x[-3:, -5:].compute().std() > 0
    assert made == [4 << 20]


@pytest.mark.parametrize("rng", [True, 1.5, "0", np.random.RandomState(0), "dask"], ids=str)
def test_another_kind_of_generator_is_refused_with_what_to_pass(rng):
    for wrong in (da.random.default_rng(0), da.random.RandomState(0)) if rng == "dask" else (rng,):
        with pytest.raises(TypeError, match=r"rng for a Dask array must be None, a seed .* numpy\.random\.Generator"):
            ai.normal_(empty(FUNCTIONS["normal_"]), rng=wrong)


@every_function
def test_chunks_of_unknown_size_are_refused_with_what_to_do(name):
    case = FILLS[name]
    x = empty(case)
    x = x[da.ones(case.shape[0], chunks=x.chunks[:1]) > 0]
    with pytest.raises(ValueError, match=r"x of shape \(nan, .*unknown size; call x\.compute_chunk_sizes\(\) first"):
        fill(case, x)
    filled = fill(case, x.compute_chunk_sizes())
    np.testing.assert_array_equal(filled.compute(), case.fill(np.empty(case.shape, "float32")))


def test_what_is_not_made_of_numpy_arrays_is_refused():
    class Other:
        """The array of another library."""

        ndim, shape, dtype = 2, (0, 0), np.dtype("float32")
        __array_function__ = None

        def __array_ufunc__(self, *_: Any, **__: Any) -> Any: ...

        def __getitem__(self, _: Any) -> Other:
            return self

        def astype(self, *_: Any, **__: Any) -> Other:
            return self

    x = da.Array({("x", 0, 0): None}, "x", ((3,), (3,)), dtype="float32", meta=Other())
    with pytest.raises(TypeError, match="x must be a Dask array of NumPy arrays, got dask"):
        ai.normal_(x, rng=5)


def test_the_library_of_the_tests_has_arrays_of_several_chunks(library: Library):
    assert library.empty((5, 4), "float32").chunks == ((4, 1), (3, 1))
