"""From what Dagster recorded to what is wrong and what is right again."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import dagster as dg

from retail_assets.alerts.incidents import PLATFORM, Incident, ends
from retail_assets.automation.jobs import NEWEST_PARTITION_JOB
from retail_assets.catalog.exposures import CALLED
from retail_assets.failures import root_message
from retail_assets.internals import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    FreshnessState,
)
from retail_assets.quality import dbt_tests
from retail_assets.quality.held_back import CHECK_NAME as HELD_BACK
from retail_assets.quality.newest_partition import CHECK_NAME as NEWEST_PARTITION
from retail_assets.quality.restatements import CHECK_NAME as RESTATED
from retail_assets.quality.source_contract import CONTRACT_CHECK
from retail_assets.quality.values import CHECK_NAME as VALUE
from retail_assets.quality.volume import CHECK_NAME as VOLUME

# Checks of what there is, whichever run makes them. Others are of the rows of the run's partitions.
OF_EVERYTHING = {CONTRACT_CHECK, NEWEST_PARTITION, HELD_BACK}
# Checks of what happened in a partition.
EVENTS = {RESTATED, VALUE, VOLUME}
# At most this many runs are looked at once; the next look goes on where this one stopped.
RUNS_AT_ONCE = 50
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass
class Look:
    """What a look found, as it is at its end: what failed and passed again since the last one is over."""

    found: dict[str, Incident] = field(default_factory=dict)
    over: dict[str, list[str]] = field(default_factory=dict)
    """By fingerprint the partitions of the runs in which it was right."""
    runs: int = 0

    def wrong(self, incident: Incident) -> None:
        name = incident.fingerprint
        known = self.found.get(name)
        self.found[name] = incident.merged(known) if known else incident
        earlier = [run for run in self.over.pop(name, ()) if incident.after([run])]
        if earlier:
            self.over[name] = earlier

    def right(self, fingerprint: str, partition: str = "") -> None:
        left = self.found[fingerprint].after([partition]) if fingerprint in self.found else None
        self.found.pop(fingerprint, None)
        if left:
            self.found[fingerprint] = left
        self.over.setdefault(fingerprint, []).append(partition)


@dataclass(frozen=True)
class Watch:
    """Looks at a deployment."""

    instance: dg.DagsterInstance
    graph: Any  # Dagster's asset graph, which has no public name
    ui: str
    contacts: Mapping[str, str] = field(default_factory=dict)
    """Who answers for a source system, by its name."""

    def look(self, state: Mapping[str, Any], now: float) -> tuple[Look, Mapping[str, Any]]:
        """What is new since the look that left `state`, and the state for the next one.

        The first look sees what comes after it, and what is late.
        """
        look = Look()
        since = state.get("runs_until", now)
        records = self.instance.get_run_records(
            dg.RunsFilter(statuses=FINISHED, updated_after=datetime.fromtimestamp(since, UTC)),
            limit=RUNS_AT_ONCE,
            order_by="update_timestamp",
            ascending=True,
        )
        look.runs = len(records)
        for record in records:
            self._run(record, look)
        late = {key.to_user_string(): key for key in self._late()}
        known = set(state.get("late", ()))
        for name in sorted({*late} - known):
            look.wrong(self._of_lateness(late[name], now))
        for name in known - {*late}:
            look.right(_late(name))
        ticks = list(self._ticks())
        for name, error, seen_at in ticks:
            if error is None:
                look.right(_tick(name))
            elif state.get("ticks", {}).get(name) != seen_at:
                look.wrong(self._of_tick(name, error, seen_at))
        return look, {
            "runs_until": max((each.update_timestamp.timestamp() for each in records), default=since),
            "late": sorted(late),
            "ticks": {name: seen_at for name, error, seen_at in ticks if error is not None},
        }

    def _run(self, record: dg.RunRecord, look: Look) -> None:
        """A run that failed is over when a later one of its job succeeds; a check when it passes."""
        run, ended = record.dagster_run, record.end_time or record.update_timestamp.timestamp()
        if run.status is dg.DagsterRunStatus.FAILURE:
            look.wrong(self._of_run(run, ended))
        elif run.status is dg.DagsterRunStatus.SUCCESS:
            look.right(_run(run.job_name))
        for entry in self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
            if entry.dagster_event is None:
                continue
            evaluation = entry.dagster_event.asset_check_evaluation_data
            if evaluation.passed:
                look.right(_check(evaluation.asset_check_key), partition_of(run))
            # A run of old days may fail this check; only the check every morning alerts.
            elif evaluation.check_name != NEWEST_PARTITION or run.job_name == NEWEST_PARTITION_JOB:
                look.wrong(self._of_check(evaluation, run, entry.timestamp))

    def _late(self) -> Iterator[dg.AssetKey]:
        """The assets that fail their freshness policy as Dagster judges it."""
        keys = list(self.graph.get_all_asset_keys()) if self.graph else []
        for key, record in self.instance.get_freshness_state_records(keys).items():
            if record.freshness_state is FreshnessState.FAIL:
                yield key

    def _ticks(self) -> Iterator[tuple[str, str | None, float]]:
        """Each schedule and sensor with its last tick's error, if that failed, and its time."""
        for instigator in self.instance.all_instigator_state():
            ticks = self.instance.get_ticks(instigator.instigator_origin_id, instigator.selector_id, limit=2)
            for tick in [each for each in ticks if each.is_completed][:1]:
                why = root_message(tick.error) if tick.error else "No reason is known."
                yield instigator.name, why if tick.is_failure else None, tick.timestamp

    def _of_run(self, run: dg.DagsterRun, ended: float) -> Incident:
        return Incident(
            fingerprint=_run(run.job_name),
            severity="error",
            title=f"run of the job {run.job_name}",
            text="\n".join(dict.fromkeys(self._causes(run))) or "The run failed, and recorded no reason.",
            owner=PLATFORM,
            seen_at=ended,
            partition=partition_of(run),
            remedy="Mend the cause. The next run makes up for the days; or run it again in the UI.",
            link=f"{self.ui}/runs/{run.run_id}",
        )

    def _causes(self, run: dg.DagsterRun) -> Iterator[str]:
        """What the failed steps say, else what the run says."""
        kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
        events = [
            entry.dagster_event
            for entry in self.instance.all_logs(run.run_id, of_type=kinds)
            if entry.dagster_event
        ]
        for event in events:
            if event.is_step_failure and event.step_failure_data.error:
                yield f"{event.step_key}: {root_message(event.step_failure_data.error)}"
        if not any(event.is_step_failure for event in events):
            yield from (event.message for event in events if event.message)

    def _of_check(self, evaluation: dg.AssetCheckEvaluation, run: dg.DagsterRun, seen_at: float) -> Incident:
        key = evaluation.asset_check_key
        asset = evaluation.asset_key
        marts, pages = self._made_of(asset)
        partition = partition_of(run)
        asked = self._asked(key)
        rows = evaluation.metadata.get(dbt_tests.FAILING_ROWS)
        count = evaluation.metadata.get("dagster_dbt/failed_row_count")
        number = f" ({count.value:,} rows)" if count and isinstance(count.value, int) else ""
        return Incident(
            fingerprint=_check(key),
            severity="error" if evaluation.severity is dg.AssetCheckSeverity.ERROR else "warning",
            title=f"{asset.to_user_string()}, check: {asked}",
            text=evaluation.description or f"It does not pass{number}: {asked}",
            owner=self._owner(asset),
            seen_at=seen_at,
            partition=partition,
            partitions=(partition,) if partition and evaluation.check_name not in OF_EVERYTHING else (),
            is_event=evaluation.check_name in EVENTS,
            tables=marts,
            pages=pages,
            sources=tuple(self._sources(asset)),
            rows=str(rows.value) if rows else "",
            remedy=_remedy(evaluation.check_name, partition, asset, evaluation.description or ""),
            link=f"{self._asset_link(asset)}?view=checks&checkDetail={quote(evaluation.check_name)}",
        )

    def _of_lateness(self, key: dg.AssetKey, now: float) -> Incident:
        marts, pages = self._made_of(key)
        return Incident(
            fingerprint=_late(key.to_user_string()),
            severity="error",
            title=f"{key.to_user_string()} is late",
            text="It missed the deadline of its freshness policy.",
            owner=self._owner(key),
            seen_at=now,
            tables=marts,
            pages=pages,
            remedy="See whether last night's run failed, waits, or was not started (Runs in the UI).",
            link=self._asset_link(key),
        )

    def _of_tick(self, name: str, error: str, seen_at: float) -> Incident:
        return Incident(
            fingerprint=_tick(name),
            severity="error",
            title=f"{name} could not be evaluated",
            text=error,
            owner=PLATFORM,
            seen_at=seen_at,
            remedy="Mend the cause; it is evaluated again by itself.",
            link=f"{self.ui}/automation",
        )

    def _asked(self, key: dg.AssetCheckKey) -> str:
        node = self._node(key)
        return (node.description if node else "") or key.name

    def _owner(self, key: dg.AssetKey) -> str:
        node = self._node(key)
        return next(iter(node.owners), PLATFORM) if node else PLATFORM

    def _node(self, key: dg.AssetKey | dg.AssetCheckKey) -> Any:
        """What the graph has of an asset or check; None for one of other code."""
        return self.graph.get(key) if self.graph is not None and self.graph.has(key) else None

    def _asset_link(self, key: dg.AssetKey) -> str:
        return f"{self.ui}/assets/{'/'.join(map(quote, key.path))}"

    def _sources(self, key: dg.AssetKey) -> Iterator[str]:
        """The system of a raw or staged table. Other tables are made of several."""
        seen, ahead = {key}, [key]
        while ahead:
            each = ahead.pop()
            parents = (
                self._node(each).parent_keys if self._node(each) and each.path[0] == "staging" else set()
            )
            ahead += parents - seen
            seen |= parents
        systems = {each.path[0].removeprefix("raw_") for each in seen if each.path[0].startswith("raw_")}
        if len(systems) == 1:
            (system,) = systems
            yield f"{system} ({self.contacts[system]})" if system in self.contacts else system

    def _made_of(self, key: dg.AssetKey) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The marts that are made of an asset, itself too, and what shows any of its descendants."""
        if not self._node(key):
            return (), ()
        seen, ahead = {key}, [key]
        while ahead:
            children = self.graph.get(ahead.pop()).child_keys - seen
            seen |= children
            ahead += children
        names = (".".join(each.path) for each in seen)
        marts = sorted(name for name in names if name.startswith("mart_"))
        # Pages first, then extracts and reports.
        shown = sorted(
            (each.path[0], called) for each in seen if (called := self.graph.get(each).metadata.get(CALLED))
        )
        return tuple(marts), tuple(called for _, called in shown)


def partition_of(run: dg.DagsterRun) -> str:
    """The partition of a run, or its range of partitions."""
    tags = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)
    start, end = map(run.tags.get, tags)
    spanned = start if start == end else f"{start} to {end}"
    return run.tags.get("dagster/partition") or spanned or ""


def _remedy(check: str, partition: str, asset: dg.AssetKey, text: str) -> str:
    if check == CONTRACT_CHECK:
        return "Compare the source with its mapping: `retail-assets inspect`."
    if check == NEWEST_PARTITION:
        return "Run the missing partition: `retail-assets backfill`, or Materialize in the UI."
    if check == RESTATED:
        day = next(iter(re.findall(r"\d{4}-\d\d-\d\d", text)), "DATE")
        return (
            "See which rows made it so:"
            f" `retail-assets restatements --mart {asset.path[-1]} --day {day} --rows`."
            " Rows that are held back are missing in the new figures: `retail-assets quarantine list`."
        )
    if check == VOLUME:
        return (
            "Ask whether the source was whole, and run its days again when it is. If it is as it should be:"
            " `retail-assets alerts mute NUMBER`."
        )
    first, last = ends(partition)
    again = f": `retail-assets backfill --from {first} --to {last}`" if first else ""
    return f"Look at the rows with the check's query, mend the source or the model, and run it again{again}."


def _run(job: str) -> str:
    return f"run {job}"


def _check(key: dg.AssetCheckKey) -> str:
    return f"check {key.asset_key.to_user_string()} {key.name}"


def _late(name: str) -> str:
    return f"late {name}"


def _tick(name: str) -> str:
    return f"tick {name}"
