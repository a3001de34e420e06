"""Law 2. Day by day, in one backfill, in any order, twice, or from nothing: the same rows.

The source goes on changing while the days are run: orders are shipped, corrected, moved to another day
and returned, lines are deleted, customers move, prices change.
"""

import random
from datetime import timedelta

import pytest

from retail_assets_tests.conftest import days_of, write_erp

LAYERS = ("warehouse", "mart_sales")
BY_DAY = days_of(30, 36)
FIRST, LAST = days_of(0, 36)[0], BY_DAY[-1]


@pytest.fixture
def expected(deploy, retailer):
    """What one backfill over all days makes of the source's final state."""
    deployment = deploy()
    write_erp(retailer, deployment, LAST)
    deployment.run(FIRST, LAST)
    return deployment.tables(*LAYERS)


@pytest.fixture
def deployment(deploy, retailer):
    """A deployment in which the days before BY_DAY were built when they were over."""
    deployment = deploy()
    write_erp(retailer, deployment, BY_DAY[0] - timedelta(days=1))
    deployment.run(FIRST, BY_DAY[0] - timedelta(days=1))
    return deployment


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for table, rows in expected.items():
        assert rows, f"{table} is empty, which proves nothing"
        missing, unexpected = set(rows) - set(actual[table]), set(actual[table]) - set(rows)
        assert not missing, (table, len(missing), sorted(missing, key=str)[:2])
        assert not unexpected, (table, len(unexpected), sorted(unexpected, key=str)[:2])
        assert len(actual[table]) == len(rows), table


def test_day_by_day_while_the_source_changes(deployment, retailer, expected):
    for day in BY_DAY:
        write_erp(retailer, deployment, day)
        deployment.run(day)
    assert_same(deployment.tables(*LAYERS), expected)


def test_shuffled_with_repeats(deployment, retailer, expected):
    # Some days while they go by, then all of them in any order, some twice.
    for day in BY_DAY[1:4:2]:
        write_erp(retailer, deployment, day)
        deployment.run(day)
    write_erp(retailer, deployment, LAST)
    shuffled = [*BY_DAY, *BY_DAY[:2]]
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
