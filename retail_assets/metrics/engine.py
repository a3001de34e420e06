"""MetricFlow, for its SQL only: it has no connection."""

from dataclasses import dataclass
from typing import Any, cast

from metricflow.engine.metricflow_engine import MetricFlowEngine
from metricflow.protocols.sql_client import SqlClient, SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow.sql.render.snowflake import SnowflakeSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup


@dataclass(frozen=True)
class _Dialect:
    """What the engine asks of a client when it only writes SQL."""

    sql_engine_type: SqlEngine
    sql_plan_renderer: Any


_DIALECTS = {
    "duckdb": _Dialect(SqlEngine.DUCKDB, DuckDbSqlPlanRenderer()),
    "snowflake": _Dialect(SqlEngine.SNOWFLAKE, SnowflakeSqlPlanRenderer()),
}


def engine_of(semantic_manifest: str, warehouse: str) -> MetricFlowEngine:
    """The engine of the definitions that dbt wrote, as JSON, for the SQL of a warehouse."""
    definitions = parse_manifest_from_dbt_generated_manifest(manifest_json_string=semantic_manifest)
    return MetricFlowEngine(SemanticManifestLookup(definitions), cast(SqlClient, _DIALECTS[warehouse]))
