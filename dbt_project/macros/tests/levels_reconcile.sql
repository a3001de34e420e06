{# Levels that are not the level of the day before and the day's movements: stock came or went unseen. #}
{% test levels_reconcile(model) %}

    select snapshot_date, distribution_center_id, sku, unexplained_quantity
    from {{ model }}
    where unexplained_quantity <> 0

{% endtest %}
