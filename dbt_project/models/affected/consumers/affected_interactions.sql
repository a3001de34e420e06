{#
    Interactions that the window affects: those that changed, those of a consumer who may be somebody else now, and
    those at a touchpoint that changed. Every version counts, so that one that moved to another consumer or touchpoint
    is found from both.
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
