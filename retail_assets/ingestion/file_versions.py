"""Raw's rows of files: when they changed, and what makes them versions."""

from retail_assets.catalog.contract import MODIFIED_AT, SourceTable
from retail_assets.ingestion.file_formats import PATH
from retail_assets.ingestion.versions import own_time, timestamp, versions_sql, zoned_cast
from retail_assets.windows import Window

# Of each file, beside its rows: the start of the day it is of, when it was written, and when it was read.
DAY_START, WRITTEN_AT, READ_AT = "_day_start", "_written_at", "_read_at"
# Rows that changed after the window's end.
IS_HELD_BACK = "_is_held_back"
ADDED = (PATH, DAY_START, WRITTEN_AT, READ_AT, IS_HELD_BACK)


def file_versions_sql(table: SourceTable, window: Window) -> str:
    """The query for raw's rows of the table `given`, joined with `files`, and the columns in `ADDED`.

    A drop says what its rows were like on its day: without a time of their own that tells of it, rows
    changed then. So it does not matter in which order drops come, and a row that returns to an earlier
    value is a version of its own.
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
        is_held_back = f"coalesce({MODIFIED_AT} >= {timestamp(window.end)}, false)"
    versions = versions_sql(
        f"given inner join files using ({PATH})",
        table,
        window,
        READ_AT,
        cast=zoned_cast,
        modified_at=modified_at,
        # Each snapshot has all rows: those that are as they were are no new versions.
        identity=identity if table.load == "window" else "''",
        passed_on=f", {PATH}, {DAY_START}, {WRITTEN_AT}, {READ_AT}",
    )
    return f"select *, {is_held_back} as {IS_HELD_BACK} from ({versions})"
