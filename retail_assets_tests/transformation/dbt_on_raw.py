"""dbt on empty, typed raw tables, in a home of its own: for tests of the models alone."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets.catalog.project import Project
from retail_assets.deployment import home
from retail_assets.settings import Settings
from retail_assets.transformation.runner import SILENTLY
from retail_assets_tests.raw_tables import create_raw_tables_sql


class DbtOnRaw:
    """The project, and a DuckDB file that holds the contract's tables, without rows."""

    def __init__(self, folder: Path, parsed_project: Path):
        self.settings = Settings(home=folder)
        home.prepare(self.settings)
        shutil.copytree(parsed_project, folder / "dbt")
        self.project = Project(self.settings)
        self.execute(create_raw_tables_sql(self.project.manifest))

    def execute(self, statements: list[str]) -> None:
        """Run statements, one after the other."""
        with duckdb.connect(self.settings.duckdb_path) as connection:
            for statement in statements:
                connection.execute(statement)

    def tables(self, schema: str) -> dict[str, list[dict[str, Any]]]:
        """All rows of the schema's tables, each by the names of its columns."""
        with duckdb.connect(self.settings.duckdb_path, read_only=True) as connection:
            names = connection.execute(
                "select table_name from duckdb_tables() where schema_name = ?", [schema]
            ).fetchall()
            return {
                name: connection.table(f"{schema}.{name}").to_arrow_table().to_pylist() for (name,) in names
            }

    def dbt(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Any:
        """The result of a dbt command; a test that fails is a result, an exception of dbt's is raised."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        given = ["--vars", json.dumps(variables)] if variables else []
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RETAIL_HOME", str(self.settings.home))
            try:
                result = dbtRunner(manifest=self.project.load()).invoke(
                    [*SILENTLY, "--no-use-colors", *arguments, *given, *self.project.arguments]
                )
            finally:
                DuckDBConnectionManager.close_all_connections()
        if result.exception:
            raise result.exception
        return result
