"""What Dask's graphs hold, what their keys are called, and the ways to ask for them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from cases import FUNCTIONS, KERNEL, MATRIX, Case
from dask_calls import DRAWN, empty, uneven
from portable_calls import same_bits

import arrayinit as ai
from arrayinit.kernels import draw as draws

# Without Dask, the fixture skips the tests, or fails them where Dask was asked for.
with suppress(ImportError):
    import cloudpickle
    import dask
    import dask.array as da

pytestmark = [pytest.mark.usefixtures("library"), pytest.mark.parametrize("library", ["dask"], indirect=True)]


def graph_size(name, rng, scale):
    """Return the bytes of a graph of 16 chunks of ``scale`` x ``scale`` elements for each unit of a small shape."""
    case = DRAWN[name]
    sizes = (2, 1, 1, 1) if len(case.shape) == 4 else (2, 4)
    x = da.empty([2 * scale * n for n in sizes], dtype="float32", chunks=[scale * n for n in sizes])
    return len(cloudpickle.dumps(case.fill(x, rng)))


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("rng", [5, None], ids=["a seed", "None"])
def test_a_graph_grows_with_the_number_of_chunks_only(name, rng):
    # An integer takes up to 4 bytes more.
    integers = graph_size(name, rng, 1) / 2
    assert graph_size(name, rng, 1000) < graph_size(name, rng, 1) + integers


@pytest.mark.parametrize("name", DRAWN)
def test_a_graph_holds_what_numpy_s_generator_drew(name):
    filled = DRAWN[name].fill(empty(DRAWN[name]), np.random.default_rng(0))
    assert len(cloudpickle.dumps(filled)) > filled.nbytes > 0


def test_a_graph_holds_what_numpy_has_to_copy_and_not_what_dask_has():
    x, source = da.empty((100, 100), chunks=50), np.ones((100, 100))
    held = ai.copy_(x, source)
    source[:] = 2
    assert (held.compute() == 1).all()
    assert len(cloudpickle.dumps(held)) > x.nbytes > len(cloudpickle.dumps(ai.copy_(x, da.ones_like(x))))


@pytest.mark.parametrize("name", ["orthogonal_", "delta_orthogonal_"])
def test_an_orthogonal_matrix_is_drawn_once_whatever_the_chunks(name, monkeypatch):
    drawn = []
    fill = draws.Draw.fill_host
    monkeypatch.setattr(
        draws.Draw, "fill_host", lambda self, array, *corner: (drawn.append(array.size), fill(self, array, *corner))
    )
    case = FUNCTIONS[name]
    case.fill(empty(case)).compute(scheduler="synchronous")
    assert drawn == [6 * 4 * (15 if name == "orthogonal_" else 1)]


def _longer(case: Case) -> Case:
    return case.at((case.shape[0] + 1, *case.shape[1:]))


def test_one_draw_has_one_name_and_another_draw_another():
    seeds = (5, 6, [5, 6], ai.fold_in(5, "w"), ai.fold_in(5, "v"))
    others = [
        Case("uniform_", KERNEL, {"a": -0.3, "b": math.nextafter(0.7, 1)}),
        Case("normal_", KERNEL, {"mean": 0.5, "std": 0.2}),
        Case("trunc_normal_", KERNEL, {"a": -1.0}),
        Case("trunc_normal_", KERNEL, {"b": 1.0}),
        Case("orthogonal_", KERNEL),
        Case("orthogonal_", KERNEL, {"gain": 2.0, "layout": "IO..."}),
        Case("sparse_", MATRIX, {"sparsity": 0.2}),
    ]
    calls = [(case, rng) for case in DRAWN.values() for rng in seeds] + [(case, 5) for case in others]
    forms = [("float32", uneven), ("float64", uneven), ("float32", lambda _: -1)]
    # And one more row.
    calls = [(each, rng, form) for case, rng in calls for form in forms for each in (case, _longer(case))]
    names = [case.fill(empty(case, *form), rng).name for case, rng, form in calls]
    assert names == [case.fill(empty(case, *form), rng).name for case, rng, form in calls]
    assert len(set(names)) == len(names)


def test_every_way_to_ask_gives_the_same_values():
    seed = ai.fold_in(0, "encoder.0.weight")
    x = da.empty((12, 10), dtype="float32", chunks=(5, 3))
    expected = ai.normal_(np.empty((12, 10), "float32"), rng=seed)
    w = ai.normal_(x, rng=seed)
    kept, stored = w.persist(), np.zeros_like(expected)
    da.store(w, stored, lock=False)
    for values in (
        w.compute(),
        np.asarray(w),
        kept.compute(),
        stored,
        dask.optimize(w)[0].compute(),
        dask.delayed(lambda w: w)(w).compute(),
        np.block([[chunk.compute() for chunk in row] for row in w.to_delayed()]),
        w.rechunk(4).compute(),
    ):
        same_bits(values, expected, "float32")
    same_bits(w[::2][1:][:, ::-3].compute(), np.ascontiguousarray(expected[::2][1:][:, ::-3]), "float32")
    # One graph of the same draws in other chunks, and of other draws of the same seed.
    others = dask.compute(w - ai.normal_(x.rechunk(7), rng=seed), ai.uniform_(x, rng=seed))
    assert not others[0].any()
    same_bits(others[1], ai.uniform_(np.empty((12, 10), "float32"), rng=seed), "float32")


@pytest.mark.parametrize("rng", [5, np.random.SeedSequence(5)], ids=["an integer", "a SeedSequence"])
@pytest.mark.parametrize("fill", [ai.normal_, ai.orthogonal_, lambda x, rng: ai.sparse_(x, 0.5, rng=rng)])
def test_chunks_without_elements_are_taken(fill, rng):
    x = da.empty((6, 4), dtype="float32", chunks=((3, 0, 3), (0, 4)))
    filled = fill(x, rng=rng)
    assert filled.chunks == x.chunks
    np.testing.assert_array_equal(filled.compute(), fill(np.empty((6, 4), "float32"), rng=rng))
    assert fill(da.empty((0, 4), dtype="float32", chunks=2), rng=rng).compute().shape == (0, 4)


PLANNED = """
import dask.array as da
import numpy as np
import arrayinit as ai

assert da.ARRAY_EXPR_ENABLED
for fill in (
    lambda x: ai.normal_(x, rng=5),
    lambda x: ai.sparse_(x, 0.5, rng=5),
    lambda x: ai.orthogonal_(x, rng=5),
    lambda x: ai.normal_(x, rng=np.random.default_rng(0)),
    lambda x: ai.constant_(x, 3),
    lambda x: ai.eye_(x),
    lambda x: ai.copy_(x, ai.normal_(da.empty((12, 10), chunks=4), rng=5)),
    lambda x: ai.copy_(x, np.ones((12, 10))),
):
    x = da.empty((12, 10), dtype="float32", chunks=(5, 3))
    filled = fill(x)
    assert filled.chunks == x.chunks
    np.testing.assert_array_equal(filled.compute(), fill(np.empty(x.shape, x.dtype)))
assert (ai.normal_(x) != 0).any().compute()
"""


def test_dask_s_query_planning_is_served():
    # It can only be chosen before Dask is imported.
    env = {**os.environ, "DASK_ARRAY__QUERY_PLANNING": "True"}
    subprocess.run([sys.executable, "-W", "error", "-c", PLANNED], env=env, check=True, timeout=60)
