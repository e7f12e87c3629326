"""plan and initialize on whole models: ``python -m benchmarks.initialize`` prints a table.

It tells the time to plan LLaMA-405B on torch's meta device; the time to initialize 1,000 small parameters, over that of
a loop by hand; and the peak memory above a model of 1 GiB, each in a fresh process.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Iterator
from functools import partial
from time import process_time
from typing import Any

import arrayinit as ai
from benchmarks.memory import peak
from benchmarks.processes import fresh

# What was measured, the result, its unit, and the most that it may be.
Row = tuple[str, float, str, float]

ROUNDS = 30
RULES: list[Any] = [
    ("norm.weight", ai.ones()),
    ("*_layernorm.weight", ai.ones()),
    ("*inv_freq", ai.zeros()),
    ("embed_tokens.weight", ai.normal(std=0.02)),
    ("layers.{layer}.**.*_proj.weight", lambda p: ai.normal(std=0.02) / (2 * p.size("layer")) ** 0.5),
    ("lm_head.weight", ai.normal(std=0.02)),
]


def planned() -> Row:
    """Plan LLaMA-405B."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"vocab_size": 128_256, "hidden_size": 16_384, "intermediate_size": 53_248}
    counts = {"num_hidden_layers": 126, "num_attention_heads": 128, "num_key_value_heads": 8}
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**sizes, **counts))
    size = sum(p.numel() for p in model.parameters())
    seconds = timed(lambda: ai.plan(model, RULES))
    plan = ai.plan(model, RULES)
    return f"plan {len(plan)} tensors of {size / 1e9:.0f}e9 parameters", seconds, "s", 1.0


def compared() -> Iterator[Row]:
    """Compare with a loop by hand over 1,000 small parameters."""
    import torch

    torch.set_num_threads(1)
    model = torch.nn.Sequential(*(torch.nn.Linear(16, 16) for _ in range(500)))
    rules = [("bias", ai.uniform(-0.1, 0.1)), ("weight", ai.normal(std=0.02))]

    def loop(seed: int | None) -> None:
        for name, p in model.named_parameters():
            rng = None if seed is None else ai.fold_in(seed, name)
            if name.endswith("bias"):
                ai.uniform_(p, -0.1, 0.1, rng=rng)
            else:
                ai.normal_(p, std=0.02, rng=rng)

    for text, seed in (("a seed", 0), ("torch's generator", None)):
        by_hand, ours = partial(loop, seed), partial(ai.initialize, model, rules, rng=seed)
        pairs = [(timed(by_hand), timed(ours)) for _ in range(ROUNDS)]
        yield f"1,000 parameters from {text}, by hand", statistics.median(p[0] for p in pairs) * 1e3, "ms", math.inf
        yield f"1,000 parameters from {text}, over by hand", statistics.median(p[1] / p[0] for p in pairs), "x", 1.1


def timed(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def above_torch() -> int:
    """Return the peak memory above a torch module of 1 GiB that is made on meta, in KiB."""
    import torch

    with torch.device("meta"):
        small, model = (torch.nn.Sequential(*(torch.nn.Linear(n, n) for _ in range(16))) for n in (64, 4096))
    rules = [("weight", ai.normal(std=0.02)), ("bias", ai.zeros())]
    ai.initialize(small, rules, rng=0, device="cpu")
    before = peak()
    ai.initialize(model, rules, rng=0, device="cpu")
    return peak() - before - sum(p.nbytes for p in model.parameters()) // 1024


def above_jax() -> int:
    """Return the peak memory above a tree of JAX arrays of 1 GiB that is described by structs, in KiB."""
    import jax

    shapes = {"small": (64, 64), "large": (4096, 4096)}
    small, tree = ({f"l{i}.kernel": jax.ShapeDtypeStruct(s, "float32") for i in range(16)} for s in shapes.values())
    rules = [("kernel", ai.normal(std=0.02))]
    ai.initialize(small, rules, rng=0)
    before = peak()
    filled = ai.initialize(tree, rules, rng=0)
    return peak() - before - sum(x.nbytes for x in filled.values()) // 1024


def rows() -> Iterator[Row]:
    yield planned()
    yield from compared()
    for library in ("torch", "jax"):
        yield f"peak memory above 1 GiB, {library}", fresh("-m", "benchmarks.initialize", library) / 1024, "MiB", 32.0


def main() -> None:
    print(f"{'':55}{'measured':>12}{'at most':>12}")
    for name, value, unit, most in rows():
        print(f"{name:55}{value:8.3f} {unit:3}", f"{most:8.3g} {unit}" if most < math.inf else "", flush=True)


if __name__ == "__main__":
    print({"torch": above_torch, "jax": above_jax}[sys.argv[1]]()) if len(sys.argv) > 1 else main()
