"""The random words of docs/portable-stream.md, written from the page alone: nothing here knows the library."""

import hashlib
import struct

U32, U64 = 2**32 - 1, 2**64 - 1


# From a seed to a key.


def words_of(n):
    """The 32-bit words of an integer or of a sequence of them."""
    if not isinstance(n, int):
        return [w for member in n for w in words_of(member)]
    return [n >> k & U32 for k in range(0, max(n.bit_length(), 1), 32)]


def fold_in(*parts):
    """The words that `fold_in` appends to a spawn key."""
    kinds = [b"s" + p.encode() if isinstance(p, str) else b"i%d" % p for p in parts]
    return [w for text in kinds for w in struct.unpack("<4I", hashlib.sha256(text).digest()[:16])]


def key(seed, spawn_key=()):
    E = words_of(seed)
    if len(spawn_key):
        E += [0] * (4 - len(E)) + words_of(spawn_key)
    h = 0x43B0D7E5

    def hash_(v):
        nonlocal h
        v ^= h
        h = h * 0x931E8875 & U32
        v = v * h & U32
        return v ^ v >> 16

    def mix(x, y):
        r = 0xCA01F9DD * x - 0x4973F715 * y & U32
        return r ^ r >> 16

    pool = [hash_(E[i] if i < len(E) else 0) for i in range(4)]
    for s in range(4):
        for d in range(4):
            if d != s:
                pool[d] = mix(pool[d], hash_(pool[s]))
    for s in range(4, len(E)):
        for d in range(4):
            pool[d] = mix(pool[d], hash_(E[s]))
    g, state = 0x8B51F9DD, []
    for i in range(4):
        v = pool[i] ^ g
        g = g * 0x58F38DED & U32
        v = v * g & U32
        state.append(v ^ v >> 16)
    return state[0] + 2**32 * state[1], state[2] + 2**32 * state[3]


# From a key to words.


def philox(key, counter):
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(10):
        x, y = 0xCA5A826395121157 * c2, 0xD2E7470EE14C6C93 * c0
        c0, c1, c2, c3 = x >> 64 ^ c1 ^ k0, x & U64, y >> 64 ^ c3 ^ k1, y & U64
        k0, k1 = k0 + 0x9E3779B97F4A7C15 & U64, k1 + 0xBB67AE8584CAA73B & U64
    return c0, c1, c2, c3


def word(key, stream, index, bits):
    if bits == 64:
        return philox(key, (index // 4 + 1, 0, 0, stream))[index % 4]
    block = philox(key, (index // 8 + 1, 0, 0, stream))
    return block[index % 8 // 2] >> 32 * (index % 2) & U32
