"""What is in quarantine, by table and reason, with its amount: of the run's window only."""

from datetime import UTC, datetime
from decimal import Decimal

import dagster as dg
import duckdb
import pytest

from retail_assets.catalog.contract import source_tables
from retail_assets.quality.row_account import RowAccount, Rows, quarantined_rows
from retail_assets.settings import SYSTEMS
from retail_assets.windows import Window

WINDOW = Window(datetime(2024, 3, 5, tzinfo=UTC), datetime(2024, 3, 6, tzinfo=UTC))
QUARANTINE = """
    create schema staging;
    create table staging.quarantine (
        model_name varchar, row_key varchar, reason varchar, amount decimal(38, 6), is_refused boolean,
        _changed_at timestamp
    );
    insert into staging.quarantine (model_name, row_key, reason, amount, is_refused, _changed_at) values
        ('stg_sales_order_details', 'line=7', 'no price', 12.345678, false, '2024-03-05'),
        ('stg_sales_order_details', 'line=8', 'no price', -2.5, false, '2024-03-05'),
        ('stg_sales_order_details', 'line=9', 'no day', null, false, '2024-03-05'),
        ('stg_sales_order_details', 'line=1', 'no day', 99, false, '2024-03-06'),
        -- Raw has told of it already.
        ('stg_sales_order_details', 'line=x', 'line is no bigint', 99, true, '2024-03-05'),
        ('stg_interactions', 'interaction_id=4', 'no channel', null, false, '2024-03-05 23:59:59');
"""


@pytest.fixture
def account(built):
    """Of a warehouse that has only these rows."""
    with duckdb.connect() as connection:
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


@pytest.mark.parametrize("system", SYSTEMS)
def test_amounts_are_what_the_contract_says_a_row_is_worth(built, system):
    """Staging says it once more, by its own names: on every row it comes to the same."""
    of_table = {
        (node["sources"][0][0], node["sources"][0][1]): node["name"].removesuffix("_versions")
        for node in built.manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].endswith("_versions")
    }
    for table in source_tables(built.manifest, system):
        if (system, table.name) not in of_table:
            continue
        model = of_table[system, table.name]
        amount = built.manifest["nodes"][f"model.retail_assets.{model}"]["config"]["meta"].get("amount")
        assert bool(amount) == bool(table.amount), model
        if amount:
            raw, staged = (
                built.query(f"select cast({worth} as decimal(38, 6)) from {name} order by all")
                for worth, name in (
                    (table.amount, f"{table.schema}.{table.name}"),
                    (amount, f"staging.{model}_versions"),
                )
            )
            assert raw == staged
            assert len(set(raw)) > 1 or table.is_optional
