"""The table of what to order, with its columns, and what is asked of it."""

from collections.abc import Mapping

from retail_assets.demand.catalog import SCHEMA
from retail_assets.resources.weekly_tables import WEEK, Columns, WeeklyTables
from retail_assets.weekly_assets import ERROR, Check

PLAN = "replenishment_plan"

SERVICE = 0.9
"""Share of deliveries before which stock suffices."""
REVIEW_DAYS = 1
"""Days from one plan to the next."""
COVER_DAYS = 7
"""Days of demand that an order brings beside what it makes up for."""
SURPLUS_DAYS = 91
"""Stock for more days than this is too much: as far as demand is forecast."""
LEAD_YEARS_DAYS = 365
FEWEST_DELIVERIES = 5
"""Fewer say little of a lead time: then that of the supplier counts, or that of all."""
DEFAULT_LEAD = (14.0, 7.0)
"""Mean and deviation in days where nothing was ever delivered."""
OVERDUE_DAYS = 60
"""An order that is open for longer is not counted on."""
PACKS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 32, 36, 40, 48, 50, 60, 72, 96, 100, 120, 144)
"""Pack sizes that are looked for in past orders."""

COLUMNS: Mapping[str, Columns] = {
    PLAN: {
        **WEEK,
        "plan_date": ("date", "The retailer's day, as of whose end the plan is."),
        "product_key": ("varchar", "The product, in wh_dim_product."),
        "location_key": ("varchar", "The distribution center, in wh_dim_location."),
        "order_quantity": ("decimal(38, 4)", "Pieces to order, in whole packs; 0 if none."),
        "order_value": ("decimal(38, 4)", "The same at the day's unit cost; null where it is not known."),
        "reason": ("varchar", "Why so many, or why none, in words."),
        "on_hand": ("decimal(38, 4)", "Pieces in stock: the newest level of the last 28 days; not below 0."),
        "on_order": ("decimal(38, 4)", "Pieces of open purchase orders, those overdue by long left out."),
        "supplier": ("varchar", "Who supplied it last; null if nobody did."),
        "lead_days": ("decimal(9, 2)", "Days from order to receipt, their mean over the year before."),
        "lead_deviation": ("decimal(9, 2)", "Their standard deviation."),
        "expected_demand": (
            "decimal(38, 6)",
            "Pieces expected until an order of the next day is received: over lead_days and a day.",
        ),
        "reorder_point": (
            "decimal(38, 4)",
            f"Pieces that suffice for these days {SERVICE * 100:.0f} times of 100, lead times varying.",
        ),
        "safety_stock": ("decimal(38, 6)", "reorder_point less expected_demand."),
        "daily_demand": ("decimal(38, 6)", "Pieces expected a day, over the next four weeks."),
        "runs_out_date": (
            "date",
            "The day on which the pieces in stock are used up at this rate; null if nothing is expected.",
        ),
        "next_delivery": (
            "date",
            "When the first open order is to be received: as its supplier said, or else by lead_days.",
        ),
        "runs_out_before_delivery": (
            "boolean",
            "Whether stock is used up before the next delivery, or, without one, before an order would come.",
        ),
        "pack": ("integer", "Pieces that were only ordered together within a year; 1 if none are known."),
        "surplus_quantity": (
            "decimal(38, 4)",
            f"Pieces in stock beyond the demand of {SURPLUS_DAYS} days and the reorder point; 0 if none.",
        ),
        "transfer_from": (
            "varchar",
            "The center that has the most to spare of it, if this one is short; null if none has.",
        ),
        "transfer_quantity": ("decimal(38, 4)", "Pieces to bring from there instead of ordering them."),
    }
}  # fmt: skip

PLAN_TABLES = WeeklyTables(SCHEMA, COLUMNS)
PLAN_CHECKS = {
    "plan_is_sound": Check(
        PLAN,
        ERROR,
        "Every product and center has one row a day; no quantity is below 0, orders are in packs.",
    ),
    "what_runs_short_is_ordered": Check(
        PLAN, ERROR, "What is at its reorder point or below is ordered or brought, if its demand is not 0."
    ),
}
