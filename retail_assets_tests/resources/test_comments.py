"""Descriptions in the warehouse: what differs is written, and nothing else."""

import duckdb

from retail_assets.resources.comments import (
    DUCKDB_COMMENTS,
    Description,
    duckdb_statements,
    missing_comments,
    snowflake_statements,
)

ORDERS = Description("mart", "orders", False, "Grain: one order's line.", {"id": "The order.", "gone": "No."})
NEWEST = Description("mart", "newest", True, "The newest.", {"id": "The order."})
ABSENT = Description("mart", "absent", False, "Not built yet.", {"id": "The order."})


def test_only_what_differs_is_written():
    with duckdb.connect() as connection:
        connection.execute("create schema mart; create table mart.orders (id int, amount int)")
        connection.execute("create view mart.newest as select id from mart.orders")
        assert _write(connection) == 4
        assert _write(connection) == 0
        found = dict(
            connection.execute(
                "select table_name || '.' || column_name, comment from duckdb_columns() where not internal"
            ).fetchall()
        )
        assert found == {"orders.id": "The order.", "orders.amount": None, "newest.id": "The order."}
        assert connection.execute("select comment from duckdb_tables()").fetchall() == [(ORDERS.text,)]
        # A table that is recreated is described again.
        connection.execute("create or replace table mart.orders (id int)")
        assert _write(connection) == 2


def _write(connection):
    found = connection.execute(DUCKDB_COMMENTS).fetchall()
    statements = [
        statement
        for description, missing in missing_comments([ORDERS, NEWEST, ABSENT], found)
        for statement in duckdb_statements(description, missing)
    ]
    for statement in statements:
        connection.execute(statement)
    return len(statements)


def test_snowflake_has_one_statement_for_all_columns():
    missing = {None: "a 'b'", "id": "back\\slash", "day": "The day."}
    assert list(snowflake_statements(ORDERS, missing)) == [
        "comment on table mart.orders is 'a ''b'''",
        "alter table mart.orders alter column id comment 'back\\\\slash', column day comment 'The day.'",
    ]
    upper = [("MART", "ORDERS", None, ""), ("MART", "ORDERS", "ID", "The order.")]
    assert [missing for _, missing in missing_comments([ORDERS], upper)] == [{None: ORDERS.text}]
