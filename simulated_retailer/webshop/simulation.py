"""What happens in the web shop: users, its catalogue, offers, and orders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.erp.products import Products
from simulated_retailer.population.people import People
from simulated_retailer.webshop.catalogue import Catalogue, generate_catalogue
from simulated_retailer.webshop.demand import expected_web_demand, shoppers_of
from simulated_retailer.webshop.orders import WebItems, WebOrders, place_web_orders
from simulated_retailer.webshop.users import Users, choose_users


@dataclass(frozen=True)
class Webshop:
    """Everything that happens in the web shop."""

    users: Users
    catalogue: Catalogue
    orders: WebOrders
    items: WebItems
    offers: pa.Table
    """The truth on its offers."""

    def user_of_person(self, people: int) -> Ints:
        """The id of each person, 0 for people who are not users."""
        number = np.zeros(people, dtype=np.int64)
        number[self.users.person] = self.users.number
        return number


def simulate_webshop(period: Period, people: People, products: Products, seed: int) -> Webshop:
    """Users, catalogue and orders of the web shop."""
    users = choose_users(people)
    catalogue = generate_catalogue(period, products, seed)
    shoppers = shoppers_of(period, people, users)
    demand, offers = expected_web_demand(period, catalogue, shoppers)
    orders, items = place_web_orders(period, shoppers, catalogue, demand, seed)
    return Webshop(users, catalogue, orders, items, offers)
