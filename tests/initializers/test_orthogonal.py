"""orthogonal_ and delta_orthogonal_: orthonormal in every dtype, layout and library, whatever is drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from distributions import MismatchError, check, moment
from libraries import Library
from peers import peer
from portable_calls import TOLERANCE
from scipy import stats

import arrayinit as ai
from arrayinit.backends.decomposition import by_blocks
from arrayinit.backends.matrices import Orthogonal

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
    "kO": ((4, 6), (1, 0), (1, 6, 1, 4)),
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


def check_weight(name: str, layout: str, library: Library, dtype: str, rng: Any) -> None:
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
        check_weight(name, "OI...", library, dtype, rng)


# In one dtype, as JAX compiles each shape in each.
@pytest.mark.parametrize(("name", "layout"), [(name, layout) for name, cases in CASES.items() for layout in cases])
def test_weights_of_every_layout(name, layout, library):
    for rng in (1, library.generator(1), np.random.default_rng(1), None):
        check_weight(name, layout, library, "float32", rng)


@pytest.mark.peers
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
    normal = Orthogonal._normal

    def deficient(self: Any, backend: Any, x: Any) -> Any:
        matrix = normal(self, backend, x)
        return DEFICIENT[kind](backend.namespace(matrix), matrix)

    monkeypatch.setattr(Orthogonal, "_normal", deficient)
    check_orthonormal(library.to_numpy(ai.orthogonal_(library.empty(shape, dtype), rng=1)), 1.0, dtype)


# Square, nearly square, and longer: of one block and of several, in both orientations, and in a batch.
SHAPES = [(65, 65), (200, 200), (200, 190), (300, 100), (400, 7), (100, 300), (2, 130, 120)]
DOUBLE = {"float32": "float64", "complex64": "complex128"}


def normal(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    return ai.normal_(np.empty(shape, dtype), rng=seed)


def by_lapack(a: np.ndarray) -> np.ndarray:
    """Return Q of the QR decomposition of a matrix, or of that of its transpose, transposed."""
    wide = a.shape[-2] < a.shape[-1]
    q, r = np.linalg.qr(a.swapaxes(-1, -2) if wide else a)
    d = np.diagonal(r, axis1=-2, axis2=-1)
    q = q * (d / abs(d))[..., None, :]
    return q.swapaxes(-1, -2) if wide else q


def error(q: np.ndarray) -> float:
    """Return the largest error of a product of two rows or columns, whichever are fewer."""
    q = q.astype(DOUBLE[q.dtype.name])
    q = q.swapaxes(-1, -2) if q.shape[-2] < q.shape[-1] else q
    return float(abs(q.conj().swapaxes(-1, -2) @ q - np.eye(q.shape[-1])).max())


@pytest.mark.usefixtures("numpy_library")
@pytest.mark.parametrize("dtype", DOUBLE)
@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_are_as_exact_as_the_qr_decomposition_of_numpy(shape, dtype):
    for seed in range(5):
        a = normal(shape, dtype, seed)
        expected = by_lapack(a)
        q = by_blocks(np, a)
        assert q.dtype == DOUBLE[dtype]
        np.testing.assert_allclose(q, expected, rtol=0, atol=np.finfo(dtype).eps)
        # Both are the same numbers, nearly all of them rounded to the same.
        assert error(q.astype(dtype)) <= 1.1 * error(expected.astype(dtype))


# A last column that is a combination of the others but for this share.
@pytest.mark.usefixtures("numpy_library")
@pytest.mark.parametrize("dtype", DOUBLE)
@pytest.mark.parametrize("share", [1e-3, 1e-5, 1e-7, 0.0])
def test_blocks_of_a_nearly_singular_matrix_are_as_exact(share, dtype):
    a = normal((160, 160), dtype, 5)
    a[:, -1] = share * a[:, -1] + a[:, :-1] @ normal((159,), dtype, 6) / 13
    # Stored in single precision it is no exact combination any more.
    assert np.linalg.cond(a.astype(DOUBLE[dtype])) > 1 / max(share, 1e-6)
    expected = by_lapack(a)
    q = by_blocks(np, a)
    np.testing.assert_allclose(q, expected, rtol=0, atol=np.finfo(dtype).eps)
    # The last column has as many digits fewer as the condition number has.
    assert error(q.astype(dtype)) <= 1.5 * error(expected.astype(dtype))


# As on a GPU.
@pytest.mark.peers
@pytest.mark.parametrize("dtype", DOUBLE)
@pytest.mark.parametrize("shape", [(200, 190), (400, 7), (2, 130, 120)])
def test_blocks_are_the_same_by_torch(shape, dtype):
    torch = peer("torch")
    xp = pytest.importorskip("array_api_compat.torch")
    a = normal(shape, dtype, 5)
    q = by_blocks(xp, torch.from_numpy(a))
    np.testing.assert_allclose(q.numpy(), by_lapack(a.astype(DOUBLE[dtype])), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(100, 100), (90, 130), (300, 80)])
def test_matrices_of_many_blocks_are_orthonormal_and_the_same_from_a_seed(shape, library, dtype):
    w = library.to_numpy(ai.orthogonal_(library.empty(shape, dtype), 1.5, rng=4))
    check_orthonormal(w, 1.5, dtype)
    form = "float32" if dtype in ("float16", "bfloat16") else dtype
    expected = 1.5 * by_lapack(normal(shape, form, 4))
    np.testing.assert_allclose(w, expected, rtol=0, atol=2 * TOLERANCE[dtype])
    check_orthonormal(library.to_numpy(ai.orthogonal_(library.empty(shape, dtype), rng=library.generator(4))), 1, dtype)


def haar(q: np.ndarray) -> None:
    """Raise MismatchError unless square orthogonal matrices are distributed as the uniform ones.

    A row is uniform on the sphere, so an element is the root of a Beta variable, of either sign. The traces of the
    first powers are normal, of variance k and of mean 1 for even k, to more digits than any sample shows: P. Diaconis,
    M. Shahshahani, "On the eigenvalues of random matrices", 1994. And the determinant is a fair coin.
    """
    size = q.shape[-1]
    for i, j in [(0, 0), (0, size - 1), (size // 2, size // 2), (size - 1, 0), (size - 1, size - 1)]:
        check((q[:, i, j] + 1) / 2, stats.beta((size - 1) / 2, (size - 1) / 2), 2.0**-20)
    power = np.eye(size)
    for k in range(1, 5):
        power = power @ q
        check(np.trace(power, axis1=-2, axis2=-1), stats.norm((k + 1) % 2, math.sqrt(k)), 2.0**-20)
    moment(np.linalg.det(q), 0.0, 1.0, "determinant")


HAAR = (1000, 66, 66)


@pytest.mark.usefixtures("numpy_library")
def test_matrices_of_several_blocks_are_haar_distributed():
    haar(ai.orthogonal_(np.empty(HAAR, np.float32), layout="BOI", rng=np.random.default_rng(7)).astype(float))


@pytest.mark.usefixtures("numpy_library")
def test_other_matrices_are_not():
    normals = np.random.default_rng(7).standard_normal(HAAR)
    q, r = np.linalg.qr(normals)
    d = np.diagonal(r, axis1=-2, axis2=-1)
    fixed = q * np.sign(d)[:, None, :]
    haar(fixed)
    mutants = {
        "signs as LAPACK leaves them": q,
        "one sign not fixed": np.concatenate([fixed[..., :-1], abs(fixed[..., -1:])], axis=-1),
        "symmetric": fixed @ (fixed * np.sign(normals[:, :1])).swapaxes(-1, -2),
        "of determinant 1": fixed * np.where(np.arange(66) == 3, np.linalg.det(fixed)[:, None], 1)[:, None, :],
    }
    for mutant in mutants.values():
        with pytest.raises(MismatchError):
            haar(mutant)


@pytest.mark.parametrize(("name", "shape"), [("orthogonal_", (6, 4)), ("delta_orthogonal_", (6, 4, 3))])
def test_a_negative_gain_turns_the_signs(name, shape, library, dtype):
    up, down = (library.to_numpy(getattr(ai, name)(library.empty(shape, dtype), gain, rng=5)) for gain in (1.5, -1.5))
    np.testing.assert_array_equal(down, -up)
    assert np.abs(up).max() > 0.5
