"""Memory of a grid, by bytes, as far as its instructions reach it."""

from __future__ import annotations

import numpy as np

from sass.disassembly import Array


class Memory:
    """Bytes that begin at an address."""

    def __init__(self, content: Array, start: int = 0) -> None:
        self.content, self.start = content, start

    def _places(self, addresses: Array, size: int) -> Array:
        """Return the place of each byte; what a GPU traps is an error."""
        first = addresses - self.start
        if first.size and (int(first.min()) < 0 or int(first.max()) + size > len(self.content)):
            raise IndexError(f"{size} bytes are read or written beside the memory of {len(self.content)} bytes")
        if (addresses % size).any():
            raise ValueError(f"{size} bytes are read or written at an address that is no multiple")
        return first[..., None] + np.arange(size)

    def load(self, addresses: Array, size: int) -> list[Array]:
        """Return words of 32 bits; fewer bytes are extended by zeros."""
        content = self.content[self._places(addresses, size)]
        if size < 4:
            content = np.concatenate([content, np.zeros((*addresses.shape, 4 - size), np.uint8)], axis=-1)
        words = content.view(np.uint32)
        return [words[..., k] for k in range(words.shape[-1])]

    def store(self, addresses: Array, size: int, words: list[Array]) -> None:
        """Store as many bytes of the words."""
        content = np.stack(words, axis=-1).view(np.uint8)[..., :size]
        self.content[self._places(addresses, size)] = content
