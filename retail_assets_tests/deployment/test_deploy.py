"""The files of deploy/ name only what there is: commands, options, settings, ports, paths."""

import configparser
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from retail_assets.deployment import serve
from retail_assets.deployment.home import CODE_LOCATION
from retail_assets.deployment.webserver import ALLOWED_HOSTS
from retail_assets.internals import ConfigurableClassData
from retail_assets.resources.ports import HOST
from retail_assets.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
HOME = "/srv/retail/home"
PARTS = ("code", "daemon", "webserver")

pytestmark = pytest.mark.skipif(not DEPLOY.is_dir(), reason="this is no checkout: deploy/ is not in a wheel")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def values():
    return yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text())


@pytest.fixture(scope="module")
def dockerfile():
    return (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")


def _unit(part):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(DEPLOY / "systemd" / f"retail-{part}.service")
    return parser


def _options(part):
    """The options that Dagster's program for a process takes."""
    if part == "webserver":
        from dagster_webserver.cli import dagster_webserver as command
    elif part == "daemon":
        from dagster._daemon.cli import run_command as command
    else:
        from dagster._cli.api import grpc_command as command
    parameters: Any = command
    return {option for each in parameters.params for option in (*each.opts, *each.secondary_opts)}


@pytest.mark.parametrize("part", PARTS)
def test_a_process_is_started_with_options_that_it_has(part):
    _, _, module, *rest = serve.arguments(part, Settings(), ["-h", "0.0.0.0"] if part != "daemon" else [])
    options = [each for each in rest if each.startswith("-")]
    assert set(options) <= _options(part)
    assert module == {
        "webserver": "retail_assets.deployment.webserver", "daemon": "dagster._daemon", "code": "dagster"
    }[part]  # fmt: skip


@pytest.mark.parametrize("part", ["webserver", "code"])
def test_a_process_is_on_this_machine_unless_told_otherwise(part):
    arguments = serve.arguments(part, Settings(), [])
    assert arguments[arguments.index("-h") + 1] == HOST


def test_the_workspace_is_the_code_server_of_the_settings():
    (server,) = yaml.safe_load(serve.WORKSPACE.read_text())["load_from"]
    assert server["grpc_server"] == {
        "host": {"env": "RETAIL_CODE_SERVER_HOST"},
        "port": {"env": "RETAIL_CODE_SERVER_PORT"},
        "location_name": CODE_LOCATION,
    }
    assert serve.code_server(Settings(code_server="code:1")) == ("code", "1")


def test_every_setting_that_is_named_exists(compose, values):
    known = {f"RETAIL_{field.upper()}" for field in Settings.model_fields}
    for file in (path for path in DEPLOY.rglob("*") if path.is_file()):
        named = set(re.findall(r"\bRETAIL_[A-Z_]+\b", file.read_text()))
        assert named <= known, file
    for line in (DEPLOY / "retail.env.example").read_text().splitlines():
        if "=" in line:
            assert line.strip("# ").split("=")[0] in known


def test_the_settings_of_the_example_can_be_used(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("RETAIL_")]:
        monkeypatch.delenv(name)
    text = (DEPLOY / "retail.env.example").read_text().replace("# RETAIL_", "RETAIL_")
    (tmp_path / "retail.env").write_text(text)
    settings = Settings(_env_file=tmp_path / "retail.env", home=tmp_path)
    assert settings.names == ("dagster.example.com",)
    assert settings.warehouse == "snowflake"


def test_compose_starts_each_process_once_and_publishes_the_ui_alone(compose):
    services = compose["services"]
    assert set(services) == {"postgres", *PARTS}
    for part in PARTS:
        service = services[part]
        program, command, started, *options = service["command"]
        assert (program, command, started) == ("retail-assets", "serve", part)
        assert {each for each in options if each.startswith("-")} <= _options(part)
        assert service["restart"] == "unless-stopped"
        assert service["environment"]["RETAIL_CODE_SERVER"] == f"code:{serve.code_server(Settings())[1]}"
        assert service["environment"]["DAGSTER_HOME"] == f"{HOME}/dagster-postgres"
    assert {name: each["ports"] for name, each in services.items() if "ports" in each} == {
        "webserver": [f"{HOST}:{serve.UI_PORT}:{serve.UI_PORT}"]
    }
    assert str(serve.UI_PORT) in services["webserver"]["healthcheck"]["test"][-1]
    assert services["code"]["healthcheck"]["test"][-1] == serve.code_server(Settings())[1]
    for volume in (each for service in services.values() for each in service["volumes"]):
        assert volume.split(":")[0] in compose["volumes"]
    assert (DEPLOY / services["code"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["code"]["build"]["dockerfile"]).is_file()


def test_the_image_copies_what_there_is_and_runs_as_nobody_special(dockerfile, compose):
    for line in dockerfile.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = line.split()[1:]
            assert all((ROOT / each).exists() for each in sources), line
    (extras,) = re.findall(r"^ARG EXTRAS=(.*)$", dockerfile, re.MULTILINE)
    project = (ROOT / "pyproject.toml").read_text()
    assert all(re.search(rf"^{each} = \[", project, re.MULTILINE) for each in extras.split(","))
    assert "--constraint requirements.lock" in dockerfile
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE)[-1] == "10001"
    assert re.findall(r"^VOLUME (.*)$", dockerfile, re.MULTILINE) == [HOME]
    assert f"RETAIL_HOME={HOME}" in dockerfile
    assert compose["services"]["code"]["volumes"] == [f"home:{HOME}"]


@pytest.mark.parametrize("part", PARTS)
def test_a_unit_keeps_its_process_running(part):
    unit = _unit(part)
    service = dict(unit["Service"])
    assert shlex.split(service["ExecStart"])[1:] == ["serve", part]
    assert service["Restart"] == "always"
    assert service["User"] == "retail"
    assert service["Environment"] == f"RETAIL_HOME={service['WorkingDirectory']}"
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"


def test_what_dagsters_chart_starts_by_name_is_the_deployments():
    started = {
        "dagster-webserver": "serve webserver", "dagster-daemon": "serve daemon", "dagster": "serve code"
    }  # fmt: skip
    assert {path.name for path in (DEPLOY / "bin").iterdir()} == set(started)
    for name, command in started.items():
        path = DEPLOY / "bin" / name
        assert f'exec retail-assets {command} "$@"' in path.read_text()
        assert path.stat().st_mode & 0o111


def test_the_values_fit_the_image(values):
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    environment = {each["name"]: each["value"] for each in deployment["env"]}
    assert environment == {"RETAIL_HOME": HOME, "DAGSTER_HOME": f"{HOME}/dagster-postgres"}
    assert deployment["dagsterApiGrpcArgs"] == ["-m", CODE_LOCATION]
    assert deployment["volumeMounts"][0]["mountPath"] == HOME
    probe = values["dagsterWebserver"]["readinessProbe"]["httpGet"]
    assert probe["httpHeaders"][0]["value"] in ALLOWED_HOSTS
    assert probe["port"] == values["dagsterWebserver"]["service"]["port"]
    launcher = values["runLauncher"]["config"]["customRunLauncher"]
    loaded = ConfigurableClassData(launcher["module"], launcher["class"], "{}").rehydrate(object)
    assert type(loaded).__name__ == launcher["class"]
    versions = {each.split("==")[1] for each in _pinned() if each.startswith("dagster==")}
    assert set(re.findall(r"--version (\S+)", (DEPLOY / "helm" / "values.yaml").read_text())) == versions


def _pinned():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if re.match(r"[a-z]", line)]


def test_the_proxy_leads_to_the_ui_under_its_own_name():
    proxy = (DEPLOY / "nginx.conf").read_text()
    assert f"proxy_pass http://{HOST}:{serve.UI_PORT};" in proxy
    assert "proxy_set_header Host $http_host;" in proxy
    assert "auth_basic_user_file" in proxy


def test_the_instance_is_the_one_that_is_shipped():
    assert (DEPLOY / "dagster.yaml").resolve().parent == Path(serve.__file__).parent
