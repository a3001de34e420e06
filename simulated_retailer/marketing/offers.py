"""Marketing's offers: the ERP's special offers for consumers, the web shop's codes, and redemptions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Ints, pick
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.timestamps import DAY, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.erp.offers import NO_OFFER, OFFERS, offer_days
from simulated_retailer.erp.products import LINES
from simulated_retailer.erp.sales_order_tables import order_numbers
from simulated_retailer.erp.simulation import Erp
from simulated_retailer.marketing.schema import MARKETING
from simulated_retailer.population.contact_details import as_typed
from simulated_retailer.population.geography import COUNTRIES
from simulated_retailer.population.people import People
from simulated_retailer.sales import CHANNELS, Sales
from simulated_retailer.webshop.offers import WEB_OFFERS, web_offer_days
from simulated_retailer.webshop.simulation import Webshop

_ANNOUNCED_BEFORE = 21 * DAY
_FOR_PEOPLE = [position for position, offer in enumerate(OFFERS) if offer.category == "Customer"]


@dataclass(frozen=True)
class MarketingOffers:
    """One value per offer, in order of offer_id: first the ERP's, then the web shop's."""

    number: Ints
    """offer_id."""
    names: list[str]
    first: Ints
    """Number of its first day ..."""
    after: Ints
    """... and of the day after its last."""

    @property
    def runs(self) -> Ints:
        """The positions of those that run at all in the simulated days."""
        return np.flatnonzero(self.after > self.first)


def list_offers(period: Period) -> MarketingOffers:
    """The offers that people can use."""
    erp_first, erp_after = (days[_FOR_PEOPLE] for days in offer_days(period))
    web_first, web_after = web_offer_days(period)
    names = [OFFERS[position].description for position in _FOR_PEOPLE]
    names += [offer.name for offer in WEB_OFFERS]
    return MarketingOffers(
        np.arange(len(names)) + 1,
        names,
        np.concatenate([erp_first, web_first]),
        np.concatenate([erp_after, web_after]),
    )


def offer_table(period: Period, offers: MarketingOffers, shop: Webshop) -> pa.Table:
    """offers, announced three weeks before they start; their days are both included."""
    runs = offers.runs
    rows = [_erp_terms(position) for position in _FOR_PEOPLE]
    rows += [_web_terms(position, shop) for position in range(len(WEB_OFFERS))]
    which = versions(period.midnight(offers.first[runs]) - _ANNOUNCED_BEFORE, end=period.end)
    first_day = period.begin // DAY
    columns = {name: pa.array([rows[row][name] for row in runs]) for name in rows[0]}
    return version_table(
        MARKETING,
        "offers",
        which,
        {
            "offer_id": offers.number[runs],
            "offer_name": pa.array([offers.names[row] for row in runs]),
            "valid_from": first_day + offers.first[runs],
            "valid_to": first_day + offers.after[runs] - 1,
            **columns,
            "discount_pct": np.array([rows[row]["discount_pct"] for row in runs], dtype=np.int64) * 100,
        },
    )


_Terms = dict[str, str | int | None]


def _erp_terms(position: int) -> _Terms:
    offer = OFFERS[position]
    names = ", ".join(line.name for line in LINES if line.code in offer.lines)
    return {
        "offer_code": None,
        "discount_pct": offer.percent,
        "terms": f"{offer.percent} % off {names}, in shops and by order.",
        "max_usage": None,
        "country": None,
        "special_offer_id": NO_OFFER + 1 + position,
    }


def _web_terms(position: int, shop: Webshop) -> _Terms:
    offer = WEB_OFFERS[position]
    used = int(np.count_nonzero(shop.orders.offer == position))
    return {
        "offer_code": offer.code,
        "discount_pct": offer.percent,
        "terms": f"{offer.percent} % off {', '.join(offer.categories)} in the web shop, once per order.",
        "max_usage": used if offer.capped else None,
        "country": None if offer.country is None else COUNTRIES[offer.country],
        "special_offer_id": None,
    }


def marketing_offer_truth(offers: MarketingOffers, shop: Webshop) -> pa.Table:
    """One row per offer that runs: its system, planted uplift, and expected extra pieces (web shop only)."""
    erp = pa.Table.from_pylist(
        [{"uplift": OFFERS[position].uplift} for position in _FOR_PEOPLE], schema=shop.offers.schema
    )
    size = len(_FOR_PEOPLE)
    table = pa.concat_tables([erp, shop.offers])
    special = [NO_OFFER + 1 + position for position in _FOR_PEOPLE] + [None] * len(WEB_OFFERS)
    table = table.add_column(0, "offer_id", pa.array(offers.number))
    system = [CHANNELS[0]] * size + [CHANNELS[1]] * len(WEB_OFFERS)
    table = table.add_column(1, "order_system", pa.array(system))
    return table.add_column(2, "special_offer_id", pa.array(special, pa.int64())).take(pa.array(offers.runs))


def redemption_table(
    period: Period,
    people: People,
    erp: Erp,
    shop: Webshop,
    sales: Sales,
    seed: int,
) -> pa.Table:
    """offer_redemptions, numbered in order of time; the discount is the order's when it was placed."""
    sale, offer, discount = (
        np.concatenate(column) for column in zip(_in_erp(erp, sales), _in_webshop(shop, sales), strict=True)
    )
    in_order = np.argsort(sales.placed[sale], kind="stable")
    sale, offer, discount = sale[in_order], offer[in_order], discount[in_order]
    moment = sales.placed[sale]
    typed = as_typed(people.email.take(pa.array(sales.person[sale])), random_stream(seed, "redemptions"))
    return version_table(
        MARKETING,
        "offer_redemptions",
        versions(moment, end=period.end),
        {
            "redemption_id": np.arange(len(sale)) + 1,
            "redeemed_at": moment,
            "offer_id": offer + 1,
            "order_system": pick(CHANNELS, sales.channel[sale]),
            "order_id": sales.number[sale],
            "consumer_email": pc.if_else(
                pa.array(sales.has_email[sale]), typed, pa.scalar(None, pa.string())
            ),
            "discount_amount": discount,
        },
    )


def _in_erp(erp: Erp, sales: Sales) -> tuple[Ints, Ints, Ints]:
    """Sale, offer (position) and discount in units of 0.0001, of the ERP's orders under an offer."""
    lines, order_faults = erp.lines, erp.order_faults
    position = np.full(NO_OFFER + 1 + len(OFFERS), -1)
    position[NO_OFFER + 1 + np.array(_FOR_PEOPLE)] = np.arange(len(_FOR_PEOPLE))
    offer = position[lines.offer]
    line = np.flatnonzero((offer >= 0) & ~order_faults.zero_quantity)
    cell, of_line = np.unique(lines.order[line] * len(OFFERS) + offer[line], return_inverse=True)
    saved = (lines.price[line] * lines.percent[line] * lines.quantity[line] + 50) // 100
    discount = np.zeros(len(cell), dtype=np.int64)
    np.add.at(discount, of_line, saved)
    sale = sales.order_of(0, order_numbers(erp.orders)[cell // len(OFFERS)])
    mine = sale >= 0
    return sale[mine], (cell % len(OFFERS))[mine], discount[mine]


def _in_webshop(shop: Webshop, sales: Sales) -> tuple[Ints, Ints, Ints]:
    """The same, of the web shop's orders."""
    orders, items = shop.orders, shop.items
    order = np.flatnonzero(orders.offer >= 0)
    saved = np.zeros(len(orders.placed), dtype=np.int64)
    np.add.at(saved, items.order, (items.retail - items.sale) * 100)
    return sales.order_of(1, orders.number[order]), len(_FOR_PEOPLE) + orders.offer[order], saved[order]
