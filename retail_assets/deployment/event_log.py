"""Dagster's SQLite event log, with the waiting taken out.

Dagster's own opens a new database connection for each event and commits, with a sync to disk, each event
twice: once for the run, once for the index over all runs. A run over a year's partitions writes two events
per asset and partition, 90,000 of them here. This one keeps connections, lets SQLite sync at checkpoints
(in WAL mode a crash of the machine may lose the newest events, never corrupt the file; a crash of the
process loses nothing), and writes a batch of events in one transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster import EventLogEntry

from retail_assets.internals import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    INDEX_SHARD_NAME,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    AssetCheckEvaluationPlanned,
    ConfigurableClassData,
    SqlEventLogStorageTable,
    SqliteEventLogStorage,
    replace,
)

# Of the index over all runs, and of this many runs, connections are kept: each holds three files open.
OPEN_RUNS = 4

_BATCHED = {*ASSET_EVENTS, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """`SqliteEventLogStorage` with kept connections and batched writes. Same files, same schema."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        self._engines: dict[str, sa.Engine] = {}
        super().__init__(base_dir, inst_data)

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
        return engine

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores a run's events of assets and planned checks together; anything else, one by one."""
        if not events or not all(event.dagster_event_type in _BATCHED for event in events):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        with self.index_connection() as connection:
            result = connection.execute(
                SqlEventLogStorageTable.insert().returning(
                    SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
                ),
                rows,
            )
            stored = [(event, row[0]) for event, row in zip(events, result, strict=True)]
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


def _asset(event: EventLogEntry) -> dg.AssetKey | None:
    return event.dagster_event.asset_key if event.dagster_event else None


def _sync_at_checkpoints(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
