"""The tables of prices with their columns, and what is asked of them."""

from collections.abc import Mapping

from retail_assets.resources.weekly_tables import WEEK, Columns, WeeklyTables
from retail_assets.weekly_assets import ERROR, WARN, Check

SCHEMA = "mart_prices"
CALENDAR = f"{SCHEMA}.offer_calendar"
"""Which offers there are, and what was measured of them: a dbt model, where there is marketing."""
ELASTICITIES, MODELS = "price_elasticity", "price_model"
KINDS, PLAN, RECORD = "offer_kinds", "offer_plan", "offer_plan_record"
OF_OFFERS = frozenset({KINDS, PLAN, RECORD})
"""The tables that are made of the calendar."""

PRODUCT, CATEGORY, ALL = "product", "category", "all"
"""What a row is of."""
ESTIMATED = "estimated"
NEVER_MOVED = "price never moved"
MOVED_SELDOM = "price moved too seldom"
FEW_SALES = "too few sales"
ALONE = "nothing to compare with"
RESELLERS = "resellers only"

BY_DEPTH, BY_MEAN, BY_ELASTICITY = "what it takes off", "mean of past offers", "price elasticity"
"""How an offer's uplift is expected."""
AHEAD = "ahead"
PAID, LOST, OPEN, UNKNOWN_VERDICT = "paid", "did not pay", "not certain", "unknown"
WILL_PAY, WILL_LOSE = "expected to pay", "not expected to pay"
"""Verdicts."""

_SLOPE: Columns = {
    "elasticity": (
        "decimal(18, 6)",
        "By how many percent pieces change if the price rises by one percent; -2 is twice as many percent"
        " fewer. Null unless `status` is 'estimated'.",
    ),
    "elasticity_low": ("decimal(18, 6)", "Lower end of its 95% interval."),
    "elasticity_high": ("decimal(18, 6)", "Upper end of it; below 0 the price surely matters."),
    "standard_error": ("decimal(18, 6)", "Its standard error, robust within blocks of eight weeks."),
}
_DATA: Columns = {
    "products": ("bigint", "Products that the estimate is of."),
    "series": ("bigint", "Products times channels."),
    "weeks": ("bigint", "Weeks with a sale, over all series."),
}

_OFFER: Columns = {
    "offer_id": ("bigint", "The offer, in wh_dim_offers."),
    "offer_name": ("varchar", "Its name."),
    "sales_channel": ("varchar", "The channel that it is measured in: 'online' or 'webshop'."),
}


def _with_interval(name: str, type_: str, text: str) -> Columns:
    return {
        name: (type_, text),
        f"{name}_low": (type_, "Lower end of its 95% interval; null where it has none."),
        f"{name}_high": (type_, "Upper end of it."),
    }


COLUMNS: Mapping[str, Columns] = {
    ELASTICITIES: {
        **WEEK,
        "level": ("varchar", "'product', 'category', or 'all' for everything."),
        "product_key": ("varchar", "The product, in wh_dim_product; null on the other levels."),
        "category": ("varchar", "The category, as last known; null for everything."),
        "status": (
            "varchar",
            "'estimated', or why there is no estimate: 'price never moved' (by 1% or more), 'price moved too"
            " seldom', 'too few sales', 'nothing to compare with', 'resellers only'.",
        ),
        "explanation": ("varchar", "The same in words, with figures."),
        **_SLOPE,
        **_DATA,
        "quantity": ("decimal(38, 6)", "Pieces sold in these weeks."),
        "price_min": (
            "decimal(38, 6)",
            "The lowest price of a week: nothing is said of lower ones. Of products alone.",
        ),
        "price_max": ("decimal(38, 6)", "The highest price of a week. Of products alone."),
        "lowest_share": (
            "decimal(18, 6)",
            "The lowest price of a week, of the mean price of its series: 0.8 is a fifth off.",
        ),
        "highest_share": ("decimal(18, 6)", "The highest price of a week, of that mean."),
        "distinct_prices": ("bigint", "Different prices of weeks, to the percent."),
        "price_sd": ("decimal(18, 6)", "Standard deviation of the logarithm of the price in its series."),
        "moves": ("bigint", "Weeks in which a price changed by 1% or more; an estimate takes 2."),
        "blocks": (
            "decimal(18, 6)",
            "Blocks of eight weeks in which the price was another, weighted by how much; it takes 3.",
        ),
    },
    MODELS: {
        **WEEK,
        **_DATA,
        **_SLOPE,
        "model": ("varchar", "Settings, fingerprint of the data and versions, as JSON."),
    },
    KINDS: {
        **WEEK,
        "sales_channel": ("varchar", "The kind: offers that are measured in this channel."),
        "offers": ("bigint", "Settled offers: those whose 21 days after the last one are over."),
        "method": (
            "varchar",
            "How the next is expected: 'mean of past offers', or 'what it takes off' where that was better;"
            " null with too few.",
        ),
        "reason": ("varchar", "Why, in words."),
        **_with_interval("mean_uplift", "decimal(38, 6)", "What one like the mean of them would do."),
        **_with_interval("uplift_at_tenth", "decimal(38, 6)", "What 10% off would do, as these did."),
        "take_up": ("decimal(18, 6)", "Part of the discount that buyers took, of all measured pieces."),
        "tested": ("bigint", "Offers that both were tried on, each by those before it."),
        "own_error": ("decimal(18, 6)", "Mean error by what they take off, in the logarithm of uplift."),
        "mean_error": ("decimal(18, 6)", "The same of the mean of past offers."),
        "model": ("varchar", "Offers, trials, fingerprint and versions as JSON."),
    },
    PLAN: {
        **WEEK,
        **_OFFER,
        "state": ("varchar", "'over', 'running' or 'ahead' at the end of the week."),
        "discount_pct": ("decimal(18, 6)", "Share of the price that it takes off."),
        "valid_from": ("date", "Its first day."),
        "valid_to": ("date", "Its last day; null if it has none."),
        "verdict": (
            "varchar",
            "'paid', 'did not pay', 'not certain' or 'unknown'; of one ahead 'expected to pay', 'not expected"
            " to pay', 'not certain' or 'unknown'.",
        ),
        "explanation": ("varchar", "The same in words, with figures, or why it is not known."),
        "method": ("varchar", "How the uplift of one ahead is expected; null of what was measured."),
        **_with_interval("uplift", "decimal(38, 6)", "Times as many pieces as without it."),
        **_with_interval("quantity", "decimal(38, 6)", "Pieces while it runs: sold so far, or expected."),
        "quantity_without": ("decimal(38, 6)", "Pieces that would be sold without it."),
        **_with_interval("discount_cost", "decimal(38, 6)", "What it takes off all of them."),
        **_with_interval("margin", "decimal(38, 6)", "Margin of these pieces."),
        **_with_interval(
            "margin_uplift",
            "decimal(38, 6)",
            "Margin that it brings: that of the pieces that come more, less the discount on the others.",
        ),
        "mean_uplift": ("decimal(38, 6)", "The plainest expectation: the mean of past offers; of one ahead."),
        "mean_quantity": ("decimal(38, 6)", "Pieces at that uplift."),
        "mean_margin_uplift": ("decimal(38, 6)", "margin_uplift at that uplift."),
    },
    RECORD: {
        **WEEK,
        **_OFFER,
        "planned_week": ("date", "Monday of the last week before it began, whose plan is judged."),
        "method": ("varchar", "How its uplift was expected then."),
        **_with_interval("expected_quantity", "decimal(38, 6)", "Pieces that were expected."),
        "mean_quantity": ("decimal(38, 6)", "Pieces by the mean of past offers; null with too few of them."),
        "happened_quantity": ("decimal(38, 6)", "Pieces that were sold."),
        "is_within": ("boolean", "Whether that lies within the interval."),
        **_with_interval("expected_margin_uplift", "decimal(38, 6)", "Margin that it was expected to bring."),
        "mean_margin_uplift": ("decimal(38, 6)", "The same by the mean of past offers."),
        **_with_interval("happened_margin_uplift", "decimal(38, 6)", "Margin that it brought."),
        "is_nearer": (
            "boolean",
            "Whether the plan's pieces were nearer to what was sold than those by the mean of past offers;"
            " null where the plan was that mean.",
        ),
        "verdict": ("varchar", "The same in words."),
    },
}  # fmt: skip

TABLES = WeeklyTables(SCHEMA, COLUMNS)
table = TABLES.table

CHECKS = {
    "every_product_is_told": Check(
        ELASTICITIES, ERROR, "Every product that was sold in the 104 weeks has exactly one row."
    ),
    "elasticities_are_sound": Check(
        ELASTICITIES, ERROR, "There is an estimate where the status says so alone, within its interval."
    ),
    "dearer_sells_less": Check(
        ELASTICITIES, WARN, "No category surely sells more at higher prices: then something else did it."
    ),
    "settings_are_told": Check(MODELS, ERROR, "The week has one row, with a fingerprint of its data."),
    "methods_are_told": Check(KINDS, ERROR, "Every channel with offers has a row, with a reason."),
    "every_offer_is_told": Check(PLAN, ERROR, "Every offer of the calendar has one verdict, in words."),
    "expectations_are_sound": Check(
        PLAN, ERROR, "No expectation lies outside its interval, and no pieces are below 0."
    ),
    "plans_are_near": Check(
        RECORD,
        WARN,
        "Over all offers so far, plans are no further from what was sold than the mean of past offers.",
    ),
    "intervals_hold": Check(
        RECORD, WARN, "Of ten offers or more, what was sold lies within the interval of 80% or more."
    ),
}
