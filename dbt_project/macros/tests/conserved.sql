{#
    Law 1: every row of the source is in its staging model or in quarantine, exactly once, and rows that
    were deleted in the source are in neither. Looks at the rows that the window touched; a row that fails
    comes with the number of places where it was found. `key` is by raw's names; `model_key` has the model's,
    where they differ.
#}
{% test conserved(model, raw, key, model_name, model_key=none) %}

with

touched as (

    select
        {{ row_key(key) }} as row_key,
        max(case when _deleted_at is null then 1 else 0 end) as expected
    from {{ raw }}
    where {{ of_changed_row(raw, key) }}
    group by {{ key | join(', ') }}

),

found as (

    select {{ row_key(key, model_key) }} as row_key from {{ model }}
    where {{ among(model_key or key, changed_rows(raw, key | join(', ')), key) }}
    union all
    select row_key from {{ ref('quarantine') }} where model_name = '{{ model_name }}'

),

final as (

    select
        touched.row_key,
        touched.expected,
        count(found.row_key) as places
    from touched
    left join found on touched.row_key = found.row_key
    group by touched.row_key, touched.expected

)

select * from final where places <> expected

{% endtest %}
