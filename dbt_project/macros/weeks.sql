{#
    The weeks of the run's window, as a query. A run over a range of weeks computes each as of its own end.
#}
{% macro weeks_of_window() -%}
    {%- for week in range(number_of_weeks()) %}
        select
            cast({{ dbt.dateadd("day", 7 * week, local_date(window_start())) }} as date) as week_start,
            cast({{ dbt.dateadd("day", 7 * week + 7, local_date(window_start())) }} as date) as week_end,
            cast(
                {{ dbt.dateadd("day", 7 * week + 7 - 365, local_date(window_start())) }} as date
            ) as year_start,
            cast(
                {{ dbt.dateadd("day", 7 * week + 7 - 90, local_date(window_start())) }} as date
            ) as quarter_start
            {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro number_of_weeks() -%}
    {#- While the project is parsed there is no window yet. -#}
    {%- if not execute -%} {{ return(1) }}{%- endif -%}
    {%- set parse = modules.datetime.datetime.fromisoformat -%}
    {%- set length = parse(var("window_end")) - parse(var("window_start")) -%}
    {#- A change to or from summer time makes a week an hour longer or shorter. -#}
    {{ return([(length.total_seconds() / 604800) | round | int, 1] | max) }}
{%- endmacro %}

{# `where`-clause part: the first day of a week of the window. #}
{% macro in_weeks_of_window(column) -%}
    {{ column }} in (select week_start from ({{ weeks_of_window() }}) as weeks_of_window)
{%- endmacro %}
