"""AdventureWorks as PostgreSQL has it: names folded to lower case, and no computed columns."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from retail_assets_tests.ingestion import postgres
from retail_assets_tests.ingestion.tables import days


@pytest.fixture(scope="module")
def url():
    with postgres.server("psycopg") as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for statement in (
                "create schema sales",
                "create schema production",
                "create table sales.salesorderheader (salesorderid integer, orderdate timestamp,"
                " subtotal numeric, taxamt numeric, freight numeric, modifieddate timestamp)",
                "create table sales.salesorderdetail (salesorderid integer, salesorderdetailid integer,"
                " orderqty smallint, unitprice numeric, unitpricediscount numeric, modifieddate timestamp)",
                "create materialized view production.product as select 7 as productid, 'Wheel' as name,"
                " timestamp '2024-01-01' as modifieddate",
                "insert into sales.salesorderheader values"
                " (1, '2024-01-02', 57, 4.56, 1.5, '2024-01-02 10:00')",
                "insert into sales.salesorderdetail values (1, 11, 3, 20.0001, 0.05, '2024-01-02 10:00')",
            ):
                connection.execute(sa.text(statement))
        engine.dispose()
        yield url


def test_names_are_found_and_totals_computed(company, url):
    erp = company("erp", url, "adventureworks")
    extraction = erp.run(days(2))
    assert extraction.errors == {}
    assert erp.rows("sales_order_header", "sales_order_id, total_due") == [(1, Decimal("63.06"))]
    assert erp.rows("sales_order_detail", "order_qty, line_total") == [(3, Decimal("57.000285"))]
    assert erp.rows("product", "product_id, name") == [(7, "Wheel")]


def test_times_of_the_shops_zone_in_a_database_that_has_zones(company, url):
    """A column that says its zone does not need the mapping's."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("create table shop_orders (id uuid, placed timestamp, changed timestamptz)")
        )
        for number, placed, changed in (
            (1, "2024-01-02 00:10", "2024-01-02 00:10+01"),
            (2, "2024-01-02 23:50", "2024-01-02 23:50+01"),
            (3, "2024-01-03 00:10", "2024-01-03 00:10+01"),
        ):
            key = f"00000000-0000-0000-0000-00000000000{number}"
            connection.execute(sa.text(f"insert into shop_orders values ('{key}', '{placed}', '{changed}')"))
    engine.dispose()
    shop = company("webshop", url, """
        timezone: Europe/Berlin
        tables:
          orders: {from: shop_orders, key: id, modified: changed, columns: {created_at: placed}}
        """)  # fmt: skip
    shop.run(days(2), "orders")
    assert shop.rows("orders", "right(order_id, 1), created_at::varchar, _modified_at::varchar") == [
        ("2", "2024-01-02 22:50:00", "2024-01-02 22:50:00"),
        ("3", "2024-01-02 23:10:00", "2024-01-02 23:10:00"),
    ]
    # The same of a time without a zone.
    shop = company("webshop", url, """
        timezone: Europe/Berlin
        tables:
          orders: {from: shop_orders, key: id, modified: placed, columns: {created_at: placed}}
        """)  # fmt: skip
    shop.query("drop schema raw_webshop cascade")
    shop.run(days(2), "orders")
    assert shop.rows("orders", "right(order_id, 1)") == [("2",), ("3",)]
