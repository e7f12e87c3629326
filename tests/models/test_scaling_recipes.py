"""deepnorm, tfixup, fixup and lora: which parameters get which value, by names and layouts alone."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from recipes import SECTIONS

import arrayinit as ai
from arrayinit import recipes

N, M, WIDTH, RANK = 6, 3, 16, 4


def arrays(*names: str) -> dict[str, np.ndarray]:
    """Return arrays whose number of axes fits their names."""
    is_vector = re.compile(r"norm|bias|scale")
    return {name: np.empty((WIDTH,) if is_vector.search(name) else (RANK, WIDTH)) for name in names}


def action(rules: Any, name: str, *others: str) -> Any:
    """Return what rules do with one parameter of a model."""
    optional = [ai.Rule(rule.selector, rule.value, optional=True) for rule in rules]
    return next(step.action for step in ai.plan(arrays(name, *others), optional) if step.name == name)


RESIDUAL = [f"layer1.{i}.conv{n}.weight" for i in range(8) for n in (1, 2, 3)]
STANDARD = ai.kaiming_normal(mode="fan_out", nonlinearity="relu", layout="OI")
CALLS: dict[str, Any] = {
    "deepnorm(encoder=N)": lambda: recipes.deepnorm(encoder=N, layout="OI").rules,
    "deepnorm(decoder=M)": lambda: recipes.deepnorm(decoder=M, layout="OI").rules,
    "deepnorm(encoder=N, decoder=M)": lambda: recipes.deepnorm(encoder=N, decoder=M, layout="OI").rules,
    "tfixup(encoder=N, decoder=M)": lambda: recipes.tfixup(encoder=N, decoder=M, layout="OI"),
    "fixup(model)": lambda: recipes.fixup(arrays(*RESIDUAL, "layer1.0.downsample.weight"), value=STANDARD),
    "lora()": recipes.lora,
    "lora(gaussian=True)": lambda: recipes.lora(gaussian=True),
}


def table() -> list[tuple[str, str, str]]:
    """Return the rows of the table, one for each name."""
    rows, call = [], ""
    for first, names, value in re.findall(
        r"^\| (.*?) ?\| (`.*`) \| `(.*)` \|$", SECTIONS["Deep and wide networks"], re.MULTILINE
    ):
        call = first.strip("`") or call
        rows += [(call, name, value) for name in re.findall(r"`(.*?)`", names)]
    return rows


def test_the_table_has_each_call() -> None:
    assert {call for call, _, _ in table()} == set(CALLS)


@pytest.mark.parametrize(("call", "name", "text"), table())
def test_the_table_of_the_page_is_what_the_rules_do(call: str, name: str, text: str) -> None:
    values = {"N": N, "M": M, "d": WIDTH, "L": 8, "m": 3, "r": RANK}
    expected = eval(text, {**vars(ai), "keep": ai.keep, **values})
    found = action(CALLS[call](), name)
    if isinstance(expected, ai.Initializer):
        assert found.function is expected.function
        assert found.expected_std((RANK, WIDTH), "OI") == pytest.approx(expected.expected_std((RANK, WIDTH), "OI"))
    else:
        assert found == expected


@pytest.mark.parametrize("call", CALLS)
def test_a_resolved_plan_is_json_and_can_be_printed(call: str) -> None:
    rules = CALLS[call]()
    # Each selector and each value says what it is.
    assert "<function" not in "".join(map(repr, rules))
    names = [name for of, name, _ in table() if of == call]
    plan = ai.plan(arrays(*names), [ai.Rule(rule.selector, rule.value, optional=True) for rule in rules])
    assert ai.Plan.from_json(plan.to_json()) == plan
    assert len(str(plan).splitlines()) > 1


@pytest.mark.parametrize(
    ("depths", "encoder", "decoder"),
    [
        ({"encoder": 12}, 24**0.25, None),
        ({"decoder": 12}, None, 24**0.25),
        ({"encoder": 6, "decoder": 3}, 0.81 * (6**4 * 3) ** (1 / 16), 9**0.25),
    ],
)
def test_the_constants_of_deepnorm(depths: dict[str, int], encoder: float | None, decoder: float | None) -> None:
    alpha = recipes.deepnorm(**depths).alpha
    assert alpha == (encoder, decoder)


@pytest.mark.parametrize("recipe", [recipes.deepnorm, recipes.tfixup])
@pytest.mark.parametrize("depths", [{}, {"encoder": -1, "decoder": 2}])
def test_a_transformer_has_layers(recipe: Any, depths: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="one of them must be positive"):
        recipe(**depths)
    with pytest.raises(TypeError):
        recipe(encoder=1.5)


QUERIES = """
    h.0.q.weight h.0.attn.q_proj.weight h.0.attn.query.kernel h.0.attn.wq.weight h.0.attn.to_k.weight
    h.0.attn.W_Q.weight h.0.attn.q_proj_weight h.0.attention.key_proj.weight h.0.attention.linear_keys.weight
    transformer.h0.query.w h.0.attention.self.key.weight h.0.attn.k_lin.weight
"""
OTHERS = """
    h.0.v.weight h.0.attn.v_proj.weight h.0.attn.value.kernel h.0.attn.wo.weight h.0.attn.out_proj.weight
    h.0.mlp.c_fc.weight h.0.attn.c_proj.weight h.0.mlp.gate_proj.weight h.0.linear1.weight h.0.kqueue.weight
    h.0.multihead_attn.out_proj.weight
"""
FUSED = """
    h.0.attn.c_attn.weight h.0.attn.in_proj_weight h.0.qkv.weight h.0.Wqkv.weight h.0.query_key_value.weight
    h.0.to_kv.weight
"""
EMBEDDINGS = (
    "embed_tokens.weight wte.weight h.embedding pos_embed tok_embeddings.weight embeddings.word_embeddings.weight"
)
HEADS = "lm_head.weight head.kernel output_projection.weight classifier.weight"


def test_names_of_many_frameworks_are_known() -> None:
    rules = recipes.deepnorm(decoder=2, layout="OI").rules
    plain, scaled = ai.xavier_normal(layout="OI"), ai.xavier_normal(gain=0.5, layout="OI")
    expected = {
        **dict.fromkeys(QUERIES.split(), plain),
        **dict.fromkeys(OTHERS.split(), scaled),
        **dict.fromkeys(EMBEDDINGS.split(), ai.normal(std=0.25)),
        **dict.fromkeys(HEADS.split(), ai.kaiming_normal(nonlinearity="linear", layout="OI")),
        **dict.fromkeys(["h.0.ln_1.weight", "norm.scale", "LayerNorm_0.scale", "h.0.attn.q_norm.weight"], ai.ones()),
        **dict.fromkeys(["h.0.attn.in_proj_bias", "h.0.fc.bias", "ln_f.bias", "norm.beta", "q.b"], ai.zeros()),
    }
    optional = [ai.Rule(rule.selector, rule.value, optional=True) for rule in rules]
    model = {name: np.empty((8, WIDTH)) for name in expected}
    assert {step.name: step.action for step in ai.plan(model, optional)} == expected


@pytest.mark.parametrize("name", FUSED.split())
@pytest.mark.parametrize("rules", [recipes.deepnorm(decoder=2, layout="OI").rules, recipes.tfixup(decoder=2)])
def test_fused_weights_are_refused(name: str, rules: Any) -> None:
    with pytest.raises(ValueError, match=r"queries, keys and values together.*parts"):
        action(rules, name)
    # A rule of the user comes first.
    assert action([ai.Rule(name, ai.ones()), *rules], name) == ai.ones()


def test_normalization_is_refused_by_what_takes_its_place() -> None:
    for rules in (recipes.tfixup(encoder=2), CALLS["fixup(model)"]()):
        with pytest.raises(ValueError, match="takes the place of"):
            action(rules, "layers.0.norm1.weight")


def test_a_model_without_adapters_is_refused_by_lora() -> None:
    with pytest.raises(ValueError, match="matches nothing"):
        ai.plan(arrays("fc.weight"), recipes.lora())
    with pytest.raises(ValueError, match="rank must be positive"):
        recipes.lora(rank=0)


def test_lora_keeps_what_it_is_added_to() -> None:
    model = {"fc.weight": np.ones((8, 64)), "fc.lora_A.weight": np.empty((4, 64)), "fc.lora_B.weight": np.empty((8, 4))}
    filled = ai.initialize(model, recipes.lora(), rng=0)
    assert (filled["fc.weight"] == 1).all()
    assert not filled["fc.lora_B.weight"].any()
    assert 0 < np.abs(filled["fc.lora_A.weight"]).max() <= 1 / 8


class TestFixup:
    def scales(self, names: list[str], **options: Any) -> dict[str, float]:
        """Return the std of each weight, divided by that of the standard method."""
        model = {name: np.empty((WIDTH, WIDTH)) for name in [*names, "fc.weight"]}
        plan = ai.plan(model, recipes.fixup(model, value=STANDARD, **options))
        standard = STANDARD.expected_std((WIDTH, WIDTH))
        return {step.name: step.action.expected_std(step.shape) / standard for step in plan if step.name != "fc.weight"}

    def test_stages_are_counted_together(self) -> None:
        blocks = ["layer1.0", "layer1.1", "layer2.0"]
        found = self.scales([f"{block}.conv{i}.weight" for block in blocks for i in (1, 2)])
        assert found == pytest.approx({name: 3**-0.5 if "conv1" in name else 0.0 for name in found})

    def test_branches_of_several_lengths(self) -> None:
        short = ["layer1.0.conv1.weight", "layer1.0.conv2.weight"]
        long = [f"layer1.1.conv{i}.weight" for i in (1, 2, 3)]
        found = self.scales([*short, *long])
        assert list(found.values()) == pytest.approx([2**-0.5, 0.0, 2**-0.25, 2**-0.25, 0.0])

    def test_the_branches_of_a_transformer(self) -> None:
        parts = ["attn.q", "attn.k", "attn.v", "attn.out", "mlp.up", "mlp.down"]
        names = [f"blocks.{i}.{part}.weight" for i in range(2) for part in parts]
        found = self.scales(names, branch=["blocks.*.attn", "blocks.*.mlp"])
        assert list(found.values()) == pytest.approx([*[4 ** (-1 / 6)] * 3, 0.0, 4**-0.5, 0.0] * 2)

    def test_the_last_layer_may_be_named(self) -> None:
        # In the order of a tree of JAX.
        names = [f"layer1.{i}.{part}.kernel" for i in range(4) for part in ("down", "up")]
        assert self.scales(names, last="down.kernel")["layer1.2.down.kernel"] == 0.0
        with pytest.raises(ValueError, match=r"last='left.kernel' must take one of the weights .*it takes 0"):
            self.scales(names, last="left.kernel")

    def test_a_model_without_branches_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no weight lies in a branch"):
            self.scales(["blocks.0.conv1.weight"])
