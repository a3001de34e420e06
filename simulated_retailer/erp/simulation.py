"""What happens in the ERP: customers, products, orders, shipping, corrections, returns and faults."""

from __future__ import annotations

from dataclasses import dataclass

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.erp.customers import (
    Customers,
    Persons,
    generate_customers,
    generate_persons,
)
from simulated_retailer.erp.demand import expected_demand
from simulated_retailer.erp.faults import (
    OrderFaults,
    ReturnFaults,
    choose_order_faults,
    choose_return_faults,
)
from simulated_retailer.erp.fulfilment import Fulfilment, fulfil_orders
from simulated_retailer.erp.orders import Lines, Orders, place_orders
from simulated_retailer.erp.products import Products, generate_products
from simulated_retailer.erp.returns import Returns, generate_returns
from simulated_retailer.erp.sales_order_tables import line_numbers, order_numbers


@dataclass(frozen=True)
class Erp:
    """Everything that happens in the ERP."""

    customers: Customers
    persons: Persons
    products: Products
    orders: Orders
    lines: Lines
    order_faults: OrderFaults
    fulfilment: Fulfilment
    returns: Returns
    return_faults: ReturnFaults

    @property
    def line_keys(self) -> tuple[Ints, Ints]:
        """SalesOrderID and SalesOrderDetailID of every line."""
        return order_numbers(self.orders)[self.lines.order], line_numbers(self.lines)


def simulate_erp(period: Period, consumers: int, seed: int) -> Erp:
    """The ERP of `consumers` people and their stores."""
    customers = generate_customers(period, consumers, seed)
    products = generate_products(period, seed)
    orders, lines = place_orders(
        period, customers, products, expected_demand(period, customers, products), seed
    )
    order_faults = choose_order_faults(orders, lines, seed)
    fulfilment = fulfil_orders(period, orders, lines, order_faults, seed)
    returns = generate_returns(period, customers, orders, lines, fulfilment, order_faults, seed)
    return_faults = choose_return_faults(len(lines.order), returns.untouched, seed)
    persons = generate_persons(customers, seed)
    return Erp(customers, persons, products, orders, lines, order_faults, fulfilment, returns, return_faults)
