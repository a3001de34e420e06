"""Which columns each column is made of, from the SQL that dbt compiled, and its type in the warehouse.

Worked out after a run (by sqlglot), once per version of a model's SQL, and kept beside the manifest, so
that loading the definitions only reads a file.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from retail_assets.catalog.contract import ADDED_COLUMNS
from retail_assets.catalog.project import Project


class KnownColumns(NamedTuple):
    """What is known of a model's columns: type, and (asset key, column) of all that each is made of."""

    types: Mapping[str, str]
    sources: Mapping[str, list[tuple[list[str], str]]]


def known_columns(project: Project) -> Mapping[str, KnownColumns]:
    """What was worked out so far, by unique id; nothing before the first run."""
    return {
        unique_id: KnownColumns(entry["types"], entry["columns"])
        for unique_id, entry in _read(project).items()
    }


def update_columns(project: Project, execute: Callable[[str], Sequence[tuple[Any, ...]]]) -> None:
    """Work out the lineage and types of models whose SQL is new. `execute` runs a query."""
    known = _read(project)
    models = {
        unique_id: node
        for unique_id, node in project.manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    new = {
        unique_id: node
        for unique_id, node in models.items()
        if known.get(unique_id, {}).get("version") != _version(node) and _compiled(project, node).exists()
    }
    if not new:
        return
    types = _types(execute)
    for unique_id, node in new.items():
        known[unique_id] = {
            "version": _version(node),
            "columns": _column_lineage(project, node),
            "types": types.get(f"{node['schema']}.{node['name']}".lower(), {}),
        }
    unfinished = project.target_path / "columns.json.tmp"
    unfinished.write_text(json.dumps({key: known[key] for key in models if key in known}))
    unfinished.replace(project.target_path / "columns.json")


def _types(execute: Callable[[str], Sequence[tuple[Any, ...]]]) -> dict[str, dict[str, str]]:
    types: dict[str, dict[str, str]] = {}
    for schema, table, column, type_ in execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
    ):
        types.setdefault(f"{schema}.{table}".lower(), {})[column.lower()] = type_.lower()
    return types


def _read(project: Project) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads((project.target_path / "columns.json").read_text())
        return known
    except FileNotFoundError:
        return {}


def _version(node: Mapping[str, Any]) -> str:
    return f"{node['checksum']['checksum']} {','.join(node['columns'])}"


def _compiled(project: Project, node: Mapping[str, Any]) -> Path:
    return project.target_path.joinpath("compiled", node["package_name"], node["original_file_path"])


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
        schema.add_table(table, dict.fromkeys([*parent["columns"], *ADDED_COLUMNS], "text"))
        keys[(table.db.lower(), table.name.lower())] = [parent["schema"], parent["name"]]
    sql = _compiled(project, node).read_text()
    query = qualify(
        parse_one(sql, dialect=dialect),
        schema=schema,
        dialect=dialect,
        validate_qualify_columns=False,
    )
    assert isinstance(query, exp.Query)
    # Untrimmed: only the leaves are asked for, and a copy of the query per column is most of the work.
    origins = lineage(
        None, query, schema=schema, dialect=dialect, scope=build_scope(query), trim_selects=False, copy=False
    )
    columns: dict[str, Any] = {}
    for name, origin_node in origins.items():
        sources = []
        for leaf in origin_node.walk():
            origin = None if leaf.downstream else leaf.expression.find(exp.Table)
            key = keys.get((origin.db.lower(), origin.name.lower())) if origin else None
            if key:
                sources.append((key, exp.to_column(leaf.name).name.lower()))
        columns[name.lower()] = sorted({(tuple(key), column) for key, column in sources})
    return columns
