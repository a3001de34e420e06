"""Where lineage ends: pages, extracts and reports, as the dbt project's exposures say them.

`dbt_project/models/exposures.yml` is generated (deployment/exposures.py), from the declaration of each. Here
the manifest has them, so that loading the definitions reads no page.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from retail_assets.freshness import freshness_by_name
from retail_assets.settings import Settings

DASHBOARDS, EXTRACTS, REPORTS = "dashboards", "extracts", "reports"
METRICS = "metrics"
"""The extract of what metrics are computed from."""
TYPES = {DASHBOARDS: "dashboard", EXTRACTS: "application", REPORTS: "analysis"}
"""What each is to dbt."""
Present = Mapping[dg.AssetKey, dg.PartitionsDefinition | None]
"""The tables of a deployment, with their partitions."""
_WEEK_BEFORE = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
CALLED = "called"
"""The entry of an asset's metadata that says how messages call it."""
FRESHNESS = {"daily": "marts", "weekly": "weekly_segments"}


@dataclass(frozen=True)
class Exposure:
    """Something that people look at."""

    kind: str
    name: str
    label: str
    description: str
    owner: str
    partition: str
    """`daily` or `weekly`: by which run it is made."""
    tables: Sequence[str]
    """What it reads, with schemas; also what Python makes, which dbt does not know."""
    shows: Mapping[str, str]
    """Its figures, charts or files, each with what it is."""

    @property
    def key(self) -> dg.AssetKey:
        return dg.AssetKey([self.kind, self.name])

    @property
    def dbt_name(self) -> str:
        """As in `dbt ls --select +exposure:dashboard_sales`."""
        return f"{self.kind.removesuffix('s')}_{self.name}"

    @property
    def group(self) -> str:
        """The group of its asset."""
        prefix = "weekly_" if self.partition == "weekly" and self.kind != REPORTS else ""
        return f"{prefix}{self.kind}"

    @property
    def called(self) -> str:
        """As people call it: a page by its title, a file by the name that a command takes."""
        return self.label if self.kind == DASHBOARDS else f"{self.kind.removesuffix('s')} {self.name}"

    def is_made_of(self, present: Collection[dg.AssetKey]) -> bool:
        """Whether the deployment has anything to show: more than dimensions, which only name."""
        telling = [each for each in self.tables if not is_dimension(each)]
        return any(dg.AssetKey(each.split(".")) in present for each in telling or self.tables)

    def spec(self, settings: Settings, present: Present, kinds: set[str]) -> dg.AssetSpec:
        """The asset, downstream of what the deployment has of its tables."""
        read = [
            dg.AssetDep(key, partition_mapping=_WEEK_BEFORE if self._lags(present[key]) else None)
            for each in self.tables
            if (key := dg.AssetKey(each.split("."))) in present
        ]
        return dg.AssetSpec(
            self.key,
            deps=read,
            description=f"{self.label}: {self.description}",
            group_name=self.group,
            kinds=kinds,
            owners=[self.owner],
            freshness_policy=freshness_by_name(settings)[FRESHNESS[self.partition]],
            metadata={
                CALLED: self.called,
                "dagster/column_schema": dg.TableSchema(
                    [
                        dg.TableColumn(name, type=self.kind, description=said)
                        for name, said in self.shows.items()
                    ]
                ),
            },
        )

    def _lags(self, partitions: dg.PartitionsDefinition | None) -> bool:
        """A night shows the week before: its own is not over."""
        return self.partition == "daily" and isinstance(partitions, dg.WeeklyPartitionsDefinition)


def is_dimension(table: str) -> bool:
    """Whether a table, with its schema, names what others count."""
    return table.startswith("warehouse.wh_dim_")


def exposures(manifest: Mapping[str, Any]) -> Iterator[Exposure]:
    """All of a manifest."""
    for node in manifest["exposures"].values():
        meta = node["config"]["meta"]
        kind, name = meta["asset"].split("/")
        yield Exposure(
            kind,
            name,
            node["label"],
            node["description"],
            node["owner"]["name"],
            meta["partition"],
            meta["tables"],
            meta["shows"],
        )
