{# Law 3: the mart's figures of the affected days are those of the inventory's fact. #}
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
