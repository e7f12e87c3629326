"""What is refused as a checkpoint, and what the message tells."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pretrained_calls import RULES, checkpoint, model, refusal, same

import arrayinit as ai

pytestmark = pytest.mark.usefixtures("numpy_library")


def test_an_archive_with_python_objects_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", **{"a.weight": np.array([{}], object)})
    with np.load(tmp_path / "bad.npz", allow_pickle=True) as archive:
        for given in (tmp_path / "bad.npz", archive):
            assert "'a.weight' holds Python objects, and arrayinit never unpickles" in refusal(given)


@pytest.mark.parametrize("file", ["model.bin", "model.pt", "model.pickle"])
def test_nothing_is_unpickled(file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert "arrayinit never unpickles. Load it yourself, as by torch.load(path, weights_only=True)" in refusal(
        tmp_path / file
    )


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 and no more")
    assert "bad.npz is no archive of NumPy" in refusal(tmp_path / "bad.npz")
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint nowhere\.npz"):
        ai.plan(model(), RULES, pretrained="nowhere.npz")


def test_a_tensor_that_the_model_lacks_is_refused_unless_a_rule_names_it() -> None:
    given = {**checkpoint(), "old.weight": np.ones((2, 2)), "old.bias": np.ones(2)}
    message = refusal(given)
    assert "the checkpoint has 2 tensors that the model lacks: old.weight, old.bias" in message
    assert "add a rule such as ('^old.weight', keep())" in message
    for rules in ([("^old.*", ai.keep())], [(re.compile("^old"), ai.keep())], [("**", ai.keep())]):
        same(ai.initialize(model(), rules, pretrained=given), checkpoint())
    # A rule that would fill them says nothing about them, and a class of layers takes none.
    assert "old.bias" in refusal(given, [("old.weight", ai.keep()), *RULES])
    assert "rule 0 'odl.*' matches nothing" in refusal(given, [("odl.*", ai.keep()), ("old.*", ai.keep())])


def test_a_missing_tensor_needs_a_rule() -> None:
    assert refusal(checkpoint("a.weight", "a.bias"), [("b.*", ai.zeros())]) == (
        "2 of 6 parameters match no rule: c.weight, c.bias"
    )


def test_tensors_of_another_shape_are_refused_together_with_all_else() -> None:
    given = {**checkpoint(), "b.weight": np.ones((4, 5), "float32"), "c.bias": np.ones(3, "float32")}
    assert refusal({**given, "d": np.ones(2)}, [("e", ai.zeros())]).splitlines() == [
        "these have another shape in the checkpoint, see on_mismatch: b.weight (4, 5) for (5, 4), c.bias (3,) for (2,)",
        "the checkpoint has 1 tensor that the model lacks: d; to leave a tensor out, add a rule such as ('^d', keep())",
        "rule 0 'e' matches nothing",
    ]


def test_what_a_function_returns_is_checked() -> None:
    given = {**checkpoint(), "b.weight": np.ones((9, 4), "float32")}
    message = refusal(given, on_mismatch=lambda value, p: value)
    assert "on_mismatch on 'b.weight': source has shape (9, 4), but x has shape (5, 4)" in message
    for wrong in ("resize", None, 3):
        with pytest.raises(TypeError, match="on_mismatch must be 'error', 'initialize', or a function"):
            ai.plan(model(), RULES, pretrained=given, on_mismatch=wrong)


@pytest.mark.parametrize("given", ["int8", "uint8", "bool", "complex64", "S3", "datetime64[s]", "V2"])
def test_another_kind_of_dtype_is_refused(given: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", **{**checkpoint(), "b.bias": np.zeros(5, given)})
    message = refusal(tmp_path / "some.npz")
    assert re.fullmatch(r"these have another kind of dtype in the checkpoint: b\.bias \S+ for float32", message)


def test_integers_must_fit() -> None:
    counts = {"count": np.zeros((), "int8")}
    ai.initialize(counts, [], pretrained={"count": np.asarray(100)})
    assert counts["count"] == 100
    with pytest.raises(ValueError, match="these integers do not fit: count: source has values from 300 to 300"):
        ai.initialize(counts, [], pretrained={"count": np.asarray(300)})
    assert counts["count"] == 100


def test_the_memory_of_other_parameters_is_no_checkpoint() -> None:
    """The first would be overwritten before the second is read."""
    swapped = {"a": np.zeros(3), "b": np.ones(3)}
    with pytest.raises(ValueError, match="these share memory with parameters of the model; copy them before: a, b"):
        ai.initialize(swapped, [], pretrained={"a": swapped["b"], "b": swapped["a"]})
    with pytest.raises(ValueError, match="these share memory"):
        ai.initialize(swapped, [], pretrained={"a": swapped["a"][::-1], "b": np.ones(3)})
    assert swapped["b"].all()
    assert not swapped["a"].any()
    # Its own memory has its own values.
    ai.initialize(swapped, [], pretrained=dict(swapped))
    both = np.arange(6.0)
    ai.initialize({"a": both[:3]}, [], pretrained={"a": both[3:]})
    assert both.tolist() == [3, 4, 5, 3, 4, 5]


def test_what_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(TypeError, match="pretrained: 'epoch' in the model is no array"):
        ai.plan(model(), RULES, pretrained={**checkpoint(), "epoch": 3})
    with pytest.raises(TypeError, match="pretrained: "):
        ai.plan(model(), RULES, pretrained=3)


@pytest.mark.parametrize(("ours", "theirs"), [("", "module."), ("net.", ""), ("net.", "module.net.")])
def test_a_prefix_is_told(ours: str, theirs: str) -> None:
    empty = {f"{ours}{name}": array for name, array in model().items()}
    given = {f"{theirs}{name}": array for name, array in checkpoint().items()}
    with pytest.raises(ValueError, match="no tensor has a name of the model") as refused:
        ai.plan(empty, RULES, pretrained=given)
    found = re.search(r"rename=(\[.*?\])", str(refused.value))
    assert found
    assert all(step.source == "pretrained" for step in ai.plan(empty, [], pretrained=given, rename=eval(found[1])))


def test_a_weight_whose_axes_are_not_known_is_refused() -> None:
    square = {"kernel": np.full((3, 3), np.nan, "float32")}
    given = {"weight": np.arange(9, dtype="float32").reshape(3, 3)}
    for rename in ({"kernel": "weight"}, [("kernel", "weight")], "torch"):
        with pytest.raises(
            ValueError, match=r"the order of the axes is not known for these.*: weight \(3, 3\) for kernel"
        ):
            ai.initialize(square, [], pretrained=given, rename=rename)
    assert np.isnan(square["kernel"]).all()
    # Vectors have no order, and two names of the user's own say nothing about it.
    ai.initialize({"scale": np.ones(3)}, [], pretrained={"weight": np.ones(3)}, rename="torch")
    ai.initialize({"w1": np.ones((3, 3))}, [], pretrained={"first": np.ones((3, 3))}, rename={"w1": "first"})
