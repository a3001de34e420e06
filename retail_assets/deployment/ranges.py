"""What Dagster's event log says of many partitions at once, stored once: for any database that keeps the log.

A run over a range writes two events per asset and partition: over three years, that is many times what is in
the warehouse. Here

- what a run says of an asset's partitions is stored once, with the list of the partitions
  (`partition_lists`), which all assets of the run share. Dagster's own queries read a view in which every
  partition has its event, with an id of its own (`event_logs_by_partition`),
- a batch of events is written in one transaction,
- a step makes that one event only (`_one_event`): to make an event per partition and to pass each through
  the log took half of the time of a run over three years,
- a check is planned once for a run,
- what a step says of checks and outputs waits for the next event, or half a second, and is stored with it: a
  transaction for each took a quarter of a night,
- of what the run has made itself, the log is not asked again (`_remembered`).

Where Dagster's own class reads the same log, it sees such a run as one of its last partition.
"""

import functools
import hashlib
import json
import re
import threading
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, NamedTuple

import dagster as dg
import sqlalchemy as sa
from dagster import EventLogEntry

from retail_assets.internals import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    AssetCheckEvaluationPlanned,
    AssetEventTagsTable,
    SqlEventLogStorage,
    data_version_cache,
    execute_step,
    replace,
    serialize_value,
)

_BATCHED = {*ASSET_EVENTS, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}
# Events that say nothing of whether a run goes on. If its process dies, those of the last half second are
# lost with it, and the run has failed.
_CAN_WAIT = {dg.DagsterEventType.STEP_OUTPUT, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
_STORED_TOGETHER = _BATCHED | _CAN_WAIT
MOST_WAITING = 100
SECONDS_WAITING = 0.5
_READ = re.compile(r"\b(FROM|JOIN) (event_logs|asset_event_tags)\b")


class _Stored(NamedTuple):
    """An event as the index stores it, with the partitions that it is of, and as it is in its run's log."""

    event: EventLogEntry
    partitions: Sequence[str]
    said: EventLogEntry


class _Made(NamedTuple):
    """A materialization that this process has stored, and the partitions that it is of."""

    event: EventLogEntry
    event_id: int
    partitions: Set[str]


class RangesStoredOnce(SqlEventLogStorage):
    """A log in which events of several partitions are stored once.

    A list's keys are a JSON array in ascending order. An event with a list has the list's last key as its own
    partition, and the ids before its own are those of the others.
    """

    # Of the events that are stored together, those that are in the index and not only in their run's log.
    indexed: ClassVar[Set[dg.DagsterEventType]] = _STORED_TOGETHER

    def __init__(self, *arguments: Any, **named: Any):
        self._tables: set[str] = set()
        self._columns: set[str] = set()
        self._migrated: set[str] = set()
        self._made_at_once: dict[tuple[str, dg.AssetKey | None], Sequence[str]] = {}
        self._newest_of_run: tuple[str, dict[dg.AssetKey | None, _Made]] = ("", {})
        # Held while events wait or are stored, so that the log is in the order of what was said.
        self._order = threading.RLock()
        self._waiting: list[EventLogEntry] = []
        self._timer: threading.Timer | None = None
        self._not_stored: Exception | None = None
        super().__init__(*arguments, **named)  # type: ignore[no-untyped-call]
        execute_step._get_output_asset_events = _one_event(execute_step._get_output_asset_events)
        cache: Any = data_version_cache.DataVersionCache
        cache._fetch_input_asset_version_info = _remembered(cache._fetch_input_asset_version_info)

    @abstractmethod
    def _insert(self, connection: sa.Connection, row: Mapping[str, Any], size: int) -> int:
        """Store a row with an id before which `size - 1` others are free. Returns its id."""

    @abstractmethod
    def _list(self, connection: sa.Connection, keys: str) -> int:
        """The number of a list of partitions, which is stored if it is new."""

    @abstractmethod
    def _runs_of(self, connection: sa.Connection, event_ids: Collection[int]) -> Mapping[int, str]:
        """The run of each event. A partition's event is the stored one whose ids it is among."""

    @abstractmethod
    def logs(self) -> Mapping[str, int]:
        """The runs whose logs are there, with the bytes that they take, as far as that is known."""

    @abstractmethod
    def forget(self, run_ids: Sequence[str]) -> None:
        """Remove the logs of runs that are over.

        The index keeps which partitions they made, and of each check the newest result.
        """

    def _keep_others_from_numbers(self, connection: sa.Connection) -> None:
        """Before events with lists are stored: until the transaction ends, nobody else takes an id."""

    def _keep_said(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in their run's own log, if it is another than the index."""

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table. Dagster asks before each event; a table that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):  # type: ignore[safe-super]
            self._tables.add(table_name)
        return table_name in self._tables

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the assets' table has a column. Dagster asks as often."""
        return column_name in self._columns or super().has_asset_key_col(column_name)

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        if column_name not in self._columns and super()._has_asset_key_col_on_connection(conn, column_name):
            self._columns.add(column_name)
        return column_name in self._columns

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

    def made_by(self, run_id: str) -> Mapping[dg.AssetKey | None, _Made]:
        """What a run of this process has made so far, as far as it is remembered: of its newest run."""
        known, made = self._newest_of_run
        return made if known == run_id else {}

    def store_event(self, event: EventLogEntry) -> None:
        """Stores an event, after those that wait; or lets it wait for the next one."""
        with self._order:
            if self._not_stored:
                error, self._not_stored = self._not_stored, None
                raise error
            if event.run_id and event.dagster_event_type in _CAN_WAIT and len(self._waiting) < MOST_WAITING:
                self._waiting.append(event)
                if self._timer is None:
                    self._timer = threading.Timer(SECONDS_WAITING, self._store_late)
                    self._timer.daemon = True
                    self._timer.start()
            elif event.dagster_event_type in _STORED_TOGETHER:
                waiting, self._waiting = self._waiting, []
                self._store_together([*waiting, event])
            else:
                self.store_waiting()
                self._store_other(event)

    def store_waiting(self) -> None:
        """Store the events that wait."""
        with self._order:
            waiting, self._waiting = self._waiting, []
            if waiting:
                self._store_together(waiting)

    def _store_late(self) -> None:
        # An error is the next caller's, as if it had stored the events itself.
        with self._order:
            self._timer = None
            try:
                self.store_waiting()
            except Exception as error:
                self._not_stored = error

    def _store_other(self, event: EventLogEntry) -> None:
        """Store an event that is of no asset and no check."""
        super().store_event(event)

    def _at_once(self) -> AbstractContextManager[Any]:
        """Where a transaction of the index may be in another, what is stored in here is one."""
        return nullcontext()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores a run's events of assets and planned checks together; anything else, one by one."""
        with self._order:
            self.store_waiting()
            if events and all(event.dagster_event_type in _BATCHED for event in events):
                self._store_together(events)
            else:
                super().store_event_batch(events)

    def _store_together(self, events: Sequence[EventLogEntry]) -> None:
        together = [self._with_partitions(event) for event in events]
        for run_id in dict.fromkeys(event.run_id for event in events):
            self._keep_said([each.said for each in together if each.said.run_id == run_id])
        indexed = [each for each in together if each.event.dagster_event_type in self.indexed]
        if not indexed:
            return
        lists: dict[str, int] = {}
        with self._at_once():
            with self.index_transaction() as connection:
                if any(len(each.partitions) > 1 for each in indexed):
                    self._keep_others_from_numbers(connection)
                stored = [(each, self._store(connection, each, lists)) for each in indexed]
                of_assets = [
                    (each.event, event_id)
                    for each, event_id in stored
                    if each.event.dagster_event_type in ASSET_EVENTS
                ]
                if of_assets:
                    self._store_asset_event_tags(connection, *zip(*of_assets, strict=True))
                # An asset's entry names its newest event: the last of the batch. All batches write them in
                # one order, so that no two wait for each other.
                newest = {_asset(event): (event, event_id) for event, event_id in of_assets}
                for _, (event, event_id) in sorted(newest.items(), key=lambda item: str(item[0])):
                    self._store_asset_event(connection, event, event_id)
            for each, event_id in stored:
                if each.event.dagster_event_type in ASSET_CHECK_EVENTS:
                    self.store_asset_check_event(each.event, event_id)
        self._remember(stored)

    def _remember(self, stored: Iterable[tuple[_Stored, int]]) -> None:
        for (event, partitions, _), event_id in stored:
            if event.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
                if self._newest_of_run[0] != event.run_id:
                    self._newest_of_run = (event.run_id, {})
                one = event.dagster_event.partition if event.dagster_event else None
                of = frozenset(partitions) or frozenset([one] if one else [])
                self._newest_of_run[1][_asset(event)] = _Made(event, event_id, of)

    def _with_partitions(self, event: EventLogEntry) -> _Stored:
        if planned := _planned_partitions(event):
            return _Stored(_planned_for(event, planned[-1]), planned, event)
        return _Stored(event, self._made_at_once.pop(_made(event), ()), event)

    def _store(self, connection: sa.Connection, stored: _Stored, lists: dict[str, int]) -> int:
        """Store an event in the index, with its partitions. Returns its id. `lists` are those known."""
        size = max(len(stored.partitions), 1)
        event_id = self._insert(connection, self._event_to_row(stored.event), size)
        if size > 1:
            keys = json.dumps(stored.partitions)
            if keys not in lists:
                lists[keys] = self._list(connection, keys)
            connection.execute(
                sa.text(
                    "insert into event_partitions (event_id, list_id, size) values (:event, :list, :size)"
                ),
                {"event": event_id, "list": lists[keys], "size": size},
            )
        return event_id

    def get_asset_partitions_for_run(
        self, run_id: str, of_type: dg.DagsterEventType | set[dg.DagsterEventType] | None = None
    ) -> Mapping[dg.AssetKey, Set[str | None]]:
        """The partitions that a run planned or made. They are in the index: its own log has them once."""
        types = {of_type} if isinstance(of_type, dg.DagsterEventType) else of_type
        wanted = {each.value for each in types} if types else None
        with self.index_connection() as connection:
            rows: Sequence[Any] = connection.execute(
                sa.text(
                    "select asset_key, dagster_event_type, partition, list_id from event_logs"
                    " left join event_partitions on event_id = event_logs.id"
                    " where run_id = :run and asset_key is not null"
                ),
                {"run": run_id},
            ).fetchall()
            lists = {
                each: json.loads(
                    connection.execute(
                        sa.text("select keys from partition_lists where id = :list"), {"list": each}
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
            runs = self._runs_of(connection, waiting.values()) if waiting else {}
        return {partition: (runs[event_id], event_id) for partition, event_id in waiting.items()}

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


def read_by_partition(
    _connection: sa.Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """Dagster's queries that tell partitions or an asset's events apart read the views, not the tables.

    Of each asset the newest event is the same in both, and found at once in the table. Listens to an engine's
    `before_cursor_execute`.
    """
    by_partition = "event_logs.partition" in statement or "event_logs.asset_key = " in statement
    if statement.startswith("SELECT") and by_partition and "GROUP BY event_logs.asset_key" not in statement:
        statement = _READ.sub(r"\1 \2_by_partition AS \2", statement)
    return statement, parameters


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
        if len(partitions) < 2 or not alike or not isinstance(storage, RangesStoredOnce):
            yield from original(asset_key, asset_partitions, *rest)
            return
        (said,) = original(asset_key, partitions[-1:], *rest)
        # The views read an event's JSON, in which these are not allowed.
        strict = not re.search(r"\b(NaN|Infinity)\b|\\u0000", serialize_value(said))
        if strict and isinstance(said, dg.AssetMaterialization):
            storage.expect(step_context.run_id, asset_key, partitions)
            yield said
        else:
            yield from (said._replace(partition=key) for key in partitions)

    return events


def _remembered(original: Any) -> Any:
    """Dagster's function that looks up what a step's inputs are, changed where this log remembers it.

    It asks the log for every input of every output, and of every check. What the run has made itself in this
    process is known. The version of a range is computed as Dagster does: a hash of those of its partitions.
    """
    if hasattr(original, "__wrapped__"):
        return original

    @functools.wraps(original)
    def fetch(self: Any, asset_keys: Sequence[dg.AssetKey]) -> None:
        context = self._context
        storage = context.instance.event_log_storage
        made = storage.made_by(context.run_id) if isinstance(storage, RangesStoredOnce) else {}
        others = []
        for key in asset_keys:
            known = _input_version(context, key, made[key]) if key in made else None
            if known:
                self.input_asset_version_info[key] = known
            else:
                others.append(key)
        if others:
            original(self, others)

    return fetch


def _input_version(context: Any, key: dg.AssetKey, made: _Made) -> Any:
    """What a step's input is, if all of its partitions were made by one event."""
    assert made.event.dagster_event
    version = data_version_cache.extract_data_version_from_entry(made.event)
    name = context.job_def.asset_layer.get_node_input_name(context.node_handle, key)
    if name and context.has_asset_partitions_for_input(name):
        subset = context.asset_partitions_subset_for_input(name, require_valid_partitions=False)
        wanted = list(subset.get_partition_keys())
        if version is None or not made.partitions >= set(wanted):
            return None
        if len(wanted) < data_version_cache.SKIP_PARTITION_DATA_VERSION_DEPENDENCY_THRESHOLD:
            version = dg.DataVersion(hashlib.sha256((version.value * len(wanted)).encode()).hexdigest())
    return data_version_cache.InputAssetVersionInfo(
        made.event_id,
        made.event.dagster_event.event_type,
        version,
        made.event.run_id,
        made.event.timestamp,
    )


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


def _asset(event: EventLogEntry) -> dg.AssetKey | None:
    return event.dagster_event.asset_key if event.dagster_event else None
