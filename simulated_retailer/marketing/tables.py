"""All tables of the marketing system, its truths, and the wrong rows in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.faults import Fault, Moved, Wrong, with_faults
from simulated_retailer.engine.timestamps import NEVER, Period
from simulated_retailer.erp.simulation import Erp
from simulated_retailer.marketing.attribution import attribution_truth, trace
from simulated_retailer.marketing.audiences import choose_members, member_table, segment_table
from simulated_retailer.marketing.campaigns import campaign_table, channel_table, plan_campaigns
from simulated_retailer.marketing.offers import (
    list_offers,
    marketing_offer_truth,
    offer_table,
    redemption_table,
)
from simulated_retailer.marketing.performance import performance_table
from simulated_retailer.marketing.schema import MARKETING
from simulated_retailer.marketing.touches import generate_touches, touch_table
from simulated_retailer.population.people import People
from simulated_retailer.population.subscriptions import Subscriptions
from simulated_retailer.sales import Sales
from simulated_retailer.webshop.simulation import Webshop

_NO_SUCH_OFFER = 999
_WRONG: dict[str, tuple[str, Sequence[Wrong]]] = {
    "campaign_performance": (
        "campaign_id",
        (Wrong("there are more clicks than impressions", "clicks", Moved("impressions", 5)),),
    ),
    "campaign_touches": (
        "touch_id",
        (
            Wrong("the touch type is unknown", "touch_type", "view"),
            Wrong("the touch names nobody", "consumer_email", None),
        ),
    ),
    "offer_redemptions": (
        "redemption_id",
        (
            Wrong("the redemption has no offer", "offer_id", None),
            Wrong("there is no such offer", "offer_id", _NO_SUCH_OFFER),
            Wrong("the discount is missing or negative", "discount_amount", -5),
        ),
    ),
}


def marketing_tables(
    period: Period,
    people: People,
    subscribed: Subscriptions,
    erp: Erp,
    shop: Webshop,
    sales: Sales,
    seed: int,
) -> tuple[dict[str, pa.Table], dict[str, pa.Table], list[Fault]]:
    """The versions of all of its tables, its truths, and the wrong rows in it."""
    offers = list_offers(period)
    members = choose_members(period, people, subscribed, seed)
    public = int(np.count_nonzero(subscribed.since != NEVER))
    campaigns = plan_campaigns(period, offers, public, seed)
    touches = generate_touches(period, campaigns, members, subscribed, sales, seed)
    paths = trace(sales, touches)
    tables = {
        "media_channels": channel_table(period),
        "campaigns": campaign_table(period, campaigns),
        "campaign_performance": performance_table(period, campaigns, touches, sales, paths, seed),
        "campaign_touches": touch_table(period, people, touches, campaigns, seed),
        "offers": offer_table(period, offers, shop),
        "offer_redemptions": redemption_table(period, people, erp, shop, sales, seed),
        "audience_segments": segment_table(period),
        "audience_members": member_table(period, people, members, seed),
    }
    truths = {
        "marketing_offers": marketing_offer_truth(offers, shop),
        "attribution": attribution_truth(sales, touches, campaigns, paths),
    }
    spoilt, faults = with_faults(MARKETING, tables, _WRONG, seed)
    return spoilt, truths, faults
