"""The tables of lifetime value with their columns, and what is asked of them."""

from collections.abc import Mapping

from retail_assets.resources.weekly_tables import WEEK, Columns, WeeklyTables
from retail_assets.weekly_assets import ERROR, WARN, Check

SCHEMA = "mart_lifetime_value"
PURCHASES = f"{SCHEMA}.customer_purchases"
"""What the models read: a dbt model."""
MODELS, VALUES, CALIBRATION = "lifetime_value_model", "customer_lifetime_value", "value_calibration"

HORIZONS = (4, 13, 52)
"""Weeks ahead."""
RECORD = 13
"""Weeks after which a prediction is held against what happened."""
COVERAGE = 0.8
"""Part of the cases in which what happens is within the interval."""

ALL = "all"
"""The cohort of a whole population, which those have that are too small for parameters of their own."""


def _ahead(weeks: int) -> Columns:
    span = f"in the {weeks} weeks after this one"
    return {
        f"expected_orders_{weeks}_weeks": ("decimal(18, 6)", f"Purchases (days) expected {span}."),
        f"orders_low_{weeks}_weeks": ("integer", "Least of their interval, which holds in 80% of the cases."),
        f"orders_high_{weeks}_weeks": ("integer", "Most of it."),
        f"expected_margin_{weeks}_weeks": (
            "decimal(38, 6)",
            f"Margin expected {span}, after returns: expected purchases times expected margin each.",
        ),
        f"margin_low_{weeks}_weeks": (
            "decimal(38, 6)",
            "The lesser end of the interval of purchases times the expected margin each; what a purchase"
            " brings is taken as expected.",
        ),
        f"margin_high_{weeks}_weeks": ("decimal(38, 6)", "The same of the greater end."),
    }


_POPULATION: Columns = {
    "population": ("varchar", "'person' or 'reseller'; the two are never fitted together."),
}

COLUMNS: Mapping[str, Columns] = {
    MODELS: {
        **WEEK,
        **_POPULATION,
        "cohort": ("varchar", "Channel of the first purchase, or 'all' for the population as a whole."),
        "customers": ("bigint", "Customers in it."),
        "repeaters": ("bigint", "Those of them who bought on more than one day."),
        "purchases_from": ("varchar", "Cohort whose purchasing parameters it has; null if there are none."),
        "margins_from": ("varchar", "Cohort whose margin parameters it has; null if there are none."),
        "reason": ("varchar", "Why it has none of its own, in words; null if it has both."),
        "log_likelihood": ("decimal(38, 6)", "Of the purchases, by its own parameters; null without."),
        "margin_correlation": (
            "decimal(9, 6)",
            "Between how often customers buy and what a purchase brings, which the model takes to be 0; null"
            " without parameters of its own.",
        ),
        "model": ("varchar", "Parameters, fingerprint of the data and versions, as JSON."),
    },
    VALUES: {
        **WEEK,
        "consumer_key": ("varchar", "The consumer."),
        **_POPULATION,
        "cohort": ("varchar", "Channel of the first purchase."),
        "first_purchase_date": ("date", "Day of the first purchase."),
        "last_purchase_date": ("date", "Day of the newest purchase."),
        "orders": ("integer", "Days with a purchase so far."),
        "revenue_to_date": ("decimal(38, 6)", "Net amount so far, after returns."),
        "margin_to_date": ("decimal(38, 6)", "Margin so far, after returns; null where no cost is known."),
        "alive_probability": (
            "decimal(9, 6)",
            "Probability that the consumer still buys; by the model 1 for who has bought once. Null without"
            " parameters.",
        ),
        "purchase_probability_52_weeks": (
            "decimal(9, 6)",
            "Probability of a purchase in the next 52 weeks; null without parameters.",
        ),
        "churn_risk": (
            "varchar",
            "By that probability: 'low' from 0.7 on, 'high' below 0.3, else 'medium'; 'unknown' without it.",
        ),
        "expected_margin_per_order": (
            "decimal(38, 6)",
            "Margin expected of a purchase, after returns: the consumer's own mean, drawn to the cohort's by"
            " how few purchases there are. Null without parameters.",
        ),
        **{name: column for weeks in HORIZONS for name, column in _ahead(weeks).items()},
        "own_rate_orders_13_weeks": (
            "decimal(18, 6)",
            "The plainest forecast, which predictions are measured by: purchases after the first, per week"
            " since the first, times 13.",
        ),
        "own_rate_margin_13_weeks": (
            "decimal(38, 6)",
            "The same times the consumer's own mean margin of later purchases; null where that is not known.",
        ),
    },
    CALIBRATION: {
        **WEEK,
        **_POPULATION,
        "decile": ("integer", "1 for the tenth of whom most purchases were expected, to 10."),
        "predicted_week": ("date", "Monday of the week that the prediction is of: 13 weeks before."),
        "customers": ("bigint", "Customers in the decile, by the prediction."),
        "predicted_orders": ("decimal(18, 6)", "Purchases that were expected of them in the 13 weeks."),
        "own_rate_orders": ("decimal(18, 6)", "Purchases by each customer's own rate until then."),
        "happened_orders": ("bigint", "Purchases that happened, by day."),
        "predicted_margin": ("decimal(38, 6)", "Margin that was expected of who has one expected."),
        "own_rate_margin": ("decimal(38, 6)", "Margin by each customer's own rate and mean margin."),
        "happened_margin": ("decimal(38, 6)", "Margin that happened, after returns; unknown ones left out."),
        "mean_absolute_error": ("decimal(18, 6)", "Of the predicted purchases, per customer."),
        "own_rate_mean_absolute_error": ("decimal(18, 6)", "Of the own rate's, per customer."),
        "share_within_interval": (
            "decimal(9, 6)",
            "Share of customers whose purchases were within the interval; it is meant for 0.8 or more.",
        ),
        "beats_own_rate": (
            "boolean",
            "Whether the mean absolute error over all deciles of the population is below the own rate's.",
        ),
        "verdict": ("varchar", "The same in words: whether to use the prediction, with both errors."),
    },
}  # fmt: skip

TABLES = WeeklyTables(SCHEMA, COLUMNS)
table = TABLES.table

CHECKS = {
    "parameters_are_told": Check(
        MODELS,
        WARN,
        "Where there is data enough, it tells all parameters; else the reason is said.",
    ),
    "one_value_each": Check(VALUES, ERROR, "Every consumer who has bought has exactly one row."),
    "values_are_sound": Check(
        VALUES,
        ERROR,
        "No purchase is expected below 0, more are expected in more weeks, and none is missing.",
    ),
    "beats_own_rate": Check(
        CALIBRATION,
        WARN,
        "What was predicted 13 weeks ago is nearer to what happened than the own rate.",
    ),
    "calibrated": Check(
        CALIBRATION, WARN, "Purchases that happened are within 25% of those that were predicted."
    ),
}
