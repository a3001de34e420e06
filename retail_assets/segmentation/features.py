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


# What orders look like, which shows from the first one on, counts most; what moves from week to
# week with every order counts little, so that consumers stay where they belong. What only says how long or
# how much so far describes segments and makes none.
HABIT, LEANING, MOMENT, DESCRIBES = 2.0, 0.5, 0.25, 0.0

NUMBERS = (
    Number(
        "products_per_order",
        "buys many different products at once",
        "buys few different products at once",
        "mixed-basket",
        "few-products",
        HABIT,
        log=True,
    ),
    Number(
        "pieces_per_product",
        "buys several of each",
        "buys few of each",
        "stock-up",
        "few-pieces",
        HABIT,
        log=True,
    ),
    Number("orders_last_year", "buys often", "buys seldom", "frequent", "occasional", LEANING, log=True),
    Number(
        "average_basket",
        "fills large baskets",
        "buys little at a time",
        "big-basket",
        "small-basket",
        LEANING,
        log=True,
    ),
    Number("return_rate", "returns much", "returns little", "return-prone", "few-returns", LEANING),
    Number("discount_share", "buys at a discount", "pays full price", "bargain", "full-price", LEANING),
    Number("reseller_share", "buys for resale", "buys for own use", "reseller", "private", MOMENT),
    Number(
        "webshop_share", "is mostly in the web shop", "is seldom in the web shop", "web", "non-web", MOMENT
    ),
    Number(
        "category_concentration",
        "keeps to one category",
        "buys across categories",
        "specialist",
        "all-round",
        MOMENT,
    ),
    Number("margin_rate", "brings high margins", "brings low margins", "high-margin", "low-margin", MOMENT),
    Number("recency_days", "has not bought for long", "bought lately", "lapsing", "recent", MOMENT, log=True),
    Number("email_engagement", "reads e-mail", "ignores e-mail", "e-mail", "no-e-mail", MOMENT, log=True),
    Number("web_sessions", "visits often", "seldom visits", "browsing", "offline", MOMENT, log=True),
    Number("interactions_last_year", "contacts service", "is quiet", "talkative", "quiet", MOMENT, log=True),
    Number("lifetime_value", "spent much", "spent little", "valuable", "low-value", DESCRIBES, log=True),
    Number(
        "lifetime_value_decayed",
        "spends much of late",
        "spends little of late",
        "active",
        "fading",
        DESCRIBES,
        log=True,
    ),
    Number("order_frequency", "is busy", "is slow", "busy", "slow", DESCRIBES, log=True),
    Number("tenure_days", "is a customer for long", "is new", "long-standing", "new", DESCRIBES, log=True),
    Number("loyalty_points", "holds many points", "holds few points", "points", "no-points", DESCRIBES),
    Number("distribution_center_km", "lives remote", "lives near", "remote", "near", DESCRIBES, log=True),
    Number("age", "is older", "is younger", "older", "younger", DESCRIBES),
)
CATEGORIES = (Category("top_category", MOMENT), Category("country", DESCRIBES))


def clustering_numbers() -> tuple[Number, ...]:
    """The numbers that take part in distances."""
    return tuple(each for each in NUMBERS if each.weight)


def clustering_categories() -> tuple[Category, ...]:
    """The categories that take part in distances."""
    return tuple(each for each in CATEGORIES if each.weight)
