"""What staging would say of raw's rows: the rules of quarantine and the words of statuses, run by dbt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_assets.catalog.contract import SourceTable
from retail_assets.catalog.project import Project
from retail_assets.ingestion.keys import systems_of_text
from retail_assets.quality.half_orders import HALVES, Alone, alone
from retail_assets.quality.row_account import Quarantined, quarantined, sources_of
from retail_assets.quality.unknown_values import WATCHED, Unknown, Watched, unknown_values
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings
from retail_assets.transformation import runner
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window

QUARANTINE = "quarantine"


@dataclass
class Judgement:
    """What staging says of a window's rows."""

    quarantined: Sequence[Quarantined] = ()
    examples: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The key of a row in quarantine, by table (`erp.customer`) and reason."""
    unknown: Mapping[str, Sequence[tuple[Watched, Unknown]]] = field(default_factory=dict)
    """By table."""
    alone: Mapping[str, Alone] = field(default_factory=dict)
    """Lines without their order, and orders without a line, by table."""


def models_to_judge(manifest: Mapping[str, Any]) -> list[str]:
    """The models that are built: the quarantine, those with statuses and orders, and what they read."""
    models = {
        node["name"]: unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    wanted = {watched.model for watched in WATCHED} | {half.model for half in HALVES}
    waiting = [models[name] for name in (QUARANTINE, *sorted(wanted))]
    found: set[str] = set()
    while waiting:
        unique_id = waiting.pop()
        node = manifest["nodes"].get(unique_id)
        # Affected keys are of no account where all that there is is new.
        if node and unique_id not in found and not node["name"].startswith("affected_"):
            found.add(unique_id)
            waiting += node["depends_on"]["nodes"]
    return sorted(found)


def judge(
    settings: Settings,
    project: Project,
    warehouse: Warehouse,
    window: Window,
    said: Callable[[str], None],
) -> Judgement:
    """Build what judges in a warehouse that has raw's tables, and ask it. `said` hears of each model."""
    manifest = project.manifest
    choice = runner.Choice(models_to_judge(manifest))
    with warehouse.session() as execute:
        text_keys = systems_of_text(manifest, execute)
    arguments = [*build_arguments(window, settings.timezone, text_keys=text_keys), *choice.arguments]
    chosen = project.load()
    choice.mark(chosen)
    for message in runner.invoke(project, arguments, chosen):
        said(message["data"]["node_info"]["node_name"])
    with warehouse.session() as execute:
        relation = f"staging.{QUARANTINE}"
        sources = sources_of(manifest, {watched.model for watched in WATCHED})
        unknown: dict[str, list[tuple[Watched, Unknown]]] = {}
        for watched in WATCHED:
            for each in unknown_values(watched, execute, window):
                unknown.setdefault(_name(sources[watched.model]), []).append((watched, each))
        halves = sources_of(manifest, {half.model for half in HALVES})
        found = {_name(halves[half.model]): alone(half, execute, window) for half in HALVES}
        held_back = quarantined(manifest, window, relation, execute)
        keys = execute(
            f"select model_name, reason, min(row_key) from {relation} where not is_refused group by 1, 2"
        )
        tables = sources_of(manifest, {model for model, *_ in keys})
    # A key that is personal data is not told.
    examples = {
        (_name(tables[model]), reason): key
        for model, reason, key in keys
        if not any(each.pii and each.name in tables[model].primary_key for each in tables[model].columns)
    }
    return Judgement(held_back, examples, unknown, {table: each for table, each in found.items() if each})


def _name(table: SourceTable) -> str:
    return f"{table.system}.{table.name}"
