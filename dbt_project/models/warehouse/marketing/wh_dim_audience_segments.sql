{{ affected_by("stg_audience_segments_versions") }}

with

    final as (

        select audience_segment_id, segment_name, description, criteria

        from {{ ref("stg_audience_segments") }}

        where {{ is_affected() }}

    )

select *
from final
