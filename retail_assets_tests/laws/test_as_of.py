"""Law 4. No model reads the clock, and what happened after a day does not show in it."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

import retail_assets
from retail_assets.catalog.project import PROJECT_DIR
from retail_assets_tests.conftest import NEW_DAYS, WEEKS, Deployment, write_evening
from simulated_retailer import Retailer

# What is written without parentheses, in SQL and in dbt.
CLOCK_WORDS = r"current_(local)?(date|time)\w*|localtime\w*|sysdate|run_started_at"
# Functions of Snowflake, of Python in templates, and those of DuckDB's that its catalog takes for others.
CLOCKS = {"getdate", "systimestamp", "utcnow", "now", "today", "time_ns", "ago", "age"}
# Functions whose value is not of their arguments alone, and that no row depends on.
HARMLESS = {"error", "getvariable", "stats", "vector_type", "write_log"}
# Python that makes rows, by package.
MAKING_ROWS = ("segmentation", "lifetime_value", "recommendations", "demand", "prices", "transformation")
# Held against all sales of the days before, so that any correction reaches them.
COMPARED_WITH_BEFORE = {
    "expected_quantity",
    *(f"{each}{end}" for each in ("uplift", "margin_uplift") for end in ("", "_low", "_high")),
}

PACKAGE = Path(retail_assets.__file__).parent
SEGMENTS = ("mart_segmentation", "customer_segments")

# Every figure is of all baskets, so that any correction reaches it. Their own unit tests hold the law:
# product_*_as_of_each_week, and test_what_comes_later_does_not_show of recommendations.
OF_ALL_BASKETS = {"product_affinity", "product_popularity"}

# The sales marts describe customers as last known: docs/decisions.md says why.
AS_LAST_KNOWN = {"customer_type", "store_name", "territory", "region", "country", "state_province", "city"}


def test_no_model_reads_the_clock():
    """Nor anything else that is another at the next run: DuckDB's catalog knows which functions are."""
    unstable = duckdb.execute(
        "select distinct lower(function_name) from duckdb_functions()"
        " where stability <> 'CONSISTENT' and function_type = 'scalar'"
    ).fetchall()
    functions = {*CLOCKS, *(name for (name,) in unstable)} - HARMLESS
    assert {"get_current_timestamp", "transaction_timestamp", "random"} <= functions
    called = "|".join(sorted(functions))
    clock = re.compile(rf"\b(({called})\s*\(|({CLOCK_WORDS})\b)", re.IGNORECASE)
    comments = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
    files = [
        path
        for folder in ("models", "macros")
        for path in (PROJECT_DIR / folder).rglob("*")
        # Rules of quarantine are SQL in YAML. Unit tests may replace what they like.
        if path.suffix == ".sql" or (path.suffix == ".yml" and not path.stem.endswith("_unit_tests"))
    ]
    assert len(files) > 100
    files += [path for name in MAKING_ROWS for path in (PACKAGE / name).rglob("*.py")]
    reading = {
        path.name: found[0]
        for path in files
        if (found := clock.search(comments.sub("", path.read_text(encoding="utf-8"))))
    }
    assert reading == {}


def test_what_comes_later_does_not_show(deployment, retailer):
    """Days go by with new orders, returns and moves; figures, features and segments of the time before stay,
    but for corrections."""
    corrected = _corrections(retailer, deployment, NEW_DAYS[0])
    deployment.run_weeks(WEEKS[0], WEEKS[0])
    before = _earlier_rows(deployment)

    write_evening(retailer, deployment, NEW_DAYS[-1])
    deployment.run(NEW_DAYS[0], NEW_DAYS[-1], checks=False)
    deployment.run(NEW_DAYS[0] - timedelta(days=1), checks=False)
    deployment.run_weeks(WEEKS[0], WEEKS[0])
    after = _earlier_rows(deployment)

    for mart, rows in before.items():
        unchanged = rows & after[mart]
        assert any(not corrected.excuse(row) for row in unchanged), f"nothing is tested of {mart}"
        changed = [dict(row) for row in rows ^ after[mart] if not corrected.excuse(row)]
        assert not changed, (mart, len(changed), changed[:2])


Row = tuple[tuple[str, Any], ...]


def _earlier_rows(deployment: Deployment) -> dict[str, set[Row]]:
    """Of each mart the rows of the days before the new ones, whose first column is the day or week."""
    marts = [
        (node["schema"], node["name"])
        for node in deployment.manifest["nodes"].values()
        if node["schema"].startswith("mart_")
        and node["resource_type"] == "model"
        and node["name"] not in OF_ALL_BASKETS
    ]
    return {name: _earlier(deployment, schema, name) for schema, name in [*marts, SEGMENTS]}


def _earlier(deployment: Deployment, schema: str, name: str) -> set[Row]:
    left_out = COMPARED_WITH_BEFORE | (AS_LAST_KNOWN if schema == "mart_sales" else set())
    columns = [each for each in deployment.columns(f"{schema}.{name}") if each not in left_out]
    selected = f"select {', '.join(columns)} from {schema}.{name} where {columns[0]} < '{NEW_DAYS[0]}'"
    return {tuple(zip(columns, row, strict=True)) for row in deployment.query(selected)}


@dataclass(frozen=True)
class Corrections:
    """What the sources put right about the time before: days, and whom and what the figures are of."""

    days: set[date]
    consumers: set[str]
    products: set[int]
    reported: set[date]
    """Days of which channels report what their campaigns did, or report it once more."""

    def excuse(self, row: Row) -> bool:
        """A row of a corrected day, or one that looks back on a corrected consumer or product."""
        values = dict(row)
        return (
            row[0][1] in self.days
            or values.get("consumer_key") in self.consumers
            or values.get("product_id") in self.products
            or ("media_channel_id" in values and row[0][1] in self.reported)
        )


def _corrections(retailer: Retailer, deployment: Deployment, since: date) -> Corrections:
    """Orders that are corrected or cancelled, returns entered late, consumers who score an interaction
    late or are erased, and what channels report late."""
    erp, crm = (retailer.versions[system] for system in ("erp", "crm"))
    orders = _corrected(erp["SalesOrderHeader"], "SalesOrderID", "ModifiedDate", _facts, since)
    days = {row["OrderDate"].date() for row in orders}
    for row in erp["SalesReturn"].to_pylist():
        if row["ModifiedDate"].date() >= since and row["ReturnDate"] and row["ReturnDate"].date() < since:
            days.add(row["ReturnDate"].date())
    numbers = {row["SalesOrderID"] for row in orders}
    lines = erp["SalesOrderDetail"].to_pylist()
    reports = retailer.versions["marketing"]["campaign_performance"].to_pylist()
    scored = _corrected(
        crm["interactions"], "interaction_id", "modified_at", lambda row: row["satisfaction_score"], since
    )
    records = {("erp", str(row["CustomerID"])) for row in orders}
    records |= {("crm", str(number)) for number in {row["consumer_id"] for row in scored} | _erased(crm)}
    identities = deployment.query(
        "select source_system, source_id, consumer_key from warehouse.wh_consumer_identities"
    )
    return Corrections(
        days=days,
        consumers={key for system, number, key in identities if (system, number) in records},
        products={line["ProductID"] for line in lines if line["SalesOrderID"] in numbers},
        reported={row["performance_date"] for row in reports if row["modified_at"].date() >= since},
    )


def _facts(header: Mapping[str, Any]) -> Any:
    return header["OrderDate"], header["SubTotal"], header["TotalDue"], header["Status"] == 6


def _corrected(
    versions: pa.Table, key: str, modified: str, facts: Callable[[Mapping[str, Any]], Any], since: date
) -> list[dict[str, Any]]:
    """All versions of the rows of which one since then says something else."""
    by_key = defaultdict(list)
    for row in versions.to_pylist():
        by_key[row[key]].append(row)
    return [
        row
        for rows in by_key.values()
        if len({facts(each) for each in rows}) > 1 and any(each[modified].date() >= since for each in rows)
        for row in rows
    ]


def _erased(crm: Mapping[str, pa.Table]) -> set[int]:
    """Consumers of whom no version stands at the end."""
    versions = crm["consumers"].to_pylist()
    standing = {row["consumer_id"] for row in versions if row["_until"] is None}
    return {row["consumer_id"] for row in versions} - standing
