"""Weeks of recommendations in a warehouse whose rows are written here: values by hand, laws, bad input."""

from decimal import Decimal

import pytest

from retail_assets.recommendations import weekly
from retail_assets.recommendations.catalog import BUY_AGAIN, CHECKS, NEW, QUALITY, RECOMMENDATIONS, table
from retail_assets.recommendations.checks import findings
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.planted import NOBODY, day
from retail_assets_tests.recommendations.planted import Warehouse

FEW = {"tent": 40, "lamp": 30, "mug": 20, "pan": 10, "hose": 5}


@pytest.fixture
def warehouse():
    """Five products; everybody lives in Oregon, which is on the map."""
    warehouse = Warehouse()
    warehouse.add("wh_dim_location", [("oregon", "state", "United States", "Oregon", 44.0)])
    warehouse.popular(0, FEW)
    return warehouse


def missed(warehouse, week):
    found = list(findings(warehouse.execute, week))
    assert {finding.check for finding in found} == CHECKS.keys()
    return {finding.check: finding.text for finding in found if not finding.passed}


def test_buy_again_is_ranked_by_decayed_purchases_times_popularity(warehouse):
    """Tent: twice, 180 and 360 days ago: (0.5 + 0.25) * 41. Mug: once, 1 day ago: 0.5 ** (1 / 180) * 21."""
    warehouse.know("ann")
    warehouse.sell(("ann", "tent", "2023-11-15"), ("ann", "tent", "2023-05-19"), ("ann", "mug", "2024-05-12"))
    # The same day once more is no second purchase.
    warehouse.sell(("ann", "mug", "2024-05-12"))
    week = warehouse.run(0)[0]
    columns = (
        "rank, product_key, score, purchases, cast(last_purchase_date as varchar), reason, recent_baskets"
    )
    assert warehouse.told("ann", BUY_AGAIN, columns=columns) == [
        (1, "tent", Decimal("30.750000"), 2, "2023-11-15", "bought 2 times, last 180 days ago", 40),
        (2, "mug", Decimal("20.919297"), 1, "2024-05-12", "bought once, 1 day ago", 20),
    ]
    assert missed(warehouse, week) == {}


def test_of_as_frequent_products_the_more_popular_is_first(warehouse):
    warehouse.know("ann")
    warehouse.sell(*(("ann", product, "2024-05-10") for product in ("hose", "mug", "tent", "pan")))
    warehouse.run(0)
    assert warehouse.told("ann", BUY_AGAIN) == ["tent", "mug", "pan", "hose"]


def test_new_to_you_is_popularity_times_what_affinity_adds(warehouse):
    """Ann bought a tent a day ago (0.996157) and a lamp 180 days ago (0.5). Half of what it adds counts.

    Hose: 5 * (1 + (0.996157 * 8 + 0.5 * 1) / 2) = 26.17314. Pan: 10 * (1 + 0.5 * 4 / 2) = 20. Mug: 20, more
    popular.
    """
    warehouse.know("ann")
    warehouse.sell(("ann", "tent", "2024-05-12"), ("ann", "lamp", "2023-11-15"))
    warehouse.near(0, ("tent", "hose", 12, 9.0), ("lamp", "hose", 7, 2.0), ("lamp", "pan", 9, 5.0))
    week = warehouse.run(0)[0]
    columns = "rank, product_key, score, reason, because_of_product_key, consumers_of_both"
    assert warehouse.told("ann", NEW, columns=columns) == [
        (1, "hose", Decimal("26.173140"), "12 who bought your The tent also bought it", "tent", 12),
        (2, "mug", Decimal("20.000000"), "bought by 20 consumers in the last 4 weeks", None, None),
        (3, "pan", Decimal("20.000000"), "9 who bought your The lamp also bought it", "lamp", 9),
    ]
    assert missed(warehouse, week) == {}


def test_a_pair_of_one_consumer_and_one_below_chance_say_nothing(warehouse):
    warehouse.know("ann")
    warehouse.sell(("ann", "tent", "2024-05-12"))
    warehouse.near(0, ("tent", "hose", 1, 4.0), ("tent", "pan", 50, 0.9))
    warehouse.run(0)
    assert warehouse.told("ann", NEW) == ["lamp", "mug", "pan", "hose"]
    assert {*warehouse.told("ann", NEW, columns="because_of_product_key")} == {None}


def test_nothing_unfit_is_recommended(warehouse):
    """Returned by Ann, discontinued, and out of stock in Oregon; Bob lives elsewhere and returned nothing."""
    warehouse.know("ann")
    warehouse.know("bob", state="Maine")
    warehouse.add("wh_dim_location", [("maine", "state", "United States", "Maine", 45.0)])
    warehouse.execute(
        "update mart_recommendations.product_popularity set is_discontinued = product_key = 'lamp'"
    )
    warehouse.add("product_shortages", [(day(0), "mug", "oregon"), (day(0), "pan", NOBODY)])
    warehouse.sell(*((who, what, "2024-05-10") for who in ("ann", "bob") for what in ("tent", "lamp", "mug")))
    warehouse.add("wh_fact_sales_returns", [("ann", "tent", "2024-05-12"), ("bob", "tent", "2024-05-13")])
    week = warehouse.run(0)[0]
    assert warehouse.told("ann", BUY_AGAIN) == []
    assert warehouse.told("ann", NEW) == ["pan", "hose"]
    assert warehouse.told("bob", BUY_AGAIN) == ["tent", "mug"]
    assert missed(warehouse, week) == {}


def test_who_lives_nobody_knows_where_is_served_by_any_center(warehouse):
    """A state that is not on the map, a country that is, and no address at all."""
    warehouse.know("ann", state="Atlantis")
    warehouse.add("wh_dim_consumer", [("bob", None, None)])
    warehouse.add("product_shortages", [(day(0), "mug", "oregon"), (day(0), "pan", NOBODY)])
    warehouse.sell(("ann", "tent", "2024-05-10"), ("bob", "tent", "2024-05-10"))
    warehouse.run(0)
    assert warehouse.told("ann", NEW) == warehouse.told("bob", NEW) == ["lamp", "mug", "hose"]
    warehouse.add("wh_dim_location", [("states", "country", "United States", None, 40.0)])
    warehouse.add("product_shortages", [(day(0), "hose", "states")])
    warehouse.run(0)
    assert warehouse.told("ann", NEW) == ["lamp", "mug", "pan"]
    assert warehouse.told("bob", NEW) == ["lamp", "mug", "hose"]


def test_a_credit_is_a_return(warehouse):
    warehouse.know("ann")
    warehouse.sell(("ann", "tent", "2024-05-01"), ("ann", "mug", "2024-05-01"))
    warehouse.add("wh_fact_sales", [("ann", "tent", "2024-05-03", True, -1)])
    warehouse.run(0)
    assert warehouse.told("ann", BUY_AGAIN) == ["mug"]
    assert "tent" not in warehouse.told("ann", NEW)


def test_who_is_erased_unknown_or_cancelled_all_has_no_list(warehouse):
    """Eve is in the sales but no consumer any more."""
    warehouse.know("ann", "bob", NOBODY)
    warehouse.sell(
        ("ann", "tent", "2024-05-10"), ("eve", "tent", "2024-05-10"), (NOBODY, "tent", "2024-05-10")
    )
    warehouse.add("wh_fact_sales", [("bob", "tent", "2024-05-10", False, 1)])
    warehouse.run(0)
    assert list(warehouse.execute(f"select distinct consumer_key from {table(RECOMMENDATIONS)}")) == [
        ("ann",)
    ]


def test_who_opted_out_is_marked_as_of_then(warehouse):
    warehouse.know("ann", opt_in=False)
    warehouse.add("wh_dim_consumer", [("bob", None, True), ("eve", None, None)])
    warehouse.add(
        "wh_dim_consumer_history",
        [
            ("bob", "1900-01-01", day(1), "United States", "Oregon", False),
            ("bob", day(1), None, "United States", "Oregon", True),
        ],
    )
    warehouse.popular(1, FEW)
    warehouse.sell(*((who, "tent", "2024-05-10") for who in ("ann", "bob", "eve")))
    warehouse.run(0, 1)
    assert {*warehouse.told("ann", NEW, columns="marketing_opt_in")} == {False}
    assert {*warehouse.told("bob", NEW, columns="marketing_opt_in")} == {False}
    assert {*warehouse.told("bob", NEW, week=1, columns="marketing_opt_in")} == {True}
    assert {*warehouse.told("eve", NEW, columns="marketing_opt_in")} == {None}


def test_lists_have_ten_products_at_most(warehouse):
    warehouse.popular(1, {f"p{number:02}": 100 - number for number in range(40)})
    warehouse.know("ann")
    warehouse.sell(*(("ann", f"p{number:02}", "2024-05-15") for number in range(12)))
    week = warehouse.run(1)[0]
    assert warehouse.told("ann", BUY_AGAIN, week=1) == [f"p{number:02}" for number in range(10)]
    assert warehouse.told("ann", NEW, week=1) == [f"p{number:02}" for number in range(12, 22)]
    assert missed(warehouse, week) == {}


def record(warehouse, week):
    return {
        (list_, method): rest
        for list_, method, *rest in warehouse.execute(
            "select list, method, consumers, hit_rate, recall, ndcg, beats_popularity"
            f" from {table(QUALITY)} where week_start = '{day(week)}'"
        )
    }


def planted_record(warehouse, *people):
    """Ann buys her tent again, and a hose, which affinity has first. Bob buys a mug, which is no news.

    Eve is new, and has no lists. As known in week 0 Ann's own products are mug, tent and pan; by frequency
    mug, pan, tent; by popularity tent, mug, pan.
    """
    warehouse.know("ann", "bob", "eve", *people)
    for who in ("ann", *people):
        warehouse.sell(
            *((who, "mug", each) for each in ("2024-05-01", "2024-05-02", "2024-05-03")),
            *((who, "pan", each) for each in ("2024-05-01", "2024-05-02")),
            (who, "tent", "2024-05-01"),
            (who, "tent", day(1, 6)),
        )
    warehouse.near(0, ("mug", "hose", 30, 19.0))
    warehouse.popular(1, FEW)
    warehouse.sell(
        ("bob", "tent", "2024-05-10"),
        ("ann", "hose", day(1)),
        ("bob", "mug", day(1)),
        ("eve", "tent", day(1)),
        ("ann", "mug", day(2)),
    )


def test_the_record_is_what_was_recommended_against_what_was_bought(warehouse):
    """Buy again, Ann: the tent in place 2, 1 / log2(3) = 0.63093; in 3 by frequency, in 1 by popularity.

    New: Ann's hose is first of (hose, lamp), by popularity second: 0.63093. Bob's mug is second in both.
    """
    planted_record(warehouse)
    *_, week = warehouse.run(0, 1)
    one, second = Decimal(1), Decimal("0.630930")
    assert record(warehouse, 1) == {
        (BUY_AGAIN, "frequency and popularity"): [1, one, one, second, False],
        (BUY_AGAIN, "personal frequency"): [1, one, one, Decimal("0.5"), False],
        (BUY_AGAIN, "popularity"): [1, one, one, one, False],
        (NEW, "affinity"): [2, one, one, Decimal("0.815465"), True],
        (NEW, "popularity"): [2, one, one, second, True],
    }
    told = {finding.check: finding.text for finding in findings(warehouse.execute, week)}
    assert told["beats_popularity"] == (
        "Buy again: No better than popularity, which may be chance: NDCG at 10 0.6309 against 1.0000. New to"
        " you: Better than popularity: NDCG at 10 0.8155 against 0.6309."
    )
    assert missed(warehouse, week) == {}


def test_what_is_worse_than_popularity_beyond_chance_says_so(warehouse):
    """Of one consumer it may be chance; that it is so of two who are alike is none."""
    planted_record(warehouse, "abe")
    *_, week = warehouse.run(0, 1)
    assert missed(warehouse, week)["beats_popularity"].startswith(
        "Buy again: Not better than popularity, which is to be used instead: NDCG at 10 0.6309 against"
    )


def test_what_no_list_had_is_a_miss(warehouse):
    """Bob buys what nobody had bought before, beside a lamp: recall is a half."""
    warehouse.know("bob")
    warehouse.sell(("bob", "tent", "2024-05-10"), ("bob", "kayak", day(1)), ("bob", "lamp", day(1)))
    warehouse.popular(1, {**FEW, "kayak": 1})
    warehouse.run(0, 1)
    # Lamp is in place 1 of both, of best 1 and 2.
    assert record(warehouse, 1)[NEW, "affinity"] == [
        1,
        Decimal(1),
        Decimal("0.5"),
        Decimal("0.613147"),
        False,
    ]


def test_weeks_give_the_same_rows_in_any_order_twice_and_in_parts(warehouse):
    planted_record(warehouse)
    warehouse.popular(2, FEW)
    warehouse.run(0, 1, 2)
    before = warehouse.rows()
    assert len(before[QUALITY]) == 8
    for order, chunk in (((2, 0, 1), 1000), ((1, 0), 1), ((2,), 2)):
        warehouse.run(*order, chunk=chunk)
        assert warehouse.rows() == before
    warehouse.execute(f"delete from {table(RECOMMENDATIONS)}")
    warehouse.execute(f"delete from {table(QUALITY)}")
    warehouse.run(2, 1, 0, chunk=1)
    assert warehouse.rows() == before


def test_what_comes_later_does_not_show(warehouse):
    planted_record(warehouse)
    warehouse.run(0)
    before = warehouse.rows()[RECOMMENDATIONS]
    assert before
    warehouse.execute(f"delete from warehouse.wh_fact_sales where order_date >= '{day(1)}'")
    warehouse.run(0)
    assert warehouse.rows()[RECOMMENDATIONS] == before


STEPS = ("insert_lists", "insert_quality")


@fault(
    Area.BUILDING,
    "A week of recommendations fails between its tables",
    "The week is as it was before.",
    times=len(STEPS),
)
def test_a_crash_leaves_the_week_as_it_was(warehouse, monkeypatch):
    planted_record(warehouse)
    warehouse.run(0, 1)
    before = warehouse.rows()
    for step in STEPS:
        with monkeypatch.context() as patch:
            patch.setattr(weekly, step, _failing)
            with pytest.raises(RuntimeError, match="killed"):
                warehouse.run(0)
        assert warehouse.rows() == before


def _failing(*_):
    raise RuntimeError("killed")


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (
            "update {} set rank = 7 where consumer_key = 'ann' and list = 'buy again' and rank = 1",
            "lists_are_sound",
        ),
        ("update {} set list = 'new to you', rank = rank + 10 where list = 'buy again'", "lists_are_sound"),
        ("update {} set consumer_key = 'eve' where consumer_key = 'ann'", "nothing_unfit"),
        ("delete from {} where consumer_key = 'bob'", "buyers_have_lists"),
    ],
)
def test_spoiled_rows_are_found(warehouse, spoil, expected):
    warehouse.know("ann", "bob")
    warehouse.sell(
        ("ann", "tent", "2024-05-10"), ("bob", "tent", "2024-05-10"), ("eve", "tent", "2024-05-10")
    )
    week = warehouse.run(0)[0]
    assert missed(warehouse, week) == {}
    warehouse.execute(spoil.format(table(RECOMMENDATIONS)))
    assert expected in missed(warehouse, week)


@pytest.mark.parametrize(
    "unfit",
    [
        ("wh_fact_sales_returns", ("ann", "tent", "2024-05-11")),
        ("product_shortages", ("2024-05-06", "tent", "oregon")),
    ],
)
def test_what_became_unfit_is_found(warehouse, unfit):
    warehouse.know("ann")
    warehouse.sell(("ann", "tent", "2024-05-10"))
    week = warehouse.run(0)[0]
    warehouse.add(unfit[0], [unfit[1]])
    assert missed(warehouse, week).keys() == {"nothing_unfit"}


def test_no_history_is_no_list_and_a_sentence():
    warehouse = Warehouse()
    week = warehouse.run(0)[0]
    assert warehouse.rows() == {RECOMMENDATIONS: [], QUALITY: []}
    told = {finding.check: finding for finding in findings(warehouse.execute, week)}
    assert all(finding.passed for finding in told.values())
    assert told["buyers_have_lists"].text == "nobody has bought yet"
    assert told["beats_popularity"].text == "nothing was recommended a week ago"


def test_one_customer_and_one_product(warehouse):
    warehouse = Warehouse()
    warehouse.know("ann")
    warehouse.popular(0, {"tent": 1})
    warehouse.popular(1, {"tent": 1})
    warehouse.sell(("ann", "tent", "2024-05-10"))
    week = warehouse.run(0, 1)[1]
    assert warehouse.told("ann", BUY_AGAIN) == ["tent"]
    assert warehouse.told("ann", NEW) == []
    assert record(warehouse, 1) == {}
    assert missed(warehouse, week) == {}


def test_a_gap_of_a_year_ranks_by_what_was_bought_before_it(warehouse):
    warehouse.popular(60, dict.fromkeys(FEW, 0))
    warehouse.know("ann")
    warehouse.sell(("ann", "tent", "2024-05-10"))
    warehouse.run(60)
    assert warehouse.told("ann", BUY_AGAIN, week=60) == ["tent"]
    columns = "product_key, reason"
    assert warehouse.told("ann", NEW, week=60, columns=columns)[0] == (
        "lamp",
        "among the most bought of the last two years",
    )
