"""Elasticities of planted demand, and what is said where prices tell nothing."""

import json

import numpy as np
import pytest

from retail_assets.prices import regression
from retail_assets.prices.catalog import MODELS, table
from retail_assets_tests.planted import day
from retail_assets_tests.prices.planted import Warehouse

WEEKS = 104


@pytest.fixture
def warehouse():
    return Warehouse()


def promotions(draws, weeks=WEEKS):
    """A price of 10 with a promotion of one to three weeks every two to five months."""
    price = np.full(weeks, 10.0)
    for begin in range(int(draws.integers(0, 8)), weeks, int(draws.integers(8, 20))):
        price[begin : begin + int(draws.integers(1, 4))] *= 1 - draws.choice([0.1, 0.15, 0.2, 0.3])
    return price


def season(weeks=WEEKS):
    return np.exp(0.3 * np.sin(2 * np.pi * np.arange(weeks) / 52))


def test_planted_elasticities_are_inside_their_intervals(warehouse):
    """150 products of their own elasticity, with a common season, shocks that last, and chance."""
    draws = np.random.default_rng(7)
    planted = {f"p{number:03}": draws.uniform(-4, -0.5) for number in range(150)}
    for product, elasticity in planted.items():
        price, shock = promotions(draws), np.zeros(WEEKS)
        for week in range(1, WEEKS):
            shock[week] = 0.5 * shock[week - 1] + draws.normal(0, 0.17)
        mean = draws.uniform(10, 60) * season() * np.exp(shock) * (price / 10) ** elasticity
        warehouse.sell(product, price, draws.poisson(mean))
    warehouse.know(**dict.fromkeys(planted, "things"))
    (week,) = warehouse.run(0)
    told = warehouse.told("elasticity, elasticity_low, elasticity_high", "status = 'estimated'")
    products = {name: values for name, values in told.items() if name in planted}
    assert len(products) > 130
    inside = [low <= planted[name] <= high for name, (_, low, high) in products.items()]
    assert np.mean(inside) >= 0.9
    # An interval that holds everything would be inside, too.
    assert np.median([high - low for _, low, high in products.values()]) < 2
    assert (
        np.corrcoef([planted[name] for name in products], [each for each, *_ in products.values()])[0, 1]
        > 0.8
    )
    assert warehouse.missed(week) == {}


def test_without_chance_the_elasticity_is_that_which_was_planted(warehouse):
    """Two products whose pieces are exactly 100 * season * (price / 10) ** -2."""
    for product, begin in {"a": 0, "b": 3}.items():
        price = np.full(WEEKS, 10.0)
        for week in range(begin, WEEKS, 9):
            price[week] = 8
        warehouse.sell(product, price, 100 * season() * (price / 10) ** -2.0)
    warehouse.know(a="things", b="things")
    warehouse.run(0)
    told = warehouse.told("elasticity, standard_error, price_min, price_max, distinct_prices, weeks", "true")
    # Pieces are stored with four digits.
    assert told["a"] == pytest.approx((-2, 0, 8, 10, 2, 104), abs=1e-4)
    assert told["b"] == pytest.approx((-2, 0, 8, 10, 2, 104), abs=1e-4)
    assert told["all"][:2] == pytest.approx((-2, 0), abs=1e-4)
    assert warehouse.told("explanation")["a"].startswith("At a price 10% lower, +23% pieces (+23% to +23%).")


def test_the_mean_of_two_slopes_by_hand():
    """Two series, three weeks, no week shared with a change: 4 and 2 are their own slopes, 3 that of both."""
    price = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    pieces = np.array([0.0, -4.0, 0.0, 0.0, 0.0, -2.0])
    week = np.array([0, 1, 2, 0, 1, 2])
    panel = regression.Panel(np.array([0, 0, 0, 1, 1, 1]), week, week, price, pieces)
    both, weeks, left = regression.pooled(panel)
    assert both.slope == pytest.approx([-3])
    assert left.sum() == pytest.approx(0)
    assert len(weeks) == 3


def test_what_prices_do_not_tell_is_said(warehouse):
    """Prices that never move or moved once, few weeks, few pieces, many gaps, and what only resellers buy."""
    draws = np.random.default_rng(3)
    flat, pieces = np.full(WEEKS, 10.0), np.full(WEEKS, 20)
    once = np.where(np.arange(WEEKS) < 50, 10.0, 11.0)
    warehouse.sell("moving", promotions(draws), pieces)
    warehouse.sell("constant", flat, pieces)
    warehouse.sell("nearly constant", flat * np.where(np.arange(WEEKS) % 2, 1.009, 1), pieces)
    warehouse.sell("one sale", np.where(np.arange(WEEKS) == 50, 8.0, 10.0), pieces)
    warehouse.sell("new", promotions(draws, 20), pieces[:20])
    warehouse.sell("dear", promotions(draws), np.full(WEEKS, 4))
    warehouse.sell("seldom", promotions(draws), np.where(np.arange(WEEKS) % 3, 20, 0))
    warehouse.sell("bulk", promotions(draws), pieces, channel="reseller")
    warehouse.sell("stepped", once, pieces)
    (week,) = warehouse.run(0)
    assert warehouse.told("status") == {
        "moving": "estimated",
        "constant": "price never moved",
        "nearly constant": "price never moved",
        "one sale": "price moved too seldom",
        "new": "too few sales",
        "dear": "too few sales",
        "seldom": "too few sales",
        "bulk": "resellers only",
        "stepped": "price moved too seldom",
    }
    estimates = warehouse.told("elasticity", "status <> 'estimated'")
    assert set(estimates.values()) == {None}
    assert warehouse.missed(week) == {}


def test_a_year_without_sales_is_a_gap_and_not_zero(warehouse):
    """What is sold half a year, not for a year, and half a year again."""
    draws = np.random.default_rng(4)
    open_ = (np.arange(WEEKS) < 30) | (np.arange(WEEKS) >= 82)
    for product, when in {"seasonal": open_, "always": np.full(WEEKS, True)}.items():
        price = promotions(draws)
        warehouse.sell(product, price, np.where(when, 100 * season() * (price / 10) ** -2.0, 0))
    warehouse.run(0)
    assert warehouse.told("status, weeks") == {"seasonal": ("estimated", 52), "always": ("estimated", 104)}
    assert warehouse.told("elasticity")["seasonal"] == pytest.approx(-2, abs=1e-4)


def test_one_product_has_nothing_to_be_held_against(warehouse):
    warehouse.sell("only", promotions(np.random.default_rng(5)), np.full(WEEKS, 20))
    (week,) = warehouse.run(0)
    assert warehouse.told("status", "true") == {
        "only": "nothing to compare with",
        "unknown": "nothing to compare with",
        "all": "nothing to compare with",
    }
    assert warehouse.missed(week) == {}


def test_nothing_sold_is_no_row_but_that_of_the_settings(warehouse):
    (week,) = warehouse.run(0)
    assert {name: len(rows) for name, rows in warehouse.rows().items() if rows} == {MODELS: 1}
    assert warehouse.missed(week) == {}


def test_credits_and_unknown_products_are_none_of_it(warehouse):
    warehouse.add(
        "wh_fact_product_days",
        [
            (day(0), "webshop", None, None, product, None, False, quantity, amount, 0, None)
            for product, quantity, amount in (("mug", -1, -5), ("pan", 1, 0), ("0" * 32, 5, 50))
        ],
    )
    warehouse.run(0)
    assert warehouse.told("status", "true") == {}


def test_weeks_are_the_same_in_any_order_and_do_not_see_what_comes_later(warehouse):
    draws = np.random.default_rng(6)
    for product in "abcd":
        price = promotions(draws)
        warehouse.sell(product, price, draws.poisson(30 * (price / 10) ** -2.0) + 1)
    warehouse.run(-1, 0)
    made = warehouse.rows()
    warehouse.run(0, -1, -1)
    assert warehouse.rows() == made
    for product in "abcd":
        warehouse.sell(product, [3.0], [500], last=1)
    warehouse.run(0)
    assert warehouse.rows() == made
    models = [
        json.loads(text) for _, text in warehouse.execute(f"select week_start, model from {table(MODELS)}")
    ]
    assert len({each["fingerprint"] for each in models}) == 2
