"""The faults of Dask, and of every framework: each test fails there, and passes here."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import FAULTS, failing
from keras_weights import SHAPE, keras_weights
from layer_fans import MODES, Shape, fan_of, scaled_by
from libraries import LIBRARIES
from peers import peer

import arrayinit

pytestmark = pytest.mark.peers


@failing("dask", "each chunk has a generator of its own")
def test_the_values_do_not_depend_on_the_chunks(by):
    da = peer("dask.array")

    def normal(chunks: tuple[int, int]) -> np.ndarray:
        draw = {
            "arrayinit": lambda: arrayinit.normal_(da.empty(SHAPE, chunks=chunks), rng=0),
            "dask": lambda: da.random.default_rng(0).normal(size=SHAPE, chunks=chunks),
        }[by]
        return draw().compute()

    np.testing.assert_array_equal(normal((16, 16)), normal((32, 48)))


# How the frameworks lay out the weights of their layers.
LAYOUTS = {
    ("torch", "grouped convolution"): "OI...",
    ("torch", "transposed convolution"): "IO...",
    ("torch", "attention kernel"): "IOO",
    ("jax", "grouped convolution"): "...IO",
    ("jax", "transposed convolution"): "...OI",
    ("jax", "attention kernel"): "IOO",
    ("keras", "grouped convolution"): "...IO",
    ("keras", "transposed convolution"): "...OI",
}


# Keras reads its own variables so, on NumPy.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
@pytest.mark.parametrize(("framework", "kind"), LAYOUTS)
@failing("peer", "its initializers see a shape, and not which layer it belongs to")
def test_the_fans_are_those_of_the_layer(by, framework, kind):
    fan = fan_of(framework, kind)
    taken = arrayinit_fan(kind, fan.weight, LAYOUTS[framework, kind]) if by == "arrayinit" else fan.taken
    assert taken == fan.true


def arrayinit_fan(kind: str, weight: Shape, layout: str) -> int:
    scaled, unit = np.empty((2, *weight), np.float32)
    arrayinit.kaiming_normal_(
        scaled,
        mode=MODES[kind],
        nonlinearity="linear",
        layout=layout,
        groups=2 if kind == "grouped convolution" else 1,
        rng=0,
    )
    return scaled_by(scaled, arrayinit.normal_(unit, rng=0))


@pytest.mark.parametrize(
    ("one", "other"), [("numpy", "torch"), ("numpy", "jax"), ("torch", "jax"), ("keras on numpy", "keras on torch")]
)
@failing("peer", "every framework has a generator of its own")
def test_one_seed_gives_the_same_weights_on_both(by, one, other):
    np.testing.assert_array_equal(standard_normal(by, one), standard_normal(by, other))


def standard_normal(by: str, framework: str) -> np.ndarray:
    """Return what seed 0 gives."""
    backend = framework.removeprefix("keras on ")
    module: Any = np if backend == "numpy" else peer(backend)
    if by == "arrayinit":
        library = LIBRARIES[backend]()
        return library.to_numpy(arrayinit.normal_(library.empty(SHAPE, "float32"), rng=0))
    return {
        "numpy": lambda: module.random.default_rng(0).standard_normal(SHAPE, np.float32),
        "torch": lambda: module.nn.init.normal_(
            module.empty(SHAPE), generator=module.Generator().manual_seed(0)
        ).numpy(),
        "jax": lambda: np.asarray(module.nn.initializers.normal(1.0)(module.random.key(0), SHAPE, "float32")),
        "keras on numpy": lambda: keras_weights("numpy")["normal"],
        "keras on torch": lambda: keras_weights("torch")["normal"],
    }[framework]()


def test_each_fault_has_a_test_and_each_test_a_fault():
    shown = {}
    for file in Path(__file__).parent.glob("test_faults_of_*.py"):
        functions = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
        shown[file.stem] = [f.name for f in functions if "failing(" in "".join(map(ast.unparse, f.decorator_list))]
    assert shown == {file: list(tests.values()) for file, tests in FAULTS.items()}
