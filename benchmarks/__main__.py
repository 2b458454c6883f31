"""``python -m benchmarks``: run every benchmark, print its table, write ``benchmarks.json``."""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import httpx
import pandas as pd
import pyarrow as pa

from benchmarks import imports, small_read

BENCHMARKS = {"imports": imports.run, "small_read": small_read.run}


def main() -> None:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    arguments = parser.parse_args()
    machine = {
        "python": platform.python_version(),
        "pandas": pd.__version__,
        "pyarrow": pa.__version__,
        "httpx": httpx.__version__,
    }
    results: dict[str, object] = {"machine": machine}
    print("  ".join(f"{name} {version}" for name, version in machine.items()))
    for name in arguments.names or BENCHMARKS:
        rows = BENCHMARKS[name]()
        results[name] = rows
        with pd.option_context("display.width", 120, "display.max_colwidth", 60):
            print(f"\n{name}\n{pd.DataFrame(rows).to_string(index=False)}")
    arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
