{#
    Law 3: the mart's figures of the days that the window touched are those of the facts over all channels.
    `where` picks the rows of a mart that shows the same sales in several ways.
#}
{% test sums_to_channels(model, day='sales_date', where='true') %}

{% set measures = {'quantity': 'quantity', 'net_sales': 'net_amount', 'margin': 'margin'} %}

with

days as (

    select distinct sales_date from {{ ref('touched_orders') }} where sales_date is not null

),

figures as (

    {% for measure, column in measures.items() -%}
    select '{{ measure }}' as measure, {{ day }} as sales_date, sum({{ measure }}) as mart, 0 as facts
    from {{ model }} where {{ day }} in (select sales_date from days) and {{ where }} group by {{ day }}
    union all
    select '{{ measure }}' as measure, order_date as sales_date, 0 as mart, coalesce(sum({{ column }}), 0) as facts
    from {{ ref('wh_fact_sales') }} where is_sale and order_date in (select sales_date from days) group by order_date
    union all
    {% endfor %}
    select 'refund_amount' as measure, {{ day }} as sales_date, sum(refund_amount) as mart, 0 as facts
    from {{ model }} where {{ day }} in (select sales_date from days) and {{ where }} group by {{ day }}
    union all
    select 'refund_amount' as measure, return_date as sales_date, 0 as mart, sum(refund_amount) as facts
    from {{ ref('wh_fact_sales_returns') }} where return_date in (select sales_date from days) group by return_date

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
