"""Running dbt inside the run's own process, with its results as Dagster events.

dagster-dbt's CLI resource starts a process for every invocation, asks dbt for its version twice, and parses
the project again because the window's variables changed. Here dbt is called through its programmatic
interface, with the manifest that is already parsed. dagster-dbt still makes Dagster events of dbt's results.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from retail_assets.catalog.project import Project

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg

    from retail_assets.internals import Manifest

# dbt's output is read from its events and results. No log lines, which nobody reads, and no new manifest, of
# which a killed run would leave half a file.
SILENTLY = ("--quiet", "--log-level", "none", "--no-write-json")
# How long dbt may take to end after its statements have been cancelled.
SECONDS_TO_STOP = 30
_RESULTS = {"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"}


Measure = Callable[[str], Mapping[str, Any]]
"""Gives the metadata of a model that has been built, by its unique id."""

Sample = Callable[[str], Mapping[str, Any]]
"""Gives the metadata of a test that did not pass, by its SQL."""


class DbtRunError(Exception):
    """Models or blocking tests failed; the message names each with its reason.

    `failures` has the reasons by unique id.
    """

    def __init__(self, message: str, failures: Mapping[str, str] | None = None):
        super().__init__(message)
        self.failures = failures or {}


# A tag that marks the selected nodes in the manifest, so that dbt's selector is short, whatever is selected.
_CHOSEN = "chosen_by_the_run"


@dataclass(frozen=True)
class Choice:
    """What dbt builds, by unique id."""

    nodes: Collection[str]
    """Models and tests."""
    empty: Collection[str] = ()
    """Further models, which are created empty: macros/absent.sql."""
    rebuilt: Collection[str] = ()
    """The models that are rebuilt from all of raw."""

    @property
    def arguments(self) -> list[str]:
        """dbt's arguments to select exactly these nodes."""
        return ["--select", f"tag:{_CHOSEN}", "--indirect-selection", "empty"]

    def mark(self, manifest: "Manifest") -> None:
        """Mark the selected nodes in the manifest."""
        for unique_id in (*self.nodes, *self.empty):
            manifest.nodes[unique_id].tags.append(_CHOSEN)
        for unique_id in self.empty:
            manifest.nodes[unique_id].config.meta["empty"] = True
        for unique_id in self.rebuilt:
            manifest.nodes[unique_id].config["full_refresh"] = True


def run(
    context: dg.AssetExecutionContext,
    project: Project,
    translator: DagsterDbtTranslator,
    arguments: Sequence[str],
    choice: Choice,
    measure: Measure,
    sample: Sample,
) -> Iterator[tuple[str, Any]]:
    """Run dbt and yield outputs and check results as the nodes finish, each with the node's unique id.

    Outputs of models have the metadata from `measure`, failed checks that from `sample`. Raises
    `DbtRunError` after the last event if anything failed.
    """
    # Not at the top: the definitions load often, and run no dbt.
    from retail_assets.internals import DbtCoreCliEventMessage

    manifest = project.load()
    choice.mark(manifest)
    for message in invoke(project, [*arguments, *choice.arguments], manifest):
        unique_id = message["data"]["node_info"]["unique_id"]
        # Models that are created empty are no assets.
        if unique_id in choice.empty:
            continue
        event = DbtCoreCliEventMessage(raw_event=message, event_history_metadata={})
        for said in event.to_default_asset_events(project.manifest, translator, context):
            if isinstance(said, dg.Output):
                said = said.with_metadata({**said.metadata, **measure(unique_id)})
            elif isinstance(said, dg.AssetCheckResult) and not said.passed:
                # dbt leaves in the manifest what it compiles.
                sql = getattr(manifest.nodes[unique_id], "compiled_code", None)
                said = said.with_metadata({**said.metadata, **(sample(sql) if sql else {})})
            yield unique_id, said


def invoke(
    project: Project, arguments: Sequence[str], manifest: "Manifest | None" = None
) -> Iterator[dict[str, Any]]:
    """Run dbt in a thread, and yield results as it reports them, so that they can be stored meanwhile.

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
            runner = dbtRunner(manifest=manifest or project.load(), callbacks=[listen])
            outcome.append(runner.invoke([*SILENTLY, *arguments, *project.arguments]))
        except BaseException as error:
            outcome.append(error)
        finally:
            messages.put(None)

    with _connections(project) as stop:
        thread = Thread(target=work, name="dbt", daemon=True)
        thread.start()
        try:
            while (message := _next(messages)) is not None:
                yield message
        except BaseException:
            # The run is being stopped, or the caller reads no further.
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


def _next(messages: "SimpleQueue[dict[str, Any] | None]") -> dict[str, Any] | None:
    """The next message. Looks up each second: a signal that another thread took wakes no wait without end."""
    while True:
        with suppress(Empty):
            return messages.get(timeout=1)


@contextmanager
def _connections(project: Project) -> Iterator[Callable[[], None] | None]:
    """A context in which dbt may connect. Gives a function that cancels dbt's statements, on Snowflake."""
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
