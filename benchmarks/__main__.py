"""Measure all cases, or the cases that match a pattern: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

from benchmarks.chart import draw
from benchmarks.environment import environment
from benchmarks.options import HERE, add_common, effort_of
from benchmarks.report import as_json, markdown, measure
from benchmarks.summary import draw_summary
from benchmarks.targets import target
from benchmarks.timing import Case, Pair, compare


def cases(side: int) -> list[Case]:
    """Return all cases, in the order of the report."""
    os.environ["KERAS_BACKEND"] = "numpy"
    import torch

    from arrayinit.kernels.threads import count
    from benchmarks import core_rows, growth, imports, jax_rows, memory, models, numpy_rows, torch_rows

    torch.set_num_threads(count())
    rows = (torch_rows, jax_rows, numpy_rows, core_rows)
    large: Iterator[Pair] = (pair for library in rows for pair in library.pairs(side))
    small: Iterator[Pair] = (pair for library in rows for pair in library.small_pairs())
    pairs = [Case((pair.name,), partial(compare, pair)) for group in (large, small) for pair in group]
    return [*pairs, *(case for module in (models, growth, memory, imports) for case in module.cases())]


def choose(every: list[Case], asked: argparse.Namespace) -> list[Case]:
    """Return the cases that match the pattern, of all cases or of those with a target."""
    if asked.targets or (asked.quick and not asked.only):
        every = [case for case in every if any(map(target, case.names))]
    return [case for case in every if any(re.search(asked.only or "", name) for name in case.names)]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="smaller arrays, few rounds, only what has a target: about two minutes"
    )
    parser.add_argument("--targets", action="store_true", help="only what has a target")
    parser.add_argument("--only", metavar="PATTERN", help="the cases whose name this regular expression is found in")
    add_common(parser, "RESULTS.md, RESULTS.png, SUMMARY.png and results.json")
    asked = parser.parse_args()
    if asked.write == HERE and (asked.quick or asked.only or asked.targets):
        parser.error("what is written to benchmarks/ is a full run, without --quick, --only and --targets")
    if asked.write and not find_spec("matplotlib"):
        parser.error("--write draws charts with matplotlib, which is not installed")
    if asked.write:
        asked.write.mkdir(parents=True, exist_ok=True)
    return asked


def main() -> None:
    asked = options()
    effort = effort_of(asked)
    about = environment(shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]))
    chosen = choose(cases(effort.side), asked)
    results = measure(chosen, effort)

    if asked.write:
        draw(results, asked.write / "RESULTS.png")
        draw_summary(results, asked.write / "SUMMARY.png")
        (asked.write / "RESULTS.md").write_text(markdown(about, results, "![Chart](RESULTS.png)"))
        (asked.write / "results.json").write_text(as_json(about, results))
    print(markdown(about, results))


if __name__ == "__main__":
    main()
