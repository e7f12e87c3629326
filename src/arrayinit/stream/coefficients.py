"""The coefficients of the portable stream.

A table ``((w, s), ...)`` of fractions stands for the function sum of w / (x + s). Each term is monotone in x, however
it is rounded.
"""

from __future__ import annotations

from typing import NamedTuple

Fractions = tuple[tuple[float, float], ...]
Polynomial = tuple[float, ...]


class Quantile(NamedTuple):
    """The inverse of the normal CDF at 1/2 + q, in one precision.

    z / q is ``constant`` plus the fractions ``centre`` in q^2, for q^2 up to ``edge``. For m from 1 to 2, -log2 m is
    ``exponent`` plus the fractions ``logarithm`` in m. ``exponent`` has few bits: adding a float exponent is exact.
    """

    edge: float
    constant: float
    centre: Fractions
    exponent: float
    logarithm: Fractions


# Minimax approximations. The centre has a relative error of 2.6e-8, the logarithm an absolute error of 1.5e-8.
SINGLE = Quantile(
    edge=(15 / 32) ** 2,
    constant=0.8216463,
    centre=(
        (-1.2737396, -1.2474881),
        (-0.19451109, -0.42400295),
        (-0.047459256, -0.29116327),
        (-0.010809557, -0.25620857),
    ),
    exponent=-5.854183,
    logarithm=(
        (46.634666, 11.599971),
        (3.7624407, 1.4551996),
        (0.73383886, 0.18251854),
    ),
)

# r - z in the tail, where r^2 = -2 log p. A minimax approximation: the relative error of z is 7.7e-9 for r up to 38.
SINGLE_TAIL_CONSTANT = 0.00463972
SINGLE_TAIL: Fractions = (
    (2.0111296, 48.18772),
    (1.5558751, 9.042993),
    (1.58814, 1.8907622),
    (0.73660773, 0.41758057),
)

# The central approximation of AS 241, as partial fractions. The logarithm has an absolute error of 9.8e-17.
DOUBLE = Quantile(
    edge=0.425**2,
    constant=0.48006949109515556,
    centre=(
        (-2.8704986015687335, -3.9487196835119303),
        (-0.5519323128324687, -1.0591836943143151),
        (-0.19195762412469936, -0.5488008704377962),
        (-0.08239831135886472, -0.377787312011331),
        (-0.03811725606171438, -0.30407916948596864),
        (-0.01702695178277435, -0.26911078507717967),
        (-0.005580805769724287, -0.25351003294712926),
    ),
    exponent=-7.6335074080793675,
    logarithm=(
        (160.279708535605, 42.264829529588546),
        (13.396698215338303, 7.208271272501366),
        (3.4265228222821076, 2.374208537723952),
        (1.2841622852671521, 0.889791196879068),
        (0.5446813092745546, 0.2930765366745737),
        (0.1895557468978269, 0.049984962538069874),
    ),
)

# r - z in the tail of double precision, for r up to 38.8: a sum of fractions and one pair of complex poles. The pair
# holds the numbers a, b, c, d of (a x + b) / (x^2 + d), x = r + c. The absolute error is 8.4e-17.
DOUBLE_PAIR = (0.0015473292483740829, -0.1323590621002311, 2.2687772576243592, 7.281574720609417)
DOUBLE_TAIL: Fractions = (
    (2.604860515661167, 944.3471204445507),
    (1.2245296644974857, 168.05671896989543),
    (0.8714612314191889, 60.791001884497355),
    (0.7453367303813004, 27.4448959053002),
    (0.7349400290335748, 13.298406259723636),
    (0.9450504486498897, 6.077663806303164),
    (1.489880662519743, 1.6595358641927915),
    (0.5313229108280346, 0.568645019741182),
    (0.1585894955662459, 0.10727725396399729),
)

# The Taylor series of sin(2 pi t) / t and of cos(2 pi t) in t^2. Single precision takes the first six terms.
SINE: Polynomial = (
    6.283185307179586,
    -41.34170224039976,
    81.60524927607506,
    -76.70585975306139,
    42.058693944897655,
    -15.09464257682299,
    3.819952584848282,
    -0.7181223017785006,
    0.10422916220813984,
)
COSINE: Polynomial = (
    1.0,
    -19.739208802178716,
    64.9393940226683,
    -85.45681720669373,
    60.24464137187666,
    -26.4262567833744,
    7.903536371318469,
    -1.714390711088672,
    0.28200596845579123,
)

# 1 - exp(-4) and exp(-4): the shares of circular normals z with E|z|^2 = 1 whose modulus is at most 2, and above 2.
MODULUS: Polynomial = (0.9816843611112658, 0.01831563888873418)
