"""How much of a table may be held back."""

from decimal import Decimal

import dagster as dg
import duckdb
import pytest

from retail_assets.quality.held_back import (
    CHECK_NAME,
    KEY,
    HeldBack,
    held_back,
    held_back_results,
    is_over,
)
from retail_assets.settings import SettingsError, load_settings

DETAIL = "erp.sales_order_detail"


@pytest.mark.parametrize(
    ("rows", "limits", "over"),
    [
        (50, "5%", False),
        (51, "5%", True),
        (51, f"5% {DETAIL}=6%", False),
        (51, "", False),
        (19, "1%", False),
        (20, "1%", True),
        (1, f"5% {DETAIL}=99.99", True),
        (1, f"5% {DETAIL}=100", False),
        (51, f"5% {DETAIL}=100", False),
        (1, "erp.customer=0", False),
    ],
)
def test_a_limit_is_a_share_or_an_amount(rows: int, limits: str, over: bool):
    assert is_over(HeldBack(DETAIL, rows, 1000, Decimal(100)), limits) is over


def test_the_check_tells_tables_that_are_over(built):
    with duckdb.connect(built.settings.duckdb_path, read_only=True) as connection:

        def execute(statement):
            return connection.execute(statement).fetchall()

        found = {each.table: each for each in held_back(built.manifest, execute)}
        ((rows, tables),) = execute("select count(*), count(distinct model_name) from staging.quarantine")
        assert (sum(each.rows for each in found.values()), len(found)) == (rows, tables)
        returns = found["erp.sales_return"]
        assert returns.of == 4 + execute("select count(*) from staging.stg_sales_returns")[0][0]
        selected = {dg.AssetCheckKey(KEY, CHECK_NAME)}
        (quiet,) = held_back_results(selected, built.manifest, "5%", execute)
        (told,) = held_back_results(selected, built.manifest, "5% erp.sales_return=1", execute)
        assert list(held_back_results(set(), built.manifest, "5%", execute)) == []
    assert quiet.passed
    assert not told.passed
    assert told.severity is dg.AssetCheckSeverity.WARN
    assert told.description == returns.told
    assert returns.told.startswith("erp.sales_return: 4 rows of")


@pytest.mark.parametrize("limit", ["five", "erp=5%"])
def test_a_limit_that_is_none_is_told(monkeypatch, limit):
    monkeypatch.setenv("RETAIL_QUARANTINE_LIMITS", limit)
    with pytest.raises(SettingsError, match=f"'{limit}' is no limit; write 5%"):
        load_settings()
