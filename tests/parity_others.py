"""The tables of docs/parity.md for TensorFlow, Paddle and tinygrad."""

from __future__ import annotations

from parity_tables import BITS, DISTRIBUTION, FIRST_AXIS, LINE, NONE, Row, Table

MATRIX = (1200, 800)
SMALL = (2, 3, 2, 2)

TENSORFLOW = Table(
    "tensorflow",
    "`tf.keras.initializers` has the initializers of Keras: see the table of Keras. These are TensorFlow's own. "
    "`tf.random.stateless_uniform` and the methods of `tf.random.Generator` have the same distributions.",
    (
        Row("zeros_initializer()(shape)", "zeros_(x)", BITS),
        Row("ones_initializer()(shape)", "ones_(x)", BITS),
        Row("constant_initializer(value)(shape)", "constant_(x, value)", BITS),
        Row(
            "constant_initializer(values)(shape, dtype)",
            "copy_(x, values)",
            BITS,
            "`values` is an array of the shape of `x`",
        ),
        Row("random_uniform_initializer(minval, maxval)(shape)", "uniform_(x, minval, maxval, rng=rng)", DISTRIBUTION),
        Row(
            "random_uniform_initializer()(shape)",
            "uniform_(x, -0.05, 0.05, rng=rng)",
            DISTRIBUTION,
            "The defaults; torch's are [0, 1)",
        ),
        Row("random_normal_initializer(mean, stddev)(shape)", "normal_(x, mean, stddev, rng=rng)", DISTRIBUTION),
        Row(
            "random_normal_initializer()(shape)",
            "normal_(x, std=0.05, rng=rng)",
            DISTRIBUTION,
            "The default; torch's is 1",
        ),
        Row("random.uniform(shape, minval, maxval)", "uniform_(x, minval, maxval, rng=rng)", DISTRIBUTION),
        Row("random.normal(shape, mean, stddev)", "normal_(x, mean, stddev, rng=rng)", DISTRIBUTION),
        Row(
            "random.truncated_normal(shape, mean, stddev)",
            "trunc_normal_(x, mean, stddev, mean - 2 * stddev, mean + 2 * stddev, rng=rng)",
            DISTRIBUTION,
            "Always truncated at 2 standard deviations; neither corrects for the truncation",
        ),
    ),
)

PADDLE = Table(
    "paddle.nn.initializer",
    "An initializer of Paddle fills a tensor, and returns nothing. It reads a matrix as `(in, out)`, the shape of the "
    'weight of `nn.Linear`: `layout="IO"`. It reads other shapes as torch does: a grouped or a transposed convolution '
    "gets the fans of an ordinary convolution. In arrayinit, `groups` and `layout` give the right fans. "
    "`set_global_initializer` sets the initializers of later layers: see [Paddle](frameworks/paddle.md).",
    (
        Row("Constant(value)(x)", "constant_(x, value)", BITS),
        Row("Assign(values)(x)", "copy_(x, values)", BITS, "`values` is an array of the shape of `x`"),
        Row("Uniform(low, high)(x)", "uniform_(x, low, high, rng=rng)", DISTRIBUTION),
        Row("Uniform()(x)", "uniform_(x, -1, 1, rng=rng)", DISTRIBUTION, "The defaults; torch's are [0, 1)"),
        Row("Normal(mean, std)(x)", "normal_(x, mean, std, rng=rng)", DISTRIBUTION),
        Row(
            "TruncatedNormal(mean, std, a, b)(x)",
            "trunc_normal_(x, mean, std, a, b, rng=rng)",
            DISTRIBUTION,
            "`a` and `b` are absolute bounds in both",
        ),
        Row("XavierUniform(gain=gain)(x)", "xavier_uniform_(x, gain, rng=rng)", DISTRIBUTION),
        Row("XavierNormal(gain=gain)(x)", "xavier_normal_(x, gain, rng=rng)", DISTRIBUTION, "Not truncated"),
        Row(
            "KaimingUniform(negative_slope=a, nonlinearity=nonlinearity, mode=mode)(x)",
            "kaiming_uniform_(x, a, mode, nonlinearity, rng=rng)",
            DISTRIBUTION,
        ),
        Row(
            "KaimingUniform()(x)",
            'kaiming_uniform_(x, nonlinearity="relu", layout="IO", rng=rng)',
            DISTRIBUTION,
            "The weight of a `nn.Linear`. The default is the gain of relu; torch's is that of leaky_relu",
            shape=MATRIX,
        ),
        Row(
            "KaimingNormal(negative_slope=a, nonlinearity=nonlinearity, mode=mode)(x)",
            "kaiming_normal_(x, a, mode, nonlinearity, rng=rng)",
            DISTRIBUTION,
            "Not truncated",
        ),
        Row("Orthogonal(gain)(x)", "orthogonal_(x, gain, rng=rng)", FIRST_AXIS),
        Row("Dirac(groups)(x)", "dirac_(x, groups)", BITS),
        Row("Bilinear()(x)", "", NONE, "The weights of an interpolation: compute them, and pass them to `copy_`"),
        Row("calculate_gain(nonlinearity, param)", "calculate_gain(nonlinearity, param)", BITS),
    ),
)

PADDLE_INIT = Table(
    "paddle.nn.init",
    "The names are those of torch, and the fans are those of `paddle.nn.initializer`. A random function of Paddle "
    "returns nothing, and takes no generator.",
    (
        Row("uniform_(x, low, high)", "uniform_(x, low, high, rng=rng)", DISTRIBUTION),
        Row("normal_(x, mean, std)", "normal_(x, mean, std, rng=rng)", DISTRIBUTION),
        Row("trunc_normal_(x, mean, std, a, b)", "trunc_normal_(x, mean, std, a, b, rng=rng)", DISTRIBUTION),
        Row("constant_(x, value)", "constant_(x, value)", BITS),
        Row("ones_(x)", "ones_(x)", BITS),
        Row("zeros_(x)", "zeros_(x)", BITS),
        Row("eye_(x)", "eye_(x)", BITS, shape=(5, 7)),
        Row("dirac_(x, groups)", "dirac_(x, groups)", BITS),
        Row("xavier_uniform_(x, gain)", "xavier_uniform_(x, gain, rng=rng)", DISTRIBUTION),
        Row("xavier_normal_(x, gain)", "xavier_normal_(x, gain, rng=rng)", DISTRIBUTION),
        Row(
            "kaiming_uniform_(x, a, mode, nonlinearity)",
            "kaiming_uniform_(x, a, mode, nonlinearity, rng=rng)",
            DISTRIBUTION,
        ),
        Row(
            "kaiming_uniform_(x)",
            'kaiming_uniform_(x, layout="IO", rng=rng)',
            DISTRIBUTION,
            "A matrix is (in, out) in Paddle, and (out, in) in torch",
            shape=MATRIX,
        ),
        Row(
            "kaiming_normal_(x, a, mode, nonlinearity)",
            "kaiming_normal_(x, a, mode, nonlinearity, rng=rng)",
            DISTRIBUTION,
        ),
        Row("orthogonal_(x, gain)", "orthogonal_(x, gain, rng=rng)", FIRST_AXIS),
        Row("calculate_gain(nonlinearity, param)", "calculate_gain(nonlinearity, param)", BITS),
    ),
)

TINYGRAD = Table(
    "tinygrad",
    "tinygrad's functions take a shape. The input fan is that of torch: `(out, in, *kernel)`.",
    (
        Row("Tensor.zeros(shape)", "zeros_(x)", BITS),
        Row("Tensor.ones(shape)", "ones_(x)", BITS),
        Row("Tensor.full(shape, value)", "constant_(x, value)", BITS),
        Row("Tensor.eye(5, 7)", "eye_(x)", BITS, shape=(5, 7)),
        Row("Tensor.rand(shape)", "uniform_(x, rng=rng)", LINE),
        Row("Tensor.uniform(shape, low=low, high=high)", "uniform_(x, low, high, rng=rng)", LINE, shape=SMALL),
        Row("Tensor.randn(shape)", "normal_(x, rng=rng)", LINE, shape=SMALL),
        Row("Tensor.normal(shape, mean=mean, std=std)", "normal_(x, mean, std, rng=rng)", LINE, shape=SMALL),
        Row(
            "Tensor.scaled_uniform(shape)",
            "uniform_(x, -(x.size**-0.5), x.size**-0.5, rng=rng)",
            LINE,
            "The bound falls with the number of all elements, and not with a fan",
            shape=SMALL,
        ),
        Row(
            "Tensor.glorot_uniform(shape)",
            'xavier_uniform_(x, layout="OIII", rng=rng)',
            LINE,
            "A kernel counts in the input fan only; `xavier_uniform_(x)` counts it in both",
            shape=SMALL,
        ),
        Row(
            "Tensor.kaiming_uniform(shape, a=a)",
            "kaiming_uniform_(x, a, rng=rng)",
            LINE,
            "The default `a` is 0.01 in tinygrad, and 0 in torch and arrayinit",
            shape=SMALL,
        ),
        Row("Tensor.kaiming_normal(shape, a=a)", "kaiming_normal_(x, a, rng=rng)", LINE, "As above", shape=SMALL),
    ),
)
