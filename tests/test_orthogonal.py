"""orthogonal_ and delta_orthogonal_: orthonormal in every dtype, layout and library, whatever is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from libraries import Library
from peers import peer
from portable_calls import TOLERANCE

import arrayinit as ai
import arrayinit.initializers.orthogonal as module

# By layout: a shape, the axes that bring it into the order batch, outputs, inputs, kernel, and what they are then.
MATRICES = {
    "OI...": ((6, 4), (0, 1), (1, 6, 4)),
    "...IO": ((3, 2, 5), (2, 1, 0), (1, 5, 6)),
    "IOO": ((4, 2, 5), (1, 2, 0), (1, 10, 4)),
    "BIO": ((3, 4, 6), (0, 2, 1), (3, 6, 4)),
    "OBI": ((4, 3, 6), (1, 0, 2), (3, 4, 6)),
}
KERNELS = {
    "OI...": ((6, 4, 3, 2), (0, 1, 2, 3), (1, 6, 4, 3, 2)),
    "...IO": ((3, 4, 6), (2, 1, 0), (1, 6, 4, 3)),
    "HOWI": ((4, 5, 3, 4), (1, 3, 0, 2), (1, 5, 4, 4, 3)),
    "IOOk": ((4, 2, 3, 4), (1, 2, 0, 3), (1, 6, 4, 4)),
    "BkIO": ((3, 2, 4, 6), (0, 3, 2, 1), (3, 6, 4, 2)),
    "kOkIk": ((1, 6, 3, 5, 2), (1, 3, 0, 2, 4), (1, 6, 5, 1, 3, 2)),
}
CASES = {"orthogonal_": MATRICES, "delta_orthogonal_": KERNELS}


def drawn(name: str, layout: str, case: Any, library: Library, dtype: str, rng: Any) -> np.ndarray:
    """Return the weight of a case in the order batch, outputs, inputs, kernel."""
    shape, order, canonical = case
    x = library.full(shape, dtype, 7)
    y = getattr(ai, name)(x, 1.5, layout=layout, rng=rng)
    assert (y is x) == library.in_place
    assert y.dtype == x.dtype
    assert library.device(y) == library.device(x)
    return library.to_numpy(y).transpose(order).reshape(canonical)


def check_orthonormal(w: np.ndarray, gain: float, dtype: str) -> None:
    """Raise unless each matrix of a stack has orthogonal rows or columns, whichever are fewer, of this length."""
    w = w.astype(complex)
    adjoint = w.conj().swapaxes(-1, -2)
    gram = w @ adjoint if w.shape[-2] <= w.shape[-1] else adjoint @ w
    expected = np.broadcast_to(gain**2 * np.eye(gram.shape[-1]), gram.shape)
    np.testing.assert_allclose(gram, expected, rtol=0, atol=8 * gain**2 * TOLERANCE[dtype])


def check(name: str, layout: str, library: Library, dtype: str, rng: Any) -> None:
    """Raise unless a weight of this layout is what the function promises."""
    w = drawn(name, layout, CASES[name][layout], library, dtype, rng)
    if name == "orthogonal_":
        check_orthonormal(w, 1.5, dtype)
        assert len(np.unique(w[:, 0, 0])) == len(w)
        return
    centre = tuple((n - 1) // 2 for n in w.shape[3:])
    check_orthonormal(w[(..., *centre)], 1.5, dtype)
    assert np.count_nonzero(w) == np.count_nonzero(w[(..., *centre)])


@pytest.mark.parametrize("name", CASES)
def test_weights_of_every_dtype(name, library, dtype):
    for rng in (1, library.generator(1)):
        check(name, "OI...", library, dtype, rng)


# In one dtype, as JAX compiles each shape in each.
@pytest.mark.parametrize(("name", "layout"), [(name, layout) for name, cases in CASES.items() for layout in cases])
def test_weights_of_every_layout(name, layout, library):
    for rng in (1, library.generator(1), np.random.default_rng(1), None):
        check(name, layout, library, "float32", rng)


@pytest.mark.parametrize("kernel", [(4,), (3, 3), (2, 5), (2, 3, 4)])
def test_the_centre_is_that_of_jax(kernel):
    jax = peer("jax")
    theirs = jax.nn.initializers.delta_orthogonal()(jax.random.key(0), (*kernel, 3, 4))
    ours = ai.delta_orthogonal_(np.empty((*kernel, 3, 4)), layout="...IO", rng=0)
    np.testing.assert_array_equal(ours != 0, np.asarray(theirs) != 0)


def test_a_convolution_by_a_delta_orthogonal_kernel_keeps_lengths():
    w = ai.delta_orthogonal_(np.empty((5, 3, 4)), 2.0, rng=0)
    signal = np.random.default_rng(0).standard_normal((3, 16))
    out = sum(np.roll(w[:, :, k] @ signal, k, axis=1) for k in range(4))
    np.testing.assert_allclose((out**2).sum(), 4 * (signal**2).sum(), rtol=1e-12)


DEFICIENT = {
    "nothing but zeros": lambda xp, drawn: xp.zeros_like(drawn),
    "equal columns": lambda xp, drawn: xp.zeros_like(drawn) + drawn[..., :1],
    "equal rows": lambda xp, drawn: xp.zeros_like(drawn) + drawn[..., :1, :],
    "an empty column": lambda xp, drawn: drawn * xp.astype(drawn[..., :1, :] != drawn[..., :1, :1], drawn.dtype),
}


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
@pytest.mark.parametrize("kind", DEFICIENT)
def test_draws_of_lower_rank_give_no_zero_column(kind, shape, library, dtype, monkeypatch):
    draw_whole = module.draw_whole

    def deficient(backend: Any, *arguments: Any) -> Any:
        matrix = draw_whole(backend, *arguments)
        return DEFICIENT[kind](backend.namespace(matrix), matrix)

    monkeypatch.setattr(module, "draw_whole", deficient)
    check_orthonormal(library.to_numpy(ai.orthogonal_(library.empty(shape, dtype), rng=1)), 1.0, dtype)
