"""`python -m retail_assets_tests.mutations [LAW...]`: try the mutations of these laws, or of all."""

import argparse
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from retail_assets_tests.mutations.catalogue import Mutation, laws
from retail_assets_tests.mutations.trial import (
    CAUGHT,
    NO_VERDICT,
    Copy,
    Verdict,
    copy_of_checkout,
    failing_anyway,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all were caught, else 1."""
    asked = _asked(arguments)
    chosen = [
        mutation
        for law in laws()
        for mutation in law.mutations
        if (not asked.laws or law.number in asked.laws)
        and asked.only in f"{mutation.breaks} {mutation.tests}"
    ]
    console = Console(width=None if sys.stdout.isatty() else 160)
    found: list[tuple[Mutation, Verdict, float]] = []
    with copy_of_checkout() as copy:
        console.print(f"Without a mutation: the tests of {len(chosen)} mutations")
        broken = set() if asked.skip_unmutated else failing_anyway(copy, chosen)
        for number, mutation in enumerate(chosen, start=1):
            started = time.monotonic()
            verdict = _tried(copy, mutation, broken)
            seconds = time.monotonic() - started
            found.append((mutation, verdict, seconds))
            console.print(
                f"{number}/{len(chosen)} law {mutation.law}: {mutation.breaks}"
                f" [bold]{verdict.outcome}[/bold] ({seconds:.0f} s)",
                highlight=False,
            )
            if verdict.said:
                console.print(f"    {verdict.said[:1000]}", markup=False, highlight=False)
    console.print(_table(found))
    caught = sum(verdict.outcome == CAUGHT for _, verdict, _ in found)
    console.print(f"{caught} of {len(found)} were caught.")
    return 0 if caught == len(found) else 1


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m retail_assets_tests.mutations", description=__doc__)
    parser.add_argument("laws", nargs="*", type=int, help="numbers of laws; all without any")
    parser.add_argument("--only", default="", help="mutations with this text in their sentence or tests")
    parser.add_argument(
        "--skip-unmutated", action="store_true", help="do not look first whether the tests pass as it is"
    )
    return parser.parse_args(arguments)


def _tried(copy: Copy, mutation: Mutation, broken: set[str]) -> Verdict:
    failing = broken & set(mutation.tests)
    if failing:
        return Verdict(NO_VERDICT, f"fails without the mutation too: {', '.join(sorted(failing))}")
    return copy.tried(mutation)


def _table(found: Sequence[tuple[Mutation, Verdict, float]]) -> Table:
    table = Table("law", "mutation", "outcome", "seconds")
    for mutation, verdict, seconds in found:
        table.add_row(str(mutation.law), mutation.breaks, verdict.outcome, f"{seconds:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
