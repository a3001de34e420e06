"""What a SQLite column of times holds, where its index tells it quickly.

Values have types of their own in SQLite, so a time may be text or a number in any row, and a condition that
allows for all of it is evaluated for every row of the table. Where a column holds only dates as text, or
only numbers, its index finds the rows of a range. What it holds is found in the index itself: from each day
to the next one that is there, a few thousand steps at most, whatever the number of rows.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import sqlalchemy as sa

from retail_assets.ingestion.database_mapping import Expression

# Fifty years. What has more different beginnings than this holds something else than days.
_MOST_DAYS = 20_000
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


class Held(Enum):
    """What a column holds besides nulls: texts that begin with a day alone, numbers alone, or only nulls."""

    DAYS = "days"
    NUMBERS = "numbers"
    NOTHING = "nothing"


def held(connection: sa.Connection, times: Sequence[Expression]) -> Sequence[Held] | None:
    """What each of these holds; None if one of them has no index, or holds something else or a mixture."""
    found: list[Held] = []
    for time in times:
        if not isinstance(time, sa.Column) or not isinstance(time.table, sa.Table):
            return None
        one = _held(connection, time) if _is_indexed(connection, time) else None
        if one is None:
            return None
        found.append(one)
    return found


def _is_indexed(connection: sa.Connection, column: sa.Column[Any]) -> bool:
    """Whether a whole index begins with the column."""
    whole = "select name from pragma_index_list(:name) where partial = 0"
    first = "select name from pragma_index_info(:name) where seqno = 0"
    return any(
        connection.execute(sa.text(first), {"name": index}).scalar() == column.name
        for (index,) in connection.execute(sa.text(whole), {"name": column.table.name}).all()
    )


def _held(connection: sa.Connection, column: sa.Column[Any]) -> Held | None:
    quote = connection.dialect.identifier_preparer.quote
    name, table = quote(column.name), quote(column.table.name)
    # Texts come after numbers and before blobs. The last texts of a day are before the day and char(1114111).
    query = sa.text(f"""
        with recursive days(day) as (
            select substr(min({name}), 1, 10) from {table} where {name} >= ''
            union all
            select (select substr(min({name}), 1, 10) from {table} where {name} > day || char(1114111))
            from days
            where day is not null
            limit {_MOST_DAYS}
        )
        select
            count(day),
            count(case when typeof(day) = 'text' and day glob '{_DAY}' then 1 end),
            exists (select 1 from {table} where {name} < '')
        from days
    """)
    beginnings, days, numbers = connection.execute(query).one().t
    if beginnings != days or beginnings >= _MOST_DAYS - 1 or (days and numbers):
        return None
    return Held.DAYS if days else Held.NUMBERS if numbers else Held.NOTHING
