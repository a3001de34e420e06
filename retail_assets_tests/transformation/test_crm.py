"""What the warehouse makes of the CRM, against what the simulation knows."""


def test_balances_are_those_that_the_crm_states(built):
    """Of each consumer, over all its records: the newest balance is the sum of the stated points."""
    stated = """
        select consumer_key, sum(loyalty_points)
        from staging.stg_consumers
        inner join warehouse.wh_consumer_identities
            on source_system = 'crm' and source_id = cast(consumer_id as varchar)
        group by consumer_key
        having sum(loyalty_points) > 0
        order by all
    """
    counted = """
        select consumer_key, balance
        from warehouse.wh_fact_loyalty
        where consumer_key is not null
        qualify row_number() over (
            partition by consumer_key order by activity_at desc, loyalty_activity_id desc
        ) = 1
        order by all
    """
    balances = built.query(counted)
    assert len(balances) > 500
    assert [row for row in balances if row[1] > 0] == built.query(stated)
    assert built.query("select count(*) from warehouse.wh_fact_loyalty where balance < 0") == [(0,)]


def test_memberships_are_the_simulations(built, retailer):
    """Everybody who is in a segment at the end, and nobody else."""
    members = {
        (row["audience_segment_id"], row["consumer_email"].strip().lower())
        for row in retailer.versions["marketing"]["audience_members"].to_pylist()
        if row["_until"] is None and row["removed_at"] is None
    }
    found = built.query("""
        select audience_segment_id, email, added_at
        from warehouse.wh_dim_audience_members as members
        inner join (select distinct email from staging.stg_audience_members) as people
            on members.consumer_key = md5('email:' || people.email)
        where removed_at is null
    """)
    assert len(found) == len(members) > 500
    assert {(segment, email) for segment, email, _ in found} == members
