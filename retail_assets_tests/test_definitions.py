"""What it costs to load the definitions, which Dagster does in each of its processes."""

import subprocess
import sys

# What steps work with: none of it is needed to say what there is.
WORK = ("pyarrow", "sqlalchemy.engine", "alembic", "sklearn", "scipy", "pandas", "matplotlib")


def test_loading_them_imports_nothing_that_only_steps_need() -> None:
    code = f"""
import sys
import dagster, dagster_dbt, dagster_dlt
before = {{*sys.modules}}
from retail_assets.definitions import defs
defs()
print(*({{*sys.modules}} - before).intersection({WORK!r}))
"""
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert printed.stdout.split() == []
