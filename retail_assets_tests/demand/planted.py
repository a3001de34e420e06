"""A small warehouse whose rows stand in the test: what forecasts of demand are made of, by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.demand.catalog import COLUMNS, table
from retail_assets.demand.checks import findings
from retail_assets.demand.plan_catalog import PLAN, PLAN_TABLES
from retail_assets.demand.weekly import Week, run_week
from retail_assets_tests.planted import NOWHERE, PlantedWarehouse, day

TABLES: Mapping[str, Mapping[str, str]] = {
    "warehouse.wh_fact_demand_weeks": {
        "week_start": "date",
        "product_key": "varchar",
        "location_key": "varchar",
        "days_with_level": "integer",
        "days_counted": "integer",
        "quantity_counted": "decimal(38, 4)",
    },
    "warehouse.wh_fact_product_days": {
        "sales_date": "date",
        "product_key": "varchar",
        "quantity": "decimal(38, 4)",
    },
    "warehouse.wh_fact_inventory": {
        "snapshot_date": "date",
        "product_key": "varchar",
        "location_key": "varchar",
        "sku": "varchar",
        "quantity_on_hand": "decimal(38, 4)",
        "unit_cost": "decimal(19, 4)",
        "opening_quantity": "decimal(38, 4)",
        "sold": "decimal(38, 4)",
        "returned": "decimal(38, 4)",
        "adjusted": "decimal(38, 4)",
        "written_off": "decimal(38, 4)",
    },
    "warehouse.wh_product_identities": {
        "source_system": "varchar",
        "source_id": "varchar",
        "product_key": "varchar",
    },
    "warehouse.wh_dim_location": {
        "location_key": "varchar",
        "location_type": "varchar",
        "source_id": "varchar",
        "location_name": "varchar",
    },
    "warehouse.wh_dim_product": {
        "product_key": "varchar",
        "product": "varchar",
        "product_number": "varchar",
    },
    "staging.stg_purchase_orders": {
        "sku": "varchar",
        "distribution_center_id": "bigint",
        "supplier": "varchar",
        "order_date": "date",
        "expected_date": "date",
        "received_date": "date",
        "order_status": "varchar",
        "modified_at": "timestamp",
        "quantity_ordered": "decimal(18, 4)",
        "quantity_received": "decimal(18, 4)",
    },
    "mart_demand.demand_series": {
        "week_start": "date",
        "product_key": "varchar",
        "location_key": "varchar",
        "source": "varchar",
        "category": "varchar",
        "first_date": "date",
        "is_discontinued": "boolean",
    },
}


class Warehouse(PlantedWarehouse):
    """Tables with the columns that forecasts of demand read."""

    tables = TABLES

    def leave(
        self, product: str, pieces: Sequence[float | None], last: int = 0, days: int = 7, levels: int = 7
    ) -> None:
        """Pieces of a product that left the center `here`, week by week up to `last`; None is no row."""
        self.add(
            "wh_fact_demand_weeks",
            [
                (day(last - age), product, "here", levels, days, each)
                for age, each in enumerate(reversed(pieces))
                if each is not None
            ],
        )

    def list_series(
        self, week: int, first: Mapping[str, int], category: str = "things", place: str = "here"
    ) -> None:
        """The products to be forecast at the end of a week, with the week that each began in."""
        source = "sales" if place == NOWHERE else "inventory"
        self.add(
            "demand_series",
            [
                (day(week), product, place, source, category, day(begun), False)
                for product, begun in first.items()
            ],
        )

    def stock(self, place: str, product: str, on_hand: float, *days: str) -> None:
        """Pieces in stock at the end of these days, at a cost of 2."""
        self.add(
            "wh_fact_inventory",
            [(each, product, place, product, on_hand, 2, None, 0, 0, 0, 0) for each in days],
        )

    def know(self, *products: str, centers: Sequence[str] = ("here",)) -> None:
        """Products and centers, which are numbered from 1, of the inventory system."""
        self.add("wh_product_identities", [("inventory", each, each) for each in products])
        self.add("wh_dim_product", [(each, f"The {each}", each.upper()) for each in products])
        self.add(
            "wh_dim_location",
            [
                (each, "distribution center", str(number), f"Center {each}")
                for number, each in enumerate(centers, 1)
            ],
        )

    def order(
        self,
        product: str,
        ordered: str,
        received: str | None,
        pieces: float = 10,
        status: str = "received",
        expected: str | None = None,
        changed: str = "2024-01-01",
        center: int = 1,
    ) -> None:
        """A purchase order at the supplier Acme."""
        row = (product, center, "Acme", ordered, expected, received, status, changed, pieces, pieces)
        self.add("stg_purchase_orders", [row])

    def plan(self, day_: str, columns: str, product: str = "tent", place: str = "here") -> tuple[Any, ...]:
        """The plan of a product at the end of a day; decimals as numbers."""
        (row,) = self.execute(
            f"select {columns} from {PLAN_TABLES.table(PLAN)} where plan_date = '{day_}'"
            f" and product_key = '{product}' and location_key = '{place}'"
        )
        return tuple(float(value) if hasattr(value, "as_tuple") else value for value in row)

    def run(self, *weeks: int) -> list[Week]:
        """Forecast these weeks, in this order."""
        return [run_week(self.execute, day(week)) for week in weeks]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        return {name: list(self.execute(f"select * from {table(name)} order by all")) for name in COLUMNS}

    def told(self, product: str, columns: str, week: int = 0, place: str = "here") -> list[tuple[Any, ...]]:
        """The forecasts of a product, week ahead by week ahead; decimals as numbers."""
        return [
            tuple(float(value) if hasattr(value, "as_tuple") else value for value in row)
            for row in self.execute(
                f"select {columns} from {table('demand_forecast')} where week_start = '{day(week)}'"
                f" and product_key = '{product}' and location_key = '{place}' order by weeks_ahead"
            )
        ]

    def missed(self, week: Week) -> dict[str, str]:
        """What the checks find wrong."""
        return {each.check: each.text for each in findings(self.execute, week) if not each.passed}
