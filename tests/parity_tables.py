"""The tables of docs/parity.md for torch, JAX and Flax: the tests evaluate the text that the page shows."""

from __future__ import annotations

from typing import NamedTuple

TRUNCATED = "Truncated at 2 standard deviations, and corrected for it"
LAST = (60, 100, 160)
"""The shape of an attention kernel: embed, heads, head_dim."""


class Row(NamedTuple):
    """An initializer of a framework, and the call of arrayinit that does the same; ``also`` are its other names."""

    theirs: str
    ours: str
    compared: str
    note: str = ""
    also: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.theirs.partition("(")[0]


class Table(NamedTuple):
    """The rows of one framework. An expression of the framework, followed by ``call``, makes an array."""

    module: str
    introduction: str
    rows: tuple[Row, ...]
    call: str = ""


BITS, DISTRIBUTION, FIRST_AXIS, LAST_AXIS, COLUMNS, LINES, LINE, NONE = (
    "same bits",
    "same distribution",
    "orthogonal, by the first axis",
    "orthogonal, by the last axis",
    "zeros in each column",
    "zeros in each row",
    "same line",
    "no counterpart",
)

TORCH = Table(
    "torch.nn.init",
    "The names, defaults and positional order are the same. `rng` takes the place of `generator`. Without `rng` or "
    "`generator`, both draw from torch's global generator. torch deprecates the names without an underscore; arrayinit "
    "does not have them.",
    (
        Row("uniform_(x, a, b, generator=g)", "uniform_(x, a, b, rng=g)", BITS),
        Row("normal_(x, mean, std, generator=g)", "normal_(x, mean, std, rng=g)", BITS),
        Row(
            "trunc_normal_(x, mean, std, a, b, generator=g)",
            "trunc_normal_(x, mean, std, a, b, rng=g)",
            DISTRIBUTION,
            "`a` and `b` are absolute bounds in both, not in units of `std`. torch rejects draws and repeats them; "
            "arrayinit takes the same time for any bounds",
        ),
        Row("constant_(x, value)", "constant_(x, value)", BITS),
        Row("ones_(x)", "ones_(x)", BITS),
        Row("zeros_(x)", "zeros_(x)", BITS),
        Row("eye_(x)", "eye_(x)", BITS, shape=(5, 7)),
        Row("dirac_(x, groups)", "dirac_(x, groups)", BITS, "The centre of an axis of size `k` is at `k // 2`"),
        Row("xavier_uniform_(x, gain, generator=g)", "xavier_uniform_(x, gain, rng=g)", BITS),
        Row("xavier_normal_(x, gain, generator=g)", "xavier_normal_(x, gain, rng=g)", BITS, "Not truncated"),
        Row(
            "kaiming_uniform_(x, a, mode, nonlinearity, generator=g)",
            "kaiming_uniform_(x, a, mode, nonlinearity, rng=g)",
            BITS,
            "`a` is the slope of `leaky_relu`. arrayinit also has the modes `fan_avg` and `fan_geo_avg`",
        ),
        Row(
            "kaiming_normal_(x, a, mode, nonlinearity, generator=g)",
            "kaiming_normal_(x, a, mode, nonlinearity, rng=g)",
            BITS,
            "Not truncated, unlike the `he_normal` of JAX and Keras",
        ),
        Row("orthogonal_(x, gain, generator=g)", "orthogonal_(x, gain, rng=g)", BITS),
        Row(
            "sparse_(x, sparsity, std, generator=g)",
            "sparse_(x, sparsity, std, rng=g)",
            COLUMNS,
            "torch chooses the rows with its global generator, and ignores `generator` there",
            shape=(1200, 1000),
        ),
        Row(
            "calculate_gain(nonlinearity, param)",
            "calculate_gain(nonlinearity, param)",
            BITS,
            "arrayinit has a gain of 1 for `identity`, as torch documents; torch raises an error",
        ),
    ),
)

JAX = Table(
    "jax.nn.initializers",
    'Call each initializer of JAX with `(key, shape, dtype)`. Kernels are `(*kernel, in, out)`: `layout="...IO"`. '
    "`in_axis`, `out_axis` and `batch_axis` become letters of the layout. `x` is an array, or a "
    "`jax.ShapeDtypeStruct(shape, dtype)`.",
    (
        Row("zeros", "zeros_(x)", BITS, "The initializer itself, without a first call"),
        Row("ones", "ones_(x)", BITS, "The initializer itself, without a first call"),
        Row("constant(value)", "constant_(x, value)", BITS),
        Row("constant(values)", "copy_(x, values)", BITS, "`values` is an array of the shape of `x`"),
        Row("uniform(scale)", "uniform_(x, 0, scale, rng=key)", BITS, "One-sided: on [0, `scale`)"),
        Row("uniform()", "uniform_(x, 0, 0.01, rng=key)", BITS, "The default; torch's is [0, 1)"),
        Row("normal(stddev)", "normal_(x, std=stddev, rng=key)", BITS),
        Row("normal()", "normal_(x, std=0.01, rng=key)", BITS, "The default; torch's is 1"),
        Row(
            "truncated_normal(stddev, lower=lower, upper=upper)",
            "trunc_normal_(x, 0, stddev, lower * stddev, upper * stddev, rng=key)",
            DISTRIBUTION,
            "JAX takes bounds in units of `stddev`, arrayinit absolute bounds. Neither corrects the standard "
            "deviation, which becomes smaller",
        ),
        Row("truncated_normal()", "trunc_normal_(x, 0, 0.01, -0.02, 0.02, rng=key)", BITS, "The defaults"),
        Row(
            "variance_scaling(scale, mode, distribution)",
            'variance_scaling_(x, scale, mode, distribution, layout="...IO", rng=key)',
            BITS,
            "`truncated_normal` is corrected for the truncation. In complex dtypes, JAX's variance is 1.9 % too large; "
            "arrayinit's is exact",
        ),
        Row("glorot_uniform()", 'xavier_uniform_(x, layout="...IO", rng=key)', BITS, also=("xavier_uniform",)),
        Row(
            "glorot_normal()",
            'variance_scaling_(x, 1, "fan_avg", layout="...IO", rng=key)',
            BITS,
            f"{TRUNCATED}; torch's `xavier_normal_` is not",
            ("xavier_normal",),
        ),
        Row("lecun_uniform()", 'lecun_uniform_(x, layout="...IO", rng=key)', BITS),
        Row("lecun_normal()", 'lecun_normal_(x, layout="...IO", rng=key)', BITS, TRUNCATED),
        Row(
            "he_uniform()",
            'kaiming_uniform_(x, nonlinearity="relu", layout="...IO", rng=key)',
            BITS,
            also=("kaiming_uniform",),
        ),
        Row(
            "he_normal()",
            'variance_scaling_(x, 2, layout="...IO", rng=key)',
            BITS,
            f"{TRUNCATED}; torch's `kaiming_normal_` is not",
            ("kaiming_normal",),
        ),
        Row("lecun_normal(in_axis=1, out_axis=0)", "lecun_normal_(x, rng=key)", BITS, "The layout of torch"),
        Row(
            "lecun_normal(batch_axis=0)",
            'lecun_normal_(x, layout="B...IO", rng=key)',
            BITS,
            "A batch of weights, each with its own fans",
        ),
        Row(
            "glorot_uniform(in_axis=0, out_axis=(1, 2))",
            'xavier_uniform_(x, layout="IOO", rng=key)',
            BITS,
            "An attention kernel",
            shape=LAST,
        ),
        Row("orthogonal(scale)", 'orthogonal_(x, scale, layout="...IO", rng=key)', BITS),
        Row(
            "orthogonal(scale, column_axis=0)",
            "orthogonal_(x, scale, rng=key)",
            BITS,
            "The layout of torch: `column_axis` is the axis of the outputs",
        ),
        Row(
            "delta_orthogonal(scale)",
            'delta_orthogonal_(x, scale, layout="...IO", rng=key)',
            BITS,
            "The centre of an axis of size `k` is at `(k - 1) // 2`, but at `k // 2` in `dirac_`",
        ),
    ),
    "(key, shape, dtype)",
)

FLAX = Table(
    "flax.linen.initializers",
    "All other initializers of `flax.linen.initializers` and `flax.nnx.initializers` are the objects of "
    "`jax.nn.initializers`, with the same names: see the table of JAX.",
    (
        Row("zeros_init()", "zeros_(x)", BITS, "Returns JAX's `zeros`"),
        Row("ones_init()", "ones_(x)", BITS, "Returns JAX's `ones`"),
    ),
    "(key, shape, dtype)",
)
