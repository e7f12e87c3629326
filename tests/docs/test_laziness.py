"""What is imported when: nothing that is not used."""

import subprocess
import sys

import pytest

ARRAYS = (
    "torch",
    "jax",
    "cupy",
    "dask",
    "mlx",
    "tensorflow",
    "paddle",
    "tinygrad",
    "cubed",
    "sparse",
    "ndonnx",
    "xarray",
)
BACKENDS = (*ARRAYS, "array_api_strict", "keras", "flax", "haiku", "equinox", "pandas", "scipy")

CHECK = f"""
import sys
loaded = [name for name in {BACKENDS!r} if name in sys.modules]
assert not loaded, f"loaded: {{loaded}}"
"""


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "code",
    [
        "import arrayinit",
        "import arrayinit, numpy as np; arrayinit.kaiming_uniform_(np.empty((4, 4)))",
        "import arrayinit, numpy as np; arrayinit.orthogonal_(np.empty((4, 4), 'complex64'))",
        "import arrayinit, numpy as np; arrayinit.copy_(np.empty((1, 2)), [[1, 2]])",
        """
import arrayinit
for x in ([1.0], (2, 3), {}, None, type("DataFrame", (), {"__module__": "pandas"})()):
    try:
        arrayinit.normal_(x)
    except TypeError:
        continue
    raise AssertionError(x)
""",
        "import arrayinit.__main__",
        "from arrayinit import recipes; [recipes.gpt2(), recipes.torchtitan_llama3(), recipes.vit(), recipes.resnet()]",
        "import arrayinit.recipes as r; print(r.torch_defaults(), r.keras_defaults(), r.flax_defaults())",
        "import arrayinit.recipes as r; print(r.haiku_defaults(), r.equinox_defaults())",
    ],
)
def test_no_backend_is_imported(code):
    done = run(code + CHECK)
    assert done.returncode == 0, done.stderr


def test_that_check_can_fail(tmp_path):
    (tmp_path / "dask.py").touch()
    done = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import arrayinit, dask" + CHECK)
    assert done.returncode == 1
    assert "loaded: ['dask']" in done.stderr


def test_importing_arrayinit_imports_neither_numpy_random_nor_importlib_metadata():
    done = run("import arrayinit, sys; assert not {'numpy.random', 'importlib.metadata'} & set(sys.modules)")
    assert done.returncode == 0, done.stderr


def test_the_first_draw_imports_no_part_of_numpy_that_it_does_not_need():
    done = run(
        "import arrayinit, numpy as np, sys; arrayinit.normal_(np.empty(4), rng=0); "
        "assert not {'numpy.f2py', 'numpy.testing', 'array_api_compat.numpy'} & set(sys.modules)"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("torch_library")
def test_torch_s_compiler_is_not_imported_but_to_compile():
    done = run("""
import sys, torch, arrayinit
for rng in (None, 0):
    for fill in (arrayinit.ones_, arrayinit.normal_, arrayinit.trunc_normal_, arrayinit.orthogonal_):
        fill(torch.empty(4, 4), **({} if fill is arrayinit.ones_ else {"rng": rng}))
assert "torch._dynamo" not in sys.modules
""")
    assert done.returncode == 0, done.stderr


def test_a_blocked_library_does_not_touch_the_others():
    done = run("""
import sys, types, numpy as np, arrayinit
from arrayinit.backends import registry
for name in {*registry.ARRAYS, *registry.CONTAINERS} - {"numpy"}:
    sys.modules[name] = sys.modules[name.partition(".")[0]] = None
class Array(np.ndarray): pass
arrayinit.ones_(np.empty(3).view(Array))
try:
    arrayinit.ones_([1.0])
except TypeError:
    sys.exit(0)
""")
    assert done.returncode == 0, done.stderr


def test_every_library_of_the_registry_is_looked_for():
    from arrayinit.backends import registry

    libraries = {name.partition(".")[0] for name in (*registry.ARRAYS, *registry.CONTAINERS)}
    assert libraries - {"numpy"} <= set(BACKENDS)


def test_dispatch_asks_the_adapter_once_for_each_type(monkeypatch):
    import numpy as np

    from arrayinit.backends import registry

    class Array(np.ndarray):
        pass

    asked = []
    adapter = type(registry.ARRAYS["numpy"]())
    monkeypatch.setattr(adapter, "accepts", lambda self, cls: asked.append(cls) or True)
    x = np.empty((2, 2)).view(Array)
    assert registry.backend_of(x) is registry.backend_of(x)
    assert asked == [Array]
