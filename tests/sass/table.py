"""What each instruction does: the functions of the other files, by the names of the instructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from sass.disassembly import Array, Instruction

if TYPE_CHECKING:
    from sass.machine import Machine

Handler = Callable[["Machine", Instruction, Array], Any]


class Entry(NamedTuple):
    """An instruction, or a family of them."""

    run: Callable[..., Any]
    modifiers: frozenset[str]
    is_flow: bool


TABLE: dict[str, Entry] = {}


def unknown(given: Instruction, what: str = "a form") -> NotImplementedError:
    """Return the error for what no test has met yet."""
    return NotImplementedError(f"{what} that no kernel had so far: {given.text}")


def instruction(*names: str, modifiers: str = "") -> Callable[[Handler], Handler]:
    """Register a function for instructions with these names, and any of these modifiers.

    A function gets the machine, the instruction, and the threads for which its guard holds.
    """
    return _register(names, modifiers, is_flow=False)


def flow(*names: str, modifiers: str = "") -> Callable[[Any], Any]:
    """Register a function that decides where threads go on.

    It gets the group that runs and the next address, too. It returns the address where the whole group goes on, or
    sets the addresses and returns None.
    """
    return _register(names, modifiers, is_flow=True)


def _register(names: tuple[str, ...], modifiers: str, *, is_flow: bool) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        TABLE.update(dict.fromkeys(names, Entry(function, frozenset(modifiers.split()), is_flow)))
        return function

    return add


def entry(given: Instruction) -> Entry:
    """Return what an instruction does; those of the uniform registers do what their namesakes do."""
    found = TABLE.get(given.name) or TABLE.get(given.name.removeprefix("U"))
    if found is None or not given.modifiers <= found.modifiers:
        raise unknown(given, "an instruction")
    return found
