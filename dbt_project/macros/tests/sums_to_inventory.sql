{# Law 3: on each affected day, the mart's sums are those of the inventory fact. #}
{% test sums_to_inventory(model, measures) %}
    {{
        differing_days(
            model,
            "select distinct snapshot_date from " ~ affected_relation(),
            "snapshot_date",
            [{"relation": ref("wh_fact_inventory"), "day": "snapshot_date", "measures": measures}],
        )
    }}
{% endtest %}
