{#
    The failing rows of a check: days on which a mart's sums differ from those of the facts, by measure.

    days     a query for the days to compare
    day      the mart's date column
    facts    list of facts, each with its `relation`, its `day`, its `measures` (mart's column: fact's column) and an
             optional filter, `where`
    where    picks the rows of a mart that shows the same figures in several ways
#}
{% macro differing_days(mart, days, day, facts, where="true") %}

    with

        days as ({{ days }}),

        figures as (

            {% for fact in facts -%}
                {% set last_fact = loop.last -%}
                {% for measure, column in fact.measures.items() -%}
                    select
                        '{{ measure }}' as measure, {{ day }} as day, sum({{ measure }}) as mart, 0 as facts
                    from {{ mart }}
                    where {{ day }} in (select {{ day }} from days) and {{ where }}
                    group by {{ day }}

                    union all

                    select
                        '{{ measure }}' as measure,
                        {{ fact.day }} as day,
                        0 as mart,
                        sum({{ column }}) as facts
                    from {{ fact.relation }}
                    where {{ fact.day }} in (select {{ day }} from days) and {{ fact.where or "true" }}
                    group by {{ fact.day }} {{ 'union all' if not (loop.last and last_fact) }}

                {% endfor %}
            {%- endfor %}
        )

    select measure, day, coalesce(sum(mart), 0) as mart_sum, coalesce(sum(facts), 0) as facts_sum
    from figures
    group by measure, day
    having coalesce(sum(mart), 0) <> coalesce(sum(facts), 0)

{% endmacro %}
