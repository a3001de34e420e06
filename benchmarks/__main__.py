"""`python -m benchmarks`: measure, print, and rewrite docs/benchmarks.md."""

import argparse
import sys
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

DOCUMENT = REPOSITORY / "docs" / "benchmarks.md"


def measure(sizes: Sizes, console: Console) -> Results:
    """Measure everything, and say what is there meanwhile."""
    results = Results()
    waiting = console.status("Measuring; this takes an hour and a half")
    with TemporaryDirectory(prefix="benchmarks-") as name, waiting:
        folder = Path(name)
        for result in all_rows(folder, sizes):
            if isinstance(result, Row):
                results.rows.append(result)
                console.print(" | ".join(cells(result)))
            else:
                results.parts = result
        results.growth = growth(folder / "company", sizes.companies)
        console.print("Measured the whole company.")
        rmtree(folder / "company")
        size = (sizes.segmented_consumers, sizes.segmented_days, sizes.rounds)
        results.segments = segments(folder / "segments", *size)
    return results


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; only print")
    quick = parser.parse_args().quick
    console = Console()
    try:
        results = measure(QUICK if quick else FULL, Console(stderr=True))
    except BenchmarkError as error:
        sys.exit(str(error))
    for section in results.sections():
        console.print(*tables(section), sep="\n")
    if not quick:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(markdown(results))
        console.print(f"Wrote {DOCUMENT.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
