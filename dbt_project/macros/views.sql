{#
    A view in one statement. dbt-duckdb's own makes it under another name, renames the old one and the new one, and
    drops the old one: four statements for each view and night.
#}
{% materialization view, adapter = "duckdb" -%}
    {%- set target_relation = this.incorporate(type="view") -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement("main") -%}
        create or replace view {{ target_relation }} as (
        {{ sql }}
        )
    {%- endcall %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({"relations": [target_relation]}) }}
{%- endmaterialization %}
