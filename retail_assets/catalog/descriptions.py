"""What tables and columns are, for whoever reads them in the warehouse: from the YAML beside the models."""

from collections.abc import Iterator, Mapping
from typing import Any

from retail_assets.resources.comments import Description


def descriptions(manifest: Mapping[str, Any]) -> Iterator[Description]:
    """Of raw tables and of models, whether they are in the warehouse or not."""
    models = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    for node in (*manifest["sources"].values(), *models):
        yield Description(
            schema=node["schema"],
            table=node["name"],
            is_view=node["resource_type"] == "model" and node["config"]["materialized"] == "view",
            text=node["description"],
            columns={name: column["description"] for name, column in node["columns"].items()},
        )
