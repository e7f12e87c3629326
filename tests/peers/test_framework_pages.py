"""The pages of frameworks, models and checkpoints, run in processes: Keras changes what a shape gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from forked_pages import run_page
from peers import peer

pytestmark = pytest.mark.peers

FOLDER = Path(__file__).parents[2] / "docs" / "frameworks"
CASES = ("backends/jax/test_cases_of_jax.py", "peers/test_cases_of_keras.py")
# Other tests run these.
OTHERS = {"../backends", "../distributed", "../portable-stream", "../recipes"}
PEERS = {
    "README": (),
    "flax": ("jax", "flax"),
    "keras": ("jax", "keras"),
    "haiku": ("jax", "haiku"),
    "equinox": ("jax", "torch", "equinox"),
    "torch": ("torch",),
    "mlx": ("mlx.core",),
    "paddle": ("paddle",),
    "tensorflow": ("tensorflow",),
    "numpyro": ("jax", "flax", "numpyro"),
    "../index": ("torch",),
    "../models": ("jax", "torch", "flax"),
    "../checkpoints": ("jax", "torch", "flax", "safetensors"),
    "../containers": ("jax", "xarray"),
    "../coming-from-torch": ("torch",),
    "../coming-from-jax": ("jax", "flax"),
    "../coming-from-keras": ("jax", "keras"),
    "../layouts": (),
    "../libraries": ("dask", "array_api_strict"),
    "../seeds": ("jax", "torch", "dask"),
    "../dtypes": ("jax", "torch", "ml_dtypes"),
    "../faq": ("jax",),
}
LARGE = dict.fromkeys(("paddle", "tensorflow"), pytest.mark.large)


def test_each_page_has_a_row() -> None:
    guides = {f"../{page.stem}" for page in FOLDER.parent.glob("*.md") if ">>>" in page.read_text()} - OTHERS
    assert {*PEERS, "cases"} == guides | {page.stem for page in FOLDER.glob("*.md")}


def test_each_test_of_a_peer_has_one_of_ours_or_a_reason() -> None:
    ours = "".join((FOLDER.parents[1] / "tests" / file).read_text() for file in CASES)
    rows = re.findall(r"^\| `(\w+)` \| `?(\w+)`? \| ?(.*?) ?\|$", (FOLDER / "cases.md").read_text(), re.MULTILINE)
    assert len(rows) == 28
    for _, test, reason in rows:
        assert f"def {test}(" in ours or (test == "none" and reason)


@pytest.mark.parametrize("name", [pytest.param(name, marks=LARGE.get(name, ())) for name in PEERS])
def test_the_page_runs(name: str, tmp_path: Path) -> None:
    for module in PEERS[name]:
        peer(module)
    printed = run_page(FOLDER / f"{name}.md", tmp_path)
    assert "failed=0" in printed, printed
    assert "attempted=0" not in printed
