"""Where Dagster keeps its history, and the environment that all processes of the deployment share."""

import os
from pathlib import Path
from shutil import copyfile

from pydantic import SecretStr

from retail_assets.settings import Settings

# The module that `dagster dev` and workspace.yaml load, which is the code location's name too.
CODE_LOCATION = "retail_assets.definitions"


def prepare(settings: Settings) -> None:
    """Create the home with Dagster's instance in it, and set the environment for this process
    and those that it starts. Values that the user has set stay."""
    # What is in it is of customers: a home that is made here is for nobody else on the machine.
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # An instance of its own for each kind of storage: who moves to the other comes back to what was there.
    kind = "postgres" if settings.dagster_url.get_secret_value() else ""
    folder = settings.home / "-".join(("dagster", *([kind] if kind else [])))
    dagster_home = Path(os.environ.setdefault("DAGSTER_HOME", str(folder)))
    dagster_home.mkdir(parents=True, exist_ok=True)
    if not (dagster_home / "dagster.yaml").exists():
        shipped = ".".join(("dagster", *([kind] if kind else []), "yaml"))
        copyfile(Path(__file__).with_name(shipped), dagster_home / "dagster.yaml")
    defaults = {
        "RETAIL_HOME": str(settings.home),
        "RETAIL_EVENT_LOG_DIR": str(dagster_home / "history" / "runs"),
        # Materializations of a range of partitions are written together: see event_log.py.
        "DAGSTER_EVENT_BATCH_SIZE": "10000",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # dbt.log takes an eighth of a run's time. Set it to `debug` to see what dbt does.
        "DBT_LOG_LEVEL_FILE": "none",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        # What goes wrong is raised; below that dlt warns of each hint that an Arrow schema cannot carry.
        "RUNTIME__LOG_LEVEL": "ERROR",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    # Each run parses no configuration but the one given here: profiles.yml reads the environment. Secrets are
    # not for every child process to see: one that needs them reads the settings, as this one did.
    os.environ["RETAIL_WAREHOUSE"] = settings.warehouse
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        name = f"RETAIL_{field.upper()}"
        # An empty variable is none, as it is to the settings.
        if field.startswith("snowflake_") and not isinstance(value, SecretStr) and not os.environ.get(name):
            os.environ[name] = str(value)
