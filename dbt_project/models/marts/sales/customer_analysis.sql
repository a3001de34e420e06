{{ affected_by("affected_consumers", key=["consumer_key"], since="sales_date") }}

with

    movements as (

        select movements.*
        from ({{ channel_movements(["consumer_key"]) }}) as movements
        {% if is_incremental() -%}
            inner join
                {{ affected() }} as affected
                on movements.consumer_key = affected.consumer_key
                and movements.sales_date >= affected.affected_from
        {%- endif %}

    ),

    consumers as (select * from {{ ref("wh_dim_consumer") }}),

    daily as (

        select sales_date, consumer_key, {{ sales_measures() }}
        from movements
        group by sales_date, consumer_key

    ),

    final as (

        select
            daily.*,
            consumers.consumer_type as customer_type,
            consumers.consumer_name as store_name,
            consumers.country,
            consumers.state_province,
            consumers.city
        from daily
        left join consumers on daily.consumer_key = consumers.consumer_key

    )

select *
from final
