"""dlt, dbt and the product connect to Snowflake alike: where, as whom, for how long, in which session."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal

import dagster as dg
import dlt
import pytest
import snowflake.connector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dagster_snowflake import SnowflakeResource
from snowflake.connector.constants import FIELD_NAME_TO_ID
from snowflake.connector.cursor import ResultMetadata

from retail_assets.catalog.project import Project
from retail_assets.definitions import definitions_of
from retail_assets.deployment import home
from retail_assets.internals import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from retail_assets.resources.snowflake import _array
from retail_assets.resources.snowflake_connection import CredentialsError
from retail_assets.resources.tags import purpose, query_tag, tagged
from retail_assets.resources.warehouse import WarehouseError, warehouse_of
from retail_assets.settings import Settings
from retail_assets.transformation import snowflake as dbt_on_snowflake
from retail_assets.transformation.runner import invoke
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.snowflake_server import hanging_server

SECRET = "Kx7-planted"
CONNECTIONS = ("product", "dlt", "dbt")


class CapturedError(Exception):
    """In the place of a connection."""


def settings_in(folder, **changes):
    values = {
        "home": folder,
        "warehouse": "snowflake",
        "snowflake_account": "shop-prod",
        "snowflake_user": "nightly",
        "snowflake_password": SECRET,
        "snowflake_role": "RETAIL_TRANSFORMER",
        "snowflake_warehouse": "RETAIL_TRANSFORMING",
    }
    return Settings(**{**values, **changes})


def connected_with(connection, settings, monkeypatch):
    """What the connector is called with."""
    captured = {}

    def connect(**arguments):
        captured.update(arguments)
        raise CapturedError("not today")

    monkeypatch.setattr(snowflake.connector, "connect", connect)
    monkeypatch.setattr(dbt_on_snowflake, "connect", connect)
    with pytest.raises(Exception, match="not today"):
        _connect(connection, settings)
    return captured


def _connect(connection, settings):
    if connection == "product":
        warehouse_of(settings).execute("select 1")
    elif connection == "dlt":
        _load_with_dlt(settings)
    else:
        _connect_dbt(settings)


def _load_with_dlt(settings):
    pipeline = dlt.pipeline(
        "raw_erp",
        dataset_name="raw_erp",
        destination=warehouse_of(settings).dlt_destination(),
        pipelines_dir=str(settings.home / "dlt"),
    )
    with pipeline.sql_client():
        pass


def _connect_dbt(settings):
    from dbt.adapters.contracts.connection import Connection, Identifier
    from dbt.adapters.snowflake.connections import SnowflakeCredentials

    # What the profile says: none of it may matter but the names of database and schema.
    profile = SnowflakeCredentials(account="profile", user="profile", database="RETAIL", schema="main")
    with dbt_on_snowflake.connections(settings):
        connection = Connection(type=Identifier("snowflake"), name="a model", credentials=profile)
        dbt_on_snowflake.Connections.open(connection)


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_where(connection, tmp_path, monkeypatch):
    """The account is named beside the host: it says who is asked, and the host where."""
    settings = settings_in(
        tmp_path, snowflake_host="stand.in", snowflake_port=8080, snowflake_protocol="http"
    )
    given = connected_with(connection, settings, monkeypatch)
    assert given["account"] == "shop-prod"
    assert (given["host"], given["port"], given["protocol"]) == ("stand.in", 8080, "http")


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_at_the_accounts_own_address(connection, tmp_path, monkeypatch):
    given = connected_with(connection, settings_in(tmp_path), monkeypatch)
    assert given["account"] == "shop-prod"
    assert not {"host", "port", "protocol"} & {name for name, value in given.items() if value is not None}


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_as_whom(connection, tmp_path, monkeypatch):
    given = connected_with(connection, settings_in(tmp_path, snowflake_database="SHOP"), monkeypatch)
    asked = ("user", "password", "role", "warehouse", "database")
    assert [given[name] for name in asked] == [
        "nightly",
        SECRET,
        "RETAIL_TRANSFORMER",
        "RETAIL_TRANSFORMING",
        "SHOP",
    ]


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_for_how_long(connection, tmp_path, monkeypatch):
    settings = settings_in(
        tmp_path,
        snowflake_login_timeout=11,
        snowflake_network_timeout=22,
        snowflake_statement_timeout=33,
    )
    given = connected_with(connection, settings, monkeypatch)
    assert (given["login_timeout"], given["network_timeout"]) == (11, 22)
    assert given["session_parameters"]["STATEMENT_TIMEOUT_IN_SECONDS"] == 33


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_the_session(connection, tmp_path, monkeypatch):
    with tagged(asset="raw_erp", run="4711", partition="2024-03-01"):
        given = connected_with(connection, settings_in(tmp_path), monkeypatch)
    session = given["session_parameters"]
    assert session["TIMEZONE"] == "UTC"
    assert session["TIMESTAMP_TYPE_MAPPING"] == "TIMESTAMP_NTZ"
    assert session["QUERY_TAG"] == '{"asset": "raw_erp", "partition": "2024-03-01", "run": "4711"}'


def test_a_step_says_what_it_is_for(tmp_path):
    """And nothing else does: the tag ends with the step."""
    said = []
    days = dg.DailyPartitionsDefinition("2024-03-01", end_date="2024-03-09")

    def told(context: dg.AssetExecutionContext):
        with tagged(**purpose(context)):
            said.append(json.loads(query_tag()))
        yield dg.MaterializeResult("orders")

    step = dg.multi_asset(
        specs=[dg.AssetSpec("orders")],
        name="raw_erp",
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )(told)
    result = dg.materialize([step], partition_key="2024-03-01")
    assert said == [{"asset": "raw_erp", "run": result.run_id, "partition": "2024-03-01"}]
    dg.materialize(
        [step],
        tags={ASSET_PARTITION_RANGE_START_TAG: "2024-03-01", ASSET_PARTITION_RANGE_END_TAG: "2024-03-04"},
    )
    assert said[1]["partition"] == "2024-03-01/2024-03-04"
    assert query_tag() == ""


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, passphrase=None):
    encryption = (
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def read_by_the_connector(given):
    """The key that the connector would sign with."""
    from snowflake.connector.auth import AuthByKeyPair

    login = AuthByKeyPair(
        private_key=given["private_key"], private_key_passphrase=given.get("private_key_passphrase")
    )
    login.prepare(account="shop-prod", user="nightly")
    return login._private_key


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("passphrase", [None, b"open sesame"])
@pytest.mark.parametrize("place", ["file", "environment", "one line"])
def test_a_private_key(connection, passphrase, place, key, tmp_path, monkeypatch):
    """It is what is logged in with, whatever else is set."""
    text = pem(key, passphrase)
    if place == "file":
        (tmp_path / "key.p8").write_text(text)
        changes = {"snowflake_private_key_file": str(tmp_path / "key.p8")}
    else:
        changes = {
            "snowflake_private_key": text if place == "environment" else text.strip().replace("\n", "\\n")
        }
    if passphrase:
        changes["snowflake_private_key_passphrase"] = passphrase.decode()
    given = connected_with(connection, settings_in(tmp_path, **changes), monkeypatch)
    assert not given.get("password")
    used = given["private_key"]
    if isinstance(used, bytes):
        found = serialization.load_der_private_key(used, None)
        assert isinstance(found, rsa.RSAPrivateKey)
        assert found.private_numbers() == key.private_numbers()
    else:
        assert read_by_the_connector(given) is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"snowflake_password": ""},
            "nothing to log in to Snowflake with.*RETAIL_SNOWFLAKE_PRIVATE_KEY_FILE",
        ),
        ({"snowflake_private_key_file": "/nowhere/key.p8"}, "/nowhere/key.p8.* cannot be read: No such file"),
        ({"snowflake_private_key": "c2VjcmV0"}, "RETAIL_SNOWFLAKE_PRIVATE_KEY is no private key in PEM"),
    ],
)
def test_credentials_that_are_none_are_said(changes, said, tmp_path):
    with pytest.raises(CredentialsError, match=said) as error:
        warehouse_of(settings_in(tmp_path, **changes)).query("select 1")
    assert "c2VjcmV0" not in str(error.value)


def test_an_encrypted_key_without_a_passphrase_is_said(key, tmp_path):
    settings = settings_in(tmp_path, snowflake_private_key=pem(key, b"open sesame"))
    with pytest.raises(CredentialsError, match=r"encrypted\. Set RETAIL_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE"):
        warehouse_of(settings).query("select 1")


def test_a_wrong_passphrase_is_said(key, tmp_path):
    settings = settings_in(
        tmp_path,
        snowflake_private_key=pem(key, b"open sesame"),
        snowflake_private_key_passphrase="open barley",
    )
    with pytest.raises(CredentialsError, match="cannot be read with RETAIL_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE"):
        warehouse_of(settings).query("select 1")


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_passphrase_that_is_not_needed_is_not_given(connection, key, tmp_path, monkeypatch):
    settings = settings_in(
        tmp_path, snowflake_private_key=pem(key), snowflake_private_key_passphrase="open sesame"
    )
    assert connected_with(connection, settings, monkeypatch)["private_key"]


def test_secrets_are_not_put_into_the_environment(key, tmp_path):
    """Of a child process, that is; what is no secret is there for profiles.yml."""
    home.prepare(settings_in(tmp_path, snowflake_private_key=pem(key)))
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(dict(os.environ))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "RETAIL_TRANSFORMER" in child.stdout
    assert SECRET not in child.stdout
    assert "PRIVATE KEY" not in child.stdout


def test_secrets_that_the_user_put_there_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("RETAIL_SNOWFLAKE_PASSWORD", SECRET)
    home.prepare(settings_in(tmp_path))
    assert os.environ["RETAIL_SNOWFLAKE_PASSWORD"] == SECRET


def test_an_asset_of_ones_own_has_the_connection(tmp_path, parsed_on_snowflake, monkeypatch):
    """By dagster-snowflake's resource, which is among the definitions where the warehouse is Snowflake."""
    shutil.copytree(parsed_on_snowflake, tmp_path / "dbt")
    home.prepare(settings_in(tmp_path))
    resources = definitions_of(settings_in(tmp_path)).resources
    assert resources is not None
    resource = resources["snowflake"]
    assert isinstance(resource, SnowflakeResource)
    captured = {}
    monkeypatch.setattr(snowflake.connector, "connect", lambda **given: captured.update(given) or Closed())
    monkeypatch.setenv("RETAIL_SNOWFLAKE_PASSWORD", SECRET)

    def mine(snowflake: SnowflakeResource):
        with snowflake.get_connection():
            pass

    assert dg.materialize([dg.asset(mine)], resources={"snowflake": resource}).success
    assert (captured["user"], captured["password"]) == ("nightly", SECRET)
    assert captured["session_parameters"]["TIMEZONE"] == "UTC"


class Closed:
    """A connection that nothing is asked of."""

    def commit(self):
        return

    close = commit


@fault(Area.MACHINE, "Snowflake does not answer a login", "It is given up with a sentence.")
def test_a_login_is_given_up(tmp_path):
    with hanging_server(logs_in=False) as server:
        settings = settings_in(tmp_path, **server.place, snowflake_login_timeout=2)
        with pytest.raises(WarehouseError, match="Snowflake cannot be reached"):
            warehouse_of(settings).query("select 1")


@fault(
    Area.BUILDING,
    "A run on Snowflake is asked to stop while a statement runs",
    "The statement is cancelled, and the process ends.",
)
@pytest.mark.parametrize("taken_by", ["the main thread", "another thread"])
def test_a_run_that_is_asked_to_stop_ends(taken_by, tmp_path, parsed_on_snowflake):
    """dbt's statement is ended in Snowflake, the next is not begun, and dbt's thread is gone.

    The system gives a signal to any thread, and one that waits without end is not woken by another's.
    """
    window = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    with hanging_server() as server:
        settings = settings_in(tmp_path, **server.place)
        home.prepare(settings)
        shutil.copytree(parsed_on_snowflake, tmp_path / "dbt")

        def ask_to_stop():
            server.is_busy.wait(120)
            taker = threading.main_thread() if taken_by == "the main thread" else threading.current_thread()
            assert taker.ident
            signal.pthread_kill(taker.ident, signal.SIGINT)

        # Who runs tests in the background of a shell has it ignored.
        former = signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=ask_to_stop, daemon=True).start()
        try:
            with pytest.raises(KeyboardInterrupt):
                list(invoke(Project(settings), build_arguments(window, "UTC")))
        finally:
            signal.signal(signal.SIGINT, former)
        assert server.is_busy.is_set()
        cancel = "select system$cancel_all_queries(7)"
        asked = server.statements.index(cancel)
        # One for each connection that dbt has by then; the server gives all the same number.
        assert {*server.statements[asked + 1 :]} <= {"ROLLBACK", cancel}
        assert "dbt" not in [thread.name for thread in threading.enumerate()]


def test_a_whole_number_beyond_64_bits_stays_exact():
    described = ResultMetadata("n", FIELD_NAME_TO_ID["FIXED"], None, None, 38, 0, True)
    assert _array([7, None], described).to_pylist() == [7, None]
    assert _array([10**22 + 1], described).to_pylist() == [Decimal(10**22 + 1)]
