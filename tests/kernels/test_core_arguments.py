"""The compiled core refuses wrong arguments: it raises, writes nothing, and keeps nothing."""

from __future__ import annotations

import gc
import sys
from array import array
from collections import Counter
from contextlib import suppress
from random import Random
from struct import pack

import numpy as np
import pytest
from libraries import no_such_case
from wrong_core_calls import KINDS, SIDE, float32_law, memory, wrong_arrays, wrong_calls

from arrayinit.stream import extension

pytestmark = pytest.mark.usefixtures("numpy_library")


def test_each_wrong_call_raises_and_writes_nothing(core):
    tried: Counter[str] = Counter()
    for name, function, arguments, errors in wrong_calls():
        arrays = [x for x in arguments if isinstance(x, np.ndarray) and x.dtype == np.float32]
        before = [x.copy() for x in arrays]
        try:
            getattr(core, function)(*arguments)
        except errors:
            pass
        else:
            pytest.fail(name)
        for x, old in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(x, old, err_msg=name)
        tried[function] += 1
    assert tried.keys() == {name for name in dir(core) if not name.startswith("_")}
    assert tried.total() > 400


def test_what_is_no_plain_memory_is_left_to_the_long_way(core):
    law = float32_law()
    for x in [*wrong_arrays(), memory()[:, ::2], memory().T[:, 1:], memory()[::-1]]:
        before = x.copy() if isinstance(x, np.ndarray) else x
        assert core.fill_at_once(law, 0, x, None) is False
        if isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, before)


def test_no_call_keeps_its_arguments(core):
    law, shape, corner, key = float32_law(), (SIDE, SIDE), (0, 0), (10**10, 10**11)
    right = [
        ("fill", (law, key, memory(), shape, corner)),
        ("fill", (law, 10**10, memory())),
        ("fill_at_once", (law, key, memory(), (1, 0))),
        ("fill_address", (law, key, memory().ctypes.data, (0,), (0,))),
        ("values", (law, np.zeros(99, np.uint32), np.zeros(99, np.float32))),
        ("fill", (law, ((10**10,), (3,), 4), memory())),
        ("key", ((10**10,), (3,))),
        ("program", (10**15,)),
        ("instruction_sets", ()),
        ("use", (extension.instruction_set(),)),
    ]
    calls = [*right, *((function, arguments) for _, function, arguments, _ in wrong_calls())]

    def call(function, arguments, times):
        for _ in range(times):
            with suppress(Exception):
                getattr(core, function)(*arguments)

    gc.collect()
    for function, arguments in calls:
        call(function, arguments, 20)
        counts = [sys.getrefcount(x) for x in arguments]
        blocks = sys.getallocatedblocks()
        call(function, arguments, 200)
        assert sys.getallocatedblocks() - blocks < 100, (function, arguments)
        assert [sys.getrefcount(x) for x in arguments] == counts, (function, arguments)


def test_the_buffer_is_released_after_an_error_and_after_a_fill(core):
    law, x = float32_law(), array("f", [7.0] * 100)
    for given in ((), ((99,), (0,)), ((100,), (1,)), ((1, 100), (0, 0)), ((100,), (0,))):
        try:
            core.fill(law, 0, x, *given)
        except ValueError:
            assert given
        # An array whose memory is in use cannot grow.
        x.append(7.0)
        x.pop()
    core.fill_at_once(law, 0, x, (0,))
    with pytest.raises(ValueError, match="permutation"):
        core.fill_at_once(law, 0, x, (1,))
    x.append(7.0)


@pytest.fixture(scope="module")
def sizes():
    """The sizes of the numbers of each program, by the index of the program and the format."""
    core = extension.core()
    return {place: size for program in range(100) for place, size in _sizes(core, program)} if core else {}


def _sizes(core, program):
    # All formats but the first four have the programs of float32.
    for form in range(4):
        for size in range(0, 1600, 4):
            with suppress(ValueError):
                core.fill(pack("=II", program, form) + bytes(size), 0, np.empty(0, KINDS[form]))
                others = range(4, len(KINDS)) if form == 0 else ()
                return [((program, k), size) for k in (form, *others)]
    return []


@pytest.mark.parametrize("name", ["base", "avx2", "avx512"])
def test_any_numbers_of_any_law_write_only_into_the_box(core, sizes, name):
    """Any program may be asked for any numbers, also for infinities and NaNs, in any format, at any place."""
    if name not in core.instruction_sets():
        no_such_case(f"this machine, with this build, has no {name}")
    assert len({program for program, _ in sizes}) > 40
    rng = Random(0)
    core.use(name)
    try:
        for _ in range(40):
            for (program, form), size in sizes.items():
                law = pack("=II", program, form) + rng.randbytes(size)
                whole = np.full(rng.choice((40, 300, 2500)), 7, KINDS[form])
                core.fill(law, rng.getrandbits(64), whole[8:-8], (2**40,), (rng.randrange(2**39),))
                np.testing.assert_array_equal([whole[:8], whole[-8:]], 7)
    finally:
        core.use(extension.instruction_set())
