"""The models' own unit tests (`*_unit_tests.yml` beside them), run by dbt."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from retail_assets.deployment import home
from retail_assets.settings import Settings
from retail_assets.transformation.project import PROJECT_DIR, Project
from retail_assets_tests.raw_tables import create_raw_tables_sql

WINDOW = {
    "window_start": "2024-05-02 00:00:00",
    "window_end": "2024-05-03 00:00:00",
    "timezone": "UTC",
}
# What the macros read of a model's configuration.
CONFIG = ("unique_key", "touched_by", "touched_where", "touched_following_days")


def _declared() -> list[Any]:
    """The names of all unit tests, as pytest takes them."""
    return [
        pytest.param(test["name"], id=test["name"])
        for path in sorted((PROJECT_DIR / "models").rglob("*_unit_tests.yml"))
        for test in yaml.safe_load(path.read_text())["unit_tests"]
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> Project:
    """A warehouse of empty tables: dbt takes the columns' types from it."""
    folder = tmp_path_factory.mktemp("unit_tests")
    settings = Settings(home=folder, sources="erp")
    home.prepare(settings)
    shutil.copytree(parsed_project, folder / "dbt")
    project = Project(settings)
    with duckdb.connect(settings.duckdb_path) as connection:
        for statement in create_raw_tables_sql(project.manifest):
            connection.execute(statement)
    return project


@pytest.fixture(scope="module")
def outcomes(project: Project) -> Mapping[str, str]:
    """Of each unit test `pass`, or what dbt says of it."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    def invoke(*arguments: str) -> Any:
        return dbtRunner(manifest=project.load()).invoke(
            ["--quiet", "--no-use-colors", *arguments, *project.arguments]
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETAIL_HOME", str(project.target_path.parents[1]))
        try:
            built = invoke("run", "--empty", "--vars", json.dumps(WINDOW))
            assert built.success, built.exception or built.result
            tested = invoke("test", "--select", "test_type:unit")
        finally:
            DuckDBConnectionManager.close_all_connections()
    assert tested.exception is None, tested.exception
    return {
        result.node.name: "pass" if result.status == "pass" else f"{result.status}: {result.message}"
        for result in tested.result.results
    }


@pytest.mark.parametrize("name", _declared())
def test_model(name: str, outcomes: Mapping[str, str]) -> None:
    assert outcomes[name] == "pass", outcomes[name]


def test_overrides_state_the_models_configuration(project: Project) -> None:
    """dbt shows a unit test nothing of the configuration, so the tests repeat it. Here it is held to be
    the models'."""
    nodes = project.manifest["nodes"]
    for test in project.manifest["unit_tests"].values():
        macros = (test["overrides"] or {}).get("macros", {})
        model_id = f"model.retail_assets.{test['model']}"
        if "config" in macros:
            config = nodes[model_id]["config"]
            assert macros["config"] == {key: config[key] for key in CONFIG if config.get(key)}, test["name"]
        if "graph" in macros:
            stated = macros["graph"]["nodes"]
            assert _rules(stated.get(model_id, {})) == _rules(nodes[model_id]), test["name"]
            for unique_id, node in stated.items():
                assert _rules(node) == _rules(nodes[unique_id]), (test["name"], unique_id)
                assert node.get("sources", nodes[unique_id]["sources"]) == nodes[unique_id]["sources"]
                key = nodes[unique_id]["config"]["unique_key"]
                assert node["config"].get("unique_key", key) == key, (test["name"], unique_id)


def _rules(node: Mapping[str, Any]) -> Any:
    return node.get("config", {}).get("meta", {}).get("quarantine", [])
