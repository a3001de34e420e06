"""The ERP from end to end: its customers, products, orders and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from simulated_retailer.engine.faults import Fault
from simulated_retailer.engine.timestamps import Flags, Ints, Period
from simulated_retailer.erp.customers import (
    Customers,
    Persons,
    consumer_truth,
    customer_tables,
    invent_customers,
    invent_persons,
)
from simulated_retailer.erp.demand import expect
from simulated_retailer.erp.faults import (
    OrderFaults,
    ReturnFaults,
    choose_order_faults,
    choose_return_faults,
)
from simulated_retailer.erp.fulfilment import Course, take_course
from simulated_retailer.erp.geography_tables import geography_tables
from simulated_retailer.erp.offers import offer_tables, offer_truth
from simulated_retailer.erp.orders import Lines, Orders, place_orders
from simulated_retailer.erp.products import Products, companion_truth, invent_products, product_tables
from simulated_retailer.erp.returns import Returns, return_table, take_returns
from simulated_retailer.erp.sales_order_tables import detail_table, header_table, line_numbers, order_numbers


@dataclass(frozen=True)
class Erp:
    """Everything that happens in the ERP."""

    who: Customers
    persons: Persons
    what: Products
    orders: Orders
    lines: Lines
    wrong: OrderFaults
    course: Course
    returns: Returns
    wrong_returns: ReturnFaults

    @property
    def line_keys(self) -> tuple[Ints, Ints]:
        """SalesOrderID and SalesOrderDetailID of every line."""
        return order_numbers(self.orders)[self.lines.order], line_numbers(self.lines)


def run_erp(period: Period, consumers: int, seed: int) -> Erp:
    """The ERP of `consumers` people and their stores."""
    who = invent_customers(period, consumers, seed)
    what = invent_products(period, seed)
    orders, lines = place_orders(period, who, what, expect(period, who, what), seed)
    wrong = choose_order_faults(orders, lines, seed)
    course = take_course(period, orders, lines, wrong, seed)
    returns = take_returns(period, who, orders, lines, course, wrong, seed)
    wrong_returns = choose_return_faults(len(lines.order), returns.untouched, seed)
    persons = invent_persons(who, seed)
    return Erp(who, persons, what, orders, lines, wrong, course, returns, wrong_returns)


def erp_tables(period: Period, erp: Erp, seed: int) -> dict[str, pa.Table]:
    """The versions of all of its tables."""
    orders, lines, course = erp.orders, erp.lines, erp.course
    return {
        **geography_tables(period, seed),
        **customer_tables(period, erp.who, erp.persons, seed),
        **product_tables(period, erp.what, seed),
        **offer_tables(period, erp.what, seed),
        "SalesOrderHeader": header_table(period, erp.who, orders, lines, course, erp.wrong, seed),
        "SalesOrderDetail": detail_table(period, erp.what, orders, lines, course, erp.wrong),
        "SalesReturn": return_table(period, erp.returns, lines, erp.line_keys, erp.wrong_returns),
    }


def erp_truths(erp: Erp) -> dict[str, pa.Table]:
    """consumers, offers and companions."""
    return {
        "consumers": consumer_truth(erp.who, erp.persons),
        "offers": offer_truth(),
        "companions": companion_truth(erp.what),
    }


def erp_faults(erp: Erp) -> list[Fault]:
    """The wrong values in it."""
    orders, returns = order_numbers(erp.orders), erp.returns.number

    def details(which: Flags) -> dict[str, Ints]:
        numbers, lines = erp.line_keys
        return {"SalesOrderID": numbers[which], "SalesOrderDetailID": lines[which]}

    def fault(table: str, reason: str, keys: dict[str, Ints]) -> Fault:
        return Fault("erp", table, reason, {name: key.tolist() for name, key in keys.items()})

    return [
        fault("SalesOrderDetail", "quantity is zero", details(erp.wrong.zero_quantity)),
        fault("SalesOrderDetail", "quantity is negative", details(erp.wrong.negative_quantity)),
        fault(
            "SalesOrderHeader", "customer is missing", {"SalesOrderID": orders[erp.wrong.without_customer]}
        ),
        fault("SalesReturn", "quantity is zero", {"SalesReturnID": returns[erp.wrong_returns.zero_quantity]}),
        fault(
            "SalesReturn",
            "return date is missing",
            {"SalesReturnID": returns[erp.wrong_returns.without_date]},
        ),
    ]
