"""What cannot be filled is refused with what to pass in its place."""

from __future__ import annotations

import array
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.sparse
from cases import FUNCTIONS

import arrayinit as ai


class Pair(NamedTuple):
    first: int
    second: int


REAL = [
    ([1.0], r"builtins\.list: pass numpy\.array\(x\)$"),
    ((3, 4), r"builtins\.tuple: pass numpy\.array\(x\), or numpy\.empty\(x\) if x is a shape$"),
    (Pair(1, 2), r"Pair: pass numpy\.array\(x\), or"),
    (
        {"w": np.ones(2)},
        r"builtins\.dict: pass one of its arrays, or fill all of them by arrayinit\.initialize\(x, rule",
    ),
    (np.float32(1), r"numpy\.float32: a scalar cannot be written; pass numpy\.asarray\(x\)$"),
    (array.array("f", [1.0]), r"array\.array: pass numpy\.asarray\(x\), which shares its memory$"),
    (memoryview(bytearray(4)), r"builtins\.memoryview: pass numpy\.asarray\(x\), which"),
    (bytearray(4), r"builtins\.bytearray: pass numpy\.frombuffer\(x, dtype\), which"),
    (scipy.sparse.eye(3, format="csr"), r"csr_matrix: pass x\.data, the numbers that it stores, or x\.toarray\(\)$"),
    (scipy.sparse.dok_array((3, 3)), r"dok_array: pass x\.toarray\(\)$"),
]

# Stand-ins for classes of libraries, by module and name.
NAMED = {
    ("awkward.highlevel", "Array"): "awkward.to_numpy(x)",
    ("equinox._module._module", "Module"): "arrayinit.initialize(x, rules)",
    ("flax.core.meta", "AxisMetadata"): "x.unbox()",
    ("flax.nnx.statelib", "State"): "arrayinit.initialize(x, rules)",
    ("jax._src.core", "AbstractValue"): "jax.ShapeDtypeStruct(x.shape, x.dtype)",
    ("jax.experimental.sparse._base", "JAXSparse"): "x.todense()",
    ("keras.src.backend.common.keras_tensor", "KerasTensor"): "the variable of a layer that is built",
    ("pandas.core.generic", "NDFrame"): "x.to_numpy(copy=True)",
    ("polars.dataframe.frame", "DataFrame"): "x.to_numpy(writable=True)",
    ("pyarrow.lib", "Array"): "numpy.array(x)",
    ("sparse.numba_backend._sparse_array", "SparseArray"): "x.todense()",
    ("tensorflow.python.framework.sparse_tensor", "SparseTensor"): "tf.sparse.to_dense(x)",
    ("tensorflow.python.ops.ragged.ragged_tensor", "RaggedTensor"): "x.flat_values",
    ("torch.nn.modules.module", "Module"): "arrayinit.initialize(x, rules)",
    ("xarray.core.dataset", "Dataset"): "x['name']",
}


@pytest.mark.parametrize(("x", "text"), REAL, ids=lambda x: type(x).__name__)
def test_an_object_says_what_to_pass(x: Any, text: str) -> None:
    for case in FUNCTIONS.values():
        with pytest.raises(TypeError, match=text):
            case.fill(x, None)


def test_what_an_object_says_can_be_filled() -> None:
    values = array.array("f", [1.0, 2.0])
    ai.zeros_(np.asarray(values))
    assert list(values) == [0.0, 0.0]
    matrix = scipy.sparse.eye(3, format="csr", dtype=np.float32)
    ai.normal_(matrix.data, rng=0)
    np.testing.assert_array_equal(matrix.diagonal(), ai.normal_(np.empty(3, np.float32), rng=0))


@pytest.mark.parametrize("is_standard", [False, True])
@pytest.mark.parametrize("name", NAMED, ids=lambda name: ".".join(name))
def test_an_object_of_a_library_says_what_to_pass(name: tuple[str, str], is_standard: bool) -> None:
    # Some of them follow the array API standard, and still have no memory that can be filled.
    members = {"__array_namespace__": lambda self: np, "__setitem__": None} if is_standard else {}
    base = type(name[1], (), {"__module__": name[0], **members})
    own = type("Own", (base,), {"__module__": "program"})
    for cls in (base, own):
        with pytest.raises(TypeError) as raised:
            ai.zeros_(cls())
        assert f"got {cls.__module__}.{cls.__qualname__}: " in str(raised.value)
        assert NAMED[name] in str(raised.value)
