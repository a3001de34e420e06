"""What is told at the end of a run."""

import io
from decimal import Decimal

import dagster as dg
import pytest
from rich.console import Console

from retail_assets.cli.summary import LINES_SHOWN, Missed, RunResult, miss
from retail_assets.quality.row_account import Quarantined, Rows


def told(result, width=80):
    output = io.StringIO()
    Console(file=output, width=width).print(result.summary(), highlight=False)
    return output.getvalue()


def loaded(read, new, deleted=0, **more):
    return {
        "dagster/partition_row_count": dg.IntMetadataValue(read),
        "rows_new": dg.IntMetadataValue(new),
        "rows_deleted": dg.IntMetadataValue(deleted),
        **{name: dg.IntMetadataValue(value) for name, value in more.items()},
    }


@pytest.fixture
def result():
    found = RunResult(True, 12.34, 3, assets={"a", "b"})
    found.checks.update(passed=1234, warned=2)
    return found


def test_rows_by_table_and_in_total(result):
    result.rows.add(dg.AssetKey(["raw_erp", "customer"]), loaded(1200, 30, 4))
    result.rows.add(dg.AssetKey(["raw_erp", "store"]), loaded(700, 0))
    result.rows.add(dg.AssetKey(["raw_crm", "consumers"]), loaded(90, 1))
    lines = told(result).splitlines()
    assert lines[0] == "Done: 2 assets, 3 partitions each; checks: 1,234 passed, 2 warned; 12.3 s."
    table = [line.split() for line in lines[2:] if line.strip()]
    assert table[0] == ["rows", "read", "new", "deleted"]
    assert table[2:] == [
        ["erp.customer", "1,200", "30", "4"],
        ["crm.consumers", "90", "1"],
        # What has no news is counted, not told.
        ["1", "other", "tables", "700"],
        ["total", "1,990", "31", "4"],
    ]


def test_quarantined_rows_have_reason_and_amount(result):
    result.rows.quarantined += [
        Quarantined("erp.sales_order_header", "the order has no [date]", 2, Decimal("1234.5000")),
        Quarantined("crm.interactions", "no channel", 1, None),
    ]
    result.rows.tables["erp.sales_order_header"] = Rows(quarantined=2)
    text = told(result)
    assert "erp.sales_order_header: 2 rows, amount 1,234.50: the order has no [date]\n" in text
    assert "crm.interactions: 1 row: no channel\n" in text


def test_rows_outside_every_window_are_told(result):
    result.rows.add(dg.AssetKey(["raw_erp", "customer"]), loaded(5, 5, rows_outside=3))
    assert "outside every window" in told(result)
    assert result.rows.total == Rows(read=5, new=5, outside=3)


def test_many_tables_many_reasons_many_checks_are_few_lines(result):
    for number in range(40):
        result.rows.add(dg.AssetKey(["raw_erp", f"table_{number}"]), loaded(10, number))
        result.rows.quarantined.append(Quarantined(f"erp.table_{number}", "wrong", 1, None))
        result.missed.append(Missed("warned", "staging.x", f"check_{number}", "3 rows do not pass it"))
    text = told(result)
    assert len(text.splitlines()) < 50
    assert text.count("and 30 more: see the UI") == 2
    assert "30 other tables" in text
    assert ["total", "400", f"{sum(range(40))}"] in [line.split() for line in text.splitlines()]


def test_one_check_that_many_assets_miss_is_one_line(result):
    for number in range(LINES_SHOWN + 1):
        result.missed.append(Missed("failed", f"raw_erp.t{number}", "newest_partition", "it is not there"))
    assert "failed 11 assets, such as raw_erp.t0: it is not there" in told(result)


def test_a_refused_table_is_told_whatever_else_went_well(result):
    result.success = False
    result.rows.refuse(dg.AssetKey(["raw_erp", "customer"]), "erp: Sales.Customer has lost StoreID [x]")
    result.failures = ["erp: Sales.Customer has lost StoreID [x]"]
    text = told(result)
    assert text.startswith("Failed: ")
    assert text.count("has lost StoreID [x]") == 1
    assert "erp.customer: Sales.Customer" in text


def test_one_reason_of_many_tables_is_told_once(result):
    for name in ("person", "customer"):
        result.rows.refuse(dg.AssetKey(["raw_erp", name]), "erp: the database is locked.\nerp: Try later.")
    assert "\nerp.person, erp.customer: the database is locked.\nTry later.\n" in told(result)


def test_a_missed_check_is_one_sentence():
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(["staging", "stg_orders"]),
        check_name="has_parent_stg_orders_customer_id__customer_id__ref_stg_customers_",
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"dagster_dbt/failed_row_count": 1},
    )
    missed = miss(evaluation, "has_parent (customer_id, stg_customers)")
    assert (missed.kind, missed.asset) == ("warned", "staging.stg_orders")
    assert missed.why == "1 row does not pass has_parent (customer_id, stg_customers)"


def test_what_is_in_quarantine_in_all_is_told(result):
    assert "in quarantine in all" not in told(result)
    result.rows.in_quarantine = 1234
    assert "1,234 rows in quarantine in all" in told(result)
