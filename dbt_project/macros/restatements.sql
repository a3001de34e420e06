{#
    Restatements: what a run makes of figures that were reported before. A mart that says so in its YAML,

        meta:
          restated:
            day: sales_date
            measures: [orders, net_sales]
            because: {model: affected_orders, day: sales_date, key: "source_system || ':' || order_id"}

    gets a row in `quality.restatements` for each past day and measure whose sum becomes another, in the transaction
    that replaces the mart's rows.

    measures    columns that add up over the mart's rows of a day
    where       the rows of a mart that shows the same figures in several ways
    because     lists the keys that affect a day in this run; what changed of them, `retail-assets explain` tells
    watched     the measures of which a large restatement is told (retail_assets/quality/restatements.py)

    Which days were reported, and as of when the figures are now, is in the variable `restating`
    (retail_assets/quality/restatements.py). Without it, as in unit tests, nothing is recorded.
#}
{#
    The statement that records it, to be run before the mart's rows are replaced; none where nothing is recorded.

    known     the rows that are there, and `gone` a condition on those that go
    new       the rows that come, and `comes` a condition on them
    are_sums  whether `known` has only the sums of days
    names     the measures that `known` has, if not all
#}
{% macro recorded_restatements(known, gone, new, comes="true", are_sums=false, names=none) -%}
    {%- set restated = restated_of(config) -%}
    {%- if not restated -%} {{ return(none) }}{%- endif -%}
    {%- set day = restated.day -%}
    {%- set reported = reported_days(restated) -%}
    {%- set names = names or restated.measures -%}
    {%- set where = restated.where or "true" -%}
    {%- set known_where = "true" if are_sums else where -%}
    {%- set because = restated.because if not restated.is_rebuilt -%}

    insert into quality.restatements
    (
        mart,
        figure_day,
        measure,
        was,
        became,
        affected_keys,
        examples,
        window_start,
        window_end,
        known_at,
        is_rebuild,
        recorded_at,
        run_id
    )
    with

        moved as (

            select {{ day }} as figure_day, -1 as direction, {{ as_decimals(names) }}
            from {{ known }}
            where ({{ gone }}) and {{ known_where }} and {{ reported }}

            union all

            select {{ day }} as figure_day, 1 as direction, {{ as_decimals(names) }}
            from {{ new }}
            where ({{ comes }}) and {{ where }} and {{ reported }}

        ),

        differences as (

            select
                figure_day
    {%- for name in names %},
                    coalesce(sum(case when direction = 1 then {{ name }} else - {{ name }} end), 0) as {{ name }},
                    count(case when direction = 1 then {{ name }} end)
                    - count(case when direction = -1 then {{ name }} end) as known_{{ name }}
    {%- endfor %}
            from moved
            group by figure_day

        ),

        changed_days as (

            select *
            from differences
            where {% for name in names %} {{ name }} <> 0 {{ 'or' if not loop.last }} {% endfor %}

        ),

    -- Only of days with a difference: a mart may replace some rows of many days.
        reported as (

            select
    {{ day }} as figure_day
    {%- for name in names %},
                    sum(cast({{ name }} as decimal(38, 6))) as {{ name }},
                    count({{ name }}) as known_{{ name }}
    {%- endfor %}
            from {{ known }}
            where {{ day }} in (select figure_day from changed_days) and {{ known_where }}
            group by {{ day }}

        ),

        figures as (

    {% for name in names -%}
        -- What none of the rows says is null, as in the mart.
                select
                    changed_days.figure_day,
                    '{{ name }}' as measure,
                    reported.{{ name }} as was,
                    case
                        when coalesce(reported.known_{{ name }}, 0) + changed_days.known_{{ name }} > 0
                        then coalesce(reported.{{ name }}, 0) + changed_days.{{ name }}
                    end as became
                from changed_days
                left join reported on changed_days.figure_day = reported.figure_day
                where changed_days.{{ name }} <> 0 {{ 'union all' if not loop.last }}
    {% endfor %}

        ),

        reasons as ({{ affected_keys_by_day(because) }})

    select
        '{{ this.schema }}.{{ this.identifier }}' as mart,
        figures.figure_day,
        figures.measure,
        cast(figures.was as decimal(38, 6)) as was,
        cast(figures.became as decimal(38, 6)) as became,
        reasons.affected_keys,
        reasons.examples,
    {{ window_start() }} as window_start,
    {{ window_end() }} as window_end,
        cast('{{ restated.known_at }}' as timestamp) as known_at,
    {{ restated.is_rebuilt }} as is_rebuild,
        cast('{{ restated.recorded_at }}' as timestamp) as recorded_at,
        '{{ restated.run_id }}' as run_id
    from figures
    left join reasons on figures.figure_day = reasons.figure_day
{%- endmacro %}

{# How many keys affect each day in this run, and the first of them. #}
{% macro affected_keys_by_day(because) -%}
    {%- if because -%}
        select
            figure_day,
            count(*) as affected_keys,
        {% for place in range(1, 4) -%}
            {% set shown = "max(case when place = " ~ place ~ " then affected_key end)" -%}
            {{ shown if loop.first else "|| coalesce(', ' || " ~ shown ~ ", '')" }}
        {% endfor %} as examples
        from
            (
                select
                    figure_day,
                    affected_key,
                    row_number() over (partition by figure_day order by affected_key) as place
                from
                    (
                        select distinct {{ because.day }} as figure_day, {{ because.key }} as affected_key
                        from {{ graph.nodes["model.retail_assets." ~ because.model].relation_name }}
                    ) as affected
                where figure_day is not null and affected_key is not null
            ) as numbered
        group by figure_day
    {%- else -%}
        select
            cast(null as date) as figure_day,
            cast(null as bigint) as affected_keys,
            cast(null as varchar) as examples
    {%- endif -%}
{%- endmacro %}

{# What a model's YAML says of its restatements, with what is known of this run; none if nothing is to be recorded. #}
{% macro restated_of(configuration) -%}
    {%- set restated = (configuration.get("meta") or {}).get("restated") -%}
    {%- set run = var("restating", {}) -%}
    {%- set reported = run.get("marts", {}).get(model.unique_id) if execute -%}
    {%- if not restated or not reported -%} {{ return(none) }}{%- endif -%}
    {{
        return(
            dict(
                restated,
                first=reported.first,
                until=reported.until,
                known_at=reported.known_at,
                run_id=run.run_id,
                recorded_at=run.recorded_at,
                is_rebuilt=should_full_refresh(),
            )
        )
    }}
{%- endmacro %}

{# `where`-clause part: the days of which the mart had all figures before this run. #}
{% macro reported_days(restated) -%}
    {%- if restated.first -%}
        {{ restated.day }} >= cast('{{ restated.first }}' as date) and {% endif -%}
    {{ restated.day }} < cast('{{ restated.until }}' as date)
{%- endmacro %}

{% macro as_decimals(names) -%}
    {%- for name in names -%}
        cast({{ name }} as decimal(38, 6)) as {{ name }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#
    A rebuild replaces the table itself: the reported sums are kept aside, in the session, until the new rows are there.
    On DuckDB all of it is one transaction; on Snowflake a table is created in one of its own.

    A table that an older version wrote may lack columns: a measure that it lacks was not reported.
#}
{% macro with_restatements(relation, create_sql) -%}
    {%- set restated = restated_of(config) -%}
    {%- set known = load_cached_relation(this) if restated -%}
    {%- if not known or not known.is_table -%} {{ return(create_sql) }}{%- endif -%}
    {%- set there = adapter.get_columns_in_relation(this) | map(attribute="name") | map("lower") | list -%}
    {%- set names = restated.measures | select("in", there) | list -%}
    {%- set chosen_by = restated.day ~ " " ~ (restated.where or "") -%}
    {%- set lacks = model.columns | reject("in", there) | select("in", chosen_by) | list -%}
    {%- if lacks or not names -%} {{ return(create_sql) }}{%- endif -%}
    {%- set aside = this.identifier ~ "__reported" -%}
    {#- DuckDB has its temporary tables in a schema of their own. -#}
    {%- set aside = aside if target.type == "duckdb" else this.include(identifier=false) ~ "." ~ aside -%}
    {%- set kept -%}
        create or replace temporary table {{ aside }} as
        select
            {{ restated.day }}
            {%- for name in names %}, sum(cast({{ name }} as decimal(38, 6))) as {{ name }}{% endfor %}
        from {{ this }}
        where {{ restated.where or "true" }} and {{ reported_days(restated) }}
        group by {{ restated.day }}
    {%- endset -%}
    {{
        return(
            [
                kept,
                create_sql | trim | trim(";"),
                recorded_restatements(aside, "true", relation, are_sums=true, names=names),
                "drop table " ~ aside,
            ]
            | join(";\n")
        )
    }}
{%- endmacro %}
