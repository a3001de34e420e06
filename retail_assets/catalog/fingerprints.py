"""A hash of what each model's table is made from. If it changes, the table has to be rebuilt.

It covers the model's SQL, the project's macros that it calls, the variables that these read, the declarations
of the sources that it reads, and the configuration that decides how it is built. Descriptions, comments and
owners do not change it.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

# A comment, space, or a text, in which both may stand.
_TOKENS = re.compile(r"('(?:[^']|'')*')|(?:\{#.*?#\}|--[^\n]*|\s+)+", re.DOTALL)
_VARIABLES = re.compile(r"""\bvar\(\s*["'](\w+)["']""")

# Settings of a model that have no part in what is in its table.
_FOR_PEOPLE = {
    "docs", "tags", "group", "access", "grants", "persist_docs", "schema", "alias",
    "on_schema_change", "on_configuration_change", "full_refresh", "tmp_relation_type",
}  # fmt: skip


def fingerprints(manifest: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapping[str, str]:
    """The fingerprint of each model by its unique id. `variables` are those that dbt is given."""
    code = _Code(manifest, variables)
    return {
        unique_id: code.fingerprint(node)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }


class _Code:
    """The project's code, each macro looked at once."""

    def __init__(self, manifest: Mapping[str, Any], variables: Mapping[str, Any]):
        self._macros = manifest["macros"]
        self._sources = manifest["sources"]
        self._variables = variables
        self._text = cache(lambda unique_id: plain(self._macros[unique_id]["macro_sql"]))

    def fingerprint(self, node: Mapping[str, Any]) -> str:
        package = node["package_name"]
        used = {*self._called(node["depends_on"]["macros"], package), *self._strategy(node, package)}
        texts = [plain(node["raw_code"]), *(self._text(macro) for macro in sorted(used))]
        read = sorted({name for text in texts for name in _VARIABLES.findall(text)} & self._variables.keys())
        sources = [self._sources[each] for each in node["depends_on"]["nodes"] if each in self._sources]
        return digest(
            texts,
            {name: str(self._variables[name]) for name in read},
            _chosen(node["unrendered_config"]),
            {source["unique_id"]: _meta(source["config"].get("meta", {})) for source in sources},
        )

    def _strategy(self, node: Mapping[str, Any], package: str) -> Iterator[str]:
        """dbt finds a strategy by its name, so that no model calls it."""
        name = f"macro.{package}.get_incremental_{node['config'].get('incremental_strategy')}_sql"
        return self._called([name] if name in self._macros else [], package)

    def _called(self, macros: list[str], package: str) -> Iterator[str]:
        """These macros and what they call, of the project's own: dbt's come and go with its versions."""
        found: set[str] = set()
        waiting = list(macros)
        while waiting:
            macro = waiting.pop()
            if macro not in found and macro.startswith(f"macro.{package}."):
                found.add(macro)
                waiting += self._macros[macro]["depends_on"]["macros"]
        yield from found


def plain(code: str) -> str:
    """Code without comments, and with one space where there was any."""
    return _TOKENS.sub(lambda match: match[1] or " ", code).strip()


def digest(*parts: Any) -> str:
    """A short hash of what JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _chosen(config: Mapping[str, Any]) -> Mapping[str, Any]:
    chosen = {key: value for key, value in config.items() if key not in _FOR_PEOPLE}
    return chosen | {"meta": _meta(config.get("meta", {}))}


def _meta(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    """What macros read. `dagster` is how the asset is shown and scheduled, `needs` whether there is one,
    `explain` how its rows are explained, `restated` what is recorded of it."""
    return {
        key: value for key, value in meta.items() if key not in ("dagster", "needs", "explain", "restated")
    }
