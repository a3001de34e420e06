with

    consumers as (select * from {{ ref("wh_dim_consumer") }} where known_since is not null),

    -- A consumer counts where they live, from the day on which any system knew them.
    stays as (

        select
            consumers.consumer_key,
            history.country,
            history.state_province,
            case
                when history.valid_from < consumers.known_since
                then consumers.known_since
                else history.valid_from
            end as valid_from,
            history.valid_to
        from {{ ref("wh_dim_consumer_history") }} as history
        inner join consumers on history.consumer_key = consumers.consumer_key
        where
            history.country is not null
            and (history.valid_to is null or history.valid_to > consumers.known_since)

    ),

    moves as (

        {% for type, key in {
            "country": location_key("country", "country"),
            "state": location_key("state", state_id("country", "state_province")),
        }.items() -%}
            select {{ key }} as location_key, valid_from as moved_on, 1 as consumers
            from stays {{ 'where state_province is not null' if type == 'state' }}
            union all
            select {{ key }} as location_key, valid_to as moved_on, -1 as consumers
            from stays
            where valid_to is not null {{ 'and state_province is not null' if type == 'state' }}
            union all
            -- A row of 0 before the first consumer, so that a change of the first count shows as well.
            select distinct {{ key }} as location_key, {{ beginning_of_time() }} as moved_on, 0 as consumers
            from
                stays {{ 'where state_province is not null' if type == 'state' }}
                {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    days as (

        select location_key, moved_on, sum(consumers) as consumers from moves group by location_key, moved_on

    ),

    final as (

        select
            location_key,
            moved_on as valid_from,
            lead(moved_on) over (partition by location_key order by moved_on) as valid_to,
            cast(
                sum(consumers) over (
                    partition by location_key order by moved_on rows unbounded preceding
                ) as bigint
            ) as known_consumers,
            {{ window_start() }} as _changed_at
        from days

    )

select *
from final
