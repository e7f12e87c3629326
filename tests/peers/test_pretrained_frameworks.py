"""A checkpoint of torch in the frameworks of JAX and in Keras, and back: the same logits, and the same bits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import models_of_frameworks as models
import models_of_jax
import numpy as np
import pytest
from peers import peer

import arrayinit as ai

pytestmark = pytest.mark.peers

IN_PROCESS = {
    "nnx": ("flax", models_of_jax.nnx_result),
    "linen": ("flax", models_of_jax.linen_result),
    "equinox": ("equinox", models_of_jax.equinox_result),
    "haiku": ("haiku", models_of_jax.haiku_result),
}


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights of the transformer in torch, in a file; each framework loads them in place of its rules."""
    peer("torch"), peer("safetensors")
    from safetensors.numpy import save_file

    weights = models.torch_result()[0]
    save_file(weights, tmp_path / "model.safetensors")
    load = partial(ai.initialize, rules=[], pretrained=tmp_path / "model.safetensors", rename="torch")
    monkeypatch.setattr(models_of_jax, "filled", load)
    return tmp_path / "model.safetensors"


@pytest.mark.usefixtures("trained", "single_precision")
@pytest.mark.parametrize("framework", IN_PROCESS)
def test_a_file_of_torch_gives_the_same_logits(framework: str) -> None:
    module, function = IN_PROCESS[framework]
    peer(module)
    logits = function()[1]
    expected = models.torch_result()[1]
    assert expected.std() > 0.1
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)


def attention(rngs: Any) -> Any:
    """Return the layers of Flax whose axes differ most from torch's."""
    nnx = peer("flax.nnx")
    return nnx.Dict(
        stem=nnx.Conv(2, 6, (3, 2), feature_group_count=2, rngs=rngs),
        table=nnx.Embed(5, 4, rngs=rngs),
        norm=nnx.BatchNorm(4, rngs=rngs),
        attention=nnx.MultiHeadAttention(2, 4, decode=False, rngs=rngs),
        head=nnx.Linear(4, 4, rngs=rngs),
    )


def in_torch() -> Any:
    torch = peer("torch")
    nn = torch.nn
    projections = {name: nn.Linear(4, 4) for name in ("query", "key", "value", "out")}
    made = nn.ModuleDict(
        {
            "stem": nn.Conv2d(2, 6, (3, 2), groups=2),
            "table": nn.Embedding(5, 4),
            "norm": nn.BatchNorm1d(4),
            "attention": nn.ModuleDict(projections),
            "head": nn.Linear(4, 4),
        }
    )
    with torch.no_grad():
        for x in made.state_dict().values():
            x.copy_(torch.arange(x.numel()).view(x.shape) + 0.5)
    return made


STATISTICS = (r"norm\.(mean|var)$", r"norm.running_\1")
WITHOUT_COUNT = [("num_batches_tracked", ai.keep())]


@pytest.mark.usefixtures("single_precision")
def test_a_checkpoint_of_torch_in_flax_and_back_has_the_same_bits() -> None:
    nnx = peer("flax.nnx")
    given = in_torch()
    abstract = nnx.eval_shape(lambda: attention(nnx.Rngs(0)))
    flax = ai.initialize(abstract, WITHOUT_COUNT, pretrained=given.state_dict(), rename=["torch", STATISTICS])
    np.testing.assert_array_equal(flax.head.kernel[...], given["head"].weight.detach().numpy().T)
    np.testing.assert_array_equal(
        flax.attention.query.kernel[...], given["attention"]["query"].weight.detach().numpy().T.reshape(4, 2, 2)
    )
    back = in_torch()
    for x in back.state_dict().values():
        x.zero_()
    rename = ["torch", (r"norm\.running_", r"norm.")]
    ai.initialize(back, WITHOUT_COUNT, pretrained=flax, rename=rename)
    for name, x in given.state_dict().items():
        if name != "norm.num_batches_tracked":
            np.testing.assert_array_equal(back.state_dict()[name].numpy(), x.numpy(), err_msg=name, strict=True)
    # Without its layers, a state does not tell the axes of attention.
    with pytest.raises(ValueError, match=r"the order of the axes is not known for these.*: attention\.query\.kernel"):
        ai.plan(back, WITHOUT_COUNT, pretrained=nnx.state(flax), rename=rename)


@pytest.mark.usefixtures("single_precision")
def test_a_checkpoint_of_flax_goes_by_its_names() -> None:
    """As arrays in a file have no layers, a kernel of attention is refused, and all others are permuted."""
    nnx = peer("flax.nnx")
    made = attention(nnx.Rngs(0))
    flat = {".".join(map(str, path)): np.asarray(x[...]) for path, x in nnx.to_flat_state(nnx.state(made, nnx.Param))}
    given = {name: x for name, x in flat.items() if not name.startswith("attention")}
    back = ai.initialize(
        in_torch(), [("attention.*.*", ai.keep()), ("norm.*", ai.keep())], pretrained=given, rename="torch"
    )
    np.testing.assert_array_equal(back["stem"].weight.detach().numpy(), flat["stem.kernel"].transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(back["head"].weight.detach().numpy(), flat["head.kernel"].T)
    with pytest.raises(
        ValueError, match=r"the order of the axes is not known for these.*: attention.query.kernel \(4, 2, 2\)"
    ):
        ai.plan(in_torch(), [("norm.*", ai.keep())], pretrained=flat, rename="torch")


@pytest.mark.usefixtures("single_precision")
def test_a_transposed_convolution_is_never_permuted() -> None:
    """That of torch has another order in space, too."""
    torch, nnx = peer("torch"), peer("flax.nnx")
    given = {"up.weight": torch.ones(3, 3, 2, 2)}
    for is_transposed in (False, True):
        layer = nnx.Dict(
            up=nnx.ConvTranspose(3, 3, (2, 2), use_bias=False, transpose_kernel=is_transposed, rngs=nnx.Rngs(0))
        )
        with pytest.raises(ValueError, match="the order of the axes is not known for these"):
            ai.plan(layer, [], pretrained=given, rename="torch")
        module = torch.nn.ModuleDict({"up": torch.nn.ConvTranspose2d(3, 3, 2, bias=False)})
        with pytest.raises(ValueError, match="the order of the axes is not known for these"):
            ai.plan(layer, [], pretrained=module, rename="torch")
    # In torch itself, nothing is permuted.
    assert str(ai.plan(module, [], pretrained=given, rename="torch")[0].action) == "loaded"


@pytest.mark.usefixtures("single_precision")
def test_a_transposed_convolution_of_equinox_has_the_names_of_torch() -> None:
    jax, eqx, torch = peer("jax"), peer("equinox"), peer("torch")
    layer = eqx.nn.ConvTranspose2d(3, 3, 2, use_bias=False, key=jax.random.key(0))
    with pytest.raises(ValueError, match="the order of the axes is not known for these"):
        ai.plan(layer, [], pretrained={"weight": torch.ones(3, 3, 2, 2)}, rename="torch")
    assert ai.plan(layer, [], pretrained=layer)[0].source == "pretrained"


def test_a_model_of_keras_takes_the_weights_of_torch() -> None:
    torch, keras = peer("torch"), peer("keras")
    given = torch.nn.ModuleDict(
        {
            "dense": torch.nn.Linear(3, 3),
            "conv2d": torch.nn.Conv2d(3, 5, 2),
            "depthwise_conv2d": torch.nn.Conv2d(3, 6, 2, groups=3),
        }
    )
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((4, 4, 3)),
            layers.Dense(3),
            layers.DepthwiseConv2D(2, depth_multiplier=2),
            layers.Dense(3, name="other"),
            layers.Conv2D(5, 2),
        ]
    )
    rules = [("other.*", ai.zeros())]
    ai.initialize(model, rules, pretrained=given.state_dict(), rename="torch")
    dense, depthwise, _, conv = model.layers
    as_numpy = {name: x.detach().numpy() for name, x in given.state_dict().items()}
    np.testing.assert_array_equal(np.asarray(dense.kernel), as_numpy["dense.weight"].T)
    np.testing.assert_array_equal(np.asarray(conv.kernel), as_numpy["conv2d.weight"].transpose(2, 3, 1, 0))
    by_channel = as_numpy["depthwise_conv2d.weight"].reshape(3, 2, 2, 2).transpose(2, 3, 0, 1)
    np.testing.assert_array_equal(np.asarray(depthwise.kernel), by_channel)
    np.testing.assert_array_equal(np.asarray(conv.bias), as_numpy["conv2d.bias"])


def test_a_model_of_transformers_starts_from_its_folder(tmp_path: Path) -> None:
    """Of GPT-2 some weights are square, and stored as (inputs, outputs)."""
    torch, transformers = peer("torch"), peer("transformers")
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 29, "n_positions": 8}
    given = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes))
    given.save_pretrained(tmp_path, max_shard_size="10KB")
    assert (tmp_path / "model.safetensors.index.json").exists()
    with torch.device("meta"):
        empty = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes))
    made = ai.initialize(empty, [], pretrained=tmp_path, device="cpu")
    for name, x in given.state_dict().items():
        assert torch.equal(made.state_dict()[name], x), name
    assert made.lm_head.weight is made.transformer.wte.weight
