{#
    The affected rows of the quarantine, over all staging models with rules: rows that changed in the window, and rows
    that were refused, or found corrected, in it.
#}
with

    changed as (

        {% for model_name in models_with_rules() -%}
            {%- set key = configuration_of(model_name).unique_key -%}
            select distinct '{{ model_name }}' as model_name, {{ row_key(key) }} as row_key
            from
                ({{ changed_rows(ref(model_name ~ "_versions"), key | join(", ")) }}) as {{ model_name }}_rows
            union all
        {% endfor %}
        {{ changed_rows(ref("refused_rows"), "model_name, row_key") }}

    ),

    final as (select distinct model_name, row_key from changed)

select *
from final
