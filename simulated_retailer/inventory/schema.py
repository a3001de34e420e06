"""The inventory system's tables."""

from __future__ import annotations

from functools import partial

from simulated_retailer.engine.table_layout import DAY, DEGREES, INT, MONEY, WHEN, System, Text, layout

_MODIFIED = "modified_at"
_NAME, _CODE = Text(60), Text(25)
_table = partial(layout, _MODIFIED)

INVENTORY = System(
    "inventory",
    _MODIFIED,
    {
        "distribution_centers": _table(
            "distribution_center_id",
            distribution_center_id=INT,
            name=_NAME,
            city=_NAME,
            state=_NAME,
            country=_NAME,
            latitude=DEGREES,
            longitude=DEGREES,
        ),
        "stock_levels": _table(
            "snapshot_date distribution_center_id sku",
            snapshot_date=DAY,
            distribution_center_id=INT,
            sku=_CODE,
            quantity_on_hand=INT,
            reorder_level=INT,
            safety_stock=INT,
            unit_cost=MONEY,
        ),
        "stock_movements": _table(
            "movement_id",
            movement_id=INT,
            moved_at=WHEN,
            distribution_center_id=INT,
            sku=_CODE,
            movement_type=_CODE,
            quantity=INT,
        ),
        "purchase_orders": _table(
            "purchase_order_id",
            purchase_order_id=INT,
            sku=_CODE,
            supplier=_NAME,
            distribution_center_id=INT,
            order_date=DAY,
            quantity_ordered=INT,
            expected_date=DAY,
            received_date=DAY,
            quantity_received=INT,
            unit_cost=MONEY,
            status=_CODE,
        ),
    },
    indexed=("stock_levels", "stock_movements", "purchase_orders"),
)
