{#
    What the run's window affects, and so what the inventory's fact and mart compute again. Every version that raw has
    seen counts, not only the current rows: a movement that moved to another day or product affects both. A day shows
    the sales of the days before it, and the level of the day before.
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

    -- A row without one of them is in quarantine: no day shows it.
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

    final as (select distinct snapshot_date, distribution_center_id, sku from reached where is_affected = 1)

select *
from final
