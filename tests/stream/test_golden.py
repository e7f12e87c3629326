"""What a seed gives never changes: everything that is recorded in golden.json is drawn again."""

import inspect
import json
import sys
from functools import cache

import golden
import numpy as np
import pytest

import arrayinit as ai
from arrayinit.kernels import subsets, words
from arrayinit.stream import coefficients, transform, truncated
from arrayinit.stream import seed as seeds

pytestmark = pytest.mark.usefixtures("numpy_library")

HOW = "if each seed is to give other numbers from now on, run python tests/golden.py --accept"


@cache
def sound():
    """Draw everything once, for the tests that change nothing."""
    return tuple(golden.current())


def changes(drawn):
    """Yield what differs from the recorded, or is not in it."""
    recorded = golden.read()
    for call, dtype, case, result in drawn:
        old = recorded.get(call, {}).get(dtype, {}).get(case)
        if old is None:
            yield f"{call} in {dtype}, {case} is not recorded: run python tests/golden.py"
        elif not golden.agree(old, result, dtype):
            yield f"{call} in {dtype}, {case} was {old} and is {result}; {HOW}"


def test_each_seed_gives_what_it_gave():
    assert next(changes(sound()), None) is None


def test_all_that_is_recorded_is_drawn():
    recorded = golden.read().items()
    names = {(call, dtype, case) for call, dtypes in recorded for dtype, cases in dtypes.items() for case in cases}
    assert names == {(call, dtype, case) for call, dtype, case, _ in sound()}
    assert golden.FILE.stat().st_size < 300_000


def test_all_random_functions_are_recorded():
    filling = {name for name in ai.__all__ if name.endswith("_")}
    random = {name for name in filling if "rng" in inspect.signature(getattr(ai, name)).parameters}
    assert random == {call.function.__name__ for call in golden.CALLS}


def leaves(table, path=()):
    """Yield the place of each number in nested tuples."""
    if isinstance(table, tuple):
        for i, part in enumerate(table):
            yield from leaves(part, (*path, i))
    else:
        yield path


def scaled(table, path, factor):
    """Return nested tuples with one number multiplied."""
    if not path:
        return table * factor
    parts = list(table)
    parts[path[0]] = scaled(parts[path[0]], path[1:], factor)
    return type(table)(*parts) if hasattr(table, "_fields") else tuple(parts)


# The draws that between them use every coefficient, of the most elements.
TELLING = [
    (call, case)
    for call in golden.CALLS
    for case in golden.cases(call)
    if case[1] == (401, 389)
    and (
        (call.name.startswith(("uniform_()", "normal_()", "variance_scaling_(2.0")) and "complex" in case[0])
        or (call.name.startswith("trunc_normal_") and case[0] in ("float32", "float64"))
    )
]
TABLES = {name: table for name, table in vars(coefficients).items() if name.isupper()} | {"_SERIES": truncated._SERIES}

# Terms that are so small that only the first digits of their coefficients matter.
BELOW_THE_LAST_BIT = {("COSINE", (9,)), ("SINE", (9,)), ("_SERIES", (5,)), ("_SERIES", (6,))}


def first_change(before):
    """Return the first of the telling draws that is not as it was."""
    return next((call.name for (call, case), old in before if golden.digest(golden.drawn(call, *case)) != old), None)


def replace(monkeypatch, old, new):
    """Replace a table wherever it was imported to."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("arrayinit.stream.", "arrayinit.kernels.")):
            for attribute in [key for key, value in vars(module).items() if value is old]:
                monkeypatch.setattr(module, attribute, new)


@pytest.fixture(scope="module")
def before():
    return [((call, case), golden.digest(golden.drawn(call, *case))) for call, case in TELLING]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.usefixtures("no_core")
def test_a_change_of_any_coefficient_is_noticed(name, before, monkeypatch):
    table = TABLES[name]
    assert first_change(before) is None
    for path in leaves(table):
        if (name, path) in BELOW_THE_LAST_BIT:
            continue
        with monkeypatch.context() as patched:
            replace(patched, table, scaled(table, path, 1.001))
            assert first_change(before) is not None, f"{name} at {path}"


LAST_BIT = [
    ("SINGLE", (1,), 1 + 2.0**-23),
    ("SINGLE", (2, 0, 0), 1 + 2.0**-23),
    ("SINGLE_TAIL", (0, 1), 1 + 2.0**-23),
    ("DOUBLE", (2, 0, 0), 1 + 2.0**-52),
    ("SINE", (0,), 1 + 2.0**-52),
    ("COSINE", (1,), 1 + 2.0**-52),
]


@pytest.mark.parametrize(("name", "path", "factor"), LAST_BIT)
@pytest.mark.usefixtures("no_core")
def test_a_change_of_the_last_bit_is_noticed(name, path, factor, before, monkeypatch):
    replace(monkeypatch, TABLES[name], scaled(TABLES[name], path, factor))
    assert first_change(before) is not None


@pytest.mark.parametrize(
    ("module", "attribute", "value"),
    [
        (
            words,
            "_typed",
            lambda drawn, dtype, typed=words._typed: typed(drawn, dtype).reshape(-1, 2)[:, ::-1].reshape(-1),
        ),
        (words, "WORDS_PER_BLOCK", {"uint32": 4, "uint64": 4}),
        (subsets, "KEYS", 1),
        (seeds.Seed, "key", lambda seed: seeds.Key(*seed.sequence().generate_state(4, "uint64").tolist()[1:3])),
        (transform, "horner", lambda ops, table, x: table[0] + 0 * x),
    ],
)
@pytest.mark.usefixtures("no_core")
def test_a_change_of_the_stream_is_noticed_and_named(module, attribute, value, monkeypatch):
    monkeypatch.setattr(module, attribute, value)
    assert HOW in next(changes(golden.current()))


def test_the_script_adds_what_is_new_but_changes_nothing_unless_told_to(tmp_path, monkeypatch):
    monkeypatch.setattr(golden, "FILE", tmp_path / "golden.json")
    first, last = golden.CALLS[0], golden.CALLS[-1]
    for calls in ((first,), (first, last)):
        monkeypatch.setattr(golden, "CALLS", calls)
        golden.main([])
        assert next(changes(golden.current()), None) is None
    right = golden.FILE.read_text()
    for call, dtype, case, value in (
        (first.name, "float64", "(7,), seed 2**31", golden.digest(np.zeros(7))),
        (first.name, "float64", "of a shape that is no longer drawn", golden.digest(np.zeros(7))),
        (last.name, "float32", "(5, 3), seed 0", [0.0] * 15),
    ):
        recorded = json.loads(right)
        recorded[call][dtype][case] = value
        golden.FILE.write_text(json.dumps(recorded))
        with pytest.raises(SystemExit, match="1 recorded draws would change, first ") as refused:
            golden.main([])
        assert f"{call} in {dtype}, {case}" in str(refused.value)
        assert golden.read() == recorded
        golden.main(["--accept"])
        assert golden.FILE.read_text() == right


def test_the_script_keeps_values_that_are_near_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(golden, "FILE", tmp_path / "golden.json")
    monkeypatch.setattr(golden, "CALLS", golden.CALLS[-1:])
    golden.main([])
    recorded = golden.read()
    next(iter(recorded[golden.CALLS[0].name]["float64"].values()))[0] += 1e-15
    golden.FILE.write_text(json.dumps(recorded))
    golden.main([])
    assert golden.read() == recorded
