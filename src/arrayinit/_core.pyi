# The compiled core, from csrc/. It is missing where no C compiler built it.

from typing import Any, TypeAlias

Key: TypeAlias = int | tuple[int, int] | tuple[tuple[int, ...], tuple[int, ...], int]

def fill(
    law: bytes,
    key: Key,
    array: Any,
    shape: tuple[int, ...] | None = None,
    corner: tuple[int, ...] | None = None,
    /,
) -> None: ...
def fill_at_once(law: bytes, key: Key, array: Any, order: tuple[int, ...] | None, /) -> bool: ...
def fill_address(
    law: bytes,
    key: Key,
    address: int,
    shape: tuple[int, ...],
    order: tuple[int, ...] | None,
    /,
) -> None: ...
def values(law: bytes, words: Any, values: Any, /) -> None: ...
def key(entropy: tuple[int, ...], spawn_key: tuple[int, ...], /) -> tuple[int, int]: ...
def program(digest: int, /) -> int: ...
def instruction_sets() -> list[str]: ...
def use(name: str, /) -> None: ...
