"""Law 2. Day by day, in one backfill, in any order, twice, or from nothing: the same rows.

The sources go on changing while the days are run: orders are shipped, corrected, moved to another day
and returned, lines are deleted, consumers move and are erased, prices change, files come late.
"""

import random

from retail_assets_tests.conftest import NEW_DAYS, START, write_evening
from retail_assets_tests.laws.amendments import DELETED, MASTERS, SECOND_THOUGHTS, amend
from retail_assets_tests.laws.comparison import assert_as_built, assert_same

FIRST, LAST = START, NEW_DAYS[-1]


def test_day_by_day_while_the_sources_change(deployment, retailer, built):
    for day in NEW_DAYS:
        write_evening(retailer, deployment, day)
        deployment.run(day)
    assert_as_built(deployment, built)


def test_shuffled_with_repeats(deployment, retailer, built):
    # One day while it goes by, then all of them in any order, some twice.
    write_evening(retailer, deployment, NEW_DAYS[1])
    deployment.run(NEW_DAYS[1])
    write_evening(retailer, deployment, LAST)
    shuffled = [*NEW_DAYS, NEW_DAYS[0]]
    random.Random(5).shuffle(shuffled)
    for day in shuffled:
        deployment.run(day, checks=False)
    assert_as_built(deployment, built)


def test_backfill_on_top_and_rebuild(deployment, retailer, built):
    write_evening(retailer, deployment, LAST)
    deployment.run(FIRST, LAST)
    assert_as_built(deployment, built, rebuilt_from=FIRST)


def test_masters_are_amended_and_amended_again(deployment, retailer):
    """Campaigns move to other media channels, products and countries get new descriptions in one system only,
    an address has two records, and orders and touches are deleted outright, which a Sunday finds out: of the
    raw that saw it, a rebuild makes the same."""
    amendments = [(NEW_DAYS[1], MASTERS), (NEW_DAYS[1], DELETED), (LAST, SECOND_THOUGHTS)]
    write_evening(retailer, deployment, NEW_DAYS[2])
    amend(deployment.sources, amendments[:2])
    deleted = (
        "select count(*) from warehouse.fact_sales"
        " where sales_order_id % 50 = 7 and order_date < date '2024-04-01'"
    )
    assert deployment.query(deleted)[0][0] > 0
    deployment.run(NEW_DAYS[0], NEW_DAYS[2], checks=False)
    assert deployment.query(deleted) == [(0,)]
    write_evening(retailer, deployment, LAST)
    amend(deployment.sources, amendments)
    deployment.run(LAST, checks=False)
    moved = (
        "select campaign_id from warehouse.wh_dim_campaign_channels group by campaign_id having count(*) > 1"
    )
    assert deployment.query(moved)
    tables = deployment.lasting()
    deployment.run(LAST, full_refresh=True, checks=False)
    assert_same(deployment.lasting(), tables)
