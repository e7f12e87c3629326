"""The options that the CPU and GPU benchmarks share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.timing import QUICK, Effort

HERE = Path(__file__).parent


def add_common(parser: ArgumentParser, files: str) -> None:
    parser.add_argument("--rounds", type=int, metavar="N", help="as many for each row, however long they take")
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=HERE,
        metavar="DIRECTORY",
        help=f"leave {files} there, by default in benchmarks/",
    )


def effort_of(asked: Namespace) -> Effort:
    effort = QUICK if asked.quick else Effort()
    if asked.rounds:
        effort = effort._replace(least=asked.rounds, most=asked.rounds, processes=asked.rounds)
    return effort
