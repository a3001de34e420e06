{#
    What a window touches of the CRM's facts, from every version that raw has seen: an interaction or an
    activity that was booked on another consumer touches both.
#}

{#
    Consumers of the CRM who may be somebody else since the window: whose identity is new or has changed, and
    who have none any more, because they were erased or their row is in quarantine.
#}
{% macro reidentified_crm_consumers() -%}
    select cast(source_id as bigint) as consumer_id
    from {{ ref('wh_consumer_identities') }}
    where source_system = 'crm'
        and {{ in_window('_changed_at') }}
    union
    select consumer_id
    from {{ source('crm', 'consumers') }}
    where {{ changed_in_window() }}
        and cast(consumer_id as varchar) not in (
            select source_id from {{ ref('wh_consumer_identities') }} where source_system = 'crm'
        )
{%- endmacro %}

{% macro touched_keys_of_wh_fact_interactions() -%}
    select interaction_id
    from {{ source('crm', 'interactions') }}
    where {{ changed_in_window() }}
        or consumer_id in ({{ reidentified_crm_consumers() }})
        or touchpoint_id in (select touchpoint_id from {{ source('crm', 'touchpoints') }} where {{ changed_in_window() }})
{%- endmacro %}

{#
    A balance runs over all activities of a consumer_key, whoever of the CRM's consumers they belong to. So all are
    touched of everybody who is, or in any version was, the same consumer as one with a change.
#}
{% macro touched_keys_of_wh_fact_loyalty() -%}
    with

    changed_consumers as (

        select activities.consumer_id
        from {{ source('crm', 'loyalty_activities') }} as activities
        where activities.loyalty_activity_id in (
            select loyalty_activity_id from {{ source('crm', 'loyalty_activities') }} where {{ changed_in_window() }}
        )
        union
        {{ reidentified_crm_consumers() }}

    ),

    changed_keys as (

        select {{ consumer_key(normalised_email('consumer_email'), 'crm', 'consumer_id') }} as consumer_key
        from {{ source('crm', 'consumers') }}
        where consumer_id in (select consumer_id from changed_consumers)

    ),

    recounted_consumers as (

        select consumer_id from changed_consumers
        union
        select cast(source_id as bigint) as consumer_id
        from {{ ref('wh_consumer_identities') }}
        where source_system = 'crm'
            and consumer_key in (select consumer_key from changed_keys)

    )

    select loyalty_activity_id
    from {{ source('crm', 'loyalty_activities') }}
    where {{ changed_in_window() }}
        or consumer_id in (select consumer_id from recounted_consumers)
{%- endmacro %}
