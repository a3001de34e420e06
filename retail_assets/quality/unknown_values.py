"""Values that nobody has mapped yet: told with their rows and amount, since they are no sales until then."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import dagster as dg

from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

CHECK_NAME = "known_values"
VALUES_SHOWN = 5


class Watched(NamedTuple):
    """A column of a staging model that holds our words, and what a row of it is worth, if that is known."""

    model: str
    column: str
    source_column: str
    amount: str


WATCHED = (
    Watched("stg_sales_orders", "order_status", "source_status", "total_due"),
    Watched("stg_webshop_orders", "order_status", "source_status", "null"),
    Watched("stg_webshop_order_items", "item_status", "source_status", "sale_price"),
)


def known_value_specs(keys: set[dg.AssetKey]) -> Iterator[dg.AssetCheckSpec]:
    """The check of each watched model that is among the assets."""
    for watched in WATCHED:
        key = dg.AssetKey(["staging", watched.model])
        if key in keys:
            yield dg.AssetCheckSpec(
                CHECK_NAME,
                asset=key,
                description=f"Every {watched.source_column} of the source is mapped to one of ours.",
            )


def known_value_results(
    selected: set[dg.AssetCheckKey], execute: Execute, window: Window
) -> Iterator[dg.AssetCheckResult]:
    """A result for each selected check, over the rows that the window changed. It warns: no row is lost."""
    for watched in WATCHED:
        key = dg.AssetKey(["staging", watched.model])
        if dg.AssetCheckKey(key, CHECK_NAME) not in selected:
            continue
        found = execute(_query(watched, window))
        yield dg.AssetCheckResult(
            check_name=CHECK_NAME,
            asset_key=key,
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=_sentence(watched, found) if found else None,
            metadata={"unknown values": len(found), "rows": sum(int(row[1]) for row in found)},
        )


def _query(watched: Watched, window: Window) -> str:
    start, end = (f"cast('{moment:%Y-%m-%d %H:%M:%S}' as timestamp)" for moment in window)
    return f"""
        select {watched.source_column}, count(*), sum({watched.amount})
        from staging.{watched.model}
        where {watched.column} = 'unknown' and _changed_at >= {start} and _changed_at < {end}
        group by {watched.source_column}
        order by count(*) desc, {watched.source_column}
    """


def _sentence(watched: Watched, rows: Sequence[tuple[Any, ...]]) -> str:
    told = [
        f"'{value}' ({count:,} rows{'' if amount is None else f', {amount:,.2f}'})"
        for value, count, amount in rows[:VALUES_SHOWN]
    ]
    more = f" and {len(rows) - VALUES_SHOWN} more" if len(rows) > VALUES_SHOWN else ""
    return (
        f"Unknown {watched.column.replace('_', ' ')}: {', '.join(told)}{more}."
        " They count as no sales until the system's mapping says what they are."
    )
