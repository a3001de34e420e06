"""`python -m benchmarks`: measure, print, and rewrite docs/benchmarks.md."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.breakdown import Part
from benchmarks.company import Company, companies
from benchmarks.measure import REPOSITORY, BenchmarkError
from benchmarks.report import breakdown_table, cells, company_table, markdown, table
from benchmarks.rows import FULL, QUICK, Row, Sizes, all_rows

DOCUMENT = REPOSITORY / "docs" / "benchmarks.md"


def measure(sizes: Sizes, console: Console) -> tuple[list[Row], list[Part], list[Company]]:
    """Measure everything, and say each result when it is there."""
    rows: list[Row] = []
    parts: list[Part] = []
    whole: list[Company] = []
    waiting = console.status("Measuring; this takes an hour")
    with TemporaryDirectory(prefix="benchmarks-") as folder, waiting:
        for result in all_rows(Path(folder), sizes):
            if isinstance(result, Row):
                rows.append(result)
                console.print(" | ".join(cells(result)))
            else:
                parts = result
        for company in companies(Path(folder), sizes.company_consumers, sizes.company_days):
            whole.append(company)
            console.print(company_table(whole))
    return rows, parts, whole


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; only print")
    quick = parser.parse_args().quick
    console = Console()
    try:
        rows, parts, whole = measure(QUICK if quick else FULL, Console(stderr=True))
    except BenchmarkError as error:
        sys.exit(str(error))
    console.print(table(rows))
    console.print(breakdown_table(parts))
    console.print(company_table(whole))
    if not quick:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(markdown(rows, parts, whole))
        console.print(f"Wrote {DOCUMENT.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
