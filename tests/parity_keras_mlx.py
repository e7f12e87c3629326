"""The tables of docs/parity.md for Keras and MLX."""

from __future__ import annotations

from parity_tables import BITS, DISTRIBUTION, FIRST_AXIS, LAST, LAST_AXIS, LINES, NONE, TRUNCATED, Row, Table

KERAS = Table(
    "keras.initializers",
    "Call each initializer of Keras with `(shape, dtype)`. It reads each shape as `(*kernel, in, out)`: "
    '`layout="...IO"`. Some layers have kernels with other axes: see [recipes](recipes.md). An initializer of Keras '
    "with an integer seed gives the same numbers at every call: two layers may be equal. In arrayinit, "
    "`fold_in(seed, name)` makes a seed for each name.",
    (
        Row("Zeros()", "zeros_(x)", BITS, also=("zeros",)),
        Row("Ones()", "ones_(x)", BITS, also=("ones",)),
        Row("Constant(value)", "constant_(x, value)", BITS, also=("constant",)),
        Row("Constant(values)", "copy_(x, values)", BITS, "`values` is an array of the shape of `x`"),
        Row(
            "Identity()",
            'eye_(x, layout="IO")',
            BITS,
            "For 2-D arrays in both",
            ("identity", "IdentityInitializer"),
            (5, 7),
        ),
        Row("Identity(gain)", 'eye_(x, gain=gain, layout="IO")', BITS, "", (), (5, 7)),
        Row(
            "RandomUniform(minval, maxval)",
            "uniform_(x, minval, maxval, rng=rng)",
            DISTRIBUTION,
            also=("random_uniform",),
        ),
        Row("RandomUniform()", "uniform_(x, -0.05, 0.05, rng=rng)", DISTRIBUTION, "The defaults; torch's are [0, 1)"),
        Row("RandomNormal(mean, stddev)", "normal_(x, mean, stddev, rng=rng)", DISTRIBUTION, also=("random_normal",)),
        Row("RandomNormal()", "normal_(x, std=0.05, rng=rng)", DISTRIBUTION, "The default; torch's is 1"),
        Row(
            "TruncatedNormal(mean, stddev)",
            "trunc_normal_(x, mean, stddev, mean - 2 * stddev, mean + 2 * stddev, rng=rng)",
            DISTRIBUTION,
            "Always truncated at 2 standard deviations; neither corrects for the truncation",
            ("truncated_normal",),
        ),
        Row("TruncatedNormal()", "trunc_normal_(x, 0, 0.05, -0.1, 0.1, rng=rng)", DISTRIBUTION, "The defaults"),
        Row(
            'VarianceScaling(scale, mode, "truncated_normal")',
            'variance_scaling_(x, scale, mode, "truncated_normal", layout="...IO", rng=rng)',
            DISTRIBUTION,
            TRUNCATED,
            ("variance_scaling",),
        ),
        Row(
            'VarianceScaling(scale, mode, "normal")',
            'variance_scaling_(x, scale, mode, "truncated_normal", layout="...IO", rng=rng)',
            DISTRIBUTION,
            "`normal` of Keras is truncated too",
        ),
        Row(
            'VarianceScaling(scale, mode, "untruncated_normal")',
            'variance_scaling_(x, scale, mode, "normal", layout="...IO", rng=rng)',
            DISTRIBUTION,
            "`normal` of arrayinit is not truncated",
        ),
        Row(
            'VarianceScaling(scale, mode, "uniform")',
            'variance_scaling_(x, scale, mode, "uniform", layout="...IO", rng=rng)',
            DISTRIBUTION,
        ),
        Row("GlorotUniform()", 'xavier_uniform_(x, layout="...IO", rng=rng)', DISTRIBUTION, also=("glorot_uniform",)),
        Row(
            "GlorotNormal()",
            'variance_scaling_(x, 1, "fan_avg", layout="...IO", rng=rng)',
            DISTRIBUTION,
            f"{TRUNCATED}; torch's `xavier_normal_` is not",
            ("glorot_normal",),
        ),
        Row("LecunUniform()", 'lecun_uniform_(x, layout="...IO", rng=rng)', DISTRIBUTION, also=("lecun_uniform",)),
        Row("LecunNormal()", 'lecun_normal_(x, layout="...IO", rng=rng)', DISTRIBUTION, TRUNCATED, ("lecun_normal",)),
        Row(
            "HeUniform()",
            'kaiming_uniform_(x, nonlinearity="relu", layout="...IO", rng=rng)',
            DISTRIBUTION,
            also=("he_uniform",),
        ),
        Row(
            "HeNormal()",
            'variance_scaling_(x, 2, layout="...IO", rng=rng)',
            DISTRIBUTION,
            f"{TRUNCATED}; torch's `kaiming_normal_` is not",
            ("he_normal",),
        ),
        Row(
            "GlorotUniform(input_axes=[0], output_axes=[1, 2])",
            'xavier_uniform_(x, layout="IOO", rng=rng)',
            DISTRIBUTION,
            "An attention kernel. Keras counts an axis that is neither input nor output in no fan; arrayinit counts it "
            "as a kernel axis",
            shape=LAST,
        ),
        Row(
            "Orthogonal(gain)",
            'orthogonal_(x, gain, layout="...IO", rng=rng)',
            LAST_AXIS,
            also=("orthogonal", "OrthogonalInitializer"),
        ),
        Row(
            "STFT()",
            "",
            NONE,
            "The basis of a Fourier transform: compute it, and pass it to `copy_`",
            ("stft", "STFTInitializer"),
        ),
    ),
    "(shape, dtype)",
)

MLX = Table(
    "mlx.nn.init",
    'Kernels are `(out, *kernel, in)`: `layout="O...I"`. Without `rng`, both draw from the global state of MLX, which '
    "`mx.random.seed` sets. `rng` may be an MLX key, too. A slice such as `x[0]` is a copy in MLX: a fill of the slice "
    "leaves `x` as it is.",
    (
        Row("constant(value)(x)", "constant_(x, value)", BITS),
        Row("uniform(low, high)(x)", "uniform_(x, low, high)", BITS),
        Row("normal(mean, std)(x)", "normal_(x, mean, std)", BITS),
        Row("identity()(x)", 'eye_(x, layout="OI")', BITS, "MLX takes square matrices only", shape=(5, 5)),
        Row("glorot_uniform()(x, gain)", 'xavier_uniform_(x, gain, layout="O...I")', BITS),
        Row(
            "glorot_normal()(x, gain)",
            'xavier_normal_(x, gain, layout="O...I")',
            BITS,
            "Not truncated",
        ),
        Row(
            "he_uniform()(x, mode, gain)",
            'variance_scaling_(x, gain**2, mode, "uniform", layout="O...I")',
            BITS,
        ),
        Row(
            "he_uniform()(x)",
            'kaiming_uniform_(x, nonlinearity="linear", layout="O...I")',
            BITS,
            "MLX's default gain is 1, not the √2 of the other frameworks: half the variance",
        ),
        Row(
            "he_normal()(x, mode, gain)",
            'variance_scaling_(x, gain**2, mode, "normal", layout="O...I")',
            BITS,
            "Not truncated",
        ),
        Row(
            "he_normal()(x)",
            'kaiming_normal_(x, nonlinearity="linear", layout="O...I")',
            BITS,
            "MLX's default gain is 1, not √2",
        ),
        Row(
            "sparse(sparsity, std=std)(x)",
            "sparse_(x.T, sparsity, std).T",
            LINES,
            "MLX has zeros in each row, arrayinit and torch in each column. The default `std` is 1 in MLX and 0.01 in "
            "arrayinit. A `mean` other than 0 has no counterpart",
            shape=(1000, 1200),
        ),
        Row(
            "orthogonal(gain)(x)",
            "orthogonal_(x, gain)",
            FIRST_AXIS,
            "MLX takes 2-D arrays only. A square matrix has the same bits",
            shape=(5, 7),
        ),
    ),
)
