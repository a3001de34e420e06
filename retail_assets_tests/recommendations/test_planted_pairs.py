"""Which products go together is planted in the simulation, where no model can read it: it is found again."""

from datetime import date

import duckdb
import pytest

from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw
from simulated_retailer import simulate

START = date(2024, 1, 1)
# The week that ends with the simulated year, Monday 2024-12-23 to Sunday the 29th.
WEEK = {"window_start": "2024-12-23 00:00:00", "window_end": "2024-12-30 00:00:00", "timezone": "UTC"}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory, parsed_project):
    """A year of the ERP's orders as they stand at its end, and what the model makes of them."""
    retailer = simulate(consumers=10_000, seed=11, start=START)
    raw = DbtOnRaw(tmp_path_factory.mktemp("pairs"), parsed_project)
    with duckdb.connect(raw.settings.duckdb_path) as connection:
        connection.register("headers", retailer.versions["erp"]["SalesOrderHeader"])
        connection.register("details", retailer.versions["erp"]["SalesOrderDetail"])
        connection.execute("create schema warehouse")
        connection.execute("""
            create table warehouse.wh_fact_sales as
            select
                'erp' as source_system,
                SalesOrderID as order_id,
                cast(CustomerID as varchar) as consumer_key,
                cast(ProductID as varchar) as product_key,
                cast(OrderDate as date) as order_date,
                Status not in (4, 6) as is_sale,
                OrderQty as quantity
            from headers inner join details using (SalesOrderID)
            where headers._until is null and details._until is null
        """)
    assert raw.dbt("run", "--select", "product_affinity", variables=WEEK).success
    with duckdb.connect(raw.settings.duckdb_path) as connection:
        connection.register("companions", retailer.truth["companions"])
        yield connection


def test_planted_pairs_are_in_the_first_three_of_each_other(warehouse):
    ((pairs, found),) = warehouse.execute("""
        select count(*), count(case when there.neighbour_rank <= 3 and back.neighbour_rank <= 3 then 1 end)
        from companions
        left join mart_recommendations.product_affinity as there
            on there.product_key = cast(ProductID as varchar)
            and there.neighbour_key = cast(CompanionProductID as varchar)
        left join mart_recommendations.product_affinity as back
            on back.product_key = there.neighbour_key
            and back.neighbour_key = there.product_key
    """).fetchall()
    assert pairs > 50
    assert found >= 0.9 * pairs


def test_products_have_fifty_neighbours_at_most(warehouse):
    ((fewest, most),) = warehouse.execute(
        "select min(neighbours), max(neighbours) from (select count(*) as neighbours"
        " from mart_recommendations.product_affinity group by product_key) as products"
    ).fetchall()
    assert 10 < fewest <= most == 50
