"""The calls to CuPy, against the names and signatures of the package that is installed; no GPU is needed."""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import arrayinit

SOURCE = Path(arrayinit.__file__).parent
# Where the namespace of CuPy's arrays is used.
FILES = [
    "backends/_cupy.py",
    "kernels/_cupy.py",
    "backends/native.py",
    "backends/decomposition.py",
    "initializers/orthogonal.py",
    "backends/polar.py",
    "stream/ops.py",
    "stream/quantile.py",
    "kernels/rounding.py",
    "stream/truncated.py",
]


@pytest.fixture(scope="session")
def roots() -> dict[str, list[Any]]:
    """What the names in the source may be, in the CuPy that is installed."""
    try:
        import cupy
    except ImportError:
        if "cupy" in os.environ.get("ARRAYINIT_TEST_BACKENDS", "").split(","):
            raise
        pytest.skip("cupy is not installed")
    import array_api_compat.cupy
    import cupyx.scipy.special

    return {
        "cupy": [cupy],
        "xp": [array_api_compat.cupy],
        "erfinv": [cupyx.scipy.special.erfinv],
        "generator": [cupy.random.Generator, cupy.random.RandomState],
        "kernel": [cupy.RawKernel.__call__],
        "x": [cupy.ndarray],
    }


def faults(source: str, roots: dict[str, list[Any]]) -> Iterator[str]:
    """Yield the names and the calls in ``source`` that the installed package does not have."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (found := resolve(node.func, roots)):
            yield from (f"{ast.unparse(node)}: {fault}" for target in found if (fault := misfit(target, node)))
        elif isinstance(node, ast.Attribute) and resolve(node, roots) == []:
            yield f"{ast.unparse(node)}: no such name"


def resolve(node: ast.expr, roots: dict[str, list[Any]]) -> list[Any] | None:
    """Return what ``node`` may be; None if it is not of the package."""
    if isinstance(node, ast.Name):
        return roots.get(node.id)
    if not isinstance(node, ast.Attribute):
        return None
    owners = resolve(node.value, roots)
    if owners is None or any(inspect.isdatadescriptor(owner) for owner in owners):
        return None
    return [getattr(owner, node.attr) for owner in owners if hasattr(owner, node.attr)]


def misfit(target: Any, call: ast.Call) -> str | None:
    """Say why the arguments do not fit ``target``."""
    # The one thing that is unpacked in a call is a pair of limits.
    count = sum(2 if isinstance(argument, ast.Starred) else 1 for argument in call.args)
    names = [keyword.arg for keyword in call.keywords]
    if hasattr(target, "nin"):
        unknown = set(names) - {"out", "dtype", "casting"}
        fits = target.nin <= count <= target.nin + target.nout and not unknown
        return None if fits else f"{target} takes {target.nin} arguments, out, dtype and casting"
    signature = _signature(target)
    unbound = next(iter(signature.parameters), None) == "self"
    try:
        signature.bind(*[None] * (count + unbound), **dict.fromkeys(names))
    except TypeError as error:
        return f"{error}: {signature}"
    return None


def _signature(target: Any) -> inspect.Signature:
    try:
        return inspect.signature(target)
    except ValueError:
        # What Cython compiles says it, with types, in the first line of its documentation.
        header = target.__doc__.partition("\n")[0].partition(" -> ")[0]
        parameters = re.sub(r"\b[a-z]+ (?=\w)", "", header[header.index("(") :])
        scope: dict[str, Any] = {}
        exec(f"def function{parameters}: pass", scope)
        return inspect.signature(scope["function"])


@pytest.mark.parametrize("file", FILES)
def test_every_call_fits_the_installed_package(file: str, roots: dict[str, list[Any]]) -> None:
    assert list(faults((SOURCE / file).read_text(), roots)) == []


@pytest.mark.parametrize("name", ["random", "random_sample", "standard_normal"])
def test_the_draws_are_among_the_calls_that_are_checked(name: str, roots: dict[str, list[Any]]) -> None:
    assert f"generator.{name}(" in (SOURCE / FILES[0]).read_text()
    assert resolve(ast.parse(f"generator.{name}").body[0].value, roots)


@pytest.mark.parametrize(
    "wrong",
    [
        "cupy.emty(3)",
        "cupy.random.get_state()",
        "cupy.empty(3, kind='float32')",
        "cupy.empty()",
        "cupy.argsort(x, 0, None, None)",
        "cupy.clip(x, *limits, into=x)",
        "cupy.multiply(x, 2.0, into=x)",
        "cupy.multiply(x)",
        "erfinv(q, into=q)",
        "generator.uniformly(3)",
        "generator.random(3, 'float32', None, None)",
        "generator.standard_normal(3, type='float32')",
        "xp.linalg.qrr(x)",
        "xp.matrix_transpose(x, 1)",
        "x.devices",
        "x.transpose(axes=(1, 0))",
        "kernel((1,), (1,))",
        "cupy.RawKernel('code')",
        "cupy.RawKernel('code', 'draw', flags=())",
        "cupy.cuda.runtime.is_amd",
    ],
)
def test_that_check_fails_for_a_wrong_call(wrong: str, roots: dict[str, list[Any]]) -> None:
    assert list(faults(wrong, roots))


def test_a_device_is_a_context(roots: dict[str, list[Any]]) -> None:
    device = roots["cupy"][0].cuda.Device
    assert callable(device.__enter__)
    assert callable(device.__exit__)
