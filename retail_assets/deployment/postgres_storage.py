"""Dagster's storage in PostgreSQL: runs, events and schedules, for processes on more than one machine.

Runs and schedules are stored by Dagster's own classes, events as ranges.py has them: Dagster's own log would
write an event per asset and partition, each in a connection of its own. Of a crash of the database's machine
the log may lose the newest events, as on SQLite; runs and schedules are committed to disk.

The database is `RETAIL_DAGSTER_URL`; dagster.yaml does not hold it, so that no password is in it.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa
from dagster import EventLogEntry
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage, PostgresRunStorage
from dagster_postgres.utils import DagsterPostgresException, retry_pg_connection_fn

from retail_assets.deployment.ranges import RangesStoredOnce, read_by_partition
from retail_assets.errors import UserError
from retail_assets.internals import ConfigurableClassData, SqlEventLogStorageTable
from retail_assets.settings import settings

# dagster-postgres is written for this driver. Without a name, SQLAlchemy takes another.
DRIVER = "postgresql+psycopg2"
# A connection that was idle for so long is not trusted: firewalls forget it.
RECYCLE_SECONDS = 300

# Processes that start at once create the tables one after the other: when two create the same type at once,
# Dagster does not try again.
_LOCK = "select pg_advisory_xact_lock(7305411)"
_SCHEMA = (
    """
    create table if not exists partition_lists (
        id integer generated always as identity primary key, digest text not null unique, keys text not null
    )
    """,
    """
    create table if not exists event_partitions (
        event_id bigint primary key references event_logs (id) on delete cascade,
        list_id integer not null,
        size integer not null
    )
    """,
    """
    create or replace view event_logs_by_partition as
    select id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition
    from event_logs
    union all
    select
        events.id - event_partitions.size + listed.number as id,
        events.run_id,
        jsonb_set(
            events.event::jsonb,
            case events.dagster_event_type
                when 'ASSET_MATERIALIZATION'
                    then '{dagster_event,event_specific_data,materialization,partition}'::text[]
                else '{dagster_event,event_specific_data,partition}'::text[]
            end,
            to_jsonb(listed.value)
        )::text as event,
        events.dagster_event_type,
        events.timestamp,
        events.step_key,
        events.asset_key,
        listed.value as partition
    from event_logs as events
    inner join event_partitions on event_partitions.event_id = events.id
    inner join partition_lists on partition_lists.id = event_partitions.list_id
    cross join lateral
        jsonb_array_elements_text(partition_lists.keys::jsonb) with ordinality as listed (value, number)
    where listed.number < event_partitions.size
    """,
    """
    create or replace view asset_event_tags_by_partition as
    select id, event_id, asset_key, key, value, event_timestamp
    from asset_event_tags
    union all
    select
        tags.id,
        tags.event_id - event_partitions.size + listed.number as event_id,
        tags.asset_key,
        tags.key,
        tags.value,
        tags.event_timestamp
    from asset_event_tags as tags
    inner join event_partitions on event_partitions.event_id = tags.event_id
    inner join partition_lists on partition_lists.id = event_partitions.list_id
    cross join lateral
        jsonb_array_elements_text(partition_lists.keys::jsonb) with ordinality as listed (value, number)
    where listed.number < event_partitions.size
    """,
)
_VIEWS = ("event_logs_by_partition", "asset_event_tags_by_partition")
_FORGET = (
    """
    delete from event_logs
    where run_id = any(:runs) and dagster_event_type not in ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION')
    """,
    """
    delete from event_logs where run_id = any(:runs) and dagster_event_type is null
    """,
    """
    update event_logs
    set event = jsonb_set(
        event::jsonb, '{dagster_event,event_specific_data,materialization,metadata_entries}', '[]'
    )::text
    where run_id = any(:runs)
        and dagster_event_type = 'ASSET_MATERIALIZATION'
        and event not like '%NaN%' and event not like '%Infinity%' and event not like '%\\u0000%'
    """,
    """
    delete from asset_check_executions
    where run_id = any(:runs)
        and id not in (select max(id) from asset_check_executions group by asset_key, check_name)
    """,
    "delete from partition_lists where id not in (select list_id from event_partitions)",
)


class PostgresEventLog(RangesStoredOnce, PostgresEventLogStorage):
    """`PostgresEventLogStorage` with a kept connection, batched writes, and ranges of partitions stored once.

    All runs are in one table, so that what an event says of a range is there once, with the last partition.
    """

    def __init__(self, postgres_url: str):
        super().__init__(postgres_url)
        self._keep_connections()
        self._create_lists()

    def _keep_connections(self, timeout: int = 0, **more: Any) -> None:
        options: dict[str, Any] = {
            "pool_size": 1,
            "max_overflow": 10,
            "pool_pre_ping": True,
            "pool_recycle": RECYCLE_SECONDS,
        }
        engine = sa.create_engine(self.postgres_url, isolation_level="AUTOCOMMIT", **options | more)
        sa.event.listen(engine, "connect", partial(_set_up, timeout=timeout))
        sa.event.listen(engine, "before_cursor_execute", read_by_partition, retval=True)
        self._engine.dispose()
        self._engine = engine

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """For many requests at a time, none of which may take long."""
        self._keep_connections(statement_timeout, pool_recycle=pool_recycle, max_overflow=max_overflow)

    def _create_lists(self) -> None:
        if self.has_table("event_partitions") and self.has_table("asset_event_tags_by_partition"):
            return
        with self.index_transaction() as connection:
            for statement in _SCHEMA:
                connection.execute(sa.text(statement))

    def upgrade(self) -> None:
        """Dagster's migrations, and the views that went before them."""
        super().upgrade()
        self._tables.clear()
        self._create_lists()

    def _connect(self) -> AbstractContextManager[sa.Connection]:
        self.store_waiting()
        return super()._connect()

    def _store_other(self, event: EventLogEntry) -> None:
        # Dagster's own tells listeners of each event, of which there are none any more.
        with self.index_connection() as connection:
            self._insert(connection, self._event_to_row(event), 1)

    def _keep_others_from_numbers(self, connection: sa.Connection) -> None:
        # They take them with the table. Locked before anything is written to it: two that have written would
        # wait for each other.
        connection.execute(sa.text("lock table event_logs in share row exclusive mode"))

    def _insert(self, connection: sa.Connection, row: Mapping[str, Any], size: int) -> int:
        numbered = dict(row)
        if size > 1:
            sequence = "pg_get_serial_sequence('event_logs', 'id')"
            numbered["id"] = connection.execute(
                sa.text(f"select setval({sequence}, nextval({sequence}) + :more)"), {"more": size - 1}
            ).scalar_one()
        inserted = connection.execute(
            SqlEventLogStorageTable.insert().values(**numbered).returning(SqlEventLogStorageTable.c.id)
        )
        return int(inserted.scalar_one())

    def _list(self, connection: sa.Connection, keys: str) -> int:
        digest = hashlib.sha256(keys.encode()).hexdigest()
        connection.execute(
            sa.text(
                "insert into partition_lists (digest, keys) values (:digest, :keys) on conflict do nothing"
            ),
            {"digest": digest, "keys": keys},
        )
        found = connection.execute(
            sa.text("select id from partition_lists where digest = :digest"), {"digest": digest}
        )
        return int(found.scalar_one())

    def _runs_of(self, connection: sa.Connection, event_ids: Collection[int]) -> Mapping[int, str]:
        rows: Sequence[Any] = connection.execute(
            sa.text(
                "select listed.value, (select run_id from event_logs where id >= listed.value"
                " order by id limit 1) from unnest(cast(:ids as bigint[])) as listed (value)"
            ),
            {"ids": list(event_ids)},
        ).fetchall()
        return {int(event_id): str(run_id) for event_id, run_id in rows}

    def logs(self) -> Mapping[str, int]:
        """The runs that have said that they begin. What they take is PostgreSQL's."""
        with self.index_connection() as connection:
            rows: Sequence[Any] = connection.execute(
                sa.text("select distinct run_id from event_logs where dagster_event_type = 'PIPELINE_START'")
            ).fetchall()
        return {str(run_id): 0 for (run_id,) in rows}

    def forget(self, run_ids: Sequence[str]) -> None:
        """Remove the logs of runs that are over. Their room is taken by the next ones."""
        with self.index_transaction() as connection:
            for statement in _FORGET:
                named = {"runs": list(run_ids)} if ":runs" in statement else {}
                connection.execute(sa.text(statement), named)

    def dispose(self) -> None:
        self.store_waiting()
        super().dispose()
        self._engine.dispose()


class _PostgresRuns(PostgresRunStorage):
    """Dagster's, which is migrated first."""

    def upgrade(self) -> None:
        """Dagster's migrations, of all tables at once: they may change columns that the log's views read."""
        with self.connect() as connection:
            for view in _VIEWS:
                connection.execute(sa.text(f"drop view if exists {view}"))
        super().upgrade()


class PostgresStorage(DagsterPostgresStorage):
    """Dagster's unified storage in the database of the settings."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None):
        with _alone(postgres_url):
            super().__init__(postgres_url, inst_data=inst_data)
            self._run_storage = _PostgresRuns(postgres_url)
            self._event_log_storage = PostgresEventLog(postgres_url)

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "PostgresStorage":
        url = database(settings().dagster_url.get_secret_value())
        try:
            return cls(url, inst_data=inst_data)
        except DagsterPostgresException as error:
            why = str(getattr(error.__cause__, "orig", error)).strip().splitlines()[0]
            raise UserError(f"The database of RETAIL_DAGSTER_URL cannot be used: {why}") from None


def database(url: str) -> str:
    """The URL with the driver that Dagster's storage needs.

    Raises `UserError` if it is none of PostgreSQL.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise UserError(
            "RETAIL_DAGSTER_URL is no address of a PostgreSQL database. Write postgresql://user:password@host/"
            "database; without it, Dagster's history is in the home."
        )
    return parsed.set(drivername=DRIVER).render_as_string(hide_password=False)


@contextmanager
def _alone(postgres_url: str) -> Iterator[None]:
    # A lock of a transaction: one of a session would outlive it behind a pooler such as PgBouncer.
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with retry_pg_connection_fn(engine.connect) as connection, connection.begin():
        connection.execute(sa.text(_LOCK))
        yield


def _set_up(connection: Any, _record: object, timeout: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set synchronous_commit to off")
        cursor.execute(f"set statement_timeout to {timeout}")
    connection.commit()
