"""Plans of days in a warehouse whose rows are written here: values by hand, laws, bad input."""

from datetime import date
from math import ceil

import numpy as np
import pytest
from scipy import stats

from retail_assets.demand import plan as plan_module
from retail_assets.demand.catalog import EVERYTHING, REPLAY, table
from retail_assets.demand.plan import plan_days
from retail_assets.demand.plan_catalog import PLAN, PLAN_CHECKS, PLAN_TABLES
from retail_assets.demand.plan_checks import plan_findings
from retail_assets.demand.replay import Days, play, replay_weeks
from retail_assets_tests.demand.planted import Warehouse
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.planted import day

SUNDAY, MONDAY = day(0, 6), day(1)


@pytest.fixture
def warehouse():
    """A tent of which 14 leave a week. Six orders of 10 took 8 and 10 days in turn: 9, deviation 1.095445."""
    warehouse = Warehouse()
    warehouse.leave("tent", [14] * 5)
    warehouse.list_series(0, {"tent": -4})
    warehouse.know("tent")
    for number in range(6):
        warehouse.order("tent", day(-12 + number, 0), day(-11 + number, 1 + 2 * (number % 2)))
    warehouse.run(0)
    return warehouse


def missed(warehouse, day_):
    found = list(plan_findings(warehouse.execute, day_))
    assert [each.check for each in found] == list(PLAN_CHECKS)
    return {each.check: each.text for each in found if not each.passed}


def reorder_point(mean, spread):
    """The 90% quantile of a negative binomial."""
    size = 1 / spread
    return stats.nbinom.ppf(0.9, size, size / (size + mean))


def test_the_reorder_point_covers_lead_time_and_review_with_both_uncertainties(warehouse):
    """Ten days of two pieces; a week's spread where there is no past, of 10 / 7 weeks, and 0.1095 squared."""
    warehouse.stock("here", "tent", 12, MONDAY)
    assert plan_days(warehouse.execute, MONDAY, MONDAY) == 1
    point = reorder_point(20, 0.204 / (10 / 7) + 0.012)
    columns = (
        "lead_days, lead_deviation, expected_demand, reorder_point, safety_stock, daily_demand, supplier"
    )
    *rest, supplier = warehouse.plan(MONDAY, columns)
    assert rest == pytest.approx([9, 1.1, 20, point, point - 20, 2], abs=1)
    assert rest[:3] == [9, 1.1, 20]
    assert supplier == "Acme"
    assert missed(warehouse, MONDAY) == {}


def test_what_is_at_its_reorder_point_is_ordered_in_packs(warehouse):
    """All orders were of 10: a pack. Up to the reorder point and 7 days of 2; 12 and 5 are there."""
    warehouse.stock("here", "tent", 12, MONDAY)
    warehouse.order("tent", day(0, 5), None, 5, "ordered", expected=day(1, 4))
    plan_days(warehouse.execute, MONDAY, MONDAY)
    columns = "reorder_point, pack, order_quantity, order_value, on_hand, on_order, reason"
    point, pack, quantity, value, on_hand, on_order, reason = warehouse.plan(MONDAY, columns)
    assert (pack, on_hand, on_order) == (10, 12, 5)
    assert quantity == ceil((point + 14 - 17) / 10) * 10
    assert value == 2 * quantity
    assert reason == f"12 in stock and 5 on order are no more than the {point:.0f} that 10 days may take."
    columns = "cast(runs_out_date as varchar), cast(next_delivery as varchar), runs_out_before_delivery"
    assert warehouse.plan(MONDAY, columns) == (day(2), day(1, 4), False)


def test_what_runs_out_before_it_comes_is_said(warehouse):
    warehouse.stock("here", "tent", 4, MONDAY)
    warehouse.order("tent", day(0, 5), None, 90, "ordered", expected=day(1, 6))
    plan_days(warehouse.execute, MONDAY, MONDAY)
    assert warehouse.plan(MONDAY, "order_quantity, runs_out_before_delivery, reason") == (
        0,
        True,
        f"Enough is on order, but stock may run out on {day(1, 3)}, before it comes.",
    )


def test_orders_are_open_as_of_the_day(warehouse):
    """One was received and one cancelled on Tuesday, one is overdue for months, one is of Tuesday."""
    warehouse.stock("here", "tent", 30, MONDAY, day(1, 1))
    warehouse.order("tent", day(0), day(1, 1), 1)
    warehouse.order("tent", day(0), None, 2, "Cancelled", changed=f"{day(1, 1)} 12:00:00")
    warehouse.order("tent", day(-10), None, 4, "ordered")
    warehouse.order("tent", day(1, 1), None, 8, "ordered")
    plan_days(warehouse.execute, MONDAY, day(1, 1))
    assert warehouse.plan(MONDAY, "on_order") == (3,)
    assert warehouse.plan(day(1, 1), "on_order") == (8,)


def test_too_much_is_brought_to_where_it_is_short():
    """Both centers sell two a day. The other has 400: more than 91 days and its reorder point."""
    warehouse = Warehouse()
    warehouse.leave("tent", [14] * 5)
    warehouse.execute(
        "insert into warehouse.wh_fact_demand_weeks"
        " select * replace ('there' as location_key) from warehouse.wh_fact_demand_weeks"
    )
    for place in ("here", "there"):
        warehouse.list_series(0, {"tent": -4}, place=place)
    warehouse.know("tent", centers=("here", "there"))
    warehouse.run(0)
    warehouse.stock("here", "tent", 5, MONDAY)
    warehouse.stock("there", "tent", 400, MONDAY)
    plan_days(warehouse.execute, MONDAY, MONDAY)
    surplus, reason = warehouse.plan(MONDAY, "surplus_quantity, reason", place="there")
    point = warehouse.plan(MONDAY, "reorder_point", place="there")[0]
    assert surplus == 400 - 182 - point > 100
    assert reason.startswith("Too much: 400 in stock last until ")
    columns = "transfer_from, transfer_quantity, order_quantity, reorder_point, lead_days"
    source, brought, ordered, point, lead = warehouse.plan(MONDAY, columns)
    # Nothing was ever delivered: 14 days are taken.
    assert (source, brought, ordered, lead) == ("there", point + 14 - 5, 0, 14)
    assert missed(warehouse, MONDAY) == {}


def test_days_without_forecasts_or_stock_have_no_plan_and_a_sentence(warehouse):
    """Sunday needs forecasts of the week before, which are not there; on Tuesday nobody reported."""
    warehouse.stock("here", "tent", 30, SUNDAY, MONDAY)
    assert [plan_days(warehouse.execute, each, each) for each in (SUNDAY, MONDAY, day(1, 1))] == [0, 1, 0]
    told = list(plan_findings(warehouse.execute, SUNDAY))
    assert all(each.passed for each in told)
    assert told[0].text == "no forecasts of the week before are there yet, or no stock: nothing is planned"


def test_days_give_the_same_rows_alone_together_and_twice_and_later_ones_do_not_show(warehouse):
    days = [day(1, number) for number in range(4)]
    for number, each in enumerate(days):
        warehouse.stock("here", "tent", 30 - 4 * number, each)
    warehouse.order("tent", days[1], days[3], 40)
    for each in (days[2], days[0], days[3], days[1], days[0]):
        plan_days(warehouse.execute, each, each)
    everything = f"select * from {PLAN_TABLES.table(PLAN)} order by all"
    alone = list(warehouse.execute(everything))
    assert len(alone) == 4
    plan_days(warehouse.execute, days[0], days[3])
    assert list(warehouse.execute(everything)) == alone
    warehouse.execute(f"delete from warehouse.wh_fact_inventory where snapshot_date > '{days[1]}'")
    warehouse.execute(
        f"update staging.stg_purchase_orders set received_date = null where order_date = '{days[1]}'"
    )
    plan_days(warehouse.execute, days[0], days[3])
    assert list(warehouse.execute(everything)) == alone[:2]


@fault(Area.BUILDING, "The day's plan of what to order fails", "The day is as it was before.")
def test_a_crash_leaves_the_day_as_it_was(warehouse, monkeypatch):
    warehouse.stock("here", "tent", 12, MONDAY)
    plan_days(warehouse.execute, MONDAY, MONDAY)
    before = warehouse.plan(MONDAY, "*")
    monkeypatch.setattr(plan_module, "_insert", lambda _: "select 1 from nothing_of_the_kind")
    with pytest.raises(Exception, match="nothing_of_the_kind"):
        plan_days(warehouse.execute, MONDAY, MONDAY)
    assert warehouse.plan(MONDAY, "*") == before


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        ("update {} set order_quantity = 7", "plan_is_sound"),
        ("update {} set reason = null", "plan_is_sound"),
        ("insert into {} select * from {}", "plan_is_sound"),
        ("update {} set order_quantity = 0", "what_runs_short_is_ordered"),
    ],
)
def test_spoiled_rows_are_found(warehouse, spoil, expected):
    warehouse.stock("here", "tent", 12, MONDAY)
    plan_days(warehouse.execute, MONDAY, MONDAY)
    assert missed(warehouse, MONDAY) == {}
    warehouse.execute(spoil.replace("{}", PLAN_TABLES.table(PLAN)))
    assert expected in missed(warehouse, MONDAY)


def days_of(left, on_hand, lead, **changes):
    """Days of one product: what left, what there was, how long orders took; ordered at 4, up to 11."""
    length = len(left)
    column = np.ones((length, 1))
    values = {
        "first": date(2024, 5, 6),
        "locations": np.array(["here"]),
        "cost": np.array([2.0]),
        "begin": np.array([5.0]),
        "left": np.array(left, float)[:, None],
        "other": 0 * column,
        "arriving": 0 * column,
        "on_hand": np.array(on_hand, float)[:, None],
        "reorder_point": 4 * column,
        "daily_demand": column,
        "expected": column,
        "pack": column,
        "lead": (lead * column).astype(int),
    }
    return Days(**{**values, **changes})


def test_the_replay_goes_day_by_day():
    """Five pieces. At 4 seven are ordered, which take three days; on the day before one is missed."""
    played = play(days_of([1, 2, 3, 1, 4], [4] * 5, 3))
    assert played.on_hand.ravel().tolist() == [4, 2, 0, 6, 2]
    assert played.ordered.ravel().tolist() == [7, 0, 0, 0, 9]
    assert played.missed.ravel().tolist() == [0, 0, 1, 0, 0]


def test_the_replay_is_beside_what_was_done(warehouse):
    """Eight weeks of two a day. There were 100 in stock all the time; the plan would have let it run down."""
    for week in range(1, 8):
        warehouse.leave("tent", [14], last=week)
        warehouse.list_series(week, {"tent": -4})
    days = [day(1 + number // 7, number % 7) for number in range(49)]
    warehouse.stock("here", "tent", 100, *days)
    warehouse.execute("update warehouse.wh_fact_inventory set sold = 2, opening_quantity = 100")
    for week in range(1, 8):
        plan_days(warehouse.execute, day(week), day(week, 6))
        warehouse.run(week)
        replay_weeks(warehouse.execute, day(week))
    columns = "location_key, days, demand, stock_done, stock_planned, stock_outs_planned, is_better"
    rows = list(
        warehouse.execute(f"select {columns} from {table(REPLAY)} where week_start = '{day(7)}' order by 1")
    )
    assert [row[0] for row in rows] == [EVERYTHING, "here"]
    for _, length, demand, done, planned, outs, better in rows:
        assert (length, demand, done, outs, better) == (49, 98, 100, 0, True)
        assert 30 < planned < 80
    # Fewer days than four weeks are none.
    ((first,),) = warehouse.execute(f"select min(week_start) from {table(REPLAY)}")
    assert str(first) == day(4)
