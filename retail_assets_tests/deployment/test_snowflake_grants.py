"""`doctor` on the roles in Snowflake: what is granted, and the statement that is missing."""

import pyarrow as pa
import pytest

from retail_assets.deployment.snowflake_grants import check_roles
from retail_assets.resources.snowflake import SnowflakeWarehouse
from retail_assets.resources.warehouse import WarehouseError
from retail_assets.settings import Settings

SETTINGS = Settings(snowflake_database="SHOP", snowflake_user="nightly")


class Answers(SnowflakeWarehouse):
    """A warehouse that lists these grants, as (role, privilege, kind, name)."""

    def __init__(self, grants):
        super().__init__(SETTINGS)
        self._grants = grants

    def query(self, statement):
        role = statement.removeprefix("show grants to role ")
        rows = [each for each in self._grants if each[0] == role]
        if not rows:
            raise WarehouseError(f"Role '{role}' does not exist or not authorized.")
        return pa.table(
            {
                "privilege": [row[1] for row in rows],
                "granted_on": [row[2] for row in rows],
                "name": [row[3] for row in rows],
            }
        )


@pytest.fixture
def grants(manifest):
    schemas = sorted({node["schema"] for node in manifest["nodes"].values()})
    return [
        *(
            (f"SHOP_{role}", "USAGE", kind, name)
            for role, warehouse in (
                ("LOADER", "LOADING"),
                ("TRANSFORMER", "TRANSFORMING"),
                ("READER", "READING"),
            )
            for kind, name in (("WAREHOUSE", f"SHOP_{warehouse}"), ("DATABASE", "SHOP"))
        ),
        *((f"SHOP_{role}", "CREATE SCHEMA", "DATABASE", "SHOP") for role in ("LOADER", "TRANSFORMER")),
        ("SHOP_TRANSFORMER", "USAGE", "ROLE", "SHOP_LOADER"),
        *(
            ("SHOP_READER", "USAGE", "SCHEMA", f"SHOP.{schema.upper()}")
            for schema in schemas
            if schema.startswith("mart_")
        ),
    ]


def test_all_is_granted(grants, manifest):
    said = check_roles(SETTINGS, manifest, Answers(grants))
    assert said == "SHOP_TRANSFORMER, SHOP_LOADER, SHOP_READER have their grants"


@pytest.mark.parametrize(
    ("gone", "statement"),
    [
        (
            ("SHOP_READER", "USAGE", "SCHEMA", "SHOP.MART_SALES"),
            "grant usage on schema SHOP.mart_sales to role SHOP_READER;",
        ),
        (
            ("SHOP_LOADER", "CREATE SCHEMA", "DATABASE", "SHOP"),
            "grant usage, create schema on database SHOP to role SHOP_LOADER;",
        ),
        (
            ("SHOP_TRANSFORMER", "USAGE", "ROLE", "SHOP_LOADER"),
            "grant role SHOP_LOADER to role SHOP_TRANSFORMER;",
        ),
    ],
)
def test_a_grant_that_is_missing_is_said_as_its_statement(grants, manifest, gone, statement):
    grants.remove(gone)
    with pytest.raises(WarehouseError) as raised:
        check_roles(SETTINGS, manifest, Answers(grants))
    assert str(raised.value) == f"{gone[0]} lacks a grant: {statement}"


def test_a_role_that_is_not_there(grants, manifest):
    others = [each for each in grants if each[0] != "SHOP_READER"]
    with pytest.raises(WarehouseError, match="SHOP_READER cannot be looked at: Role 'SHOP_READER' does not"):
        check_roles(SETTINGS, manifest, Answers(others))


def test_an_owner_needs_no_grant(grants, manifest):
    kept = [each for each in grants if each[:3] != ("SHOP_TRANSFORMER", "USAGE", "DATABASE")]
    owned = [*kept, ("SHOP_TRANSFORMER", "OWNERSHIP", "DATABASE", "SHOP")]
    assert check_roles(SETTINGS, manifest, Answers(owned))
