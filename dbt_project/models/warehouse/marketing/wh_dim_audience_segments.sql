with

final as (

    select
        audience_segment_id,
        segment_name,
        description,
        criteria

    from {{ ref('stg_audience_segments') }}

    where {{ only_touched() }}

)

select * from final
