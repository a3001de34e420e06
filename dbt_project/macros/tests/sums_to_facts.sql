{#
    Law 3: the mart's figures of the days that the window touched are those of the facts.
#}
{% test sums_to_facts(model, with_returns=true) %}

{% set measures = {
    'quantity': 'quantity',
    'net_sales': 'line_total',
    'discount_amount': 'discount_amount',
    'total_due': 'allocated_total_due',
} if with_returns else {'quantity': 'quantity', 'net_sales': 'line_total', 'discount_amount': 'discount_amount'} %}

with

days as (

    select distinct sales_date from {{ ref('touched_sales') }} where scope = 'order' and sales_date is not null

),

figures as (

    {% for measure, column in measures.items() -%}
    select '{{ measure }}' as measure, sales_date, sum({{ measure }}) as mart, 0 as facts
    from {{ model }} where sales_date in (select sales_date from days) group by sales_date
    union all
    select '{{ measure }}' as measure, order_date as sales_date, 0 as mart, sum({{ column }}) as facts
    from {{ ref('fact_sales') }} where is_sale and order_date in (select sales_date from days) group by order_date
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if with_returns -%}
    union all
    select 'refund_amount' as measure, sales_date, sum(refund_amount) as mart, 0 as facts
    from {{ model }} where sales_date in (select sales_date from days) group by sales_date
    union all
    select 'refund_amount' as measure, return_date as sales_date, 0 as mart, sum(refund_amount) as facts
    from {{ ref('fact_sales_returns') }} where return_date in (select sales_date from days) group by return_date
    {%- endif %}

)

select
    measure,
    sales_date,
    sum(mart) as mart,
    sum(facts) as facts
from figures
group by measure, sales_date
having sum(mart) <> sum(facts)

{% endtest %}
