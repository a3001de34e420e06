with

    weeks as (

        select week_start, week_end, cast({{ dbt.dateadd("day", -28, "week_end") }} as date) as month_start
        from ({{ weeks_of_window() }}) as weeks_of_window

    ),

    newest_levels as (

        select
            weeks.week_start,
            inventory.distribution_center_id,
            inventory.location_key,
            inventory.product_key,
            inventory.sku,
            inventory.quantity_on_hand

        from weeks
        inner join
            {{ ref("wh_fact_inventory") }} as inventory
            on inventory.snapshot_date >= weeks.month_start
            and inventory.snapshot_date < weeks.week_end
        where inventory.quantity_on_hand is not null and inventory.product_key <> {{ unknown_key() }}
        qualify
            row_number() over (
                partition by weeks.week_start, inventory.distribution_center_id, inventory.sku
                order by inventory.snapshot_date desc nulls last
            )
            = 1

    ),

    -- A product in two spellings is one.
    levels as (

        select
            week_start,
            distribution_center_id,
            location_key,
            product_key,
            sum(quantity_on_hand) as quantity_on_hand
        from newest_levels
        group by week_start, distribution_center_id, location_key, product_key

    ),

    locations as (select * from {{ ref("wh_dim_location") }}),

    places as (

        select location_key, latitude, longitude
        from locations
        where location_type in ('state', 'country') and latitude is not null and longitude is not null

    ),

    distances as (

        select
            places.location_key,
            centers.distribution_center_id,
            -- A center that is nowhere is farther than any.
            coalesce(
                {{
                    kilometres(
                        "places.latitude",
                        "places.longitude",
                        "located.latitude",
                        "located.longitude",
                    )
                }},
                99999
            ) as kilometres

        from places
        cross join (select distinct distribution_center_id, location_key from levels) as centers
        left join locations as located on centers.location_key = located.location_key

    ),

    -- A place is served with a product by the nearest center that has it on record.
    served as (

        select
            levels.week_start,
            levels.product_key,
            distances.location_key,
            levels.distribution_center_id,
            levels.quantity_on_hand

        from levels
        inner join distances on levels.distribution_center_id = distances.distribution_center_id
        qualify
            row_number() over (
                partition by levels.week_start, levels.product_key, distances.location_key
                order by distances.kilometres, levels.distribution_center_id
            )
            = 1

    ),

    -- Who lives nobody knows where lacks only what no center has.
    nowhere as (

        select
            week_start,
            product_key,
            {{ unknown_key() }} as location_key,
            sum(quantity_on_hand) as quantity_on_hand
        from levels
        group by week_start, product_key

    ),

    final as (

        select week_start, product_key, location_key, distribution_center_id, quantity_on_hand
        from served
        where quantity_on_hand <= 0

        union all

        select
            week_start,
            product_key,
            location_key,
            cast(null as {{ key_type("inventory") }}) as distribution_center_id,
            quantity_on_hand
        from nowhere
        where quantity_on_hand <= 0

    )

select
    week_start,
    product_key,
    location_key,
    distribution_center_id,
    cast(quantity_on_hand as decimal(38, 4)) as quantity_on_hand
from final
