{{ affected_by("affected_stock") }}

-- More days of cover than this are overstock, once there are 28 days of sales to judge by.
{% set most_days_of_cover = 90 %}

with

    stock as (select * from {{ ref("wh_fact_inventory") }} where {{ is_affected() }}),

    judged as (

        select
            *,
            case
                when quantity_on_hand is null
                then null
                when history_days = {{ stock_history_days() }}
                then quantity_on_hand * history_days > {{ most_days_of_cover }} * history_sold
                else false
            end as is_overstock
        from stock

    ),

    with_overstock as (

        select
            *,
            cast(
                case
                    when is_overstock
                    then
                        quantity_on_hand
                        - {{ quotient_rounded_up(most_days_of_cover ~ " * history_sold", "history_days") }}
                    when not is_overstock
                    then 0
                end as decimal(38, 4)
            ) as overstock_quantity
        from judged

    ),

    final as (

        select
            snapshot_date,
            distribution_center_id,
            location_key,
            sku,
            product_key,
            opening_quantity,
            received as units_received,
            sold as units_sold,
            returned as units_returned,
            transferred_in as units_transferred_in,
            transferred_out as units_transferred_out,
            adjusted as units_adjusted,
            written_off as units_written_off,
            quantity_on_hand,
            unit_cost,
            stock_value,
            cast(written_off * unit_cost as decimal(38, 4)) as written_off_value,
            reorder_level,
            safety_stock,
            average_daily_sales,
            days_of_cover,
            {{ ratio("sold", "opening_quantity + received", 4, 19) }} as sell_through,
            is_stock_out,
            is_below_reorder,
            quantity_on_hand < safety_stock as is_below_safety_stock,
            is_overstock,
            overstock_quantity,
            cast(overstock_quantity * unit_cost as decimal(38, 4)) as overstock_value,
            case
                when is_stock_out and average_daily_sales > sold
                then cast(average_daily_sales - sold as decimal(19, 4))
                when is_stock_out is not null and average_daily_sales is not null
                then cast(0 as decimal(19, 4))
            end as missed_units
        from with_overstock

    )

select *
from final
