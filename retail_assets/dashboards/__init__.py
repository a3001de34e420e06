"""Pages for people who do not open Dagster: read-only, over what was published.

A page is one YAML file in `dbt_project/dashboards`: `pages` reads it, `period` has what the reader chose,
`answers` asks the warehouse, `site` writes HTML, which `server` serves and `export` puts into files.
"""
