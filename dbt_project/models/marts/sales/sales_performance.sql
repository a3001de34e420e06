{{ affected_by("affected_sales_days") }}

with

    movements as ({{ channel_movements(["territory_id", "sales_channel", "consumer_key"]) }}),

    territories as (select * from {{ ref("stg_sales_territories") }}),

    daily as (

        select
            sales_date,
            territory_id,
            sales_channel,
            {{ distinct_consumers() }} as customers,
            {{ sales_measures() }}
        from movements
        where {{ is_affected() }}
        group by sales_date, territory_id, sales_channel

    ),

    final as (

        select
            daily.*,
            coalesce(territories.territory, 'Unknown') as territory,
            coalesce(territories.territory_group, 'Unknown') as territory_group
        from daily
        left join territories on daily.territory_id = territories.territory_id

    )

select *
from final
