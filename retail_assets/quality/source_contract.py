"""Whether each source table still is what the contract says: a check on every raw table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Literal, TypeAlias

import dagster as dg

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.refusals import DUPLICATE, described
from retail_assets.ingestion.source import Found, Source

if TYPE_CHECKING:
    from retail_assets.ingestion.extraction import Extraction

CONTRACT_CHECK = "source_matches_contract"
PROBLEMS_SHOWN = 5

Kind: TypeAlias = Literal[
    "absent",
    "expected",
    "file",
    "unfinished",
    "doubtful",
    "columns",
    "refused",
    "duplicate",
    "repeated",
    "unbelievable",
    "missing",
    "gone",
]


@dataclass(frozen=True)
class Problem:
    """Something that a table is not as the contract has it, in one sentence, and what it is made of."""

    kind: Kind
    sentence: str
    rows: int | None = None
    amount: Decimal | None = None
    column: str | None = None
    reason: str | None = None
    value: str | None = None
    row: str | None = None  # one of the rows, by its key or its place
    example: str | None = None  # that row, with what is wrong with it


def contract_check_specs(keys: Iterable[dg.AssetKey]) -> Iterator[dg.AssetCheckSpec]:
    """The check of each raw table."""
    for key in keys:
        yield dg.AssetCheckSpec(
            CONTRACT_CHECK,
            asset=key,
            description="The table is there with the columns of _sources.yml, and its files are whole.",
        )


def contract_results(
    context: dg.AssetExecutionContext,
    extraction: "Extraction",
    tables: Sequence[SourceTable],
    keys: Mapping[str, dg.AssetKey],
) -> Iterator[dg.AssetCheckResult]:
    for table in tables:
        error = extraction.errors.get(table.name)
        problems = [error] if error else [each.sentence for each in problems_of(extraction, table)]
        for problem in problems:
            context.log.warning(problem)
        is_error = error or _lacks_something(extraction, table)
        severity = dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN
        # Missing tables and columns are no fault: a check that passes reports them.
        is_told = not error and (not problems or table.name not in extraction.found)
        told = [*_summary(problems), *(costs(extraction.source, table, extraction.found) if is_told else ())]
        yield from contract_result(context, keys[table.name], not problems, "\n".join(told) or None, severity)


def _lacks_something(extraction: "Extraction", table: SourceTable) -> bool:
    """Whether sums lack something that this reading refused: a file, or rows of what happened. Rows of a
    reference table are but names; what earlier readings refused was an error then, and is a warning now."""
    return bool(
        extraction.source.refused(table)
        or extraction.is_refused_whole(table)
        or (table.load == "window" and any(each.is_lost for each in extraction.refusals.of(table)))
    )


def problems_of(extraction: "Extraction", table: SourceTable) -> Iterator[Problem]:
    """What there is to say of a table after a reading, beside the columns that it does not have."""
    yield from _absence(extraction, table)
    yield from (Problem("file", each) for each in extraction.source.refused(table))
    unfinished = extraction.source.unfinished(table)
    for each in extraction.source.problems(table):
        yield Problem("unfinished" if each in unfinished else "columns", each)
    yield from (Problem("doubtful", each) for each in extraction.source.doubtful(table))
    yield from _refused(extraction, table)
    yield from _repeated(extraction, table)
    yield from _unbelievable(extraction, table)
    yield from _missing(extraction, table)
    yield from _late(extraction, table)
    yield from _gone(extraction, table)


def _refused(extraction: "Extraction", table: SourceTable) -> Iterator[Problem]:
    """What is refused of the table at present, also by earlier runs."""
    for some in extraction.refused:
        if some.table_name == table.name:
            rows = "1 row is" if some.rows == 1 else f"{some.rows:,} rows are"
            amount = "" if some.amount is None else f", {some.amount:,.2f} in all"
            such_as = "" if some.rows == 1 else "such as "
            yield Problem(
                "duplicate" if some.reason == DUPLICATE else "refused",
                f"{table.system}: {rows} refused of {table.source_table} ({table.name}){amount}:"
                f" {such_as}{described(some)}. The others are loaded; mend the source, and it comes in.",
                rows=some.rows,
                amount=some.amount,
                column=some.column_name,
                reason=some.reason,
                value=some.value,
                row=some.row_key or some.origin,
                example=described(some),
            )


def _repeated(extraction: "Extraction", table: SourceTable) -> Iterator[Problem]:
    repeated = extraction.repeated.get(table.name)
    if not repeated:
        return
    keys = "1 key" if repeated.keys == 1 else f"{repeated.keys:,} keys"
    are = "is" if repeated.keys == 1 else "are"
    if repeated.is_of_files:
        worth = "" if repeated.amount is None else f"; the others, {repeated.amount:,.2f}, do not"
        where = f"{are} in more than one file"
        rule = f"with the same time and other values, the file that was written last counts{worth}"
    else:
        where, rule = (
            f"{are} there more than once",
            "of rows with the same key the one that changed last counts",
        )
    yield Problem(
        "repeated",
        f"{table.system}: {keys} of {table.source_table} ({table.name}) {where}, such as {repeated.example}:"
        f" {rule}.",
        rows=repeated.keys,
        amount=repeated.amount,
    )


def _unbelievable(extraction: "Extraction", table: SourceTable) -> Iterator[Problem]:
    found = extraction.unbelievable.get(table.name)
    if found:
        stamps = " to ".join(f"{each:%Y-%m-%d}" for each in sorted({found.first, found.last}))
        absent = extraction.as_found(table).absent
        times = ", ".join(name for name in table.modified if name not in absent)
        rows = "1 row" if found.rows == 1 else f"{found.rows:,} rows"
        yield Problem(
            "unbelievable",
            f"{table.system}: {rows} of {table.source_table} ({table.name}) cannot have changed at the time"
            f" written ({times} {stamps}), such as {found.example}: loaded all the same, with the window"
            " that reads it. Correct the time at the source.",
            rows=found.rows,
            column=times,
        )


def _missing(extraction: "Extraction", table: SourceTable) -> Iterator[Problem]:
    """Days that have to be read again, and how."""
    for each in extraction.missing.get(table.name, ()):
        yield Problem(
            "missing",
            f"{table.system}: of {each.day} {table.source_table} ({table.name}) has {each.in_source:,} rows,"
            f" and raw {each.in_raw:,}: some came after that day was read, later than RETAIL_OVERLAP_HOURS."
            f" Run it again: `retail-assets backfill --from {each.day} --to {each.day}`.",
            rows=each.in_source - each.in_raw,
        )


def _late(extraction: "Extraction", table: SourceTable) -> Iterator[Problem]:
    """Rows of longer ago, and which days have to be read again."""
    late = extraction.late.get(table.name)
    if not late:
        return
    first, last = (extraction.day_of(moment) for moment in (late.first, late.last))
    rows, when = (
        ("1 row" if late.rows == 1 else f"{late.rows:,} rows"),
        (f"on {first}" if first == last else f"from {first} to {last}"),
    )
    again = [max(day, extraction.source.first_day(extraction.zone) or day) for day in (first, last)]
    yield Problem(
        "missing",
        f"{table.system}: {table.source_table} ({table.name}) has {rows} that raw has not, with a time of"
        f" change {when}, such as {late.example}: entered, or given that time, after these days were read."
        f" Run them again: `retail-assets backfill --from {again[0]} --to {again[1]}`.",
        rows=late.rows,
    )


def _gone(extraction: "Extraction", table: SourceTable) -> Iterator[Problem]:
    found = extraction.gone.get(table.name)
    if found is None or found.is_settled:
        return
    place = f"{table.system}: {table.source_table} ({table.name})"
    if found.unread:
        said = f"which rows {place} has deleted is not known, since its keys cannot be read: {found.unread}"
    elif found.is_empty:
        said = f"{place} has none of its rows any more. That looks like a broken source, so all of them stay."
    else:
        # Rounded up: what is advised has to be enough.
        share = ceil(100 * found.deleted / found.living) / 100
        said = (
            f"{place} has lost {found.deleted:,} of its {found.living:,} rows. That looks like a source that"
            " shows only a part of itself, so all of them stay. If they were deleted, run a week's last day"
            f" with RETAIL_MOST_GONE={share:.2f}."
        )
    yield Problem("gone", said, rows=found.deleted)


def _absence(extraction: "Extraction", table: SourceTable) -> Iterator[Problem]:
    source = extraction.source
    if table.name in extraction.found or not source.mapping.covers(table):
        return
    is_expected = source.is_expected(table)
    if is_expected or not table.is_optional:
        yield Problem("expected" if is_expected else "absent", source.absence(table))


def costs(source: Source, table: SourceTable, found: Mapping[str, Found]) -> Sequence[str]:
    """What is lost by what a source does not have of a table: one sentence each; none if it has all."""
    if not source.mapping.covers(table):
        return [f"The mapping leaves {table.name} out: {table.without}."]
    if table.name not in found:
        return [f"Without {table.name} {table.without}."] if table.without else []
    return [f"{sentence[0].upper()}{sentence[1:]}." for sentence in found[table.name].costs]


def _summary(problems: Sequence[str]) -> Sequence[str]:
    more = len(problems) - PROBLEMS_SHOWN
    return [*problems[:PROBLEMS_SHOWN], *([f"And {more:,} more."] if more > 0 else [])]


def contract_result(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    passed: bool,
    description: str | None,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> Iterator[dg.AssetCheckResult]:
    """The contract check's result, if the run selected the check."""
    if dg.AssetCheckKey(key, CONTRACT_CHECK) in context.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            check_name=CONTRACT_CHECK,
            asset_key=key,
            passed=passed,
            severity=severity,
            description=description,
        )
