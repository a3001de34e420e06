"""Dagster's SQLite event log, for runs over ranges of partitions.

Dagster's own opens a new database connection for each event and commits, with a sync to disk, each event
twice: once for the run, once for the index over all runs. This one keeps connections, and lets SQLite sync at
checkpoints (in WAL mode a crash of the machine may lose the newest events, never corrupt the file; a crash of
the process loses nothing). How ranges are stored: ranges.py.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster import EventLogEntry

from retail_assets.deployment.ranges import RangesStoredOnce, read_by_partition
from retail_assets.internals import (
    INDEX_SHARD_NAME,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    ConfigurableClassData,
    SqlEventLogStorageTable,
    SqliteEventLogStorage,
)

# Of the index over all runs, and of this many runs, connections are kept: each holds three files open.
OPEN_RUNS = 4

_SCHEMA = (
    "create table if not exists partition_lists (id integer primary key, keys text not null unique)",
    """
    create table if not exists event_partitions (
        event_id integer primary key, list_id integer not null, size integer not null
    )
    """,
    """
    create trigger if not exists event_partitions_go after delete on event_logs
    begin
        delete from event_partitions where event_id = old.id;
    end
    """,
    """
    create view if not exists event_logs_by_partition as
    select id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition
    from event_logs
    union all
    select
        events.id - event_partitions.size + 1 + listed.key as id,
        events.run_id,
        json_set(
            events.event,
            case events.dagster_event_type
                when 'ASSET_MATERIALIZATION'
                    then '$.dagster_event.event_specific_data.materialization.partition'
                else '$.dagster_event.event_specific_data.partition'
            end,
            listed.value
        ) as event,
        events.dagster_event_type,
        events.timestamp,
        events.step_key,
        events.asset_key,
        listed.value as partition
    from event_logs as events
    inner join event_partitions on event_partitions.event_id = events.id
    inner join partition_lists on partition_lists.id = event_partitions.list_id
    inner join json_each(partition_lists.keys) as listed
    where listed.key < event_partitions.size - 1
    """,
    """
    create view if not exists asset_event_tags_by_partition as
    select id, event_id, asset_key, key, value, event_timestamp
    from asset_event_tags
    union all
    select
        tags.id,
        tags.event_id - event_partitions.size + 1 + listed.key as event_id,
        tags.asset_key,
        tags.key,
        tags.value,
        tags.event_timestamp
    from asset_event_tags as tags
    inner join event_partitions on event_partitions.event_id = tags.event_id
    inner join partition_lists on partition_lists.id = event_partitions.list_id
    inner join json_each(partition_lists.keys) as listed
    where listed.key < event_partitions.size - 1
    """,
)
# What the index forgets of runs. Of what they made it keeps all but the metadata.
_OF_THEM = "run_id in (select value from json_each(:runs))"
_FORGET = (
    f"""
    delete from event_logs
    where {_OF_THEM} and dagster_event_type not in ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION')
    """,
    f"""
    update event_logs
    set event = json_set(
        event, '$.dagster_event.event_specific_data.materialization.metadata_entries', json('[]')
    )
    where {_OF_THEM} and dagster_event_type = 'ASSET_MATERIALIZATION' and json_valid(event)
    """,
    f"""
    delete from asset_check_executions
    where {_OF_THEM}
        and id not in (select max(id) from asset_check_executions group by asset_key, check_name)
    """,
    "delete from partition_lists where id not in (select list_id from event_partitions) and :runs <> ''",
)


class BatchedSqliteEventLogStorage(RangesStoredOnce, SqliteEventLogStorage):
    """`SqliteEventLogStorage` with kept connections, batched writes, and ranges of partitions stored once."""

    # Outputs are in their run's log only.
    indexed = RangesStoredOnce.indexed - {dg.DagsterEventType.STEP_OUTPUT}

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        self._engines: dict[str, sa.Engine] = {}
        self._open: dict[str, sa.Connection] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchedSqliteEventLogStorage":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._order:
            if shard in self._open:
                yield self._open[shard]
                return
            self.store_waiting()
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                if shard == INDEX_SHARD_NAME:
                    _create_lists(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                self._open[shard] = connection
                try:
                    yield connection
                finally:
                    del self._open[shard]

    def _at_once(self) -> AbstractContextManager[Any]:
        return self._connect(INDEX_SHARD_NAME)

    def _engine(self, shard: str) -> sa.Engine:
        """The shard's engine; those of the runs that nobody asked for lately are closed. Only in the lock."""
        engine = self._engines.pop(shard, None) or self._new_engine(shard)
        self._engines[shard] = engine
        runs = [name for name in self._engines if name != INDEX_SHARD_NAME]
        for name in runs[:-OPEN_RUNS]:
            self._engines.pop(name).dispose()
        return engine

    def _new_engine(self, shard: str) -> sa.Engine:
        engine = sa.create_engine(
            self.conn_string_for_shard(shard),
            # The lock above lets one thread in at a time, so that one connection serves all.
            poolclass=sa.pool.StaticPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        sa.event.listen(engine, "connect", _sync_at_checkpoints)
        if shard == INDEX_SHARD_NAME:
            sa.event.listen(engine, "before_cursor_execute", read_by_partition, retval=True)
        return engine

    def _keep_said(self, events: Sequence[EventLogEntry]) -> None:
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(
                SqlEventLogStorageTable.insert(), [self._event_to_row(each) for each in events]
            )

    def _insert(self, connection: sa.Connection, row: Mapping[str, Any], size: int) -> int:
        inserted = connection.execute(SqlEventLogStorageTable.insert(), row).inserted_primary_key
        assert inserted
        first = int(inserted[0])
        last = first + size - 1
        if size > 1:
            connection.exec_driver_sql("update event_logs set id = ? where id = ?", (last, first))
        return last

    def _list(self, connection: sa.Connection, keys: str) -> int:
        connection.exec_driver_sql(
            "insert into partition_lists (keys) values (?) on conflict do nothing", (keys,)
        )
        return int(
            connection.exec_driver_sql("select id from partition_lists where keys = ?", (keys,)).scalar_one()
        )

    def _runs_of(self, connection: sa.Connection, event_ids: Collection[int]) -> Mapping[int, str]:
        rows = connection.exec_driver_sql(
            "select listed.value, run_id from json_each(?) as listed inner join event_logs"
            " on event_logs.id = (select min(id) from event_logs where id >= listed.value)",
            (json.dumps(list(event_ids)),),
        ).fetchall()
        return {int(str(event_id)): str(run_id) for event_id, run_id in rows}

    def delete_events_for_run(self, conn: sa.Connection, run_id: str) -> None:
        """Deletes what one log, of a run or the index, has of a run."""
        conn.exec_driver_sql(
            "delete from asset_event_tags where event_id in (select id from event_logs where +run_id = ?)",
            (run_id,),
        )
        conn.execute(SqlEventLogStorageTable.delete().where(SqlEventLogStorageTable.c.run_id == run_id))

    def logs(self) -> Mapping[str, int]:
        """The runs with logs of their own: a file each."""
        files = Path(self._base_dir).glob("*.db")
        return {path.stem: path.stat().st_size for path in files if path.stem != INDEX_SHARD_NAME}

    def forget(self, run_ids: Sequence[str]) -> None:
        """Remove the logs of runs that are over, and give their room back."""
        runs = json.dumps(list(run_ids))
        with self.index_connection() as connection:
            for statement in _FORGET:
                connection.exec_driver_sql(statement, {"runs": runs})
        with self._order:
            for run_id in run_ids:
                if engine := self._engines.pop(run_id, None):
                    engine.dispose()
                self._initialized_dbs.discard(run_id)
                for ending in ("", "-wal", "-shm"):
                    Path(self.path_for_shard(run_id) + ending).unlink(missing_ok=True)
            self._engines.pop(INDEX_SHARD_NAME).dispose()
            _shrink(self.path_for_shard(INDEX_SHARD_NAME))

    def dispose(self) -> None:
        self.store_waiting()
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def _shrink(path: str) -> None:
    """Shrink a file with much free space, unless another process is using it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        ((free,),) = connection.execute("pragma freelist_count")
        ((pages,),) = connection.execute("pragma page_count")
        if free > pages / 4:
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
    except sqlite3.OperationalError:
        pass
    finally:
        connection.close()


def _create_lists(engine: sa.Engine) -> None:
    with engine.connect() as connection, connection.begin():
        for statement in _SCHEMA:
            connection.exec_driver_sql(statement)


def _sync_at_checkpoints(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
