"""The commands `quarantine list`, `show`, `retry` and `release`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from rich.console import Console

from retail_assets.catalog.project import Project
from retail_assets.cli.summary import RunResult
from retail_assets.errors import UserError
from retail_assets.explaining.entries import Catalog
from retail_assets.explaining.explanation import Explanation, Format, show
from retail_assets.quarantine import releases
from retail_assets.quarantine.desk import Desk, HeldRow
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import settings

# Of the rows that stay so many are named.
KEYS_SHOWN = 5


@contextmanager
def desk() -> Iterator[Desk]:
    """The desk over the published copy."""
    catalog = Catalog(Project(settings()).manifest, settings())
    with warehouse_of(settings()).reading() as query:
        yield Desk(catalog, settings().timezone, query)


def show_counts(out: Console, notes: Console, table: str, format: Format) -> None:
    """What is in quarantine, by table and reason, and what was released."""
    with desk() as open_desk:
        counts, accepted = open_desk.counts(table), open_desk.released(table)
    rows = sum(each["rows"] for each in counts)
    told = Explanation([f"{_rows(rows)} in quarantine." if rows else "Nothing is in quarantine."])
    told.add("quarantine", counts)
    told.add("released", accepted, "Released: accepted in spite of a rule")
    show(told, format, out, notes)


def show_rows(
    out: Console, notes: Console, table: str, key: Sequence[str], reason: str, format: Format
) -> None:
    """A table's rows in quarantine."""
    with desk() as open_desk:
        found = open_desk.rows(table, key, reason)
    told = Explanation([f"{_rows(len(found))} of {found[0].table} in quarantine."])
    told.add("quarantine", [each.line for each in found])
    show(told, format, out, notes)


def retry(out: Console, notes: Console, table: str, key: Sequence[str], reason: str) -> bool:
    """Run the days again that brought a table's rows in quarantine, and say what became of them."""
    with desk() as open_desk:
        found = open_desk.rows(table, key, reason)
    return _again(out, notes, found)


def release(
    out: Console, notes: Console, table: str, key: Sequence[str], reason: str, why: str, by: str
) -> bool:
    """Accept rows in spite of the rule that holds them back, and run their days again."""
    with desk() as open_desk:
        found = open_desk.rows(table, key, reason)
        accepted = releases.releasable(open_desk.table(table), found)
    warehouse = warehouse_of(settings())
    with warehouse.writing(say=notes.print), warehouse.session() as execute:
        releases.record(execute, accepted, by, why)
    return _again(out, notes, found)


def withdraw(out: Console, notes: Console, table: str, key: Sequence[str]) -> bool:
    """Take the release of a row back, and run its day again."""
    with desk() as open_desk:
        model, found = str(open_desk.table(table).model["name"]), open_desk.releases_of(table, key)
    if not found:
        raise UserError(f"No row of {table} with the key {', '.join(key)} was released.")
    warehouse = warehouse_of(settings())
    with warehouse.writing(say=notes.print), warehouse.session() as execute:
        for each in found:
            releases.forget(execute, model, each.row_hash, each.reason)
    result = _run(out, notes, {each.since for each in found})
    out.print(f"\nThe rules judge {_rows(len(found))} of {table} again.", highlight=False, markup=False)
    return result.success


def _again(out: Console, notes: Console, before: Sequence[HeldRow]) -> bool:
    result = _run(out, notes, {each.since for each in before})
    with desk() as open_desk:
        out.print(f"\n{_outcome(before, open_desk)}", highlight=False, markup=False)
    return result.success


def _run(out: Console, notes: Console, days: set[date]) -> RunResult:
    from retail_assets.cli.launch import run_range

    first, last = min(days), max(days)
    named = f"{first}" if first == last else f"{first} to {last}"
    notes.print(f"Run again, because these rows came then: {named}.", highlight=False, markup=False)
    result = run_range(first, last, "", False, console=notes)
    out.print(result.summary())
    return result


def _outcome(before: Sequence[HeldRow], open_desk: Desk) -> str:
    table = before[0].table
    still = {each.row_hash: each for each in open_desk.rows(table)} if open_desk.counts(table) else {}
    staying = [still[each.row_hash] for each in before if each.row_hash in still]
    left = f"{len(before) - len(staying):,} of {_rows(len(before))} of {table} left the quarantine."
    if not staying:
        return left
    named = "; ".join(f"{each.key}: {each.reason}" for each in staying[:KEYS_SHOWN])
    more = f"; and {len(staying) - KEYS_SHOWN:,} more" if len(staying) > KEYS_SHOWN else ""
    return f"{left} Still there: {named}{more}."


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"
