"""The list of forgotten persons, as a reading sees it."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.catalog.contract import ROW_HASH, source_tables
from retail_assets.errors import UserError
from retail_assets.privacy import forgotten
from retail_assets.privacy.forgotten import Forgotten
from retail_assets.privacy.personal import NOBODY, normalised
from retail_assets.settings import Settings

EMAILS = ["ann@mail.example", "bob@mail.example", " ANN@mail.example\t", "", None]


def _list(**named):
    empty = Forgotten(pepper=b"pepper")
    digests = {
        kind.replace("__", "."): frozenset(
            empty.digest(kind.replace("__", "."), str(normalised(kind, value))) for value in values
        )
        for kind, values in named.items()
    }
    return Forgotten(digests, b"pepper")


def _table(manifest, system, name):
    (table,) = (each for each in source_tables(manifest, system) if each.name == name)
    return table


def _batch(table, **columns):
    rows = len(columns[ROW_HASH])
    return pa.table(
        [pa.array(columns.get(field.name, [None] * rows), field.type) for field in table.raw_schema],
        names=table.raw_schema.names,
    )


@pytest.fixture(scope="module")
def consumers(manifest):
    return _table(manifest, "crm", "consumers")


@pytest.fixture(scope="module")
def touches(manifest):
    return _table(manifest, "marketing", "campaign_touches")


@settings(deadline=None)
@given(emails=st.lists(st.sampled_from(EMAILS), max_size=8))
def test_rows_of_persons_go_and_the_others_are_as_they_were(consumers, emails):
    table = consumers
    batch = _batch(
        table, consumer_id=[*range(len(emails))], consumer_email=emails, **{ROW_HASH: [7] * len(emails)}
    )
    kept_out: Counter[str] = Counter()
    (kept,) = _list(email=["Ann@mail.example"], crm__consumers=["3"]).sifted(table, [batch], kept_out)
    expected = [
        number
        for number, email in enumerate(emails)
        if number != 3 and (email or "").strip().lower() != "ann@mail.example"
    ]
    assert kept.column("consumer_id").to_pylist() == expected
    assert kept.equals(batch.take(pa.array(expected, pa.int64())))
    assert kept_out == {"consumers": len(emails) - len(expected)}


@settings(deadline=None)
@given(emails=st.lists(st.sampled_from(EMAILS), min_size=1, max_size=8))
def test_other_rows_stay_without_personal_columns(touches, emails):
    table = touches
    hashes = [*range(len(emails))]
    batch = _batch(table, touch_id=hashes, consumer_email=emails, **{ROW_HASH: hashes})
    known = _list(email=["ann@mail.example"])
    (kept,) = known.sifted(table, [batch], Counter())
    (again,) = known.sifted(table, [batch], Counter())
    assert kept.equals(again)
    assert kept.column("touch_id").to_pylist() == hashes
    for old, new, email in zip(batch.to_pylist(), kept.to_pylist(), emails, strict=True):
        if (email or "").strip().lower() == "ann@mail.example":
            assert new == {**old, "consumer_email": NOBODY, ROW_HASH: known.row_hash(old[ROW_HASH])}
            assert new[ROW_HASH] != old[ROW_HASH]
        else:
            assert new == old


def test_a_store_is_no_person(manifest):
    """Somebody who bought for a store is forgotten; the store's customer stays."""
    table = _table(manifest, "erp", "customer")
    batch = _batch(
        table, customer_id=[1, 2, 3], person_id=[5, 5, 6], store_id=[None, 9, None], **{ROW_HASH: [1, 2, 3]}
    )
    (kept,) = _list(erp__person=["5"]).sifted(table, [batch], Counter())
    assert kept.column("customer_id").to_pylist() == [2, 3]


def test_a_table_without_personal_data_is_not_looked_at(manifest):
    table = _table(manifest, "webshop", "order_items")
    batches = [object()]
    assert list(_list(webshop__users=["1"]).sifted(table, batches, Counter())) == batches


def test_machines_that_share_a_warehouse_need_the_same_pepper(tmp_path):
    with pytest.raises(UserError, match="RETAIL_PEPPER is empty"):
        forgotten.begin(Settings(home=tmp_path, warehouse="snowflake"), lambda _: [])
