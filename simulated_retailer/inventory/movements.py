"""Movements of stock, and those that orders cause: pieces shipped and pieces returned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.timestamps import NEVER, Period
from simulated_retailer.erp.simulation import Erp
from simulated_retailer.inventory.centers import CENTER_OF_TERRITORY, CENTERS
from simulated_retailer.inventory.goods import Goods
from simulated_retailer.population.geography import TERRITORY_OF_STATE
from simulated_retailer.webshop.simulation import Webshop

TYPES = ("receipt", "sale", "return", "transfer_in", "transfer_out", "adjustment", "write_off")
RECEIPT, SALE, RETURN, TRANSFER_IN, TRANSFER_OUT, ADJUSTMENT, WRITE_OFF = range(len(TYPES))


@dataclass(frozen=True)
class Movements:
    """One value per movement, in no order."""

    moved: Ints
    place: Ints
    """Product and center: position in Goods * number of centers + position in CENTERS."""
    kind: Ints
    """Position in TYPES."""
    quantity: Ints
    """Added to the stock; negative when pieces leave."""

    @staticmethod
    def joined(*parts: Movements) -> Movements:
        return Movements(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("moved", "place", "kind", "quantity")
            )
        )

    def where(self, chosen: Flags) -> Movements:
        return Movements(self.moved[chosen], self.place[chosen], self.kind[chosen], self.quantity[chosen])


def movements_of(kind: int, moved: Ints, place: Ints, quantity: Ints) -> Movements:
    """Movements of one type, without those that never happen or move nothing."""
    chosen = (moved != NEVER) & (quantity != 0)
    size = np.count_nonzero(chosen)
    return Movements(moved[chosen], place[chosen], np.full(size, kind), quantity[chosen])


def order_movements(period: Period, erp: Erp, shop: Webshop, goods: Goods) -> Movements:
    """The movements of all orders of both channels within the period."""
    flows = Movements.joined(*_erp_movements(erp, goods), *_webshop_movements(shop, goods))
    return flows.where(flows.moved < period.end)


def _erp_movements(erp: Erp, goods: Goods) -> list[Movements]:
    """Sales have the quantities at the time of shipping; later corrections are adjustments."""
    orders, lines, fulfilment, returns = erp.orders, erp.lines, erp.fulfilment, erp.returns
    nearest = CENTER_OF_TERRITORY[TERRITORY_OF_STATE[orders.state]][lines.order]
    place = lines.product * len(CENTERS) + goods.center(lines.product, nearest)
    shipped = np.where(fulfilment.cancelled, NEVER, fulfilment.fulfilled)[lines.order]
    quantity = np.where(fulfilment.line_changed <= shipped, fulfilment.right_quantity, lines.quantity)
    quantity = np.where(fulfilment.line_removed <= shipped, 0, quantity)
    changed = np.where(fulfilment.line_changed > shipped, fulfilment.line_changed, NEVER)
    removed = np.where(fulfilment.line_removed > shipped, fulfilment.line_removed, NEVER)
    back = place[returns.line]
    return [
        movements_of(SALE, shipped, place, -quantity),
        movements_of(ADJUSTMENT, changed, place, lines.quantity - fulfilment.right_quantity),
        movements_of(ADJUSTMENT, removed, place, lines.quantity),
        movements_of(RETURN, returns.returned, back, returns.quantity),
        movements_of(ADJUSTMENT, returns.corrected, back, returns.right_quantity - returns.quantity),
    ]


def _webshop_movements(shop: Webshop, goods: Goods) -> list[Movements]:
    good = goods.of_catalogue[shop.items.product]
    place = good * len(CENTERS) + goods.home[good]
    one = np.ones(len(good), dtype=np.int64)
    return [
        movements_of(SALE, shop.orders.shipped[shop.items.order], place, -one),
        movements_of(RETURN, shop.items.returned, place, one),
    ]
