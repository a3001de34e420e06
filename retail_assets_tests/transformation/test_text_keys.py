"""Every model builds on keys of text: of one system among others that have numbers, and of all."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from retail_assets.catalog.contract import source_tables
from retail_assets.ingestion.keys import systems_of_text, with_keys
from retail_assets.ingestion.raw_tables import create_statement
from retail_assets.settings import SYSTEMS
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window
from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw

DAY = Window(datetime(2024, 5, 2, tzinfo=UTC), datetime(2024, 5, 3, tzinfo=UTC))
KEYS = {
    "staging.stg_sales_orders": ("erp", "sales_order_id"),
    "staging.stg_webshop_orders": ("webshop", "order_id"),
    "staging.stg_consumers": ("crm", "consumer_id"),
    "staging.stg_stock_movements": ("inventory", "movement_id"),
    "staging.stg_offers": ("marketing", "offer_id"),
    "warehouse.wh_fact_sales": ("erp", "territory_id"),
}


@pytest.mark.parametrize("texts", [["webshop"], ["erp"], ["crm", "inventory", "marketing"], list(SYSTEMS)])
def test_every_model_builds(texts: list[str], tmp_path: Path, parsed_project: Path) -> None:
    dbt = DbtOnRaw(tmp_path, parsed_project)
    for system in texts:
        for table in source_tables(dbt.project.manifest, system):
            dbt.execute(
                [f"drop table {table.schema}.{table.name}", create_statement(with_keys(table, "text"))]
            )
    with duckdb.connect(dbt.settings.duckdb_path) as connection:
        found = systems_of_text(
            dbt.project.manifest, lambda statement: connection.execute(statement).fetchall()
        )
    assert found == sorted(texts)
    # Twice: the second run is an incremental one.
    for _ in range(2):
        built = dbt.dbt(*build_arguments(DAY, "UTC", text_keys=found))
        assert built.success, [
            (each.node.name, each.message) for each in built.result.results if each.status == "error"
        ]
    with duckdb.connect(dbt.settings.duckdb_path, read_only=True) as connection:
        for relation, (system, column) in KEYS.items():
            ((_, data_type, *_),) = connection.execute(f"describe select {column} from {relation}").fetchall()
            assert data_type == ("VARCHAR" if system in texts else "BIGINT"), (relation, column)
