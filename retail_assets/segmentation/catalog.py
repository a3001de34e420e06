"""The tables of segments with their columns, and what is asked of them: what Dagster shows before any run."""

from collections.abc import Mapping

from retail_assets.resources.sql import monday as monday
from retail_assets.resources.weekly_tables import WEEK, Columns, WeeklyTables
from retail_assets.segmentation.features import NUMBERS

SCHEMA = "mart_segmentation"
MODELS, SEGMENTS, PROFILES = "segmentation_model", "customer_segments", "segment_profiles"

COLUMNS: Mapping[str, Columns] = {
    MODELS: {
        **WEEK,
        "trained_week": ("date", "The week whose features the model was trained on."),
        "is_trained": ("boolean", "Whether that was this week; else it was scored with last week's model."),
        "reason": ("varchar", "Why the week was retrained; null if it was not."),
        "segments": ("integer", "How many segments the model tells apart."),
        "silhouette": ("decimal(9, 6)", "How well this week's consumers are told apart; -1 to 1."),
        "strangers": ("decimal(9, 6)", "Share of consumers farther from every centre than 99% in training."),
        "largest_drift": ("decimal(18, 6)", "Largest population stability index of a clustered feature."),
        "events": ("varchar", "Segments born, died and split this week, in words; null if there are none."),
        "model": ("varchar", "The model as JSON; the week can be scored again from it exactly."),
    },
    SEGMENTS: {
        **WEEK,
        "consumer_key": ("varchar", "The consumer."),
        "segment": ("integer", "The segment; 0 for who has never bought. A number stays the same people's."),
        "distance": ("decimal(18, 6)", "Distance to the centre, in standard deviations; null in 0."),
        "confidence": ("decimal(9, 6)", "1 at the centre, 0 halfway to the next centre; null in segment 0."),
        "previous_segment": ("integer", "The segment in the week before; null for who was in none."),
    },
    PROFILES: {
        **WEEK,
        "segment": ("integer", "The segment."),
        "segment_name": ("varchar", "Its name, generated from what sets it apart."),
        "description": ("varchar", "What sets it apart from all who have bought, in plain words."),
        "suggested_action": ("varchar", "What marketing may do."),
        "consumers": ("bigint", "Consumers in it."),
        "consumer_share": ("decimal(9, 6)", "Their share of all consumers."),
        "revenue_last_year": ("decimal(38, 6)", "Net amount that they bought for in the last year."),
        "revenue_share": ("decimal(9, 6)", "Its share of all; null if nothing was bought."),
        "margin_last_year": ("decimal(38, 6)", "Margin of these purchases."),
        "margin_share": ("decimal(9, 6)", "Its share of all; null if there is no margin."),
        "stayed": ("bigint", "Consumers who were in it last week too."),
        "came": ("bigint", "Consumers who were in another segment last week."),
        "new_consumers": ("bigint", "Consumers who were in no segment last week."),
        "gone": ("bigint", "Consumers of last week who are in another segment now, or not there any more."),
        "migration": ("varchar", "Where they came from and went to, in words; null if nobody moved."),
        "top_category": ("varchar", "The category that most of them buy most of."),
        "top_category_share": ("decimal(9, 6)", "Share of them for whom it is."),
        **{each.name: ("decimal(18, 4)", f"Average {each.name} of its consumers.") for each in NUMBERS},
    },
}  # fmt: skip


TABLES = WeeklyTables(SCHEMA, COLUMNS)
table = TABLES.table

CHECKS = {
    "model_rebuilds": (MODELS, "The stored text of the model assigns consumers as the warehouse did."),
    "silhouette": (MODELS, "The segments keep consumers apart: the silhouette is above its floor."),
    "feature_drift": (MODELS, "No feature that is clustered has moved since the training week (PSI)."),
    "one_segment_each": (SEGMENTS, "Every consumer of the week's features has exactly one segment."),
    "segment_sizes": (SEGMENTS, "No segment is below the floor or above the ceiling of shares."),
    "changed_segment": (SEGMENTS, "Not too many consumers are in another segment than last week."),
    "profiles_add_up": (PROFILES, "Profiles have all consumers, shares sum to 1, and names differ."),
}
"""Of each check its asset and what it asks; how bad a miss is stands in thresholds.py."""
