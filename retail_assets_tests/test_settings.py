"""What a setting is where none is given, and what is said of one that cannot be."""

import os
from typing import get_args

import pytest

from retail_assets.settings import ENVIRONMENTS, Environment, Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    """Not even by what other tests share."""
    for name in [name for name in os.environ if name.startswith("RETAIL_")]:
        monkeypatch.delenv(name)


def test_every_environment_says_what_it_is():
    assert {*ENVIRONMENTS} == {*get_args(Environment)}


@pytest.mark.parametrize(
    ("environment", "warehouse", "database"),
    [
        (None, "duckdb", "RETAIL_LOCAL"),
        ("local", "duckdb", "RETAIL_LOCAL"),
        ("staging", "snowflake", "RETAIL_STAGING"),
        ("production", "snowflake", "RETAIL"),
    ],
)
def test_an_environment(environment, warehouse, database, monkeypatch):
    if environment:
        monkeypatch.setenv("RETAIL_ENVIRONMENT", environment)
    found = load_settings()
    assert (found.warehouse, found.snowflake_database) == (warehouse, database)


def test_what_is_set_wins():
    found = Settings(environment="production", warehouse="duckdb", snowflake_database="SHOP")
    assert (found.warehouse, found.snowflake_database) == ("duckdb", "SHOP")


@pytest.mark.parametrize(("name", "wrong"), [("what?", r"\?"), ("100% shop", "%"), ("ann's", "'")])
def test_a_home_that_would_break_a_url_or_a_statement_is_refused(name, wrong, monkeypatch, tmp_path):
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path / name / "home"))
    with pytest.raises(SettingsError, match=rf"^RETAIL_HOME: the path .* has {wrong} in it\. Choose one"):
        load_settings()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RETAIL_SOURCE", "RETAIL_SOURCES"),
        ("RETAIL_TIME_ZONE", "RETAIL_TIMEZONE"),
        ("RETAIL_CMR_URL", "RETAIL_CRM_URL"),
    ],
)
def test_a_misspelt_variable_is_said(name, meant, monkeypatch, tmp_path):
    """Also in the home's file. What is like no setting is somebody else's."""
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_DEPARTMENT", "shoes")
    assert load_settings().home == tmp_path
    (tmp_path / "retail.env").write_text(f"{name}=x\n")
    with pytest.raises(SettingsError, match=rf"^{name} is no setting. Is {meant} meant\?$"):
        load_settings()
    (tmp_path / "retail.env").unlink()
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize("name", ["prod", "Production", "test"])
def test_an_unknown_environment_is_said(name, monkeypatch):
    monkeypatch.setenv("RETAIL_ENVIRONMENT", name)
    with pytest.raises(SettingsError, match=r"RETAIL_ENVIRONMENT: .*'local', 'staging' or 'production'"):
        load_settings()


@pytest.mark.parametrize("memory", ["4", "0GB", "lots", "-4GB", "4GB; drop table x"])
def test_what_is_no_amount_of_memory_is_said(memory, monkeypatch):
    monkeypatch.setenv("RETAIL_MEMORY", memory)
    with pytest.raises(SettingsError, match=r"RETAIL_MEMORY: .*is no amount of memory; write for"):
        load_settings()
