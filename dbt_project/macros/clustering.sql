{#
    Writes a table's first build in order of `ordered_by`: a time, or a number that grows with time. Later runs
    append in that order anyway. So the rows of a day are close together, and a query for some days prunes the rest:
    DuckDB keeps the least and greatest value of each column per 122,880 rows. On Snowflake, dbt's own `cluster_by`
    does the same.
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
