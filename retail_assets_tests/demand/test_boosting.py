"""Boosting in a week of forecasts: when it is tried, when it is chosen, and that it comes out the same."""

import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from retail_assets.demand.boosting import Panel, Settings, fit
from retail_assets.demand.catalog import FORECASTS, MODELS, table
from retail_assets_tests.demand.planted import Warehouse
from retail_assets_tests.planted import day

PRODUCTS, WEEKS, PERIOD = 45, 100, 3


def pieces(number: int, week: int) -> int:
    """Every third week five times the others, so that neither a level nor the year before tells it."""
    return (8 + number % 5) * (5 if (week + number) % PERIOD == 0 else 1)


@pytest.fixture(scope="module")
def paydays():
    """A warehouse with a week of forecasts, and weeks after it that are not to show."""
    warehouse = Warehouse()
    for number in range(PRODUCTS):
        warehouse.leave(f"p{number:02}", [pieces(number, week) for week in range(WEEKS)])
    warehouse.list_series(0, {f"p{number:02}": 1 - WEEKS for number in range(PRODUCTS)})
    warehouse.run(0)
    return warehouse


def test_boosting_is_chosen_where_it_is_better(paydays):
    """The mean of two small weeks and a large one is 76% off."""
    ((method, better, reason, model),) = paydays.execute(
        f"select method, beats_seasonal_naive, reason, model from {table(MODELS)}"
    )
    assert (method, better) == ("boosting", True)
    assert reason.startswith("Better than seasonal naive in ")
    facts = json.loads(model)
    assert facts["trials"]["boosting"]["settings"]["loss"] == "mean"
    assert len(facts["trials"]["boosting"]["forecasts"]) == 64
    off, all_ = 0.0, 0.0
    for number in range(PRODUCTS):
        for ahead, (told,) in enumerate(paydays.told(f"p{number:02}", "expected_quantity")):
            came = pieces(number, WEEKS + ahead)
            off, all_ = off + abs(told - came), all_ + came
    assert off < 0.4 * all_


def test_the_same_data_has_the_same_forecasts_whatever_threads_there_are_and_comes_later(paydays):
    before = paydays.rows()
    for number in range(PRODUCTS):
        paydays.leave(f"p{number:02}", [1_000], last=1)
    paydays.list_series(1, {"p00": -9})
    with threadpool_limits(2):
        paydays.run(0)
    assert paydays.rows() == before


def test_with_too_short_a_past_boosting_is_not_tried():
    warehouse = Warehouse()
    for number in range(30):
        warehouse.leave(f"p{number:02}", [pieces(number, week) for week in range(51)])
    warehouse.list_series(0, {f"p{number:02}": -50 for number in range(30)})
    week = warehouse.run(0)[0]
    ((method, model),) = warehouse.execute(f"select method, model from {table(MODELS)}")
    assert method != "boosting"
    tried = json.loads(model)["trials"]
    assert tried["boosting"] is None
    assert "boosting" not in tried["errors"]
    assert "seasonal naive" in tried["errors"]
    assert warehouse.missed(week) == {}
    ((forecasts,),) = warehouse.execute(
        f"select count(*) from {table(FORECASTS)} where week_start = '{day(0)}'"
    )
    assert forecasts == 30 * 13


def test_a_price_that_is_known_ahead_is_used():
    """In the week ahead half of the series are at half the price, at which they always sold four times."""
    draws = np.random.default_rng(4)
    cheap = draws.uniform(size=(120, 61)) < 0.2
    cheap[:60, 60], cheap[60:, 60] = True, False
    sold = draws.poisson(np.where(cheap, 40, 10)).astype(float)
    sold[:, 60] = np.nan
    nobody = np.zeros(120, int)
    panel = Panel(sold, {}, nobody, {}, {"price": np.where(cheap, 0.5, 1.0)})
    for loss in ("mean", "median"):
        model = fit(panel, 59, (1,), Settings(loss=loss))
        assert model
        told = model.predict(panel, 59, 1)
        assert told[:60].mean() == pytest.approx(40, rel=0.1)
        assert told[60:].mean() == pytest.approx(10, rel=0.1)
