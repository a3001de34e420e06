"""The tables of demand with their columns, and what is asked of them."""

from collections.abc import Mapping

from retail_assets.resources.weekly_tables import WEEK, Columns, WeeklyTables
from retail_assets.weekly_assets import ERROR, WARN, Check

SCHEMA = "mart_demand"
SERIES = f"{SCHEMA}.demand_series"
"""What there is to be forecast: a dbt model."""
FORECASTS, MODELS, ACCURACY = "demand_forecast", "demand_model", "forecast_accuracy"
REPLAY = "replenishment_replay"

HORIZON = 13
"""Weeks ahead that are forecast."""
QUANTILES = (0.5, 0.9, 0.95)
EVERYTHING = "(all)"
"""Stands for all categories together in the record."""

_CATEGORY: Columns = {"category": ("varchar", "The products' category, as last known.")}


def percent(quantile: float) -> str:
    """A quantile as columns and sentences name it."""
    return f"{quantile * 100:.0f}"


_PERCENT = {quantile: percent(quantile) for quantile in QUANTILES}


def quantile_column(quantile: float) -> str:
    """The name of a quantile's column."""
    return f"quantile_{percent(quantile)}"


COLUMNS: Mapping[str, Columns] = {
    FORECASTS: {
        **WEEK,
        "product_key": ("varchar", "The product, in wh_dim_product."),
        "location_key": (
            "varchar",
            "The distribution center, in wh_dim_location; the unknown member for a product that no inventory"
            " has on record: then it is what is sold at all places.",
        ),
        "weeks_ahead": ("integer", "1 for the week after, to 13."),
        "target_week": ("date", "Monday of the week that is forecast."),
        **_CATEGORY,
        "method": ("varchar", "How the mean is made, as demand_model says of the category."),
        "expected_quantity": ("decimal(38, 6)", "Pieces expected in the week, if stock is there: the mean."),
        **{
            quantile_column(quantile): (
                "decimal(38, 6)",
                f"Pieces that suffice in {percent} of 100 such weeks.",
            )
            for quantile, percent in _PERCENT.items()
        },
        "spread": (
            "decimal(18, 6)",
            "How far errors of the category spread: their variance is m + spread * m * m about a mean m.",
        ),
        "seasonal_naive": (
            "decimal(38, 6)",
            "The plainest forecast: the pieces of the same week a year before, or else of the last week that"
            " is known.",
        ),
        "naive_error": (
            "decimal(38, 6)",
            "By how many pieces a week differed from the one before it, on average over the year until then:"
            " what MASE is measured by; null without two weeks in a row.",
        ),
    },
    MODELS: {
        **WEEK,
        **_CATEGORY,
        "method": (
            "varchar",
            "'seasonal naive', or what was better than it on the past: 'smoothing' of the level by some"
            " weight, 'seasonal smoothing', which adds what the weeks did a year before, 'intermittent', or"
            " 'boosting', one model over all series.",
        ),
        "beats_seasonal_naive": (
            "boolean",
            "Whether the method was better than seasonal naive; null where the past does not tell.",
        ),
        "reason": ("varchar", "Why this method, in words."),
        "series": ("bigint", "Products times centers that are forecast."),
        "tested": ("bigint", "Weeks of them that the methods were tried on."),
        "model": ("varchar", "All parameters and errors as JSON, with fingerprint and versions."),
    },
    ACCURACY: {
        **WEEK,
        "category": ("varchar", f"The products' category as forecast then; '{EVERYTHING}' for all of them."),
        "weeks_ahead": ("integer", "How many weeks before the week the forecast was made."),
        "predicted_week": ("date", "Monday of the week that the forecast is of."),
        "series": ("bigint", "Products times centers that were forecast, with stock on some day."),
        "quantity": ("decimal(38, 6)", "Pieces that left on the days with stock."),
        "expected_quantity": ("decimal(38, 6)", "Pieces that were expected on these days."),
        "wape": ("decimal(18, 6)", "Sum of absolute errors, of the pieces; null if there were none."),
        "bias": ("decimal(18, 6)", "Pieces expected less those that left, of the latter."),
        "mase": (
            "decimal(18, 6)",
            "Sum of absolute errors, of what weeks differed from the one before: below 1 is better than to"
            " say 'as last week'.",
        ),
        "pinball": (
            "decimal(18, 6)",
            "Mean pinball loss of the three quantiles, of the pieces; weeks with stock on all days alone.",
        ),
        "whole_weeks": ("bigint", "Of the series, those with stock on all days."),
        **{
            f"covered_{percent}": (
                "decimal(9, 6)",
                f"Share of these with no more pieces than the quantile of {percent} of 100.",
            )
            for percent in _PERCENT.values()
        },
        **{
            f"below_{percent}": (
                "decimal(9, 6)",
                f"Share with fewer. Pieces are whole, so {percent} of 100 lie between this and the other.",
            )
            for percent in _PERCENT.values()
        },
        "naive_wape": ("decimal(18, 6)", "wape of seasonal naive."),
        "naive_pinball": ("decimal(18, 6)", "pinball of seasonal naive: the same for every quantile."),
        "beats_seasonal_naive": ("boolean", "Whether wape is below that of seasonal naive."),
        "verdict": ("varchar", "The same in words, with both figures."),
    },
    REPLAY: {
        **WEEK,
        "location_key": (
            "varchar", f"The distribution center, in wh_dim_location; '{EVERYTHING}' for all of them."
        ),
        "first_date": ("date", "The first day that is played: of 13 weeks, or of as many as have plans."),
        "days": ("integer", "Days that are played."),
        "series": ("bigint", "Products times centers with plans."),
        "demand": ("decimal(38, 4)", "Pieces that left on these days: the replay is asked for them too."),
        "stock_done": ("decimal(38, 4)", "Pieces in stock at the end of a day, on average, as it was."),
        "stock_planned": ("decimal(38, 4)", "The same if the plan had been followed from the first day on."),
        "value_done": ("decimal(38, 4)", "stock_done at cost."),
        "value_planned": ("decimal(38, 4)", "stock_planned at cost."),
        "stock_outs_done": ("bigint", "Days of products that ended with nothing in stock."),
        "stock_outs_planned": ("bigint", "The same in the replay."),
        "missed_planned": ("decimal(38, 4)", "Pieces that were asked for and not in stock in the replay."),
        "fill_rate_planned": ("decimal(9, 6)", "Share of the pieces that were in stock in the replay."),
        "orders_planned": ("bigint", "Orders that the plan places."),
        "is_better": (
            "boolean",
            "Whether the replay has less stock with no more stock-outs, or as much with fewer.",
        ),
        "verdict": ("varchar", "The same in words, with both figures."),
    },
}  # fmt: skip

TABLES = WeeklyTables(SCHEMA, COLUMNS)
table = TABLES.table

CHECKS = {
    "every_series_is_forecast": Check(
        FORECASTS, ERROR, "What is on record and not discontinued has one forecast for each of 13 weeks."
    ),
    "forecasts_are_sound": Check(
        FORECASTS, ERROR, "No forecast is missing or below 0, and quantiles do not cross."
    ),
    "methods_are_told": Check(MODELS, ERROR, "Every category has a method with a reason."),
    "beats_seasonal_naive": Check(
        ACCURACY,
        WARN,
        "Over all products, forecasts of the four weeks before are no worse than seasonal naive.",
    ),
    "plan_is_better": Check(
        REPLAY,
        WARN,
        "Over all centers, the plan would have needed no more stock, or had fewer stock-outs.",
    ),
    "quantiles_cover": Check(
        ACCURACY,
        WARN,
        "Over all products and 13 weeks, the quantiles of one to four weeks ahead cover what they say, within"
        " 5 points.",
    ),
}
