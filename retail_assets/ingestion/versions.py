"""The query that turns a source's rows into raw's: the contract's types, and the columns that raw adds.

It runs in DuckDB, on any relation that DuckDB can read.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceColumn,
    SourceTable,
)
from retail_assets.ingestion.key_values import how_to_switch, is_no_value, is_number_key
from retail_assets.resources.sql import text
from retail_assets.windows import Window

# Why a row is refused, as a struct with fields of `refusals.Refusal`; null for all other rows.
REFUSED = "_refused"
VALUE_LENGTH = 100


def plain_cast(column: SourceColumn) -> str:
    """A column cast to the contract's type; null where the value is not of that type."""
    return f'try_cast("{column.name}" as {column.data_type})'


def own_time(table: SourceTable) -> str | None:
    """The latest of a row's own times of change; nulls do not count."""
    times = [name for name in table.modified if name not in table.absent]
    return f"greatest({', '.join(times)})" if times else None


def key_sql(table: SourceTable, value: Callable[[str], str]) -> str:
    """A row's key as text, as in quarantine. Parts of it that are personal data are hashed.

    `value` gives the SQL expression for a key column, as text.
    """
    pii = {column.name for column in table.columns if column.pii}
    parts = (
        f"'{name}=' || {f'left(md5({value(name)}), 12)' if name in pii else value(name)}"
        for name in table.primary_key
    )
    return " || ', ' || ".join(parts)


def stored_key(table: SourceTable, alias: str = "") -> str:
    """The same of a row in the warehouse, by an alias if there are several relations.

    Snowflake writes all digits of a time, by the session's format, and DuckDB none of the last zeros.
    """
    times = {column.name for column in table.columns if column.data_type == "timestamp"}

    def value(name: str) -> str:
        written = f"cast({alias and f'{alias}.'}{name} as varchar)"
        if name not in times:
            return written
        return f"case when {written} like '%.%' then rtrim(rtrim({written}, '0'), '.') else {written} end"

    return key_sql(table, value)


def is_newest(table: SourceTable, among: str = "") -> str:
    """Whether a version is the newest of its row, by the same rule as in staging (macros/staging.sql).

    `among` is an order that comes first: of which versions the newest is taken.
    """
    return f"""row_number() over (
        partition by {", ".join(table.primary_key)}
        order by {among and f"{among}, "}
            {MODIFIED_AT} desc nulls last, {LOADED_AT} desc nulls last, {ROW_HASH}
    ) = 1"""


def is_later(one: str, other: str) -> str:
    """Whether one version comes after another, by the same rule as in staging (macros/staging.sql)."""
    first, second = (f"coalesce({each}.{MODIFIED_AT}, timestamp '0001-01-01')" for each in (one, other))
    return f"({first} > {second} or ({first} = {second} and {one}.{LOADED_AT} > {other}.{LOADED_AT}))"


def versions_sql(
    relation: str,
    table: SourceTable,
    window: Window,
    loaded_at: str,
    *,
    cast: Callable[[SourceColumn], str] = plain_cast,
    modified_at: str | None = None,
    identity: str = "''",
    passed_on: str = "",
    origin: str = "cast(null as varchar)",
    undecoded: str | None = None,
) -> str:
    """The query that turns a relation with the contract's columns into raw's rows.

    `cast` gives the expression for a column's typed value, which is null if the value is not of the type.
    These are expressions over the typed columns and those of `passed_on`:

    - `loaded_at`: when the row was read
    - `modified_at`: the row's time of change; None if its own columns alone give it
    - `identity`: tells apart versions whose columns are equal
    - `origin`: the file that the row is from

    `undecoded` is a column of the relation that holds the name of a column whose text could not be decoded.
    In a row that is refused, `_refused` says why, and the hash is that of the values as the source has them.
    """
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    given = ", ".join(f'"{column.name}" as {_given(column)}' for column in table.columns)
    casts = ", ".join(f'{cast(column)} as "{column.name}"' for column in table.columns)
    # The hash leaves out columns that the source does not have: a new column in the contract makes no new
    # versions.
    there = [column for column in table.columns if column.name not in table.absent]
    packed = ", ".join(f'"{column.name}" := "{column.name}"' for column in there)
    as_given = ", ".join(f'"{column.name}" := {_given(column)}' for column in there)
    start, end = (timestamp(moment) for moment in window)
    problems = list(_problems(table, may_be_undecoded=undecoded is not None))
    return f"""
        with typed as (
            select {given}, {casts}{passed_on}, {undecoded or "null"} as undecoded from {relation}
        ),
        judged as (select *, {_problem(problems)} as problem from typed)
        select
            {names},
            cast({modified_at or own_time(table) or "null"} as timestamp) as {MODIFIED_AT},
            -- Rows of a snapshot may have been modified outside the window that brings them.
            case
                when {MODIFIED_AT} >= {start} and {MODIFIED_AT} < {end} then {MODIFIED_AT}
                else {_first_seen(table, start, loaded_at)}
            end as {CHANGED_AT},
            {loaded_at} as {LOADED_AT},
            -- The upper 63 bits of an MD5: a hash that no version of an engine changes.
            cast(md5_number_lower(
                case
                    when problem is null then cast(struct_pack({packed}) as varchar)
                    else cast(struct_pack({as_given}) as varchar)
                end || {identity}
            ) >> 1 as bigint) as {ROW_HASH},
            cast(null as timestamp) as {DELETED_AT}{passed_on},
            {_refused(table, problems, origin)} as {REFUSED}
        from judged
    """


def _first_seen(table: SourceTable, start: str, loaded_at: str) -> str:
    """When a row counts as changed whose own time of change is not in the window: at the window's start.

    A snapshot without a time of change also has rows of events after the window. They count at the time of
    the event, so that days run one by one give the same as one backfill.
    """
    if table.load == "snapshot" and not table.modified and table.time:
        return f"case when {table.time} < {loaded_at} then greatest({start}, {table.time}) else {start} end"
    return start


class _Problem(NamedTuple):
    column: SourceColumn
    when: str
    reason: str


def _problems(table: SourceTable, *, may_be_undecoded: bool) -> Iterator[_Problem]:
    """What may be wrong with a row of `typed`. A row is refused for the first one that holds."""
    for column in table.columns:
        name, given = f'"{column.name}"', _given(column)
        if may_be_undecoded:
            yield _Problem(
                column, f"undecoded = {text(column.name)}", f"{column.name} has letters that are not UTF-8"
            )
        yield _Problem(
            column,
            f"{given} is not null and {name} is null and not {_is_blank(column)}",
            _of_another_type(table, column),
        )
        if column.name in table.primary_key:
            yield _Problem(column, f"{name} is null", f"{column.name} is empty, and is the row's key")
        yield from _beyond(table, column)


def _of_another_type(table: SourceTable, column: SourceColumn) -> str:
    if is_number_key(column):
        return f"{column.name} is no number; {how_to_switch(table.system)}"
    return f"{column.name} is no {column.data_type}"


def _beyond(table: SourceTable, column: SourceColumn) -> Iterator[_Problem]:
    for sign, word, bound in zip("<>", ("below", "above"), column.bounds or ("", ""), strict=True):
        if bound:
            limit = f"cast({text(bound)} as {column.data_type})"
            yield _Problem(
                column, f'"{column.name}" {sign} {limit}', f"{column.name} is {word} the limit of {bound}"
            )


def _is_blank(column: SourceColumn) -> str:
    """Whether what cannot be cast stands for null: it is empty, a key's NULL, or MySQL's zero date."""
    if column.data_type == "varchar" and not column.is_key:
        return "false"
    if column.is_key:
        return is_no_value(_given(column))
    given = f"trim(cast({_given(column)} as varchar))"
    if column.data_type in ("timestamp", "date"):
        return f"({given} in ('', '0') or starts_with({given}, '0000-00-00'))"
    return f"{given} = ''"


def _problem(problems: Sequence[_Problem]) -> str:
    """The number of a row's first problem."""
    cases = (f"when {problem.when} then {place}" for place, problem in enumerate(problems, start=1))
    return f"case {' '.join(cases)} end"


def _refused(table: SourceTable, problems: Sequence[_Problem], origin: str) -> str:
    values = (
        "null" if problem.column.pii else f"left(cast({_given(problem.column)} as varchar), {VALUE_LENGTH})"
        for problem in problems
    )
    return f"""
        case when problem is not null then struct_pack(
            row_key := {key_sql(table, _key_as_given)},
            column_name := [{", ".join(text(problem.column.name) for problem in problems)}][problem],
            value := [{", ".join(values)}][problem],
            reason := [{", ".join(text(problem.reason) for problem in problems)}][problem],
            amount := try_cast({table.amount or "null"} as decimal(38, 6)),
            origin := {origin}
        ) end"""


def _key_as_given(name: str) -> str:
    return f'coalesce(cast("{name}" as varchar), cast("{name} as given" as varchar))'


def _given(column: SourceColumn) -> str:
    return f'"{column.name} as given"'


def timestamp(moment: datetime) -> str:
    """A timestamp literal in SQL, without a zone: all times in raw are UTC."""
    return f"timestamp '{moment.replace(tzinfo=None)}'"
