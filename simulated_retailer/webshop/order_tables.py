"""The web shop's tables on orders: orders and order_items."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints, label
from simulated_retailer.engine.timestamps import NEVER, Period
from simulated_retailer.engine.versions import Versions, version_table, versions
from simulated_retailer.population.people import People
from simulated_retailer.webshop.catalogue import Catalogue
from simulated_retailer.webshop.inventory_items import Pieces
from simulated_retailer.webshop.orders import WebItems, WebOrders
from simulated_retailer.webshop.schema import WEBSHOP
from simulated_retailer.webshop.users import Users, gender_of

_STATUSES = ("Processing", "Shipped", "Complete", "Returned", "Cancelled")
_CANCELLED = 4


def order_table(period: Period, people: People, users: Users, orders: WebOrders) -> pa.Table:
    """orders; the status of one that came back in part is Returned."""
    which = versions(
        orders.placed, orders.cancelled, orders.shipped, orders.delivered, orders.returned, end=period.end
    )
    return version_table(
        WEBSHOP,
        "orders",
        which,
        {
            "order_id": which.of(orders.number),
            "user_id": which.of(users.number[orders.user]),
            "gender": which.of(gender_of(people, users.person[orders.user])),
            "num_of_item": which.of(orders.size),
            **_status_columns(which, orders, np.arange(len(orders.placed)), orders.returned),
        },
    )


def item_table(
    period: Period, catalogue: Catalogue, users: Users, orders: WebOrders, items: WebItems, pieces: Pieces
) -> pa.Table:
    """order_items: one row per piece."""
    order = items.order
    which = versions(
        orders.placed[order],
        orders.cancelled[order],
        orders.shipped[order],
        orders.delivered[order],
        items.returned,
        end=period.end,
    )
    return version_table(
        WEBSHOP,
        "order_items",
        which,
        {
            "id": which.of(items.number),
            "order_id": which.of(orders.number[order]),
            "user_id": which.of(users.number[orders.user[order]]),
            "product_id": which.of(catalogue.number[items.product]),
            "inventory_item_id": which.of(pieces.of_item),
            "sale_price": which.of(items.sale),
            **_status_columns(which, orders, order, items.returned),
        },
    )


def _status_columns(which: Versions, orders: WebOrders, order: Ints, returned: Ints) -> dict[str, object]:
    """Status and time stamps of rows that belong to these orders, one value per version."""
    steps = {
        "shipped_at": orders.shipped[order],
        "delivered_at": orders.delivered[order],
        "returned_at": returned,
    }
    done = {name: which.after(moment) for name, moment in steps.items()}
    status = np.sum(list(done.values()), axis=0)
    status = np.where(which.after(orders.cancelled[order]), _CANCELLED, status)
    stamps = {name: np.where(done[name], which.of(moment), NEVER) for name, moment in steps.items()}
    return {"status": label(_STATUSES, status), "created_at": which.of(orders.placed[order]), **stamps}
