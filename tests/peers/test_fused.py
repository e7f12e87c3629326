"""Fused and stacked weights of the frameworks: each model computes what the model without them computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from peers import peer

import arrayinit as ai

pytestmark = pytest.mark.peers

SEED = 5
GATES = ["i", "f", "g", "o"]
LSTM: list[Any] = [
    ("weight_ih_*", ai.parts(ai.xavier_uniform(), "O", GATES, names="i{part}.weight")),
    ("weight_hh_*", ai.parts(ai.lecun_normal(), "O", GATES, names="h{part}.weight")),
    ("bias_ih_*", ai.zeros()),
    ("bias_hh_*", ai.parts(ai.normal(std=0.1), "O", GATES, names="h{part}.bias", values={"f": ai.ones()})),
]


def test_gpt2s_attention_is_that_of_three_layers() -> None:
    transformers, torch = peer("transformers"), peer("torch")
    Conv1D = peer("transformers.pytorch_utils").Conv1D
    config = transformers.GPT2Config(n_embd=8, n_layer=2, n_head=2, vocab_size=20, n_positions=6)
    with torch.device("meta"):
        model = transformers.GPT2Model(config)
    fused = ai.parts(ai.xavier_uniform(), "O", ["q", "k", "v"])
    rules = [("c_attn.weight", fused), ("weight", ai.normal(std=0.02)), ("bias", ai.zeros())]
    plan = ai.plan(model, rules)
    assert {step.layout for step in plan if "c_attn.weight" in step.name} == {"IO"}
    ai.initialize(model, rules, rng=SEED, device="cpu")
    assert plan.audit(model).ok
    for layer in range(2):
        alone = {f"h.{layer}.attn.c_attn.{part}": Conv1D(8, 8) for part in "qkv"}
        named = [(f"{name}.weight", module.weight) for name, module in alone.items()]
        for name, x in named:
            ai.xavier_uniform_(x, layout="IO", rng=ai.fold_in(SEED, name))
        weight = model.get_parameter(f"h.{layer}.attn.c_attn.weight")
        assert torch.equal(weight, torch.cat([x for _, x in named], 1))
    # A rule without parts has the fans of the fused weight.
    without = [("c_attn.weight", ai.xavier_uniform()), *rules[1:]]
    faults = ai.plan(model, without).audit(model).faults
    assert {fault.partition(":")[0] for fault in faults} == {f"h.{layer}.attn.c_attn.weight" for layer in range(2)}


def torchs_lstm() -> tuple[Any, np.ndarray]:
    """Return torch's fused LSTM, and what it computes."""
    torch = peer("torch")
    lstm = ai.initialize(torch.nn.LSTM(3, 5, batch_first=True), LSTM, rng=SEED)
    assert ai.plan(lstm, LSTM).audit(lstm).ok
    with torch.no_grad():
        return lstm, lstm(torch.from_numpy(inputs()))[0].numpy()


def inputs() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")


def test_torchs_lstm_is_flaxs_lstm_of_eight_layers() -> None:
    jax, nn = peer("jax"), peer("flax.linen")
    cell = nn.RNN(nn.LSTMCell(5))
    rules: list[Any] = [
        ("i*.kernel", ai.xavier_uniform()),
        ("h*.kernel", ai.lecun_normal()),
        ("hf.bias", ai.ones()),
        ("bias", ai.normal(std=0.1)),
    ]
    with jax.enable_x64(False):
        empty = jax.eval_shape(cell.init, jax.random.key(0), inputs())
        # The cell has a name of its own in the RNN.
        params = ai.initialize(empty, rules, rng=SEED, rename=[(r"^cell\.", ""), (r"kernel$", "weight")])
        theirs = np.asarray(cell.apply(params, inputs()))
    np.testing.assert_allclose(torchs_lstm()[1], theirs, rtol=0, atol=1e-6)
    assert theirs.std() > 0.1


def test_kerass_lstm_is_torchs() -> None:
    keras, lstm = peer("keras"), torchs_lstm()[0]
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.LSTM(5, return_sequences=True)])
    rules: list[Any] = [
        ("recurrent_kernel", ai.parts(ai.lecun_normal(), "O", GATES, names="h{part}.weight")),
        ("kernel", ai.parts(ai.xavier_uniform(), "O", GATES, names="i{part}.weight")),
        ("bias", ai.parts(ai.normal(std=0.1), "O", GATES, names="h{part}.bias", values={"f": ai.ones()})),
    ]
    ai.initialize(model, rules, rng=SEED)
    kernel, recurrent, bias = (np.asarray(x) for x in model.weights)
    np.testing.assert_array_equal(kernel.T, lstm.weight_ih_l0.detach().numpy())
    np.testing.assert_array_equal(recurrent.T, lstm.weight_hh_l0.detach().numpy())
    np.testing.assert_array_equal(bias, lstm.bias_hh_l0.detach().numpy())


def test_scanned_layers_of_linen_are_those_of_a_loop() -> None:
    jax, nn = peer("jax"), peer("flax.linen")

    class Block(nn.Module):
        @nn.compact
        def __call__(self, x: Any, _: Any = None) -> Any:
            y = nn.Conv(8, (3,), name="conv")(x)
            y = nn.MultiHeadDotProductAttention(2, name="attention")(y)
            return x + nn.Dense(8, use_bias=False, name="dense")(nn.gelu(y)), None

    class Loop(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            for i in range(3):
                x, _ = Block(name=f"layers_{i}")(x)
            return x

    class Scan(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            scanned = nn.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
            return scanned(name="layers")(x, None)[0]

    values: dict[str, Any] = {
        "attention.out.kernel": ai.xavier_uniform(layout="IIO"),
        "attention.*.kernel": ai.xavier_uniform(layout="IOO"),
        # A kernel of three axes may be that of attention, so that its layout is not known.
        "conv.kernel": ai.kaiming_normal(layout="KIO"),
        "kernel": ai.lecun_normal(),
        "bias": ai.normal(std=0.1),
    }
    names = ("^layers", "layers_{i}")
    x = np.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")
    with jax.enable_x64(False):
        loop, scan = (jax.eval_shape(model().init, jax.random.key(0), x) for model in (Loop, Scan))
        unrolled = ai.initialize(loop, list(values.items()), rng=SEED)
        rules = [(name, ai.stack(value, names=names)) for name, value in values.items()]
        stacked = ai.initialize(scan, rules, rng=SEED)
        layers = [unrolled["params"][f"layers_{i}"] for i in range(3)]
        together = jax.tree.map(lambda *leaves: np.stack(leaves), *layers)
        jax.tree.map(np.testing.assert_array_equal, stacked["params"]["layers"], together)
        ours, theirs = Scan().apply(stacked, x), Loop().apply(unrolled, x)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_mapped_layers_of_nnx_are_those_of_a_list() -> None:
    jax, nnx = peer("jax"), peer("flax.nnx")

    class Block(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.linear = nnx.Linear(4, 8, rngs=rngs)
            self.conv = nnx.Conv(8, 12, (3, 5), feature_group_count=4, rngs=rngs)
            self.general = nnx.LinearGeneral((4, 3), (2, 5), axis=(-2, -1), rngs=rngs)
            self.attention = nnx.MultiHeadAttention(2, 8, decode=False, rngs=rngs)

    class Model(nnx.Module):
        def __init__(self, layers: Any) -> None:
            self.layers = layers

    keys = jax.random.split(jax.random.key(0), 3)
    many = nnx.eval_shape(lambda: Model(nnx.vmap(lambda key: Block(nnx.Rngs(key)))(keys)))
    loop = nnx.eval_shape(lambda: Model(nnx.List(Block(nnx.Rngs(i)) for i in range(3))))
    values = {"kernel": ai.kaiming_normal(mode="fan_out"), "bias": ai.normal(), "**": ai.ones()}
    names = ("^layers", "layers.{i}")
    stacked = [ai.Rule(name, ai.stack(value, names=names), optional=True) for name, value in values.items()]
    unrolled = [ai.Rule(name, value, optional=True) for name, value in values.items()]
    ours = nnx.state(ai.initialize(many, stacked, rng=SEED).layers, nnx.Param)
    theirs = [nnx.state(layer, nnx.Param) for layer in ai.initialize(loop, unrolled, rng=SEED).layers]
    jax.tree.map(lambda *x: np.testing.assert_array_equal(x[0], np.stack(x[1:])), ours, *theirs)


def test_mapped_layers_of_equinox_are_those_of_a_list() -> None:
    jax, eqx = peer("jax"), peer("equinox")

    def block(key: Any) -> Any:
        a, b, c = jax.random.split(key, 3)
        make = eqx.nn
        return make.Linear(4, 6, key=a), make.Conv2d(4, 6, 3, groups=2, key=b), make.LSTMCell(3, 5, key=c)

    keys = jax.random.split(jax.random.key(0), 3)
    with jax.enable_x64(False):
        many = eqx.filter_eval_shape(eqx.filter_vmap(block), keys)
        one = eqx.filter_eval_shape(block, keys[0])
    fused = ai.parts(ai.xavier_normal(), "O", GATES)
    values = {"weight_*": fused, "weight": ai.kaiming_normal(mode="fan_out"), "bias": ai.normal()}

    class Model(eqx.Module):
        layers: Any

    names = ("^layers", "layers.{i}")
    rules = [(name, ai.stack(value, names=names)) for name, value in values.items()]
    ours = ai.initialize(Model(many), rules, rng=SEED).layers
    theirs = ai.initialize(Model([one] * 3), list(values.items()), rng=SEED).layers
    arrays = (eqx.filter(model, eqx.is_array) for model in (ours, *theirs))
    jax.tree.map(lambda *x: np.testing.assert_array_equal(x[0], np.stack(x[1:])), *arrays)


def test_experts_of_transformers_are_layers() -> None:
    """As Mixtral keeps them: (experts, 2 * inner, width), the gate before the projection."""
    transformers, torch = peer("transformers"), peer("torch")
    config = transformers.MixtralConfig(
        hidden_size=8, intermediate_size=6, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
        num_local_experts=3, vocab_size=20,
    )  # fmt: skip
    with torch.device("meta"):
        model = transformers.MixtralModel(config)
    value = ai.xavier_uniform(layout="OI")
    rules = [
        ("experts.gate_up_proj", ai.stack(ai.parts(value, "O", ["w1", "w3"], names="{parent}.{part}.weight"))),
        ("experts.down_proj", ai.stack(value, names="{parent}.{i}.w2.weight")),
        ("norm.weight", ai.ones()),
        ("*layernorm.weight", ai.ones()),
        ("weight", ai.normal(std=0.02)),
        ai.Rule("inv_freq", ai.zeros(), optional=True),
        ai.Rule("original_inv_freq", ai.zeros(), optional=True),
    ]
    plan = ai.plan(model, rules)
    ai.initialize(model, rules, rng=SEED, device="cpu")
    assert plan.audit(model).ok
    gate_up = next(x for name, x in model.named_parameters() if name.endswith("gate_up_proj"))
    prefix = next(name for name, _ in model.named_parameters() if name.endswith("gate_up_proj")).rpartition(".")[0]
    assert gate_up.shape == (3, 12, 8)
    for i in range(3):
        for k, part in enumerate(("w1", "w3")):
            layer = torch.nn.Linear(8, 6)
            ai.xavier_uniform_(layer.weight, rng=ai.fold_in(SEED, f"{prefix}.{i}.{part}.weight"))
            assert torch.equal(gate_up[i, 6 * k : 6 * k + 6], layer.weight)
