"""What a purchase brings: against an integral, Bayes by hand, and planted margins."""

from dataclasses import astuple

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import check_grad
from scipy.stats import gamma as gamma_of

from retail_assets.lifetime_value import gamma_gamma
from retail_assets.lifetime_value.gamma_gamma import Spending
from retail_assets_tests.lifetime_value.planted import MARGINS

# Those of the CDNOW customers in Fader and Hardie's note, rounded.
PUBLISHED = Spending(p=6.25, q=3.74, v=15.44)


def drawn(customers, seed):
    draws = np.random.default_rng(seed)
    purchases = 1 + draws.poisson(2, customers)
    scale = draws.gamma(MARGINS.q, 1 / MARGINS.v, customers)
    return purchases, draws.gamma(MARGINS.p * purchases, 1 / (scale * purchases))


@pytest.mark.parametrize(("purchases", "mean"), [(1, 20.0), (3, 35.0), (12, 90.0)])
def test_the_likelihood_is_the_integral_over_scales(purchases, mean):
    expected, _ = quad(
        lambda scale: (
            gamma_of.pdf(mean, PUBLISHED.p * purchases, scale=1 / (scale * purchases))
            * gamma_of.pdf(scale, PUBLISHED.q, scale=1 / PUBLISHED.v)
        ),
        0, 5, epsrel=1e-10, points=[0.05, 0.2, 0.5],
    )  # fmt: skip
    found = gamma_gamma.log_likelihood(PUBLISHED, np.array([purchases]), np.array([mean]))
    assert np.exp(found) == pytest.approx(expected, rel=1e-6)


def test_the_expected_mean_by_bayes():
    """The mean of p / scale, by what three purchases of 35 say of the scale; without any, the prior's."""

    def weight(scale):
        return gamma_of.pdf(35.0, PUBLISHED.p * 3, scale=1 / (scale * 3)) * gamma_of.pdf(
            scale, PUBLISHED.q, scale=1 / PUBLISHED.v
        )

    top, _ = quad(lambda scale: PUBLISHED.p / scale * weight(scale), 1e-6, 5, points=[0.1, 0.3])
    bottom, _ = quad(weight, 1e-6, 5, points=[0.1, 0.3])
    found = gamma_gamma.expected_mean(PUBLISHED, np.array([0.0, 3.0]), np.array([0.0, 105.0]))
    assert found[1] == pytest.approx(top / bottom, rel=1e-6)
    assert found[0] == PUBLISHED.mean == pytest.approx(6.25 * 15.44 / 2.74)


def test_gradients_are_those_of_the_likelihood():
    purchases, means = drawn(300, 1)
    objective = gamma_gamma._objective(purchases.astype(float), means)
    for logs in np.log([(6.0, 3.0, 15.0), (0.5, 0.5, 2.0)]):
        error = check_grad(lambda at: objective(at)[0], lambda at: objective(at)[1], logs)
        assert error < 1e-5


def test_margins_are_found_again():
    found = gamma_gamma.fit(*drawn(400_000, 8))
    assert astuple(found) == pytest.approx(astuple(MARGINS), rel=0.02)


def test_the_currency_does_not_matter():
    purchases, means = drawn(5_000, 3)
    there, here = gamma_gamma.fit(purchases, means), gamma_gamma.fit(purchases, means * 1000)
    assert (here.p, here.q, here.v) == pytest.approx((there.p, there.q, there.v * 1000), rel=1e-5)


def test_one_price_for_everybody_is_everybodys_mean():
    found = gamma_gamma.fit(np.full(50, 2), np.full(50, 25.0))
    assert gamma_gamma.expected_mean(found, np.array([0.0, 9.0]), np.array([0.0, 225.0])) == pytest.approx(
        [25, 25], rel=1e-3
    )


def test_correlation():
    assert gamma_gamma.correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])) == pytest.approx(
        1
    )
    assert gamma_gamma.correlation(np.array([1.0, 1.0]), np.array([10.0, 20.0])) == 0
