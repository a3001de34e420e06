"""What a failed test shows of the rows that it found."""

import duckdb

from retail_assets.quality.dbt_tests import FAILING_ROWS, QUERY, ROWS_SHOWN, failing_rows
from retail_assets.resources.sessions import DuckDBSession


def shown(sql: str) -> list[str]:
    """Its lines."""
    with duckdb.connect() as connection:
        told = failing_rows({"email"}, DuckDBSession(connection), sql)
    assert QUERY in told
    return str(told[FAILING_ROWS].value).splitlines() if FAILING_ROWS in told else []


def test_what_is_found_again_and_again_is_shown_once_with_its_number():
    sql = "select 7 as product_id from range(40) union all select 8 from range(2) union all select 9"
    assert shown(sql) == ["product_id=7 (40 times)", "product_id=8 (2 times)", "product_id=9"]


def test_rows_that_differ_are_shown_as_they_are_and_only_some():
    assert len(shown("select range as id from range(100)")) == ROWS_SHOWN
    assert shown("select 1 as id, 'a@b.org' as email, null as day") == ["id=1, email=(personal), day=null"]


def test_nothing_is_shown_of_what_cannot_be_read():
    assert shown("select * from nowhere") == []
    assert shown("select 1 as id where false") == []
