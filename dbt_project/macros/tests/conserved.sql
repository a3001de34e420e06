{#
    Law 1: every source row is in its staging model or in quarantine, exactly once, and rows that were deleted in the
    source are in neither. Every version of it is in raw once, and its key is known. Checks the rows that changed in the
    window, in one scan. A failing row comes with the number of places where it was found, and of versions that raw has
    more than once.
#}
{% test conserved(model) %}
    {% if execute -%}
        {%- set staged = tested_model() -%}
        {%- set key = staged.config.unique_key -%}
        {%- set versions = graph.nodes["model.retail_assets." ~ staged.name ~ "_versions"].relation_name -%}

        with

            seen as (

                select
                    {{ key | join(", ") }},
                    max(case when _deleted_at is null then 1 else 0 end) as expected,
                    count(*) - 1 as repeated
                from {{ versions }}
                where {{ of_changed_row(versions, key) }}
                group by {{ key | join(", ") }}, _row_hash

            ),

            affected as (

                select
                    {{ row_key(key) }} as row_key,
                    max(expected) as expected,
                    sum(repeated) as repeated_versions
                from seen
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

                select
                    affected.row_key,
                    affected.expected,
                    affected.repeated_versions,
                    count(found.row_key) as places
                from affected
                left join found on affected.row_key = found.row_key
                group by affected.row_key, affected.expected, affected.repeated_versions

            ),

            -- No semi-join finds a row without a key.
            without_key as (

                select
                    cast(null as varchar) as row_key,
                    count(*) as expected,
                    cast(0 as bigint) as repeated_versions,
                    cast(0 as bigint) as places
                from {{ versions }}
                where
                    {{ in_window("_changed_at") }}
                    and (
                        {% for column in key -%}
                            {{ column }} is null {{ "or " if not loop.last }}
                        {%- endfor %}
                    )
                having count(*) > 0

            )

        select *
        from final
        where places <> expected or repeated_versions > 0
        union all
        select *
        from without_key
    {%- else -%} {%- do ref("quarantine") -%}
    {%- endif %}
{% endtest %}
