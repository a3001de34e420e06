"""No model makes many more rows on its way than it reads and writes, also where products are many and their
prices change often: a join of ranges before one of keys multiplies every order by every price.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw

FIRST, LAST = datetime.fromisoformat("2023-01-01"), datetime.fromisoformat("2024-08-23")
DAYS = (LAST - FIRST).days
PRODUCTS, DAYS_OF_A_PRICE, ORDERS, LINES = 200, 15, 4_000, 4

MOST = 10
"""Times as many rows as a model reads and writes."""
FEW = 20_000
"""Rows that no shape can make dear."""

# Rows of raw by table: columns, and where they come from. `day` is the row's day since FIRST. On the
# last day all products have another price, and every consumer has changed.
ORDER = f"range as number, range * {DAYS} // {ORDERS} as day from range({ORDERS})"
LINE = (
    f"range as number, range // {LINES} as order_number, range * 7919 % {PRODUCTS} as product,"
    f" range // {LINES} * {DAYS} // {ORDERS} as day from range({ORDERS * LINES})"
)
PRODUCT = f"range as product, {DAYS - 1} as day from range({PRODUCTS})"
PRICE = (
    f"products.range as product, prices.range * {DAYS_OF_A_PRICE} + {DAYS % DAYS_OF_A_PRICE} - 1 as day"
    f" from range({PRODUCTS}) as products, range({DAYS // DAYS_OF_A_PRICE + 1}) as prices"
    f" where prices.range * {DAYS_OF_A_PRICE} + {DAYS % DAYS_OF_A_PRICE} >= 1"
)
CONSUMER = f"range as number, day from range({ORDERS // 2}), (values (0), ({DAYS - 1})) as days (day)"
RAW = {
    "webshop.users": (
        "number as id, 'u' || number || '@example.org' as email, 'France' as country",
        CONSUMER,
    ),
    "webshop.products": (
        "product as id, 'W' || product as sku, 2 as cost, 5 + day % 7 as retail_price",
        PRICE,
    ),
    "webshop.orders": (
        f"number as order_id, number % {ORDERS // 2} as user_id, 'Complete' as status, moment as created_at",
        ORDER,
    ),
    "webshop.order_items": (
        "number as id, order_number as order_id, product as product_id, 'Complete' as status,"
        " moment as created_at, 5 as sale_price",
        LINE,
    ),
    "erp.customer": ("number as customer_id", CONSUMER),
    "erp.product": (
        "product as product_id, 'E' || product as product_number, 2 as standard_cost, 5 as list_price",
        PRODUCT,
    ),
    "erp.product_cost_history": ("product as product_id, moment as start_date, 2 as standard_cost", PRICE),
    "erp.product_list_price_history": (
        "product as product_id, moment as start_date, 5 + day % 7 as list_price",
        PRICE,
    ),
    "erp.sales_order_header": (
        f"number as sales_order_id, number % {ORDERS // 2} as customer_id, moment as order_date,"
        " '5' as status, true as online_order_flag, 20 as sub_total, 20 as total_due",
        ORDER,
    ),
    "erp.sales_order_detail": (
        "order_number as sales_order_id, number as sales_order_detail_id, product as product_id,"
        " 1 as order_qty, 5 as unit_price, 5 as line_total",
        LINE,
    ),
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> DbtOnRaw:
    warehouse = DbtOnRaw(tmp_path_factory.mktemp("shape"), parsed_project)
    moment = f"timestamp '{FIRST}' + to_days(cast(day as integer)) + interval 9 hour"
    warehouse.execute([
        f"""
        insert into raw_{table} by name
        select {columns}, moment as _modified_at, moment as _changed_at, moment as _loaded_at,
            hash(rows) % 1000000000 as _row_hash
        from (select *, {moment} as moment from (select {rows})) as rows
        """
        for table, (columns, rows) in RAW.items()
    ])  # fmt: skip
    return warehouse


def _built(warehouse: DbtOnRaw, since: datetime) -> Mapping[str, str]:
    """The queries of all tables, after they were run over `[since, LAST)`."""
    variables = {"window_start": str(since), "window_end": str(LAST), "timezone": "UTC"}
    left_out = ["path:models/marts/segmentation"]
    # A range of weeks counts the baskets of a year, and what was sold in half a year, once for each of its
    # weeks, each as of its own end.
    if since == FIRST:
        left_out += ["path:models/marts/recommendations", "path:models/marts/demand"]
    result = warehouse.dbt("run", "--exclude", *left_out, variables=variables)
    assert result.success, [each.message for each in result.result if each.status == "error"]
    return {
        each.node.name: each.node.compiled_code
        for each in result.result
        if each.node.config.materialized != "view"
    }


def _operators(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for operator in plan.get("children", plan.get("operator", [])):
        yield operator
        yield from _operators(operator)


@dataclass(frozen=True)
class Cost:
    """The rows of a query's widest operator, and of the tables that it reads, each table counted once."""

    widest: str
    made: int
    read: int

    @classmethod
    def of(cls, query: str, connection: duckdb.DuckDBPyConnection) -> "Cost":
        ((_, text),) = connection.execute(f"explain (analyze, format json) {query}").fetchall()
        operators = [*_operators(json.loads(text))]
        widest = max(operators, key=lambda each: each["intermediate_rows"])
        tables: dict[str, int] = {}
        for each in operators:
            if table := each["extra_info"].get("Table"):
                tables[table] = max(tables.get(table, 0), each["rows_scanned"])
        return cls(widest["type"], widest["intermediate_rows"], sum(tables.values()))

    @property
    def is_dear(self) -> bool:
        return self.made > MOST * self.read + FEW


@pytest.mark.parametrize("since", [FIRST, LAST - timedelta(days=1)], ids=["all", "a day of other prices"])
def test_what_models_make_is_bounded_by_what_they_read_and_write(warehouse, since):
    queries = _built(warehouse, since)
    with duckdb.connect(warehouse.settings.duckdb_path, read_only=True) as connection:
        costs = {name: Cost.of(query, connection) for name, query in queries.items()}
    assert max(cost.read for cost in costs.values()) > ORDERS * LINES, "hardly anything was read"
    assert {name: cost for name, cost in costs.items() if cost.is_dear} == {}


def test_a_join_of_ranges_is_dear(warehouse):
    with duckdb.connect(warehouse.settings.duckdb_path, read_only=True) as connection:
        cost = Cost.of(
            """
            select count(*) from raw_webshop.order_items as items
            inner join raw_webshop.products as prices on items.created_at >= prices._modified_at
            """,
            connection,
        )
    assert cost.is_dear
