"""What the steps that write weekly tables in Python have in common."""

import json
from datetime import date

import dagster as dg

from retail_assets.resources.tags import query_tag
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.resources.weekly_tables import WEEK, WeeklyTables
from retail_assets.settings import Settings
from retail_assets.weekly_assets import Check, Finding, weekly_step

TABLES = WeeklyTables("mart_of_tests", {"sizes": {**WEEK, "size": ("bigint", "How large.")}})
WEEKS = ["2024-03-04", "2024-03-11"]


def test_a_range_of_weeks_is_one_run_that_says_what_it_is_for(tmp_path):
    settings = Settings(home=tmp_path, start_date=date(2024, 3, 4), end_date=date(2024, 3, 17))
    said = []

    def make_week(context, session, week):
        said.append(json.loads(query_tag()))
        TABLES.create(session)
        TABLES.insert_rows(session, "sizes", [{"week_start": week, "size": 3}])
        return [Finding("is_small", week == WEEKS[1], f"3 in {week}", 3)], {"sizes": {"week": week}}

    step = weekly_step(
        settings,
        "sizes_of_tests",
        TABLES,
        library="python",
        descriptions={"sizes": "Grain: one week."},
        dependencies={"sizes": []},
        checks={"is_small": Check("sizes", dg.AssetCheckSeverity.WARN, "It is small.")},
        make_week=make_week,
    )
    result = dg.materialize(
        [step],
        resources={"warehouse": warehouse_of(settings)},
        tags={"dagster/asset_partition_range_start": WEEKS[0], "dagster/asset_partition_range_end": WEEKS[1]},
    )
    assert said == [{"asset": "sizes_of_tests", "run": result.run_id, "partition": "/".join(WEEKS)}] * 2
    assert query_tag() == ""
    made = result.asset_materializations_for_node("sizes_of_tests")
    assert [(each.partition, each.metadata["dagster/row_count"].value) for each in made] == [
        (week, 2) for week in WEEKS
    ]
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.description) == (False, f"{WEEKS[0]}: 3 in {WEEKS[0]}")
