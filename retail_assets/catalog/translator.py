"""How dbt nodes become Dagster assets: everything that Dagster needs stands in the dbt project."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from retail_assets.catalog.entry import catalog_entry
from retail_assets.catalog.lineage import KnownColumns
from retail_assets.freshness import freshness_by_name
from retail_assets.partitions import partitions_by_name
from retail_assets.settings import Settings


class Translator(DagsterDbtTranslator):
    """Keys, groups, owners, partitions and freshness of `meta.dagster`; columns with their types."""

    def __init__(self, settings: Settings, columns: Mapping[str, KnownColumns]):
        super().__init__(DagsterDbtTranslatorSettings(enable_code_references=False))
        self._partitions = partitions_by_name(settings)
        self._freshness = freshness_by_name(settings)
        self._known = columns

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Schema and table, as in SQL: `staging/stg_customers`, `raw_erp/customer`."""
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The description alone; the SQL is one click away in the repository."""
        return str(dbt_resource_props["description"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(catalog_entry(dbt_resource_props)["group"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return list(catalog_entry(dbt_resource_props)["owners"])

    def get_partitions_def(self, dbt_resource_props: Mapping[str, Any]) -> dg.PartitionsDefinition:
        return self._partitions[catalog_entry(dbt_resource_props)["partition"]]

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        return {"pii": "true"} if personal_columns(dbt_resource_props) else {}

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """The columns, with what they are made of: visible before the first run."""
        unique_id = dbt_resource_props["unique_id"]
        known = self._known.get(unique_id, KnownColumns({}, {}))
        metadata: dict[str, Any] = {"dagster/column_schema": column_schema(dbt_resource_props, known.types)}
        if known.sources:
            metadata["dagster/column_lineage"] = _column_lineage(known)
            # Open-source Dagster keeps column lineage for its API and draws none of it.
            metadata["column lineage"] = dg.MetadataValue.md(_column_lineage_text(known))
        return metadata

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        entry = catalog_entry(self.get_resource_props(manifest, unique_id))
        return spec.replace_attributes(freshness_policy=self._freshness[entry["freshness"]])


def _column_lineage(known: KnownColumns) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        deps_by_column={
            column: [dg.TableColumnDep(dg.AssetKey(key), name) for key, name in sources]
            for column, sources in known.sources.items()
        }
    )


def _column_lineage_text(known: KnownColumns) -> str:
    lines = [
        f"| {column} | {', '.join('.'.join([*key, name]) for key, name in sources)} |"
        for column, sources in known.sources.items()
    ]
    return "\n".join(["| column | made of |", "| --- | --- |", *lines])


def personal_columns(node: Mapping[str, Any]) -> list[str]:
    """The columns that hold personal data."""
    return [
        name
        for name, column in node["columns"].items()
        if column.get("config", {}).get("meta", {}).get("pii")
    ]


def personal_names(manifest: Mapping[str, Any]) -> frozenset[str]:
    """What columns with personal data are called, in any table."""
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    return frozenset(name for node in nodes for name in personal_columns(node))


def column_schema(node: Mapping[str, Any], types: Mapping[str, str]) -> dg.TableSchema:
    """The columns as the YAML describes them, with their types as declared there or seen."""
    personal = set(personal_columns(node))
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=column.get("data_type") or types.get(name, "unknown"),
                description=column["description"],
                tags={"pii": ""} if name in personal else {},
            )
            for name, column in node["columns"].items()
        ]
    )


def is_model_of(node: Mapping[str, Any], partition: str) -> bool:
    """Whether a node is a model of this partitioning."""
    return bool(node["resource_type"] == "model" and catalog_entry(node)["partition"] == partition)
