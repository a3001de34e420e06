{# Law 3: the mart's figures of the days that the window touched are those of the inventory's fact. #}
{% test sums_to_inventory(model, measures) %}
    {{ differing_days(
        model,
        'select distinct snapshot_date from ' ~ ref('touched_stock'),
        'snapshot_date',
        [{'relation': ref('wh_fact_inventory'), 'day': 'snapshot_date', 'measures': measures}],
    ) }}
{% endtest %}
