"""Lines without their order, and orders without a line, are told with what they are worth."""

from datetime import UTC, datetime

import dagster as dg
import duckdb
import pytest

from retail_assets.quality.half_orders import CHECK_NAME, HALVES, whole_order_results
from retail_assets.windows import Window

DAY = Window(datetime(2024, 5, 2, tzinfo=UTC), datetime(2024, 5, 3, tzinfo=UTC))
SELECTED = {dg.AssetCheckKey(dg.AssetKey(["staging", half.model]), CHECK_NAME) for half in HALVES}


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        connection.execute("""
            create table staging.stg_webshop_orders as
            from (values
                ('A', 'complete', 9.5, timestamp '2024-05-02 10:00'),
                ('B', 'complete', 20.25, timestamp '2024-05-02 11:00'),
                ('C', 'cancelled', 30, timestamp '2024-05-02 11:00'),
                ('D', 'complete', 40, timestamp '2024-05-01 11:00')
            ) as orders (order_id, order_status, total, _changed_at)
        """)
        yield connection


def told(connection):
    results = whole_order_results(SELECTED, lambda sql: connection.execute(sql).fetchall(), DAY)
    return {each.asset_key.path[-1]: each.description for each in results if each.asset_key}


def test_each_half_without_the_other(connection):
    connection.execute("""
        create table staging.stg_webshop_order_items as
        from (values
            ('A', 4.5, 2.0, null, timestamp '2024-05-02 10:00'),
            ('X', 7.0, 0.5, 1.25, timestamp '2024-05-02 10:00'),
            ('Y', 10.0, 2.0, null, timestamp '2024-05-02 10:00'),
            ('Z', 99.0, 1.0, null, timestamp '2024-05-03 10:00')
        ) as items (order_id, sale_price, quantity, discount, _changed_at)
    """)
    assert told(connection) == {
        "stg_sales_order_details": None,
        "stg_sales_orders": None,
        "stg_webshop_order_items": (
            "2 lines, 22.25, of orders that are not there, such as order_id=X: no sales until the order"
            " comes."
        ),
        "stg_webshop_orders": (
            "1 order, 20.25, without a line, such as order_id=B: no sales until the lines come."
        ),
    }


def test_a_table_that_has_not_been_built_is_no_matter_of_rows(connection):
    assert set(told(connection).values()) == {None}
