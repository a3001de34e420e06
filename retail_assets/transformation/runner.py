"""Running dbt inside the run's own process, with its results as Dagster events.

dagster-dbt's CLI resource starts dbt as a process of its own for every invocation, asks it for its version
twice, and parses the project again because the window's variables changed. Here dbt is called through
its own programmatic interface with the manifest that is already parsed; what its results mean to Dagster
is still dagster-dbt's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from retail_assets.catalog.project import Project
from retail_assets.internals import DbtCoreCliEventMessage, get_subset_selection_for_context

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg

# What dbt has to say comes as events and results. It would put lines together that nobody reads, and write
# the manifest anew, of which a killed run leaves a half behind.
SILENTLY = ("--quiet", "--log-level", "none", "--no-write-json")
_RESULTS = {"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"}


Measure = Callable[[str], Mapping[str, Any]]
"""Metadata of a model's table, by the model's unique id, once it is built."""


class DbtRunError(Exception):
    """Models or blocking tests failed; the message names each with its reason."""


def selection_of(
    context: dg.AssetExecutionContext, project: Project, translator: DagsterDbtTranslator, all_: str
) -> tuple[list[str], list[str]]:
    """dbt's arguments for the assets and checks that the run selected: global ones, and the build's.

    `all_` selects every model of the step, in dbt's words.
    """
    arguments, indirect = get_subset_selection_for_context(
        context=context,
        manifest=project.manifest,
        select=all_,
        exclude=None,
        selector=None,
        dagster_dbt_translator=translator,
        current_dbt_indirect_selection_env=None,
    )
    return (["--indirect-selection", indirect] if indirect else []), arguments


def run(
    context: dg.AssetExecutionContext,
    project: Project,
    translator: DagsterDbtTranslator,
    arguments: Sequence[str],
    measure: Measure,
) -> Iterator[Any]:
    """Run dbt and yield outputs and check results as the nodes finish; models with what is measured of them.

    Raises `DbtRunError` after the last event if anything failed.
    """
    for message in invoke(project, arguments):
        event = DbtCoreCliEventMessage(raw_event=message, event_history_metadata={})
        for said in event.to_default_asset_events(project.manifest, translator, context):
            if isinstance(said, dg.Output):
                unique_id = message["data"]["node_info"]["unique_id"]
                yield said.with_metadata({**said.metadata, **measure(unique_id)})
            else:
                yield said


def invoke(project: Project, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
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
            runner = dbtRunner(manifest=project.load(), callbacks=[listen])
            outcome.append(runner.invoke([*SILENTLY, *arguments, *project.arguments]))
        except BaseException as error:
            outcome.append(error)
        finally:
            messages.put(None)

    with _released_afterwards(project):
        thread = Thread(target=work, name="dbt", daemon=True)
        thread.start()
        while (message := messages.get()) is not None:
            yield message
        thread.join()
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    if result.exception:
        raise DbtRunError(str(result.exception))
    failures = [
        f"{node.node.name}: {' '.join((node.message or '').split())}"
        for node in getattr(result.result, "results", ())
        if node.status in ("error", "fail")
    ]
    if failures:
        raise DbtRunError("\n".join(failures))


@contextmanager
def _released_afterwards(project: Project) -> Iterator[None]:
    """dbt-duckdb keeps the file open, and locked, until the process ends."""
    try:
        yield
    finally:
        if project.target == "duckdb":
            from retail_assets.internals import DuckDBConnectionManager

            DuckDBConnectionManager.close_all_connections()
