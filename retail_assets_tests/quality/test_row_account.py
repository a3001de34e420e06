"""What is in quarantine, by table and reason, with its amount: of the run's window only."""

from datetime import UTC, datetime
from decimal import Decimal

import dagster as dg
import duckdb
import pytest

from retail_assets.quality.row_account import RowAccount, Rows, quarantined_rows
from retail_assets.windows import Window
from retail_assets_tests.raw_tables import create_raw_tables_sql

WINDOW = Window(datetime(2024, 3, 5, tzinfo=UTC), datetime(2024, 3, 6, tzinfo=UTC))
QUARANTINE = """
    create schema staging;
    create table staging.quarantine (
        model_name varchar, row_key varchar, reason varchar, _changed_at timestamp
    );
    insert into staging.quarantine (model_name, row_key, reason, _changed_at) values
        ('stg_sales_order_details', 'sales_order_id=1, sales_order_detail_id=7', 'no price', '2024-03-05'),
        ('stg_sales_order_details', 'sales_order_id=2, sales_order_detail_id=8', 'no price', '2024-03-05'),
        ('stg_sales_order_details', 'sales_order_id=2, sales_order_detail_id=9', 'no day', '2024-03-05'),
        ('stg_sales_order_details', 'sales_order_id=3, sales_order_detail_id=1', 'no day', '2024-03-06'),
        ('stg_interactions', 'interaction_id=4', 'no channel', '2024-03-05 23:59:59');
    insert into raw_erp.sales_order_detail
        (sales_order_id, sales_order_detail_id, line_total, _changed_at, _loaded_at, _row_hash)
    values
        (1, 7, 1000.00, '2024-03-05', '2024-03-06', 1),
        -- Of two versions the newer one counts.
        (1, 7, 12.345678, '2024-03-05', '2024-03-07', 2),
        (2, 8, -2.5, '2024-03-05', '2024-03-06', 3),
        (2, 9, null, '2024-03-05', '2024-03-06', 4),
        (3, 1, 99, '2024-03-06', '2024-03-07', 5),
        (4, 1, 99, '2024-03-05', '2024-03-07', 6);
"""


@pytest.fixture
def account(built):
    """Of a warehouse that has only these rows."""
    with duckdb.connect() as connection:
        for statement in create_raw_tables_sql(built.manifest):
            connection.execute(statement)
        connection.execute(QUARANTINE)
        metadata = quarantined_rows(
            built.manifest, WINDOW, "staging.quarantine", lambda sql: connection.execute(sql).fetchall()
        )
    found = RowAccount()
    found.add(dg.AssetKey(["staging", "quarantine"]), metadata)
    return found


def test_rows_by_reason_with_their_amount(account):
    assert {(each.table, each.reason): (each.rows, each.amount) for each in account.quarantined} == {
        ("erp.sales_order_detail", "no price"): (2, Decimal("9.845678")),
        # Nobody says what these are worth, which is not nothing.
        ("erp.sales_order_detail", "no day"): (1, None),
        ("crm.interactions", "no channel"): (1, None),
    }
    assert account.total == Rows(quarantined=4)
    assert account.tables["erp.sales_order_detail"] == Rows(quarantined=3)


def test_every_table_with_rules_can_be_told_of(built):
    """The planted faults: each row in quarantine is in the account, at the table that it is from."""
    window = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    found = RowAccount()
    found.add(
        dg.AssetKey(["staging", "quarantine"]),
        quarantined_rows(built.manifest, window, "staging.quarantine", built.query),
    )
    assert found.total.quarantined == len(built.rows("staging.quarantine")) > 10
    amounts = [each.amount for each in found.quarantined if each.table == "webshop.order_items"]
    assert any(amounts)
