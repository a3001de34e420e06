"""All tables of the inventory system, the wrong rows in it, and the truth on stock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints, pick
from simulated_retailer.engine.faults import Fault, Moved, Wrong, with_faults
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.inventory.centers import CENTERS, center_table
from simulated_retailer.inventory.goods import Goods
from simulated_retailer.inventory.movements import TYPES, Movements
from simulated_retailer.inventory.schema import INVENTORY
from simulated_retailer.inventory.stock import Purchases, Stock

_STATUSES = ("ordered", "received", "partially received", "cancelled")
_ORDERED, _RECEIVED, _PARTIALLY, _CANCELLED = range(len(_STATUSES))
_WRONG: dict[str, tuple[str, Sequence[Wrong]]] = {
    "stock_movements": (
        "movement_id",
        (
            Wrong("the quantity is missing or 0", "quantity", 0),
            Wrong("the movement type is unknown", "movement_type", "lost"),
            Wrong("the movement names no product", "sku", None),
        ),
    ),
    "purchase_orders": (
        "purchase_order_id",
        (
            Wrong("the quantity ordered is missing or not above 0", "quantity_ordered", 0),
            Wrong("it was received before it was ordered", "received_date", Moved("order_date", -3)),
        ),
    ),
}


def inventory_tables(
    period: Period, goods: Goods, stock: Stock, seed: int
) -> tuple[dict[str, pa.Table], list[Fault]]:
    """The versions of all of its tables, and the wrong rows among them."""
    tables = {
        "distribution_centers": center_table(period),
        "stock_levels": _level_table(period, goods, stock),
        "stock_movements": _movement_table(period, goods, stock.movements),
        "purchase_orders": _purchase_table(period, goods, stock.purchases),
    }
    return with_faults(INVENTORY, tables, _WRONG, seed)


def stock_truth(period: Period, goods: Goods, stock: Stock) -> pa.Table:
    """One row per day, distribution center and product that it stocks: pieces at the end of the day."""
    day, place = _there(period, goods)
    return pa.table(
        {
            "date": pa.array((period.begin // DAY + day).astype(np.int32)).view(pa.date32()),
            "distribution_center_id": place % len(CENTERS) + 1,
            "sku": goods.sku.take(pa.array(place // len(CENTERS))),
            "quantity": stock.on_hand[day, place],
        }
    )


def _there(period: Period, goods: Goods) -> tuple[Ints, Ints]:
    """Day and place of every stock level, day by day."""
    first = np.repeat(np.clip(period.day_of(goods.sold_from), 0, period.days), len(CENTERS))
    is_there = goods.stocked.ravel() & (first <= np.arange(period.days)[:, None])
    day, place = np.nonzero(is_there)
    return day, place


def _level_table(period: Period, goods: Goods, stock: Stock) -> pa.Table:
    """stock_levels: counted in the last second of each day."""
    day, place = _there(period, goods)
    good = place // len(CENTERS)
    counted = period.midnight(day + 1) - SECOND
    return version_table(
        INVENTORY,
        "stock_levels",
        versions(counted, end=period.end),
        {
            "snapshot_date": period.begin // DAY + day,
            "distribution_center_id": place % len(CENTERS) + 1,
            "sku": goods.sku.take(pa.array(good)),
            "quantity_on_hand": stock.on_hand[day, place],
            "reorder_level": stock.reorder_level[place],
            "safety_stock": stock.safety[place],
            "unit_cost": goods.cost.at(good, counted),
        },
    )


def _movement_table(period: Period, goods: Goods, movements: Movements) -> pa.Table:
    """stock_movements, numbered in order of time; the quantity is signed."""
    in_order = np.argsort(movements.moved, kind="stable")
    place = movements.place[in_order]
    moved = movements.moved[in_order]
    return version_table(
        INVENTORY,
        "stock_movements",
        versions(moved, end=period.end),
        {
            "movement_id": np.arange(len(moved)) + 1,
            "moved_at": moved,
            "distribution_center_id": place % len(CENTERS) + 1,
            "sku": goods.sku.take(pa.array(place // len(CENTERS))),
            "movement_type": pick(TYPES, movements.kind[in_order]),
            "quantity": movements.quantity[in_order],
        },
    )


def _purchase_table(period: Period, goods: Goods, bought: Purchases) -> pa.Table:
    """purchase_orders, numbered in order of being placed."""
    which = versions(bought.ordered, bought.received, bought.cancelled, end=period.end)
    received, cancelled = which.after(bought.received), which.after(bought.cancelled)
    good, quantity = which.of(bought.place) // len(CENTERS), which.of(bought.quantity)
    came = which.of(bought.received_quantity)
    done = np.where(came < quantity, _PARTIALLY, _RECEIVED)
    status = np.where(received, done, np.where(cancelled, _CANCELLED, _ORDERED))
    first_day = period.begin // DAY
    return version_table(
        INVENTORY,
        "purchase_orders",
        which,
        {
            "purchase_order_id": which.row + 1,
            "sku": goods.sku.take(pa.array(good)),
            "supplier": goods.supplier.take(pa.array(good)),
            "distribution_center_id": which.of(bought.place) % len(CENTERS) + 1,
            "order_date": which.of(bought.ordered) // DAY,
            "quantity_ordered": quantity,
            "expected_date": first_day + which.of(bought.expected_day),
            "received_date": np.where(received, which.of(bought.received) // DAY, NEVER),
            "quantity_received": np.ma.masked_array(came, mask=~received),
            "unit_cost": goods.cost.at(good, which.of(bought.ordered)),
            "status": pick(_STATUSES, status),
        },
    )
