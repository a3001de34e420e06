{#
    Rows that could not be loaded are in `raw_<system>._refused_rows` (retail_assets/ingestion/refusals.py), by the
    names of the source's tables and columns. These macros translate the names to staging's.
#}
{# The tables of refused rows that exist, as a list of (system, relation). #}
{% macro refused_rows_relations() -%}
    {%- set found = [] -%}
    {%- set schemas = {} -%}
    {%- for source in (graph.sources.values() if execute else []) -%}
        {%- do schemas.update({source.source_name: source.schema}) -%}
    {%- endfor -%}
    {%- for system, schema in schemas | dictsort -%}
        {%- set relation = adapter.get_relation(target.database, schema, "_refused_rows") -%}
        {%- if relation -%} {%- do found.append((system, relation)) -%} {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# The source tables of a system that have a staging model: {table, model, raw_key, key}. #}
{% macro staged_tables(system) -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() if node.name.endswith('_versions') -%}
        {%- for source_system, table in node.sources if source_system == system -%}
            {%- set model_name = node.name | replace("_versions", "") -%}
            {%- do found.append(
                {
                    "table": table,
                    "model": model_name,
                    "raw_key": graph.sources[
                        "source.retail_assets." ~ system ~ "." ~ table
                    ].config.meta.primary_key,
                    "key": configuration_of(model_name).unique_key,
                }
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found | sort(attribute="table")) }}
{%- endmacro %}

{# Rewrites a row's key as text (`row_key` in macros/staging.sql) from the source's column names to staging's. #}
{% macro renamed_row_key(raw_key, key) -%}
    {%- set written = namespace(sql="row_key") -%}
    {%- for old in raw_key -%}
        {%- set new = key[loop.index0] -%}
        {%- if old != new and loop.first -%}
            {%- set written.sql = "'" ~ new ~ "=' || substr(row_key, " ~ (old | length + 2) ~ ")" -%}
        {%- elif old != new -%}
            {%- set written.sql = "replace(" ~ written.sql ~ ", ', " ~ old ~ "=', ', " ~ new ~ "=')" -%}
        {%- endif -%}
    {%- endfor -%}
    {{ written.sql }}
{%- endmacro %}
