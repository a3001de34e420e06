"""Orders of both channels in one shape: what the CRM and marketing see of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.timestamps import DAY, NEVER, Period
from simulated_retailer.erp.sales_order_tables import order_numbers
from simulated_retailer.erp.simulation import Erp
from simulated_retailer.population.people import People
from simulated_retailer.webshop.simulation import Webshop

CHANNELS = ("erp", "webshop")
_ERP, _WEBSHOP = range(len(CHANNELS))
_LATE = 5 * DAY
"""Shipping that takes longer is late."""
_CENT = 10_000
"""A cent, in units of 0.000001."""


@dataclass(frozen=True)
class Sales:
    """One value per order of a known person; amounts in units of 0.000001, of right lines only."""

    channel: Ints
    """Position in CHANNELS."""
    number: Ints
    """The order's number in its system."""
    person: Ints
    placed: Ints
    dated: Ints
    """The order's date as its system has it at the end of the period."""
    shipped: Ints
    """NEVER if cancelled."""
    value: Ints
    """Of the lines when they were shipped."""
    revenue: Ints
    """Of the lines at the end of the period; nothing if cancelled by then."""
    has_email: Flags
    """Whether the system has the person's address."""

    @property
    def is_late(self) -> Flags:
        late: Flags = (self.shipped != NEVER) & (self.shipped - self.placed > _LATE)
        return late

    def order_of(self, channel: int, number: Ints) -> Ints:
        """The position here of each order, by its number; -1 if it is nobody's."""
        mine = np.flatnonzero(self.channel == channel)
        found = np.full(max(number.max(initial=0), self.number[mine].max(initial=0)) + 1, -1)
        found[self.number[mine]] = mine
        return found[number]


@dataclass(frozen=True)
class Refunds:
    """One value per return."""

    sale: Ints
    """Position among the sales."""
    returned: Ints
    amount: Ints
    """In units of 0.000001."""


def all_sales(period: Period, people: People, erp: Erp, shop: Webshop) -> tuple[Sales, Refunds]:
    """The orders of known people, the ERP's first, and what was returned of them within the period."""
    parts = (_erp_sales(period, people, erp), _webshop_sales(people, shop))
    sales = Sales(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Sales)))
    erp_back, webshop_back = _erp_refunds(erp, sales), _webshop_refunds(shop, sales)
    refunds = Refunds(
        *(np.concatenate([getattr(b, f.name) for b in (erp_back, webshop_back)]) for f in fields(Refunds))
    )
    within = (refunds.returned < period.end) & (refunds.sale >= 0)
    return sales, Refunds(refunds.sale[within], refunds.returned[within], refunds.amount[within])


def _erp_sales(period: Period, people: People, erp: Erp) -> Sales:
    orders, lines, fulfilment, order_faults = erp.orders, erp.lines, erp.fulfilment, erp.order_faults
    person_of_customer = np.full(len(erp.customers.persona), -1)
    known = np.flatnonzero(people.customer >= 0)
    person_of_customer[people.customer[known]] = known
    person = person_of_customer[orders.customer]
    fulfilled = fulfilment.fulfilled[lines.order]
    right = ~order_faults.zero_quantity

    def total(moment: Ints | int) -> Ints:
        quantity = np.where(fulfilment.line_changed <= moment, fulfilment.right_quantity, lines.quantity)
        there = right & (fulfilment.line_removed > moment)
        return _by_order(lines.order, np.where(there, lines.total(quantity), 0), len(person))

    last = period.end - 1
    is_cancelled = fulfilment.cancelled & (fulfilment.fulfilled <= last)
    mine = np.flatnonzero((person >= 0) & ~order_faults.without_customer)
    return Sales(
        channel=np.full(len(mine), _ERP),
        number=order_numbers(orders)[mine],
        person=person[mine],
        placed=orders.placed[mine],
        dated=np.where(fulfilment.corrected <= last, fulfilment.right_date, orders.placed)[mine],
        shipped=np.where(fulfilment.cancelled, NEVER, fulfilment.fulfilled)[mine],
        value=total(fulfilled)[mine],
        revenue=np.where(is_cancelled, 0, total(last))[mine],
        has_email=people.email_in_erp[person[mine]],
    )


def _webshop_sales(people: People, shop: Webshop) -> Sales:
    orders, items = shop.orders, shop.items
    person = shop.users.person[orders.user]
    value = _by_order(items.order, items.sale * _CENT, len(person))
    return Sales(
        channel=np.full(len(person), _WEBSHOP),
        number=orders.number,
        person=person,
        placed=orders.placed,
        dated=orders.placed,
        shipped=orders.shipped,
        value=value,
        revenue=np.where(orders.cancelled == NEVER, value, 0),
        has_email=people.email_in_webshop[person],
    )


def _erp_refunds(erp: Erp, sales: Sales) -> Refunds:
    back, lines = erp.returns, erp.lines
    number = order_numbers(erp.orders)[lines.order[back.line]]
    amount = lines.price[back.line] * (100 - lines.percent[back.line]) * back.quantity
    return Refunds(sales.order_of(_ERP, number), back.returned, amount)


def _webshop_refunds(shop: Webshop, sales: Sales) -> Refunds:
    orders, items = shop.orders, shop.items
    sale = np.where(items.returned != NEVER, items.sale * _CENT, 0)
    amount = _by_order(items.order, sale, len(orders.placed))
    back = np.flatnonzero(orders.returned != NEVER)
    return Refunds(sales.order_of(_WEBSHOP, orders.number[back]), orders.returned[back], amount[back])


def _by_order(order: Ints, amounts: Ints, orders: int) -> Ints:
    """Sums over each order's lines, which are adjacent."""
    running = np.concatenate([[0], amounts.cumsum()])
    size = np.bincount(order, minlength=orders)
    after = np.cumsum(size)
    sums: Ints = running[after] - running[after - size]
    return sums
