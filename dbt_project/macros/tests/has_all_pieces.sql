{# On each affected day, the pieces here are those that were sold, and what they brought is the same. #}
{% test has_all_pieces(model) %}

    {% set figures = ["quantity", "net_amount", "discount_amount"] %}

    with

        days as (select distinct sales_date from {{ affected_relation() }} where sales_date is not null),

        figures as (

            select sales_date, sales_channel, {{ figures | join(", ") }}
            from {{ model }}
            where sales_date in (select sales_date from days)

            union all

            select
                order_date as sales_date,
                sales_channel,
                {% for figure in figures -%}
                    - {{ figure }} as {{ figure }}{{ ", " if not loop.last }}
                {%- endfor %}
            from {{ ref("wh_fact_sales") }}
            where is_sale and order_date in (select sales_date from days)

        )

    select
        sales_date,
        sales_channel,
        {% for figure in figures -%}
            sum({{ figure }}) as {{ figure }}_difference{{ ", " if not loop.last }}
        {%- endfor %}
    from figures
    group by sales_date, sales_channel
    having {% for figure in figures -%} sum({{ figure }}) <> 0{{ " or " if not loop.last }}{%- endfor %}

{% endtest %}
