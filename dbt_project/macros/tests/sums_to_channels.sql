{#
    Law 3: the mart's figures of the days whose sales the window affected are those of the facts over all channels. Days
    that the mart computes again for other reasons are not looked at: there may be many.
    `where` picks the rows of a mart that shows the same sales in several ways; `more` are further measures of it, by
    their columns in the fact.
#}
{% test sums_to_channels(model, where="true", more={}, with_returns=true) %}
    {% set sold = {"quantity": "quantity", "net_sales": "net_amount", "margin": "margin"} -%}
    {% do sold.update(more) -%}
    {% set facts = [
        {
            "relation": ref("wh_fact_sales"),
            "day": "order_date",
            "where": "is_sale",
            "measures": sold,
        },
    ] -%}
    {% if with_returns -%}
        {% do facts.append(
            {
                "relation": ref("wh_fact_sales_returns"),
                "day": "return_date",
                "measures": {"refund_amount": "refund_amount"},
            }
        ) -%}
    {% endif -%}
    {{
        differing_days(
            model,
            "select distinct sales_date from "
            ~ affected_relation("wh_fact_sales")
            ~ " where sales_date is not null",
            "sales_date",
            facts,
            where,
        )
    }}
{% endtest %}
