"""Models and variables of Keras where its arrays are TensorFlow's."""

from __future__ import annotations

import pytest
from peers import peer
from processes import run

pytestmark = [pytest.mark.peers, pytest.mark.large]


def test_keras_takes_arrayinit_on_tensorflow() -> None:
    peer("keras"), peer("tensorflow")
    printed = run("import keras_on_tensorflow; keras_on_tensorflow.main()", timeout=300, KERAS_BACKEND="tensorflow")
    assert len(printed.split()) == 7
