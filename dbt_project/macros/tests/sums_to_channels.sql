{#
    Law 3: on days whose sales are affected, the mart's sums are those of the facts over all channels. Days that the
    mart recomputes for other reasons are left out: there may be many. `where` selects rows of a mart that shows the
    same sales several times; `more` are further measures, as {mart's column: fact's column}.
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
