"""The machine code of sm_90 that NVRTC makes of the CUDA kernels: the host's bits, and what they cost."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import machine_code
import numpy as np
import pytest
from any_box import Case, Memory, random_case
from kernels_under_test import KERNELS
from sass import Choices

from arrayinit.core.distributions import Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import Seed, seed_of

pytestmark = pytest.mark.usefixtures("numpy_library")

SEED = Seed((5,))
WHOLE = Memory((0,), (1,), (0,))


def check(case: Case, choices: Choices | None = None, message: str = "") -> None:
    filled = case.filled(lambda draw, box, corner: machine_code.run(draw, box, corner, choices))
    np.testing.assert_array_equal(filled, case.expected(), err_msg=message)


def contiguous(distribution: Distribution, dtype: str, size: int) -> Case:
    return Case(Draw(distribution, SEED, FORMATS[dtype], (size,), (0,)), (0,), (size,), WHOLE)


@pytest.mark.parametrize("dtype", FORMATS)
def test_every_distribution_has_the_bits_of_the_host(dtype: str) -> None:
    for name, distribution, _ in machine_code.chosen([dtype]):
        check(contiguous(distribution, dtype, 6000), message=name)
