{#
    The affected keys of the inventory: what its fact and mart recompute in this run. Computed over all versions in raw,
    so a movement that was corrected to another day or product affects both. A change also affects the days after it,
    since a day looks back on the sales of 28 days and on the level of the day before.
#}
with

    changed_versions as (

        select snapshot_date, distribution_center_id, sku
        from {{ ref("stg_inventory_versions") }}
        where {{ changed_in_window() }}

        union

        select moved_date as snapshot_date, distribution_center_id, sku
        from {{ ref("stg_stock_movements_versions") }}
        where {{ of_changed_row(ref("stg_stock_movements_versions"), "movement_id") }}

    ),

    -- A row without one of these is in quarantine and affects no day.
    changed as (

        select *
        from changed_versions
        where snapshot_date is not null and distribution_center_id is not null and sku is not null

    ),

    later_days as (

        select snapshot_date, distribution_center_id, sku
        from {{ ref("stg_inventory") }}
        where {{ near_stock_days("snapshot_date", "changed", 1, stock_history_days()) }}

        union

        select moved_date as snapshot_date, distribution_center_id, sku
        from {{ ref("stg_stock_movements") }}
        where {{ near_stock_days("moved_date", "changed", 1, stock_history_days()) }}

    ),

    candidates as (

        select *, 1 as is_changed
        from changed
        union all
        select *, 0 as is_changed
        from later_days

    ),

    reached as (

        select *, max(is_changed) {{ days_before(stock_history_days(), 0) }} as is_affected from candidates

    ),

    final as (

        select distinct
            snapshot_date,
            distribution_center_id,
            sku,
            cast({{ dbt.date_trunc("week", "snapshot_date") }} as date) as week_start
        from reached
        where is_affected = 1

    )

select *
from final
