"""Everything that we use of other libraries without their promise to keep it.

An upgrade may move or remove any of these. They are named here and nowhere else, each with the reason, and
a test says which one went missing. For the same reason pyproject.toml bounds them to a minor version.

Names are resolved when they are first asked for, so that importing this module costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster._cli import dev as dev
    from dagster._core.definitions.asset_checks.asset_check_evaluation import (
        AssetCheckEvaluationPlanned as AssetCheckEvaluationPlanned,
    )
    from dagster._core.definitions.asset_checks.asset_check_evaluation import (
        AssetCheckEvaluationTargetMaterializationData as AssetCheckEvaluationTargetMaterializationData,
    )
    from dagster._core.definitions.freshness import FreshnessState as FreshnessState
    from dagster._core.definitions.source_asset import (
        SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION as SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION,
    )
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition as UnresolvedAssetJobDefinition,
    )
    from dagster._core.events import ASSET_CHECK_EVENTS as ASSET_CHECK_EVENTS
    from dagster._core.events import ASSET_EVENTS as ASSET_EVENTS
    from dagster._core.execution.context import data_version_cache as data_version_cache
    from dagster._core.execution.plan import execute_step as execute_step
    from dagster._core.launcher import CheckRunHealthResult as CheckRunHealthResult
    from dagster._core.launcher import WorkerStatus as WorkerStatus
    from dagster._core.remote_origin import RemoteRepositoryOrigin as RemoteRepositoryOrigin
    from dagster._core.storage.event_log import SqlEventLogStorage as SqlEventLogStorage
    from dagster._core.storage.event_log import SqliteEventLogStorage as SqliteEventLogStorage
    from dagster._core.storage.event_log.schema import AssetEventTagsTable as AssetEventTagsTable
    from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as SqlEventLogStorageTable
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME as INDEX_SHARD_NAME
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
        SQLITE_BUSY_TIMEOUT_SECONDS as SQLITE_BUSY_TIMEOUT_SECONDS,
    )
    from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG as ASSET_PARTITION_RANGE_END_TAG
    from dagster._core.storage.tags import ASSET_PARTITION_RANGE_START_TAG as ASSET_PARTITION_RANGE_START_TAG
    from dagster._core.storage.tags import REPOSITORY_LABEL_TAG as REPOSITORY_LABEL_TAG
    from dagster._core.utils import make_new_run_id as make_new_run_id
    from dagster._core.workspace.load_target import ModuleTarget as ModuleTarget
    from dagster._serdes import ConfigurableClassData as ConfigurableClassData
    from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage as DbtCoreCliEventMessage
    from dagster_shared.record import replace as replace
    from dagster_shared.serdes import serialize_value as serialize_value
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager as DuckDBConnectionManager
    from dbt.adapters.snowflake.connections import (
        SnowflakeConnectionManager as SnowflakeConnectionManager,
    )
    from dbt.adapters.snowflake.impl import SnowflakeAdapter as SnowflakeAdapter
    from dbt.contracts.graph.manifest import Manifest as Manifest

_JOBS = (
    "A job's type before its assets are resolved: Dagster exports the function that makes it, not the type."
)
_LOG = "Our event logs are subclasses of Dagster's (deployment/ranges.py)."
_ALIVE = "What the daemon is told of a run's process (automation/abandoned.py)."
_RANGE = "How Dagster's backfills mark a run over a range of partitions; a command marks its runs alike."
_SHOWN = "The UI's job pages show the runs with its label, and its timeline those of its origin."
_DBT = "dbt runs inside the run's process; dagster-dbt turns its results into events."
_SNOWFLAKE = "dbt's profile knows neither timeouts nor session parameters (transformation/snowflake.py)."

# Name: (module, why).
USED: dict[str, tuple[str, str]] = {
    "dev": (
        "dagster._cli",
        "`dagster dev` names the webserver that it starts, and takes mutations from any web page with it.",
    ),
    "AssetCheckEvaluationPlanned": (
        "dagster._core.definitions.asset_checks.asset_check_evaluation",
        _LOG,
    ),
    "AssetCheckEvaluationTargetMaterializationData": (
        "dagster._core.definitions.asset_checks.asset_check_evaluation",
        "Which materialization a check is of: left to Dagster, each check reads all partitions of its asset.",
    ),
    "FreshnessState": (
        "dagster._core.definitions.freshness",
        "The verdict on an asset's freshness: Dagster exports the policy, not the verdict.",
    ),
    "SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION": (
        "dagster._core.definitions.source_asset",
        "Of a table that was refused: an output with it is no materialization, but the next steps run.",
    ),
    "UnresolvedAssetJobDefinition": ("dagster._core.definitions.unresolved_asset_job_definition", _JOBS),
    "ASSET_CHECK_EVENTS": ("dagster._core.events", _LOG),
    "ASSET_EVENTS": ("dagster._core.events", _LOG),
    "data_version_cache": (
        "dagster._core.execution.context",
        "It asks the log for what the run has just made, for every output and check (deployment/ranges.py).",
    ),
    "execute_step": (
        "dagster._core.execution.plan",
        "It makes an event per partition, where our event log stores one (deployment/ranges.py).",
    ),
    "CheckRunHealthResult": ("dagster._core.launcher", _ALIVE),
    "WorkerStatus": ("dagster._core.launcher", _ALIVE),
    "SqlEventLogStorage": ("dagster._core.storage.event_log", _LOG),
    "SqliteEventLogStorage": ("dagster._core.storage.event_log", _LOG),
    "AssetEventTagsTable": ("dagster._core.storage.event_log.schema", _LOG),
    "SqlEventLogStorageTable": ("dagster._core.storage.event_log.schema", _LOG),
    "INDEX_SHARD_NAME": ("dagster._core.storage.event_log.sqlite.sqlite_event_log", _LOG),
    "SQLITE_BUSY_TIMEOUT_SECONDS": ("dagster._core.storage.event_log.sqlite.sqlite_event_log", _LOG),
    "ASSET_PARTITION_RANGE_END_TAG": ("dagster._core.storage.tags", _RANGE),
    "ASSET_PARTITION_RANGE_START_TAG": ("dagster._core.storage.tags", _RANGE),
    "REPOSITORY_LABEL_TAG": (
        "dagster._core.storage.tags",
        _SHOWN,
    ),
    "ModuleTarget": ("dagster._core.workspace.load_target", _SHOWN),
    "RemoteRepositoryOrigin": ("dagster._core.remote_origin", _SHOWN),
    "make_new_run_id": ("dagster._core.utils", "A run's progress is listened to before the run exists."),
    "ConfigurableClassData": ("dagster._serdes", _LOG),
    "replace": ("dagster_shared.record", _LOG),
    "serialize_value": ("dagster_shared.serdes", _LOG),
    "DbtCoreCliEventMessage": ("dagster_dbt.core.dbt_cli_event", _DBT),
    "DuckDBConnectionManager": (
        "dbt.adapters.duckdb.connections",
        "dbt-duckdb keeps the file open, and locked, until its process ends; ours goes on.",
    ),
    "SnowflakeAdapter": ("dbt.adapters.snowflake.impl", _SNOWFLAKE),
    "SnowflakeConnectionManager": ("dbt.adapters.snowflake.connections", _SNOWFLAKE),
    "Manifest": (
        "dbt.contracts.graph.manifest",
        "The parsed project is kept, so that a run does not parse it again (catalog/project.py).",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in USED:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    module, why = USED[name]
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"{module}.{name} is not there in the installed version. It is used because: {why}"
            f" Install the locked versions (`make setup`), or mend {__name__}."
        ) from error
    globals()[name] = found
    return found
