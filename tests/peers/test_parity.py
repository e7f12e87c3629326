"""docs/parity.md: both sides of every row are evaluated and compared, and no initializer of a framework is missing."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from distributions import SIZE
from never_run import NOT_INSTALLED
from parity import FLAX, JAX, KERAS, MLX, PADDLE, PADDLE_INIT, PAGE, TABLES, TENSORFLOW, TINYGRAD, TORCH, page
from parity_comparisons import COMPARISONS
from parity_names import NAMES, Names
from parity_tables import BITS, COLUMNS, DISTRIBUTION, FIRST_AXIS, LAST_AXIS, LINE, LINES, NONE, Row, Table
from peers import peer

import arrayinit

pytestmark = pytest.mark.peers

# Before the tests, since a fixture gives JAX its 64 bits only where it is imported.
with suppress(ImportError):
    import jax

KERNEL = (4, 3, 5, 6)
# The difference of two samples has twice the variance of one.
LARGE = (3, 5, 160, 2 * SIZE // 2400)
MODES = {
    TORCH: ("fan_in", "fan_out"),
    JAX: ("fan_in", "fan_out", "fan_avg", "fan_geo_avg"),
    KERAS: ("fan_in", "fan_out", "fan_avg"),
    MLX: ("fan_in", "fan_out"),
    PADDLE: ("fan_in", "fan_out"),
    PADDLE_INIT: ("fan_in", "fan_out"),
}


def marks(table: Table) -> list[pytest.MarkDecorator]:
    return [pytest.mark.large] if table.module.partition(".")[0] in NOT_INSTALLED else []


# What the names in the calls stand for; where there are several, each is tried.
VALUES: dict[str, tuple[Any, ...]] = {
    "a": (-0.3,),
    "b": (0.7,),
    "mean": (0.1,),
    "std": (0.5,),
    "stddev": (0.5,),
    "scale": (1.7,),
    "gain": (1.3,),
    "lower": (-1.5,),
    "upper": (2.5,),
    "low": (-0.2,),
    "high": (0.5,),
    "minval": (-0.2,),
    "maxval": (0.5,),
    "value": (0.3,),
    "values": (np.arange(360.0).reshape(KERNEL),),
    "sparsity": (0.3,),
    "groups": (1, 2),
    "param": (None, 0.2),
    "nonlinearity": ("relu", "leaky_relu", "tanh", "selu", "linear"),
    "distribution": ("truncated_normal", "normal", "uniform"),
}
CASES = [
    pytest.param(table, row, id=f"{table.module}: {row.theirs}", marks=marks(table))
    for table in TABLES
    for row in table.rows
    # tests/peers/test_parity_tinygrad.py compares lines.
    if row.compared not in (NONE, LINE)
]


def assignments(table: Table, row: Row) -> Iterator[Names]:
    """Yield the values of the names in a row."""
    choices = VALUES | ({"mode": MODES[table]} if table in MODES else {})
    used = [name for name in compile(row.theirs, row.theirs, "eval").co_names if name in choices]
    for values in itertools.product(*(choices[name] for name in used)):
        yield dict(zip(used, values, strict=True))


def test_arrays_of_mlx_are_filled_as_the_page_says() -> None:
    mlx = peer("mlx.core")
    for dtype in (mlx.float32, mlx.bfloat16):
        x = alias = mlx.zeros((3, 4), dtype)
        assert arrayinit.normal_(x, rng=0) is x
        values = arrayinit.normal_(np.empty(x.shape, np.float32), rng=0)
        assert (alias.shape, alias.dtype) == ((3, 4), dtype)
        assert mlx.array_equal(alias, mlx.array(values).astype(dtype))
        arrayinit.zeros_(x[0])
        assert mlx.array_equal(alias, mlx.array(values).astype(dtype))
    assert "A slice such as `x[0]` is a copy in MLX" in MLX.introduction


def theirs(table: Table, row: Row, names: Names) -> np.ndarray:
    module = peer(table.module)
    if table in (PADDLE, PADDLE_INIT):
        names = names | {"x": peer("paddle").zeros(names["x"].shape)}
    made = eval(row.theirs + table.call, vars(module) | names)
    if table is TINYGRAD:
        # `Tensor.eye` is on no device.
        return (module.Tensor.zeros(made.shape) + made).numpy()
    # The initializers of Paddle return nothing.
    return np.asarray(names["x"] if made is None else made)


def ours(row: Row, names: Names) -> np.ndarray:
    return np.asarray(eval(row.ours, vars(arrayinit) | names))


@pytest.mark.parametrize(("table", "row"), CASES)
def test_both_sides_of_the_row_do_the_same(table: Table, row: Row) -> None:
    peer(table.module)
    names, drawn = NAMES[table], row.compared in (DISTRIBUTION, COLUMNS, LINES)
    shape = row.shape or (LARGE if drawn else KERNEL)
    assert row.compared != DISTRIBUTION or math.prod(shape) == 2 * SIZE
    both = row.compared == BITS and table in (TORCH, JAX, FLAX)
    for dtype in ("float32", "float64") if both else ("float32",):
        for values in assignments(table, row):
            # Samples are to be independent.
            one = theirs(table, row, names(shape, dtype, 3) | values)
            other = ours(row, names(shape, dtype, 4 if drawn else 3) | values)
            COMPARISONS[row.compared](one, other)


def listed(table: Table) -> set[str]:
    return {name for row in table.rows for name in (row.name, *row.also)}


def functions(module: Any) -> set[str]:
    return {name for name, value in vars(module).items() if inspect.isfunction(value) and name[0] != "_"}


def test_no_initializer_of_torch_is_missing() -> None:
    names = set(peer("torch.nn.init").__all__)
    deprecated = {name for name in names if f"{name}_" in names}
    assert listed(TORCH) == names - deprecated


def test_no_initializer_of_jax_is_missing() -> None:
    assert listed(JAX) == functions(peer("jax.nn.initializers"))


@pytest.mark.parametrize("part", ["flax.linen", "flax.nnx"])
def test_what_flax_has_beyond_jax_is_not_missing(part: str) -> None:
    module, origin = peer(part).initializers, jax.nn.initializers
    assert listed(FLAX) == {name for name in functions(module) if vars(module)[name] is not vars(origin).get(name)}
    for name in listed(FLAX):
        assert vars(module)[name]() is vars(origin)[name.removesuffix("_init")]


def test_no_initializer_of_keras_is_missing() -> None:
    module = peer("keras.initializers")
    classes = {name: value for name, value in vars(module).items() if inspect.isclass(value)}
    assert listed(KERAS) == {
        name
        for name, value in classes.items()
        if issubclass(value, module.Initializer) and value is not module.Initializer
    }


def test_no_initializer_of_mlx_is_missing() -> None:
    assert listed(MLX) == functions(peer("mlx.nn").init)


@pytest.mark.large
def test_no_initializer_of_tensorflow_is_missing() -> None:
    tensorflow = peer("tensorflow")
    own = {name for name in dir(tensorflow) if name.endswith("_initializer")}
    assert {name for name in listed(TENSORFLOW) if "." not in name} == own
    ours, keras = peer("tensorflow.keras").initializers, peer("keras").initializers
    assert all(getattr(ours, name) is getattr(keras, name) for name in dir(keras) if name[0] != "_")


@pytest.mark.large
def test_no_initializer_of_paddle_is_missing() -> None:
    initializers, functional = peer("paddle.nn.initializer"), peer("paddle.nn.init")
    assert listed(PADDLE) == {*initializers.__all__} - {"set_global_initializer"}
    assert listed(PADDLE_INIT) == {name for name in functions(functional) if name.endswith("_")} | {"calculate_gain"}


@pytest.mark.parametrize("table", [pytest.param(table, marks=marks(table), id=table.module) for table in TABLES])
def test_further_names_are_of_the_same_initializer(table: Table) -> None:
    module = peer(table.module)
    for row in table.rows:
        for name in row.also:
            assert getattr(module, name) is getattr(module, row.name)


def test_the_page_is_what_the_script_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


# Each differs from the first in one thing that the comparison is to find.
MUTANTS = {
    "not truncated": (
        DISTRIBUTION,
        "variance_scaling_(x, rng=rng)",
        'variance_scaling_(x, distribution="normal", rng=rng)',
    ),
    "not corrected": (DISTRIBUTION, "variance_scaling_(x, 320000, rng=rng)", "trunc_normal_(x, rng=rng)"),
    "the other fan": (DISTRIBUTION, "xavier_uniform_(x, rng=rng)", "lecun_uniform_(x, rng=rng)"),
    "another layout": (DISTRIBUTION, 'xavier_normal_(x, layout="...IO", rng=rng)', "xavier_normal_(x, rng=rng)"),
    "a variance 2 % off": (DISTRIBUTION, "normal_(x, rng=rng)", "normal_(x, std=1.02**0.5, rng=rng)"),
    "two-sided": (DISTRIBUTION, "uniform_(x, 0, 0.01, rng=rng)", "uniform_(x, -0.01, 0.01, rng=rng)"),
    "a bound 0.1 % off": (DISTRIBUTION, "uniform_(x, -1, 1, rng=rng)", "uniform_(x, -1, 1.001, rng=rng)"),
    "another generator": (BITS, "normal_(x, rng=3)", "normal_(x, rng=4)"),
    "another gain": (FIRST_AXIS, "orthogonal_(x, rng=rng)", "orthogonal_(x, 1.01, rng=rng)"),
    "another axis": (LAST_AXIS, 'orthogonal_(x, layout="...IO", rng=rng)', "orthogonal_(x, rng=rng)"),
    "zeros in rows": (COLUMNS, "sparse_(x, 0.3, rng=rng)", "sparse_(x.T, 0.3, rng=rng).T"),
    "one zero less": (COLUMNS, "sparse_(x, 0.3, rng=rng)", "sparse_(x, 0.29, rng=rng)"),
}
SHAPES = {DISTRIBUTION: LARGE, COLUMNS: (1200, 1000)}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_comparisons_find_what_differs(mutant: str) -> None:
    compared, *calls = MUTANTS[mutant]
    one, again, other = (
        eval(call, vars(arrayinit) | {"x": np.empty(SHAPES.get(compared, KERNEL)), "rng": np.random.default_rng(seed)})
        for seed, call in enumerate([calls[0], *calls])
    )
    COMPARISONS[compared](one, again)
    with pytest.raises(AssertionError):
        COMPARISONS[compared](one, other)
