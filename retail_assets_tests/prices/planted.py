"""A small warehouse whose rows stand in the test: what prices and offers are made of, by hand."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from retail_assets.prices.catalog import COLUMNS, ELASTICITIES, PLAN, RECORD, table
from retail_assets.prices.checks import findings
from retail_assets.prices.weekly import Week, run_week
from retail_assets_tests.planted import PlantedWarehouse, day

AMOUNT = "decimal(38, 6)"
TABLES: Mapping[str, Mapping[str, str]] = {
    "warehouse.wh_fact_product_days": {
        "sales_date": "date",
        "sales_channel": "varchar",
        "country": "varchar",
        "product_group": "varchar",
        "product_key": "varchar",
        "offer_id": "bigint",
        "is_under_offer": "boolean",
        "quantity": "decimal(38, 4)",
        "net_amount": AMOUNT,
        "discount_amount": AMOUNT,
        "margin": AMOUNT,
    },
    "warehouse.wh_dim_product": {"product_key": "varchar", "category": "varchar"},
}
CALENDAR: Mapping[str, Mapping[str, str]] = {
    "mart_prices.offer_calendar": {
        "week_start": "date",
        "offer_id": "bigint",
        "offer_name": "varchar",
        "offer_code": "varchar",
        "discount_pct": "decimal(10, 4)",
        "valid_from": "date",
        "valid_to": "date",
        "terms": "varchar",
        "country": "varchar",
        "sales_channel": "varchar",
        "state": "varchar",
        "settled_date": "date",
        "is_settled": "boolean",
        "measured_until": "date",
        "days_after": "bigint",
        "measured_quantity": "decimal(38, 4)",
        "expected_quantity": "decimal(18, 6)",
        "measured_net_amount": AMOUNT,
        "measured_discount": AMOUNT,
        "measured_margin": AMOUNT,
        "uplift": "decimal(18, 6)",
        "uplift_low": "decimal(18, 6)",
        "uplift_high": "decimal(18, 6)",
        "margin_uplift": AMOUNT,
        "margin_uplift_low": AMOUNT,
        "margin_uplift_high": AMOUNT,
    }
}
BLANK = dict.fromkeys(CALENDAR["mart_prices.offer_calendar"])


class Warehouse(PlantedWarehouse):
    """Tables with the columns that prices read: those of a shop without marketing."""

    tables = TABLES

    def know(self, **categories: str) -> None:
        """Products with their categories."""
        self.add("wh_dim_product", categories.items())

    def sell(
        self,
        product: str,
        prices: Iterable[float],
        pieces: Iterable[float],
        last: int = 0,
        channel: str = "webshop",
    ) -> None:
        """Weeks of a product up to `last`, with the price of a piece; no pieces are no row."""
        weeks = [*zip(prices, pieces, strict=True)]
        rows = [
            (
                day(last - len(weeks) + 1 + number, 2),
                channel,
                product,
                product,
                False,
                count,
                count * price,
                0,
            )
            for number, (price, count) in enumerate(weeks)
            if count
        ]
        names = ("sales_date", "sales_channel", "product_group", "product_key", "is_under_offer", "quantity")
        columns = [list(values) for values in zip(*rows, strict=True)]
        given = pa.table(dict(zip((*names, "net_amount", "discount_amount"), columns, strict=True)))
        self.connection.register("given", given)
        self.execute("insert into warehouse.wh_fact_product_days by name select * from given")
        self.connection.unregister("given")

    def run(self, *weeks: int) -> list[Week]:
        """Make these weeks, in this order."""
        return [run_week(self.execute, day(week)) for week in weeks]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        return {name: list(self.execute(f"select * from {table(name)} order by all")) for name in COLUMNS}

    def missed(self, week: Week) -> dict[str, str]:
        """What the checks find wrong."""
        return {each.check: each.text for each in findings(self.execute, week) if not each.passed}

    def told(self, columns: str, where: str = "level = 'product'", week: int = 0) -> dict[Any, Any]:
        """Rows of elasticities by product or category; decimals as numbers."""
        rows = self.execute(
            f"select coalesce(product_key, category, level), {columns} from {table(ELASTICITIES)}"
            f" where week_start = '{day(week)}' and {where} order by 1"
        )
        found = {name: tuple(map(plain, values)) for name, *values in rows}
        return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


class Marketing(Warehouse):
    """A shop with offers."""

    tables = {**TABLES, **CALENDAR}

    def sell_daily(
        self,
        group: str,
        pieces: float,
        days: int = 56,
        margin: float | None = 4,
        **more: Any,
    ) -> None:
        """Days of a product group up to the end of week 0, each with as many pieces at a price of 10."""
        end = date.fromisoformat(day(1))
        _, *names = TABLES["warehouse.wh_fact_product_days"]
        row = {
            "sales_channel": "webshop",
            "product_group": group,
            "product_key": group.lower(),
            "is_under_offer": False,
            "quantity": pieces,
            "net_amount": pieces * 10,
            "discount_amount": 0,
            "margin": None if margin is None else pieces * margin,
            **more,
        }
        self.add(
            "wh_fact_product_days",
            [
                [str(end - timedelta(days=back)), *(row.get(name) for name in names)]
                for back in range(1, days + 1)
            ],
        )

    def offer(self, number: int, first: str, last: str | None, week: int = 0, **more: Any) -> None:
        """An offer as a week's calendar has it. What was measured follows from `uplift`, if there is one."""
        end = day(week + 1)
        settled = None if last is None else str(date.fromisoformat(last) + timedelta(days=21))
        state = "ahead" if first >= end else "over" if last is not None and last < end else "running"
        row: dict[str, Any] = {
            **BLANK,
            "week_start": day(week),
            "offer_id": number,
            "offer_name": f"Offer {number}",
            "discount_pct": 0.2,
            "valid_from": first,
            "valid_to": last,
            "sales_channel": "webshop",
            "state": state,
            "settled_date": settled,
            "is_settled": settled is not None and settled < end,
        }
        uplift = more.get("uplift")
        if uplift:
            row |= {
                "measured_until": first,
                "measured_quantity": 100 * uplift,
                "expected_quantity": 100,
                "measured_net_amount": 800 * uplift,
                "measured_discount": 200 * uplift,
                "measured_margin": 300 * uplift,
                "uplift_low": uplift * float(np.exp(-0.2)),
                "uplift_high": uplift * float(np.exp(0.2)),
                "margin_uplift": 300 * uplift - 500,
                "margin_uplift_low": 300 * uplift - 600,
                "margin_uplift_high": 300 * uplift - 400,
            }
        self.add("offer_calendar", [[{**row, **more}[name] for name in BLANK]])

    def plan(self, number: int, columns: str, week: int = 0) -> tuple[Any, ...]:
        """What an offer is told; decimals as numbers."""
        (row,) = self.execute(
            f"select {columns} from {table(PLAN)} where week_start = '{day(week)}' and offer_id = {number}"
        )
        return tuple(map(plain, row))

    def records(self, columns: str) -> list[tuple[Any, ...]]:
        """The record, by week and offer."""
        rows = self.execute(f"select {columns} from {table(RECORD)} order by week_start, offer_id")
        return [tuple(map(plain, row)) for row in rows]


def plain(value: Any) -> Any:
    """A decimal as a number, a date as its text."""
    if isinstance(value, date):
        return str(value)
    return float(value) if hasattr(value, "as_tuple") else value
