"""Measure, print, and rewrite docs/benchmarks.md: all of it, or chosen parts. The others stay as they are.

All parts take an hour and a half on an idle machine, so that they may be measured one at a time.
"""

import argparse
import sys
from collections.abc import Collection
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.company import growth
from benchmarks.measure import REPOSITORY, BenchmarkError
from benchmarks.report import Results, markdown, tables
from benchmarks.rows import FULL, QUICK, Row, Sizes, all_rows
from benchmarks.sections import cells
from benchmarks.segments import segments

PARTS = ("rows", "company", "segments")
DOCUMENT = REPOSITORY / "docs" / "benchmarks.md"


def measure(sizes: Sizes, chosen: Collection[str], console: Console) -> Results:
    """Measure the chosen parts, and say what is there meanwhile."""
    results = Results()
    waiting = console.status("Measuring; all parts take an hour and a half")
    with TemporaryDirectory(prefix="benchmarks-") as name, waiting:
        folder = Path(name)
        for result in all_rows(folder, sizes) if "rows" in chosen else ():
            if isinstance(result, Row):
                results.rows.append(result)
                console.print(" | ".join(cells(result)))
            else:
                results.parts = result
        if "company" in chosen:
            results.growth = growth(folder / "company", sizes.companies)
            console.print("Measured the whole company.")
            rmtree(folder / "company")
        if "segments" in chosen:
            size = (sizes.segmented_consumers, sizes.segmented_days, sizes.rounds)
            results.segments = segments(folder / "segments", *size)
    return results


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; only print")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; without one, all")
    options = parser.parse_args()
    quick, chosen = options.quick, options.parts or PARTS
    if unknown := {*chosen} - {*PARTS}:
        parser.error(f"{', '.join(sorted(unknown))} is no part; there are {', '.join(PARTS)}")
    console = Console()
    try:
        results = measure(QUICK if quick else FULL, chosen, Console(stderr=True))
    except BenchmarkError as error:
        sys.exit(str(error))
    for section in results.sections():
        console.print(*tables(section), sep="\n")
    if not quick:
        DOCUMENT.parent.mkdir(exist_ok=True)
        former = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
        DOCUMENT.write_text(markdown(results, former), encoding="utf-8")
        console.print(f"Wrote {DOCUMENT.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
