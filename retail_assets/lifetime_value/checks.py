"""What is asked of every week of lifetime values: a look at what was just stored."""

from collections.abc import Iterator
from itertools import pairwise

from retail_assets.lifetime_value.catalog import ALL, CALIBRATION, HORIZONS, PURCHASES, VALUES, table
from retail_assets.lifetime_value.weekly import Week
from retail_assets.resources.sql import monday
from retail_assets.resources.warehouse import Execute
from retail_assets.weekly_assets import Finding

MOST_OFF = 0.25
"""Part of the predicted purchases that those that happened may differ by; and chance, three deviations."""


def findings(execute: Execute, week: Week, purchases: str = PURCHASES) -> Iterator[Finding]:
    """Every check's finding on a week that was just stored."""
    yield _parameters_are_told(week)
    yield _one_value_each(execute, week.week, purchases)
    yield _values_are_sound(execute, week)
    yield _beats_own_rate(execute, week.week)
    yield _calibrated(execute, week.week)


def _parameters_are_told(week: Week) -> Finding:
    """Too little data is said, and no fault; data that leaves parameters open is one."""
    open_ = {group: each for group, each in week.groups.items() if each.is_open}
    lacking = [
        f"{population}, {cohort}: {' '.join(each.reasons)}"
        for (population, cohort), each in week.groups.items()
        if each.reasons
    ]
    said = "; ".join(lacking) or (
        "all have parameters of their own" if week.groups else "nobody has bought yet"
    )
    return Finding("parameters_are_told", not open_, said, len(open_))


def _one_value_each(execute: Execute, week: str, purchases: str) -> Finding:
    ((wrong,),) = execute(
        f"select count(*) from (select consumer_key from {purchases} where week_start = {monday(week)}) as p"
        f" full outer join (select consumer_key, count(*) as n from {table(VALUES)}"
        f" where week_start = {monday(week)} group by consumer_key) as v"
        " on p.consumer_key = v.consumer_key"
        " where p.consumer_key is null or v.n is null or v.n <> 1"
    )
    return Finding("one_value_each", wrong == 0, f"{wrong:,} consumers without exactly one row", wrong)


def _values_are_sound(execute: Execute, week: Week) -> Finding:
    told = [group for group, source in week.purchases_from.items() if source and group[1] != ALL]
    expected = " or ".join(
        f"(population = '{population}' and cohort = '{cohort}')" for population, cohort in told
    )
    wrong = " or ".join(
        ["alive_probability < 0", "alive_probability > 1"]
        + [f"expected_orders_{weeks}_weeks < 0" for weeks in HORIZONS]
        + [f"orders_low_{weeks}_weeks > orders_high_{weeks}_weeks" for weeks in HORIZONS]
        + [f"(({expected or 'false'}) and expected_orders_{weeks}_weeks is null)" for weeks in HORIZONS]
        + [f"expected_orders_{a}_weeks > expected_orders_{b}_weeks" for a, b in pairwise(HORIZONS)]
    )
    ((rows,),) = execute(
        f"select count(*) from {table(VALUES)} where week_start = {monday(week.week)} and ({wrong})"
    )
    return Finding("values_are_sound", rows == 0, f"{rows:,} consumers with an unsound value", rows)


def _beats_own_rate(execute: Execute, week: str) -> Finding:
    rows = execute(
        f"select distinct population, beats_own_rate, verdict from {table(CALIBRATION)}"
        f" where week_start = {monday(week)} order by population"
    )
    said = "; ".join(f"{population}: {verdict}" for population, _, verdict in rows)
    worse = sum(not better for _, better, _ in rows)
    return Finding("beats_own_rate", not worse, said or "no prediction is 13 weeks old yet", worse)


def _calibrated(execute: Execute, week: str) -> Finding:
    rows = execute(
        "select population, cast(sum(predicted_orders) as double), cast(sum(happened_orders) as double)"
        f" from {table(CALIBRATION)} where week_start = {monday(week)}"
        " group by population order by population"
    )
    off = [
        abs(happened - predicted) > MOST_OFF * predicted + 3 * predicted**0.5
        for _, predicted, happened in rows
    ]
    said = "; ".join(
        f"{population}: {predicted:,.0f} purchases predicted, {happened:,.0f} happened"
        for population, predicted, happened in rows
    )
    return Finding("calibrated", not any(off), said or "no prediction is 13 weeks old yet", sum(off))
