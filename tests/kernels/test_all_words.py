"""The core's draws are NumPy's for words from everywhere; ``python tests/all_words.py`` takes all of them."""

import numpy as np
import pytest
from all_words import LAWS, differing

pytestmark = pytest.mark.usefixtures("numpy_library")

# Around the ends of branches, and 2^20 more.
ENDS = np.arange(1 << 32, step=1 << 20)
WORDS = np.unique([*(ENDS[:, None] + np.arange(-40, 40)).flat, *range(0, 1 << 32, 4093)]).astype(np.uint32)


@pytest.mark.parametrize("name", LAWS)
def test_each_word_gives_the_number_that_numpy_makes_of_it(name, core):
    assert set(differing(LAWS[name], WORDS)) == {(cpu, 0) for cpu in core.instruction_sets()}


def test_a_change_of_one_bit_is_seen(core, monkeypatch):
    monkeypatch.setattr("all_words.transform", lambda *given: _with_one_changed(*given))
    assert {count for _, count in differing(LAWS["normal"], WORDS)} == {1}


def _with_one_changed(*given):
    from arrayinit.stream.transform import transform

    values = transform(*given)
    values.view(np.uint32)[1234] ^= 1
    return values
