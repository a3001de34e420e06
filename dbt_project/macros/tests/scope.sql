{#
    Placeholders for `config: {where: ...}` of any test, dbt's own too. They limit a check to what the run changed, so
    that it costs no more than the day's changes:

        __affected__    rows of the affected keys, by the tested model's `affected_by`
        __window__      rows that changed in the window, by `_changed_at`
        __weeks__       rows of the window's weeks, by `week_start`

    Overriding this macro is documented by dbt.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get("where") -%}
    {%- if not (execute and where) -%} {{ return(relation) }}{%- endif -%}
    {%- if "__affected__" in where -%}
        {%- set where = where | replace("__affected__", of_affected()) -%}
    {%- endif -%}
    {%- if "__window__" in where -%}
        {%- set where = where | replace("__window__", in_window("_changed_at")) -%}
    {%- endif -%}
    {%- if "__weeks__" in where -%}
        {%- set where = where | replace("__weeks__", in_weeks_of_window("week_start")) -%}
    {%- endif -%}
    {{ return("(select * from " ~ relation ~ " where " ~ where ~ ") dbt_subquery") }}
{%- endmacro %}

{# `where`-clause part in a test: rows of the keys that the run of the tested model replaced. #}
{% macro of_affected() -%}
    {%- if execute -%}
        {{ in_affected_keys(affected_of(tested_model().config), affected_relation()) }}
    {%- endif -%}
{%- endmacro %}

{#
    The relation that lists the affected keys of the tested model, or of another one. Looked up in the graph, since dbt
    refuses a `ref` that a test does not declare.
#}
{% macro affected_relation(model_name=none) -%}
    {%- if execute -%}
        {%- set node = graph.nodes["model.retail_assets." ~ model_name] if model_name else tested_model() -%}
        {{ return(graph.nodes["model.retail_assets." ~ affected_of(node.config).by].relation_name) }}
    {%- endif -%}
{%- endmacro %}

{# The node of the tested model. #}
{% macro tested_model() -%} {{ return(graph.nodes[model.attached_node]) }} {%- endmacro %}
