{#
    A model that can only be empty, because its systems are not ingested, is created once as an empty table, since
    other models read it (retail_assets/catalog/presence.py). Its query runs with `where false`.
#}
{% macro create_table_as(temporary, relation, compiled_code, language="sql") -%}
    {%- if (model.config.meta or {}).get("empty") -%}
        {%- set compiled_code = "select * from (\n" ~ compiled_code ~ "\n) as absent where false" -%}
    {%- endif -%}
    {%- set create_sql = adapter.dispatch("create_table_as", "dbt")(
        temporary, relation, compiled_code, language, **kwargs
    ) -%}
    {{ return(create_sql if temporary else with_restatements(relation, create_sql)) }}
{%- endmacro %}
