"""The checks of the project.

Plain ``nox`` leaves out ``tensorflow``, ``paddle``, ``tinygrad``, ``cubed``, ``floors``, ``coverage``, ``gpu`` and
``bench``.

The sessions share four environments, which those called ``bare``, ``all``, ``large`` and ``static`` make; nox makes the
one that a session needs first, and ``nox -R`` takes it as it is. What they install of arrayinit, ``wheel`` builds once.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import nox

nox.needs_version = ">=2025.2.9"
# uv installs in a fifth of pip's time.
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_external_run = True

# To compile all modules takes longer than to unpack them, threefold for torch; what is imported is compiled then.
os.environ.setdefault("PIP_NO_COMPILE", "1")
# pip waits for a slow download as long as bytes come; uv gives up after half a minute.
os.environ.setdefault("UV_HTTP_TIMEOUT", "180")

PROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
REPORTS = Path(".nox", "reports").resolve()
DIST = Path(".nox", "dist").resolve()
SITE = Path(".nox", "site").resolve()


def packages(*groups: str) -> list[str]:
    """Return what groups of dependencies in pyproject.toml name."""
    return list(nox.project.dependency_groups(PROJECT, *groups))


# A bare "torch" brings gigabytes of CUDA libraries with it; installed first, this one stays. Only pip takes wheels from
# the folders and the extra indexes that its settings name, which may have a build for the CPU.
(TORCH,) = packages("torch")

# Groups of packages for folders of their own, which the tests find by variables of the environment.
BESIDE = {
    f"ARRAYINIT_TEST_{group.upper().replace('-', '_')}": group
    for group in ("mup", "peft", "vision", "torchtitan", "transformers-5-14")
}

# Most tests use one core each; on many the frameworks' own threads take the rest.
PARALLEL = ("--numprocesses=auto", "--maxprocesses=4", "--dist=worksteal")

# XLA's default effort, level 3, takes four times as long to compile JAX's generator, most of it to unroll loops, and a
# third longer for the portable stream. Level 2 vectorizes loops too, and fuses products into sums. The older emitters
# halve the rest. A draw without its rounding barriers fails the same tests with these options and without.
LESS_EFFORT = (
    "--xla_backend_optimization_level=2 --xla_backend_extra_options=xla_cpu_disable_loop_unrolling "
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)

# XLA's default effort, as users have it. The older emitters round some conversions to float8 wrongly.
DEFAULT_EFFORT = {"XLA_FLAGS": ""}

# Together these run every test that needs no GPU, and neither TensorFlow nor Paddle.
SUITE = ("numpy", "strict", "torch", "jax", "xla", "dask", "libraries", "cupy", "triton", "sass", "peers", "docs")

# A seed and a generator give the same bits in each session, so the distributions are the same. Tests of what a test can
# notice need one session, too.
SAME_BITS = (
    *("-m", "not peers and not fuzz", "-k", "not is_noticed"),
    *(f"--ignore=tests/initializers/test_{name}.py" for name in ("distributions", "narrow", "power")),
)

# What could differ with an older NumPy or SciPy.
OLDEST = ("tests/core", "tests/initializers", "tests/backends", "tests/stream/test_golden.py")

# What could differ with an older library, by the extra whose oldest release these tests get.
KIT = "tests/initializers/test_conformance.py"
FLOORS: dict[str, tuple[str, ...]] = {extra: (KIT, f"tests/backends/{extra}") for extra in EXTRAS}
FLOORS["safetensors"] = ("tests/models/test_checkpoints.py", "tests/models/test_pretrained_files.py")

# Plain nox tests the first, which take a few seconds, with the oldest NumPy. The workflow tests the others.
QUICK = ("mlx",)
SLOW = [extra for extra in FLOORS if extra not in QUICK]

# What these tests need besides the extra.
BESIDE_EXTRAS = {"mlx": ("mlx[cpu]",), "cupy": ("cuda-pathfinder",), "safetensors": (TORCH, "ml_dtypes")}

# A program that uses arrayinit, which the type checkers read.
CLIENT = str(Path("tests", "values", "typed_client.py"))

# The files of the session `triton`, and those of `xla`.
OF_TRITON = ("tests/backends/torch/test_triton.py", "tests/backends/torch/test_triton_ptx.py")
OF_XLA = tuple(f"tests/backends/jax/test_{name}.py" for name in ("portable_jax", "portable_jax_programs", "float8_jax"))

# The modules that the session `peers` compares with, or copies from.
COMPARED = (
    *("torch", "jax", "flax", "haiku", "keras", "equinox", "numpyro", "transformers", "safetensors", "mlx"),
    *("dask", "array_api_strict", "ml_dtypes", "tinygrad", "cubed", "xarray"),
)

reports: list[Path] = []


@nox.session(default=False, reuse_venv=True)
def wheel(session: nox.Session) -> None:
    """Build the wheel, and the editable wheel, which has the compiled core and points to the sources."""
    session.install(*packages("build"), *PROJECT["build-system"]["requires"])
    for kind in ("wheel", "editable"):
        # Both share the folder of the objects, where a second build compiles only what changed.
        where, options = str(DIST / kind), {"build-dir": str(DIST / "objects")}
        code = (
            f"import shutil; from scikit_build_core.build import build_{kind} as build; "
            f"shutil.rmtree({where!r}, ignore_errors=True); build({where!r}, {options!r})"
        )
        session.run_install("python", "-c", code)
    # The others have no limited API, or no GCC or Clang.
    has_core = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
    if has_core and sys.platform != "win32" and built("wheel").endswith("none-any.whl"):
        session.error("the compiled core was not built: its tests need a C compiler")


def built(kind: str) -> str:
    """Return the path of a wheel that the session ``wheel`` built."""
    (path,) = (DIST / kind).glob("*.whl")
    return str(path)


def install(session: nox.Session, *others: str, kind: str = "wheel") -> None:
    """Install arrayinit with other packages."""
    for name in others:
        if name.startswith("torch=="):
            install_torch(session, name)
    session.install(built(kind), *others)
    # pip keeps an older build of the same version.
    session.install("--force-reinstall", "--no-deps", built(kind))


def install_torch(session: nox.Session, release: str = TORCH) -> None:
    """Install torch alone: what it needs comes with the other packages."""
    session.install("pip")
    session.run_install("python", "-m", "pip", "install", "--no-deps", release)


@nox.session(default=False, reuse_venv=True, requires=["wheel"])
def bare(session: nox.Session) -> None:
    """Make the environment that has NumPy alone, with the bfloat16 of ml_dtypes."""
    install(session, *packages("test"), "ml_dtypes")


@nox.session(name="all", default=False, reuse_venv=True, requires=["wheel"])
def everything(session: nox.Session) -> None:
    """Make the environment that has every library, with the sources as they are edited."""
    others = [*PROJECT["project"]["dependencies"], *packages("test", "examples", "peers", "libraries", "gpu")]
    beside = [["--no-deps", *into(folder(name)), *packages(group)] for name, group in BESIDE.items()]
    # Keras would import matplotlib, which takes each process half a second.
    site = [*into(folder("site")), *packages("site")]
    with ThreadPoolExecutor() as pool:
        first = pool.submit(install_torch, session)
        list(pool.map(lambda names: session.install(*names), (others, site, *beside)))
        first.result()
    # With what torch needs.
    install(session, TORCH, kind="editable")


@nox.session(default=False, reuse_venv=True, requires=["wheel"])
def large(session: nox.Session) -> None:
    """Make the environment that has TensorFlow and Paddle, and what they exchange arrays with."""
    install(session, TORCH, *packages("test", "jax", "keras", "large"), kind="editable")


@nox.session(default=False, reuse_venv=True)
def static(session: nox.Session) -> None:
    """Make the environment of what reads the code and runs none."""
    session.install(*packages("lint", "types"))


def folder(variable: str) -> Path:
    """Return the folder of packages that a variable of the environment names."""
    return REPORTS.parent / "beside" / variable.lower()


def into(where: Path) -> tuple[str, ...]:
    """Return the options that install packages into a folder."""
    return ("--upgrade", "--target", str(where))


def uses(environment: str, *, default: bool = True) -> Any:
    """Make a session that runs in an environment which those before it may have made."""
    return nox.session(venv_backend="none", requires=[environment], default=default)


def program(session: nox.Session, environment: str, name: str = "python") -> str:
    """Return a program of an environment."""
    folder = session.cache_dir.parent / environment / ("Scripts" if os.name == "nt" else "bin")
    return str(folder.resolve() / name)


def pytest(session: nox.Session, python: str, *arguments: str, part: str = "", **env: str) -> None:
    """Run pytest, and leave its counts for ``summary``, and the names of the tests that some session has to run."""
    report = REPORTS / f"{session.name}{part}.xml"
    collected = report.with_suffix(".txt")
    for file in (report, collected):
        file.unlink(missing_ok=True)
    REPORTS.mkdir(parents=True, exist_ok=True)
    reports.append(report)
    env["ARRAYINIT_TEST_COLLECTED"] = str(collected)
    # JAX compiles a draw for half a second, and each operation around the draw for some hundredths. All processes share
    # what one of them compiled.
    env["JAX_COMPILATION_CACHE_DIR"] = str(REPORTS.parent / "xla")
    env["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    env.setdefault("XLA_FLAGS", LESS_EFFORT)
    # So that the tests find the programs of the environment.
    env["PATH"] = os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])
    session.run(python, "-m", "pytest", f"--junitxml={report}", *arguments, *session.posargs, env=env, external=True)


def check_backend(session: nox.Session, backend: str, *arguments: str, **env: str) -> None:
    """Run what one backend needs, of the folders that conftest.py reads for it."""
    python = program(session, "bare" if backend == "numpy" else "all")
    pytest(session, python, *PARALLEL, "-m", "not peers", *arguments, ARRAYINIT_TEST_BACKENDS=backend, **env)


@uses("bare")
def numpy(session: nox.Session) -> None:
    """Run the tests on NumPy, and those that need no library."""
    check_backend(session, "numpy", ARRAYINIT_TEST_PEERS="ml_dtypes")


@uses("all")
def strict(session: nox.Session) -> None:
    """Run the tests on array-api-strict, which stands for any array API library."""
    check_backend(session, "strict")


@uses("all")
def torch(session: nox.Session) -> None:
    """Run the tests on PyTorch, without those of Triton, which have a session of their own."""
    check_backend(session, "torch", *(f"--ignore={file}" for file in OF_TRITON))


@uses("all")
def jax(session: nox.Session) -> None:
    """Run the tests on JAX, without those for which XLA takes its default effort, which have a session of their own."""
    check_backend(session, "jax", *(f"--ignore={file}" for file in OF_XLA))


@uses("all")
def xla(session: nox.Session) -> None:
    """Draw from seeds on JAX with XLA's default effort, as users do."""
    check_backend(session, "jax", *OF_XLA, **DEFAULT_EFFORT)


@uses("all")
def dask(session: nox.Session) -> None:
    """Run the tests on Dask, and on its processes."""
    check_backend(session, "dask")


@uses("all")
def libraries(session: nox.Session) -> None:
    """Run the tests on MLX, and the conformance kit on other libraries and on the objects that hold an array."""
    if sys.platform == "win32":
        session.skip("MLX has no wheels for Windows")
    check_backend(session, "mlx")
    # Whether the kit fails where it should, the sessions of the slow ones ask.
    quick = ("-k", "not (is_wrong and (tinygrad or cubed))")
    check_backend(session, "tinygrad,cubed,nnx,keras,ref,xarray", KIT, "tests/backends", *quick, part="-kit")


@uses("all", default=False)
def tinygrad(session: nox.Session) -> None:
    """Run the tests on tinygrad, in its interpreter; plain nox leaves this session out."""
    check_backend(session, "tinygrad")


@uses("all", default=False)
def cubed(session: nox.Session) -> None:
    """Run the tests on cubed; plain nox leaves this session out."""
    check_backend(session, "cubed")


def check_large(session: nox.Session, library: str, **env: str) -> None:
    """Run the tests on TensorFlow or Paddle, compare with it, and copy from it and to it."""
    python = program(session, "large")
    # TensorFlow has XLA, too.
    env |= DEFAULT_EFFORT
    pytest(session, python, *PARALLEL, "-m", "not peers", ARRAYINIT_TEST_BACKENDS=library, **env)
    # NumPy's session has nothing installed that could be imported.
    pytest(session, python, "tests/docs/test_laziness.py", part="-lazy", ARRAYINIT_TEST_BACKENDS="numpy")
    # Paddle crashes where TensorFlow was imported before, so no process has both.
    env |= {"ARRAYINIT_TEST_BACKENDS": f"numpy,torch,jax,{library}", "ARRAYINIT_TEST_PEERS": "keras,sonnet"}
    folders = ("tests/peers", "tests/initializers")
    pytest(session, python, *PARALLEL, "-m", "pairs or large", *folders, part="-peers", **env)


@uses("large", default=False)
def tensorflow(session: nox.Session) -> None:
    """Run the tests on TensorFlow; plain nox leaves this session out."""
    check_large(session, "tensorflow", KERAS_BACKEND="tensorflow")
    env = {"ARRAYINIT_TEST_BACKENDS": "keras", "KERAS_BACKEND": "tensorflow", **DEFAULT_EFFORT}
    pytest(session, program(session, "large"), *PARALLEL, KIT, part="-keras", **env)


@uses("large", default=False)
def paddle(session: nox.Session) -> None:
    """Run the tests on Paddle; plain nox leaves this session out."""
    check_large(session, "paddle")


@uses("all")
def cupy(session: nox.Session) -> None:
    """Check the calls to CuPy against its signatures; no GPU is needed."""
    check_backend(session, "cupy", "tests/backends")


@uses("all")
def triton(session: nox.Session) -> None:
    """Run Triton's kernels in its interpreter, and read what its compiler makes of them; no GPU is needed."""
    if sys.platform != "linux":
        session.skip("Triton has wheels for Linux only")
    # By files, since the compiler's work is shared by the tests of one; the name is in theirs, and in the kernel's.
    options = ("--dist=loadfile", "-k", "triton")
    check_backend(session, "torch", *options, *OF_TRITON, "tests/kernels/test_any_box.py", TRITON_INTERPRET="1")


@uses("all")
def sass(session: nox.Session) -> None:
    """Run the machine code of the CUDA kernels on the CPU; no GPU is needed."""
    if sys.platform != "linux":
        session.skip("the compiler and the disassembler are installed on Linux only")
    files = (f"tests/kernels/test_{name}.py" for name in ("sass", "machine_code", "architectures"))
    pytest(session, program(session, "all"), *PARALLEL, *files, ARRAYINIT_TEST_BACKENDS="numpy")


@uses("all")
def peers(session: nox.Session) -> None:
    """Compare with the initializers of the frameworks, and copy from each library to each other."""
    folders = ("tests/peers", "tests/backends", "tests/initializers")
    python = program(session, "all")
    env = {name: str(folder(name)) for name in BESIDE} | {"ARRAYINIT_TEST_PEERS": ",".join(COMPARED)}
    pytest(session, python, *PARALLEL, "-m", "peers or pairs", *folders, **env)


@uses("all")
def docs(session: nox.Session) -> None:
    """Run what the documentation shows, the command line, and the examples; build the site in .nox/site."""
    python = program(session, "all")
    # An import error can only be a backend's that is not installed: any other fails every session.
    doctests = ("--doctest-modules", "--doctest-ignore-import-errors", "--doctest-glob=README.md")
    backends = "numpy,strict,torch,jax,dask"
    # Keras would take TensorFlow's arrays.
    # The command line tries all libraries that are installed.
    env = {"ARRAYINIT_TEST_BACKENDS": backends, "ARRAYINIT_TEST_PEERS": "mlx,tinygrad", "KERAS_BACKEND": "numpy"}
    pytest(session, python, *PARALLEL, *doctests, "src", "README.md", "tests/cli", "tests/docs", **env)
    if not session.posargs:
        build_site(session, python)


def build_site(session: nox.Session, python: str) -> None:
    """Build the site without a warning, and look at its pages."""
    for made in (SITE, Path("docs", "api", "names"), Path("docs", "gallery", "made")):
        shutil.rmtree(made, ignore_errors=True)
    options = ["-W", "--keep-going", "-q", "--jobs=auto", "--doctree-dir", str(SITE.with_name("doctrees"))]
    # Behind what the environment has itself.
    path = f"import sys; sys.path.append({str(folder('site'))!r})"
    code = f"{path}; from sphinx.cmd.build import main; sys.exit(main({[*options, 'docs', str(SITE)]!r}))"
    session.run(python, "-c", code, external=True, env={"JAX_PLATFORMS": "cpu"})
    session.run(python, "tests/site_links.py", str(SITE), external=True)
    # The workflow of the site names Chromium, which takes some minutes to show each page in four ways.
    if browser := os.environ.get("ARRAYINIT_BROWSER"):
        session.run(python, "tests/site_browser.py", str(SITE), browser, external=True)
    else:
        session.log("ARRAYINIT_BROWSER names no Chromium: no page was looked at in a browser")


@nox.session(default=False, venv_backend="none")
def gpu(session: nox.Session) -> None:
    """Tell whether the kernels are right on the GPU, with the libraries of the environment that nox runs in."""
    # Which builds of CuPy, PyTorch and JAX fit is up to the driver, so none is installed here.
    session.run("python", "tests/gpu.py", *session.posargs)


@nox.session(reuse_venv=True, requires=["wheel"])
def oldest(session: nox.Session) -> None:
    """Run the tests on the oldest supported dependencies."""
    if sys.version_info >= (3, 13):
        session.skip("NumPy 2.0 has no wheel for this Python")
    quick = [extra for extra in QUICK if sys.platform != "win32"]  # MLX has no wheels for Windows
    releases = ["numpy==2.0.0", "scipy==1.13.0", "array-api-compat==1.11", *(x for name in quick for x in floor(name))]
    install(session, *packages("test"), *releases)
    python = program(session, "oldest")
    pytest(session, python, *PARALLEL, *SAME_BITS, *OLDEST, ARRAYINIT_TEST_BACKENDS="numpy")
    for extra in quick:
        check_floor(session, python, extra)


@nox.session(default=False, requires=["wheel"])
@nox.parametrize("extra", SLOW, ids=SLOW)
def floors(session: nox.Session, extra: str) -> None:
    """Run the tests on the oldest supported release of a library; plain nox leaves these sessions out."""
    install(session, *packages("test"), *floor(extra))
    check_floor(session, str(Path(session.bin, "python")), extra)


def floor(extra: str) -> list[str]:
    """Return the oldest releases that an extra allows, and what their tests need."""
    return [*(name.replace(">=", "==") for name in EXTRAS[extra]), *BESIDE_EXTRAS.get(extra, ())]


def check_floor(session: nox.Session, python: str, extra: str) -> None:
    """Run the tests of an extra's oldest release."""
    # The tests of Dask's processes need more than the extra.
    without = [f"--ignore={file}" for file in (*OF_TRITON, "tests/backends/dask/test_dask_distributed.py")]
    env = {"ARRAYINIT_TEST_BACKENDS": "torch" if extra == "safetensors" else extra, **DEFAULT_EFFORT}
    arguments = (*PARALLEL, "-m", "not peers", *FLOORS[extra], *without)
    pytest(session, python, *arguments, part=f"-{extra}", **env)


@uses("all", default=False)
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches the tests of four libraries reach; plain nox leaves this session out."""
    python, tools = program(session, "all"), folder("coverage")
    options = ("--no-deps", "--quiet", *into(tools))
    session.run(python, "-m", "pip", "install", *options, *packages("coverage"), external=True)
    env = {"PYTHONPATH": str(tools), "KERAS_BACKEND": "numpy"}
    session.run(python, "-m", "coverage", "erase", env=env, external=True)
    # The tracer refers to arrays that are to be resized, and needs the memory that one test withholds.
    untraced = (
        "tests/backends/numpy/test_overlaps.py::test_a_filled_array_can_still_be_resized",
        "tests/kernels/test_core_interrupted.py::test_where_an_allocation_fails_nothing_is_kept_or_half_done",
    )
    left_out = (*(f"--deselect={test}" for test in untraced), *(f"--ignore={file}" for file in (*OF_TRITON, *OF_XLA)))
    arguments = (*PARALLEL, *SAME_BITS, *left_out, "--cov", "--cov-append", "--cov-report=")
    # One after the other: after a test of several interpreters in one process, autograd fails there.
    for backend in ("numpy", "strict", "torch", "jax"):
        run = {"ARRAYINIT_TEST_BACKENDS": backend, "ARRAYINIT_TEST_PEERS": "ml_dtypes", **env}
        pytest(session, python, *arguments, "--cov-fail-under=0", part=f"-{backend}", **run)
    session.run(python, "-m", "coverage", "report", env=env, external=True)


@uses("static")
def lint(session: nox.Session) -> None:
    """Check style, formatting and spelling, and what the workflows of GitHub may do."""
    ruff = program(session, "static", "ruff")
    session.run(ruff, "check", external=True)
    session.run(ruff, "format", "--check", external=True)
    session.run(program(session, "static", "typos"), external=True)
    # Without the network: the pinned commits are not looked up.
    session.run(program(session, "static", "zizmor"), "--offline", "--quiet", ".github", external=True)


@nox.session(venv_backend="none", requires=["static", "all"])
def types(session: nox.Session) -> None:
    """Check the types with two checkers."""
    # With every backend, whose own types basedpyright reads.
    python = program(session, "all")
    mypy = (program(session, "static", "mypy"), "--python-executable", python)
    runs = (
        mypy,
        # With the types of torch and JAX, and without the settings of this project. A cache serves one process.
        (*mypy, "--config-file=", "--cache-dir=.mypy_cache/client", "--strict", "--follow-imports=silent", CLIENT),
        (program(session, "static", "basedpyright"), "--pythonpath", python),
    )
    # Each takes one core.
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda command: session.run(*command, external=True), runs))


@uses("wheel")
def build(session: nox.Session) -> None:
    """Build the distributions as a user does, and install arrayinit with and without a compiler."""
    python, dist = program(session, "wheel"), DIST / "built"
    shutil.rmtree(dist, ignore_errors=True)
    session.run(python, "-m", "build", "--installer=uv", "--outdir", str(dist), external=True)
    session.run(python, "-m", "twine", "check", "--strict", *map(str, dist.iterdir()), external=True)
    session.run(python, "tests/builds.py", str(dist), built("editable"), external=True)


@uses("bare")
def sanitize(session: nox.Session) -> None:
    """Watch the memory that the compiled core reads and writes: with AddressSanitizer and UBSan, and with valgrind."""
    if sys.platform != "linux":
        session.skip("the tools that watch memory are those of Linux")
    cmake, python, folder = program(session, "wheel", "cmake"), program(session, "bare"), DIST / "sanitized"
    # Warnings are errors here, and only here.
    options = ("-DARRAYINIT_SANITIZE=ON", "-DARRAYINIT_STRICT=ON", "-DCMAKE_BUILD_TYPE=Release")
    tools = (
        "-DCMAKE_C_COMPILER=gcc",
        f"-DCMAKE_MAKE_PROGRAM={program(session, 'wheel', 'ninja')}",
        f"-DPython_EXECUTABLE={python}",
    )
    session.run(cmake, "-S", ".", "-B", str(folder), "-G", "Ninja", *tools, *options, external=True)
    session.run(cmake, "--build", str(folder), "--target", "_core", "driver", external=True)
    session.run(str(folder / "driver"), "5000", external=True)
    env = sanitized_package(session, folder)
    files = (f"tests/kernels/test_{name}.py" for name in ("any_box", "core_arguments", "core_interrupted"))
    pytest(session, python, *PARALLEL, "-k", "core and not hypothesis", *files, ARRAYINIT_TEST_BACKENDS="numpy", **env)
    session.run(cmake, "--build", str(DIST / "objects"), "--target", "driver", external=True)
    if not shutil.which("valgrind"):
        session.warn("valgrind is not installed: the driver was not run with it")
        return
    # valgrind hides AVX-512, so that the driver takes the others.
    watched = ("valgrind", "--quiet", "--error-exitcode=1", "--leak-check=full")
    session.run(*watched, str(DIST / "objects" / "driver"), "600", external=True)


def sanitized_package(session: nox.Session, folder: Path) -> dict[str, str]:
    """Return the variables of the environment for a package that has the sanitized core."""
    package = folder / "package" / "arrayinit"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(Path("src", "arrayinit"), package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (core,) = folder.glob("_core*.so")
    shutil.copy(core, package)
    library = session.run("gcc", "-print-file-name=libasan.so", external=True, silent=True)
    return {
        "PYTHONPATH": str(package.parent),
        "LD_PRELOAD": str(library).strip(),
        # Python keeps some memory for ever; what a call keeps is tested on its own.
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
    }


@nox.session(default=False, requires=["wheel"])
def bench(session: nox.Session) -> None:
    """Measure against the initializers of the frameworks; ``-- --quick`` takes two minutes."""
    install(session, TORCH, *packages("bench", "jax", "keras"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(venv_backend="none")
def summary(session: nox.Session) -> None:
    """Sum the tests of all sessions before this one, and fail if none of them has run some test."""
    passed = failed = skipped = 0
    for report in reports:
        if not report.exists():
            failed += 1  # pytest did not live to write it
            continue
        for suite in ET.parse(report).iter("testsuite"):
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            idle = int(suite.get("skipped", 0))
            passed += int(suite.get("tests", 0)) - bad - idle
            failed += bad
            skipped += idle
    # nox prints its own table after the last session; the totals are to close the output.
    atexit.register(print, f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    # A session on its own, or a part of the tests, says nothing of the rest.
    if not session.posargs and {report.stem for report in reports if report.exists()} >= set(SUITE):
        session.run(sys.executable, "tests/never_run.py", *map(str, reports), external=True)
