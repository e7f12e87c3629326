"""torch, bit for bit: with the same generator state, the values of the installed torch.nn.init."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest

import arrayinit

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

pytestmark = pytest.mark.usefixtures("torch_library")

SHAPES = ((33,), (9, 17), (4, 6, 5), (4, 6, 3, 5), (4, 2, 3, 2, 3))
KERNELS = [(shape, memory) for shape in SHAPES[2:] for memory in ("contiguous", "transposed", "strided")]
KERNELS += [((4, 6, 3, 5), "channels_last"), ((4, 2, 3, 2, 3), "channels_last_3d")]
MATRICES = [(shape, memory) for shape in ((9, 17), (17, 9)) for memory in ("contiguous", "transposed", "strided")]
VECTORS = [((33,), "contiguous"), ((33,), "strided"), ((1,), "contiguous"), ((1000,), "contiguous")]

CONVOLUTIONS = [f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)]
NONLINEARITIES = [*CONVOLUTIONS, "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
KAIMING: list[dict[str, Any]] = [
    {"a": 0.3},
    {"a": 2},
    {"mode": "fan_out"},
    {"mode": "FAN_IN"},
    {"a": 0.3, "mode": "fan_out", "nonlinearity": "relu"},
    *({"nonlinearity": name} for name in NONLINEARITIES),
]
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "uniform_": [{"a": -1.5, "b": 3}, {"a": -1}, {"b": 0.1}, {"a": 2, "b": 2}],
    "normal_": [{"mean": 2, "std": 0.5}, {"mean": -1.5}, {"std": 0.02}, {"std": 0}],
    "xavier_uniform_": [{"gain": 2.5}, {"gain": 5 / 3}, {"gain": 0}],
    "xavier_normal_": [{"gain": 2.5}, {"gain": 5 / 3}, {"gain": 0}],
    "kaiming_uniform_": KAIMING,
    "kaiming_normal_": KAIMING,
}
FAN_BASED = tuple(name for name in ARGUMENTS if name[0] in "xk")
FLOATING = ("float16", "bfloat16", "float32", "float64")
ANY = (*FLOATING, "complex64", "int8", "int64", "uint8", "bool")


def tensor(shape: tuple[int, ...], dtype: str, memory: str = "contiguous") -> Any:
    """A tensor that shows what was left unwritten."""
    kind = getattr(torch, dtype)
    match memory:
        case "transposed":
            return torch.full(shape[::-1], 7, dtype=kind).permute(*reversed(range(len(shape))))
        case "strided":
            return torch.full([2 * n for n in shape], 7, dtype=kind)[(slice(None, None, 2),) * len(shape)]
        case "channels_last" | "channels_last_3d":
            return torch.full(shape, 7, dtype=kind).to(memory_format=getattr(torch, memory))
    return torch.full(shape, 7, dtype=kind)


def bits(x: Any) -> Any:
    return x.detach().contiguous().reshape(-1).view(torch.uint8)


def assert_same_bits(name: str, ours: Any, theirs: Any, source: str | None = None, **arguments: Any) -> None:
    """Fill one tensor with arrayinit and its twin with torch, from generators in the same state."""
    states = []
    for init, keyword, x in ((arrayinit, "rng", ours), (torch.nn.init, "generator", theirs)):
        torch.manual_seed(5)
        generator = torch.Generator().manual_seed(5)
        given = {"global": {keyword: None}, "explicit": {keyword: generator}, None: {}}[source]
        assert getattr(init, name)(x, **arguments, **given) is x
        states.append(torch.cat([torch.get_rng_state(), generator.get_state()]))
    assert torch.equal(bits(ours), bits(theirs))
    assert torch.equal(*states)


@pytest.fixture(params=("global", "explicit"))
def source(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize(("shape", "memory"), VECTORS + MATRICES + KERNELS)
@pytest.mark.parametrize("name", ["uniform_", "normal_"])
def test_draws_are_torch_s_in_every_dtype_shape_and_memory_layout(name, shape, memory, dtype, source):
    assert_same_bits(name, tensor(shape, dtype, memory), tensor(shape, dtype, memory), source)


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize(("shape", "memory"), MATRICES + KERNELS)
@pytest.mark.parametrize("name", FAN_BASED)
def test_fan_based_draws_are_torch_s_in_every_dtype_shape_and_memory_layout(name, shape, memory, dtype, source):
    assert_same_bits(name, tensor(shape, dtype, memory), tensor(shape, dtype, memory), source)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize(("shape", "memory"), MATRICES + KERNELS)
@pytest.mark.parametrize("name", ["normal_", "xavier_normal_", "kaiming_normal_"])
def test_complex_normals_are_torch_s(name, shape, memory, dtype, source):
    assert_same_bits(name, tensor(shape, dtype, memory), tensor(shape, dtype, memory), source)


@pytest.mark.parametrize(
    ("name", "arguments"), [(name, arguments) for name, given in ARGUMENTS.items() for arguments in given]
)
@pytest.mark.parametrize("dtype", FLOATING)
def test_every_argument_means_what_it_means_to_torch(name, arguments, dtype, source):
    shape = (8, 6, 3, 5)
    assert_same_bits(name, tensor(shape, dtype), tensor(shape, dtype), source, **arguments)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_large_tensors_that_torch_may_fill_in_parallel_get_the_same_values(name, source):
    assert_same_bits(name, tensor((300, 333), "float32"), tensor((300, 333), "float32"), source)


@pytest.mark.parametrize("name", ["uniform_", "normal_"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_scalars_and_empty_tensors_are_torch_s(name, shape, source):
    assert_same_bits(name, tensor(shape, "float32"), tensor(shape, "float32"), source)


@pytest.mark.parametrize("gain", [1, 2.5, math.sqrt(2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "memory"), [*MATRICES, ((12, 12), "contiguous"), *((shape, "contiguous") for shape in SHAPES[2:])]
)
def test_orthogonal_is_torch_s_wherever_torch_s_works(shape, memory, dtype, gain, source):
    ours, theirs = tensor(shape, dtype, memory), tensor(shape, dtype, memory)
    assert_same_bits("orthogonal_", ours, theirs, source, gain=gain)


@pytest.mark.parametrize(
    ("shape", "dtype", "memory"),
    [
        *((shape, "float32", memory) for shape, memory in KERNELS if memory != "contiguous"),
        *((shape, dtype, "contiguous") for shape in ((6, 9), (9, 6)) for dtype in ("float16", "bfloat16", "complex64")),
        ((4, 6, 3, 5), "bfloat16", "channels_last"),
    ],
)
def test_orthogonal_works_where_torch_s_fails(shape, dtype, memory, source):
    x = tensor(shape, dtype, memory)
    rng = torch.Generator().manual_seed(5) if source == "explicit" else None
    assert arrayinit.orthogonal_(x, gain=2, rng=rng) is x
    w = x.reshape(shape[0], -1).to(torch.complex128) / 2
    product = w @ w.mH if w.shape[0] <= w.shape[1] else w.mH @ w
    # The rounding of each of n terms of a dot product of unit vectors, all at their worst.
    tolerance = 4 * torch.finfo(x.dtype).eps * math.sqrt(max(w.shape))
    torch.testing.assert_close(product, torch.eye(len(product), dtype=product.dtype), rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", ANY)
@pytest.mark.parametrize(("shape", "memory"), VECTORS + MATRICES + KERNELS)
def test_constants_are_torch_s(shape, memory, dtype):
    for name, arguments in (("constant_", {"val": 1}), ("ones_", {}), ("zeros_", {})):
        assert_same_bits(name, tensor(shape, dtype, memory), tensor(shape, dtype, memory), **arguments)


@pytest.mark.parametrize(
    ("dtype", "val"),
    [
        *((dtype, val) for dtype in FLOATING for val in (0.3, -2, -0.0, 1e-9, math.inf, math.nan)),
        ("complex64", 1 - 2j),
        ("complex64", 0.1),
        *((dtype, val) for dtype in ("int8", "int64") for val in (-5, 2.75, -2.75, 100)),
        ("uint8", 255),
        ("bool", True),
        ("bool", False),
        ("bool", 0.5),
    ],
)
def test_any_constant_is_rounded_as_torch_rounds_it(dtype, val):
    assert_same_bits("constant_", tensor((3, 4), dtype), tensor((3, 4), dtype), val=val)


@pytest.mark.parametrize("dtype", ANY)
@pytest.mark.parametrize(("shape", "memory"), [*MATRICES, ((5, 5), "contiguous"), ((0, 3), "contiguous")])
def test_eye_is_torch_s(shape, memory, dtype):
    assert_same_bits("eye_", tensor(shape, dtype, memory), tensor(shape, dtype, memory))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dtype", ANY)
@pytest.mark.parametrize(("shape", "memory"), [*KERNELS, ((12, 3, 4), "contiguous"), ((8, 1, 2, 2), "contiguous")])
def test_dirac_is_torch_s(shape, memory, dtype, groups):
    assert_same_bits("dirac_", tensor(shape, dtype, memory), tensor(shape, dtype, memory), groups=groups)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_gains_are_torch_s(name):
    assert arrayinit.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert arrayinit.calculate_gain(name, 0.2) == torch.nn.init.calculate_gain(name, 0.2)


@pytest.mark.parametrize("slope", [None, 0, 1, -3, 0.01, 0.2, math.sqrt(5), 1e6])
def test_leaky_gains_are_torch_s(slope):
    theirs = torch.nn.init.calculate_gain("leaky_relu", slope)
    assert arrayinit.calculate_gain("leaky_relu", slope) == theirs


@pytest.mark.parametrize("shape", [*SHAPES[1:], (1, 1), (3, 0), (7, 5, 3)])
def test_fans_are_torch_s(shape):
    theirs = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert arrayinit.calculate_fan_in_and_fan_out(torch.empty(shape)) == theirs
    assert arrayinit.calculate_fan_in_and_fan_out(shape) == theirs


@pytest.mark.parametrize(
    ("name", "shape", "arguments"),
    [
        *(("calculate_gain", None, arguments) for arguments in (("swish",), ("",), (None,))),
        *(("calculate_gain", None, ("leaky_relu", slope)) for slope in (True, "0.1", [0.1], 1j)),
        *((name, (3,), ()) for name in (*FAN_BASED, "orthogonal_")),
        *((name, (3, 4), (0, "fan_sum")) for name in ("kaiming_uniform_", "kaiming_normal_")),
        *((name, (3, 4), (0, "fan_in", "swish")) for name in ("kaiming_uniform_", "kaiming_normal_")),
        *((name, (3, 4, 5), arguments) for name, arguments in (("eye_", ()), ("sparse_", (0.5,)))),
        *(("dirac_", shape, ()) for shape in ((3,), (3, 4), (1, 1, 1, 1, 1, 1))),
        ("dirac_", (3, 4, 5), (2,)),
    ],
)
def test_what_torch_rejects_with_a_value_error_is_one_here(name, shape, arguments):
    given = arguments if shape is None else (tensor(shape, "float32"), *arguments)
    for init in (torch.nn.init, arrayinit):
        with pytest.raises(ValueError, match=r"."):
            getattr(init, name)(*given)
    assert shape is None or torch.equal(given[0], tensor(shape, "float32"))
