"""How much of a table may be held back."""

import shutil
from datetime import UTC, datetime
from decimal import Decimal

import dagster as dg
import duckdb
import pytest

from retail_assets.catalog.contract import CHANGED_AT
from retail_assets.quality.held_back import (
    CHECK_NAME,
    CHECK_OF_RUN,
    KEY,
    HeldBack,
    held_back,
    held_back_results,
    is_over,
)
from retail_assets.quality.row_account import in_window
from retail_assets.settings import SettingsError, load_settings
from retail_assets.windows import Window

DETAIL = "erp.sales_order_detail"
DAY = Window(datetime(2024, 4, 5, tzinfo=UTC), datetime(2024, 4, 6, tzinfo=UTC))


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
        (quiet,) = held_back_results(selected, built.manifest, "5%", DAY, execute)
        (told,) = held_back_results(selected, built.manifest, "5% erp.sales_return=1", DAY, execute)
        assert list(held_back_results(set(), built.manifest, "5%", DAY, execute)) == []
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


def test_a_day_of_which_much_is_held_back_is_told_though_it_is_little_of_the_table(built, tmp_path):
    """By the rows of the run. What is too much of the whole table is told once."""
    copy = shutil.copyfile(built.settings.duckdb_path, tmp_path / built.settings.duckdb_path.name)
    with duckdb.connect(copy) as connection:

        def execute(statement):
            return connection.execute(statement).fetchall()

        def told(limits):
            selected = {dg.AssetCheckKey(KEY, name) for name in (CHECK_NAME, CHECK_OF_RUN)}
            found = held_back_results(selected, built.manifest, limits, DAY, execute)
            return [result.description for result in found]

        within = in_window(CHANGED_AT, DAY)
        of_lines = f"model_name = 'stg_sales_order_details' and {within}"
        before = len(execute(f"select 1 from staging.quarantine where {of_lines}"))
        # 24 lines of the day are held back after all.
        execute(f"""
            create temporary table lines as
            select * from staging.stg_sales_order_details where {within}
            order by sales_order_detail_id limit 24
        """)
        execute("""
            insert into staging.quarantine by name
            select 'stg_sales_order_details' as model_name, cast(sales_order_detail_id as varchar) as row_key,
                1 as row_hash, 'it is wrong' as reason, 10 as amount, false as is_refused, _changed_at
            from lines
        """)
        execute("""
            delete from staging.stg_sales_order_details
            where sales_order_detail_id in (select sales_order_detail_id from lines)
        """)
        ((left,),) = execute(f"select count(*) from staging.stg_sales_order_details where {within}")
        in_all, of_run = told("5%")
        assert in_all is None
        assert of_run is not None
        assert of_run.startswith(f"{DETAIL}: {24 + before} rows of {24 + before + left:,} (")
        in_all, of_run = told(f"5% {DETAIL}=1")
        assert in_all is not None
        assert in_all.startswith(f"{DETAIL}: ")
        assert of_run is None
