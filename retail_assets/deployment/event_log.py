"""Dagster's SQLite event log, for runs over ranges of partitions.

Dagster's own opens a new database connection for each event and commits, with a sync to disk, each event
twice: once for the run, once for the index over all runs. A run over a range writes two events per asset and
partition: over three years, that is many times what is in the warehouse. This one

- keeps connections, and lets SQLite sync at checkpoints (in WAL mode a crash of the machine may lose the
  newest events, never corrupt the file; a crash of the process loses nothing),
- writes a batch of events in one transaction,
- stores what a run says of an asset's partitions once, with the list of the partitions (`partition_lists`),
  which all assets of the run share. Dagster's own queries read a view in which every partition has its event,
  with an id of its own (`event_logs_by_partition`),
- has a step make that one event only (`_one_event`): to make an event per partition and to pass each through
  the log took half of the time of a run over three years.

Where Dagster's own class reads the same files, it sees such a run as one of its last partition.
"""

import functools
import json
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import sqlalchemy as sa
from dagster import EventLogEntry

from retail_assets.internals import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    INDEX_SHARD_NAME,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    AssetCheckEvaluationPlanned,
    AssetEventTagsTable,
    ConfigurableClassData,
    SqlEventLogStorageTable,
    SqliteEventLogStorage,
    execute_step,
    replace,
    serialize_value,
)

# Of the index over all runs, and of this many runs, connections are kept: each holds three files open.
OPEN_RUNS = 4

_BATCHED = {*ASSET_EVENTS, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}


# A list's keys are a JSON array in ascending order. An event with a list has the list's last key as its own
# partition, and the ids before its own are those of the others.
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
_READ = re.compile(r"\b(FROM|JOIN) (event_logs|asset_event_tags)\b")


class _Stored(NamedTuple):
    """An event as the index stores it, with the partitions that it is of, and as it is in its run's log."""

    event: EventLogEntry
    partitions: Sequence[str]
    said: EventLogEntry


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """`SqliteEventLogStorage` with kept connections, batched writes, and ranges of partitions stored once."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        self._engines: dict[str, sa.Engine] = {}
        self._tables: set[str] = set()
        self._migrated: set[str] = set()
        self._made_at_once: dict[tuple[str, dg.AssetKey | None], Sequence[str]] = {}
        super().__init__(base_dir, inst_data)
        execute_step._get_output_asset_events = _one_event(execute_step._get_output_asset_events)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchedSqliteEventLogStorage":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                if shard == INDEX_SHARD_NAME:
                    _create_lists(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

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
            sa.event.listen(engine, "before_cursor_execute", _read_by_partition, retval=True)
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table. Dagster asks before each event; a table that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def has_secondary_index(self, name: str) -> bool:
        """Whether a migration of the index is complete, which it stays. Dagster asks as often."""
        if name not in self._migrated and super().has_secondary_index(name):
            self._migrated.add(name)
        return name in self._migrated

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """Dagster plans an asset's partitions in one event then."""
        return True

    def expect(self, run_id: str, asset_key: dg.AssetKey, partitions: Sequence[str]) -> None:
        """The run's next materialization of the asset is of all these partitions, in ascending order."""
        self._made_at_once[run_id, asset_key] = partitions

    def store_event(self, event: EventLogEntry) -> None:
        """Stores an event; one of several partitions, with their list."""
        if _planned_partitions(event) or _made(event) in self._made_at_once:
            self.store_event_batch([event])
        else:
            super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores a run's events of assets and planned checks together; anything else, one by one."""
        if not events or not all(event.dagster_event_type in _BATCHED for event in events):
            super().store_event_batch(events)
            return
        together = [self._with_partitions(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(
                SqlEventLogStorageTable.insert(), [self._event_to_row(each.said) for each in together]
            )
        lists: dict[str, int] = {}
        with self.index_connection() as connection:
            stored = [(each.event, self._insert(connection, each, lists)) for each in together]
            of_assets = [each for each in stored if each[0].dagster_event_type in ASSET_EVENTS]
            if of_assets:
                self._store_asset_event_tags(connection, *zip(*of_assets, strict=True))
            # An asset's entry names its newest event: the last of the batch.
            for event, event_id in {
                _asset(event): (event, event_id) for event, event_id in of_assets
            }.values():
                self._store_asset_event(connection, event, event_id)
        for event, event_id in stored:
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, event_id)

    def _with_partitions(self, event: EventLogEntry) -> _Stored:
        if planned := _planned_partitions(event):
            return _Stored(_planned_for(event, planned[-1]), planned, event)
        return _Stored(event, self._made_at_once.pop(_made(event), ()), event)

    def _insert(self, connection: sa.Connection, stored: _Stored, lists: dict[str, int]) -> int:
        """Store an event in the index, with its partitions. Returns its id. `lists` are those known."""
        row = self._event_to_row(stored.event)
        inserted = connection.execute(SqlEventLogStorageTable.insert(), row).inserted_primary_key
        assert inserted
        event_id = int(inserted[0])
        size = len(stored.partitions)
        if size < 2:
            return event_id
        keys = json.dumps(stored.partitions)
        if keys not in lists:
            connection.exec_driver_sql(
                "insert into partition_lists (keys) values (?) on conflict do nothing", (keys,)
            )
            lists[keys] = connection.exec_driver_sql(
                "select id from partition_lists where keys = ?", (keys,)
            ).scalar_one()
        last = event_id + size - 1
        connection.exec_driver_sql("update event_logs set id = ? where id = ?", (last, event_id))
        connection.exec_driver_sql("insert into event_partitions values (?, ?, ?)", (last, lists[keys], size))
        return last

    def get_asset_partitions_for_run(
        self, run_id: str, of_type: dg.DagsterEventType | set[dg.DagsterEventType] | None = None
    ) -> Mapping[dg.AssetKey, Set[str | None]]:
        """The partitions that a run planned or made. They are in the index: its own log has them once."""
        types = {of_type} if isinstance(of_type, dg.DagsterEventType) else of_type
        wanted = {each.value for each in types} if types else None
        with self.index_connection() as connection:
            rows: Sequence[Any] = connection.exec_driver_sql(
                "select asset_key, dagster_event_type, partition, list_id from event_logs"
                " left join event_partitions on event_id = event_logs.id"
                " where run_id = ? and asset_key is not null",
                (run_id,),
            ).fetchall()
            lists = {
                each: json.loads(
                    connection.exec_driver_sql(
                        "select keys from partition_lists where id = ?", (each,)
                    ).scalar_one()
                )
                for each in {list_id for *_, list_id in rows if list_id is not None}
            }
        found: dict[dg.AssetKey, set[str | None]] = {}
        for asset_key, kind, partition, list_id in rows:
            if wanted is None or kind in wanted:
                partitions = found.setdefault(dg.AssetKey(json.loads(asset_key)), set())
                partitions.update(lists.get(list_id, [partition]))
        return found

    # Of the next two, Dagster's own look for one asset's events among those of all by their ids: slow
    # in a view.

    def get_latest_tags_by_partition(
        self,
        asset_key: dg.AssetKey,
        event_type: dg.DagsterEventType,
        tag_keys: Sequence[str],
        asset_partitions: Sequence[str] | None = None,
        before_cursor: int | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, Mapping[str, str]]:
        """The tags of each partition's newest event of a type."""
        newest = self._latest_event_ids_by_partition_subquery(
            asset_key, [event_type], asset_partitions, before_cursor, after_cursor
        )
        tags = AssetEventTagsTable.c
        query = (
            sa.select(newest.c.partition, tags.key, tags.value)
            .select_from(newest.join(AssetEventTagsTable, tags.event_id == newest.c.id))
            .where(tags.asset_key == asset_key.to_string(), tags.key.in_(tag_keys))
        )
        with self.index_connection() as connection:
            rows: Sequence[Any] = connection.execute(query).fetchall()
        found: dict[str, dict[str, str]] = {}
        for partition, key, value in rows:
            found.setdefault(partition, {})[key] = value
        return found

    def get_latest_asset_partition_materialization_attempts_without_materializations(
        self, asset_key: dg.AssetKey, after_storage_id: int | None = None
    ) -> Mapping[str, tuple[str, int]]:
        """The partitions that were planned and not made since: each with the run, and the event's id."""
        planned, made = (
            self.get_latest_storage_id_by_partition(asset_key, kind, after_cursor=after_storage_id)
            for kind in (
                dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
                dg.DagsterEventType.ASSET_MATERIALIZATION,
            )
        )
        waiting = {
            partition: event_id
            for partition, event_id in planned.items()
            if made.get(partition, -1) < event_id
        }
        with self.index_connection() as connection:
            runs = _runs_of(connection, waiting.values()) if waiting else {}
        return {partition: (runs[event_id], event_id) for partition, event_id in waiting.items()}

    def delete_events_for_run(self, conn: sa.Connection, run_id: str) -> None:
        """Deletes what one log, of a run or the index, has of a run."""
        conn.exec_driver_sql(
            "delete from asset_event_tags where event_id in (select id from event_logs where +run_id = ?)",
            (run_id,),
        )
        conn.execute(SqlEventLogStorageTable.delete().where(SqlEventLogStorageTable.c.run_id == run_id))

    def logs_of_runs(self) -> Sequence[Path]:
        """The files of the runs' own logs, each named after its run."""
        return [path for path in Path(self._base_dir).glob("*.db") if path.stem != INDEX_SHARD_NAME]

    def forget(self, run_ids: Sequence[str]) -> None:
        """Remove the logs of runs that are over.

        The index keeps which partitions they made, and of each check the newest result.
        """
        runs = json.dumps(list(run_ids))
        with self.index_connection() as connection:
            for statement in _FORGET:
                connection.exec_driver_sql(statement, {"runs": runs})
        with self._db_lock:
            for run_id in run_ids:
                if engine := self._engines.pop(run_id, None):
                    engine.dispose()
                self._initialized_dbs.discard(run_id)
                for ending in ("", "-wal", "-shm"):
                    Path(self.path_for_shard(run_id) + ending).unlink(missing_ok=True)
            self._engines.pop(INDEX_SHARD_NAME).dispose()
            _shrink(self.path_for_shard(INDEX_SHARD_NAME))

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """Plans a check once for the run's whole window, as it is evaluated.

        Dagster's own plans one evaluation per partition, also of a check that is not partitioned; those are
        never evaluated and stay planned for ever, 60,000 of them after a year's backfill.
        """
        assert event.dagster_event
        planned = event.dagster_event.event_specific_data
        assert isinstance(planned, AssetCheckEvaluationPlanned)
        once = event.dagster_event._replace(event_specific_data=replace(planned, partitions_subset=None))
        super()._store_asset_check_evaluation_planned(event._replace(dagster_event=once), event_id)

    def dispose(self) -> None:
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def _runs_of(connection: sa.Connection, event_ids: Collection[int]) -> Mapping[int, str]:
    """The run of each event. A partition's event is the stored one whose ids it is among."""
    rows = connection.exec_driver_sql(
        "select listed.value, run_id from json_each(?) as listed inner join event_logs"
        " on event_logs.id = (select min(id) from event_logs where id >= listed.value)",
        (json.dumps(list(event_ids)),),
    ).fetchall()
    return {int(str(event_id)): str(run_id) for event_id, run_id in rows}


def _made(event: EventLogEntry) -> tuple[str, dg.AssetKey | None]:
    """The run, and the asset that the event says was made."""
    made = event.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION
    return event.run_id, _asset(event) if made else None


def _one_event(original: Any) -> Any:
    """Dagster's function that makes the events of a step's output, changed where this log stores them.

    Partitions whose events would be equal share one event.
    """
    if hasattr(original, "__wrapped__"):
        return original

    @functools.wraps(original)
    def events(
        asset_key: dg.AssetKey,
        asset_partitions: Sequence[str],
        output: Any,
        output_def: Any,
        io_manager_metadata: Any,
        step_context: Any,
        execution_type: Any,
    ) -> Iterator[Any]:
        rest = (output, output_def, io_manager_metadata, step_context, execution_type)
        storage = step_context.instance.event_log_storage
        partitions = sorted(asset_partitions)
        alike = not any(
            step_context.get_asset_metadata(asset_key=asset_key, partition_key=key) for key in partitions
        )
        if len(partitions) < 2 or not alike or not isinstance(storage, BatchedSqliteEventLogStorage):
            yield from original(asset_key, asset_partitions, *rest)
            return
        (said,) = original(asset_key, partitions[-1:], *rest)
        # The views read an event's JSON, in which these are not allowed.
        strict = not re.search(r"\b(NaN|Infinity)\b", serialize_value(said))
        if strict and isinstance(said, dg.AssetMaterialization):
            storage.expect(step_context.run_id, asset_key, partitions)
            yield said
        else:
            yield from (said._replace(partition=key) for key in partitions)

    return events


def _planned_partitions(event: EventLogEntry) -> Sequence[str]:
    """The partitions that an event plans together, in ascending order."""
    if event.dagster_event_type is not dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
        return ()
    assert event.dagster_event
    subset = event.dagster_event.partitions_subset
    return sorted(subset.get_partition_keys()) if subset else ()


def _planned_for(event: EventLogEntry, partition: str) -> EventLogEntry:
    assert event.dagster_event
    planned = event.dagster_event.asset_materialization_planned_data
    one = planned._replace(partition=partition, partitions_subset=None)
    return event._replace(dagster_event=event.dagster_event._replace(event_specific_data=one))


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


def _read_by_partition(
    _connection: sa.Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """Dagster's queries that tell partitions or an asset's events apart read the views, not the tables.

    Of each asset the newest event is the same in both, and found at once in the table.
    """
    by_partition = "event_logs.partition" in statement or "event_logs.asset_key = " in statement
    if statement.startswith("SELECT") and by_partition and "GROUP BY event_logs.asset_key" not in statement:
        statement = _READ.sub(r"\1 \2_by_partition AS \2", statement)
    return statement, parameters


def _asset(event: EventLogEntry) -> dg.AssetKey | None:
    return event.dagster_event.asset_key if event.dagster_event else None


def _sync_at_checkpoints(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
