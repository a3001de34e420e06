{{ affected_by("affected_audience_members") }}

with

    members as (

        select *, {{ consumer_key("email", "marketing", "consumer_email") }} as consumer_key
        from {{ ref("stg_audience_members") }}

    ),

    -- A member who was removed at the time of being added never was one.
    memberships as (

        select * from members where (removed_at is null or removed_at > added_at) and {{ is_affected() }}

    ),

    -- Two spellings of one address are memberships of one consumer. They may overlap, and are merged.
    ordered as (

        select
            *,
            max(coalesce(removed_at, {{ never() }})) over (
                partition by audience_segment_id, consumer_key
                order by added_at, consumer_email
                rows between unbounded preceding and 1 preceding
            ) as removed_before
        from memberships

    ),

    numbered as (

        select
            *,
            sum(case when added_at <= removed_before then 0 else 1 end) over (
                partition by audience_segment_id, consumer_key
                order by added_at, consumer_email
                rows unbounded preceding
            ) as membership
        from ordered

    ),

    joined as (

        select
            audience_segment_id,
            consumer_key,
            min(added_at) as added_at,
            case when count(removed_at) = count(*) then max(removed_at) end as removed_at
        from numbered
        group by audience_segment_id, consumer_key, membership

    ),

    final as (

        select
            audience_segment_id,
            consumer_key,
            added_at,
            {{ local_date("added_at") }} as added_date,
            removed_at,
            {{ local_date("removed_at") }} as removed_date

        from joined

    )

select *
from final
