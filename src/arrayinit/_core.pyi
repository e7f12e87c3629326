# The compiled core, from csrc/. It is missing where no C compiler built it.

from typing import Any

def fill(
    law: bytes,
    key: int | tuple[int, int],
    array: Any,
    shape: tuple[int, ...] | None = None,
    corner: tuple[int, ...] | None = None,
    /,
) -> None: ...
def fill_at_once(law: bytes, key: int | tuple[int, int], array: Any, order: tuple[int, ...] | None, /) -> bool: ...
def fill_address(
    law: bytes,
    key: int | tuple[int, int],
    address: int,
    shape: tuple[int, ...],
    order: tuple[int, ...] | None,
    /,
) -> None: ...
def key(entropy: tuple[int, ...], spawn_key: tuple[int, ...], /) -> tuple[int, int]: ...
def program(digest: int, /) -> int: ...
def instruction_sets() -> list[str]: ...
def use(name: str, /) -> None: ...
