"""Marking and purging in raw. With everything that is made of it: laws/test_forgetting.py."""

import duckdb
import pytest

from retail_assets.privacy import erasure
from retail_assets.privacy.personal import NOBODY
from retail_assets.resources.sessions import DuckDBSession
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
