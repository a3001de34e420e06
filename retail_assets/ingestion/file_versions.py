"""Raw's rows of files: when they changed, and what makes them versions."""

from collections.abc import Iterable
from functools import partial

from retail_assets.catalog.contract import CHANGED_AT, LOADED_AT, MODIFIED_AT, ROW_HASH, SourceTable
from retail_assets.ingestion.file_formats import PATH, ROW, Layout
from retail_assets.ingestion.file_values import Form, cast, with_no_values
from retail_assets.ingestion.scope import CLOCKS_DIFFER
from retail_assets.ingestion.versions import REFUSED, own_time, timestamp, versions_sql
from retail_assets.resources.sql import text
from retail_assets.windows import Window

# Of each file, beside its rows: its path in the source, the start of the day it is of, when it was written,
# and when it was read.
NAME, DAY_START, WRITTEN_AT, READ_AT = "_name", "_day_start", "_written_at", "_read_at"
# Rows that changed after the window's end, and not later than they can have.
IS_HELD_BACK = "_is_held_back"
ADDED = (PATH, ROW, NAME, DAY_START, WRITTEN_AT, READ_AT, IS_HELD_BACK)


def file_versions_sql(
    table: SourceTable, layout: Layout, window: Window, form: Form | None = None, paths: Iterable[str] = ()
) -> str:
    """The query for raw's rows of the table `given`, joined with `files`, and the columns in `ADDED`.

    Without a form all rows, with their values as DuckDB reads them; else the `wrong` ones of these files,
    with their values in that form.

    A drop has its rows as of its day: unless a row's own time of change is later, it changed on that day. So
    the order in which drops arrive does not matter, and a row that returns to an earlier value is a version
    of its own.
    """
    own = own_time(table)
    if own:
        modified_at = f"greatest({own}, {DAY_START})"
        identity = (
            f"case when {own} >= {DAY_START} then '' else coalesce(cast({DAY_START} as varchar), '') end"
        )
    else:
        modified_at = f"coalesce({DAY_START}, {WRITTEN_AT})"
        identity = f"coalesce(cast({DAY_START} as varchar), '')"
    is_held_back = "false"
    if own and table.load == "window":
        # A stamp of the year 9999 lies in no window: such a row is loaded, and told (reconciliation.py).
        soon = f"{READ_AT} + interval {CLOCKS_DIFFER.total_seconds():.0f} seconds"
        is_held_back = f"coalesce({MODIFIED_AT} >= {timestamp(window.end)} and {MODIFIED_AT} < {soon}, false)"
    columns, condition = "*", "true"
    if form is not None:
        columns = f"{with_no_values(table, layout)}, {PATH}"
        some = ", ".join(map(text, paths))
        condition = f"rowid in (select {ROW} from wrong where {PATH} in ({some}))"
    versions = versions_sql(
        f"(select {columns}, rowid as {ROW} from given where {condition}) inner join files using ({PATH})",
        table,
        window,
        READ_AT,
        cast=partial(cast, layout=layout, form=form),
        modified_at=modified_at,
        # Each snapshot has all rows: those that are as they were are no new versions.
        identity=identity if table.load == "window" else "''",
        passed_on=f", {PATH}, {ROW}, {NAME}, {DAY_START}, {WRITTEN_AT}, {READ_AT}",
        origin=NAME,
    )
    return f"select *, {is_held_back} as {IS_HELD_BACK} from ({versions})"


def rejected_rows_sql(window: Window) -> str:
    """The query for the rows of `rejects`, of the one file in `files`. Nothing but their line is known."""
    return f"""
        select
            {PATH},
            {timestamp(window.start)} as {CHANGED_AT},
            {READ_AT} as {LOADED_AT},
            row_hash as {ROW_HASH},
            false as {IS_HELD_BACK},
            struct_pack(
                row_key := cast(null as varchar),
                column_name := cast(null as varchar),
                value := cast(null as varchar),
                reason := reason,
                amount := cast(null as decimal(38, 6)),
                origin := {NAME} || ', line ' || line
            ) as {REFUSED}
        from rejects cross join files
    """
