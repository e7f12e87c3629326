"""deepnorm, tfixup, fixup: a step of SGD changes deep networks as much as shallow ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from deep_networks import LAYOUT, Change, change, residual, transformer
from peers import peer

import arrayinit as ai
from arrayinit import recipes

pytestmark = pytest.mark.peers

DEPTHS = (8, 64, 512)
# At larger rates, all that normalization allows changes without the recipe, whatever the depth.
RATE = 0.01


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Multiply small matrices on one core: beside other work, threads take ten times as long."""
    torch = peer("torch")
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


def without_gains(rules: list[ai.Rule]) -> list[ai.Rule]:
    """Return the same rules with a gain of 1 everywhere."""
    return [ai.Rule(rule.selector, _without_gain(rule.value), rule.optional) for rule in rules]


def _without_gain(value: Any) -> Any:
    return value if gain(value) is None else value.replace(gain=1.0)


def gain(value: Any) -> float | None:
    return value.arguments.get("gain") if isinstance(value, ai.Initializer) else None


def deepnorm(depth: int, stacks: str, is_scaled: bool) -> Change:
    layers = {name: depth // len(stacks.split()) for name in stacks.split()}
    rules, alpha = recipes.deepnorm(**layers, layout=LAYOUT)
    alphas = alpha if is_scaled else [1.0, 1.0]
    weights, network = transformer(layers.get("encoder", 0), layers.get("decoder", 0), tuple(alphas))
    return change(weights, network, rules if is_scaled else without_gains(rules), RATE)


def tfixup(depth: int, stacks: str, is_scaled: bool) -> Change:
    layers = {name: depth // len(stacks.split()) for name in stacks.split()}
    rules = recipes.tfixup(**layers, layout=LAYOUT)
    weights, network = transformer(layers.get("encoder", 0), layers.get("decoder", 0))
    return change(weights, network, rules if is_scaled else without_gains(rules), RATE)


def fixup(depth: int, layers: str, is_scaled: bool) -> Change:
    weights, network = residual(depth, int(layers))
    standard = ai.kaiming_normal(mode="fan_out", nonlinearity="relu", layout=LAYOUT)
    rules = recipes.fixup(weights, value=standard) if is_scaled else [("**", standard)]
    # The output layer is zero at first, so the first step changes no other weight.
    return change(weights, network, rules, RATE, steps=2)


CASES = [
    (deepnorm, "decoder"),
    (deepnorm, "encoder decoder"),
    (tfixup, "encoder decoder"),
    (fixup, "2"),
    (fixup, "3"),
]


def holds(found: list[Change]) -> bool:
    """Whether all that is measured stays within 2 times."""
    updates = [one.update for one in found]
    return all(0.5 < one.growth < 2.0 for one in found) and max(updates) < 2.0 * min(updates)


@pytest.mark.parametrize(("recipe", "kind"), CASES)
def test_a_deep_network_changes_as_much_as_a_shallow_one(recipe: Any, kind: str) -> None:
    found = [recipe(depth, kind, True) for depth in DEPTHS]
    assert holds(found), found


@pytest.mark.parametrize(("recipe", "kind"), CASES)
def test_it_would_not_without_the_scales_of_the_recipe(recipe: Any, kind: str) -> None:
    found = [recipe(depth, kind, False) for depth in DEPTHS[:2]]
    assert not holds(found), found


def test_nnx_and_torch_get_the_same() -> None:
    nnx, nn = peer("flax.nnx"), peer("torch").nn

    class Layer(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.attention = nnx.MultiHeadAttention(4, 16, decode=False, rngs=rngs)
            self.norm = nnx.LayerNorm(16, rngs=rngs)
            self.fc = nnx.Linear(16, 64, rngs=rngs)

    class Flax(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.embed = nnx.Embed(50, 16, rngs=rngs)
            self.decoder = nnx.List([Layer(rngs) for _ in range(2)])
            self.head = nnx.Linear(16, 50, rngs=rngs)

    def layer() -> Any:
        attention = nn.ModuleDict({part: nn.Linear(16, 16) for part in ("query", "key", "value", "out")})
        return nn.ModuleDict({"attention": attention, "norm": nn.LayerNorm(16), "fc": nn.Linear(16, 64)})

    decoder = nn.ModuleList(layer() for _ in range(2))
    models = (
        nn.ModuleDict({"embed": nn.Embedding(50, 16), "decoder": decoder, "head": nn.Linear(16, 50)}),
        nnx.eval_shape(lambda: Flax(nnx.Rngs(0))),
    )
    found = []
    for model in models:
        plan = ai.plan(model, recipes.deepnorm(decoder=2).rules, rename="torch")
        stds = {s.seed_name: s.action.expected_std(s.shape, s.layout) for s in plan}
        found.append({name: std for name, std in stds.items() if std})
    assert found[0] == found[1]
    assert len(found[0]) == 12
    assert found[0]["decoder.1.attention.out.weight"] == 0.25 / 2


def test_models_of_transformers_need_no_other_rule() -> None:
    peer("torch")
    transformers = peer("transformers")
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    t5 = {"d_model": 32, "num_layers": 2, "d_ff": 64, "num_heads": 2, "d_kv": 16, "vocab_size": 50}
    bert = transformers.BertModel(transformers.BertConfig(intermediate_size=64, **sizes))
    llama = transformers.LlamaForCausalLM(transformers.LlamaConfig(intermediate_size=64, **sizes))
    both = transformers.T5ForConditionalGeneration(transformers.T5Config(**t5))
    for model, depths in ((bert, {"encoder": 2}), (llama, {"decoder": 2}), (both, {"encoder": 2, "decoder": 2})):
        plan = ai.plan(model, recipes.deepnorm(**depths).rules)
        gains = {step.name: found for step in plan if (found := gain(step.action)) is not None}
        assert {name for name, found in gains.items() if found == 1.0} == {
            name for name in gains if name.split(".")[-2] in ("query", "key", "q", "k", "q_proj", "k_proj")
        }
        assert all("layer" in name for name in gains)
