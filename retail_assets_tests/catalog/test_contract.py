"""What the contract says of every table and column, so that a company knows what it needs."""

import pytest

from retail_assets.catalog.contract import Names, source_tables
from retail_assets.settings import SYSTEMS


def test_a_column_is_required_or_its_absence_costs_something(manifest):
    for node in manifest["sources"].values():
        for column in node["columns"].values():
            meta = column["config"]["meta"]
            name = f"{node['source_name']}.{node['name']}.{column['name']}"
            assert ("without" in meta) != ("required" in meta), name
            if "without" in meta:
                # The end of a sentence: `no cost: margins are empty`.
                assert meta["without"][0].islower() or meta["without"].startswith("the ERP"), name
                assert not meta["without"].endswith("."), name


def test_a_table_needs_little(manifest):
    for system in SYSTEMS:
        for table in source_tables(manifest, system):
            required = {column.name for column in table.columns if column.is_required}
            assert set(table.primary_key) <= required, table.name
            assert len(required) <= 6, table.name
            assert table.without, f"the source's `without` says what is lost without {table.name}"


def test_references_lead_somewhere(manifest):
    tables = {(s, table.name): table for s in SYSTEMS for table in source_tables(manifest, s)}
    for (system, _), table in tables.items():
        for column in table.columns:
            if column.references:
                other, _, name = column.references.rpartition(".")
                target = tables[other or system, name]
                assert column.is_key, column
                assert any(target_column.is_key for target_column in target.columns), column


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        (["SalesOrderID"], "sales_order_id", "SalesOrderID"),
        (["salesorderid"], "sales_order_id", "salesorderid"),
        (["Sales Order ID"], "sales_order_id", "Sales Order ID"),
        (["salesorderid", "sales_order_id"], "sales_order_id", "sales_order_id"),
        (["salesorderid", "SalesOrderID"], "sales_order_id", "SalesOrderID"),
        (["SALESORDERHEADER"], "SalesOrderHeader", "SALESORDERHEADER"),
        (["salesorder", "sales_order_idx"], "sales_order_id", None),
    ],
)
def test_names_are_found_in_any_spelling(names, wanted, found):
    assert Names(names).find(wanted) == found
