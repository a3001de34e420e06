"""What checks look at: the keys that the tested model's run replaced, as its SQL file says at its top."""

from pathlib import Path

import duckdb
import pytest

from retail_assets.catalog.project import Project


@pytest.fixture
def compiled(built):
    """The SQL of a model's test of a name, as the last run compiled it."""

    def read(model: str, test: str) -> str:
        nodes = built.manifest["nodes"].values()
        (check,) = [
            node
            for node in nodes
            if node.get("attached_node") == f"model.retail_assets.{model}" and node["name"].startswith(test)
        ]
        (path,) = (Project(built.settings).target_path / "compiled").rglob(check["path"])
        return Path(path).read_text()

    return read


@pytest.fixture
def warehouse(tmp_path):
    with duckdb.connect(tmp_path / "retail.duckdb") as connection:
        connection.execute("create schema warehouse; create schema affected; create schema staging")
        yield connection


def test_affected_keys_alone_are_looked_at(compiled, warehouse):
    """Of two orders with a line twice, the check finds the one that the window affected."""
    warehouse.execute("""
        create table warehouse.fact_sales as
            select unnest([1, 1, 2, 2]) as sales_order_id, 7 as sales_order_detail_id;
        create table affected.affected_erp_sales as select 1 as sales_order_id;
    """)
    assert warehouse.execute(compiled("fact_sales", "unique_grain")).fetchall() == [(1, 7, 2)]


def test_days_that_look_back_on_an_affected_one_are_looked_at(compiled, warehouse):
    """A day up to 28 days after an affected one was computed again; one later was not."""
    warehouse.execute("""
        create table mart as
            select date '2024-05-01' + cast(days as integer) as sales_date, 7 as product_id,
                'p' as product_key, 'online' as sales_channel, 1 as special_offer_id, null as offer_id,
                false as is_discounted
            from unnest([0, 0, 28, 28, 29, 29]) as t (days);
        create schema mart_sales;
        create table mart_sales.discount_impact as from mart;
        create table affected.affected_product_days as
            select date '2024-05-01' as sales_date, 'p' as product_key;
    """)
    found = warehouse.execute(compiled("discount_impact", "unique_grain")).fetchall()
    assert sorted(str(day) for day, *_ in found) == ["2024-05-01", "2024-05-29"]


def test_every_placeholder_is_resolved(built):
    """No check runs with a scope that the project does not know."""
    compiled = [
        path.read_text() for path in (Project(built.settings).target_path / "compiled").rglob("*.sql")
    ]
    assert len(compiled) > 200
    assert not [sql for sql in compiled if "__affected__" in sql or "__window__" in sql or "__weeks__" in sql]
