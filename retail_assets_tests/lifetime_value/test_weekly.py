"""Weeks of lifetime values in a warehouse of planted customers: laws, record, and bad input."""

import json

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from retail_assets.lifetime_value import bgnbd, gamma_gamma, weekly
from retail_assets.lifetime_value.assets import PURCHASES, lifetime_value_assets
from retail_assets.lifetime_value.catalog import CALIBRATION, CHECKS, HORIZONS, MODELS, VALUES, table
from retail_assets.lifetime_value.checks import findings
from retail_assets.lifetime_value.model import parameters_of
from retail_assets.settings import Settings
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.lifetime_value.planted import Cohort, Warehouse, lives, monday

LAST = 119
DAYS = 7 * (LAST + 1)


def shops():
    """Persons of two channels, one of them too small for parameters of its own, and a few resellers."""
    return [
        Cohort(lives(2_500, DAYS, 1)),
        Cohort(lives(90, DAYS, 2), channel="webshop"),
        Cohort(lives(40, DAYS, 3), population="reseller", channel="reseller"),
    ]


@pytest.fixture(scope="module")
def warehouse():
    warehouse = Warehouse(shops())
    warehouse.add(93, 106, LAST)
    warehouse.weeks = warehouse.run(93, 106, LAST)
    return warehouse


def missed(warehouse, week):
    found = list(findings(warehouse.execute, week, "purchases"))
    assert {finding.check for finding in found} == CHECKS.keys()
    return {finding.check: finding.text for finding in found if not finding.passed}


def test_all_checks_pass_on_customers_as_the_model_has_them(warehouse):
    assert [missed(warehouse, week) for week in warehouse.weeks] == [{}, {}, {}]


def test_each_customers_figures_are_those_of_the_stored_parameters(warehouse):
    """What the stored text alone computes is what the table has, to the last digit."""
    (text,) = warehouse.one(
        f"select model from {table(MODELS)} where week_start = '{monday(LAST)}'"
        " and population = 'person' and cohort = 'online'"
    )
    purchasing, spending = parameters_of(text)
    assert purchasing is not None
    assert spending is not None
    rows = np.array(
        warehouse.execute(
            "select p.purchases - 1, p.first_to_last_days, p.age_days, p.later_purchases_of_known_margin,"
            " cast(coalesce(p.later_margin, 0) as double), cast(alive_probability as double),"
            " cast(purchase_probability_52_weeks as double), cast(expected_margin_per_order as double),"
            " cast(expected_orders_52_weeks as double), orders_low_52_weeks, orders_high_52_weeks,"
            " cast(expected_margin_52_weeks as double)"
            f" from purchases as p inner join {table(VALUES)} as v using (week_start, consumer_key)"
            f" where week_start = '{monday(LAST)}' and v.population = 'person' and cohort = 'online'"
            " order by consumer_key limit 500"
        )
    ).T
    counts = bgnbd.Counts(rows[0], rows[1] / 7, rows[2] / 7, np.ones(len(rows[0])))
    outlook = bgnbd.outlook(purchasing, counts, 52, 0.8)
    each = gamma_gamma.expected_mean(spending, rows[3], rows[4])
    expected = bgnbd.expected_purchases(purchasing, counts, 52)
    computed = [bgnbd.alive_probability(purchasing, counts), outlook.any, each, expected]
    assert np.abs(rows[5:9] - computed).max() <= 0.6e-6
    assert (rows[9] == outlook.low).all()
    assert (rows[10] == outlook.high).all()
    assert rows[11] == pytest.approx(expected * each, rel=1e-4, abs=1e-3)


def test_a_small_cohort_has_the_parameters_of_its_population_and_resellers_stand_apart(warehouse):
    rows = warehouse.execute(
        "select population, cohort, purchases_from, margins_from, reason"
        f" from {table(MODELS)} where week_start = '{monday(LAST)}' order by population, cohort"
    )
    assert rows == [
        ("person", "all", "all", "all", None),
        ("person", "online", "online", "online", None),
        ("person", "webshop", "all", "webshop", "Only 90 have bought; it takes 100."),
        ("reseller", "reseller", None, None, rows[3][4]),
    ]
    assert "Only 40 have bought; it takes 100." in rows[3][4]
    assert warehouse.execute(
        f"select population, count(*), count(expected_orders_13_weeks), count(distinct churn_risk)"
        f" from {table(VALUES)} where week_start = '{monday(LAST)}' group by population order by population"
    ) == [("person", 2590, 2590, 3), ("reseller", 40, 0, 1)]


def test_who_has_bought_once_has_the_prior_of_the_cohort(warehouse):
    week = warehouse.weeks[-1]
    means = {cohort: round(week.spending(("person", cohort)).mean, 6) for cohort in ("online", "webshop")}
    assert means["online"] != means["webshop"]
    found = dict(
        warehouse.execute(
            f"select distinct cohort, cast(expected_margin_per_order as double) from {table(VALUES)}"
            f" where week_start = '{monday(LAST)}' and orders = 1 and population = 'person'"
        )
    )
    assert found == pytest.approx(means, abs=1e-6)


def test_the_record_is_what_was_predicted_against_what_happened(warehouse):
    """By hand, out of the purchases themselves."""
    begin, end = 7 * 107, 7 * 120
    happened = warehouse.one(
        f"select count(*), sum(margin) from days where day >= {begin} and day < {end}"
        f" and consumer_key in (select consumer_key from {table(VALUES)}"
        f" where week_start = '{monday(106)}' and expected_orders_13_weeks is not null)"
    )
    record = warehouse.one(
        "select sum(happened_orders), sum(happened_margin), count(*), min(predicted_week), max(customers)"
        f" from {table(CALIBRATION)} where week_start = '{monday(LAST)}'"
    )
    assert record[:3] == (*happened, 10)
    assert str(record[3]) == monday(106)
    error = warehouse.one(
        "select cast(sum(abs(expected_orders_13_weeks - coalesce(p.purchases_last_13_weeks, 0))) as double)"
        " / count(*), cast(sum(expected_margin_13_weeks) as double)"
        f" from {table(VALUES)} as v left join purchases as p"
        f" on v.consumer_key = p.consumer_key and p.week_start = '{monday(LAST)}'"
        f" where v.week_start = '{monday(106)}' and expected_orders_13_weeks is not null"
    )
    told = warehouse.one(
        "select cast(sum(mean_absolute_error * customers) as double) / sum(customers),"
        " cast(sum(predicted_margin) as double)"
        f" from {table(CALIBRATION)} where week_start = '{monday(LAST)}'"
    )
    assert told == pytest.approx(error, rel=1e-5)
    ((verdict,),) = warehouse.execute(
        f"select distinct verdict from {table(CALIBRATION)} where week_start = '{monday(LAST)}'"
    )
    assert verdict.startswith("Better than the own rate: mean absolute error ")
    assert f"{error[0]:.4f}" in verdict


def test_weeks_give_the_same_rows_in_any_order_and_twice(warehouse):
    before = warehouse.rows()
    other = Warehouse(shops())
    for week in (LAST, 93, 106, 93):
        other.add(week)
        other.run(week)
    assert other.rows() == before
    warehouse.run(106, 93)
    assert warehouse.rows() == before


def test_what_comes_later_does_not_show():
    whole = shops()
    until = [
        Cohort(each.purchases[each.purchases["at"] < 7 * 94], each.population, each.channel) for each in whole
    ]
    first, second = Warehouse(whole), Warehouse(until)
    for warehouse in (first, second):
        warehouse.add(93)
        warehouse.run(93)
    assert first.rows() == second.rows()
    assert first.rows()[VALUES]


STEPS = ("insert_values", "insert_calibration")


@fault(
    Area.BUILDING,
    "A week of lifetime values fails between its tables",
    "The week is as it was before.",
    times=len(STEPS),
)
def test_a_crash_leaves_the_week_as_it_was(warehouse, monkeypatch):
    before = warehouse.rows()
    for step in STEPS:
        with monkeypatch.context() as patch:
            patch.setattr(weekly, step, _failing)
            with pytest.raises(RuntimeError, match="killed"):
                warehouse.run(106)
        assert warehouse.rows() == before


def _failing(*_):
    raise RuntimeError("killed")


def test_a_model_that_does_not_beat_the_own_rate_says_so():
    """Half buy every Monday for ever, the others twice and never again: no spread that the model has."""
    draws = np.random.default_rng(4)
    people = np.repeat(np.arange(300), 2)
    early = pd.DataFrame({"customer": people, "at": np.tile([0.0, 350.0], 300)})
    steady = pd.DataFrame(
        {"customer": np.repeat(np.arange(300), 120), "at": np.tile(np.arange(120) * 7.0, 300)}
    )
    clockwork = pd.concat([early, steady[steady.customer < 150]]).drop_duplicates()
    clockwork["margin"] = draws.uniform(5, 9, len(clockwork)).round(2)
    warehouse = Warehouse([Cohort(clockwork)])
    warehouse.add(106, LAST)
    *_, week = warehouse.run(106, LAST)
    verdict, better = warehouse.one(
        "select distinct verdict, beats_own_rate"
        f" from {table(CALIBRATION)} where week_start = '{monday(LAST)}'"
    )
    assert not better
    assert verdict.startswith("Not better than the own rate, which is to be used instead")
    assert "beats_own_rate" in missed(warehouse, week)


def test_a_lost_row_and_a_spoiled_one_are_found(warehouse):
    warehouse.execute("begin transaction")
    one = f"(select min(consumer_key) from {table(VALUES)})"
    warehouse.execute(f"delete from {table(VALUES)} where consumer_key = {one}")
    warehouse.execute(f"update {table(VALUES)} set expected_orders_4_weeks = -1 where consumer_key = {one}")
    found = missed(warehouse, warehouse.weeks[-1]).keys()
    warehouse.execute("rollback")
    assert found == {"one_value_each", "values_are_sound"}


def test_the_stored_text_says_where_it_comes_from(warehouse):
    (text,) = warehouse.one(
        f"select model from {table(MODELS)} where week_start = '{monday(93)}' and cohort = 'online'"
    )
    stored = json.loads(text)
    assert {"python", "numpy", "scipy"} == stored["libraries"].keys()
    assert len(stored["fingerprint"]) == 64
    assert stored["purchasing"].keys() == {"r", "alpha", "a", "b"}
    assert stored["spending"].keys() == {"p", "q", "v"}


def nobody():
    return pd.DataFrame({"customer": [0], "at": [9_999.0], "margin": [1.0]})


def one_customer():
    return pd.DataFrame({"customer": [0], "at": [0.0], "margin": [1.0]})


def three_weeks_old():
    young = lives(2_000, 21, 6)
    return young.assign(at=young["at"] + DAYS - 21)


def all_on_one_day():
    return pd.DataFrame({"customer": np.arange(500), "at": 3.0, "margin": 2.0})


def no_margins():
    return lives(500, DAYS, 7).assign(margin=np.nan)


def losses_only():
    return lives(500, DAYS, 7).assign(margin=-3.0)


def all_alike():
    return pd.DataFrame(
        {"customer": np.repeat(np.arange(200), 20), "at": np.tile(np.arange(20) * 42.0, 200), "margin": 5.0}
    )


@pytest.mark.parametrize(
    ("spoil", "said", "have_orders", "have_margins"),
    [
        (nobody, "nobody has bought yet", False, False),
        (one_customer, "Only 1 have bought; it takes 100.", False, False),
        (three_weeks_old, "The oldest purchase is 3 weeks old; it takes 13.", False, False),
        (all_on_one_day, "Only 0 bought on a second day; it takes 30.", False, False),
        (no_margins, "No margin of a second purchase is known.", True, False),
        (losses_only, "Only 0 have a margin above 0 of later purchases; it takes 30.", True, False),
        (all_alike, "Purchases do not tell all parameters", True, True),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_bad_input_is_sound_or_said(spoil, said, have_orders, have_margins):
    warehouse = Warehouse([Cohort(spoil())])
    warehouse.add(106, LAST)
    *_, week = warehouse.run(106, LAST)
    told = {finding.check: finding for finding in findings(warehouse.execute, week, "purchases")}
    assert said in told["parameters_are_told"].text
    assert told["one_value_each"].passed
    assert told["values_are_sound"].passed
    rows, orders, margins = warehouse.one(
        "select count(*), count(expected_orders_52_weeks), count(expected_margin_52_weeks)"
        f" from {table(VALUES)} where week_start = '{monday(LAST)}'"
    )
    assert orders == (rows if have_orders else 0)
    assert margins == (rows if have_margins else 0)
    assert rows == warehouse.one("select count(distinct consumer_key) from days where day < 840")[0]


def test_who_buys_like_clockwork_is_expected_to():
    """200 customers who all buy every 42 days, which leaves habits' spread open: the forecast is sound."""
    warehouse = Warehouse([Cohort(all_alike())])
    warehouse.add(113)
    warehouse.run(113)
    (expected,) = warehouse.one(f"select avg(expected_orders_52_weeks) from {table(VALUES)}")
    assert float(expected) == pytest.approx(364 / 42, rel=0.15)


def test_the_record_depends_on_values_of_13_weeks_before(tmp_path):
    assets = lifetime_value_assets(Settings(home=tmp_path))
    graph = dg.Definitions(assets=[assets], resources={"warehouse": None}).resolve_asset_graph()
    record, values = (dg.AssetKey([PURCHASES.path[0], name]) for name in (CALIBRATION, VALUES))
    mapping = graph.get(record).partition_mappings[values]
    assert isinstance(mapping, dg.TimeWindowPartitionMapping)
    assert (mapping.start_offset, mapping.end_offset) == (-13, -13)


def test_horizons_are_in_the_table(warehouse):
    ordered = " and ".join(
        f"orders_low_{weeks}_weeks <= orders_high_{weeks}_weeks"
        f" and margin_low_{weeks}_weeks <= margin_high_{weeks}_weeks"
        for weeks in HORIZONS
    )
    everybody, right = warehouse.one(
        f"select count(*), count(case when {ordered} then 1 end) from {table(VALUES)}"
        " where expected_orders_13_weeks is not null"
    )
    assert everybody == right > 5_000
