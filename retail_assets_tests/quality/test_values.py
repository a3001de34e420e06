"""Whether a mart's figures are like those of the same weekdays before."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import dagster as dg
import duckdb
import pytest

from retail_assets.quality.restatements import restated_marts
from retail_assets.quality.values import CHECK_NAME, unusual, value_results, value_specs
from retail_assets.windows import Window
from retail_assets_tests.conftest import NEW_DAYS
from retail_assets_tests.faults import Area, fault

DAY = date(2024, 5, 31)
MART = "mart_sales.sales_performance"


def _sums(usual, last, weeks=8):
    """A sum on each day before, and `last` on the day."""
    days = [DAY - timedelta(days=number) for number in range(1, 7 * weeks + 1)]
    sums = {day: Decimal(usual(day) if callable(usual) else usual) for day in days}
    return sums | ({DAY: Decimal(last)} if last is not None else {})


@pytest.mark.parametrize(
    ("sums", "is_odd"),
    [
        (_sums(1000, 1000), False),
        (_sums(1000, 510), False),
        (_sums(1000, 490), True),
        (_sums(1000, None), True),
        (_sums(1000, -200), True),
        # A good day is none to be told of; a decimal point in another place is.
        (_sums(1000, 4900), False),
        (_sums(1000, 10_000), True),
        # A young shop, one that never sold, and one that is closed on this weekday.
        (_sums(1000, 1, weeks=3), False),
        ({}, False),
        (_sums(0, 500), False),
        (_sums(lambda day: 0 if day.weekday() == DAY.weekday() else 1000, 0), False),
        # A small shop sells on some days alone: most have no row at all.
        ({DAY - timedelta(weeks=number): Decimal(90) for number in (2, 5, 9)}, False),
        ({DAY - timedelta(weeks=number): Decimal(90) for number in (2, 5, 9)} | {DAY: Decimal(70)}, False),
        # Weekdays that differ much by themselves.
        (_sums(lambda day: 100 if day.isocalendar().week % 2 else 1900, 90), False),
    ],
)
def test_a_day_is_compared_with_its_weekday(sums, is_odd):
    assert bool(list(unusual("net_sales", sums, [DAY]))) is is_odd


def _small_shop(*without, amount="35.50", weeks=8):
    """The same on each day, except those that lie so many days before the day, which have no row."""
    return {
        DAY - timedelta(days=number): Decimal(amount)
        for number in range(1, 7 * weeks + 1)
        if number not in without
    }


@pytest.mark.parametrize(
    ("without", "weeks", "is_odd"),
    [
        ((), 8, True),
        ((3, 11), 8, True),  # two holidays
        ((7, 14, 21, 28), 8, False),  # half of the weekdays have none, and the median is between
        ((7, 14, 21), 8, False),
        ((2, 9, 17, 24, 33, 45), 8, False),  # other weekdays show that the shop is small
        (tuple(range(5, 56, 7)), 8, True),  # it is closed on one day of the week
        ((7, 14, 21, 28, 35, 42, 49), 8, False),
        ((7, 14), 4, False),
        ((7, 14), 8, True),
    ],
)
def test_a_day_without_a_row(without, weeks, is_odd):
    found = list(unusual("net_sales", _small_shop(*without, weeks=weeks), [DAY]))
    assert [(each.seen, each.expected) for each in found] == (
        [(Decimal(0), Decimal("35.50"))] if is_odd else []
    )


def test_a_small_shop_is_told_of_a_day_that_is_too_much():
    sums = _small_shop(7, 14, 22, 23, 30, 31, 40)
    assert list(unusual("net_sales", sums | {DAY: Decimal("36")}, [DAY])) == []
    (odd,) = unusual("net_sales", sums | {DAY: Decimal("3550")}, [DAY])
    assert odd.told.startswith("net_sales: 3,550.00 on 2024-05-31; about 35.50 were expected")


def test_one_odd_day_is_not_expected_again():
    sums = _sums(1000, 1000)
    sums[DAY - timedelta(weeks=1)] = Decimal(90_000)
    assert list(unusual("net_sales", sums, [DAY])) == []
    assert list(unusual("net_sales", sums, [DAY - timedelta(weeks=1)]))


def _results(manifest, execute, day):
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    window = Window(start, start + timedelta(days=1))
    named = [mart.table for mart in restated_marts(manifest).values() if mart.usual]
    assert len(named) > 2
    selected = {dg.AssetCheckKey(dg.AssetKey(each.split(".")), CHECK_NAME) for each in named}
    assert list(value_results(set(), manifest, window, "UTC", execute)) == []
    found = list(value_results(selected, manifest, window, "UTC", execute))
    assert {each.asset_key for each in found} == {each.asset_key for each in selected}
    return {".".join(each.asset_key.path): each for each in found if each.asset_key}


@fault(
    Area.BUILDING,
    "All amounts of a day are ten times what they were, or a tenth",
    "The check of the mart warns with the figure and what was expected.",
    times=2,
)
def test_a_decimal_point_in_another_place_is_told(built, manifest):
    day = NEW_DAYS[0] - timedelta(days=1)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built.settings.duckdb_path}' as built (read_only)")
        for mart in restated_marts(manifest).values():
            if mart.usual:
                schema = mart.table.split(".")[0]
                connection.execute(f"create schema if not exists {schema}")
                connection.execute(f"create table {mart.table} as select * from built.{mart.table}")

        def execute(statement):
            return connection.execute(statement).fetchall()

        assert all(each.passed for each in _results(manifest, execute, day).values())
        for times in ("10", "0.01"):
            connection.execute(
                f"update {MART} set net_sales = net_sales * {times} where sales_date = '{day}'"
            )
            found = _results(manifest, execute, day)[MART]
            assert not found.passed
            assert found.severity == dg.AssetCheckSeverity.WARN
            assert (found.description or "").startswith("net_sales: ")
            assert f" on {day}; about " in (found.description or "")
            assert all(each.passed for name, each in _results(manifest, execute, day).items() if name != MART)


def test_only_marts_that_name_figures_have_the_check(manifest):
    models = {
        unique_id: dg.AssetSpec(mart.table.split(".")) for unique_id, mart in restated_marts(manifest).items()
    }
    specs = list(value_specs(manifest, models))
    assert 0 < len(specs) < len(models)
    assert all("like on the same weekdays" in (spec.description or "") for spec in specs)
    for mart in restated_marts(manifest).values():
        assert {*mart.usual} <= {*mart.measures}
