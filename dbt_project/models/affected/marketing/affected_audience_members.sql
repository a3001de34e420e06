{# Memberships of one consumer may overlap, so if one changes, all of the consumer's in the segment are recomputed. #}
with

    final as (

        select distinct
            audience_segment_id, {{ consumer_key("email", "marketing", "consumer_email") }} as consumer_key
        from {{ ref("stg_audience_members_versions") }}
        where {{ changed_in_window() }}

    )

select *
from final
