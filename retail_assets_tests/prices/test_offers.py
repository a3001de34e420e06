"""What offers are told: by hand, with what is missing, and their record."""

import json
from datetime import date
from math import exp

import numpy as np
import pytest

from retail_assets.prices.catalog import KINDS, RECORD, table
from retail_assets.prices.kinds import NORMAL, Past, by_depth, by_mean, depth_of
from retail_assets.prices.outlook import groups_named
from retail_assets.prices.record import _record
from retail_assets_tests.planted import day
from retail_assets_tests.prices.planted import Marketing, Warehouse, plain
from retail_assets_tests.prices.test_elasticities import promotions, season

OFFER = {"terms": "20 % off hats in the web shop.", "discount_pct": 0.2}


@pytest.fixture
def warehouse():
    return Marketing()


def kind(warehouse, columns, week=0):
    (row,) = warehouse.execute(f"select {columns} from {table(KINDS)} where week_start = '{day(week)}'")
    return tuple(map(plain, row))


def test_what_past_offers_brought_is_said_in_words(warehouse):
    warehouse.offer(1, day(-9), day(-8), uplift=3)
    warehouse.offer(2, day(-9), day(-8), uplift=1)
    warehouse.offer(3, day(-9), day(-8), uplift=1.7)
    warehouse.offer(4, day(-9), day(-8))
    warehouse.offer(5, day(-9), day(-8), uplift=2, measured_margin=None, margin_uplift=None)
    warehouse.offer(6, day(-1), day(0), uplift=3)
    (week,) = warehouse.run(0)
    told = {number: warehouse.plan(number, "verdict, explanation, method") for number in range(1, 7)}
    assert [verdict for verdict, *_ in told.values()] == [
        "paid", "did not pay", "not certain", "unknown", "unknown", "paid"
    ]  # fmt: skip
    assert told[1][1] == (
        "It paid: +400.00 of margin (+300.00 to +500.00), after 600.00 of discount."
        " 3.00 times as many pieces were sold (2.46 to 3.66)."
    )
    assert told[2][1].startswith("It did not pay: -200.00 of margin")
    assert told[3][1].startswith("Whether it paid is not certain: +10.00 of margin (-90.00 to +110.00)")
    assert told[4][1].startswith("Too little was sold")
    assert "cost" in told[5][1]
    assert told[6][1].endswith("This is so far: the days after it are not over.")
    assert {method for *_, method in told.values()} == {None}
    assert warehouse.plan(1, "quantity, quantity_without, discount_cost, margin, margin_uplift") == (
        300, 100, 600, 900, 400
    )  # fmt: skip
    assert warehouse.missed(week) == {}


def test_an_offer_ahead_by_hand(warehouse):
    """Ten hats a day at 10 with a margin of 4; both past offers doubled the pieces, and all bought with them.

    In seven days 140 pieces for 70: 280 off, and a piece brings 2 in place of 4, which is nothing more.
    """
    warehouse.sell_daily("Hats", 10)
    warehouse.sell_daily("Mugs", 99)
    warehouse.sell_daily("Hats", 99, sales_channel="online")
    for number in (1, 2):
        warehouse.offer(number, day(-9 - 2 * number), day(-9 - 2 * number, 6), uplift=2)
    warehouse.offer(3, day(1), day(1, 6), **OFFER)
    (week,) = warehouse.run(0)
    figures = "quantity, quantity_without, discount_cost, margin, margin_uplift, uplift, mean_quantity"
    assert warehouse.plan(3, figures) == pytest.approx((140, 70, 280, 280, 0, 2, 140), abs=1e-5)
    # What is not known is how sales drift until then, from the middle of the 56 days to that of the offer.
    low, high, verdict, method, said = warehouse.plan(
        3, "quantity_low, quantity_high, verdict, method, explanation"
    )
    drift = exp(1.959964 * 0.006 * (28 + 3.5))
    assert (low, high) == pytest.approx((140 / drift, 140 * drift), abs=1e-4)
    assert (verdict, method) == ("not certain", "mean of past offers")
    assert "140 pieces of Hats are expected (97 to 203), 70 without it; 280.00 of discount." in said
    assert said.endswith("so the mean of past offers is used.")
    assert kind(warehouse, "offers, mean_uplift, take_up, tested, own_error") == (2, 2, 1, 0, None)
    assert warehouse.missed(week) == {}


def test_days_on_offer_and_other_countries_are_no_measure_of_what_sells_without(warehouse):
    warehouse.sell_daily("Hats", 10, country="France")
    warehouse.sell_daily("Hats", 30, country="Spain")
    warehouse.sell_daily("Hats", 500, days=14, country="France", is_under_offer=True, offer_id=1)
    for number in (1, 2):
        warehouse.offer(number, day(-9 - 2 * number), day(-9 - 2 * number, 6), uplift=2)
    warehouse.offer(3, day(1), day(1, 6), **OFFER, country="France")
    warehouse.offer(4, day(1), day(1, 6), **OFFER)
    warehouse.run(0)
    assert warehouse.plan(3, "quantity_without") == pytest.approx((70,))
    assert warehouse.plan(4, "quantity_without") == pytest.approx((280,))


@pytest.mark.parametrize(
    ("uplift", "method", "expected"),
    [
        (lambda off: (1 - off) ** -3, "what it takes off", 0.65**-3),
        (lambda off: 2.0, "mean of past offers", 2.0),
    ],
    ids=["more for more", "as much for anything"],
)
def test_what_an_offer_takes_off_counts_only_where_it_told_more(warehouse, uplift, method, expected):
    warehouse.sell_daily("Hats", 10)
    for number, off in enumerate([0.1, 0.3, 0.2, 0.15, 0.25]):
        first = -30 + 4 * number
        warehouse.offer(number, day(first), day(first, 6), uplift=round(uplift(off), 6), discount_pct=off)
    warehouse.offer(9, day(1), day(1, 6), **{**OFFER, "discount_pct": 0.35})
    (week,) = warehouse.run(0)
    assert warehouse.plan(9, "method, uplift") == (method, pytest.approx(expected, rel=1e-4))
    _, tested, own, mean, reason, model = kind(
        warehouse, "method, tested, own_error, mean_error, reason, model"
    )
    assert tested == 3
    assert (own < mean) == (method == "what it takes off")
    assert ("no more than the mean" in reason) == (method == "mean of past offers")
    assert len(json.loads(model)["fingerprint"]) == 64
    assert warehouse.missed(week) == {}


UNKNOWN = {
    "What it takes off is not known.": {"discount_pct": None},
    "It has no last day": {"valid_to": None},
    "Which products it is for is not known": {"terms": "20 % off everything that glitters."},
    "Too little of Rings was sold": {"terms": "Rings"},
}


@pytest.mark.parametrize(("why", "change"), UNKNOWN.items(), ids=UNKNOWN)
def test_what_cannot_be_expected_says_why(warehouse, why, change):
    warehouse.sell_daily("Hats", 10)
    warehouse.sell_daily("Rings", 1, days=19)
    for number in (1, 2):
        warehouse.offer(number, day(-9 - 2 * number), day(-9 - 2 * number, 6), uplift=2)
    warehouse.offer(3, day(1), change.get("valid_to", day(1, 6)), **{**OFFER, **change})
    (week,) = warehouse.run(0)
    verdict, said, quantity = warehouse.plan(3, "verdict, explanation, quantity")
    assert (verdict, quantity) == ("unknown", None)
    assert said.startswith(why)
    assert warehouse.missed(week) == {}


def test_without_a_cost_pieces_are_expected_and_margin_is_not(warehouse):
    warehouse.sell_daily("Hats", 10, margin=None)
    for number in (1, 2):
        warehouse.offer(number, day(-9 - 2 * number), day(-9 - 2 * number, 6), uplift=2)
    warehouse.offer(3, day(1), day(1, 6), **OFFER)
    (week,) = warehouse.run(0)
    verdict, said, *figures = warehouse.plan(
        3, "verdict, explanation, quantity, discount_cost, margin, margin_uplift, mean_margin_uplift"
    )
    assert (verdict, *figures) == ("unknown", pytest.approx(140), pytest.approx(280), None, None, None)
    assert "A cost is not known" in said
    assert warehouse.missed(week) == {}


def test_an_offer_that_ran_before_is_for_what_was_sold_under_it_then(warehouse):
    warehouse.sell_daily("Hats", 10)
    warehouse.sell_daily("Hats", 1, days=1, is_under_offer=True, offer_id=1)
    for number in (1, 2):
        warehouse.offer(number, day(-9 - 2 * number), day(-9 - 2 * number, 6), uplift=2, offer_name="Spring")
    warehouse.offer(3, day(1), day(1, 6), discount_pct=0.2, offer_name="Spring")
    warehouse.run(0)
    assert "pieces of Hats are expected" in warehouse.plan(3, "explanation")[0]


def test_without_past_offers_the_price_elasticity_tells_within_the_prices_seen(warehouse):
    draws = np.random.default_rng(4)
    for product in ("hat", "cap", "mug"):
        price = promotions(draws)
        price[10:12] = 7.5
        warehouse.sell(product, price, 100 * season() * (price / 10) ** -2.0)
    warehouse.know(hat="hats", cap="hats", mug="mugs")
    for number, off in enumerate([0.2, 0.4]):
        warehouse.offer(number, day(1), day(1, 6), discount_pct=off, terms="On hat and cap.")
    (week,) = warehouse.run(0)
    method, uplift, mean, said = warehouse.plan(0, "method, uplift, mean_uplift, explanation")
    assert (method, uplift, mean) == ("price elasticity", pytest.approx(0.8**-2, abs=1e-3), None)
    assert said.endswith("By the price elasticity alone, which no past offer has confirmed.")
    verdict, said = warehouse.plan(1, "verdict, explanation")
    assert (verdict, said) == (
        "unknown",
        "The channel has no settled offers; it takes 2; and no price of hats was ever as low as it would be.",
    )
    assert warehouse.missed(week) == {}


def test_the_record_holds_the_last_plan_against_what_happened(warehouse):
    """Past offers sold (1 - off) ** -3 times as many, 1.97 on average: 70 become 138, or 255 by depth."""
    warehouse.sell_daily("Hats", 10)
    for week in (0, 4):
        for number, off in enumerate([0.1, 0.3, 0.2, 0.15, 0.25]):
            first = -30 + 4 * number
            uplift = round((1 - off) ** -3, 6)
            warehouse.offer(number, day(first), day(first, 6), week, uplift=uplift, discount_pct=off)
    warehouse.offer(8, day(1, 2), day(1, 6), **{**OFFER, "discount_pct": 0.35})
    warehouse.offer(9, day(1), day(1, 6), **{**OFFER, "discount_pct": 0.35})
    warehouse.offer(9, day(1), day(1, 6), 4, **{**OFFER, "discount_pct": 0.35}, uplift=2.5)
    # One that was put off has another plan.
    warehouse.offer(8, day(2), day(1, 6), 4, **OFFER, uplift=2.5)
    *_, week = warehouse.run(0, 4)
    rows = warehouse.records(
        "week_start, offer_id, planned_week, method, expected_quantity, happened_quantity, is_within,"
        " is_nearer"
    )
    expected = 70 * 0.65**-3
    assert rows == [
        (day(4), 9, day(0), "what it takes off", pytest.approx(expected, abs=0.01), 250, True, True)
    ]
    ((verdict,),) = warehouse.records("verdict")
    assert verdict.startswith("255 pieces were expected (")
    assert verdict.endswith("The mean of past offers said 138: the plan was nearer.")
    assert warehouse.missed(week) == {}
    made = warehouse.rows()
    for order in ((4, 0), (0,), (4, 4, 0)):
        warehouse.run(*order)
        assert warehouse.rows() == made
    warehouse.execute(f"delete from {table(RECORD)}")
    warehouse.run(0)
    assert warehouse.rows() == made


@pytest.mark.parametrize(("sold", "nearer"), [(250, True), (197, True), (196, False), (140, False)])
def test_the_record_says_which_was_nearer(sold, nearer):
    margins = dict.fromkeys(("margin_uplift", "margin_uplift_low", "margin_uplift_high"))
    plan = {"quantity": 255, "quantity_low": 200, "quantity_high": 300, "method": "what it takes off"}
    plan |= {"mean_quantity": 138, "mean_margin_uplift": None, **margins}
    happened = {"week_start": day(4), "offer_id": 9, "offer_name": "Hats", "sales_channel": "online"}
    found = _record({**happened, **margins, "measured_quantity": sold}, day(0), plan)
    assert found["is_nearer"] is nearer
    assert found["is_within"] is (sold >= 200)
    assert ("the plan was not nearer" in found["verdict"]) is not nearer


def test_later_sales_do_not_show(warehouse):
    warehouse.sell_daily("Hats", 10)
    for number in (1, 2):
        warehouse.offer(number, day(-9 - 2 * number), day(-9 - 2 * number, 6), uplift=2)
    warehouse.offer(3, day(1), day(1, 6), **OFFER)
    warehouse.run(0)
    made = warehouse.rows()
    warehouse.sell("Hats", [1.0], [999], last=1)
    warehouse.run(0)
    assert warehouse.rows() == made


def test_no_offers_and_no_marketing(warehouse):
    (week,) = warehouse.run(0)
    assert warehouse.missed(week) == {}
    without = Warehouse()
    (week,) = without.run(0)
    assert week.plan is None
    assert without.missed(week) == {}
    assert not warehouse.rows()[KINDS]


def test_groups_are_named_in_whole_words_the_longest_first():
    groups = ["Bikes", "Mountain Bikes", "Cap", "C++ (1)"]
    assert groups_named("On MOUNTAIN BIKES, caps and c++ (1).", groups) == ["C++ (1)", "Mountain Bikes"]
    assert groups_named("Bikes, mountain bikes and a cap", groups) == ["Bikes", "Cap", "Mountain Bikes"]
    assert groups_named("", groups) == []


def test_the_next_offer_lies_within_its_interval():
    """Shops whose offers answer to prices by slopes that differ by chance, each measured with an error."""
    draws = np.random.default_rng(11)
    inside = {by_mean: 0, by_depth: 0}
    shops = 300
    for _ in range(shops):
        slopes = draws.normal(3, 0.4, 6)
        depths = [depth_of(off) or 0 for off in draws.uniform(0.1, 0.35, 6)]
        true = slopes * depths
        errors = draws.uniform(0.05, 0.15, 6)
        past = [
            Past(number, date(2024, 1, 1), date(2024, 1, 7), true[number] + draws.normal(0, errors[number]),
                 errors[number], depths[number], 0, 0)
            for number in range(5)
        ]  # fmt: skip
        for method, found in ((by_mean, by_mean(past)), (by_depth, by_depth(past, depths[5]))):
            assert found is not None
            inside[method] += abs(found.log_uplift - true[5]) <= NORMAL * found.error
    assert inside[by_mean] / shops >= 0.9
    assert inside[by_depth] / shops >= 0.9
