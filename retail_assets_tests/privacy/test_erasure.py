"""Marking and purging in raw. With everything that is made of it: laws/test_forgetting.py."""

import duckdb
import pytest

from retail_assets.errors import UserError
from retail_assets.ingestion.versions import stored_key
from retail_assets.privacy import erasure
from retail_assets.privacy.personal import NOBODY
from retail_assets.resources.sessions import DuckDBSession
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.privacy import planted
from retail_assets_tests.privacy.planted import KNOWN, key_of


@pytest.fixture
def execute(manifest):
    with duckdb.connect() as connection:
        session = DuckDBSession(connection)
        planted.plant(manifest, session)
        yield session


def test_a_person_is_found_in_all_versions_and_by_all_addresses(manifest, execute):
    person = erasure.find(planted.tables_of(manifest), {"email": [" ANN@mail.example"]}, execute)
    assert person.emails == {"ann@mail.example", "ann@new.example"}
    assert person.rows == {
        "crm.consumers": 1,
        "crm.interactions": 1,
        "marketing.campaign_touches": 1,
        "marketing.audience_members": 1,
    }


def test_until_the_purge_all_versions_are_there_and_the_newest_names_nobody(manifest, execute):
    """The build in between finds by the old ones what the person was in."""
    planted.forget_ann(manifest, execute)
    assert execute("select count(*) from raw_crm.consumers where _deleted_at is null") == [(2,)]
    versions = execute(
        "select consumer_email, _row_hash, _deleted_at is null from raw_marketing.campaign_touches"
        " where touch_id = 1 order by _deleted_at is null"
    )
    assert versions == [("ANN@new.example", 31, False), (NOBODY, KNOWN.row_hash(31), True)]


def test_who_is_marked_is_on_the_list(manifest, execute):
    """By which no later reading brings them back: both addresses, and the record."""
    planted.forget_ann(manifest, execute)
    listed = execute(
        "select kind, count(distinct digest) from privacy.forgotten where kind <> 'pepper' group by 1"
        " order by 1"
    )
    assert listed == [("crm.consumers", 1), ("email", 2)]


def test_the_purge_leaves_nothing_but_sums(manifest, execute):
    person = planted.forget_ann(manifest, execute)
    planted.erase_bob(execute)
    erased = planted.purge(manifest, execute)
    assert erased == {
        "raw_crm.consumers": 3,
        "raw_crm.interactions": 1,
        "raw_marketing.campaign_touches": 1,
        "raw_marketing.audience_members": 1,
        "mart_planted.weeks": 3,
    }
    assert execute("select consumer_name from raw_crm.consumers") == [("Cem",)]
    assert execute("select interaction_id, comments from raw_crm.interactions order by 1") == [
        (1, None),
        (2, None),
        (3, "call Cem"),
    ]
    assert execute("select consumer_email from raw_marketing.campaign_touches order by 1") == [
        ("cem@mail.example",),
        (NOBODY,),
    ]
    assert execute("select consumer_key from mart_planted.weeks") == [(key_of("cem@mail.example"),)]
    assert erasure.remaining(planted.tables_of(manifest), person, execute) == {}
    assert planted.purge(manifest, execute) == {}


def test_a_version_that_was_overtaken_erases_nobody(manifest, execute):
    execute("update raw_crm.consumers set _deleted_at = timestamp '2024-05-02' where _row_hash = 11")
    assert planted.purge(manifest, execute) == {}
    assert execute("select count(*) from raw_crm.consumers") == [(4,)]


def test_who_is_deleted_after_the_window_stays_for_the_next_run(manifest, execute):
    """The models that were built do not know of it."""
    execute("update raw_crm.consumers set _deleted_at = timestamp '2024-05-03' where consumer_id = 2")
    assert planted.purge(manifest, execute) == {}


def test_whom_another_system_knows_keeps_the_weeks(manifest, execute):
    execute("create schema warehouse")
    known = key_of("bob@mail.example")
    execute(f"create table warehouse.wh_consumer_identities as select '{known}' as consumer_key")
    planted.erase_bob(execute)
    assert planted.purge(manifest, execute) == {"raw_crm.consumers": 1}


def _add(execute, table, **values):
    row = {**values, "_changed_at": planted.LOADED, "_loaded_at": planted.LOADED}
    given = ", ".join("null" if value is None else f"'{value}'" for value in row.values())
    execute(f"insert into {table} ({', '.join(row)}) values ({given})")


@pytest.mark.parametrize("address", ["", "none@mail.example"])
def test_an_address_that_many_have_is_nobodys(manifest, execute, address):
    """Ann's record had a placeholder once: nobody else goes with her."""
    for number in (1, 20, 21, 22, 23):
        _add(execute, "raw_crm.consumers", consumer_id=number, consumer_email=address, _row_hash=100 + number)
    person = erasure.find(planted.tables_of(manifest), {"email": ["ann@mail.example"]}, execute)
    assert person.named["crm.consumers"] == {"1"}
    assert address not in person.emails
    if address:
        with pytest.raises(UserError, match=r"5 records of crm\.consumers have it"):
            erasure.find(planted.tables_of(manifest), {"email": [address]}, execute)


def test_an_address_with_a_tab_is_the_same_address(manifest, execute):
    _add(execute, "raw_crm.consumers", consumer_id=9, consumer_email="dan@mail.example\t", _row_hash=900)
    person = erasure.find(planted.tables_of(manifest), {"email": ["dan@mail.example"]}, execute)
    assert person.rows == {"crm.consumers": 1}


@fault(
    Area.INGESTION,
    "A person's row cannot be read for a night",
    "The person does not count as erased by the source.",
)
def test_a_row_that_cannot_be_read_tonight_is_not_gone(manifest, execute):
    """Its last good version is marked as deleted as long as it is refused."""
    planted.erase_bob(execute)
    _add(execute, "raw_crm._refused_rows", table_name="consumers", row_key="consumer_id=2", _row_hash=1)
    assert planted.purge(manifest, execute) == {}
    execute("update raw_crm._refused_rows set _deleted_at = timestamp '2024-05-02'")
    assert planted.purge(manifest, execute)["raw_crm.consumers"] == 1


@fault(
    Area.INGESTION,
    "A source loses half of its persons at once",
    f"Nobody is erased for good before {erasure.WAIT.days} days are over.",
)
def test_a_source_that_loses_many_at_once_is_given_time(manifest, execute):
    for number in range(100, 200):
        _add(execute, "raw_crm.consumers", consumer_id=number, _row_hash=number)
    execute("update raw_crm.consumers set _deleted_at = timestamp '2024-05-02' where consumer_id >= 150")
    assert planted.purge(manifest, execute) == {}
    later = planted.NEXT + erasure.WAIT
    erased = erasure.purge(planted.tables_of(manifest), later, "a run", execute)
    assert erased == {"raw_crm.consumers": 50}


def test_an_address_that_changed_takes_nobodys_weeks(manifest, execute):
    """The marketing tool drops Cem's former address; Cem is there under another."""
    key = key_of("cem@mail.example")
    execute(
        "update raw_marketing.audience_members set _deleted_at = timestamp '2024-05-02'"
        " where consumer_email = 'cem@mail.example'"
    )
    assert planted.purge(manifest, execute) == {"raw_marketing.audience_members": 1}
    assert (key,) in execute("select consumer_key from mart_planted.weeks")


def test_a_run_of_older_days_leaves_the_marks_to_the_run_that_builds_them(manifest, execute):
    planted.forget_ann(manifest, execute)
    before = planted.rows(manifest, execute)
    assert erasure.purge(planted.tables_of(manifest), planted.DAY, "a run", execute) == {}
    assert planted.rows(manifest, execute) == before
    assert planted.purge(manifest, execute)["mart_planted.weeks"] == 2


def test_refusals_of_the_person_go_too(manifest, execute):
    """The key of a refused row is hashed as it was typed."""
    _add(
        execute,
        "raw_marketing.audience_members",
        audience_segment_id=2,
        consumer_email=" Ann@mail.example",
        _row_hash=43,
    )
    (table,) = (each for each in planted.tables_of(manifest) if each.name == "audience_members")
    execute(
        "insert into raw_marketing._refused_rows (table_name, row_key, _row_hash)"
        f" select 'audience_members', {stored_key(table)}, 1 from raw_marketing.audience_members"
    )
    planted.forget_ann(manifest, execute)
    left = execute("select count(*) from raw_marketing._refused_rows")
    assert left == [(1,)]
