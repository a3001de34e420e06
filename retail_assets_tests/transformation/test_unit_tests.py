"""The models' own unit tests (`*_unit_tests.yml` beside them), run by dbt."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw

WINDOW = {
    "window_start": "2024-05-02 00:00:00",
    "window_end": "2024-05-03 00:00:00",
    "timezone": "UTC",
}


def _declared() -> list[Any]:
    """The names of all unit tests, as pytest takes them."""
    return [
        pytest.param(test["name"], id=test["name"])
        for path in sorted((PROJECT_DIR / "models").rglob("*_unit_tests.yml"))
        for test in yaml.safe_load(path.read_text())["unit_tests"]
    ]


@pytest.fixture(scope="module")
def dbt_on_raw(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> DbtOnRaw:
    """A warehouse of empty tables: dbt takes the columns' types from it."""
    return DbtOnRaw(tmp_path_factory.mktemp("unit_tests"), parsed_project)


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, dbt_on_raw: DbtOnRaw) -> Mapping[str, str]:
    """Of each unit test that was asked for `pass`, or what dbt says of it."""
    mine = [item for item in request.session.items if isinstance(item, pytest.Function)]
    asked = [str(item.callspec.params["name"]) for item in mine if item.function is test_model]
    tests = {test["name"]: test["model"] for test in dbt_on_raw.project.manifest["unit_tests"].values()}
    some = len(asked) < len(tests)
    models = ["--select", *sorted({f"+{tests[name]}" for name in asked})] if some else []
    built = dbt_on_raw.dbt("run", "--empty", *models, variables=WINDOW)
    assert built.success, built.result
    tested = dbt_on_raw.dbt("test", "--select", *(asked if some else ["test_type:unit"]))
    return {
        result.node.name: "pass" if result.status == "pass" else f"{result.status}: {result.message}"
        for result in tested.result.results
    }


@pytest.mark.parametrize("name", _declared())
def test_model(name: str, outcomes: Mapping[str, str]) -> None:
    assert outcomes[name] == "pass", outcomes[name]


def test_overrides_state_the_models_configuration(dbt_on_raw: DbtOnRaw) -> None:
    """dbt shows a unit test nothing of the configuration, so the tests repeat it. Here it is held to be
    the models'."""
    manifest = dbt_on_raw.project.manifest
    nodes = manifest["nodes"]
    for test in manifest["unit_tests"].values():
        stated = (test["overrides"] or {}).get("macros", {}).get("config")
        if stated is not None:
            config = nodes[f"model.retail_assets.{test['model']}"]["config"]
            meta = {key: config["meta"][key] for key in ("affected", "quarantine") if key in config["meta"]}
            expected = {"unique_key": config["unique_key"], **({"meta": meta} if meta else {})}
            assert stated == expected, test["name"]
