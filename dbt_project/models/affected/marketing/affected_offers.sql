{# The affected offers: their terms, their redemptions, or the sales that they are compared with, changed. #}
with

    offer_versions as (select * from {{ ref("stg_offers_versions") }}),

    redemption_versions as (select * from {{ ref("stg_offer_redemptions_versions") }}),

    sales_days as (select * from {{ ref("affected_sales_days") }}),

    offers as (select * from {{ ref("stg_offers") }}),

    final as (

        select offer_id
        from offer_versions
        where {{ changed_in_window() }}

        union

        select offer_id
        from redemption_versions
        where offer_id is not null and {{ of_changed_row("redemption_versions", "redemption_id") }}

        union

        select offers.offer_id
        from offers
        inner join
            sales_days
            on sales_days.sales_date
            >= {{ dbt.dateadd("day", -var("uplift_baseline_days"), "offers.valid_from") }}
            and (
                offers.valid_to is null
                or sales_days.sales_date
                <= {{ dbt.dateadd("day", var("uplift_baseline_days"), "offers.valid_to") }}
            )

        union

        -- Orders under an offer that was not running.
        select redemption_versions.offer_id
        from redemption_versions
        inner join
            {{ ref("affected_orders") }} as orders
            on redemption_versions.order_system = orders.source_system
            and cast(redemption_versions.order_id as varchar) = orders.order_id
        where redemption_versions.offer_id is not null

        union

        select offers.offer_id
        from offers
        inner join
            {{ ref("stg_sales_order_details_versions") }} as details
            on offers.special_offer_id = details.special_offer_id
        where
            details.sales_order_id in (
                select {{ as_key("order_id", "erp") }}
                from {{ ref("affected_orders") }}
                where source_system = 'erp' and order_id not like 'return:%'
            )

    )

select *
from final
