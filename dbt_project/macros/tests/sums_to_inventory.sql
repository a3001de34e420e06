{# Law 3: the mart's figures of the days that the window touched are those of the inventory's fact. #}
{% test sums_to_inventory(model, measures) %}

with

days as (

    select distinct snapshot_date from {{ ref('touched_stock') }}

),

figures as (

    {% for measure, column in measures.items() -%}
    select '{{ measure }}' as measure, snapshot_date, sum({{ measure }}) as mart, 0 as fact
    from {{ model }} where snapshot_date in (select snapshot_date from days) group by snapshot_date
    union all
    select '{{ measure }}' as measure, snapshot_date, 0 as mart, sum({{ column }}) as fact
    from {{ ref('wh_fact_inventory') }} where snapshot_date in (select snapshot_date from days) group by snapshot_date
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    measure,
    snapshot_date,
    sum(mart) as mart,
    sum(fact) as fact
from figures
group by measure, snapshot_date
having sum(mart) <> sum(fact)

{% endtest %}
