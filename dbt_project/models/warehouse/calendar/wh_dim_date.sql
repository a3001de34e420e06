with

    digits as (
        {% for digit in range(10) -%}
            select {{ digit }} as digit {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    numbered as (

        select
            ones.digit
            + 10 * tens.digit
            + 100 * hundreds.digit
            + 1000 * thousands.digit
            + 10000 * ten_thousands.digit as number
        from digits as ones
        cross join digits as tens
        cross join digits as hundreds
        cross join digits as thousands
        cross join digits as ten_thousands

    ),

    days as (

        select cast({{ dbt.dateadd("day", "number", "cast('1990-01-01' as date)") }} as date) as date_day
        from numbered

    ),

    final as (

        select
            date_day,
            cast({{ dbt.date_trunc("week", "date_day") }} as date) as week_start,
            cast({{ dbt.date_trunc("month", "date_day") }} as date) as month_start,
            cast({{ dbt.date_trunc("quarter", "date_day") }} as date) as quarter_start,
            cast({{ dbt.date_trunc("year", "date_day") }} as date) as year_start
        from days
        where date_day < cast('2060-01-01' as date)

    )

select *
from final
