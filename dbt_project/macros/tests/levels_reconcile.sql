{# Levels that differ from the level of the day before plus the day's movements: a movement is missing. #}
{% test levels_reconcile(model) %}

    select snapshot_date, distribution_center_id, sku, unexplained_quantity
    from {{ model }}
    where unexplained_quantity <> 0

{% endtest %}
