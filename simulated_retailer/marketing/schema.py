"""The marketing system's tables."""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from simulated_retailer.engine.table_layout import DAY, INT, MONEY, WHEN, System, Text, layout

_MODIFIED = "modified_at"
_NAME, _LONG, _CODE, _SHARE = Text(60), Text(255), Text(25), pa.decimal128(5, 4)
_table = partial(layout, _MODIFIED)

MARKETING = System(
    "marketing",
    _MODIFIED,
    {
        "media_channels": _table(
            "media_channel_id",
            media_channel_id=INT,
            media_channel_name=_NAME,
            channel_type=_CODE,
            description=_LONG,
        ),
        "campaigns": _table(
            "campaign_id",
            campaign_id=INT,
            campaign_name=_LONG,
            media_channel_id=INT,
            audience_segment_id=INT,
            offer_id=INT,
            start_date=DAY,
            end_date=DAY,
            budget=MONEY,
        ),
        "campaign_performance": _table(
            "performance_date campaign_id",
            performance_date=DAY,
            campaign_id=INT,
            spend=MONEY,
            impressions=INT,
            reach=INT,
            clicks=INT,
            conversions=INT,
        ),
        "campaign_touches": _table(
            "touch_id",
            touch_id=INT,
            touched_at=WHEN,
            consumer_email=_LONG,
            campaign_id=INT,
            touch_type=_CODE,
        ),
        "offers": _table(
            "offer_id",
            offer_id=INT,
            offer_name=_NAME,
            offer_code=_CODE,
            discount_pct=_SHARE,
            valid_from=DAY,
            valid_to=DAY,
            terms=_LONG,
            max_usage=INT,
            country=_NAME,
            special_offer_id=INT,
        ),
        "offer_redemptions": _table(
            "redemption_id",
            redemption_id=INT,
            redeemed_at=WHEN,
            offer_id=INT,
            order_system=_CODE,
            order_id=INT,
            consumer_email=_LONG,
            discount_amount=MONEY,
        ),
        "audience_segments": _table(
            "audience_segment_id",
            audience_segment_id=INT,
            segment_name=_NAME,
            description=_LONG,
            criteria=_LONG,
        ),
        "audience_members": _table(
            "audience_segment_id consumer_email",
            audience_segment_id=INT,
            consumer_email=_LONG,
            added_at=WHEN,
            removed_at=WHEN,
        ),
    },
    indexed=("campaign_performance", "campaign_touches", "offer_redemptions", "audience_members"),
)
