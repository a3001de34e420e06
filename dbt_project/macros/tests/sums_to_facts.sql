{# Law 3: the mart's figures of the affected days are those of the ERP's facts. #}
{% test sums_to_facts(model, with_returns=true) %}
    {% set sold = {'quantity': 'quantity', 'net_sales': 'line_total', 'discount_amount': 'discount_amount'} -%}
    {% set facts = [
        {'relation': ref('fact_sales'), 'day': 'order_date', 'where': 'is_sale', 'measures': sold},
    ] -%}
    {% if with_returns -%}
        {% do sold.update(total_due='allocated_total_due') -%}
        {% do facts.append({
            'relation': ref('fact_sales_returns'),
            'day': 'return_date',
            'measures': {'refund_amount': 'refund_amount'},
        }) -%}
    {% endif -%}
    {{ differing_days(
        model,
        'select distinct sales_date from ' ~ affected_relation()
            ~ " where scope = 'order' and sales_date is not null",
        'sales_date',
        facts,
    ) }}
{% endtest %}
