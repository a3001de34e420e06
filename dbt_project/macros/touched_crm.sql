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
    from (
        {{ changed_records(ref('wh_consumer_identities'), [('crm', 'consumers', 'consumer_id')]) }}
    ) as changed
    where source_system = 'crm'
{%- endmacro %}

{% macro touched_keys_of_wh_fact_interactions() -%}
    {{ changed_rows(source('crm', 'interactions'), 'interaction_id') }}
    union
    select interaction_id
    from {{ source('crm', 'interactions') }}
    where consumer_id in ({{ reidentified_crm_consumers() }})
    union
    select interaction_id
    from {{ source('crm', 'interactions') }}
    where touchpoint_id in ({{ changed_rows(source('crm', 'touchpoints'), 'touchpoint_id') }})
{%- endmacro %}

{#
    A balance runs over all activities of a consumer_key, whoever of the CRM's consumers they belong to. So of
    everybody who is, or in any version was, the same consumer as one with a change, all activities are touched
    from the first changed one on; all of them where somebody is another consumer now.
#}
{% macro touched_keys_of_wh_fact_loyalty() -%}
    with

    changed_consumers as (

        select consumer_id, activity_at as touched_from
        from {{ source('crm', 'loyalty_activities') }}
        where {{ of_changed_row(source('crm', 'loyalty_activities'), 'loyalty_activity_id') }}
        union all
        select consumer_id, cast({{ beginning_of_time() }} as timestamp) as touched_from
        from ({{ reidentified_crm_consumers() }}) as reidentified

    ),

    changed_keys as (

        select
            {{ consumer_key(normalised_email('consumers.consumer_email'), 'crm', 'consumers.consumer_id') }} as consumer_key,
            min(changed_consumers.touched_from) as touched_from
        from {{ source('crm', 'consumers') }} as consumers
        inner join changed_consumers on consumers.consumer_id = changed_consumers.consumer_id
        group by 1

    ),

    recounted_consumers as (

        select consumer_id, touched_from from changed_consumers
        union all
        select cast(identities.source_id as bigint) as consumer_id, changed_keys.touched_from
        from {{ ref('wh_consumer_identities') }} as identities
        inner join changed_keys on identities.consumer_key = changed_keys.consumer_key
        where identities.source_system = 'crm'

    ),

    recounted_from as (

        select consumer_id, min(touched_from) as touched_from from recounted_consumers group by consumer_id

    )

    {{ changed_rows(source('crm', 'loyalty_activities'), 'loyalty_activity_id') }}
    union
    -- As they stand: one that was booked on somebody else before is that consumer's alone.
    select activities.loyalty_activity_id
    from {{ ref('stg_loyalty_activities') }} as activities
    inner join recounted_from on activities.consumer_id = recounted_from.consumer_id
    where activities.activity_at >= recounted_from.touched_from
{%- endmacro %}
