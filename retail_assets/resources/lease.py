"""Who may write a warehouse that several machines share: a lease in the warehouse itself.

A lock that a session holds would stay for hours after its machine is gone. A lease ends by itself two minutes
after its holder last renewed it. All times are the warehouse's, so that machines need not agree on theirs.
"""

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Event, Thread

from retail_assets.errors import UserError
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute

SCHEMA = "deployment"
TABLE = f"{SCHEMA}.writer"
SECONDS = 120
RENEWED_AFTER = 30
ASKED_AGAIN_AFTER = 5

_NOW = "cast(current_timestamp as timestamp)"
_FREE = "cast('1970-01-01' as timestamp)"

Session = Callable[[], AbstractContextManager[Execute]]
"""Opens a connection to the warehouse."""


class LostLeaseError(UserError):
    """Another writer took over, since this one did not renew its lease in time."""


@contextmanager
def leased(
    session: Session,
    say: Callable[[str], None],
    *,
    seconds: float = SECONDS,
    renewed_after: float = RENEWED_AFTER,
    asked_again_after: float = ASKED_AGAIN_AFTER,
) -> Iterator[None]:
    """A context in which no other process holds the lease. Waits for it, and says so.

    Raises `LostLeaseError` at its end if the lease was lost meanwhile.
    """
    holder = f"{socket.gethostname()}, process {os.getpid()} ({uuid.uuid4().hex[:8]})"
    with session() as execute:
        _create(execute)
        waits = False
        while (other := _take(execute, holder, seconds)) is not None:
            if not waits:
                say(f"Another run is writing the warehouse ({other}); this one waits for it.")
                waits = True
            Event().wait(asked_again_after)
    ended = Event()

    def renew() -> None:
        while not ended.wait(renewed_after):
            # A warehouse that cannot be reached now may be in time.
            with suppress(Exception), session() as execute:
                _take(execute, holder, seconds)

    keeper = Thread(target=renew, name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        with session() as execute:
            other = _take(execute, holder, seconds)
            _give_back(execute, holder)
    if other is not None:
        raise LostLeaseError(
            f"Another run took over the warehouse ({other}), since this one was not heard of for"
            f" {seconds:.0f} seconds. Run it again."
        )


def _create(execute: Execute) -> None:
    """One row in one statement: of two writers that create it, one finds it there."""
    found = execute(
        "select 1 from information_schema.tables"
        f" where lower(table_schema) = '{SCHEMA}' and lower(table_name) = 'writer'"
    )
    if not found:
        execute(f"create schema if not exists {SCHEMA}")
        execute(
            f"create table if not exists {TABLE} as"
            f" select cast(null as varchar) as holder, {_FREE} as held_until"
        )


def _take(execute: Execute, holder: str, seconds: float) -> str | None:
    """Take or renew the lease. Returns who holds it, if that is somebody else."""
    execute(
        f"update {TABLE} set holder = {text(holder)},"
        f" held_until = {_NOW} + interval '{round(seconds * 1000)} milliseconds'"
        f" where held_until < {_NOW} or holder = {text(holder)}"
    )
    ((found,),) = execute(f"select holder from {TABLE}")
    return None if found == holder else str(found)


def _give_back(execute: Execute, holder: str) -> None:
    execute(f"update {TABLE} set holder = null, held_until = {_FREE} where holder = {text(holder)}")
