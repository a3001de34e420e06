"""The tables of recommendations with their columns, and what is asked of them."""

from collections.abc import Mapping

from retail_assets.resources.weekly_tables import WEEK, Columns, WeeklyTables
from retail_assets.weekly_assets import ERROR, WARN, Check

SCHEMA = "mart_recommendations"
AFFINITY, POPULARITY, SHORTAGES = (
    f"{SCHEMA}.{name}" for name in ("product_affinity", "product_popularity", "product_shortages")
)
"""What the lists are made of, beside the warehouse: dbt models."""
RECOMMENDATIONS, QUALITY = "product_recommendations", "recommendation_quality"

BUY_AGAIN, NEW = "buy again", "new to you"
FREQUENCY, BASELINE = "personal frequency", "popularity"
"""The plainest of all, and what is hard to beat in 'buy again': one's own decayed purchases alone."""
METHODS: Mapping[str, str] = {BUY_AGAIN: "frequency and popularity", NEW: "affinity"}
"""How each list is ranked."""

LENGTH = 10
"""Products in a list, at most."""
HALF_LIFE_DAYS = 180
"""Days after which a purchase counts half in a consumer's frequency."""
SEEDS = 20
"""Products of a consumer, at most, whose neighbours are looked at."""
NEIGHBOURS = 10
"""Neighbours of each of them, at most."""
SHARE_OF_AFFINITY = 0.5
"""How much of what a product alone would add counts: several of them say much the same."""
FEWEST_CONSUMERS = 2
"""Consumers who must have bought both of a pair: one alone tells nothing, and would be told of."""
POOL = 60
"""Popular products, at most, of which a list is filled up."""
RECORD = 1
"""Weeks after which a recommendation is held against what was bought."""

_LIST: Columns = {
    "list": ("varchar", "'buy again' (bought before) or 'new to you' (never bought)."),
}

COLUMNS: Mapping[str, Columns] = {
    RECOMMENDATIONS: {
        **WEEK,
        "consumer_key": ("varchar", "The consumer, in wh_dim_consumer."),
        "marketing_opt_in": (
            "boolean",
            "Whether the consumer agreed to marketing, as of the end of the week; false for who opted out,"
            " null where the CRM does not know the consumer.",
        ),
        **_LIST,
        "rank": ("integer", "1 for the first of the list, to 10."),
        "product_key": ("varchar", "What is recommended, in wh_dim_product."),
        "reason": ("varchar", "Why, in words, for the consumer to read."),
        "score": (
            "decimal(38, 6)",
            "What the list is ranked by: in 'buy again' the decayed number of purchases, times the recent"
            " baskets and 1; in 'new to you' the recent baskets, and those that affinity adds.",
        ),
        "purchases": ("integer", "Days on which the consumer bought it; null in 'new to you'."),
        "last_purchase_date": ("date", "The newest of them; null in 'new to you'."),
        "because_of_product_key": (
            "varchar",
            "The product of the consumer that speaks most for it; null in 'buy again', and where it is in"
            " the list because it is popular.",
        ),
        "consumers_of_both": ("bigint", "Consumers who bought both in a basket; null without such one."),
        "recent_baskets": ("bigint", "Baskets that it was in, in the 4 weeks that end with the week."),
    },
    QUALITY: {
        **WEEK,
        **_LIST,
        "method": (
            "varchar",
            "'frequency and popularity' or 'affinity', which the list is made by; or 'popularity', the"
            " plainest: the same products as may be in the list, the most popular first; or 'personal"
            " frequency', the same by the consumer's own decayed purchases alone.",
        ),
        "predicted_week": ("date", "Monday of the week that the lists are of: the week before."),
        "consumers": (
            "bigint",
            "Consumers who had bought by then and bought in the week what the list is about: something that"
            " they had bought before, or something new to them.",
        ),
        "hit_rate": ("decimal(9, 6)", "Share of them who bought at least one of the list's first ten."),
        "recall": ("decimal(9, 6)", "Share of what each bought that the first ten had; their mean."),
        "ndcg": (
            "decimal(9, 6)",
            "The same with places: a hit in place r counts 1 / log2(r + 1), of what the best order would"
            " count; mean over consumers.",
        ),
        "beats_popularity": (
            "boolean",
            "Whether the list's method has a greater NDCG than popularity.",
        ),
        "verdict": ("varchar", "The same in words, with both figures, and whether it may be chance."),
    },
}  # fmt: skip

TABLES = WeeklyTables(SCHEMA, COLUMNS)
table = TABLES.table

CHECKS = {
    "lists_are_sound": Check(
        RECOMMENDATIONS,
        ERROR,
        "Ranks are 1 to 10 without a gap, no product stands twice, 'buy again' has been bought and 'new to"
        " you' never.",
    ),
    "nothing_unfit": Check(
        RECOMMENDATIONS,
        ERROR,
        "Nothing is recommended that is discontinued, out of stock where the consumer is served, or was"
        " returned by the consumer; and nothing to somebody who is not known.",
    ),
    "buyers_have_lists": Check(
        RECOMMENDATIONS, WARN, "At least 90% of who has bought have something recommended."
    ),
    "beats_popularity": Check(
        QUALITY,
        WARN,
        "What was recommended a week ago is as near to what was bought as what is popular, but for chance.",
    ),
}
