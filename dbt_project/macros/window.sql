{#
    The partition's window is closed-open, [window_start, window_end), in UTC. It comes from Dagster's
    partitions definition (retail_assets/transformation/window.py); no model reads the clock.
#}
{% macro window_start() -%} cast('{{ var("window_start") }}' as timestamp) {%- endmacro %}

{% macro window_end() -%} cast('{{ var("window_end") }}' as timestamp) {%- endmacro %}

{% macro in_window(column) -%}
    ({{ column }} >= {{ window_start() }} and {{ column }} < {{ window_end() }})
{%- endmacro %}

{# A version that the window brought, or a row that the window found deleted. #}
{% macro changed_in_window(alias=none) -%}
    {%- set prefix = alias ~ "." if alias else "" -%}
    ({{ in_window(prefix ~ "_changed_at") }} or {{ in_window(prefix ~ "_deleted_at") }})
{%- endmacro %}

{#
    `columns` of the versions that the window brought, and of the rows that it found deleted, as a query; a row may
    come twice. The same as `where changed_in_window()`, but DuckDB always prunes what was loaded on other days: not
    every plan does so for an `or`.
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
    `where`-clause part: every version of the rows that the window changed or found deleted, by their key, a column or
    a list of them.
#}
{% macro of_changed_row(versions, key) -%}
    {%- set key = [key] if key is string else key -%}
    {{ among(key, changed_rows(versions, key | join(", "))) }}
{%- endmacro %}

{#
    `where`-clause part: rows whose `key`, a list of columns, is one of a query's; `names` are what its columns are
    called there, if not the same. The second line takes no row away. Most keys are numbers that grow with time, and
    tables lie in that order: so an engine prunes what is older than anything in the query.
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

{# Each day of a relation, moved by each number of days from `first` to `last`. #}
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
