"""Law 2. Day by day, in one backfill, in any order, twice, or from nothing: the same rows.

The source goes on changing while the days are run: orders are shipped, corrected, moved to another day
and returned, lines are deleted, customers move, prices change.
"""

import random

import pytest

from retail_assets_tests.conftest import NEW_DAYS, START, write_erp

LAYERS = ("warehouse", "mart_sales")
FIRST, LAST = START, NEW_DAYS[-1]


@pytest.fixture(scope="module")
def expected(built):
    """What one backfill over all days makes of the source's final state."""
    return built.tables(*LAYERS)


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for table, rows in expected.items():
        assert rows, f"{table} is empty, which proves nothing"
        missing, unexpected = set(rows) - set(actual[table]), set(actual[table]) - set(rows)
        assert not missing, (table, len(missing), sorted(missing, key=str)[:2])
        assert not unexpected, (table, len(unexpected), sorted(unexpected, key=str)[:2])
        assert len(actual[table]) == len(rows), table


def test_day_by_day_while_the_source_changes(deployment, retailer, expected):
    for day in NEW_DAYS:
        write_erp(retailer, deployment, day)
        deployment.run(day)
    assert_same(deployment.tables(*LAYERS), expected)


def test_shuffled_with_repeats(deployment, retailer, expected):
    # Some days while they go by, then all of them in any order, some twice.
    for day in NEW_DAYS[1:4:2]:
        write_erp(retailer, deployment, day)
        deployment.run(day)
    write_erp(retailer, deployment, LAST)
    shuffled = [*NEW_DAYS, *NEW_DAYS[:2]]
    random.Random(5).shuffle(shuffled)
    for day in shuffled:
        deployment.run(day)
    assert_same(deployment.tables(*LAYERS), expected)


def test_backfill_on_top_and_rebuild(deployment, retailer, expected):
    write_erp(retailer, deployment, LAST)
    deployment.run(FIRST, LAST)
    assert_same(deployment.tables(*LAYERS), expected)
    deployment.run(FIRST, LAST, full_refresh=True)
    assert_same(deployment.tables(*LAYERS), expected)
