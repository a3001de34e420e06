"""The simulation from end to end: from a seed to everything that the source systems ever held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from simulated_retailer.crm.consumers import choose_consumers
from simulated_retailer.crm.tables import crm_tables
from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.faults import fault_truth
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.erp.simulation import simulate_erp
from simulated_retailer.erp.tables import erp_faults, erp_tables, erp_truths
from simulated_retailer.inventory.goods import stock_goods
from simulated_retailer.inventory.movements import order_movements
from simulated_retailer.inventory.stock import simulate_stock
from simulated_retailer.inventory.tables import inventory_tables, stock_truth
from simulated_retailer.marketing.tables import marketing_tables
from simulated_retailer.population.people import People, generate_people, people_truth
from simulated_retailer.population.subscriptions import subscribe
from simulated_retailer.sales import all_sales
from simulated_retailer.webshop.catalogue import product_truth
from simulated_retailer.webshop.drops import drop_truth
from simulated_retailer.webshop.simulation import simulate_webshop
from simulated_retailer.webshop.tables import webshop_tables


@dataclass(frozen=True)
class Retailer:
    """A retailer's source systems over all of its simulated days.

    `versions` has, for each system ("erp", "webshop", "crm", "inventory", "marketing") and each
    of its tables, one row per version of each row: the table's columns and `_until`. A version is
    what the row looks like from its last change on (`ModifiedDate`, `modified_at`; in the web
    shop, which has no such column, `_since`) and before `_until` (null: it is current). `truth`
    has what a pipeline must find again:

    - people: one row per person, with persona, churn, and number and address in each system
    - consumers: one row per ERP customer, with persona, churn, true name and e-mail address
    - products: one row per product number, with its number in the ERP and in the web shop
    - offers: the planted uplift of each of the ERP's special offers
    - marketing_offers: the same of marketing's offers, with what each is expected to add
    - companions: which product of the ERP pulls which other, and how likely
    - attribution: what of which order's revenue is owed to which click, by two rules
    - stock: pieces at the end of each day, by distribution center and product
    - faults: system, table, key (JSON) and reason of each wrong row
    - drops: the web shop's drops with which something goes wrong
    """

    start: date
    days: int
    seed: int
    versions: Mapping[str, Mapping[str, pa.Table]]
    truth: Mapping[str, pa.Table]

    @property
    def period(self) -> Period:
        return Period(self.start, self.days)


def simulate(*, consumers: int = 2000, days: int = 365, seed: int = 7, start: date) -> Retailer:
    """Simulate the days `[start, start + days)`, UTC, with `consumers` people and their stores.

    They are the ERP's; the web shop and the CRM know some of them and a third as many others.
    Same arguments, same result. What would happen after the last day does not happen.
    Raises ValueError when there is nobody or no day to simulate.
    """
    if consumers < 1 or days < 1:
        raise ValueError(f"A simulation needs at least 1 consumer and 1 day, not {consumers} and {days}.")
    period = Period(start, days)
    erp = simulate_erp(period, consumers, seed)
    people = generate_people(period, erp.customers, erp.persons, seed)
    subscribed = subscribe(period, people, seed)
    shop = simulate_webshop(period, people, erp.products, seed)
    goods = stock_goods(erp.products, shop.catalogue, seed)
    stock = simulate_stock(period, goods, order_movements(period, erp, shop, goods), seed)
    consumer = choose_consumers(people)
    sales, refunds = all_sales(period, people, erp, shop)

    center = goods.home[goods.of_catalogue] + 1
    webshop, webshop_faults = webshop_tables(period, people, shop, center, seed)
    crm, crm_faults = crm_tables(period, people, consumer, subscribed, sales, refunds, seed)
    inventory, inventory_faults = inventory_tables(period, goods, stock, seed)
    marketing, marketing_truths, marketing_faults = marketing_tables(
        period, people, subscribed, erp, shop, sales, seed
    )
    faults = [*erp_faults(erp), *webshop_faults, *crm_faults, *inventory_faults, *marketing_faults]
    return Retailer(
        start,
        days,
        seed,
        versions={
            "erp": erp_tables(period, erp, seed),
            "webshop": webshop,
            "crm": crm,
            "inventory": inventory,
            "marketing": marketing,
        },
        truth={
            **erp_truths(erp),
            **marketing_truths,
            "people": people_truth(
                people,
                _customer_ids(people, erp.customers.number),
                shop.user_of_person(len(people.persona)),
                consumer.number_of_person(),
            ),
            "products": product_truth(erp.products, shop.catalogue),
            "stock": stock_truth(period, goods, stock),
            "faults": fault_truth(faults),
            "drops": drop_truth(period, webshop, webshop_faults, seed),
        },
    )


def _customer_ids(people: People, number: Ints) -> Ints:
    """CustomerID of each person, 0 for people who are not customers of the ERP."""
    return np.where(people.customer >= 0, number[people.customer], 0)
