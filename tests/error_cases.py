"""Wrong arguments of each function, and what the error must say."""

import math

import numpy as np
from cases import DRAWN, SCALED

import arrayinit as ai

MATRIX = (4, 6)
KERNEL = (4, 2, 3)

# function, shape, arguments, error, what the message must say
CASES = [
    (ai.uniform_, MATRIX, {"a": 1.0, "b": 0.0}, ValueError, "a must be at most b, got a=1.0 and b=0.0"),
    (ai.uniform_, MATRIX, {"a": math.nan}, ValueError, "a must not be NaN"),
    (ai.uniform_, MATRIX, {"b": math.inf}, ValueError, "b must be finite, got inf"),
    (ai.uniform_, MATRIX, {"a": "0"}, TypeError, "a must be a real number, got '0' of type str"),
    (ai.uniform_, MATRIX, {"a": True}, TypeError, "a must be a real number, got True of type bool"),
    (ai.uniform_, MATRIX, {"b": 1j}, TypeError, "b must be a real number, got 1j of type complex"),
    (ai.uniform_, MATRIX, {"b": 10**400}, ValueError, "b must fit a double"),
    (ai.normal_, MATRIX, {"std": -1.0}, ValueError, "std must be at least 0, got -1.0"),
    (ai.normal_, MATRIX, {"std": math.nan}, ValueError, "std must not be NaN"),
    (ai.normal_, MATRIX, {"mean": math.inf}, ValueError, "mean must be finite, got inf"),
    (ai.normal_, MATRIX, {"mean": None}, TypeError, "mean must be a real number, got None of type NoneType"),
    (ai.trunc_normal_, MATRIX, {"std": 0.0}, ValueError, "std must be above 0, got 0.0"),
    (ai.trunc_normal_, MATRIX, {"a": 3.0}, ValueError, "a must be at most b, got a=3.0 and b=2.0"),
    (ai.trunc_normal_, MATRIX, {"b": math.nan}, ValueError, "b must not be NaN"),
    (ai.trunc_normal_, MATRIX, {"a": math.inf, "b": math.inf}, ValueError, "from a=inf to b=inf is empty"),
    (ai.constant_, MATRIX, {"val": "1"}, TypeError, "val must be a number, got '1' of type str"),
    (ai.constant_, MATRIX, {"val": 1j}, TypeError, "val=1j is complex, but x has dtype float32"),
    (
        ai.eye_,
        (4,),
        {},
        ValueError,
        "eye_ needs a matrix, without kernel axes, got x of shape (4,) with layout",
    ),
    (ai.eye_, KERNEL, {}, ValueError, "eye_ needs a matrix, without kernel axes, got x of shape (4, 2, 3) with layout"),
    (ai.eye_, KERNEL, {"layout": "OIk"}, ValueError, "got x of shape (4, 2, 3) with layout 'OIk'"),
    *(
        (function, shape, {"gain": gain}, error, text)
        for function, shape in ((ai.eye_, MATRIX), (ai.dirac_, KERNEL))
        for gain, error, text in (
            ("1", TypeError, "gain must be a real number, got '1' of type str"),
            (True, TypeError, "gain must be a real number, got True of type bool"),
            (1j, TypeError, "gain must be a real number, got 1j of type complex"),
            (math.nan, ValueError, "gain must not be NaN"),
            (math.inf, ValueError, "gain must be finite, got inf"),
            (1e39, ValueError, "gain=1e+39 does not fit dtype float32: it must be within 3.4028"),
        )
    ),
    (ai.eye_, MATRIX, {"layout": "BIO"}, ValueError, "has 2 axes, but layout 'BIO' needs 3"),
    (ai.dirac_, MATRIX, {}, ValueError, "dirac_ needs a kernel of 3 axes or more, 3 of them kernel axes at the most"),
    (ai.dirac_, (2,) * 6, {}, ValueError, "got x of shape (2, 2, 2, 2, 2, 2) with layout 'OI...'"),
    (ai.dirac_, KERNEL, {"groups": 3}, ValueError, "groups=3 must divide the 4 output features of x"),
    (ai.dirac_, KERNEL, {"groups": 0}, ValueError, "groups must be an integer of at least 1, got 0"),
    (ai.dirac_, KERNEL, {"groups": -2}, ValueError, "groups must be an integer of at least 1, got -2"),
    (ai.dirac_, KERNEL, {"groups": True}, ValueError, "groups must be an integer of at least 1, got True"),
    (ai.dirac_, KERNEL, {"layout": "OI"}, ValueError, "x of shape (4, 2, 3) has 3 axes, but layout 'OI' needs 2"),
    (ai.orthogonal_, (4,), {}, ValueError, "orthogonal_ needs x to have 2 axes or more, got shape (4,)"),
    (ai.orthogonal_, MATRIX, {"layout": "BOI"}, ValueError, "has 2 axes, but layout 'BOI' needs 3"),
    (ai.orthogonal_, MATRIX, {"layout": "O?"}, ValueError, "layout 'O?' has an unknown letter '?'"),
    (ai.orthogonal_, MATRIX, {"gain": "1"}, TypeError, "gain must be a real number, got '1' of type str"),
    (ai.orthogonal_, MATRIX, {"gain": math.inf}, ValueError, "gain must be finite, got inf"),
    (
        ai.delta_orthogonal_,
        MATRIX,
        {},
        ValueError,
        "needs 1 to 3 kernel axes, got x of shape (4, 6) with layout",
    ),
    (ai.delta_orthogonal_, (2,) * 6, {}, ValueError, "delta_orthogonal_ needs 1 to 3 kernel axes"),
    (
        ai.delta_orthogonal_,
        KERNEL,
        {"layout": "IO..."},
        ValueError,
        "as many output features as input features, got 2",
    ),
    (ai.delta_orthogonal_, KERNEL, {"layout": "OI"}, ValueError, "x of shape (4, 2, 3) has 3 axes, but layout 'OI'"),
    (ai.delta_orthogonal_, KERNEL, {"gain": math.nan}, ValueError, "gain must not be NaN"),
    (ai.delta_orthogonal_, KERNEL, {"gain": None}, TypeError, "gain must be a real number, got None of type NoneType"),
    (ai.variance_scaling_, MATRIX, {"scale": 0.0}, ValueError, "scale must be above 0, got 0.0"),
    (ai.variance_scaling_, MATRIX, {"scale": -1}, ValueError, "scale must be above 0, got -1.0"),
    (ai.variance_scaling_, MATRIX, {"scale": math.nan}, ValueError, "scale must not be NaN"),
    (ai.variance_scaling_, MATRIX, {"scale": "2"}, TypeError, "scale must be a real number, got '2' of type str"),
    (ai.variance_scaling_, MATRIX, {"mode": "fan"}, ValueError, "fan_avg, fan_geo_avg; got 'fan'"),
    (
        ai.variance_scaling_,
        MATRIX,
        {"distribution": "gaussian"},
        ValueError,
        "distribution must be one of normal, truncated_normal, uniform; got 'gaussian'",
    ),
    (ai.sparse_, KERNEL, {"sparsity": 0.5}, ValueError, "sparse_ needs a matrix, of 2 axes, got x of shape (4, 2, 3)"),
    (ai.sparse_, MATRIX, {"sparsity": 1.5}, ValueError, "sparsity must be within [0, 1], got 1.5"),
    (ai.sparse_, MATRIX, {"sparsity": -0.1}, ValueError, "sparsity must be within [0, 1], got -0.1"),
    (ai.sparse_, MATRIX, {"sparsity": math.nan}, ValueError, "sparsity must not be NaN"),
    (ai.sparse_, MATRIX, {"sparsity": 0.5, "std": -1}, ValueError, "std must be at least 0, got -1.0"),
    (ai.xavier_uniform_, MATRIX, {"gain": -1.0}, ValueError, "gain must be at least 0, got -1.0"),
    (ai.xavier_normal_, MATRIX, {"gain": math.nan}, ValueError, "gain must not be NaN"),
]
for scaled in (DRAWN[name].function for name in SCALED):
    CASES += [
        (scaled, (4,), {}, ValueError, "has 1 axis, but layout 'OI...' needs at least 2; for a bias, pass layout='O'"),
        (scaled, (), {}, ValueError, "x of shape () has 0 axes, but layout 'OI...' needs at least 2"),
        (scaled, MATRIX, {"layout": "BIO"}, ValueError, "has 2 axes, but layout 'BIO' needs 3"),
        (
            scaled,
            MATRIX,
            {"layout": "O1"},
            ValueError,
            "layout 'O1' has an unknown letter '1'; the letters are 'O' out",
        ),
        (
            scaled,
            MATRIX,
            {"layout": "oi"},
            ValueError,
            "layout 'oi' has a small letter 'o': 'O', 'I' and 'B' are upper case; did you mean 'OI'?",
        ),
        (scaled, MATRIX, {"layout": "bOI"}, ValueError, "layout 'bOI' has a small letter 'b'"),
        (scaled, MATRIX, {"layout": "...io"}, ValueError, "did you mean '...IO'?"),
        (scaled, (1, 6), {"groups": 2}, ValueError, "groups=2 must divide the 1 output feature of x"),
        (scaled, MATRIX, {"layout": "O...I..."}, ValueError, "layout 'O...I...' has an unknown letter '.'"),
        (scaled, MATRIX, {"layout": "HW"}, ValueError, "layout 'HW' names neither output nor input features"),
        (scaled, MATRIX, {"layout": None}, ValueError, "layout must be a string of letters, got None"),
        (scaled, MATRIX, {"groups": 3}, ValueError, "groups=3 must divide the 4 output features of x"),
        (scaled, MATRIX, {"groups": 0}, ValueError, "groups must be an integer of at least 1, got 0"),
        (scaled, MATRIX, {"groups": 1.0}, ValueError, "groups must be an integer of at least 1, got 1.0"),
    ]
for scaled in (ai.kaiming_uniform_, ai.kaiming_normal_):
    CASES += [
        (
            scaled,
            MATRIX,
            {"mode": "fan"},
            ValueError,
            "mode must be one of fan_in, fan_out, fan_avg, fan_geo_avg; got 'fan'",
        ),
        (scaled, MATRIX, {"mode": 3}, ValueError, "got 3"),
        (scaled, MATRIX, {"nonlinearity": "gelu"}, ValueError, "leaky_relu; got 'gelu'"),
        (scaled, MATRIX, {"nonlinearity": ["relu"]}, ValueError, "leaky_relu; got ['relu']"),
        (scaled, MATRIX, {"nonlinearity": True}, ValueError, "leaky_relu; got True"),
        (scaled, MATRIX, {"nonlinearity": -1}, ValueError, "nonlinearity must be at least 0, got -1"),
        (scaled, MATRIX, {"nonlinearity": math.nan}, ValueError, "nonlinearity must not be NaN"),
        (scaled, MATRIX, {"a": True}, ValueError, "the negative slope must be a real number, got True of type bool"),
        (
            scaled,
            MATRIX,
            {"a": np.True_},
            ValueError,
            "the negative slope must be a real number, got True of type bool",
        ),
        (scaled, MATRIX, {"a": "x"}, ValueError, "the negative slope must be a real number, got 'x' of type str"),
        (scaled, MATRIX, {"a": 10**400}, ValueError, "the negative slope must fit a double"),
        (scaled, MATRIX, {"a": math.nan}, ValueError, "the negative slope must not be NaN"),
    ]
CASES += [
    (case.function, case.shape, {**case.arguments, "rng": rng}, TypeError, text)
    for case in DRAWN.values()
    for rng, text in (
        (True, "must be None"),
        (1.5, "got 1.5 (float)"),
        ("0", "got '0' (str)"),
        (np.random.RandomState(0), "numpy.random"),
    )
]
