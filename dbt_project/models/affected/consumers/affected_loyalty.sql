{#
    The affected loyalty activities. A balance runs over all activities of a consumer_key, which may be several CRM
    records. If an activity changes, all later ones of every record that has, or in any version had, the same
    consumer_key are affected. If a record moves to another consumer_key, all of its activities are.
#}
{% set activity_versions = ref("stg_loyalty_activities_versions") %}

with

    changed_consumers as (

        select consumer_id, activity_at as affected_from
        from {{ activity_versions }}
        where {{ of_changed_row(activity_versions, "loyalty_activity_id") }}

        union all

        select consumer_id, cast({{ beginning_of_time() }} as timestamp) as affected_from
        from ({{ reidentified_crm_consumers() }}) as reidentified

    ),

    changed_keys as (

        select
            {{ consumer_key("consumers.email", "crm", "consumers.consumer_id") }} as consumer_key,
            min(changed_consumers.affected_from) as affected_from
        from {{ ref("stg_consumers_versions") }} as consumers
        inner join changed_consumers on consumers.consumer_id = changed_consumers.consumer_id
        group by 1

    ),

    recounted_consumers as (

        select consumer_id, affected_from
        from changed_consumers

        union all

        select cast(identities.source_id as {{ key_type("crm") }}) as consumer_id, changed_keys.affected_from
        from {{ ref("wh_consumer_identities") }} as identities
        inner join changed_keys on identities.consumer_key = changed_keys.consumer_key
        where identities.source_system = 'crm'

    ),

    recounted_from as (

        select consumer_id, min(affected_from) as affected_from from recounted_consumers group by consumer_id

    ),

    final as (

        {{ changed_rows(activity_versions, "loyalty_activity_id") }}

        union

        -- Current rows only: an activity that was once booked on another consumer counts for its current one
        -- alone.
        select activities.loyalty_activity_id
        from {{ ref("stg_loyalty_activities") }} as activities
        inner join recounted_from on activities.consumer_id = recounted_from.consumer_id
        where activities.activity_at >= recounted_from.affected_from

    )

select *
from final
