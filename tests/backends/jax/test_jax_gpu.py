"""JAX arrays on other devices than CPUs: the programs that make them there, which CPUs run just as well."""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWS, FUNCTIONS, Case
from jax_calls import same, struct
from jax_meshes import SHAPE, every_spec, placed, same_shards
from libraries import Library
from portable_calls import reference, same_bits

import arrayinit as ai

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

    from arrayinit.backends._jax import sharding as jax_shards
    from arrayinit.kernels import xla_boxes as jax_boxes
    from arrayinit.kernels import xla_programs as jax_programs

PROGRAMS = ("words", "numbers", "keys")
"""Those that take long to compile."""


@pytest.fixture(autouse=True)
def _as_on_a_gpu(monkeypatch: pytest.MonkeyPatch, jax_library: Library) -> None:
    """Take the CPUs for other devices, and few numbers for many."""
    assert jax_library.module == "jax"
    monkeypatch.setattr(jax_shards, "is_on_host", lambda x: False)
    monkeypatch.setattr(jax_boxes, "SIZES", (16, 256))


def compiled() -> dict[str, int]:
    return {name: getattr(jax_programs, name)._cache_size() for name in PROGRAMS}


@pytest.mark.parametrize(
    ("dtype", "name"), [("float32", "kaiming_uniform_"), ("bfloat16", "sparse_(sparsity=0.8, std=0.5)")]
)
def test_a_function_has_the_bits_of_numpy(
    dtype: str, name: str, monkeypatch: pytest.MonkeyPatch, jax_library: Library
) -> None:
    monkeypatch.setattr(jax_boxes, "SIZES", (1 << 13, 1 << 20))
    filled = DRAWS[name].fill(jax_library.empty(DRAWS[name].shape, dtype))
    assert filled.dtype.name == dtype
    same_bits(jax_library.to_numpy(filled), reference(DRAWS[name], dtype), dtype)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2041,), (3, 5, 7, 41)])
def test_arrays_of_any_size(shape: tuple[int, ...], jax_library: Library) -> None:
    draw = DRAWS["uniform_"].at(shape)
    same_bits(jax_library.to_numpy(draw.fill(struct(*shape))), reference(draw, "float32"), "float32")


@pytest.mark.parametrize("sparsity", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("sorted_at_once", [1, 500, 1 << 23])
def test_columns_are_cleared_some_at_a_time(
    sparsity: float, sorted_at_once: int, monkeypatch: pytest.MonkeyPatch, jax_library: Library
) -> None:
    monkeypatch.setattr(jax_boxes, "_SORTED", sorted_at_once)
    for shape in ((211, 5), (5, 211), (1, 1)):
        draw = Case("sparse_", shape, {"sparsity": sparsity})
        filled = draw.fill(struct(*shape))
        same_bits(jax_library.to_numpy(filled), reference(draw, "float32"), "float32")


@pytest.mark.parametrize("layout", ["OI...", "IO...", "...IO", "O...I"])
def test_axes_come_in_any_order(layout: str, jax_library: Library) -> None:
    shape = (3, 5, 7, 6)
    for sharding in (None, placed((8,), ())):
        filled = ai.kaiming_normal_(struct(*shape, sharding=sharding), layout=layout, rng=5)
        expected = ai.kaiming_normal_(np.empty(shape, np.float32), layout=layout, rng=5)
        same_bits(jax_library.to_numpy(filled), expected, "float32")


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
@every_spec
def test_each_device_makes_its_own_part(
    mesh: tuple[int, ...], spec: tuple[Any, ...], kind: str, jax_library: Library
) -> None:
    sharding = placed(mesh, spec, kind)
    draw = DRAWS["sparse_"].at(SHAPE)
    filled = draw.fill(struct(*SHAPE, sharding=sharding))
    assert filled.sharding == sharding
    same_shards(filled, reference(draw, "float32"), jax_library)


def test_several_axes_are_cut(jax_library: Library) -> None:
    sharding = placed((2, 4), ("a", None, "b"))
    expected = ai.kaiming_normal_(np.empty((6, 5, 8)), layout="IOO", rng=5)
    filled = ai.kaiming_normal_(struct(6, 5, 8, dtype="float64", sharding=sharding), layout="IOO", rng=5)
    same_shards(filled, expected, jax_library)
    scalar = ai.normal_(struct(sharding=placed((8,), ())), rng=5)
    assert scalar.sharding == placed((8,), ())
    same_shards(scalar, np.asarray(ai.normal_(np.empty((), np.float32), rng=5)), jax_library)


def test_no_more_than_a_box_is_made_for_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    words = jax_programs.words

    def counted(place: Any, *, blocks: int, **options: Any) -> Any:
        made.append(len(place) * blocks)
        return words(place, blocks=blocks, **options)

    monkeypatch.setattr(jax_programs, "words", counted)
    ai.uniform_(struct(8 * 120, sharding=placed((8,), ("a",))), rng=5)
    assert made == [8 * 16]  # of 8 numbers each, on 8 devices


def test_arrays_lie_where_they_were_asked_for() -> None:
    device = jax.devices("cpu")[3]
    for case in FUNCTIONS.values():
        if case.is_exact:
            x = jax.device_put(np.zeros(case.shape, np.float32), device)
            filled = case.fill(x)
            assert (filled.sharding, filled.committed) == (x.sharding, True)
    # An array that was asked for nowhere goes along with others.
    with jax.default_device(device):
        free = ai.normal_(struct(6, 4), rng=5)
    assert (free.devices(), free.committed) == ({device}, False)
    with jax.set_mesh(placed((2, 4), (), "Explicit").mesh):
        same(ai.normal_(struct(6, 4), rng=5), free)
        same(ai.normal_(jax.device_put(np.zeros((6, 4), np.float32), device), rng=5), free)
    memory = placed((8,), ("a",), memory_kind="unpinned_host")
    assert ai.normal_(struct(*SHAPE, sharding=memory), rng=5).sharding == memory


def test_nothing_that_takes_long_is_compiled_for_a_shape_or_a_parameter(caplog: pytest.LogCaptureFixture) -> None:
    def fill_many(shift: int) -> None:
        for n in (5, 300):
            x = struct(n + shift, 11 + shift)
            ai.uniform_(x, -1.0 - shift, 7.0, rng=shift)
            ai.normal_(x, 1.0 + shift, 2.0, rng=shift)
            ai.trunc_normal_(x, 0.0, 1.0 + shift, -2.5, 3.0, rng=shift)
            ai.sparse_(x, 0.5 + shift / 100, rng=shift)

    fill_many(0)
    before = compiled()
    assert min(before.values()) > 0
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        for shift in range(1, 4):
            fill_many(shift)
    assert compiled() == before
    names = " ".join(record.getMessage() for record in caplog.records)
    assert "jit(tile)" in names
    assert not [name for name in PROGRAMS if f"jit({name})" in names]
    ai.uniform_(struct(5, 11, dtype="float64"), rng=0)
    assert compiled()["numbers"] == before["numbers"] + 1


def test_programs_whose_parameters_are_zero_or_infinite() -> None:
    for name, arguments in (
        ("normal_", (0.0, 0.0)),
        ("normal_", (0.25, 0.0)),
        ("normal_", (0.0, 3e38)),
        ("uniform_", (0.25, 0.25)),
        ("trunc_normal_", (0.0, 1.0, -0.0, math.inf)),
        ("trunc_normal_", (0.0, 1.0, -math.inf, math.inf)),
    ):
        filled = getattr(ai, name)(struct(40, 50), *arguments, rng=5)
        same_bits(np.asarray(filled), getattr(ai, name)(np.empty((40, 50), np.float32), *arguments, rng=5), "float32")


@pytest.mark.parametrize("has_mesh", [False, True])
def test_arrays_are_filled_inside_vmap_and_grad(has_mesh: bool) -> None:
    expected = ai.normal_(np.empty((8, 6), np.float32), rng=5)
    with jax.set_mesh(placed((2, 4), (), "Explicit").mesh if has_mesh else None):
        for sharding in (None, placed((8,), ("a",))):
            made: list[Any] = []

            def scaled(scale: Any, sharding: Any = sharding, made: list[Any] = made) -> Any:
                made.append(ai.normal_(struct(8, 6, sharding=sharding), rng=5))
                return scale

            jax.vmap(scaled)(jnp.ones(2))
            jax.grad(scaled)(1.0)
            for filled in made:
                np.testing.assert_array_equal(filled, expected)
            assert len(made) == 2
