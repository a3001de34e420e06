"""What the simulation knows and no model may read, found again: the same person, the same product."""

import pyarrow.compute as pc

RECORDS = {"erp": "customer_id", "webshop": "webshop_user_id", "crm": "consumer_id"}


def test_every_shared_person_is_matched_and_none_wrongly_merged(built, retailer):
    """Two records have the same key if, and only if, they are the same person's and both have the address."""
    keys = dict(
        built.query(
            "select source_system || ':' || source_id, consumer_key from warehouse.wh_consumer_identities"
        )
    )
    persons_of: dict[str, set[int]] = {}
    shared = 0
    for person in _people(retailer):
        known = {
            system: key
            for system, column in RECORDS.items()
            if person[column] is not None and (key := keys.get(f"{system}:{person[column]}"))
        }
        with_address = {key for system, key in known.items() if person[f"{system}_email"]}
        assert len(with_address) <= 1, person
        without_address = [key for system, key in known.items() if not person[f"{system}_email"]]
        assert len({*with_address, *without_address}) == len(with_address) + len(without_address), person
        shared += sum(1 for system in known if person[f"{system}_email"]) > 1
        for key in known.values():
            persons_of.setdefault(key, set()).add(person["person"])
    assert shared > 100
    merged = [persons for persons in persons_of.values() if len(persons) > 1]
    assert merged == []


def _people(retailer):
    """People with what each system knows of them. Stores' buyers stand for their stores in the ERP."""
    people = retailer.truth["people"]
    return people.filter(pc.not_equal(people["persona"], "wholesale")).to_pylist()


def test_every_shared_product_is_matched(built, retailer):
    actual = {
        number: (in_erp, in_webshop)
        for number, in_erp, in_webshop in built.query(
            "select product_number, in_erp, in_webshop from warehouse.wh_dim_product"
            # The unknown member has none.
            " where product_number is not null"
        )
    }
    expected = {
        row["product_number"]: (row["product_id"] is not None, row["webshop_product_id"] is not None)
        for row in retailer.truth["products"].to_pylist()
    }
    assert sum(all(systems) for systems in expected.values()) > 10
    # What is only sold later in the simulated time is not there yet.
    assert {number: expected[number] for number in actual} == actual
    assert len(actual) > 0.8 * len(expected)
