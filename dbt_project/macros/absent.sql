{#
    Tables of systems that are not taken in, and of models that could only be empty without them, are created once,
    empty, since other models read them (retail_assets/catalog/presence.py). No row is computed for it.
#}
{% macro create_table_as(temporary, relation, compiled_code, language="sql") -%}
    {%- if (model.config.meta or {}).get("empty") -%}
        {%- set compiled_code = "select * from (\n" ~ compiled_code ~ "\n) as absent where false" -%}
    {%- endif -%}
    {{
        return(
            adapter.dispatch("create_table_as", "dbt")(
                temporary, relation, compiled_code, language, **kwargs
            )
        )
    }}
{%- endmacro %}
