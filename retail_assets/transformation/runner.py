"""Running dbt inside the run's own process, with its results as Dagster events.

dagster-dbt's CLI resource starts dbt as a process of its own for every invocation, asks it for its version
twice, and parses the project again because the window's variables changed. Here dbt is called through
its own programmatic interface with the manifest that is already parsed; what its results mean to Dagster
is still dagster-dbt's.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from retail_assets.catalog.project import Project
from retail_assets.internals import DbtCoreCliEventMessage

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg

    from retail_assets.internals import Manifest

# What dbt has to say comes as events and results. It would put lines together that nobody reads, and write
# the manifest anew, of which a killed run leaves a half behind.
SILENTLY = ("--quiet", "--log-level", "none", "--no-write-json")
# For dbt to end after its statements were ended.
SECONDS_TO_STOP = 30
_RESULTS = {"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"}


Measure = Callable[[str], Mapping[str, Any]]
"""Metadata of a model's table, by the model's unique id, once it is built."""


class DbtRunError(Exception):
    """Models or blocking tests failed; the message names each with its reason.

    `failures` has the reasons by unique id.
    """

    def __init__(self, message: str, failures: Mapping[str, str] | None = None):
        super().__init__(message)
        self.failures = failures or {}


# Marks what a run builds in the manifest that dbt is given: one selector, whatever is chosen.
_CHOSEN = "chosen_by_the_run"


@dataclass(frozen=True)
class Choice:
    """What dbt builds, by unique id."""

    nodes: Collection[str]
    """Models and tests."""
    empty: Collection[str] = ()
    """Models that are created empty, beside these: macros/absent.sql."""
    anew: Collection[str] = ()
    """Of the models, those that are built from all of raw."""

    @property
    def arguments(self) -> list[str]:
        """dbt's selection of it, and of nothing else."""
        return ["--select", f"tag:{_CHOSEN}", "--indirect-selection", "empty"]

    def mark(self, manifest: "Manifest") -> None:
        """Say in the manifest what is chosen."""
        for unique_id in (*self.nodes, *self.empty):
            manifest.nodes[unique_id].tags.append(_CHOSEN)
        for unique_id in self.empty:
            manifest.nodes[unique_id].config.meta["empty"] = True
        for unique_id in self.anew:
            manifest.nodes[unique_id].config["full_refresh"] = True


def run(
    context: dg.AssetExecutionContext,
    project: Project,
    translator: DagsterDbtTranslator,
    arguments: Sequence[str],
    choice: Choice,
    measure: Measure,
) -> Iterator[tuple[str, Any]]:
    """Run dbt and yield outputs and check results as the nodes finish, each with the node's unique id.

    Models come with what is measured of them. Raises `DbtRunError` after the last event if anything failed.
    """
    for message in invoke(project, [*arguments, *choice.arguments], choice):
        unique_id = message["data"]["node_info"]["unique_id"]
        # What is created empty is no asset.
        if unique_id in choice.empty:
            continue
        event = DbtCoreCliEventMessage(raw_event=message, event_history_metadata={})
        for said in event.to_default_asset_events(project.manifest, translator, context):
            if isinstance(said, dg.Output):
                said = said.with_metadata({**said.metadata, **measure(unique_id)})
            yield unique_id, said


def invoke(
    project: Project, arguments: Sequence[str], choice: Choice | None = None
) -> Iterator[dict[str, Any]]:
    """Results as dbt reports them. It runs in a thread, so that they can be stored meanwhile.

    Raises `DbtRunError` after the last one if anything failed.
    """
    messages: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    outcome: list[dbtRunnerResult | BaseException] = []

    def listen(event: "EventMsg") -> None:
        if event.info.name in _RESULTS:
            from google.protobuf.json_format import MessageToDict

            messages.put(MessageToDict(event, preserving_proto_field_name=True))

    def work() -> None:
        from dbt.cli.main import dbtRunner

        try:
            manifest = project.load()
            if choice:
                choice.mark(manifest)
            runner = dbtRunner(manifest=manifest, callbacks=[listen])
            outcome.append(runner.invoke([*SILENTLY, *arguments, *project.arguments]))
        except BaseException as error:
            outcome.append(error)
        finally:
            messages.put(None)

    with _connections(project) as stop:
        thread = Thread(target=work, name="dbt", daemon=True)
        thread.start()
        try:
            while (message := messages.get()) is not None:
                yield message
        except BaseException:
            # The run is asked to stop, or nobody wants more results.
            if stop:
                stop()
                thread.join(SECONDS_TO_STOP)
            raise
        thread.join()
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    if result.exception:
        raise DbtRunError(str(result.exception))
    failed = [
        (each.node, " ".join((each.message or "").split()))
        for each in getattr(result.result, "results", ())
        if each.status in ("error", "fail")
    ]
    if failed:
        raise DbtRunError(
            "\n".join(f"{node.name}: {message}" for node, message in failed),
            {node.unique_id: message for node, message in failed},
        )


@contextmanager
def _connections(project: Project) -> Iterator[Callable[[], None] | None]:
    """A context in which dbt may connect. Gives what stops dbt, if something goes on where it connects to."""
    if project.target == "snowflake":
        from retail_assets.transformation.snowflake import connections

        with connections(project.settings) as stop:
            yield stop
        return
    try:
        yield None
    finally:
        # dbt-duckdb keeps the file open, and locked, until the process ends.
        from retail_assets.internals import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()
