"""What the plan would have done over the weeks before, beside what was done.

The replay begins with the stock and the open orders of its first day. What left on a day is asked for; what
is not in stock then is missed. Orders are placed by the plans as they were stored, with the replay's own
stock; each takes as long as an order of its supplier took, one after the other.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from retail_assets.demand.accuracy import is_made
from retail_assets.demand.catalog import EVERYTHING, HORIZON, REPLAY, SCHEMA, TABLES, table
from retail_assets.demand.plan import INVENTORY, orders_by_key
from retail_assets.demand.plan_catalog import COVER_DAYS, PLAN, PLAN_TABLES
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday
from retail_assets.resources.warehouse import transaction
from retail_assets.resources.weekly_tables import weeks_later

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

WEEKS = 13
FEWEST_DAYS = 28
"""Fewer days do not show what an order does."""
LEADS = 16
"""Lead times of a supplier that are taken in turn."""


@dataclass(frozen=True)
class Days:
    """Days by products of centers."""

    first: date
    locations: "np.ndarray"
    cost: "np.ndarray"
    begin: "np.ndarray"
    """Pieces in stock before the first day."""
    left: "np.ndarray"
    other: "np.ndarray"
    """Returns, counts and losses."""
    arriving: "np.ndarray"
    """Pieces of orders that were open on the first day."""
    on_hand: "np.ndarray"
    """As it was, at the end of each day."""
    reorder_point: "np.ndarray"
    daily_demand: "np.ndarray"
    expected: "np.ndarray"
    pack: "np.ndarray"
    lead: "np.ndarray"
    """Days that an order of each day takes."""


@dataclass(frozen=True)
class Played:
    """What came of it, by day and product of a center."""

    on_hand: "np.ndarray"
    missed: "np.ndarray"
    ordered: "np.ndarray"


def replay_weeks(session: Session, week: str) -> None:
    """Replay the weeks that the plans of the week after this one are part of, as far as they are there."""
    for ahead in range(HORIZON + 1):
        if not ahead or session(is_made(weeks_later(week, ahead))):
            _replay_week(session, weeks_later(week, ahead))


def _replay_week(session: Session, week: str) -> None:
    days = _read(session, week)
    rows = list(_rows(week, days, play(days))) if days else []
    with transaction(session):
        session(f"delete from {table(REPLAY)} where week_start = {monday(week)}")
        TABLES.insert_rows(session, REPLAY, rows)


def play(days: Days) -> Played:
    """Go through the days."""
    import numpy as np

    length, width = days.left.shape
    on_hand, missed, ordered = (np.zeros((length, width)) for _ in range(3))
    longest = int(days.lead.max(initial=1))
    arriving = np.vstack([days.arriving, np.zeros((longest + 1, width))])
    stock, waiting = days.begin.copy(), days.arriving.sum(axis=0)
    columns = np.arange(width)
    for day in range(length):
        stock += arriving[day]
        waiting -= arriving[day]
        stock = np.maximum(stock + np.maximum(days.other[day], 0), 0)
        served = np.minimum(stock, days.left[day])
        missed[day] = days.left[day] - served
        stock = np.maximum(stock - served + np.minimum(days.other[day], 0), 0)
        on_hand[day] = stock
        position = stock + waiting
        wanted = days.reorder_point[day] + COVER_DAYS * days.daily_demand[day] - position
        short = (days.expected[day] > 0) & (position <= days.reorder_point[day])
        pieces = np.where(short, np.ceil(wanted / days.pack[day]) * days.pack[day], 0)
        ordered[day] = pieces
        waiting += pieces
        arriving[np.minimum(day + days.lead[day], len(arriving) - 1), columns] += pieces
    return Played(on_hand, missed, ordered)


def _read(session: Session, week: str) -> Days | None:
    """The days of the replay; None if there are too few plans."""
    import numpy as np
    import pyarrow as pa

    plan = PLAN_TABLES.table(PLAN)
    end = date.fromisoformat(week) + timedelta(days=6)
    begin = monday(weeks_later(week, 1 - WEEKS))
    ((first,),) = session(
        f"select min(plan_date) from {plan} where plan_date >= {begin} and plan_date <= cast('{end}' as date)"
    )
    if first is None or (length := (end - first).days + 1) < FEWEST_DAYS:
        return None
    within = f">= cast('{first}' as date) and {{0}} <= cast('{end}' as date)"
    number = f"datediff('day', cast('{first}' as date), {{0}}) as number"
    keys = (
        f"select distinct product_key, location_key from {plan} where plan_date {within.format('plan_date')}"
    )
    with ExitStack() as stack:

        def keep(name: str, query: str) -> str:
            return stack.enter_context(session.keeping(f"{SCHEMA}.{name}", query))

        orders = keep("replay_orders", orders_by_key())
        series = keep(
            "replay_series",
            "select row_number() over (order by product_key, location_key) - 1 as series, product_key,"
            f" location_key from ({keys}) as planned",
        )

        def joined(rows: str) -> str:
            return (
                f"inner join {series} as series on {rows}.product_key = series.product_key"
                f" and {rows}.location_key = series.location_key"
            )

        known = session.read(f"select location_key from {series} order by series")
        planned = session.read(
            f"select series.series, {number.format('planned.plan_date')}, planned.supplier,"
            " cast(planned.reorder_point as double) as reorder_point,"
            " cast(planned.daily_demand as double) as daily_demand,"
            " cast(planned.expected_demand as double) as expected, cast(planned.pack as double) as pack,"
            f" cast(planned.lead_days as double) as lead_days from {plan} as planned {joined('planned')}"
            f" where planned.plan_date {within.format('planned.plan_date')} order by 1, 2"
        )
        moved = session.read(
            f"select series.series, {number.format('days.snapshot_date')},"
            " cast(sum(days.sold) as double) as left_,"
            " cast(sum(days.returned + days.adjusted - days.written_off) as double) as other,"
            " cast(sum(days.quantity_on_hand) as double) as on_hand,"
            " cast(sum(days.opening_quantity) as double) as opening,"
            f" cast(max(days.unit_cost) as double) as cost from {INVENTORY} as days {joined('days')}"
            f" where days.snapshot_date {within.format('days.snapshot_date')} group by 1, 2"
        )
        coming = session.read(
            f"select series.series, {number.format('orders.received_date')},"
            f" cast(sum(orders.quantity_received) as double) as pieces from {orders} as orders"
            f" {joined('orders')} where orders.order_date < cast('{first}' as date)"
            f" and orders.received_date {within.format('orders.received_date')} group by 1, 2"
        )
        leads = session(
            "select supplier, days from (select coalesce(supplier, '') as supplier,"
            " datediff('day', order_date, received_date) as days, order_date, product_key, location_key"
            f" from {orders} where received_date > order_date and received_date <= cast('{end}' as date)"
            " qualify row_number() over (partition by supplier order by"
            " order_date desc nulls last, product_key,"
            f" location_key) <= {LEADS}) as newest order by supplier, order_date, product_key, location_key"
        )
    in_turn: dict[str, list[int]] = {}
    for supplier, taken in leads:
        in_turn.setdefault(supplier, []).append(int(taken))
    width = known.num_rows

    def matrix(rows: "pa.Table", column: str, fill: float = 0.0) -> "np.ndarray":
        found = np.full((length, width), fill)
        at, of, values = (rows[name].cast(pa.float64()).to_numpy() for name in ("number", "series", column))
        found[at.astype(int), of.astype(int)] = values
        return found

    lead = matrix(planned, "lead_days", 1.0)
    suppliers = dict(zip(planned["series"].to_pylist(), planned["supplier"].to_pylist(), strict=True))
    for position in range(width):
        if turns := in_turn.get(suppliers[position] or ""):
            lead[:, position] = [turns[(day + position) % len(turns)] for day in range(length)]
    return Days(
        first=first,
        locations=np.array(known["location_key"].to_pylist()),
        cost=np.nan_to_num(_first_known(matrix(moved, "cost", np.nan)[::-1])),
        begin=np.maximum(np.nan_to_num(_first_known(matrix(moved, "opening", np.nan))), 0),
        left=np.nan_to_num(matrix(moved, "left_")),
        other=np.nan_to_num(matrix(moved, "other")),
        arriving=matrix(coming, "pieces"),
        on_hand=np.maximum(np.nan_to_num(matrix(moved, "on_hand")), 0),
        reorder_point=matrix(planned, "reorder_point"),
        daily_demand=matrix(planned, "daily_demand"),
        expected=matrix(planned, "expected"),
        pack=matrix(planned, "pack", 1.0),
        lead=np.maximum(np.ceil(lead), 1).astype(int),
    )


def _first_known(values: "np.ndarray") -> "np.ndarray":
    """Of each column its first number; NaN if it has none."""
    import numpy as np

    known = ~np.isnan(values)
    found: np.ndarray = values[known.argmax(axis=0), np.arange(values.shape[1])]
    return found


def _rows(week: str, days: Days, played: Played) -> Iterator[Mapping[str, Any]]:
    """All centers together, and each of them."""
    for name in (EVERYTHING, *sorted(set(days.locations))):
        chosen = slice(None) if name == EVERYTHING else days.locations == name
        length = len(days.left)
        done, planned = (each[:, chosen] for each in (days.on_hand, played.on_hand))
        demand, missed = (float(each[:, chosen].sum()) for each in (days.left, played.missed))
        outs = [int((each <= 0).sum()) for each in (done, planned)]
        stock = [float(each.sum()) / length for each in (done, planned)]
        value = [float((each * days.cost[chosen]).sum()) / length for each in (done, planned)]
        better = (stock[1] < stock[0] and outs[1] <= outs[0]) or (stock[1] <= stock[0] and outs[1] < outs[0])
        filled = 1 - missed / demand if demand > 0 else None
        said = "Better than what was done" if better else "Not better than what was done"
        yield {
            "week_start": week,
            "location_key": name,
            "first_date": days.first,
            "days": length,
            "series": done.shape[1],
            "demand": round(demand, 4),
            "stock_done": round(stock[0], 4),
            "stock_planned": round(stock[1], 4),
            "value_done": round(value[0], 4),
            "value_planned": round(value[1], 4),
            "stock_outs_done": outs[0],
            "stock_outs_planned": outs[1],
            "missed_planned": round(missed, 4),
            "fill_rate_planned": None if filled is None else round(filled, 6),
            "orders_planned": int((played.ordered[:, chosen] > 0).sum()),
            "is_better": better,
            "verdict": (
                f"{said}: {stock[1]:,.0f} pieces in stock against {stock[0]:,.0f}, {outs[1]:,} days of"
                f" products out of stock against {outs[0]:,}"
                + (f", {filled:.1%} of the pieces from stock." if filled is not None else ".")
            ),
        }
