"""The public surface: names, signatures, documentation, version."""

import inspect
import re
from importlib.metadata import PackageNotFoundError, version

import pytest
from places import ROOT

import arrayinit

# The values are tested in tests/values: their names and documentation are those of the functions.
VALUES = {name.removesuffix("_") for name in arrayinit.__all__ if name.endswith("_")} & set(arrayinit.__all__)
CLASSES = {"Initializer", "Plan", "Rule"}
MODULES = {"checkpoints", "recipes"}
FUNCTIONS = [name for name in arrayinit.__all__ if name not in VALUES | CLASSES | MODULES]
SECTIONS = ("Parameters", "Returns", "Raises", "Examples", "References")


def test_nothing_is_public_by_accident():
    submodules = {"backends", "cli", "core", "initializers", "kernels", "models", "stream", "testing", "values"}
    for name in arrayinit.__all__:
        assert getattr(arrayinit, name) is getattr(arrayinit, name)
    public = {name for name in vars(arrayinit) if not name.startswith("_")} - submodules
    assert public == {*arrayinit.__all__, "TYPE_CHECKING", "import_module"}
    assert dir(arrayinit) == sorted([*arrayinit.__all__, "__version__"])
    with pytest.raises(AttributeError, match="module 'arrayinit' has no attribute 'normalize'"):
        arrayinit.normalize  # noqa: B018


WITHOUT = {"register_backend": {"Returns", "References"}, **{name: {"Returns"} for name in CLASSES}}


@pytest.mark.parametrize("name", [name for name in arrayinit.__all__ if name not in MODULES])
def test_every_docstring_is_whole(name):
    text = inspect.getdoc(getattr(arrayinit, name))
    wanted = set(SECTIONS) - WITHOUT.get(name, set())
    if not inspect.signature(getattr(arrayinit, name)).parameters:
        wanted.remove("Parameters")
    assert {section for section in SECTIONS if re.search(rf"^{section}\n---", text, re.MULTILINE)} >= wanted
    for parameter in inspect.signature(getattr(arrayinit, name)).parameters:
        assert re.search(rf"^([*\w]+, )*[*]*{parameter}(, [*\w]+)*$", text, re.MULTILINE), (
            f"{parameter} is not described"
        )


@pytest.mark.parametrize("name", arrayinit.recipes.__all__)
def test_every_recipe_has_its_source(name):
    text = inspect.getdoc(getattr(arrayinit.recipes, name))
    for section in ("Returns", "Raises", "Examples", "References"):
        assert re.search(rf"^{section}\n---", text, re.MULTILINE), section


BEYOND_TORCH = {
    "copy_",
    "delta_orthogonal_",
    "fold_in",
    "initialize",
    "keep",
    "lecun_normal_",
    "lecun_uniform_",
    "parts",
    "plan",
    "register_backend",
    "stack",
    "variance_scaling_",
}


def test_every_function_of_torch_is_there_and_the_others_are_known():
    init = pytest.importorskip("torch", reason="torch is not installed").nn.init
    torch_s = {
        name for name, f in vars(init).items() if name.endswith("_") and not name.startswith("_") and callable(f)
    }
    assert set(FUNCTIONS) - BEYOND_TORCH == torch_s | {"calculate_gain", "calculate_fan_in_and_fan_out"}


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.endswith("_") and name not in BEYOND_TORCH])
def test_signatures_are_those_of_torch(name):
    init = pytest.importorskip("torch", reason="torch is not installed").nn.init
    ours = inspect.signature(getattr(arrayinit, name)).parameters
    theirs = inspect.signature(getattr(init, name)).parameters
    positional = [p for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    expected = list(theirs.values())
    names = ["rng" if p.name == "generator" else p.name for p in expected[1:]]
    assert [p.name for p in positional] == ["x", *names]
    assert [p.default for p in positional] == [p.default for p in expected]
    keywords = {p.name for p in ours.values() if p.kind is p.KEYWORD_ONLY}
    assert keywords <= ({"gain", "layout"} if name in ("eye_", "dirac_") else {"layout", "groups"})


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.endswith("_")])
def test_rng_is_the_last_positional_argument(name):
    parameters = inspect.signature(getattr(arrayinit, name)).parameters
    positional = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional[0] == "x"
    assert ("rng" in parameters) == (positional[-1] == "rng")
    assert {p.kind for p in parameters.values()} <= {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    }


def test_the_version_has_one_source():
    assert f"version: {arrayinit.__version__}" in (ROOT / "CITATION.cff").read_text()
    try:
        installed = version("arrayinit")
    except PackageNotFoundError:
        pytest.skip("arrayinit is run from its sources, without metadata")
    assert installed == arrayinit.__version__


def test_no_source_file_is_long():
    long = {p.name: n for p in (ROOT / "src").rglob("*.py") if (n := len(p.read_text().splitlines())) > 250}
    assert not long
