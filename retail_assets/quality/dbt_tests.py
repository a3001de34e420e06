"""dbt's tests as checks on the models' assets. What they test stands beside the models, in dbt_project."""

from collections.abc import Iterator

import dagster as dg

from retail_assets.catalog.project import Project
from retail_assets.catalog.translator import Translator, is_model_of


def dbt_test_specs(project: Project, translator: Translator, partition: str) -> Iterator[dg.AssetCheckSpec]:
    """One check for each test of a model of this partitioning."""
    nodes = project.manifest["nodes"]
    for unique_id, node in nodes.items():
        tested = node["attached_node"] if node["resource_type"] == "test" else None
        if tested and is_model_of(nodes[tested], partition):
            spec = translator.get_asset_spec(project.manifest, tested, None)
            check = translator.get_asset_check_spec(spec, project.manifest, unique_id, None)
            if check:
                yield check
