"""``python -m benchmarks``: measure, print a table a part, and write the figures as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import (
    cluster,
    decode,
    imports,
    machine,
    many,
    one_machine,
    parquet,
    pickers,
    polling,
    profiles,
    safety,
    small_read,
    soak,
    transfer,
    wire,
)
from benchmarks.goals import goals
from benchmarks.rounds import Row
from benchmarks.setup import Setup

PARTS: Mapping[str, Callable[[Setup], list[Row]]] = {
    "imports": imports.run,
    "small_read": small_read.run,
    "pickers": pickers.run,
    "polling": polling.run,
    "many": many.run,
    "profiles": profiles.run,
    "decode": decode.run,
    "wire": wire.run,
    "transfer": transfer.run,
    "parquet": parquet.run,
    "one_machine": one_machine.run,
    "cluster": cluster.run,
    "safety": safety.run,
    "soak": soak.run,
}
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Run the parts that are named, or all."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="gio-bench-") as state:
        # What is submitted here is none of the jobs that the user's own ledger remembers.
        os.environ["XDG_STATE_HOME"] = state
        _run(arguments)


def _run(arguments: argparse.Namespace) -> None:
    rounds = arguments.rounds or (3 if arguments.quick else 5)
    arguments.data.mkdir(parents=True, exist_ok=True)
    setup = Setup(data=arguments.data, rounds=rounds, quick=arguments.quick)
    target = arguments.json or (None if arguments.quick else RESULTS)
    results = _known(target, arguments.quick) if arguments.names else {}
    results |= {"machine": machine.facts(), "quick": arguments.quick}
    broken: list[str] = []
    for name in arguments.names or PARTS:
        began = time.monotonic()
        try:
            results[name] = PARTS[name](setup)
        except Exception:  # what the other parts measure is worth having
            traceback.print_exc()
            broken.append(name)
            continue
        _print(f"{name} ({time.monotonic() - began:.0f} s, {rounds} rounds)", results[name])
        results["goals"] = goals(results)
        if target is not None:
            target.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    _print("goals", goals(results))
    if broken:
        sys.exit(f"not measured: {', '.join(broken)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="PART", help=f"what to run: {', '.join(PARTS)}; all if left out"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: four minutes")
    parser.add_argument("--rounds", type=int, help="how often: 5, with --quick 3")
    parser.add_argument(
        "--json",
        type=Path,
        help=f"where the figures go; parts that are not run stay (default: {RESULTS.name} beside "
        "this program, with --quick nowhere)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(tempfile.gettempdir()) / "gio-pandas-benchmarks",
        help="where the datasets are kept: 6 GB, with --quick 0.3 (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return arguments


def _known(target: Path | None, quick: bool) -> dict[str, Any]:
    """Read the figures of the parts that are not run now, if they are of the same sizes."""
    if target is None or not target.exists():
        return {}
    known: dict[str, Any] = json.loads(target.read_text())
    if known.get("quick") != quick:
        sys.exit(f"{target} holds figures of other sizes (--quick): name another file as --json")
    return known


def _print(title: str, rows: list[Row]) -> None:
    table = pd.DataFrame(rows).drop(columns="walls", errors="ignore")
    with pd.option_context("display.unicode.east_asian_width", True):
        shown = table.to_string(index=False, na_rep="-", max_colwidth=60)
    print(f"\n{title}\n{shown}", flush=True)


if __name__ == "__main__":
    main()
