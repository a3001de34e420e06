"""Of which day each table is: what is written is read again, and nothing is passed over."""

from datetime import UTC, date, datetime

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.quality import table_states
from retail_assets.quality.table_states import TableState, gap_before
from retail_assets.windows import Window


def _at(day, hour=0):
    return datetime(2024, 3, day, hour, tzinfo=UTC)


@pytest.fixture
def execute():
    with duckdb.connect() as connection:
        yield lambda statement: connection.execute(statement).fetchall()


def test_what_is_written_is_read_again(execute):
    assert table_states.read(execute) == {}
    states = [
        TableState("raw_erp.customer", "refused", _at(1), _at(4, 23), "it's gone"),
        TableState("mart_sales.product_demand", "stale"),
    ]
    table_states.write(execute, states, {}, "run 1", "Europe/Berlin")
    known = table_states.read(execute)
    assert list(known.values()) == states
    # The days are the retailer's: in Berlin the day is over at 23:00 UTC.
    assert execute(f"select as_of from {table_states.TABLE} order by as_of") == [(date(2024, 3, 4),), (None,)]


def test_since_is_when_the_state_began(execute):
    def since():
        return dict(execute(f"select state, since from {table_states.TABLE}"))

    first = TableState("a.b", "stale", _at(1), _at(2), "x")
    table_states.write(execute, [first], {}, "run 1", "UTC")
    began = since()["stale"]
    known = table_states.read(execute)
    table_states.write(execute, [first.changed("stale", "y")], known, "run 2", "UTC")
    assert since() == {"stale": began}
    table_states.write(
        execute, [first.advanced(Window(_at(2), _at(3)))], table_states.read(execute), "run 3", "UTC"
    )
    assert since()["current"] > began


WINDOWS = st.tuples(st.integers(1, 20), st.integers(1, 5)).map(
    lambda window: Window(_at(window[0]), _at(window[0] + window[1]))
)


@given(st.lists(st.tuples(WINDOWS, st.booleans()), min_size=1))
def test_no_window_is_passed_over(runs):
    """However runs succeed or fail in whatever order: all before the end was applied, from the start on."""
    state = TableState("a.b", "stale")
    applied = set()
    for asked, succeeds in runs:
        window = gap_before(asked, [state])
        assert window.start <= asked.start
        assert window.end == asked.end
        if succeeds:
            applied |= set(range(window.start.day, window.end.day))
            state = state.advanced(window)
    if state.applied_until:
        assert state.applied_from is not None
        assert set(range(state.applied_from.day, state.applied_until.day)) <= applied
