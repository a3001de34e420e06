"""What makes another table of a model, and what does not."""

import copy
from typing import Any

import pytest

from retail_assets.catalog.fingerprints import fingerprints, plain

MANIFEST: dict[str, Any] = {
    "macros": {
        "macro.shop.direct": {
            "macro_sql": "{% macro direct() %}{{ indirect() }}{% endmacro %}",
            "depends_on": {"macros": ["macro.shop.indirect", "macro.dbt.theirs"]},
        },
        "macro.shop.indirect": {
            "macro_sql": "{% macro indirect() %}{{ var('days') }}{% endmacro %}",
            "depends_on": {"macros": []},
        },
        "macro.shop.get_incremental_whole_sql": {
            "macro_sql": "{% macro get_incremental_whole_sql() %}delete{% endmacro %}",
            "depends_on": {"macros": []},
        },
        "macro.dbt.theirs": {"macro_sql": "theirs", "depends_on": {"macros": []}},
    },
    "sources": {
        "source.shop.erp.orders": {
            "unique_id": "source.shop.erp.orders",
            "config": {"meta": {"primary_key": ["id"], "dagster": {"owners": ["team:a"]}}},
        }
    },
    "nodes": {
        "model.shop.orders": {
            "resource_type": "model",
            "package_name": "shop",
            "raw_code": "select {{ direct() }} -- why\nfrom orders",
            "description": "Grain: one order.",
            "config": {"incremental_strategy": "whole"},
            "unrendered_config": {
                "unique_key": "id",
                "meta": {"quarantine": {"no_id": "id is null"}, "dagster": {"owners": ["team:a"]}},
            },
            "depends_on": {"macros": ["macro.shop.direct"], "nodes": ["source.shop.erp.orders"]},
        },
        "test.shop.unique": {"resource_type": "test"},
    },
}


def _set(*path_and_value):
    def change(manifest, variables):
        *path, last, value = path_and_value
        place = manifest
        for key in path:
            place = place[key]
        place[last] = value

    return change


_NODE = ("nodes", "model.shop.orders")
_SOURCE = ("sources", "source.shop.erp.orders", "config", "meta")
LEFT = {
    "comment": _set(*_NODE, "raw_code", "select {{ direct() }} -- because\n {# so #} from   orders"),
    "description": _set(*_NODE, "description", "Grain: one order, or none."),
    "owner": _set(*_NODE, "unrendered_config", "meta", "dagster", {"owners": ["team:b"]}),
    "explanation": _set(*_NODE, "unrendered_config", "meta", "explain", {"days": ["order_date"]}),
    "owner of a source": _set(*_SOURCE, "dagster", {"owners": ["team:b"]}),
    "macro of dbt": _set("macros", "macro.dbt.theirs", "macro_sql", "theirs, mended"),
    "other variable": lambda _, variables: variables.update(other=2),
    "advice": _set(*_NODE, "unrendered_config", "on_schema_change", "fail"),
}
CHANGED = {
    "SQL": _set(*_NODE, "raw_code", "select {{ direct() }} from orders where true"),
    "macro": _set("macros", "macro.shop.indirect", "macro_sql", "{{ var('days') + 1 }}"),
    "strategy": _set("macros", "macro.shop.get_incremental_whole_sql", "macro_sql", "delete from"),
    "variable": lambda _, variables: variables.update(days=2),
    "key": _set(*_NODE, "unrendered_config", "unique_key", ["id", "line"]),
    "rule": _set(*_NODE, "unrendered_config", "meta", "quarantine", {"no_id": "id <= 0"}),
    "key of a source": _set(*_SOURCE, "primary_key", ["id", "line"]),
}


def _fingerprint(change=lambda *_: None):
    manifest, variables = copy.deepcopy(MANIFEST), {"days": 1, "other": 1}
    change(manifest, variables)
    found = fingerprints(manifest, variables)
    assert found.keys() == {"model.shop.orders"}
    return found["model.shop.orders"]


@pytest.mark.parametrize("change", LEFT.values(), ids=LEFT)
def test_the_table_is_left(change):
    assert _fingerprint(change) == _fingerprint()


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_the_table_is_another(change):
    assert _fingerprint(change) != _fingerprint()


def test_what_stands_in_a_text_is_no_comment_and_no_space():
    assert plain("a = '--  {# it''s #}'  -- it's\n{# don't #} b") == "a = '--  {# it''s #}' b"
