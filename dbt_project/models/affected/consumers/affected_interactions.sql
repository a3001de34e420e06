{#
    The affected interactions: those that changed, those of a consumer whose identity changed, and those at a touchpoint
    that changed. Computed over all versions, so an interaction that moved to another consumer or touchpoint is affected
    by a change of either.
#}
{% set interaction_versions = ref("stg_interactions_versions") %}

with

    final as (

        {{ changed_rows(interaction_versions, "interaction_id") }}

        union

        select interaction_id
        from {{ interaction_versions }}
        where consumer_id in ({{ reidentified_crm_consumers() }})

        union

        select interaction_id
        from {{ interaction_versions }}
        where touchpoint_id in ({{ changed_rows(ref("stg_touchpoints_versions"), "touchpoint_id") }})

    )

select *
from final
