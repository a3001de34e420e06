"""What raw's rows say by themselves: whom they do not name, and when they say that they changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from retail_assets.catalog.contract import DELETED_AT, MODIFIED_AT, SourceColumn, SourceTable
from retail_assets.ingestion.source import Source
from retail_assets.ingestion.versions import is_newest, stored_key, timestamp
from retail_assets.inspection.findings import Finding
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Unnamed:
    """What a sale should name, and when it does not."""

    table: str
    column: str
    what: str
    when: str


# Of other tables it is no matter: visitors who do not sign in have no number, most campaigns make no offer.
SALES = (
    Unnamed("erp.sales_order_header", "customer_id", "no customer", "customer_id is null"),
    Unnamed("erp.sales_order_header", "territory_id", "no territory", "territory_id is null"),
    Unnamed("erp.sales_order_detail", "product_id", "no product", "product_id is null"),
    Unnamed(
        "webshop.orders",
        "user_id",
        "no customer",
        "user_id is null and nullif(trim(customer_email), '') is null",
    ),
    Unnamed("webshop.order_items", "product_id", "no product", "product_id is null"),
)

# A line without its order is told as what it is, and is no sale (half_orders.py).
LINES = {("erp.sales_order_detail", "sales_order_id"), ("webshop.order_items", "order_id")}

# A shop has a night: so many hours in which hardly anything happens.
QUIET_HOURS = 6
QUIET_SHARE = 0.05
# Nights begin and end within these hours, or the clock is doubted.
NIGHT_MIDDLES = (21, 9)
ENOUGH_ROWS = 200


def unnamed(table: SourceTable, execute: Execute) -> Iterator[Finding]:
    """Sales that do not say who bought, what or where. They count, as unknown."""
    for each in SALES:
        if each.table == f"{table.system}.{table.name}" and each.column not in table.absent:
            rows, amount, _ = _counted(table, each.when, execute)
            if rows:
                yield Finding(
                    "look",
                    "unnamed",
                    f"{counted(rows, amount)} with {each.what} ({each.column}): counted, as unknown.",
                    rows,
                    amount,
                    each.column,
                )


def unmatched(table: SourceTable, others: Mapping[str, SourceTable], execute: Execute) -> Iterator[Finding]:
    """Rows that refer to something that its own table does not have. `others` are raw's tables."""
    for column in table.columns:
        other = _referred(table, column, others)
        if other is None or column.name in table.absent:
            continue
        if (f"{table.system}.{table.name}", column.name) in LINES:
            continue
        key = column.name if column.name in other.raw_schema.names else other.primary_key[0]
        known = f"select {key} from {other.schema}.{other.name} where {DELETED_AT} is null"
        when = f"{column.name} is not null and {column.name} not in ({known})"
        rows, amount, example = _counted(table, when, execute, f"min(cast({column.name} as varchar))")
        if rows:
            yield Finding(
                "look",
                "unmatched",
                f"{counted(rows, amount)} whose {column.name} is not in {other.name}, such as '{example}':"
                " counted, as unknown.",
                rows,
                amount,
                column.name,
                value=example,
            )


def times(table: SourceTable, beginning: datetime, execute: Execute) -> Iterator[Finding]:
    """Rows whose time of change is not there, or lies before the first day."""
    if table.load != "window" or not table.modified:
        return
    told = ", ".join(name for name in table.modified if name not in table.absent)
    rows, amount, example = _counted(table, f"{MODIFIED_AT} is null", execute, _key(table))
    if rows:
        yield Finding(
            "look",
            "timeless",
            f"{counted(rows, amount)} without a time of change ({told}), such as {example}: read every day,"
            " and counted on the day that first reads it.",
            rows,
            amount,
            told,
            row=example,
        )
    early = f"{MODIFIED_AT} < {timestamp(beginning)}"
    rows, amount, example = _counted(table, early, execute, f"cast(min({MODIFIED_AT}) as varchar)")
    if rows:
        yield Finding(
            "note",
            "early",
            f"{counted(rows, amount)} changed before RETAIL_START_DATE ({beginning:%Y-%m-%d}), the first"
            f" {example}: loaded with the first day.",
            rows,
            amount,
            told,
            value=example,
        )


def outside(
    source: Source, table: SourceTable, window: Window, now: datetime, is_last: bool
) -> Iterator[Finding]:
    """Rows that changed after the window; `is_last` says whether no partition comes after it."""
    if table.load != "window":
        return
    rows, files = source.later(table, window, now + DAY)
    if not rows and not files:
        return
    what = " and ".join(
        [
            *([counted(rows, None)] if rows else []),
            *([f"the file{_s(files)} {_listed(files)}"] if files else []),
        ]
    )
    if is_last:
        yield Finding(
            "loss",
            "outside",
            f"{what} after RETAIL_END_DATE: in no partition, and not loaded.",
            rows or None,
        )
    else:
        yield Finding(
            "note", "later", f"{what} after the days inspected: later days load them.", rows or None
        )


def clock(
    source: Source, table: SourceTable, zone: str, setting: str, now: datetime, execute: Execute
) -> Iterator[Finding]:
    """Evidence that times are in another zone than the source's setting; not proof."""
    if table.load != "window":
        return
    around = [Window(now - DAY, now), Window(now, now + DAY)]
    past, future = (source.count_by_day(table, around) if table.modified else None) or (0, 0)
    if future:
        yield Finding(
            "look",
            "clock",
            f"{counted(future, None)} changed in the 24 hours after now, and {past:,} in the 24 hours before."
            f" Either the source's clock is ahead, or its times are of another zone than {setting}.",
            future,
        )
    hours = _hours(table, zone, execute)
    total = sum(hours)
    if total < ENOUGH_ROWS:
        return
    spans = [sum(hours[(first + hour) % 24] for hour in range(QUIET_HOURS)) for first in range(24)]
    quiet = min(range(24), key=lambda first: spans[first])
    middle, (late, early) = (quiet + QUIET_HOURS // 2) % 24, NIGHT_MIDDLES
    if spans[quiet] < QUIET_SHARE * total and early <= middle < late:
        busy = max(range(24), key=lambda first: spans[first])
        yield Finding(
            "look",
            "clock",
            f"{table.time} lies between {_span(quiet)} for {spans[quiet] / total:.1%} of {total:,} rows, and"
            f" between {_span(busy)} for {spans[busy] / total:.1%}, in {zone}. Where a shop sleeps at night,"
            f" its times are of another zone than {setting}.",
            total,
            column=table.time,
        )


def _hours(table: SourceTable, zone: str, execute: Execute) -> Sequence[int]:
    """How many rows happened in each hour of the day. Those at midnight are days, not times."""
    column = next((each for each in table.columns if each.name == table.time), None)
    counts = [0] * 24
    if column is None or column.data_type != "timestamp":
        return counts
    local = f"timezone('{zone}', timezone('UTC', {column.name}))"
    for hour, rows in execute(f"""
        select extract(hour from local_time), count(*)
        from (select {local} as local_time, {column.name} as moment from {_newest(table)})
        where cast(local_time as time) <> time '00:00:00' and cast(moment as time) <> time '00:00:00'
        group by 1
    """):
        counts[int(hour)] = int(rows)
    return counts


def _span(first: int) -> str:
    return f"{first}:00 and {(first + QUIET_HOURS) % 24}:00"


def _referred(
    table: SourceTable, column: SourceColumn, others: Mapping[str, SourceTable]
) -> SourceTable | None:
    """The table that a column of what happened refers to, if raw has it whole."""
    if table.load != "window" or not column.references:
        return None
    name = column.references if "." in column.references else f"{table.system}.{column.references}"
    other = others.get(name)
    if other is None or (len(other.primary_key) > 1 and column.name not in other.primary_key):
        return None
    return other


def _counted(
    table: SourceTable, when: str, execute: Execute, example: str = "null"
) -> tuple[int, Decimal | None, str | None]:
    """The number of rows that meet a condition, with their amount and an example."""
    ((rows, amount, told),) = execute(f"""
        select count(*), sum({table.amount or "cast(null as decimal(38, 6))"}), {example}
        from {_newest(table)} where {when}
    """)
    return int(rows), amount, told


def _newest(table: SourceTable) -> str:
    return f"""(
        select * from {table.schema}.{table.name} where {DELETED_AT} is null qualify {is_newest(table)}
    )"""


def _key(table: SourceTable) -> str:
    return f"min({stored_key(table)})"


def counted(rows: int, amount: Decimal | None) -> str:
    """`12 rows, 1,234.50`."""
    money = "" if amount is None else f", {amount:,.2f}"
    return f"{rows:,} row{'' if rows == 1 else 's'}{money}"


def _s(things: Sequence[object]) -> str:
    return "" if len(things) == 1 else "s"


def _listed(names: Sequence[str], at_most: int = 3) -> str:
    more = f" and {len(names) - at_most:,} more" if len(names) > at_most else ""
    return ", ".join(names[:at_most]) + more
