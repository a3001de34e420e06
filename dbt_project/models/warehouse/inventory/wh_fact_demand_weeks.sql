{{ affected_by("affected_stock") }}

with

    days as (

        select
            *,
            cast({{ dbt.date_trunc("week", "snapshot_date") }} as date) as week_start,
            -- Where stock is not known, nothing says that it was missing.
            coalesce(opening_quantity <= 0, false) as is_without_stock
        from {{ ref("wh_fact_inventory") }}
        where {{ since_first_affected("snapshot_date", "week_start") }}

    ),

    final as (

        select
            week_start,
            distribution_center_id,
            sku,
            min(location_key) as location_key,
            min(product_key) as product_key,
            min(snapshot_date) as first_date,
            cast(count(*) as integer) as days_on_record,
            cast(count(quantity_on_hand) as integer) as days_with_level,
            cast(count(case when not is_without_stock then 1 end) as integer) as days_counted,
            cast(
                sum(case when not is_without_stock then sold else 0 end) as decimal(38, 4)
            ) as quantity_counted,
            cast(sum(sold) as decimal(38, 4)) as quantity
        from days
        where {{ is_affected() }}
        group by week_start, distribution_center_id, sku

    )

select *
from final
