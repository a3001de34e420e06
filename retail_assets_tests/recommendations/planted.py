"""A small warehouse whose rows stand in the test: what recommendations are made of, by hand."""

from collections.abc import Iterable, Mapping
from typing import Any

from retail_assets.recommendations.catalog import COLUMNS, table
from retail_assets.recommendations.weekly import Week, run_week
from retail_assets_tests.planted import PlantedWarehouse, day

TABLES: Mapping[str, Mapping[str, str]] = {
    "warehouse.wh_fact_sales": {
        "consumer_key": "varchar",
        "product_key": "varchar",
        "order_date": "date",
        "is_sale": "boolean",
        "quantity": "decimal(38, 4)",
    },
    "warehouse.wh_fact_sales_returns": {
        "consumer_key": "varchar",
        "product_key": "varchar",
        "return_date": "date",
    },
    "warehouse.wh_dim_consumer": {
        "consumer_key": "varchar",
        "email": "varchar",
        "marketing_opt_in": "boolean",
    },
    "warehouse.wh_dim_consumer_history": {
        "consumer_key": "varchar",
        "valid_from": "date",
        "valid_to": "date",
        "country": "varchar",
        "state_province": "varchar",
        "marketing_opt_in": "boolean",
    },
    "warehouse.wh_dim_product": {
        "product_key": "varchar",
        "product": "varchar",
        "product_number": "varchar",
    },
    "warehouse.wh_dim_location": {
        "location_key": "varchar",
        "location_type": "varchar",
        "country": "varchar",
        "state_province": "varchar",
        "latitude": "double",
    },
    "mart_recommendations.product_popularity": {
        "week_start": "date",
        "product_key": "varchar",
        "product_name": "varchar",
        "recent_baskets": "bigint",
        "recent_consumers": "bigint",
        "popularity_rank": "integer",
        "is_discontinued": "boolean",
    },
    "mart_recommendations.product_affinity": {
        "week_start": "date",
        "product_key": "varchar",
        "neighbour_key": "varchar",
        "consumers": "bigint",
        "least_lift": "decimal(18, 6)",
    },
    "mart_recommendations.product_shortages": {
        "week_start": "date",
        "product_key": "varchar",
        "location_key": "varchar",
    },
}


class Warehouse(PlantedWarehouse):
    """Tables with the columns that recommendations read."""

    tables = TABLES

    def sell(self, *sales: tuple[str, str, str]) -> None:
        """One piece each: consumer, product, day."""
        self.add("wh_fact_sales", [(*sale, True, 1) for sale in sales])

    def know(self, *consumers: str, opt_in: bool | None = True, state: str | None = "Oregon") -> None:
        """Consumers who live in a state since ever."""
        self.add("wh_dim_consumer", [(each, f"{each}@example.com", opt_in) for each in consumers])
        self.add(
            "wh_dim_consumer_history",
            [(each, "1900-01-01", None, "United States", state, opt_in) for each in consumers],
        )

    def popular(self, week: int, products: Mapping[str, int], discontinued: Iterable[str] = ()) -> None:
        """The products of a week with their recent baskets, the most popular first."""
        self.add(
            "product_popularity",
            [
                (day(week), name, f"The {name}", baskets, baskets, rank, name in discontinued)
                for rank, (name, baskets) in enumerate(products.items(), 1)
            ],
        )

    def near(self, week: int, *pairs: tuple[str, str, int, float]) -> None:
        """Neighbours of a week: product, neighbour, consumers of both, what lift is at least."""
        self.add("product_affinity", [(day(week), *pair) for pair in pairs])

    def run(self, *weeks: int, chunk: int = 1000) -> list[Week]:
        """Make recommendations of these weeks, in this order."""
        return [run_week(self.execute, day(week), chunk) for week in weeks]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        return {name: list(self.execute(f"select * from {table(name)} order by all")) for name in COLUMNS}

    def told(self, consumer: str, list_: str, week: int = 0, columns: str = "product_key") -> list[Any]:
        """A consumer's list, in its order; of one column its values."""
        rows = self.execute(
            f"select {columns} from {table('product_recommendations')} where week_start = '{day(week)}'"
            f" and consumer_key = '{consumer}' and list = '{list_}' order by rank"
        )
        return [row[0] for row in rows] if "," not in columns else [*rows]
