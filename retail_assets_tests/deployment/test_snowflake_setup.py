"""The SQL that an administrator runs: it is Snowflake's, it hides what `pii` marks, and goes as it came."""

import logging
import re

import pytest
import sqlglot
from sqlglot import exp
from typer.testing import CliRunner

from retail_assets.catalog.contract import source_tables
from retail_assets.cli import app
from retail_assets.deployment.snowflake_setup import SnowflakeSetupError, personal_columns, script
from retail_assets.settings import SYSTEMS, Settings

SETTINGS = Settings(snowflake_database="SHOP", snowflake_user="nightly")
PARTS = ("setup", "masking", "tear-down")

# What sqlglot has no tree for, and keeps as it stands: only these may be so.
KEPT = re.compile(
    r"create role if not exists \w+"
    r"|grant role \w+ to (role|user) \w+"
    r"|create resource monitor if not exists \w+ with credit_quota = \d+ frequency = monthly"
    r" start_timestamp = immediately triggers on .+"
    r"|alter warehouse \w+ set resource_monitor = \w+"
    r"|grant [\w, ]+ on (all|future) (tables|views) in schema \w+\.\w+ to role \w+"
    r"|create masking policy if not exists [\w.]+ as \(val \w+\) returns \w+ -> case .+ end"
    r"|alter tag [\w.]+ set masking policy [\w.]+ force"
    r"|alter table if exists \w+\.\w+\.\w+ modify column \w+ set tag [\w.]+ = 'true'"
    r"|drop resource monitor if exists \w+"
)


def statements(text):
    lines = [line for line in text.splitlines() if line and not line.startswith("--")]
    assert all(line.endswith(";") for line in lines)
    return [line[:-1] for line in lines]


@pytest.mark.parametrize("part", PARTS)
def test_it_is_sql_of_snowflake(part, manifest, caplog):
    caplog.set_level(logging.ERROR, "sqlglot")
    found = statements(script(SETTINGS, manifest, part))
    assert found
    for statement in found:
        (tree,) = sqlglot.parse(statement, read="snowflake")
        assert not isinstance(tree, exp.Command) or KEPT.fullmatch(statement), statement


def test_what_a_policy_shows_is_an_expression(manifest):
    """sqlglot has no tree for policies; it has one for what they compute."""
    bodies = re.findall(r"returns \w+ -> (.+);", script(SETTINGS, manifest, "setup"))
    assert bodies
    for body in bodies:
        case = sqlglot.parse_one(f"select {body}", read="snowflake").find(exp.Case)
        assert case is not None
        assert isinstance(case.args["default"], exp.Null)
        roles = {literal.this for literal in case.find_all(exp.Literal)}
        assert roles == {"SHOP_LOADER", "SHOP_TRANSFORMER"}


def test_each_column_of_the_contract_that_pii_marks_is_masked(manifest):
    marked = {
        (f"{table.schema}.{table.name}", column.name)
        for system in SYSTEMS
        for table in source_tables(manifest, system)
        for column in table.columns
        if column.pii
    }
    masked = set(
        re.findall(
            r"alter table if exists SHOP\.(\S+) modify column (\w+)", script(SETTINGS, manifest, "masking")
        )
    )
    assert marked
    assert marked <= masked
    assert ("warehouse.wh_dim_consumer", "email") in masked
    # All others are of models, and marked there.
    others = {(table, column) for table, columns in personal_columns(manifest).items() for column in columns}
    assert masked == others


def test_readers_see_the_marts_alone(manifest):
    found = statements(script(SETTINGS, manifest, "setup"))
    granted = {
        match[1]
        for statement in found
        if (match := re.search(r"on schema SHOP\.(\w+) to role SHOP_READER", statement))
        or (match := re.search(r"in schema SHOP\.(\w+) to role SHOP_READER", statement))
    }
    assert granted == {
        "mart_analyst",
        "mart_demand",
        "mart_lifetime_value",
        "mart_marketing",
        "mart_prices",
        "mart_recommendations",
        "mart_sales",
        "mart_segmentation",
    }


def test_the_tear_down_takes_away_what_the_setup_makes(manifest):
    made = set(
        re.findall(
            r"^create (database|role|resource monitor|warehouse) if not exists (\w+)",
            script(SETTINGS, manifest, "setup"),
            re.MULTILINE,
        )
    )
    gone = set(
        re.findall(r"^drop (.+) if exists (\w+)", script(SETTINGS, manifest, "tear-down"), re.MULTILINE)
    )
    assert len(made) == 8
    assert gone == made


@pytest.mark.parametrize("name", ["SHOP; drop database X", "my-shop", '"Shop"'])
def test_a_name_that_is_none_is_said(name, manifest):
    settings = Settings(snowflake_database=name)
    with pytest.raises(SnowflakeSetupError, match="RETAIL_SNOWFLAKE_DATABASE is"):
        script(settings, manifest, "setup")


def test_the_command_prints_it(parsed_project, manifest, monkeypatch):
    monkeypatch.setenv("RETAIL_HOME", str(parsed_project.parent))
    result = CliRunner().invoke(app, ["snowflake-setup", "--part", "tear-down"])
    assert result.stdout == script(Settings(), manifest, "tear-down")
