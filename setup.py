"""What a wheel holds: the packages with their data, and the dbt project from its folder beside them."""

from setuptools import find_packages, setup

DBT_PROJECT = "retail_assets.dbt_project"

setup(
    packages=[
        *find_packages(exclude=["retail_assets_tests", "retail_assets_tests.*", "benchmarks"]),
        DBT_PROJECT,
    ],
    package_dir={DBT_PROJECT: "dbt_project"},
    package_data={
        "": ["**/*.csv", "**/*.md", "**/*.yaml", "**/*.yml", "py.typed"],
        DBT_PROJECT: ["models/**/*.sql", "macros/**/*.sql"],
        "retail_assets.dashboards": ["static/*", "templates/*"],
    },
)
