"""Which columns each column is made of, from the SQL that dbt compiled.

Worked out by sqlglot after a run, once per version of a model's SQL, and kept beside the manifest, so
that loading the definitions only reads a file.
"""

import json
from collections.abc import Mapping
from typing import Any

from retail_assets.transformation.project import Project

# unique id -> column -> [(asset key, column), ...]
Lineage = Mapping[str, Mapping[str, list[tuple[list[str], str]]]]


def known_lineage(project: Project) -> Lineage:
    """The lineage worked out so far; empty before the first run."""
    return {unique_id: entry["columns"] for unique_id, entry in _read(project).items()}


def update_lineage(project: Project) -> None:
    """Work out the lineage of models whose SQL is new."""
    known = _read(project)
    models = {
        unique_id: node
        for unique_id, node in project.manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    current = {
        unique_id: known[unique_id]
        if known.get(unique_id, {}).get("version") == _version(node)
        else {"version": _version(node), "columns": _column_lineage(project, node)}
        for unique_id, node in models.items()
        if _compiled(project, node).exists()
    }
    if current != known:
        unfinished = project.target_path / "lineage.json.tmp"
        unfinished.write_text(json.dumps(current))
        unfinished.replace(project.target_path / "lineage.json")


def _read(project: Project) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads((project.target_path / "lineage.json").read_text())
        return known
    except FileNotFoundError:
        return {}


def _version(node: Mapping[str, Any]) -> str:
    return f"{node['checksum']['checksum']} {','.join(node['columns'])}"


def _compiled(project: Project, node: Mapping[str, Any]) -> Any:
    path = project.target_path / "compiled" / node["package_name"]
    return path / node["original_file_path"]


def _column_lineage(project: Project, node: Mapping[str, Any]) -> dict[str, Any]:
    from sqlglot import MappingSchema, exp, parse_one
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    dialect = project.manifest["metadata"]["adapter_type"]
    parents = {**project.manifest["nodes"], **project.manifest["sources"]}
    schema = MappingSchema(dialect=dialect)
    keys = {}
    for unique_id in node["depends_on"]["nodes"]:
        parent = parents[unique_id]
        table = exp.to_table(parent["relation_name"], dialect=dialect)
        technical = ["_changed_at", "_loaded_at", "_row_hash", "_deleted_at"]
        schema.add_table(table, {name: "text" for name in [*parent["columns"], *technical]})
        keys[(table.db.lower(), table.name.lower())] = [parent["schema"], parent["name"]]
    sql = _compiled(project, node).read_text()
    query = qualify(
        parse_one(sql, dialect=dialect), schema=schema, dialect=dialect, validate_qualify_columns=False
    )
    scope = build_scope(query)
    columns: dict[str, Any] = {}
    for name in query.named_selects:
        sources = []
        for leaf in lineage(name, query, schema=schema, dialect=dialect, scope=scope).walk():
            table = leaf.expression.find(exp.Table) if not leaf.downstream else None
            key = keys.get((table.db.lower(), table.name.lower())) if table else None
            if key:
                sources.append((key, exp.to_column(leaf.name).name.lower()))
        columns[name.lower()] = sorted({(tuple(key), column) for key, column in sources})
    return columns
