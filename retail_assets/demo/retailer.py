"""The simulation from end to end: from a seed to everything that its ERP ever held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from retail_assets.demo.books import detail_table, header_table, line_numbers, order_numbers
from retail_assets.demo.clock import Ints, Period
from retail_assets.demo.customers import consumer_truth, customer_tables, invent_customers
from retail_assets.demo.demand import expect
from retail_assets.demo.faults import (
    OrderFaults,
    ReturnFaults,
    choose_order_faults,
    choose_return_faults,
    fault_truth,
)
from retail_assets.demo.fulfilment import take_course
from retail_assets.demo.geography import geography_tables
from retail_assets.demo.offers import offer_tables, offer_truth
from retail_assets.demo.orders import place_orders
from retail_assets.demo.products import companion_truth, invent_products, product_tables
from retail_assets.demo.returns import return_table, take_returns


@dataclass(frozen=True)
class Retailer:
    """A retailer's ERP over all of its simulated days.

    `versions` has, for each of the ERP's tables, one row per version of each row: the ERP's
    columns and `_until`. A version is what the row looks like from its ModifiedDate on and
    before `_until` (null: it is current). `truth` has what a pipeline must find again:

    - consumers: one row per customer, with persona, churn, true name and e-mail address
    - offers: the planted uplift of each special offer
    - companions: which product pulls which other, and how likely
    - faults: table, key (JSON) and reason of each wrong row
    """

    start: date
    days: int
    seed: int
    versions: Mapping[str, pa.Table]
    truth: Mapping[str, pa.Table]


def simulate(*, consumers: int = 2000, days: int = 365, seed: int = 7, start: date) -> Retailer:
    """Simulate the days `[start, start + days)`, UTC, with `consumers` people and their stores.

    Same arguments, same result. What would happen after the last day does not happen.
    Raises ValueError when there is nobody or no day to simulate.
    """
    if consumers < 1 or days < 1:
        raise ValueError(f"A simulation needs at least 1 consumer and 1 day, not {consumers} and {days}.")
    period = Period(start, days)
    who = invent_customers(period, consumers, seed)
    what = invent_products(period, seed)
    orders, lines = place_orders(period, who, what, expect(period, who, what), seed)
    wrong = choose_order_faults(orders, lines, seed)
    course = take_course(period, orders, lines, wrong, seed)
    returns = take_returns(period, who, orders, lines, course, wrong, seed)
    wrong_returns = choose_return_faults(len(lines.order), returns.untouched, seed)

    line_keys = (order_numbers(orders)[lines.order], line_numbers(lines))
    return Retailer(
        start,
        days,
        seed,
        versions={
            **geography_tables(period, seed),
            **customer_tables(period, who, seed),
            **product_tables(period, what, seed),
            **offer_tables(period, what, seed),
            "SalesOrderHeader": header_table(period, who, orders, lines, course, wrong, seed),
            "SalesOrderDetail": detail_table(period, what, orders, lines, course, wrong),
            "SalesReturn": return_table(period, returns, lines, line_keys, wrong_returns),
        },
        truth={
            "consumers": consumer_truth(who, seed),
            "offers": offer_truth(),
            "companions": companion_truth(what),
            "faults": _faults(line_keys, order_numbers(orders), returns.number, wrong, wrong_returns),
        },
    )


def _faults(
    lines: tuple[Ints, Ints],
    orders: Ints,
    returns: Ints,
    wrong: OrderFaults,
    wrong_returns: ReturnFaults,
) -> pa.Table:
    def detail(which: np.ndarray) -> dict[str, Ints]:
        return {"SalesOrderID": lines[0][which], "SalesOrderDetailID": lines[1][which]}

    return fault_truth(
        [
            ("SalesOrderDetail", "quantity is zero", detail(wrong.zero_quantity)),
            ("SalesOrderDetail", "quantity is negative", detail(wrong.negative_quantity)),
            (
                "SalesOrderHeader",
                "customer is missing",
                {"SalesOrderID": orders[wrong.without_customer]},
            ),
            (
                "SalesReturn",
                "quantity is zero",
                {"SalesReturnID": returns[wrong_returns.zero_quantity]},
            ),
            (
                "SalesReturn",
                "return date is missing",
                {"SalesReturnID": returns[wrong_returns.without_date]},
            ),
        ]
    )
