"""Law 4. No model reads the clock, and what happened after a day does not show in it."""

import re
from datetime import timedelta

from retail_assets.transformation.project import PROJECT_DIR
from retail_assets_tests.conftest import NEW_DAYS, write_evening

CLOCK = re.compile(
    r"\b(current_date|current_timestamp|now\s*\(|today\s*\(|getdate|sysdate|localtimestamp|run_started_at)",
    re.IGNORECASE,
)


def test_no_model_reads_the_clock():
    files = [path for folder in ("models", "macros") for path in (PROJECT_DIR / folder).rglob("*.sql")]
    assert len(files) > 30
    reading = [
        path.name for path in files if CLOCK.search(re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.S))
    ]
    assert reading == []


def test_what_comes_later_does_not_show(deployment, retailer):
    """Days go by with new orders and returns; the earlier days' figures stay, but for corrections."""
    last = NEW_DAYS[0] - timedelta(days=1)
    before = _days(deployment, last)

    write_evening(retailer, deployment, NEW_DAYS[-1])
    deployment.run(NEW_DAYS[0], NEW_DAYS[-1])
    deployment.run(last)
    after = _days(deployment, last)

    corrected = _corrected_days(retailer, NEW_DAYS[0])
    assert before.keys() - corrected, "every day was corrected: nothing is tested"
    changed = {day for day in before if before[day] != after.get(day)}
    assert changed <= corrected


def _days(deployment, last):
    rows = {}
    for row in deployment.rows("mart_sales.product_demand"):
        if row[0] <= last:
            rows.setdefault(row[0], []).append(row)
    return rows


def _corrected_days(retailer, since):
    """The order days, before and after, of orders corrected or cancelled since a day."""
    headers = retailer.versions["erp"]["SalesOrderHeader"].to_pylist()
    versions: dict = {}
    for row in headers:
        versions.setdefault(row["SalesOrderID"], []).append(row)
    corrected = set()
    for rows in versions.values():
        facts = {(row["OrderDate"], row["SubTotal"], row["TotalDue"], row["Status"] == 6) for row in rows}
        if len(facts) > 1 and any(row["ModifiedDate"].date() >= since for row in rows):
            corrected |= {row["OrderDate"].date() for row in rows}
    # An order's lines count once its header is there, which is at once in this retailer.
    for row in retailer.versions["erp"]["SalesReturn"].to_pylist():
        if row["ModifiedDate"].date() >= since and row["ReturnDate"] and row["ReturnDate"].date() < since:
            corrected.add(row["ReturnDate"].date())
    return corrected
