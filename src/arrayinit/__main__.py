"""``python -m arrayinit``: initialize two real models on every backend and device of this machine."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence

from arrayinit.cli.measure import LIMIT, Row, measure
from arrayinit.cli.models import MODELS
from arrayinit.cli.report import Progress, differing, table
from arrayinit.cli.targets import LIBRARIES, targets


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print the report, and return the exit status: 0 if all is as asked, and one seed gave one set of weights."""
    options = _parser().parse_args(argv)
    names = options.model or list(MODELS)
    try:
        places = targets(options.backend)
    except LookupError as error:
        print(f"arrayinit: {error.args[0]}", file=sys.stderr)
        return 2
    models = {name: list(MODELS[name]()) for name in names}
    progress = Progress(len(places) * sum(map(len, models.values())))
    rows = []
    for name, parameters in models.items():
        for place in places:
            progress.label = f"{name} on {place.backend} {place.device}"
            rows.append(measure(name, parameters, place, progress.advance, options.seed))
    progress.clear()
    print(json.dumps([_plain(row) for row in rows], indent=2) if options.json else table(rows))
    return 0 if all(row.ok for row in rows) and not differing(rows) else 1


def _plain(row: Row) -> dict[str, object]:
    # JSON has no infinity.
    error = row.worst_std_error if math.isfinite(row.worst_std_error) else None
    return {**row._asdict(), "worst_std_error": error}


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a non-negative integer")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="arrayinit",
        description="Initialize all the parameters of GPT-2 small and ResNet-50, each by the initializer that it "
        "really gets, on every backend and device found, and check the result.",
        epilog="std error: the largest deviation of an array's measured standard deviation from the expected one, in "
        f"standard errors; up to {LIMIT:g} is ok. The exit status is 0 if all are.",
    )
    parser.add_argument("--backend", action="append", choices=LIBRARIES, help="only this backend; may be repeated")
    parser.add_argument("--model", action="append", choices=MODELS, help="only this model; may be repeated")
    parser.add_argument(
        "--seed",
        type=_seed,
        help="make the weights from this integer, print the sha256 of each model's on every backend, and fail if they "
        "are not the same",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
