"""The picture at the top of the README shows what the library makes."""

import hashlib
from pathlib import Path

import numpy as np

import arrayinit

PICTURE = Path(__file__).parents[2] / "docs" / "_static" / "hero.png"


def test_the_picture_shows_the_weights_of_this_version() -> None:
    weight = arrayinit.xavier_normal_(np.empty((16, 28), np.float32), rng=0)
    digest = hashlib.sha256(weight.tobytes()).hexdigest()
    assert b"Description\0" + digest.encode() in PICTURE.read_bytes()


def test_the_picture_loads_at_once() -> None:
    assert PICTURE.stat().st_size < 100_000
