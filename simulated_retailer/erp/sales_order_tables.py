"""SalesOrderHeader and SalesOrderDetail, exact to the last digit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import DAY, NEVER, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.erp.customers import Customers, sales_person
from simulated_retailer.erp.faults import OrderFaults
from simulated_retailer.erp.fulfilment import Fulfilment
from simulated_retailer.erp.orders import Lines, Orders
from simulated_retailer.erp.products import Products
from simulated_retailer.erp.schema import ERP
from simulated_retailer.population.geography import TAX_OF_STATE, TERRITORY_NUMBERS, TERRITORY_OF_STATE

_FIRST_ORDER, _FIRST_LINE = 50_001, 120_001
_IN_PROCESS, _SHIPPED, _CANCELLED = 1, 5, 6
_PARCEL, _FREIGHT = 1, 5
_DAYS_TO_PAY = 12
_ONLINE_FREIGHT, _STORE_FREIGHT = 350, 220
"""Freight in hundredths of a per cent of SubTotal; none for orders in a shop."""


def order_numbers(orders: Orders) -> Ints:
    """SalesOrderID of every order."""
    return _FIRST_ORDER + np.arange(len(orders.placed))


def line_numbers(lines: Lines) -> Ints:
    """SalesOrderDetailID of every line."""
    return _FIRST_LINE + np.arange(len(lines.order))


def detail_table(
    period: Period,
    products: Products,
    orders: Orders,
    lines: Lines,
    fulfilment: Fulfilment,
    faults: OrderFaults,
) -> pa.Table:
    """SalesOrderDetail. LineTotal is computed from the row's quantity, right or wrong."""
    which = versions(
        orders.placed[lines.order], fulfilment.line_changed, removed=fulfilment.line_removed, end=period.end
    )
    quantity = np.where(
        which.after(fulfilment.line_changed),
        which.of(fulfilment.right_quantity),
        which.of(faults.quantity(lines.quantity)),
    )
    price, percent = which.of(lines.price), which.of(lines.percent)
    return version_table(
        ERP,
        "SalesOrderDetail",
        which,
        {
            "SalesOrderID": which.of(order_numbers(orders)[lines.order]),
            "SalesOrderDetailID": which.of(line_numbers(lines)),
            "OrderQty": quantity,
            "ProductID": which.of(products.number[lines.product]),
            "SpecialOfferID": which.of(lines.offer),
            "UnitPrice": price,
            "UnitPriceDiscount": percent * 100,
            "LineTotal": price * (100 - percent) * quantity,
        },
    )


def header_table(
    period: Period,
    customers: Customers,
    orders: Orders,
    lines: Lines,
    fulfilment: Fulfilment,
    faults: OrderFaults,
    seed: int,
) -> pa.Table:
    """SalesOrderHeader. Its amounts are those of right lines, even where a line is wrong."""
    which = versions(orders.placed, fulfilment.fulfilled, fulfilment.corrected, end=period.end)
    done, corrected = which.after(fulfilment.fulfilled), which.after(fulfilment.corrected)
    cancelled, from_store = which.of(fulfilment.cancelled), which.of(orders.from_store)
    territory = which.of(TERRITORY_OF_STATE[orders.state])
    customer = np.ma.masked_array(customers.number[orders.customer], mask=faults.without_customer)
    placed, right_date = which.of(orders.placed), which.of(fulfilment.right_date)
    return version_table(
        ERP,
        "SalesOrderHeader",
        which,
        {
            "SalesOrderID": which.of(order_numbers(orders)),
            "OrderDate": np.where(corrected, right_date, placed),
            "DueDate": placed + _DAYS_TO_PAY * DAY,
            "ShipDate": np.where(done & ~cancelled, which.of(fulfilment.fulfilled), NEVER),
            "Status": np.where(done, np.where(cancelled, _CANCELLED, _SHIPPED), _IN_PROCESS),
            "OnlineOrderFlag": which.of(orders.online),
            "PurchaseOrderNumber": which.of(_purchase_orders(orders, seed)),
            "CustomerID": which.of(customer),
            "SalesPersonID": np.ma.masked_array(sales_person(territory), mask=~from_store),
            "TerritoryID": TERRITORY_NUMBERS[territory],
            "ShipMethodID": np.where(from_store, _FREIGHT, _PARCEL),
            **_amounts(orders, _sub_total(orders, lines, fulfilment, which.row, corrected), which.row),
        },
    )


def _purchase_orders(orders: Orders, seed: int) -> pa.Array:
    """PurchaseOrderNumber: stores' orders have one, consumers' have none."""
    number = random_stream(seed, "purchase orders").integers(10**9, 10**10, len(orders.placed))
    text = pc.binary_join_element_wise("PO", pa.array(number).cast(pa.string()), "")
    return pc.if_else(pa.array(orders.from_store), text, pa.scalar(None, pa.string()))


def _sub_total(
    orders: Orders, lines: Lines, fulfilment: Fulfilment, order: Ints, corrected: np.ndarray
) -> Ints:
    """SubTotal of each header version, in units of 0.0001, rounded half up."""
    placed_with = lines.total(lines.quantity)
    changed = np.where(fulfilment.line_changed != NEVER, lines.total(fulfilment.right_quantity), placed_with)
    right = np.where(fulfilment.line_removed != NEVER, 0, changed)
    before, after = (_by_order(orders, totals) for totals in (placed_with, right))
    return (np.where(corrected, after[order], before[order]) + 50) // 100


def _by_order(orders: Orders, amounts: Ints) -> Ints:
    """Sums over each order's lines."""
    running = np.concatenate([[0], amounts.cumsum()])
    sums: Ints = running[orders.first_line + orders.size] - running[orders.first_line]
    return sums


def _amounts(orders: Orders, sub_total: Ints, order: Ints) -> dict[str, Ints]:
    """The four amounts of a header, in units of 0.0001; rates are in hundredths of a per cent."""
    freight_rate = np.where(orders.from_store, _STORE_FREIGHT, np.where(orders.online, _ONLINE_FREIGHT, 0))
    tax = (sub_total * TAX_OF_STATE[orders.state][order] + 5_000) // 10_000
    freight = (sub_total * freight_rate[order] + 5_000) // 10_000
    return {
        "SubTotal": sub_total,
        "TaxAmt": tax,
        "Freight": freight,
        "TotalDue": sub_total + tax + freight,
    }
