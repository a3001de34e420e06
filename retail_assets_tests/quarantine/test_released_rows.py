"""What staging makes of released rows."""

from datetime import date

import duckdb
import pytest

from retail_assets.quarantine import releases
from retail_assets.quarantine.desk import HeldRow
from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw

WINDOW = {"window_start": "2024-05-01 00:00:00", "window_end": "2024-05-02 00:00:00", "timezone": "UTC"}
DAY = date(2024, 5, 1)
GIFTS = "the number of items is not above 0"
MODEL = "stg_webshop_orders"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, parsed_project) -> DbtOnRaw:
    """Orders of no items: two plain ones, and one that has no date either."""
    made = DbtOnRaw(tmp_path_factory.mktemp("released"), parsed_project)
    made.execute([_order(1, 11), _order(2, 12), _order(3, 13, created_at="null")])
    return made


def _order(number: int, row_hash: int, created_at: str = "timestamp '2024-05-01 10:00'") -> str:
    return f"""
        insert into raw_webshop.orders
            (order_id, created_at, num_of_item, _modified_at, _changed_at, _loaded_at, _row_hash)
        values ({number}, {created_at}, 0, timestamp '2024-05-01 10:00' + interval {row_hash} minute,
            timestamp '2024-05-01 12:00', timestamp '2024-05-01 12:00', {row_hash})
    """


def _schemas(warehouse: DbtOnRaw) -> set[str]:
    with duckdb.connect(warehouse.settings.duckdb_path) as connection:
        return {name for (name,) in connection.execute("select schema_name from duckdb_schemas()").fetchall()}


def _judged(warehouse: DbtOnRaw) -> tuple[set[int], dict[str, str]]:
    """After a run: the orders in staging, and the reasons of those in quarantine."""
    # Views are made once.
    is_first = "staging" not in _schemas(warehouse)
    chosen = ["+quarantine"] if is_first else ["affected_quarantine", "quarantine"]
    done = warehouse.dbt("run", "--select", MODEL, *chosen, variables=WINDOW)
    assert done.success, done.result
    staging = warehouse.tables("staging")
    return (
        {row["order_id"] for row in staging[MODEL]},
        {row["row_key"]: row["reason"] for row in staging["quarantine"]},
    )


def _release(warehouse: DbtOnRaw, row_hash: int) -> None:
    row = HeldRow("webshop.orders", f"order {row_hash}", GIFTS, False, None, None, DAY, None, None, row_hash)
    with duckdb.connect(warehouse.settings.duckdb_path) as connection:
        releases.record(
            lambda statement: connection.execute(statement).fetchall(),
            [releases.Release(MODEL, row)],
            "anna",
            "a gift",
        )


def test_a_released_row_is_staged_until_the_source_changes_it(warehouse: DbtOnRaw):
    held = {f"order_id={number}": GIFTS for number in (1, 2)} | {"order_id=3": "the order has no date"}
    assert _judged(warehouse) == (set(), held)
    for row_hash in (11, 12, 13, 13):
        _release(warehouse, row_hash)
    warehouse.execute([_order(2, 22)])
    # The second order has changed since, the third is held back by another rule: nobody released these.
    del held["order_id=1"]
    assert _judged(warehouse) == ({1}, held)
    with duckdb.connect(warehouse.settings.duckdb_path) as connection:
        recorded = connection.execute("select row_hash from quality.released_rows order by 1").fetchall()
    assert recorded == [(11,), (12,), (13,)]
