{#
    The partition's window is closed-open, [window_start, window_end), in UTC. It comes from Dagster's
    partitions definition (retail_assets/transformation/window.py); no model reads the clock.
#}
{% macro window_start() -%} cast('{{ var("window_start") }}' as timestamp) {%- endmacro %}

{% macro window_end() -%} cast('{{ var("window_end") }}' as timestamp) {%- endmacro %}

{% macro in_window(column) -%}
    ({{ column }} >= {{ window_start() }} and {{ column }} < {{ window_end() }})
{%- endmacro %}

{# Versions that are new in the window, and rows that were found deleted in it. #}
{% macro changed_in_window(alias=none) -%}
    {%- set prefix = alias ~ "." if alias else "" -%}
    ({{ in_window(prefix ~ "_changed_at") }} or {{ in_window(prefix ~ "_deleted_at") }})
{%- endmacro %}

{#
    `columns` of the rows that `changed_in_window` selects, as a query; a row may come twice. Two scans instead of an
    `or`, since DuckDB does not prune by an `or` in every plan.
#}
{% macro changed_rows(versions, columns) -%}
    select {{ columns }}
    from {{ versions }}
    where {{ in_window("_changed_at") }}
    union all
    select {{ columns }}
    from {{ versions }}
    where {{ in_window("_deleted_at") }}
{%- endmacro %}

{#
    `where`-clause part: all versions of the rows that changed, or were found deleted, in the window. `key` is a column
    or a list of columns.
#}
{% macro of_changed_row(versions, key) -%}
    {%- set key = [key] if key is string else key -%}
    {{ among(key, changed_rows(versions, key | join(", "))) }}
{%- endmacro %}

{#
    `where`-clause part, a semi-join: rows whose `key` (a list of columns) is among those of a query; `names` are the
    query's column names, if they differ. The second line filters out no further row. Most keys are numbers that grow
    with time, and tables are ordered by them, so it lets the engine prune everything older than the query's least key.
#}
{% macro among(key, query, names=none) -%}
    ({{ key | join(", ") }}) in ({{ query }})
    and {{ key[0] }} >= (select min({{ (names or key)[0].split(".")[-1] }}) from ({{ query }}) as keys)
{%- endmacro %}

{# The retailer's day of a timestamp in UTC. #}
{% macro local_date(column) -%} cast({{ adapter.dispatch("local_time")(column) }} as date) {%- endmacro %}

{% macro default__local_time(column) -%}
    timezone('{{ var("timezone") }}', {{ column }} at time zone 'UTC')
{%- endmacro %}

{% macro snowflake__local_time(column) -%}
    convert_timezone('UTC', '{{ var("timezone") }}', {{ column }})
{%- endmacro %}

{# The days of a relation, each shifted by `first` to `last` days. #}
{% macro shifted_days(relation, day, first, last) -%}
    select cast({{ dbt.dateadd("day", "shifts.days", "dates." ~ day) }} as date) as {{ day }}
    from (select distinct {{ day }} from {{ relation }}) as dates
    cross join {{ numbers_of_days(first, last) }} as shifts
{%- endmacro %}

{% macro numbers_of_days(first, last) -%}
    (
        {% for days in range(first, last + 1) %}
            select {{ days }} as days{{ ' union all ' if not loop.last }}
        {% endfor %}
    )
{%- endmacro %}
