"""A bad week after a good one: segments are sound, or a check says what is wrong, and the week is whole."""

import numpy as np
import pytest

from retail_assets.segmentation.checks import findings
from retail_assets.segmentation.pictures import pictures
from retail_assets.segmentation.report import write_report
from retail_assets.segmentation.thresholds import THRESHOLDS
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.segmentation.planted import Warehouse, features, key, people

PERSONS = people(400)


def following_week():
    return features(PERSONS, 1)


def a_feature_is_missing_for_everybody():
    return following_week().assign(return_rate=np.nan, discount_share=np.nan)


def infinities():
    week = following_week()
    week.loc[::9, "average_basket"] = np.inf
    week.loc[1::9, "return_rate"] = -np.inf
    return week


def a_category_never_seen():
    week = following_week()
    week.loc[week.index % 20 == 0, "top_category"] = "Never seen"
    return week


def only_categories_never_seen():
    return following_week().assign(top_category="Never seen")


def no_order_in_the_week():
    week = features(PERSONS).assign(week_start=following_week().week_start)
    week["recency_days"] += 7
    week["tenure_days"] += 7
    return week


def nobody_has_bought():
    return features(people(400, buyers=0.0), 1)


def all_alike():
    week = following_week()
    columns = week.columns.difference(["week_start", "consumer_key"])
    week[columns] = week.loc[week.recency_days.notna(), columns].iloc[0].to_list()
    return week


def one_consumer():
    return following_week().head(1)


def nobody():
    return following_week().head(0)


@pytest.fixture(scope="module")
def warehouse():
    """A good week is in it."""
    warehouse = Warehouse(features(PERSONS))
    warehouse.run(0)
    return warehouse


@fault(
    Area.BUILDING,
    "A week of spoiled features: missing, infinite, alike, empty",
    "Segments are sound, or a check says what has moved.",
)
@pytest.mark.parametrize(
    ("spoil", "reason", "missed"),
    [
        (following_week, "", set()),
        (a_feature_is_missing_for_everybody, "return_rate has moved", set()),
        (infinities, "average_basket has moved", set()),
        (a_category_never_seen, "", set()),
        (only_categories_never_seen, "top_category has moved", set()),
        (no_order_in_the_week, "recency_days has moved", set()),
        (nobody_has_bought, "", {"changed_segment"}),
        (all_alike, "has moved", {"silhouette", "segment_sizes", "changed_segment"}),
        (one_consumer, "has moved", {"silhouette", "segment_sizes"}),
        (nobody, "", set()),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_week_after_a_good_one(warehouse, spoil, reason, missed, tmp_path):
    bad = spoil()
    warehouse.replace(1, bad)
    (week,) = warehouse.run(1)
    found = list(findings(warehouse.execute, week, THRESHOLDS, "features"))
    assert {each.check for each in found if not each.passed} == missed
    assert week.decision.retrain == bool(reason)
    assert reason in " ".join(week.decision.reasons)
    assert sum(row["consumers"] for row in week.profiles.rows) == len(bad)
    assert write_report(tmp_path, week, pictures(week), found).exists()


def test_a_week_without_orders_moves_nobody(warehouse):
    warehouse.replace(1, no_order_in_the_week())
    warehouse.run(1)
    assert warehouse.execute(
        "select count(*) from mart_segmentation.customer_segments"
        f" where week_start = '{key(1)}' and segment is distinct from previous_segment"
    ) == [(0,)]


def test_a_feature_that_is_missing_for_everybody_is_said(warehouse):
    warehouse.replace(1, a_feature_is_missing_for_everybody())
    (week,) = warehouse.run(1)
    assert week.model.left_out["return_rate"] == "missing for everybody"
    assert {row["return_rate"] for row in week.profiles.rows} == {None}
