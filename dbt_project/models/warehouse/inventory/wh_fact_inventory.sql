{{ affected_by("affected_stock") }}

{% set history_days = stock_history_days() %}

with

    levels as (select * from {{ ref("stg_inventory") }} where {{ with_stock_history("snapshot_date") }}),

    movements as (

        select
            moved_date as snapshot_date,
            distribution_center_id,
            sku,
            {{ pieces_moved("receipt") }} as received,
            {{ pieces_moved("sale") }} as sold,
            {{ pieces_moved("return") }} as returned,
            {{ pieces_moved("transfer_in") }} as transferred_in,
            {{ pieces_moved("transfer_out") }} as transferred_out,
            {{ pieces_moved("write_off") }} as written_off,
            cast(
                sum(case when movement_type = 'adjustment' then quantity_change else 0 end) as decimal(38, 4)
            ) as adjusted,
            cast(sum(quantity_change) as decimal(38, 4)) as quantity_change
        from {{ ref("stg_stock_movements") }}
        where {{ with_stock_history("moved_date") }}
        group by moved_date, distribution_center_id, sku

    ),

    -- A day with movements but without a level is a row too, so no movement is lost.
    days as (

        select
            coalesce(levels.snapshot_date, movements.snapshot_date) as snapshot_date,
            coalesce(
                levels.distribution_center_id, movements.distribution_center_id
            ) as distribution_center_id,
            coalesce(levels.sku, movements.sku) as sku,
            {% for column in [
                "received",
                "sold",
                "returned",
                "transferred_in",
                "transferred_out",
                "adjusted",
                "written_off",
                "quantity_change",
            ] -%}
                coalesce(movements.{{ column }}, 0) as {{ column }},
            {% endfor -%}
            levels.quantity_on_hand,
            levels.reorder_level,
            levels.safety_stock,
            levels.unit_cost
        from levels
        full outer join
            movements
            on levels.snapshot_date = movements.snapshot_date
            and levels.distribution_center_id = movements.distribution_center_id
            and levels.sku = movements.sku

    ),

    with_history as (

        select
            *,
            max(quantity_on_hand) {{ days_before(1, 1) }} as opening_quantity,
            cast(sum(sold) {{ days_before(history_days, 1) }} as decimal(38, 4)) as history_sold,
            min(snapshot_date) {{ days_before(history_days, 1) }} as history_from
        from days

    ),

    paced as (

        select *, {{ dbt.datediff("history_from", "snapshot_date", "day") }} as history_days from with_history

    ),

    final as (

        select
            snapshot_date,
            distribution_center_id,
            {{ location_key("distribution center", "distribution_center_id") }} as location_key,
            sku,
            {{ product_key("sku", "inventory", "sku") }} as product_key,
            opening_quantity,
            received,
            sold,
            returned,
            transferred_in,
            transferred_out,
            adjusted,
            written_off,
            quantity_on_hand,
            quantity_on_hand - opening_quantity - quantity_change as unexplained_quantity,
            reorder_level,
            safety_stock,
            unit_cost,
            cast(quantity_on_hand * unit_cost as decimal(38, 4)) as stock_value,
            history_days,
            history_sold,
            {{ ratio("history_sold", "history_days", 4, 19) }} as average_daily_sales,
            {{ ratio("quantity_on_hand * history_days", "history_sold", 1, 19) }} as days_of_cover,
            quantity_on_hand < reorder_level as is_below_reorder,
            quantity_on_hand = 0 as is_stock_out

        from paced

        where {{ is_affected() }}

    )

select *
from final
