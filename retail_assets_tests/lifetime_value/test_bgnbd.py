"""How often customers buy again: against integrals, sums over the distribution, and planted habits."""

from dataclasses import astuple

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import check_grad
from scipy.stats import beta as beta_of
from scipy.stats import gamma as gamma_of

from retail_assets.lifetime_value import bgnbd
from retail_assets.lifetime_value.bgnbd import Counts, Purchasing
from retail_assets_tests.lifetime_value.planted import HABITS, counts, lives

# Those of the CDNOW customers in the paper, rounded.
PUBLISHED = Purchasing(r=0.243, alpha=4.414, a=0.793, b=2.426)
CASES = [
    (0, 0.0, 30.0),
    (0, 0.0, 0.14),
    (1, 2.0, 38.0),
    (2, 30.43, 38.86),
    (7, 38.0, 39.0),
    (29, 100.0, 104.0),
]


def one(frequency, recency, age):
    return Counts(*(np.array([each], dtype=np.float64) for each in (frequency, recency, age, 1)))


def test_the_papers_example():
    """Customer 0001 of CDNOW, x = 2, t_x = 30.43, T = 38.86: 1.226 purchases in the next 39 weeks."""
    assert bgnbd.expected_purchases(PUBLISHED, one(2, 30.43, 38.86), 39)[0] == pytest.approx(1.226, abs=5e-4)


@pytest.mark.parametrize(("frequency", "recency", "age"), CASES)
def test_the_likelihood_is_the_integral_over_rates_and_dropouts(frequency, recency, age):
    """Equation 3 for one customer, averaged over who customers are: rates and dropouts are independent."""
    habits = Purchasing(r=1.3, alpha=4.0, a=1.2, b=2.5)

    def over_rates(time):
        density = gamma_of(habits.r, scale=1 / habits.alpha).pdf
        peak = (habits.r + frequency) / (habits.alpha + time)
        return quad(
            lambda rate: rate**frequency * np.exp(-rate * time) * density(rate),
            0, 20 * peak, epsabs=0, epsrel=1e-9, points=[peak / 2, peak, 2 * peak],
        )[0]  # fmt: skip

    def over_dropouts(stopped, going):
        density = beta_of(habits.a, habits.b).pdf
        return quad(lambda stop: stop**stopped * (1 - stop) ** going * density(stop), 0, 1)[0]

    expected = over_rates(age) * over_dropouts(0, frequency)
    if frequency:
        expected += over_rates(recency) * over_dropouts(1, frequency - 1)
    found = bgnbd.log_likelihood(habits, one(frequency, recency, age))
    assert np.exp(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("frequency", "recency", "age"), CASES)
@pytest.mark.parametrize("weeks", [4, 52])
def test_the_expectation_is_the_integral_over_time(frequency, recency, age, weeks):
    """Of who is alive: the rate of purchases in each moment ahead, averaged over what was learned of them."""
    habits = Purchasing(r=0.5, alpha=6.0, a=1.7, b=2.2)
    shape, scale, stop_b = habits.r + frequency, habits.alpha + age, habits.b + frequency

    def at(time):
        # Purchases at a rate, each the last one with probability p, go on until t with exp(-rate p t).
        return quad(
            lambda stop: (
                beta_of.pdf(stop, habits.a, stop_b)
                * shape * scale**shape / (scale + stop * time) ** (shape + 1)
            ),
            0, 1, epsrel=1e-10,
        )[0]  # fmt: skip

    alive = bgnbd.alive_probability(habits, one(frequency, recency, age))[0]
    found = bgnbd.expected_purchases(habits, one(frequency, recency, age), weeks)[0]
    assert found == pytest.approx(alive * quad(at, 0, weeks, epsrel=1e-9)[0], rel=1e-6)


def test_alive_by_bayes():
    """By hand: who has bought once more, last in week 2 of 4; r = alpha = a = b = 1."""
    simple = Purchasing(1, 1, 1, 1)
    # Alive: E[rate exp(-4 rate)] E[1 - p] = 1/25 * 1/2; gone: E[rate exp(-2 rate)] E[p] = 1/9 * 1/2.
    assert bgnbd.alive_probability(simple, one(1, 2, 4))[0] == pytest.approx((1 / 50) / (1 / 50 + 1 / 18))
    assert bgnbd.alive_probability(simple, one(0, 0, 4))[0] == 1


def test_gradients_are_those_of_the_likelihood():
    objective = bgnbd._objective(counts(lives(200, 700, 5), 700))
    for logs in np.log([astuple(PUBLISHED), (2.0, 9.0, 0.2, 0.3)]):
        error = check_grad(lambda at: objective(at)[0], lambda at: objective(at)[1], logs)
        assert error < 1e-5


def test_habits_are_found_again():
    """Of who buys every third week, so that enough is seen of when they stop."""
    habits = Purchasing(r=2.0, alpha=6.0, a=1.2, b=4.0)
    found = bgnbd.fit(counts(lives(400_000, 7 * 156, 11, habits), 7 * 156))
    assert astuple(found) == pytest.approx(astuple(habits), rel=0.02)


def test_grouped_customers_are_as_each_by_themselves():
    each = Counts(*(np.array(column, dtype=np.float64) for column in zip(*[(1, 2, 4, 1)] * 3, strict=True)))
    together = Counts(*(np.array([value], dtype=np.float64) for value in (1, 2, 4, 3)))
    assert bgnbd.log_likelihood(PUBLISHED, each) == pytest.approx(bgnbd.log_likelihood(PUBLISHED, together))


def test_the_order_of_customers_does_not_matter():
    some = counts(lives(2_000, 700, 3), 700)
    rounded = Counts(*(np.round(each) for each in astuple(some)))
    order = np.random.default_rng(1).permutation(len(rounded.age))
    other = Counts(*(each[order] for each in astuple(rounded)))
    assert astuple(bgnbd.fit(other)) == pytest.approx(astuple(bgnbd.fit(rounded)), rel=1e-5)


@pytest.mark.parametrize("weeks", [4, 13, 52])
def test_the_interval_holds_as_often_as_it_says(weeks):
    """Over newly drawn customers: at least 80% within, and no end can be moved inwards."""
    history, length = 7 * 104, 7 * 104 + 7 * weeks
    purchases = lives(40_000, length, 21)
    before = purchases[purchases["at"] < history]
    ahead = purchases[purchases["at"] >= history].groupby("customer").size()
    known = before.customer.unique()
    happened = ahead.reindex(np.sort(known)).fillna(0).to_numpy()
    triples = counts(before, history)
    found = bgnbd.outlook(HABITS, triples, weeks, 0.8)
    assert ((happened >= found.low) & (happened <= found.high)).mean() >= 0.8
    # Where most buy, the discrete steps are small, and the interval may not be idle.
    busy = found.low > 0
    assert 0.8 <= ((happened >= found.low) & (happened <= found.high))[busy].mean() <= 0.9 or busy.sum() < 200
    assert (happened > 0).mean() == pytest.approx(found.any.mean(), rel=0.03)
    expected = bgnbd.expected_purchases(HABITS, triples, weeks)
    assert happened.sum() == pytest.approx(expected.sum(), rel=0.03)


def test_extremes_are_finite_and_in_order():
    draws = np.random.default_rng(2)
    frequency = np.array([0, 0, 1, 40, 700, 1000])
    age = np.array([1 / 7, 900, 900, 900, 101, 900.0])
    triples = Counts(frequency, np.where(frequency > 0, age - 0.1, 0), age, np.ones(6))
    for logs in draws.uniform([-5, -3, -5, -5], [4, 5, 4, 5], (100, 4)):
        habits = Purchasing(*(float(each) for each in np.exp(logs)))
        expected = [bgnbd.expected_purchases(habits, triples, weeks) for weeks in (4, 13, 52)]
        assert np.isfinite(expected).all()
        assert (np.diff(expected, axis=0) >= -1e-9).all()
        assert (np.array(expected) >= 0).all()


def test_at_one_the_expectation_has_its_limit():
    """a = 1 divides by 0 as the formula is printed."""
    near = [
        bgnbd.expected_purchases(Purchasing(0.5, 6, a, 2.2), one(3, 10, 20), 13)[0]
        for a in (1 - 1e-5, 1, 1 + 1e-5)
    ]
    assert near[1] == pytest.approx((near[0] + near[2]) / 2, rel=1e-4)
