{#
    Law 1: every source row is in its staging model or in quarantine, exactly once, and rows that were deleted in the
    source are in neither. Checks the rows that changed in the window. A failing row comes with the number of places
    where it was found.
#}
{% test conserved(model) %}
    {% if execute -%}
        {%- set staged = tested_model() -%}
        {%- set key = staged.config.unique_key -%}
        {%- set versions = graph.nodes["model.retail_assets." ~ staged.name ~ "_versions"].relation_name -%}

        with

            affected as (

                select
                    {{ row_key(key) }} as row_key,
                    max(case when _deleted_at is null then 1 else 0 end) as expected
                from {{ versions }}
                where {{ of_changed_row(versions, key) }}
                group by {{ key | join(", ") }}

            ),

            found as (

                select {{ row_key(key) }} as row_key
                from {{ model }}
                where {{ of_changed_row(versions, key) }}
                union all
                select row_key
                from {{ ref("quarantine") }}
                where model_name = '{{ staged.name }}' and not is_refused

            ),

            final as (

                select affected.row_key, affected.expected, count(found.row_key) as places
                from affected
                left join found on affected.row_key = found.row_key
                group by affected.row_key, affected.expected

            )

        select *
        from final
        where places <> expected
    {%- else -%} {%- do ref("quarantine") -%}
    {%- endif %}
{% endtest %}
