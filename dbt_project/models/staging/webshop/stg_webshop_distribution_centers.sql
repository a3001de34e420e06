with

source as (

    {{ current_rows(source('webshop', 'distribution_centers'), ['id']) }}

),

final as (

    select
        id as distribution_center_id,
        name as distribution_center_name,
        latitude,
        longitude,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_webshop_distribution_centers') }} is null

)

select * from final
