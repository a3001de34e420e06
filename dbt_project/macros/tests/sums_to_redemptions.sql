{# For each affected offer, the mart's redemptions, discounts and revenue are those of staging and of the fact. #}
{% test sums_to_redemptions(model) %}

    with

        offers as (select offer_id from {{ ref("stg_offers") }} where {{ of_affected() }}),

        figures as (

            select offer_id, redemptions, discount_given, revenue
            from {{ model }}

            union all

            select offer_id, -1 as redemptions, - discount_amount as discount_given, 0 as revenue
            from {{ ref("stg_offer_redemptions") }}

            union all

            select offer_id, 0 as redemptions, 0 as discount_given, - net_amount as revenue
            from {{ ref("wh_fact_sales") }}
            where is_sale

        )

    select
        offer_id,
        sum(redemptions) as redemptions_difference,
        sum(discount_given) as discount_difference,
        sum(revenue) as revenue_difference
    from figures
    where offer_id in (select offer_id from offers)
    group by offer_id
    having sum(redemptions) <> 0 or sum(discount_given) <> 0 or sum(revenue) <> 0

{% endtest %}
