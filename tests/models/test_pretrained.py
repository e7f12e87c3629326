"""Models that start from a checkpoint in memory: what is loaded, what the rules do, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import arrayinit as ai

pytestmark = pytest.mark.usefixtures("numpy_library")

RULES: list[Any] = [("weight", ai.normal(std=0.02)), ("bias", ai.uniform(-0.1, 0.1))]
Arrays = dict[str, np.ndarray]


def model() -> Arrays:
    """Return a model full of NaN."""
    sizes = {"a.weight": (4, 3), "a.bias": (4,), "b.weight": (5, 4), "b.bias": (5,), "c.weight": (2, 5), "c.bias": (2,)}
    return {name: np.full(shape, np.nan, "float32") for name, shape in sizes.items()}


def checkpoint(*names: str) -> Arrays:
    """Return another model, or a part of it."""
    filled = ai.initialize(model(), RULES, rng=9)
    return {name: filled[name] for name in names or filled}


def refusal(given: Any, rules: Any = RULES, **options: Any) -> str:
    """Return why a checkpoint is refused; the model stays as it was."""
    empty = model()
    with pytest.raises(ValueError, match=r"\w") as refused:
        ai.initialize(empty, rules, rng=0, pretrained=given, **options)
    assert all(np.isnan(array).all() for array in empty.values())
    return str(refused.value)


def same(ours: Arrays, theirs: Arrays) -> None:
    assert list(ours) == list(theirs)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name, strict=True)


def test_half_of_a_checkpoint_leaves_the_rest_as_from_scratch() -> None:
    scratch, given = ai.initialize(model(), RULES, rng=3), checkpoint("a.weight", "b.bias", "c.weight")
    same(ai.initialize(model(), RULES, rng=3, pretrained=given), {**scratch, **given})


def test_the_plan_tells_what_is_loaded() -> None:
    plan = ai.plan(model(), RULES, pretrained=checkpoint("a.weight", "b.bias", "c.weight"))
    assert [step.source for step in plan] == [
        "pretrained",
        "rule 1 'bias'",
        "rule 0 'weight'",
        *["pretrained"] * 2,
        "rule 1 'bias'",
    ]
    assert re.search(r"^a\.weight +4x3 +- +loaded +- +pretrained +a\.weight$", str(plan), re.MULTILINE)


def test_a_rule_is_used_though_all_that_it_would_take_is_loaded() -> None:
    given = checkpoint()
    same(ai.initialize(model(), RULES, pretrained=given), given)
    same(ai.initialize(model(), [], pretrained=given), given)
    assert "rule 0 'd.weight' matches nothing" in refusal(given, [("d.weight", ai.zeros())])


def test_what_the_checkpoint_has_is_loaded_whatever_the_rules_say() -> None:
    given = checkpoint("a.weight")
    rules = [("a.weight", ai.keep()), *RULES]
    np.testing.assert_array_equal(ai.initialize(model(), rules, pretrained=given)["a.weight"], given["a.weight"])


def test_a_checkpoint_may_be_nested() -> None:
    flat = checkpoint()
    nested = {part: {last: flat[f"{part}.{last}"] for last in ("weight", "bias")} for part in "abc"}
    same(ai.initialize(model(), RULES, pretrained=nested), flat)
    same(ai.initialize(model(), RULES, pretrained=list(flat.items())), flat)


def test_an_archive_of_numpy_is_read_array_by_array(tmp_path: Path) -> None:
    given = checkpoint("a.weight", "b.bias")
    np.savez_compressed(tmp_path / "some.npz", **given)
    expected = ai.initialize(model(), RULES, rng=3, pretrained=given)
    same(ai.initialize(model(), RULES, rng=3, pretrained=tmp_path / "some.npz"), expected)
    with np.load(tmp_path / "some.npz") as archive:
        same(ai.initialize(model(), RULES, rng=3, pretrained=archive), expected)
        plan, empty = ai.plan(model(), RULES, pretrained=archive), model()
    with pytest.raises(ValueError, match="the archive of the checkpoint is closed"):
        ai.initialize(empty, plan, rng=3)
    assert all(np.isnan(array).all() for array in empty.values())
    assert ai.plan(model(), RULES, pretrained=str(tmp_path / "some.npz"))[0].source == "some.npz"


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


def test_tensors_of_another_shape_are_left_to_the_rules() -> None:
    given = {**checkpoint(), "b.weight": np.ones((9, 4), "float32")}
    made = ai.initialize(model(), RULES, rng=3, pretrained=given, on_mismatch="initialize")
    same(made, {**given, "b.weight": ai.initialize(model(), RULES, rng=3)["b.weight"]})


def test_a_function_fits_tensors_of_another_shape() -> None:
    given = {**checkpoint(), "b.weight": np.arange(24, dtype="float32").reshape(6, 4)}
    seen = []

    def first_rows(value: Any, p: Any) -> Any:
        seen.append((value.shape, p.name, p.shape))
        return value[: p.shape[0]]

    made = ai.initialize(model(), RULES, pretrained=given, on_mismatch=first_rows)
    same(made, {**given, "b.weight": given["b.weight"][:5]})
    assert seen == [((6, 4), "b.weight", (5, 4))]
    zeros = ai.initialize(model(), RULES, pretrained=given, on_mismatch=lambda value, p: ai.zeros())
    assert not zeros["b.weight"].any()
    assert ai.plan(model(), RULES, pretrained=given, on_mismatch=first_rows)[2].source == "on_mismatch"


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


def test_numbers_are_rounded_once() -> None:
    wide = {name: array.astype("float64") + 1e-9 for name, array in checkpoint().items()}
    made = ai.initialize(model(), RULES, pretrained=wide)
    same(made, {name: array.astype("float32") for name, array in wide.items()})


def test_integers_must_fit() -> None:
    counts = {"count": np.zeros((), "int8")}
    ai.initialize(counts, [], pretrained={"count": np.asarray(100)})
    assert counts["count"] == 100
    with pytest.raises(ValueError, match="these integers do not fit: count: source has values from 300 to 300"):
        ai.initialize(counts, [], pretrained={"count": np.asarray(300)})
    assert counts["count"] == 100


def test_an_array_under_two_names_may_be_saved_under_either_or_both() -> None:
    shared = np.full((2, 3), np.nan, "float32")
    tied, value = {"a": shared, "b": shared}, np.arange(6, dtype="float32").reshape(2, 3)
    for given in ({"a": value}, {"b": value}, {"a": value, "b": value.copy()}):
        shared.fill(np.nan)
        ai.initialize(tied, [], pretrained=given)
        np.testing.assert_array_equal(shared, value)
    shared.fill(np.nan)
    with pytest.raises(ValueError, match="these are tied in the model, and have different values in the checkpoint: b"):
        ai.initialize(tied, [], pretrained={"a": value, "b": value + 1})
    assert np.isnan(shared).all()


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


def test_names_are_looked_up_as_they_are_renamed() -> None:
    given = {f"net.{name}": array for name, array in checkpoint().items()}
    same(ai.initialize(model(), [], pretrained=given, rename=[("^", "net.")]), checkpoint())
    # The seeds are those of the names in the checkpoint.
    half = {"net.a.weight": given["net.a.weight"]}
    made = ai.initialize(model(), RULES, rng=3, pretrained=half, rename=[("^", "net.")])
    scratch = ai.initialize(model(), RULES, rng=3, rename=[("^", "net.")])
    same(made, {**scratch, "a.weight": given["net.a.weight"]})


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


def test_a_plan_loads_again_and_its_json_is_told_the_checkpoint() -> None:
    given = checkpoint("a.weight", "c.bias")
    plan = ai.plan(model(), RULES, pretrained=given)
    expected = ai.initialize(model(), plan, rng=3)
    same(ai.initialize(model(), RULES, rng=3, pretrained=given), expected)
    text = plan.to_json()
    assert len(text) < 2000
    kept = ai.Plan.from_json(text)
    assert kept == plan
    with pytest.raises(ValueError, match=r"pass the checkpoint as pretrained=, for a\.weight, c\.bias"):
        ai.initialize(model(), kept, rng=3)
    same(ai.initialize(model(), kept, rng=3, pretrained=given), expected)
    other = {name: array + 1 for name, array in given.items()}
    np.testing.assert_array_equal(ai.initialize(model(), plan, rng=3, pretrained=other)["c.bias"], other["c.bias"])
    for wrong in ({}, {**given, "c.bias": np.ones(3, "float32")}, {**given, "c.bias": np.ones(2, "float64")}):
        with pytest.raises(ValueError, match=r"the plan loads|the plan has"):
            ai.initialize(model(), kept, pretrained=wrong)
    with pytest.raises(TypeError, match="the plan loads no tensor: pass pretrained= to plan"):
        ai.initialize(model(), ai.plan(model(), RULES), pretrained=given)
    with pytest.raises(TypeError, match=r"pass on_mismatch= to plan\(\)"):
        ai.initialize(model(), plan, on_mismatch="initialize")


def test_the_audit_knows_what_was_loaded() -> None:
    given = {**checkpoint(), "a.weight": np.full((4, 3), 7.0, "float32")}
    plan = ai.plan(model(), RULES, pretrained=given)
    filled = ai.initialize(model(), plan)
    assert plan.audit(filled).ok
    assert ai.Plan.from_json(plan.to_json()).audit(filled).ok
    filled["a.weight"][0, 0] = 8.0
    assert plan.audit(filled).faults == ["a.weight: the values are not those of the checkpoint"]
