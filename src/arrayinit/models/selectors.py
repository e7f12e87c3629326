"""Selectors: which parameters a rule takes."""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from arrayinit.models.parameter import NOTHING, Captures, Parameter

Class = type | str
"""A class of layers, or its name in angle brackets: ``<torch.nn.Linear>``."""


class Selector(ABC):
    """Decides whether a rule takes a parameter."""

    text: str
    """The selector as a user wrote it."""

    @abstractmethod
    def match(self, p: Parameter) -> Captures | None:
        """Return the captures in the name of a parameter, or None if the rule does not take it."""

    def start(self, _name: str, _capture: str) -> int:
        """Return where a capture begins in a name."""
        raise AssertionError("this selector has no captures")


def selector(given: Any) -> Selector:
    """Return the selector that a user means."""
    if isinstance(given, str):
        return Layer(given) if given.startswith("<") else Glob(given)
    if isinstance(given, re.Pattern):
        return Regex(given)
    if isinstance(given, type) or (isinstance(given, tuple) and given and all(map(_is_class, given))):
        return Layer(given)
    if callable(given):
        function: Any = given
        return Predicate(function)
    raise TypeError(
        "a selector must be a pattern such as 'norm*.weight', a compiled regular expression, a class of layers or its "
        f"name such as '<torch.nn.Linear>', a tuple of classes, or a function of the parameter; got {given!r}"
    )


def _is_class(given: Any) -> bool:
    return isinstance(given, type) or (isinstance(given, str) and given.startswith("<"))


class Regex(Selector):
    """A regular expression, searched in the whole name."""

    def __init__(self, pattern: re.Pattern[str], text: str | None = None) -> None:
        self.pattern, self.text = pattern, pattern.pattern if text is None else text
        if not isinstance(self.text, str):
            raise TypeError(f"a regular expression must be of str, got one of {type(self.text).__name__}")

    def match(self, p: Parameter) -> Captures | None:
        """Return the groups by name: integers, or text."""
        found = self.pattern.search(p.name)
        if found is None or (p.is_buffer and not self._names(p.local)):
            return None
        groups = found.groupdict()
        return {k: int(v) if v.isdecimal() else v for k, v in groups.items() if v is not None} if groups else NOTHING

    def _names(self, local: str) -> bool:
        """Whether the text of the expression has this word."""
        return re.search(rf"(?<!\w){re.escape(local)}(?!\w)", self.text) is not None

    def start(self, name: str, capture: str) -> int:
        """Return where a capture begins."""
        found = self.pattern.search(name)
        assert found is not None
        return found.start(capture)


class Glob(Regex):
    """A pattern of whole dotted segments, matched from the right.

    ``*`` stands for any text within a segment, ``**`` for any number of segments, and ``{layer}`` for a number. ``^``
    at the start asks for the whole name.
    """

    def __init__(self, text: str) -> None:
        body = text.removeprefix("^")
        segments = body.split(".")
        if "" in segments:
            raise ValueError(f"pattern {text!r} has an empty segment: write names joined by dots, as 'norm*.weight'")
        parts: list[str] = []
        for at, segment in enumerate(segments):
            if segment == "**":
                parts.append(r"(?:[^.]+\.)*" if at < len(segments) - 1 else r"(?:[^.]+\.)*[^.]+")
            else:
                parts.append(_segment(text, segment, parts) + (r"\." if at < len(segments) - 1 else ""))
        anchor = "" if text.startswith("^") else r"(?:.*\.)?"
        super().__init__(re.compile(f"{anchor}{''.join(parts)}\\Z"), text)
        # Most names differ in their last letters, which takes less time to see.
        self._tail = re.split(r"[*}]", segments[-1])[-1]
        self.is_literal = segments[-1].strip("*") != ""

    def match(self, p: Parameter) -> Captures | None:
        """Return the numbers of the braces."""
        if not p.name.endswith(self._tail) or (p.is_buffer and not self.is_literal):
            return None
        found = self.pattern.match(p.name)
        if found is None:
            return None
        groups = found.groupdict()
        return {name: int(number) for name, number in groups.items()} if groups else NOTHING

    def start(self, name: str, capture: str) -> int:
        """Return where a capture begins."""
        found = self.pattern.match(name)
        assert found is not None
        return found.start(capture)


def _segment(pattern: str, segment: str, before: list[str]) -> str:
    """Return the regular expression of one segment; ``before`` holds those of the segments before it."""
    if "**" in segment:
        raise ValueError(f"pattern {pattern!r} has '**' within the segment {segment!r}: '**' stands for whole segments")
    if segment == "*":
        return r"[^.]+"
    made = ""
    for piece in re.split(r"(\*|\{\w+\})", segment):
        if piece == "*":
            made += r"[^.]*"
        elif piece.startswith("{") and piece.endswith("}"):
            name = piece[1:-1]
            if not name.isidentifier():
                raise ValueError(f"pattern {pattern!r} has {piece!r}: braces hold a name, as in '{{layer}}'")
            is_second = f"(?P<{name}>" in "".join(before) + made
            made += f"(?P={name})" if is_second else rf"(?P<{name}>\d+)"
        elif "{" in piece or "}" in piece:
            raise ValueError(f"pattern {pattern!r} has a brace alone: braces hold a name, as in '{{layer}}'")
        else:
            made += re.escape(piece)
    return made


class Layer(Selector):
    """The parameters that a layer of some class holds itself."""

    takes_buffers = False

    def __init__(self, classes: Class | tuple[Class, ...]) -> None:
        self.classes = classes
        every = classes if isinstance(classes, tuple) else (classes,)
        self.text = ", ".join(cls.__qualname__ if isinstance(cls, type) else _checked(cls) for cls in every)
        self._of_objects = tuple(cls for cls in every if isinstance(cls, type))
        self._names = tuple(cls[1:-1] for cls in every if isinstance(cls, str))

    def match(self, p: Parameter) -> Captures | None:
        """Return no captures. A layer gives buffers by name only."""
        is_taken = (self.takes_buffers or not p.is_buffer) and is_of_class(p.module, self._names, self._of_objects)
        return NOTHING if is_taken else None


def _checked(name: str) -> str:
    if not re.fullmatch(r"<\w+(\.\w+)+>", name):
        raise ValueError(f"{name!r} names no class: write the whole name, as '<torch.nn.Linear>'")
    return name


def is_of_class(layer: Any, names: tuple[str, ...], classes: tuple[type, ...] = ()) -> bool:
    """Whether a layer is of one of these classes.

    A class may be given by the name under which its library exports it: ``torch.nn.Linear``. Nothing is imported: a
    library that is not loaded has no layers.
    """
    cls: Any = type(layer)
    return isinstance(layer, classes) or any(_has_name(cls, name) for name in names)


@lru_cache(4096)
def _has_name(cls: type, name: str) -> bool:
    """Whether a class, or a base of it, is the one of this name."""
    module, _, local = name.rpartition(".")
    known = getattr(sys.modules.get(module), local, None)
    return isinstance(known, type) and issubclass(cls, known)


class LayerParameter(Layer):
    """The parameters of one name, as in ``{"weight": ...}`` after a class of layers."""

    takes_buffers = True

    def __init__(self, classes: Class | tuple[Class, ...], local: str) -> None:
        super().__init__(classes)
        self.local = local
        self.text = f"{self.text} {local}"

    def match(self, p: Parameter) -> Captures | None:
        """Return no captures."""
        return super().match(p) if p.local == self.local else None


class Predicate(Selector):
    """A function of the parameter that returns whether a rule takes it."""

    def __init__(self, function: Callable[[Parameter], bool]) -> None:
        self.function = function
        self.text = getattr(function, "__qualname__", repr(function))

    def match(self, p: Parameter) -> Captures | None:
        """Return no captures. A function takes no buffer."""
        return NOTHING if not p.is_buffer and self.function(p) else None
