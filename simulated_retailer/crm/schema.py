"""The CRM's tables."""

from __future__ import annotations

from functools import partial

from simulated_retailer.engine.table_layout import BIT, DAY, DEGREES, INT, WHEN, System, Text, layout

_MODIFIED = "modified_at"
_NAME, _LONG, _CODE = Text(60), Text(120), Text(25)
_table = partial(layout, _MODIFIED)

CRM = System(
    "crm",
    _MODIFIED,
    {
        "consumers": _table(
            "consumer_id",
            consumer_id=INT,
            consumer_name=_LONG,
            consumer_email=_LONG,
            phone_number=_CODE,
            date_of_birth=DAY,
            gender=_CODE,
            address=_LONG,
            city=_NAME,
            state=_NAME,
            country=_NAME,
            latitude=DEGREES,
            longitude=DEGREES,
            loyalty_points=INT,
            marketing_opt_in=BIT,
            created_at=WHEN,
        ),
        "touchpoints": _table(
            "touchpoint_id", touchpoint_id=INT, touchpoint_name=_NAME, touchpoint_type=_CODE
        ),
        "interactions": _table(
            "interaction_id",
            interaction_id=INT,
            interaction_at=WHEN,
            consumer_id=INT,
            touchpoint_id=INT,
            interaction_type=_CODE,
            resolution_status=_CODE,
            resolved_at=WHEN,
            satisfaction_score=INT,
            comments=Text(255),
        ),
        "loyalty_activities": _table(
            "loyalty_activity_id",
            loyalty_activity_id=INT,
            activity_at=WHEN,
            consumer_id=INT,
            activity_type=_CODE,
            points_earned=INT,
            points_redeemed=INT,
            order_reference=_CODE,
        ),
    },
    indexed=("consumers", "interactions", "loyalty_activities"),
)
