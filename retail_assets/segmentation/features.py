"""The features that segments are made of: how each enters the model, and what a person calls it.

What a feature means and when it is missing stands in the YAML of `customer_segmentation_features`.
"""

from dataclasses import dataclass

FEATURES_TABLE = "mart_segmentation.customer_segmentation_features"

# Who is clustered. Whoever has never bought is a segment by rule: there is nothing to tell them apart by.
HAS_PURCHASED = "recency_days is not null"
NO_PURCHASE = 0
NO_PURCHASE_NAME = "No purchase yet"


@dataclass(frozen=True)
class Number:
    """A number, and what it is called where it is far above or below the average.

    `much` and `little` go into sentences, `much_name` and `little_name` into the names of segments.
    `weight` is its part in distances, 0 for one that only describes. `log`: it is spread over orders of
    magnitude, so that its logarithm is compared.
    """

    name: str
    much: str
    little: str
    much_name: str
    little_name: str
    weight: float = 1.0
    log: bool = False


@dataclass(frozen=True)
class Category:
    """A word out of a list. `weight` is its part in distances, 0 for one that only describes."""

    name: str
    weight: float = 1.0


NUMBERS = (
    Number("orders_last_year", "buys often", "buys seldom", "frequent", "occasional", log=True),
    Number("recency_days", "has not bought for long", "bought lately", "lapsing", "recent", log=True),
    Number(
        "average_basket",
        "fills large baskets",
        "buys little at a time",
        "big-basket",
        "small-basket",
        log=True,
    ),
    Number("return_rate", "returns much", "returns little", "return-prone", "few-returns"),
    Number("discount_share", "buys at a discount", "pays full price", "bargain", "full-price"),
    Number(
        "category_concentration",
        "keeps to one category",
        "buys across categories",
        "specialist",
        "all-round",
        0.5,
    ),
    Number("margin_rate", "brings high margins", "brings low margins", "high-margin", "low-margin", 0.5),
    Number(
        "webshop_share", "is mostly in the web shop", "is seldom in the web shop", "web shop", "store", 0.5
    ),
    Number(
        "reseller_share",
        "buys through resellers",
        "does not buy through resellers",
        "reseller",
        "direct",
        0.5,
    ),
    Number("email_engagement", "reads e-mail", "ignores e-mail", "e-mail", "no-e-mail", 0.5, log=True),
    Number(
        "web_sessions",
        "visits the web shop often",
        "seldom visits the web shop",
        "browsing",
        "offline",
        0.5,
        log=True,
    ),
    Number(
        "interactions_last_year",
        "contacts service",
        "seldom contacts service",
        "talkative",
        "quiet",
        0.25,
        log=True,
    ),
    Number("lifetime_value", "has spent much", "has spent little", "valuable", "low-value", 0, log=True),
    Number(
        "lifetime_value_decayed",
        "spends much of late",
        "spends little of late",
        "active",
        "fading",
        0,
        log=True,
    ),
    Number(
        "order_frequency",
        "orders often for its time here",
        "orders seldom for its time here",
        "busy",
        "slow",
        0,
        log=True,
    ),
    Number("tenure_days", "is a customer for long", "is new", "long-standing", "new", 0, log=True),
    Number("loyalty_points", "holds many points", "holds few points", "points", "no-points", 0),
    Number(
        "distribution_center_km",
        "lives far from a distribution center",
        "lives near one",
        "remote",
        "near",
        0,
        log=True,
    ),
    Number("age", "is older", "is younger", "older", "younger", 0),
)
CATEGORIES = (Category("top_category", 0.75), Category("country", 0.0))


def clustering_numbers() -> tuple[Number, ...]:
    """The numbers that take part in distances."""
    return tuple(each for each in NUMBERS if each.weight)


def clustering_categories() -> tuple[Category, ...]:
    """The categories that take part in distances."""
    return tuple(each for each in CATEGORIES if each.weight)
