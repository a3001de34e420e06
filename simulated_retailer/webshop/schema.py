"""The web shop's tables. None has a column for its last change."""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from simulated_retailer.engine.table_layout import DEGREES, INT, LABEL, SINCE, WHEN, System, Text, layout

PRICE = pa.decimal128(10, 2)
AMOUNT = pa.decimal128(12, 2)
_NAME, _LONG, _CODE = Text(60), Text(120), Text(25)
_table = partial(layout, SINCE)

WEBSHOP = System(
    "webshop",
    SINCE,
    {
        "users": _table(
            "id",
            id=INT,
            first_name=_NAME,
            last_name=_NAME,
            email=_LONG,
            age=INT,
            gender=_CODE,
            state=_NAME,
            street_address=_LONG,
            postal_code=_CODE,
            city=_NAME,
            country=_NAME,
            latitude=DEGREES,
            longitude=DEGREES,
            traffic_source=_CODE,
            created_at=WHEN,
        ),
        "orders": _table(
            "order_id",
            order_id=INT,
            user_id=INT,
            status=LABEL,
            gender=LABEL,
            created_at=WHEN,
            returned_at=WHEN,
            shipped_at=WHEN,
            delivered_at=WHEN,
            num_of_item=INT,
        ),
        "order_items": _table(
            "id",
            id=INT,
            order_id=INT,
            user_id=INT,
            product_id=INT,
            inventory_item_id=INT,
            status=LABEL,
            created_at=WHEN,
            shipped_at=WHEN,
            delivered_at=WHEN,
            returned_at=WHEN,
            sale_price=PRICE,
        ),
        "payments": _table(
            "payment_id", payment_id=INT, order_id=INT, paid_at=WHEN, kind=LABEL, amount=AMOUNT
        ),
        "products": _table(
            "id",
            id=INT,
            cost=PRICE,
            category=_NAME,
            name=_LONG,
            brand=_NAME,
            retail_price=PRICE,
            department=_NAME,
            sku=_CODE,
            distribution_center_id=INT,
        ),
        "inventory_items": _table(
            "id",
            id=INT,
            product_id=INT,
            created_at=WHEN,
            sold_at=WHEN,
            cost=PRICE,
            product_category=LABEL,
            product_name=LABEL,
            product_brand=LABEL,
            product_retail_price=PRICE,
            product_department=LABEL,
            product_sku=LABEL,
            product_distribution_center_id=INT,
        ),
        "distribution_centers": _table("id", id=INT, name=_LONG, latitude=DEGREES, longitude=DEGREES),
        "events": _table(
            "id",
            id=INT,
            user_id=INT,
            sequence_number=INT,
            session_id=LABEL,
            created_at=WHEN,
            ip_address=LABEL,
            city=LABEL,
            state=LABEL,
            postal_code=LABEL,
            browser=LABEL,
            traffic_source=LABEL,
            uri=LABEL,
            event_type=LABEL,
        ),
    },
)
