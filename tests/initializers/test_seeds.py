"""Seeds on every library: what is none is refused, and the keys of a seed tell which rows are cleared."""

import re

import numpy as np
import pytest

import arrayinit as ai

# seed, error, what the message must say
WRONG = [
    (True, TypeError, "True (bool)"),
    (np.True_, TypeError, "numpy.bool"),
    (1.0, TypeError, "1.0 (float)"),
    (np.float64(2), TypeError, "float64"),
    ("1", TypeError, "'1' (str)"),
    (b"1", TypeError, "bytes"),
    ({1}, TypeError, "set"),
    (-1, ValueError, "a seed must be at least 0, got -1"),
    (np.int64(-3), ValueError, "a seed must be at least 0, got -3"),
    ([1, -2], ValueError, "a seed must be at least 0, got -2"),
    ([], ValueError, "a sequence of seeds must not be empty, got []"),
    ((), ValueError, "a sequence of seeds must not be empty, got ()"),
    ([[1, 2]], TypeError, "a sequence of seeds must hold integers, got [1, 2] of type list"),
    ([1, True], TypeError, "a sequence of seeds must hold integers, got True of type bool"),
    ([1, 2.0], TypeError, "a sequence of seeds must hold integers, got 2.0 of type float"),
    (["1"], TypeError, "a sequence of seeds must hold integers, got '1' of type str"),
    ([None], TypeError, "a sequence of seeds must hold integers, got None of type NoneType"),
]


@pytest.mark.parametrize(("seed", "error", "text"), WRONG, ids=lambda value: str(value))
def test_what_is_no_seed_is_an_error_and_nothing_is_written(seed, error, text, library):
    x = library.full((4, 6), "float32", 7.0)
    with pytest.raises(error, match=re.escape(text)) as raised:
        ai.uniform_(x, rng=seed)
    assert (library.to_numpy(x) == 7.0).all()
    # Whoever gave what is no generator at all is told of seeds too.
    assert "seed" in str(raised.value) or "integer" in str(raised.value)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_sparse_clears_the_rows_of_the_smallest_keys(name, library):
    rows, columns, zeros = 30, 41, 9
    x = library.to_numpy(ai.sparse_(library.full((rows, columns), name, 7.0), zeros / rows, rng=8))
    key = np.random.Philox(8).state["state"]["key"]
    raw = np.random.Philox(counter=2 << 192, key=key).random_raw(rows * columns)
    keys = np.stack([raw & np.uint64(0xFFFFFFFF), raw >> np.uint64(32)], axis=-1).reshape(-1)[: rows * columns]
    ranks = np.argsort(np.argsort(keys.reshape(columns, rows), axis=-1, kind="stable"), axis=-1).T
    np.testing.assert_array_equal(x == 0, ranks < zeros)
    # The others are what normal_ draws.
    whole = library.to_numpy(ai.normal_(library.empty((rows, columns), name), 0.0, 0.01, rng=8))
    np.testing.assert_array_equal(x, np.where(ranks < zeros, 0, whole))
