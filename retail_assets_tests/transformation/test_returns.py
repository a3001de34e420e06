"""Returns that cannot be as they are written are told of, and those that can are not."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw

SOLD = [
    # order, line, pieces, net amount
    ("B-1", "B-1/1", "3", "30"),
    ("B-1", "B-1/2", "1", "0"),
    ("B-2", "B-2/1", "2.5", "20"),
    ("B-3", "B-3/1", "4", "40"),
    ("B-4", "B-4/1", "1", "15"),
    ("B-5", "B-5/1", "-2", "-8"),
    ("B-9", "B-9/1", "1", "5"),
]
RETURNED = [
    # return, order, line, day, order's day, pieces, refund
    ("r01", "B-1", "B-1/1", "2025-06-09", "2025-06-02", "1", "10"),
    ("r02", "B-1", "B-1/1", "2025-06-09", "2025-06-02", "2", "20"),
    ("r03", "B-1", "B-1/2", "2025-06-09", "2025-06-02", "1", "0"),  # it cost nothing
    ("r04", "B-2", "B-2/1", "2025-06-03", "2025-06-02", "2", "16"),
    ("r05", "B-2", "B-2/1", "2025-06-04", "2025-06-02", "0.75", "6"),
    ("r06", "B-3", "B-3/1", "2025-06-05", "2025-06-02", "1", "10"),
    ("r07", "B-3", "B-3/1", "2025-06-05", "2025-06-02", "1", "10"),
    ("r08", "B-3", "B-3/1", "2025-06-06", "2025-06-02", "1", "10"),  # a third piece, on a day of its own
    ("r09", "B-4", "B-4/1", "2025-06-01", "2025-06-02", "1", "15"),
    ("r10", "B-5", "B-5/1", "2025-06-02", "2025-06-02", "-2", "-8"),  # a credit
    ("r11", "B-6", "B-6/1", "2025-06-07", None, "1", "0"),
    ("r12", "B-7", None, "2025-06-07", "2025-06-02", None, "12"),  # all of the order
    ("r13", "B-7", "B-7/1", "2025-06-07", "2025-06-02", "1", "0"),
    ("r14", "B-8", "B-8/1", "2025-06-07", "2025-06-02", "1", None),
    ("r15", "B-9", "B-9/1", "2025-06-01", "2025-06-02", "1", "5"),  # not of this run
]


def _values(rows: Sequence[tuple[str | None, ...]]) -> str:
    def value(each: str | None) -> str:
        return "null" if each is None else f"'{each}'"

    return ", ".join(f"('webshop', {', '.join(map(value, row))})" for row in rows)


def test_returns_that_cannot_be(tmp_path: Path, parsed_project: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    dbt = DbtOnRaw(home, parsed_project)
    dbt.execute(
        [
            "create schema if not exists warehouse",
            "create schema if not exists affected",
            f"""create table warehouse.wh_fact_sales as
                select * replace (cast(quantity as decimal(18, 4)) as quantity,
                                  cast(net_amount as decimal(19, 6)) as net_amount)
                from (values {_values(SOLD)})
                    as t(source_system, order_id, order_line_id, quantity, net_amount)""",
            f"""create table warehouse.wh_fact_sales_returns as
                select * replace (cast(return_date as date) as return_date,
                                  cast(order_date as date) as order_date,
                                  cast(return_quantity as decimal(18, 4)) as return_quantity,
                                  cast(refund_amount as decimal(19, 4)) as refund_amount)
                from (values {_values(RETURNED)})
                    as t(source_system, return_id, order_id, order_line_id, return_date, order_date,
                         return_quantity, refund_amount)""",
            """create table affected.affected_orders as
                select distinct source_system, order_id from warehouse.wh_fact_sales_returns
                where order_id <> 'B-9'""",
        ]
    )
    result = dbt.dbt("test", "--select", "wh_fact_sales_returns,test_name:believable_returns")
    (told,) = result.result
    assert (result.success, told.status, told.failures) == (True, "warn", 7)
    with duckdb.connect(dbt.settings.duckdb_path, read_only=True) as connection:
        rows = connection.execute(f"select * from ({told.node.compiled_code}) order by return_id").fetchall()
    assert [(row[3], row[4]) for row in rows] == [
        ("r04", "more pieces than were sold"),
        ("r05", "more pieces than were sold"),
        ("r06", "recorded twice"),
        ("r07", "recorded twice"),
        ("r09", "dated before its order"),
        ("r11", "without a refund"),
        ("r14", "without a refund"),
    ]
    assert rows[0][5:7] == (Decimal(2), Decimal("2.5"))


@pytest.mark.parametrize("words", ["NULL", " n/a", "None"])
def test_a_word_for_no_address_is_nobodys(parsed_project: Path, words: str) -> None:
    """Guests without an address would be one person otherwise."""
    macro = (Path(__file__).parents[2] / "dbt_project" / "macros" / "values.sql").read_text()
    (body,) = [
        part.partition("-%}")[2].partition("{%- endmacro")[0]
        for part in macro.split("{% macro ")
        if part.startswith("normalised_email(")
    ]
    asked = body.replace("{{ column }}", "address")
    rows = duckdb.execute(f"select {asked} from (values (?), (' Mo@Example.com ')) as t(address)", [words])
    assert rows.fetchall() == [(None,), ("mo@example.com",)]
