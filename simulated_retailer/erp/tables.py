"""All tables of the ERP, its truths, and the wrong values in it."""

from __future__ import annotations

import pyarrow as pa

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.faults import Fault
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.erp.customers import (
    consumer_truth,
    customer_tables,
)
from simulated_retailer.erp.geography_tables import geography_tables
from simulated_retailer.erp.offers import offer_tables, offer_truth
from simulated_retailer.erp.products import companion_truth, product_tables
from simulated_retailer.erp.returns import return_table
from simulated_retailer.erp.sales_order_tables import detail_table, header_table
from simulated_retailer.erp.simulation import Erp


def erp_tables(period: Period, erp: Erp, seed: int) -> dict[str, pa.Table]:
    """The versions of all of its tables."""
    orders, lines, fulfilment = erp.orders, erp.lines, erp.fulfilment
    return {
        **geography_tables(period, seed),
        **customer_tables(period, erp.customers, erp.persons, seed),
        **product_tables(period, erp.products, seed),
        **offer_tables(period, erp.products, seed),
        "SalesOrderHeader": header_table(
            period, erp.customers, orders, lines, fulfilment, erp.order_faults, seed
        ),
        "SalesOrderDetail": detail_table(period, erp.products, orders, lines, fulfilment, erp.order_faults),
        "SalesReturn": return_table(period, erp.returns, lines, erp.line_keys, erp.return_faults),
    }


def erp_truths(erp: Erp) -> dict[str, pa.Table]:
    """consumers, offers and companions."""
    return {
        "consumers": consumer_truth(erp.customers, erp.persons),
        "offers": offer_truth(),
        "companions": companion_truth(erp.products),
    }


def erp_faults(erp: Erp) -> list[Fault]:
    """The wrong values in it."""
    returns = erp.returns.number

    def details(which: Flags) -> dict[str, Ints]:
        numbers, lines = erp.line_keys
        return {"SalesOrderID": numbers[which], "SalesOrderDetailID": lines[which]}

    def fault(table: str, reason: str, keys: dict[str, Ints]) -> Fault:
        return Fault("erp", table, reason, {name: key.tolist() for name, key in keys.items()})

    return [
        fault("SalesOrderDetail", "quantity is zero", details(erp.order_faults.zero_quantity)),
        fault("SalesReturn", "quantity is zero", {"SalesReturnID": returns[erp.return_faults.zero_quantity]}),
        fault(
            "SalesReturn",
            "return date is missing",
            {"SalesReturnID": returns[erp.return_faults.without_date]},
        ),
    ]
