{#
    Law 3: the mart's figures of the affected days are those of the facts over all channels.
    `where` picks the rows of a mart that shows the same sales in several ways.
#}
{% test sums_to_channels(model, where='true') %}
    {{ differing_days(
        model,
        'select distinct sales_date from ' ~ affected_relation(),
        'sales_date',
        [
            {
                'relation': ref('wh_fact_sales'),
                'day': 'order_date',
                'where': 'is_sale',
                'measures': {'quantity': 'quantity', 'net_sales': 'net_amount', 'margin': 'margin'},
            },
            {
                'relation': ref('wh_fact_sales_returns'),
                'day': 'return_date',
                'measures': {'refund_amount': 'refund_amount'},
            },
        ],
        where,
    ) }}
{% endtest %}
