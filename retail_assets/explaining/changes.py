"""What changed of source rows in some time: of wholes, such as orders, by their number, or of a day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from retail_assets.catalog.contract import CHANGED_AT, DELETED_AT
from retail_assets.explaining.entries import Catalog, Staged
from retail_assets.explaining.explanation import Query
from retail_assets.explaining.versions import Row, versions_of


def with_parts(catalog: Catalog, whole: Staged) -> Mapping[str, tuple[Staged, str]]:
    """A table and its parts, by name, each with the column that has the whole's number, by raw's name.

    A part of a part does not have it, and is left out.
    """
    parts = {
        name: (part, next(iter(part.references(whole)), "")) for name, part in catalog.parts(whole).items()
    }
    found = {whole.name: (whole, whole.source.primary_key[0]), **parts}
    return {name: (part, number) for name, (part, number) in found.items() if number}


def numbers_of_day(parts: Mapping[str, tuple[Staged, str]], day: date) -> Iterator[str]:
    """Queries of the numbers of wholes of which a version, or one of a part, names the day."""
    for part, number in parts.values():
        if named := naming(part, day):
            yield f"select cast({number} as varchar) as number from {part.raw} where {named}"


def tables_behind(catalog: Catalog, models: Iterable[str], query: Query) -> list[Staged]:
    """The ingested tables that models are made of, by the models' unique ids."""
    parents = catalog.manifest["parent_map"]
    seen: set[str] = set()
    waiting = list(models)
    while waiting:
        for each in parents.get(waiting.pop(), ()):
            if each not in seen:
                seen.add(each)
                waiting.append(each)
    relations = query(
        "select lower(table_schema || '.' || table_name) as relation from information_schema.tables"
    ).to_pylist()
    there = {each["relation"] for each in relations}
    return [each for each in catalog.staged.values() if each.source.unique_id in seen and each.raw in there]


def of_day(catalog: Catalog, tables: Sequence[Staged], day: date) -> Iterator[tuple[Staged, str]]:
    """The tables whose rows are of a day, each with a condition on raw: those of it by any version."""
    known = {each.name: each for each in tables}
    of_table: dict[str, list[str]] = {}
    for each in tables:
        if named := naming(each, day):
            of_table.setdefault(each.name, []).append(named)
    for whole in catalog.subjects():
        if whole.name not in known:
            continue
        parts = {name: each for name, each in with_parts(catalog, whole).items() if name in known}
        if numbers := " union ".join(numbers_of_day(parts, day)):
            for name, (_, number) in parts.items():
                of_table.setdefault(name, []).append(f"cast({number} as varchar) in ({numbers})")
    for name, ways in of_table.items():
        yield known[name], f"({' or '.join(ways)})"


def naming(table: Staged, day: date) -> str:
    """A condition on raw: the rows of which a version names the day; empty where no column does."""
    columns = table.entry.get("days", ())
    if not columns:
        return ""
    raw, staged = (", ".join(names) for names in zip(*table.key, strict=True))
    any_of = " or ".join(f"{column} = cast('{day}' as date)" for column in columns)
    return f"({raw}) in (select {staged} from {table.relation}_versions where {any_of})"


def changed_in(spans: Sequence[tuple[datetime, datetime | None]]) -> str:
    """A condition on raw: the versions that came or went in one of these times, in UTC, until now if open."""
    return " or ".join(
        f"({column} >= {_moment(start)}{f' and {column} < {_moment(end)}' if end else ''})"
        for start, end in spans
        for column in (CHANGED_AT, DELETED_AT)
    )


def versions_of_changed(table: Staged, changed: str, which: str, query: Query) -> list[Row]:
    """All versions of the rows that have one that changed so, of those that a condition on raw is of."""
    key = ", ".join(table.source.primary_key)
    rows = f"select {key} from {table.raw} where ({changed}) and {which}"
    return versions_of(table, f"({key}) in ({rows})", query)


def _moment(moment: datetime) -> str:
    return f"timestamp '{moment.replace(tzinfo=None)}'"
