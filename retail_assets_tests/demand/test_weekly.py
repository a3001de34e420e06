"""Weeks of forecasts in a warehouse whose rows are written here: values by hand, laws, bad input."""

import json
from decimal import Decimal

import numpy as np
import pytest

from retail_assets.demand import weekly
from retail_assets.demand.catalog import ACCURACY, CHECKS, EVERYTHING, FORECASTS, MODELS, REPLAY, table
from retail_assets.demand.checks import findings
from retail_assets_tests.demand.planted import Warehouse
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.planted import NOWHERE, day


@pytest.fixture
def warehouse():
    return Warehouse()


def models(warehouse, week=0):
    return {
        category: (method, better, reason)
        for category, method, better, reason in warehouse.execute(
            "select category, method, beats_seasonal_naive, reason"
            f" from {table(MODELS)} where week_start = '{day(week)}'"
        )
    }


def test_the_level_is_a_weighted_mean_that_begins_with_the_category(warehouse):
    """Weeks of 10 and 4 pieces. By 0.15: (4 + 0.85 * 10 + b * c) / (1 + 0.85 + b), where b is half a week
    times 0.85 ** 2 and c the category's own (4 + 0.85 * 10) / 1.85: all of them 12.5 / 1.85."""
    warehouse.leave("tent", [10, 4])
    warehouse.list_series(0, {"tent": -1})
    week = warehouse.run(0)[0]
    columns = (
        "weeks_ahead, cast(target_week as varchar), expected_quantity, seasonal_naive, naive_error, method"
    )
    rows = warehouse.told("tent", columns)
    level = round(12.5 / 1.85, 6)
    assert rows == [(ahead, day(ahead), level, 4.0, 6.0, "smoothing 0.15") for ahead in range(1, 14)]
    assert warehouse.missed(week) == {}


def test_a_new_product_is_drawn_to_its_category(warehouse):
    """Nine products sell ten a week for long; one has had a single week, of nothing."""
    old = {f"p{number}": -30 for number in range(9)}
    for product in old:
        warehouse.leave(product, [10] * 31)
    warehouse.leave("new", [0])
    warehouse.list_series(0, {**old, "new": 0})
    warehouse.run(0)
    ((found, *_),) = warehouse.told("new", "expected_quantity")[:1]
    assert 1 < found < 5
    assert warehouse.told("p0", "expected_quantity")[0] == pytest.approx((10,), rel=0.02)


def test_days_without_stock_are_missing_and_not_zero(warehouse):
    """Seven pieces a week, but in one week two days counted, with two pieces, and in another none did."""
    warehouse.leave("tent", [7] * 10, last=-2)
    warehouse.leave("tent", [2], last=-1, days=2)
    warehouse.leave("tent", [0], last=0, days=0)
    warehouse.list_series(0, {"tent": -11})
    warehouse.run(0)
    assert set(warehouse.told("tent", "expected_quantity")) == {(7.0,)}


def test_where_levels_are_not_known_a_week_without_a_row_is_one_of_nothing(warehouse):
    """The lamp has movements in every second week alone; in week -3 the center reported nothing at all."""
    warehouse.leave("lamp", [8, None, 8, None, 8, None, 8, None, None, None, 8], levels=0, days=1)
    warehouse.leave("mug", [1] * 7 + [None] + [1] * 3, levels=0, days=1)
    warehouse.list_series(0, {"lamp": -10, "mug": -10})
    warehouse.run(0)
    known = [8, 0, 8, 0, 8, 0, 8, None, 0, 0, 8]
    weights = [(0.85 ** (10 - place), pieces) for place, pieces in enumerate(known) if pieces is not None]
    mean = sum(weight * pieces for weight, pieces in weights) / sum(weight for weight, _ in weights)
    ((found, naive), *_) = warehouse.told("lamp", "expected_quantity, seasonal_naive")
    # The category's level, of both products, weighs little by now.
    assert found == pytest.approx(mean, rel=0.03)
    assert naive == 8


def test_what_no_inventory_knows_is_forecast_by_its_sales(warehouse):
    warehouse.add(
        "wh_fact_product_days",
        [(day(-week, weekday), "tent", 2) for week in range(5) for weekday in (1, 3)]
        + [(day(1), "tent", 90)],
    )
    warehouse.list_series(0, {"tent": -4}, place=NOWHERE)
    warehouse.run(0)
    assert set(warehouse.told("tent", "expected_quantity", place=NOWHERE)) == {(4.0,)}


def test_seasonal_naive_is_the_week_a_year_before_or_the_last_known_before_that(warehouse):
    """Of the weeks a year before, number 3 is missing."""
    pieces: list[float | None] = [float(number) for number in range(60)]
    pieces[8 + 3 - 1] = None
    warehouse.leave("tent", pieces)
    warehouse.list_series(0, {"tent": -59})
    warehouse.run(0)
    assert warehouse.told("tent", "seasonal_naive")[:4] == [(8.0,), (9.0,), (9.0,), (11.0,)]


def test_a_season_is_found_and_is_better_than_the_week_a_year_before(warehouse):
    """Twenty products with a wave over the year, and chance about it."""
    draws = np.random.default_rng(5)
    weeks = 121
    wave = 1 + 0.8 * np.sin(2 * np.pi * np.arange(weeks + 13) / 52)
    products = {f"p{number:02}": 10 + number for number in range(20)}
    for product, size in products.items():
        warehouse.leave(product, draws.poisson(size * wave[:weeks]).tolist())
    warehouse.list_series(0, dict.fromkeys(products, 1 - weeks))
    warehouse.run(0)
    ((method, better, reason),) = models(warehouse).values()
    assert method.startswith("seasonal smoothing")
    assert better
    assert reason.startswith("Better than seasonal naive in ")
    expected, naive = (
        sum(
            abs(float(value) - size * wave[weeks + ahead])
            for product, size in products.items()
            for ahead, (value,) in enumerate(warehouse.told(product, column))
        )
        for column in ("expected_quantity", "seasonal_naive")
    )
    assert expected < 0.6 * naive


def test_where_seasonal_naive_is_best_it_is_used_and_said(warehouse):
    """Every week is as it was a year before, and like none of its neighbours."""
    draws = np.random.default_rng(6)
    for number in range(6):
        year = draws.integers(0, 60, 52).tolist()
        warehouse.leave(f"p{number}", (year * 3)[:121])
    warehouse.list_series(0, {f"p{number}": -120 for number in range(6)})
    warehouse.run(0)
    ((method, better, reason),) = models(warehouse).values()
    assert (method, better) == ("seasonal naive", False)
    assert reason.startswith("Seasonal naive, which nothing was better than")
    assert all(row[0] == row[1] for row in warehouse.told("p0", "expected_quantity, seasonal_naive"))


def test_quantiles_cover_what_they_say(warehouse):
    """Of 80 products with negative binomial weeks, the 13 weeks after."""
    draws = np.random.default_rng(7)
    products = {f"p{number:02}": 0.3 * 1.06**number for number in range(80)}
    size, weeks = 3.0, 70
    for product, mean in products.items():
        pieces = draws.negative_binomial(size, size / (size + mean), weeks + 13)
        warehouse.leave(product, pieces.tolist(), last=13)
    warehouse.list_series(0, dict.fromkeys(products, 1 - weeks))
    warehouse.run(0)
    shares = ", ".join(
        f"count(case when quantity_counted {sign} quantile_{each} then 1 end)"
        for each in (50, 90, 95)
        for sign in ("<", "<=")
    )
    ((count, *shares_),) = warehouse.execute(
        f"select count(*), {shares} from {table(FORECASTS)} as forecasts"
        " inner join warehouse.wh_fact_demand_weeks as happened"
        " on forecasts.product_key = happened.product_key and forecasts.target_week = happened.week_start"
    )
    assert count == 80 * 13
    for level, below, covered in zip((0.5, 0.9, 0.95), shares_[::2], shares_[1::2], strict=True):
        assert below / count < level + 0.02
        assert covered / count > level - 0.02


def test_the_record_is_what_was_forecast_against_what_left(warehouse):
    """Week 1 had six days with stock, with 3 pieces, where 7 had been forecast: 6 on six days.

    The lamp had 7 of 7, as forecast. Errors 3 and 0 of 10 pieces; nothing had differed from week to week.
    """
    for product in ("tent", "lamp"):
        warehouse.leave(product, [7] * 5)
    warehouse.leave("tent", [3], last=1, days=6)
    warehouse.leave("lamp", [7], last=1)
    for week in (0, 1):
        warehouse.list_series(week, {"tent": -4, "lamp": -4})
    week = warehouse.run(0, 1)[1]
    columns = (
        "category, weeks_ahead, cast(predicted_week as varchar), series, quantity, expected_quantity, wape,"
        " bias, mase, whole_weeks, covered_50, below_50, naive_wape, beats_seasonal_naive, verdict"
    )
    same = (1, day(0), 2, 10, 13, Decimal("0.3"), Decimal("0.3"), None, 1, 1, 0, Decimal("0.3"), False)
    said = "As good as seasonal naive: WAPE 0.300 against 0.300."
    rows = list(warehouse.execute(f"select {columns} from {table(ACCURACY)} order by 1"))
    # Pooled with a spread of 0.2 the median of 7 is 6: the lamp had more.
    assert [(*row[:10], *row[12:]) for row in rows] == [
        (name, *same[:9], *same[11:], said) for name in (EVERYTHING, "things")
    ]
    assert warehouse.missed(week) == {}


def planted(warehouse, seed=3):
    """Three categories of chance with gaps, and the weeks after."""
    draws = np.random.default_rng(seed)
    for category in ("garden", "kitchen", "travel"):
        names = [f"{category}{each}" for each in range(4)]
        for each, name in enumerate(names):
            pieces = draws.poisson(2 + 3 * each, 40).tolist()
            warehouse.leave(name, [None if draws.random() < 0.05 else piece for piece in pieces], last=3)
        for week in range(4):
            warehouse.list_series(week, dict.fromkeys(names, -36), category)


def test_weeks_give_the_same_rows_in_any_order_and_twice(warehouse):
    planted(warehouse)
    warehouse.run(0, 1, 2, 3)
    before = warehouse.rows()
    # Three forecasts of week 3, two of week 2, one of week 1, of three categories and all.
    assert len(before[ACCURACY]) == 6 * 4
    for order in ((3, 1, 0, 2), (2,)):
        warehouse.run(*order)
        assert warehouse.rows() == before
    for name in before:
        warehouse.execute(f"delete from {table(name)}")
    # Where rows lie says nothing.
    lying = "warehouse.wh_fact_demand_weeks"
    warehouse.execute(
        f"create or replace table {lying} as select * from {lying} order by hash(product_key), 1"
    )
    warehouse.run(3, 2, 1, 0)
    assert warehouse.rows() == before


def test_what_comes_later_does_not_show(warehouse):
    planted(warehouse)
    warehouse.run(0)
    before = warehouse.rows()[FORECASTS]
    assert len(before) == 12 * 13
    warehouse.execute(f"delete from warehouse.wh_fact_demand_weeks where week_start > '{day(0)}'")
    warehouse.execute(f"delete from mart_demand.demand_series where week_start > '{day(0)}'")
    warehouse.run(0)
    assert warehouse.rows()[FORECASTS] == before


STEPS = ("insert_forecasts", "insert_accuracy")


@fault(
    Area.BUILDING,
    "A week of forecasts fails between its tables",
    "The week is as it was before.",
    times=len(STEPS),
)
def test_a_crash_leaves_the_week_as_it_was(warehouse, monkeypatch):
    planted(warehouse)
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
            "delete from {forecasts} where weeks_ahead = 5 and product_key = 'tent'",
            "every_series_is_forecast",
        ),
        (
            "insert into {forecasts} select * from {forecasts} where week_start = '2024-05-06' limit 1",
            "every_series_is_forecast",
        ),
        ("update {forecasts} set product_key = 'nothing'", "every_series_is_forecast"),
        ("update {forecasts} set quantile_90 = quantile_95 + 1", "forecasts_are_sound"),
        ("update {forecasts} set expected_quantity = -1", "forecasts_are_sound"),
        ("update {models} set reason = ''", "methods_are_told"),
        (
            "update {accuracy} set wape = 3, naive_wape = 2, series = 30 where weeks_ahead = 1",
            "beats_seasonal_naive",
        ),
        ("update {accuracy} set covered_90 = 0.5, whole_weeks = 1000", "quantiles_cover"),
        ("update {accuracy} set below_50 = 0.9, whole_weeks = 1000", "quantiles_cover"),
    ],
)
def test_spoiled_rows_are_found(warehouse, spoil, expected):
    warehouse.leave("tent", [5, 6, 7, 8, 9])
    warehouse.list_series(-1, {"tent": -4})
    warehouse.list_series(0, {"tent": -4})
    week = warehouse.run(-1, 0)[1]
    assert {each.check for each in findings(warehouse.execute, week)} == CHECKS.keys()
    assert warehouse.missed(week) == {}
    warehouse.execute(
        spoil.format(forecasts=table(FORECASTS), models=table(MODELS), accuracy=table(ACCURACY))
    )
    assert expected in warehouse.missed(week)


def test_no_history_is_no_forecast_and_a_sentence(warehouse):
    week = warehouse.run(0)[0]
    assert warehouse.rows() == {FORECASTS: [], MODELS: [], ACCURACY: [], REPLAY: []}
    told = {finding.check: finding for finding in findings(warehouse.execute, week)}
    assert all(finding.passed for finding in told.values())
    assert told["methods_are_told"].text == "there is nothing to forecast yet"
    assert told["beats_seasonal_naive"].text == "no forecast is a week old yet"


def test_what_never_had_stock_has_no_forecast_and_a_sentence(warehouse):
    warehouse.leave("tent", [0, 0], days=0)
    warehouse.list_series(0, {"tent": -1})
    week = warehouse.run(0)[0]
    assert warehouse.told("tent", "weeks_ahead") == []
    told = {finding.check: finding.text for finding in findings(warehouse.execute, week)}
    assert "1 have none, because no day with stock is known" in told["every_series_is_forecast"]


def test_a_product_that_never_sells_is_expected_to_sell_nothing(warehouse):
    warehouse.leave("tent", [0] * 60)
    warehouse.list_series(0, {"tent": -59})
    week = warehouse.run(0)[0]
    assert {*warehouse.told("tent", "expected_quantity, quantile_50, quantile_95")} == {(0, 0, 0)}
    assert warehouse.missed(week) == {}


def test_a_shop_three_weeks_old_says_that_its_past_is_too_short(warehouse):
    warehouse.leave("tent", [3, 0, 4])
    warehouse.list_series(0, {"tent": -2})
    week = warehouse.run(0)[0]
    ((method, better, reason),) = models(warehouse).values()
    assert (method, better) == ("smoothing 0.15", None)
    assert "because the past is too short to choose: 0 weeks of products" in reason
    assert warehouse.missed(week) == {}


def test_a_gap_of_a_year_is_no_year_of_nothing(warehouse):
    warehouse.leave("tent", [10] * 20 + [None] * 52 + [10] * 3)
    warehouse.list_series(0, {"tent": -74})
    week = warehouse.run(0)[0]
    assert {*warehouse.told("tent", "expected_quantity")} == {(10.0,)}
    assert warehouse.missed(week) == {}


def test_parameters_are_stored_with_fingerprint_and_versions(warehouse):
    planted(warehouse)
    warehouse.run(3)
    texts = [text for (text,) in warehouse.execute(f"select model from {table(MODELS)} order by category")]
    facts = [json.loads(text) for text in texts]
    assert len({each["fingerprint"] for each in facts}) == 3
    assert all({"numpy", "python", "scikit-learn", "scipy"} == each["libraries"].keys() for each in facts)
    assert all(len(each["spreads"]) == 3 for each in facts)
