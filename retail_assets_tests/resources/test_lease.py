"""One writer at a time, over all machines that share a warehouse."""

from contextlib import contextmanager
from threading import Event, Thread

import duckdb
import pytest

from retail_assets.resources.lease import TABLE, LostLeaseError, leased
from retail_assets_tests.faults import Area, fault


@pytest.fixture
def session(tmp_path):
    """Connections to a warehouse, each of its own, as machines have them."""
    with duckdb.connect(tmp_path / "shared.duckdb") as shared:

        @contextmanager
        def open_session():
            with shared.cursor() as connection:
                yield lambda statement: connection.execute(statement).fetchall()

        yield open_session


def holder(session):
    with session() as execute:
        return execute(f"select holder from {TABLE}")[0][0]


def test_the_second_waits_until_the_first_has_ended(session):
    said: list[str] = []
    order: list[str] = []

    def write_second():
        with leased(session, said.append, asked_again_after=0.01):
            order.append("second")

    with leased(session, said.append):
        second = Thread(target=write_second)
        second.start()
        second.join(0.3)
        order.append("first")
        assert said == [f"Another run is writing the warehouse ({holder(session)}); this one waits for it."]
    second.join(30)
    assert order == ["first", "second"]
    assert holder(session) is None


@fault(
    Area.BUILDING,
    "A machine that holds Snowflake's lease is gone",
    "Its lease ends by itself, and another one writes.",
)
def test_one_that_is_gone_frees_its_place(session):
    with leased(session, print, seconds=0.2), session() as execute:
        # As if its machine had gone: nobody renews it, and it is not given back.
        execute(f"update {TABLE} set holder = 'gone'")
        with leased(session, print, asked_again_after=0.05):
            assert holder(session) != "gone"


def test_it_is_renewed_while_its_holder_writes(session):
    with leased(session, print, seconds=0.6, renewed_after=0.1):
        mine = holder(session)
        Event().wait(1.0)
        with session() as execute:
            execute(f"update {TABLE} set holder = 'other' where held_until < cast(now() as timestamp)")
        assert holder(session) == mine


@fault(Area.BUILDING, "Another writer took the lease", "The run that lost it fails with a sentence.")
def test_a_run_that_lost_it_fails(session):
    def write():
        with leased(session, print, renewed_after=0.05), session() as execute:
            execute(f"update {TABLE} set holder = 'another machine'")
            Event().wait(0.5)

    with pytest.raises(LostLeaseError, match="another machine"):
        write()
    assert holder(session) == "another machine"


def test_what_fails_gives_it_back(session):
    with pytest.raises(ZeroDivisionError), leased(session, print):
        1 / 0  # noqa: B018
    assert holder(session) is None
