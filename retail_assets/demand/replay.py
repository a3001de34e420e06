"""What the plan would have done over the weeks before, beside what was done.

The replay begins with the stock and the open orders of its first day. What left on a day is asked for; what
is not in stock then is missed. Orders are placed by the plans as they were stored, with the replay's own
stock; each takes as long as an order of its supplier took, one after the other.
"""

from collections.abc import Iterator, Mapping
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

    plan = PLAN_TABLES.table(PLAN)
    end = date.fromisoformat(week) + timedelta(days=6)
    begin = monday(weeks_later(week, 1 - WEEKS))
    ((first,),) = session(
        f"select min(plan_date) from {plan} where plan_date >= {begin} and plan_date <= cast('{end}' as date)"
    )
    if first is None or (length := (end - first).days + 1) < FEWEST_DAYS:
        return None
    with session.keeping(f"{SCHEMA}.replay_orders", orders_by_key()) as orders:
        planned = session.read(
            "select product_key, location_key, plan_date, cast(reorder_point as double) as reorder_point,"
            " cast(daily_demand as double) as daily_demand, cast(expected_demand as double) as expected,"
            " pack, cast(lead_days as double) as lead, supplier"
            f" from {plan} where plan_date >= cast('{first}' as date) and plan_date <= cast('{end}' as date)"
            " order by product_key, location_key, plan_date"
        ).to_pandas()
        moved = session.read(
            "select product_key, location_key, snapshot_date, cast(sum(sold) as double) as left_,"
            " cast(sum(returned + adjusted - written_off) as double) as other,"
            " cast(sum(quantity_on_hand) as double) as on_hand,"
            " cast(sum(opening_quantity) as double) as opening, cast(max(unit_cost) as double) as cost"
            f" from {INVENTORY} where snapshot_date >= cast('{first}' as date)"
            f" and snapshot_date <= cast('{end}' as date)"
            " group by product_key, location_key, snapshot_date"
        ).to_pandas()
        coming = session.read(
            "select product_key, location_key, received_date,"
            " cast(sum(quantity_received) as double) as pieces"
            f" from {orders} where order_date < cast('{first}' as date)"
            f" and received_date >= cast('{first}' as date) and received_date <= cast('{end}' as date)"
            " group by product_key, location_key, received_date"
        ).to_pandas()
        leads = session.read(
            "select supplier, lead_ from (select coalesce(supplier, '') as supplier,"
            " datediff('day', order_date, received_date) as lead_, order_date, product_key, location_key"
            f" from {orders} where received_date > order_date and received_date <= cast('{end}' as date)"
            " qualify row_number() over (partition by supplier order by order_date desc, product_key,"
            f" location_key) <= {LEADS}) as newest order by supplier, order_date, product_key, location_key"
        ).to_pandas()
    keys = planned[["product_key", "location_key"]].drop_duplicates().reset_index(drop=True)
    number = {key: position for position, key in enumerate(keys.itertuples(index=False, name=None))}
    in_turn = {name: rows["lead_"].astype(int).tolist() for name, rows in leads.groupby("supplier")}
    width = len(keys)

    def matrix(frame: Any, day: str, column: str, fill: float = 0.0) -> "np.ndarray":
        found = np.full((length, width), fill)
        places = [
            number.get(key, -1) for key in zip(frame["product_key"], frame["location_key"], strict=True)
        ]
        at = np.array([(each - first).days for each in _dates(frame[day])], dtype=int)
        kept = np.array(places, dtype=int) >= 0
        found[at[kept], np.array(places, dtype=int)[kept]] = frame[column].to_numpy(float)[kept]
        return found

    lead = matrix(planned, "plan_date", "lead", 1.0)
    suppliers = planned.groupby(["product_key", "location_key"], sort=False)["supplier"].last()
    for position, supplier in enumerate(suppliers):
        if taken := in_turn.get(supplier or ""):
            lead[:, position] = [taken[(day + position) % len(taken)] for day in range(length)]
    opening = matrix(moved, "snapshot_date", "opening", np.nan)
    on_hand = matrix(moved, "snapshot_date", "on_hand", np.nan)
    cost = matrix(moved, "snapshot_date", "cost", np.nan)
    return Days(
        first=first,
        locations=keys["location_key"].to_numpy(),
        cost=np.nan_to_num(_first_known(cost[::-1])),
        begin=np.maximum(np.nan_to_num(_first_known(opening)), 0),
        left=np.nan_to_num(matrix(moved, "snapshot_date", "left_")),
        other=np.nan_to_num(matrix(moved, "snapshot_date", "other")),
        arriving=matrix(coming, "received_date", "pieces"),
        on_hand=np.maximum(np.nan_to_num(on_hand), 0),
        reorder_point=matrix(planned, "plan_date", "reorder_point"),
        daily_demand=matrix(planned, "plan_date", "daily_demand"),
        expected=matrix(planned, "plan_date", "expected"),
        pack=matrix(planned, "plan_date", "pack", 1.0),
        lead=np.maximum(np.ceil(lead), 1).astype(int),
    )


def _dates(values: Any) -> Iterator[date]:
    for value in values:
        yield value.date() if hasattr(value, "date") else value


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
