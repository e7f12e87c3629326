"""Models of transformers, torchvision and timm, and rules that are to initialize them as these libraries do.

`report` prints what was found. It is for a process of its own, with libraries that the tests' process must not import.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from rule_mutations import unnoticed
from same_laws import MUTANTS, Rules, changed, differ, filling, pools

import arrayinit as ai


class Case(NamedTuple):
    """A model as its library initializes it, and the rules that do the same."""

    build: Callable[[], Any]
    rules: Rules
    elsewhere: tuple[str, ...] = ()
    """Small tensors that would take thousands of seeds; a case of other sizes has them too, and compares their laws."""


def gpt2() -> Case:
    import transformers

    sizes = {"vocab_size": 96, "n_embd": 128, "n_inner": 192, "n_positions": 64, "n_layer": 2, "n_head": 2}
    config = transformers.GPT2Config(bos_token_id=0, eos_token_id=0, **sizes)
    return Case(
        lambda: transformers.GPT2LMHeadModel(config),
        [
            ("ln_*.weight", ai.ones()),
            ("bias", ai.zeros()),
            ("h.{layer}.*.c_proj.weight", lambda p: ai.normal(std=0.02) / (2 * p.size("layer")) ** 0.5),
            ("weight", ai.normal(std=0.02)),
        ],
    )


def _bert(name: str) -> Case:
    import transformers

    sizes = {"vocab_size": 96, "hidden_size": 128, "intermediate_size": 192, "max_position_embeddings": 64}
    config = transformers.BertConfig(
        num_hidden_layers=2, num_attention_heads=2, type_vocab_size=64, num_labels=64, pad_token_id=3, **sizes
    )
    return Case(
        lambda: getattr(transformers, name)(config),
        [("LayerNorm.weight", ai.ones()), ("bias", ai.zeros()), ("weight", ai.normal(std=0.02))],
    )


def bert() -> Case:
    return _bert("BertForMaskedLM")


def bert_with_pooler() -> Case:
    return _bert("BertForSequenceClassification")


def llama() -> Case:
    import transformers

    sizes = {"vocab_size": 96, "hidden_size": 128, "intermediate_size": 192, "max_position_embeddings": 64}
    config = transformers.LlamaConfig(
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, pad_token_id=5, **sizes
    )
    return Case(
        lambda: transformers.LlamaForCausalLM(config),
        [("*norm.weight", ai.ones()), ("weight", ai.normal(std=0.02))],
    )


def resnet18() -> Case:
    import torch

    models = _vision("torchvision.models")
    return Case(
        # The bias of the last layer is random, so that it needs many classes.
        lambda: models.resnet18(num_classes=8192),
        [
            (torch.nn.BatchNorm2d, {"weight": ai.ones(), "bias": ai.zeros()}),
            (torch.nn.Conv2d, ai.kaiming_normal(mode="fan_out", nonlinearity="relu")),
            ("fc.weight", ai.kaiming_uniform(a=5**0.5)),
            ("fc.bias", lambda p: ai.uniform(-(p.module.in_features**-0.5), p.module.in_features**-0.5)),
        ],
    )


def _vit(elsewhere: tuple[str, ...], **sizes: Any) -> Case:
    transformer = _vision("timm.models.vision_transformer")
    bound = 48**-0.5  # 48 numbers of a patch
    return Case(
        lambda: transformer.VisionTransformer(patch_size=4, **sizes),
        [
            ("cls_token", ai.normal(std=1e-6)),
            ("pos_embed", ai.trunc_normal(std=0.02)),
            ("patch_embed.proj.weight", ai.kaiming_uniform(a=5**0.5)),
            ("patch_embed.proj.bias", ai.uniform(-bound, bound)),
            ("norm*.weight", ai.ones()),
            ("weight", ai.trunc_normal(std=0.02)),
            ("bias", ai.zeros()),
        ],
        elsewhere,
    )


# They have as many elements as the model is wide.
NARROW = ("cls_token", "patch_embed.proj.bias")


def vit() -> Case:
    return _vit(NARROW, img_size=32, embed_dim=128, depth=2, num_heads=2, mlp_ratio=1.5, num_classes=64)


def vit_without_blocks() -> Case:
    return _vit((), img_size=4, embed_dim=8192, depth=0, num_heads=1, num_classes=10)


def _vision(module: str) -> Any:
    """Import a module that needs torchvision, of which the kernels may not fit this torch, and are not called."""
    import torch

    register = torch.library.register_fake

    def only_what_exists(op: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(op, str) and op.startswith("torchvision::"):
            return lambda function: function
        return register(op, *arguments, **options)

    torch.library.register_fake = only_what_exists
    try:
        return importlib.import_module(module)
    finally:
        torch.library.register_fake = register


# The cases of a model together compare all of its tensors.
MODELS: dict[str, tuple[Callable[[], Case], ...]] = {
    "GPT-2": (gpt2,),
    "BERT": (bert, bert_with_pooler),
    "LLaMA": (llama,),
    "ResNet-18": (resnet18,),
    "ViT": (vit, vit_without_blocks),
}


class Verdict(NamedTuple):
    """What was found; each list holds names of tensors."""

    rules: int
    """How many rules there are."""
    random: list[str]
    """The random tensors."""
    compared: list[str]
    """Those of which the laws were compared."""
    is_planned: bool
    """Whether the plan has each parameter, and the ties of the model."""
    constants: list[str]
    """Constants, buffers and padding rows that are not equal."""
    laws: list[str]
    """Random tensors whose law is not that of the library."""
    mutants: list[str]
    """Random tensors of which a wrong law was not found."""
    audit: list[str]
    """What the audit finds in the model of the library."""
    unnoticed: list[str]
    """What can be removed from the rules, and neither is refused nor changes the plan."""


def verdict(case: Case) -> Verdict:
    """Compare what rules give with what the library gives."""
    library, model = built(case, 0), built(case, 1)
    plan = ai.plan(model, case.rules)
    poison(model)
    ai.initialize(model, case.rules, rng=0)
    random = [step for step in plan if step.owner is None and step.action.draws]
    compared = [step for step in random if step.name not in case.elsewhere]
    theirs = pools(compared, lambda seed, _: built(case, seed))
    right = alike(case, compared, theirs, case.rules)
    mutants = {change.__name__: alike(case, compared, theirs, changed(case.rules, change)) for change in MUTANTS}
    return Verdict(
        len(case.rules),
        [step.name for step in random],
        [step.name for step in compared],
        all(is_planned(plan, each) for each in (model, library)),
        unequal(model, library, random),
        [name for name in theirs if name not in right],
        [f"{mutant} of {name}" for mutant, names in mutants.items() for name in names],
        plan.audit(library).faults,
        unnoticed(model, case.rules),
    )


def report(model: str) -> None:
    """Print the verdicts on a model as JSON."""
    warnings.simplefilter("error")
    print(json.dumps([verdict(case()) for case in MODELS[model]]))  # noqa: T201


def built(case: Case, seed: int) -> Any:
    """Return the model as its library initializes it."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return case.build()


def alike(case: Case, steps: list[Any], theirs: dict[str, np.ndarray], rules: Rules) -> list[str]:
    """Return the names of the tensors to which rules give the law of the library."""
    ours = pools(steps, filling(built(case, 0), rules))
    return [name for name in theirs if not differ(ours[name], theirs[name])]


def poison(model: Any) -> None:
    """Fill all parameters with NaN."""
    import torch

    with torch.no_grad():
        for x in model.parameters():
            x.fill_(torch.nan)


def is_planned(plan: ai.Plan, model: Any) -> bool:
    """Whether a plan has each parameter of a model, and each tie."""
    owners: dict[int, str] = {}
    found = {name: owners.setdefault(id(x), name) for name, x in model.named_parameters(remove_duplicate=False)}
    return found == {step.name: step.owner or step.name for step in plan}


def unequal(model: Any, library: Any, random: Iterable[Any]) -> list[str]:
    """Return the names of constants, buffers and padding rows that are not equal."""
    rows = {step.name: list(step.zero_rows) for step in random}
    ours, theirs = ({**dict(each.named_parameters()), **dict(each.named_buffers())} for each in (model, library))
    return [name for name, x in theirs.items() if not (ours[name] == x)[rows.get(name, ...)].all()]
