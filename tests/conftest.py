"""Every test that takes the `library` fixture runs on every array library; what takes none runs once, with NumPy's.

ARRAYINIT_TEST_BACKENDS names the libraries that must be there, by commas; without it all that are installed are used,
and the others are skipped. Folders of which nothing would run are not read, unless the command line names them.
ARRAYINIT_TEST_COLLECTED names a file for the tests that plain nox should run, in this session or in another: nox holds
what its sessions ran against it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

# Eight CPU devices: the tests cut JAX arrays over them, and place others on one that is not the default.
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"

# JAX would take three quarters of a GPU's memory for itself, and torch and CuPy are tested in the same process.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

# tinygrad's own device for the CPU needs a compiler.
os.environ.setdefault("DEV", "PYTHON")

# TensorFlow would print what it finds on the machine.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
from libraries import COMPLEX, LIBRARIES, REAL, Library, available, no_such_case
from never_run import ELSEWHERE
from once import Make, made_once, shared_folder
from selection import ASKED, NotAsked, is_elsewhere, is_held, is_left_out, needed

from arrayinit.stream import extension

_cache: dict[str, Library] = {}
_HERE = Path(__file__).parent

if ASKED:
    sys.meta_path.insert(0, NotAsked())


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the folders of which nothing would run."""
    return True if collection_path.is_dir() and is_left_out(collection_path, _HERE) else None


def _get(name: str) -> Library:
    if ASKED and name not in ASKED:
        pytest.skip(f"{name} is not among ARRAYINIT_TEST_BACKENDS={','.join(ASKED)}")
    if name not in _cache:
        if name == "cupy" and not available(name) and find_spec(name):
            pytest.skip("cupy is installed, but there is no GPU: tests/backends/cupy checks it without one")
        if not ASKED and not available(name):
            pytest.skip(f"{name} is not installed, or has no device")
        _cache[name] = LIBRARIES[name]()
    return _cache[name]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, where libraries are asked for, the tests of others, which would only be skipped."""
    _deselect(config, items, lambda item: is_held(item) and item.path.name != "test_conformance.py")
    _record(items)
    _deselect(config, items, lambda item: ASKED and not needed(item) <= set(ASKED))


def _deselect(config: pytest.Config, items: list[pytest.Item], is_out: Callable[[pytest.Item], object]) -> None:
    others = [item for item in items if is_out(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        left_out = set(others)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among what the libraries keep, which takes a tenth of the time."""
    gc.set_threshold(50_000, 20, 100)
    gc.freeze()


def _record(items: list[pytest.Item]) -> None:
    """Write down the tests, those that plain nox does not run after a mark; one worker does so for all."""
    # Not for the tests that run pytest themselves.
    file = os.environ.pop("ARRAYINIT_TEST_COLLECTED", "")
    if file and os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        names = (f"{ELSEWHERE if is_elsewhere(item) else ''}{item.nodeid}\n" for item in items)
        Path(file).write_text("".join(names), encoding="utf-8")


@pytest.fixture(params=ASKED or LIBRARIES)
def library(request: pytest.FixtureRequest) -> Library:
    """Each array library, on each device."""
    return _get(request.param)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Make], Path]:
    """Return the function that makes a folder in one worker of the test run."""
    return partial(made_once, shared_folder(tmp_path_factory))


@pytest.fixture
def numpy_library() -> Library:
    """NumPy, for what needs no other, and no second run where another is tested."""
    return _get("numpy")


@pytest.fixture
def core() -> ModuleType:
    """The compiled core, for what only it has."""
    found = extension.core()
    if found is None:
        no_such_case("arrayinit was installed without its compiled core")
    return found


@pytest.fixture
def no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let NumPy fill, for what a test changes in it."""
    monkeypatch.setattr(extension, "core", lambda: None)


@pytest.fixture
def torch_library() -> Library:
    """Torch on the CPU, for what only torch has."""
    return _get("torch")


@pytest.fixture
def jax_library() -> Library:
    """JAX on the CPU, for what only JAX has."""
    return _get("jax")


@pytest.fixture
def cubed_library() -> Library:
    """Arrays of cubed, for what only they have."""
    return _get("cubed")


@pytest.fixture
def nnx_library() -> Library:
    """Variables of Flax nnx, for what only they have."""
    return _get("nnx")


@pytest.fixture
def ref_library() -> Library:
    """References of JAX, for what only they have."""
    return _get("ref")


@pytest.fixture
def keras_library() -> Library:
    """Variables of Keras, for what only they have."""
    return _get("keras")


@pytest.fixture
def xarray_library() -> Library:
    """DataArrays of xarray, for what only they have."""
    return _get("xarray")


@pytest.fixture
def mlx_library() -> Library:
    """MLX, for what only MLX has."""
    return _get("mlx")


@pytest.fixture
def tinygrad_library() -> Library:
    """Tinygrad, for what only tinygrad has."""
    return _get("tinygrad")


@pytest.fixture(params=REAL)
def real(request: pytest.FixtureRequest, library: Library) -> str:
    """Each real dtype that the library has."""
    return _dtype(request.param, library)


@pytest.fixture(params=(*REAL, *COMPLEX))
def dtype(request: pytest.FixtureRequest, library: Library) -> str:
    """Each floating dtype that the library has."""
    return _dtype(request.param, library)


def _dtype(name: str, library: Library) -> str:
    if name not in library.dtypes:
        no_such_case(f"{library.name} has no {name}")
    return name


@pytest.fixture(autouse=True)
def _double_precision() -> object:
    """JAX has 64-bit dtypes only where they are switched on."""
    if "jax" not in sys.modules:
        yield
        return
    import jax

    with jax.enable_x64(True):
        yield
