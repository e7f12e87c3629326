"""Names of parameters: how they are renamed before they are folded into the seed, and which names are near."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, reduce
from itertools import takewhile
from typing import Any

Rename = str | Mapping[str, str] | Sequence[tuple[Any, str] | str] | Callable[[str], str] | None
"""``"torch"``, a mapping of names, a list of (regular expression, replacement) and "torch", a function, or None."""

_WORD = re.compile(r"[^\W_]+|[\W_]")
_SHOWN = 8

# The last segment of a name in Flax, Haiku, Keras and Paddle, and in torch.
_TORCH = {
    "kernel": "weight",
    "embedding": "weight",
    "embeddings": "weight",
    "scale": "weight",
    "gamma": "weight",
    "w": "weight",
    "beta": "bias",
    "b": "bias",
    "offset": "bias",
    "_weight": "weight",
    "_mean": "running_mean",
    "_variance": "running_var",
}


def renaming(rename: Rename) -> Callable[[str], str]:
    """Return the function that renames."""
    if rename is None:
        return lambda name: name
    if rename == "torch":
        return torch_name
    if isinstance(rename, Mapping):
        names: Mapping[str, str] = rename
        return lambda name: names.get(name, name)
    if callable(rename):
        return lambda name: _text(name, rename(name))
    if not isinstance(rename, str) and isinstance(rename, Sequence):
        steps = [torch_name if step == "torch" else _replacing(step) for step in rename]
        return lambda name: reduce(lambda text, step: step(text), steps, name)
    raise TypeError(
        f"rename must be 'torch', a mapping of names, a list of (regular expression, replacement), or a function; got "
        f"{rename!r}"
    )


def follows_torch(rename: Rename) -> bool:
    """Whether names become those of torch."""
    return rename == "torch" or (isinstance(rename, (list, tuple)) and "torch" in rename)


def _text(name: str, renamed: Any) -> str:
    if not isinstance(renamed, str):
        raise TypeError(f"rename must return a string for {name!r}, got {renamed!r}")
    return renamed


def unknown(rename: Rename, names: Sequence[str]) -> list[str]:
    """Return a problem for each name in a mapping that no parameter has."""
    given = rename if isinstance(rename, Mapping) else {}
    return [f"rename has {name!r}, which is no parameter{near(name, names)}" for name in given if name not in names]


def torch_name(name: str) -> str:
    """Return a name with the last segment that torch has."""
    head, dot, last = name.rpartition(".")
    return f"{head}{dot}{_TORCH.get(last, last)}"


def _replacing(step: Any) -> Callable[[str], str]:
    pattern, replacement = step
    return partial(re.compile(pattern).sub, replacement)


def duplicates(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return a problem for each name that two parameters, or parts of them, share: in the model, or as their seed."""
    seen: dict[str, str] = {}
    problems: list[str] = []
    for name, renamed in pairs:
        first = seen.get(renamed)
        if first == name:
            problems.append(f"the model has two parameters of the name {name!r}: give one layer another name")
        elif first is not None:
            problems.append(
                f"{first!r} and {name!r} have one name for their seeds, {renamed!r}, and would get equal numbers: "
                "change rename= or names="
            )
        else:
            seen[renamed] = name
    return problems


def near(text: str, names: Sequence[str]) -> str:
    """Return a hint that tells the names, or their ends, which are like a selector that matches none."""
    from difflib import get_close_matches

    segments = text.count(".") + 1
    ends = dict.fromkeys(".".join(name.split(".")[-segments:]) for name in names)
    found = get_close_matches(text, list(ends), 3, 0.6) or get_close_matches(text, names, 3, 0.6)
    return f"; near: {', '.join(found)}" if found else ""


def listed(names: Sequence[str], limit: int = 8) -> str:
    """Return names for an error, the first of many."""
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")


def ranges(numbers: list[int]) -> str:
    """Return the text for sorted numbers: ``7``, or ``{0..3,8}``."""
    if len(numbers) == 1:
        return str(numbers[0])
    starts = [n for n in numbers if n - 1 not in numbers]
    stops = [n for n in numbers if n + 1 not in numbers]
    runs = (str(a) if a == b else f"{a}..{b}" for a, b in zip(starts, stops, strict=True))
    return f"{{{','.join(runs)}}}"


def joined_names(names: Sequence[str]) -> str:
    """Return one text for names that differ in one piece, as those of parts do: ``attn.{q,k,v}.weight``."""
    words = [_WORD.findall(name) for name in names]
    head = _common(words)
    tail = _common([name[head:][::-1] for name in words])
    first, pieces = words[0], ["".join(name[head : len(name) - tail]) for name in words]
    if len(set(names)) == 1:
        return names[0]
    if all(piece.isdecimal() for piece in pieces):
        middle = ranges(sorted(map(int, pieces)))
    else:
        shown = pieces if len(pieces) <= _SHOWN else [*pieces[: _SHOWN - 1], "...", pieces[-1]]
        middle = f"{{{','.join(shown)}}}"
    return "".join([*first[:head], middle, *first[len(first) - tail :]])


def _common(words: Sequence[Sequence[str]]) -> int:
    """Return how many words at the start are the same everywhere."""
    same = (len(set(column)) == 1 for column in zip(*words, strict=False))
    return len(list(takewhile(bool, same)))
