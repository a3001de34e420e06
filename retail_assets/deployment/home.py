"""Where Dagster keeps its history, and the environment that all processes of the deployment share."""

import os
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile

from pydantic import SecretStr

from retail_assets.errors import UserError
from retail_assets.settings import Settings

# The module that `dagster dev` and workspace.yaml load, which is the code location's name too.
CODE_LOCATION = "retail_assets.definitions"
# Earlier versions of dagster.yaml, by SHA-256: a home that has one gets the new one. What a user wrote stays.
_SHIPPED_BEFORE = {
    "ed5a7c3ed908b2701e9b52cb77225d5548105f1fa4990ba038e35511c163e62b",
    "33ce55d2973fa19db35c3f2112c4c0e10ee6fe73ffd5d8545487bc9d996369e5",
    "45ae3d13005e51b1af46d501a7c30af0a57863d17fed4830b766e7fd2c6cd2d1",
    "11d918ce425f0503a9ecf1570a2211928da355861f1368223549930d69c6db4f",
}


def prepare(settings: Settings) -> None:
    """Create the home with Dagster's instance in it, and set the environment for this process
    and those that it starts. Values that the user has set stay."""
    # What is in it is of customers: a home that is made here is for nobody else on the machine.
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # An instance of its own for each kind of storage: who moves to the other comes back to what was there.
    kind = "postgres" if settings.dagster_url.get_secret_value() else ""
    if kind and not find_spec("dagster_postgres"):
        raise UserError("RETAIL_DAGSTER_URL needs a package: pip install 'retail_assets[dagster-postgres]'")
    folder = settings.home / "-".join(("dagster", *([kind] if kind else [])))
    dagster_home = Path(os.environ.setdefault("DAGSTER_HOME", str(folder)))
    dagster_home.mkdir(parents=True, exist_ok=True)
    there = dagster_home / "dagster.yaml"
    if not there.exists() or sha256(there.read_bytes()).hexdigest() in _SHIPPED_BEFORE:
        shipped = ".".join(("dagster", *([kind] if kind else []), "yaml"))
        copyfile(Path(__file__).with_name(shipped), there)
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
    os.environ["RETAIL_WAREHOUSE"], os.environ["RETAIL_MEMORY"] = settings.warehouse, settings.memory
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        name = f"RETAIL_{field.upper()}"
        # An empty variable is none, as it is to the settings.
        if field.startswith("snowflake_") and not isinstance(value, SecretStr) and not os.environ.get(name):
            os.environ[name] = str(value)
