"""The portable stream inside larger JAX programs, under vmap and grad, and eagerly, where nothing is compiled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, DRAWS, OWN_WAYS
from jax_calls import same, struct
from libraries import COMPLEX, REAL, Library
from portable_calls import TOLERANCE, reference, same_bits

import arrayinit as ai

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

pytestmark = pytest.mark.usefixtures("jax_library")

SHAPE = (40, 250)
# A program that goes on with the values is to find them as they are, whatever XLA makes of both together.
USES: dict[str, Callable[[Any], Any]] = {
    "y": lambda y: y,
    "y * 2 + 1": lambda y: y * 2 + 1,
    "y + 1": lambda y: y + 1,
    "y - 1/2": lambda y: y - 0.5,
    "y * 3": lambda y: y * 3,
    "sin y": lambda y: jnp.sin(y),
    "y in float32": lambda y: y.real.astype("float32") * 3,
    "imag y + 1": lambda y: jnp.imag(y) + 1,
    "y > 0.1": lambda y: y.real > 0.1,
    "what float16 loses of y": lambda y: y.real.astype("float64") - y.real.astype("float16"),
    "y y^T": lambda y: y @ y.T,
}


def use_all(y: Any) -> Any:
    return {name: use(y) for name, use in USES.items()}


def assert_same_uses(fill: Callable[[], Any], use: Callable[[Any], Any]) -> None:
    expected = jax.jit(use)(fill())
    compiled = jax.jit(lambda: use(fill()))()
    jax.tree.map_with_path(
        lambda path, ours, theirs: np.testing.assert_array_equal(ours, theirs, err_msg=str(path)), compiled, expected
    )


UNIFORM, NORMAL, TAIL, SPARSE = "uniform_", "normal_", "trunc_normal_(a=2.0, b=3.0)", "sparse_"


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((name, dtype) for name in (UNIFORM, NORMAL, TAIL, SPARSE) for dtype in ("float32", "float64")),
        *((name, "float16") for name in (NORMAL, TAIL)),
        *((name, "bfloat16") for name in (UNIFORM, SPARSE)),
        *((name, "complex64") for name in (UNIFORM, SPARSE)),
        (UNIFORM, "complex128"),
        (NORMAL, "complex128"),
    ],
)
def test_a_program_that_goes_on_computing_computes_with_the_same_bits(name: str, dtype: str) -> None:
    draw = DRAWS[name].at(SHAPE)
    assert_same_uses(lambda: draw.fill(struct(*SHAPE, dtype=dtype)), use_all)


@pytest.mark.parametrize(
    ("name", "dtype", "use"),
    [
        ("normal_", "float32", "y * 2 + 1"),
        ("normal_", "float64", "y + 1"),
        ("normal_(std=0.02)", "float32", "y + 1"),
        ("normal_(std=0.02)", "float32", "y y^T"),
        ("normal_()", "bfloat16", "y in float32"),
        ("normal_()", "float32", "what float16 loses of y"),
        ("uniform_(a=-0.3, b=0.3)", "float64", "sin y"),
        ("uniform_(a=-0.3, b=0.3)", "float32", "y - 1/2"),
        ("uniform_()", "complex64", "imag y + 1"),
        ("uniform_", "complex128", "y + 1"),
        ("normal_", "complex64", "y + 1"),
        ("trunc_normal_()", "float32", "y y^T"),
    ],
)
def test_a_program_of_one_step_computes_with_the_same_bits(name: str, dtype: str, use: str) -> None:
    # XLA may merge a draw with the one thing that it is for.
    draw = DRAWS[name].at(SHAPE)
    assert_same_uses(lambda: draw.fill(struct(*SHAPE, dtype=dtype)), USES[use])


def test_a_draw_is_computed_once_for_all_its_uses() -> None:
    def multiplications(use: Callable[[Any], Any], *seeds: int) -> int:
        program = jax.jit(lambda: [use(ai.normal_(struct(*SHAPE), rng=seed)) for seed in seeds])
        lines = program.lower().compile().as_text().splitlines()
        return sum("= u64" in line and " multiply(" in line for line in lines)

    def uses(y: Any) -> Any:
        return y + 1, jnp.sin(y), y @ y.T

    assert multiplications(uses, 5) == multiplications(lambda y: y, 5) > 0
    assert multiplications(uses, 5, 6) == 2 * multiplications(uses, 5)


def test_draws_that_differ_in_their_seeds_are_traced_once() -> None:
    def functions(count: int) -> int:
        program = jax.jit(lambda: [ai.normal_(struct(*SHAPE), rng=seed) for seed in range(count)])
        return program.lower().as_text().count("func.func")

    assert functions(1) == functions(5)


def model() -> dict[str, Any]:
    """Return the weights of a model: several layers, dtypes, layouts."""

    def weight(name: str, *shape: int, dtype: str = "float32") -> tuple[Any, Any]:
        return struct(*shape, dtype=dtype), ai.fold_in(0, name)

    def fill(function: str, name: str, *shape: int, dtype: str = "float32", **options: Any) -> Any:
        x, seed = weight(name, *shape, dtype=dtype)
        return getattr(ai, function)(x, rng=seed, **options)

    return {
        "embedding": fill("normal_", "embedding", 100, 64, std=0.02),
        "convolution": fill("kaiming_normal_", "convolution", 3, 3, 8, 64, layout="...IO", nonlinearity="relu"),
        "attention": fill("xavier_uniform_", "attention", 64, 4, 16, layout="IOO"),
        "experts": fill("kaiming_uniform_", "experts", 4, 64, 32, dtype="bfloat16", layout="BIO"),
        "down": fill("trunc_normal_", "down", 32, 64, dtype="bfloat16", mean=0.5, std=0.02, a=0.46, b=0.54),
        "filter": fill("normal_", "filter", 64, dtype="complex64"),
        "gate": fill("uniform_", "gate", 64, 64, dtype="float16", a=-0.1, b=0.2),
        "recurrent": fill("sparse_", "recurrent", 64, 64, sparsity=0.9),
    }


def test_a_whole_model_is_initialized_and_run_in_one_program(jax_library: Library) -> None:
    def forward(w: dict[str, Any], tokens: Any) -> Any:
        h = w["embedding"][tokens] @ w["attention"].reshape(64, 64)
        h = jax.nn.relu(h @ w["recurrent"] + h * jnp.abs(w["filter"]))
        h = jnp.einsum("ti,eio->to", h.astype("bfloat16"), w["experts"]) @ w["down"]
        return h.astype("float16") @ w["gate"]

    @jax.jit
    def initialized_and_run(tokens: Any) -> Any:
        weights = model()
        return weights, forward(weights, tokens)

    tokens = jnp.arange(7)
    compiled, output = initialized_and_run(tokens)
    eager = model()
    jax.tree.map(same, compiled, eager)
    assert np.isfinite(np.asarray(output, "float64")).all()
    np.testing.assert_allclose(output, forward(eager, tokens), rtol=0.1, atol=0.05 * abs(output).max())


@pytest.mark.parametrize("name", OWN_WAYS)
def test_a_fill_inside_vmap_is_the_same_for_all(name: str) -> None:
    case = DRAWN[name]
    x, stacked = struct(*case.shape), jnp.zeros((3, *case.shape), "float32")
    expected = case.fill(x)
    scaled = jax.vmap(lambda scale: scale * case.fill(x))(jnp.array([1.0, 2.0, -4.0]))
    mapped = jax.vmap(case.fill)(stacked)
    compiled = jax.jit(jax.vmap(case.fill))(stacked)
    tolerance = 0 if case.is_exact else 2 * TOLERANCE["float32"]
    for k, scale in enumerate((1.0, 2.0, -4.0)):
        np.testing.assert_allclose(scaled[k] / scale, expected, rtol=0, atol=tolerance)
        np.testing.assert_allclose(mapped[k], expected, rtol=0, atol=tolerance)
        np.testing.assert_allclose(compiled[k], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", OWN_WAYS)
def test_gradients_flow_past_a_value_and_not_into_what_it_replaces(name: str) -> None:
    case = DRAWN[name]
    x = struct(*case.shape)
    w = case.fill(x)
    for jit in (lambda f: f, jax.jit):
        gradient = jit(jax.grad(lambda s: (s * case.fill(x)).sum()))(jnp.float32(2.0))
        np.testing.assert_allclose(gradient, w.sum(), rtol=1e-5, atol=1e-5)
        gradient = jit(jax.grad(lambda x: (case.fill(x) ** 2).sum() + x.sum()))(w)
        np.testing.assert_array_equal(gradient, np.ones(case.shape))


@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX])
def test_orthogonal_matrices_are_compiled_to_a_tolerance(dtype: str) -> None:
    x = struct(20, 9, dtype=dtype)
    eager, compiled = ai.orthogonal_(x, rng=5), jax.jit(lambda: ai.orthogonal_(x, rng=5))()
    assert compiled.dtype == eager.dtype
    to = "complex128" if dtype in COMPLEX else "float64"
    np.testing.assert_allclose(
        np.asarray(compiled).astype(to), np.asarray(eager).astype(to), rtol=0, atol=TOLERANCE[dtype]
    )


@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX])
def test_eager_arrays_keep_their_device_and_structs_are_taken(dtype: str, jax_library: Library) -> None:
    for draw in (DRAWS["kaiming_normal_"], DRAWS["sparse_"]):
        x = jax_library.empty(draw.shape, dtype)
        filled = draw.fill(x)
        assert filled is not x
        assert filled.devices() == {jax.devices("cpu")[-1]}
        # From committed memory to committed memory: an operation with an array elsewhere is refused.
        assert filled.committed == x.committed
        same_bits(jax_library.to_numpy(filled), reference(draw, dtype), dtype)
        same(draw.fill(struct(*draw.shape, dtype=dtype, sharding=x.sharding)), filled)
        assert isinstance(draw.fill(struct(*draw.shape, dtype=dtype)), jax.Array)


def test_eager_fills_of_new_shapes_compile_nothing(caplog: pytest.LogCaptureFixture, jax_library: Library) -> None:
    def compilations(run: Callable[[], object]) -> int:
        caplog.clear()
        with caplog.at_level(logging.WARNING), jax.log_compiles():
            run()
        return sum("ompil" in record.getMessage() for record in caplog.records)

    def fill_many() -> None:
        for x in empty:
            for case in DRAWN.values():
                if case.is_exact and x.dtype.name in case.dtypes:
                    case.fill(x)
                    case.fill(struct(*x.shape, dtype=x.dtype))
            ai.kaiming_normal_(x, layout="IO", rng=5)

    empty = [jax_library.empty((97 + n, n), dtype) for n in range(1, 12) for dtype in (*REAL, *COMPLEX)]
    assert compilations(lambda: jax.jit(lambda x: x * 5.25 + 1)(np.ones((97, 3)))) > 0
    assert compilations(fill_many) == 0
