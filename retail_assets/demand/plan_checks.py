"""What is asked of every day's plan: a look at what was just stored."""

from collections.abc import Iterator

from retail_assets.demand.plan_catalog import PLAN, PLAN_TABLES
from retail_assets.resources.warehouse import Execute
from retail_assets.weekly_assets import Finding

NOTHING = "no forecasts of the week before are there yet, or no stock: nothing is planned"


def plan_findings(execute: Execute, day: str) -> Iterator[Finding]:
    """Every check's finding on a day that was just planned."""
    plan = PLAN_TABLES.table(PLAN)
    quantities = ("order_quantity", "transfer_quantity", "surplus_quantity", "on_hand", "on_order")
    unsound = " or ".join(f"{column} is null or {column} < 0" for column in (*quantities, "reorder_point"))
    ((rows, keys, wrong, short, missed, ordered, pieces),) = execute(
        "select count(*), count(distinct product_key || location_key),"
        f" count(case when {unsound} or mod(order_quantity, pack) <> 0 or reason is null then 1 end),"
        " count(case when expected_demand > 0 and on_hand + on_order <= reorder_point then 1 end),"
        " count(case when expected_demand > 0 and on_hand + on_order <= reorder_point"
        " and order_quantity + transfer_quantity <= 0 then 1 end),"
        " count(case when order_quantity > 0 then 1 end), cast(coalesce(sum(order_quantity), 0) as bigint)"
        f" from {plan} where plan_date = cast('{day}' as date)"
    )
    wrong += rows - keys
    said = f"{wrong:,} of {rows:,} rows are unsound" if rows else NOTHING
    yield Finding("plan_is_sound", not wrong, said, wrong)
    said = (
        f"{short:,} at their reorder point, {missed:,} of them not ordered; {ordered:,} orders of"
        f" {pieces:,} pieces"
    )
    yield Finding("what_runs_short_is_ordered", not missed, said if rows else NOTHING, missed)
