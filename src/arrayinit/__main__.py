"""``python -m arrayinit``: initialize two real models on every backend and device of this machine."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from arrayinit.backends.device import Device
from arrayinit.backends.registry import libraries
from arrayinit.cli.measure import LIMIT, Row, measure
from arrayinit.cli.models import MODELS
from arrayinit.cli.report import Report, differing, version
from arrayinit.cli.targets import targets
from arrayinit.cli.terminal import Progress, width_of
from arrayinit.stream.extension import instruction_set

# The exit statuses that a shell reports for a program that SIGINT or SIGPIPE ended.
_INTERRUPTED, _NOT_READ = 130, 141


def program() -> NoReturn:
    """Run as a program. Ctrl-C ends it, and so does a reader that closes the pipe, such as `head`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)
    try:
        status = main()
    except BrokenPipeError:
        # Python flushes at the exit, and would find the pipe broken again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _NOT_READ
    sys.exit(status)


def _interrupted(_signal: int, _frame: FrameType | None) -> NoReturn:
    # Exit at once: a callback of JAX swallows a KeyboardInterrupt, and Python's exit crashes while XLA compiles.
    os.write(2, b"\narrayinit: interrupted\n")
    os._exit(_INTERRUPTED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print the report, and return the exit status: 0 if all arrays are ok and one seed gave the same weights."""
    try:
        options = _parser().parse_args(argv)
        devices = targets(options.backend)
    except (ImportError, LookupError, ValueError) as error:
        print(f"arrayinit: {error.args[0]}", file=sys.stderr)
        return 2
    rows = _measured(options, devices)
    return 0 if all(row.ok for row in rows) and not differing(rows) else 1


def _measured(options: argparse.Namespace, devices: Sequence[Device]) -> list[Row]:
    seed = None if options.rng == "native" else options.seed or 0
    models = {name: list(MODELS[name]()) for name in options.model or MODELS}
    report = Report(devices, seed, width_of(sys.stdout))
    progress = Progress(len(devices) * sum(map(len, models.values())))
    rows: list[Row] = []

    def show(text: str) -> None:
        progress.clear()
        if not options.json:
            print(text, flush=True)

    try:
        for name, parameters in models.items():
            show(report.head(name, parameters))
            for device in devices:
                progress.label = f"{name} on {device.backend} {device.device}"
                rows.append(measure(name, parameters, device, progress.advance, seed))
                show(report.row(rows[-1]))
            show(report.foot(rows[-len(devices) :]))
        show(report.explanation())
    finally:
        progress.clear()
    if options.json:
        print(json.dumps([_plain(row) for row in rows], indent=2))
    return rows


def _plain(row: Row) -> dict[str, object]:
    # JSON has no infinity.
    error = row.worst_std_error if math.isfinite(row.worst_std_error) else None
    return {**row._asdict(), "worst_std_error": error, "core": instruction_set()}


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a non-negative integer")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="arrayinit",
        description="Initialize all parameters of GPT-2 small and ResNet-50 with the initializers of the original "
        "models, on every backend and device found, and check the result. One seed gives the same weights everywhere.",
        epilog="seconds: time to fill all arrays. compile: how much longer the first calls took than the second calls, "
        "if a library compiles. std error: the largest difference between the measured and the expected standard "
        f"deviation of an array, in standard errors; up to {LIMIT:g} is ok. The exit status is 0 if all arrays are ok "
        "and a seed gave the same weights everywhere, and 1 if not.",
    )
    parser.add_argument("--version", action="version", version=version())
    parser.add_argument("--backend", action="append", choices=libraries(), help="only this backend; may be repeated")
    parser.add_argument("--model", action="append", choices=MODELS, help="only this model; may be repeated")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--seed", type=_seed, help="make the weights from this integer (default: 0)")
    source.add_argument(
        "--rng", choices=["native"], help="native: draw with each library's own generator, not from a seed"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end, instead of tables")
    return parser


if __name__ == "__main__":
    program()
