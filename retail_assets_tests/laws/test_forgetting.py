"""Law 10. A person who is erased is nowhere: not in raw's old versions, predictions, copies or logs. Sums
stay, and a backfill does not bring the person back."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta
from hashlib import md5
from io import StringIO

import duckdb
import pytest
from rich.console import Console

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.errors import UserError
from retail_assets.extracts.command import extract
from retail_assets.privacy import erasure, forgotten
from retail_assets.privacy.command import forget
from retail_assets.privacy.personal import personal_tables
from retail_assets.settings import Settings
from retail_assets_tests.conftest import NEW_DAYS, START
from retail_assets_tests.faults import Area, fault

LAST = NEW_DAYS[-1]
SUMS = """
    select
        (select sum(net_amount) from warehouse.wh_fact_sales) as sales,
        (select count(*) from warehouse.wh_fact_sales) as lines,
        (select count(*) from warehouse.wh_fact_interactions) as interactions,
        (select sum(points) from warehouse.wh_fact_loyalty) as points,
        (select count(*) from staging.stg_campaign_touches) as touches,
        (select sum(discount_amount) from staging.stg_offer_redemptions) as discounts
"""
# Somebody whom all systems know, with the marks by which they would be recognised.
SOMEBODY = """
    select
        consumers.consumer_id, consumers.consumer_email, consumers.phone_number, consumers.address, users.id
    from raw_crm.consumers as consumers
    inner join raw_webshop.users as users on lower(users.email) = lower(consumers.consumer_email)
    inner join raw_erp.email_address as addresses
        on lower(addresses.email_address) = lower(consumers.consumer_email)
    inner join raw_marketing.campaign_touches as touches
        on lower(touches.consumer_email) = lower(consumers.consumer_email)
    inner join raw_crm.interactions as interactions on interactions.consumer_id = consumers.consumer_id
    order by consumers.consumer_id limit 1
"""
# Somebody whom nobody but the CRM knows.
ONLY_IN_THE_CRM = """
    select consumers.consumer_id, consumers.consumer_email, consumers.phone_number
    from raw_crm.consumers as consumers
    inner join raw_crm.interactions as interactions on interactions.consumer_id = consumers.consumer_id
    where lower(consumers.consumer_email) not in (
        select email from warehouse.wh_consumer_identities where source_system <> 'crm' and email is not null
        union all
        select lower(consumer_email) from raw_marketing.audience_members
    )
    order by consumers.consumer_id limit 1
"""


@pytest.fixture
def deployment(deploy, built, tmp_path):
    written = tmp_path / "deployment-0"
    copy = deploy(extracts_folder=str(written / "extracts"), dashboards_folder=str(written / "dashboards"))
    shutil.copytree(built.settings.home, copy.settings.home, dirs_exist_ok=True)
    return copy


def _write(deployment, *statements):
    with duckdb.connect(deployment.settings.duckdb_path) as connection:
        for statement in statements:
            connection.execute(statement)


def _forget(deployment, *options):
    return subprocess.run(
        [sys.executable, "-m", "retail_assets.cli", "forget", *options],
        env={
            **deployment.environment,
            "RETAIL_EXTRACTS_FOLDER": deployment.settings.extracts_folder,
            "RETAIL_DASHBOARDS_FOLDER": deployment.settings.dashboards_folder,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def _tables(deployment, words):
    """The tables, where runs write and where readers look, in which one of the words is."""
    published = deployment.settings.published_path
    for path in (deployment.settings.duckdb_path, published, published.with_suffix(".spare")):
        with duckdb.connect(path, read_only=True) as connection:
            # Views store nothing.
            columns = connection.execute(
                "select schema_name || '.' || table_name, string_agg('\"' || column_name || '\"', ', ')"
                " from duckdb_columns() inner join duckdb_tables() using (schema_name, table_name)"
                " where data_type = 'VARCHAR' group by all order by 1"
            ).fetchall()
            for table, names in columns:
                likes = " or ".join(f"concat_ws(' ', {names}) ilike '%{word}%'" for word in words)
                if connection.execute(f"select 1 from {table} where {likes} limit 1").fetchall():
                    yield f"{path.name}: {table}"


def _places(deployment, words):
    """The same, and files in the home outside the sources: a night does not rewrite unused blocks."""
    yield from _tables(deployment, words)
    spelled = [word.lower().encode() for word in words]
    for path in deployment.settings.home.rglob("*"):
        if path.is_file() and deployment.sources not in path.parents:
            content = path.read_bytes().lower()
            if path.suffix == ".parquet":
                content = str(duckdb.execute(f"from '{path}'").fetchall()).lower().encode()
            if any(word in content for word in spelled):
                yield str(path.relative_to(deployment.settings.home))


def _key(email):
    return md5(f"email:{email.lower()}".encode()).hexdigest()


def test_who_is_forgotten_is_nowhere_and_does_not_come_back(deployment):
    ((number, email, phone, address, user),) = deployment.query(SOMEBODY)
    words = [email, phone, address, _key(email)]
    ((order,),) = deployment.query(
        "select max(orders.order_id) from staging.stg_webshop_orders as orders"
        " inner join warehouse.wh_fact_sales as sales"
        " on sales.source_system = 'webshop' and sales.order_id = cast(orders.order_id as varchar)"
        f" where orders.user_id <> {user}"
    )
    # An order that the person placed without an account.
    _write(
        deployment,
        "insert into raw_webshop.orders select * replace ("
        f"    cast(null as bigint) as user_id, ' {email.upper()} ' as customer_email,"
        f"    _row_hash + 1 as _row_hash, timestamp '{LAST}' as _changed_at,"
        "    _loaded_at + interval 1 second as _loaded_at"
        f") from raw_webshop.orders where order_id = {order} and _deleted_at is null"
        " order by _modified_at desc nulls last limit 1",
    )
    deployment.run(LAST, checks=False)
    extract(Console(file=StringIO()), deployment.settings, "", [])
    (before,) = deployment.query(SUMS)
    places = list(_places(deployment, [_key(email)]))
    assert [place for place in places if "fact_sales" in place]
    assert [place for place in places if "extracts/segmentation" in place]

    told = _forget(deployment, "--email", f" {email.title()}")
    assert "Nothing was changed" in told.stdout
    assert deployment.query(SOMEBODY)[0][0] == number

    told = _forget(deployment, "--email", f" {email.title()}", "--yes")
    assert told.returncode == 0, told.stdout + told.stderr
    assert list(_places(deployment, words)) == []
    assert deployment.query(SUMS) == [before]
    (receipt,) = (deployment.settings.home / "receipts").iterdir()
    written = json.loads(receipt.read_text())
    assert written["left"] == {}
    assert written["records"]["crm.consumers"] == 1
    assert {"raw_erp.person", "raw_webshop.orders", "mart_segmentation.customer_segments"} <= set(
        written["rows_erased"]
    )

    # The sources still have them, and change them; and somebody else was erased in the CRM itself.
    ((other, other_email, other_phone),) = deployment.query(ONLY_IN_THE_CRM)
    with sqlite3.connect(deployment.sources / "crm.sqlite") as connection:
        connection.execute("update consumers set phone_number = '000' where consumer_id = ?", [number])
        connection.execute("delete from consumers where consumer_id = ?", [other])
    gone = [other_phone, _key(other_email)]
    assert list(_places(deployment, gone))
    deployment.run(START, LAST, checks=False)
    assert list(_places(deployment, words)) == []
    assert list(_tables(deployment, gone)) == []
    # Weekly ones, too, though this was a night.
    assert [place for place in _places(deployment, gone) if place.startswith("extracts/")] == []
    assert deployment.query(f"select * from raw_crm.consumers where consumer_id in ({number}, {other})") == []
    said = deployment.query(f"select distinct comments from raw_crm.interactions where consumer_id = {other}")
    assert said == [(None,)]
    assert deployment.query(SUMS) == [before]

    told = _forget(deployment, "--email", "nobody@mail.example", "--yes")
    assert (told.returncode, "Nobody is known by that" in told.stderr) == (2, True)


@fault(Area.BUILDING, "A process is killed while it forgets a person", "The next night erases the rest.")
def test_a_process_that_is_killed_after_marking_leaves_the_rest_to_the_next_night(deployment, monkeypatch):
    ((_, email, *_),) = deployment.query(SOMEBODY)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("retail_assets.privacy.command.run_range", killed)
    with deployment.entered(), pytest.raises(KeyboardInterrupt):
        forget(deployment.settings, email, "", True, Console(file=StringIO()), Console(file=StringIO()))
    monkeypatch.undo()
    assert list(_places(deployment, [_key(email)]))
    # A later day, as the next night has.
    later = LAST + timedelta(days=1)
    object.__setattr__(deployment.settings, "end_date", later)
    deployment.run(later, checks=False)
    tables = personal_tables(deployment.manifest)
    with duckdb.connect(deployment.settings.duckdb_path) as connection:

        def execute(statement):
            return connection.execute(statement).fetchall()

        person = erasure.find(tables, {"email": [email]}, execute)
        assert not person.rows
        assert erasure.remaining(tables, person, execute) == {}
    assert list(_tables(deployment, [_key(email)])) == []


def test_another_pepper_is_refused(tmp_path):
    settings = Settings(home=tmp_path)
    with duckdb.connect() as connection:

        def execute(statement):
            return connection.execute(statement).fetchall()

        forgotten.add(forgotten.begin(settings, execute), {"email": ["one@mail.example"]}, execute)
        known = forgotten.read(settings, execute)
        assert known.has_any({"email": [" One@mail.example"]})
        (settings.home / "pepper").write_text("another")
        with pytest.raises(UserError, match="another pepper"):
            forgotten.read(settings, execute)


def test_personal_parts_of_keys_are_hashed(manifest):
    """`personal_keys` in macros/staging.sql: keys of rows stand in quarantine, and in what is affected."""
    personal = {
        column.name
        for table in personal_tables(manifest)
        for column in table.columns
        if column.pii and column.name in table.primary_key
    }
    written = (PROJECT_DIR / "macros/staging.sql").read_text()
    named = re.search(r"personal_keys\(\) -%} {{ return\((\[.*?\])\)", written)
    assert named
    assert personal == set(json.loads(named[1]))
