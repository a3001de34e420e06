{#
    A table's first rows in order of `ordered_by`, a column of time or a number that grows with it. What later runs add
    is in that order by itself. So a day's rows lie together, and a query over some days prunes the rest:
    DuckDB keeps the least and greatest value of each column for every 122,880 rows. On Snowflake the same is
    dbt's own `cluster_by`.
#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language="sql", partitioned_by=none, sorted_by=none
) -%}
    {%- set order = config.get("ordered_by") -%}
    {%- if order and not temporary -%}
        {%- set compiled_code = "select * from (\n" ~ compiled_code ~ "\n) as unordered order by " ~ order -%}
    {%- endif -%}
    {{
        return(
            dbt.duckdb__create_table_as(
                temporary, relation, compiled_code, language, partitioned_by, sorted_by
            )
        )
    }}
{%- endmacro %}
