"""Law 8. Concurrent runs queue, readers read a copy, and nobody ever sees a lock error."""

import subprocess
import sys
from threading import Thread

from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings
from retail_assets_tests.conftest import NEW_DAYS, write_evening
from retail_assets_tests.faults import Area, fault


@fault(Area.PUBLISHING, "A second process wants to write", "It waits and says so.")
def test_a_second_writer_waits_and_says_so(tmp_path):
    settings = Settings(home=tmp_path)
    said: list[str] = []
    order: list[str] = []

    def write_second():
        with warehouse_of(settings).writing(say=said.append):
            order.append("second")

    second = Thread(target=write_second)
    with warehouse_of(settings).writing(say=said.append):
        second.start()
        while not said and second.is_alive():
            second.join(timeout=0.05)
        order.append("first")
    second.join(timeout=60)
    assert order == ["first", "second"]
    assert len(said) == 1


@fault(Area.PUBLISHING, "A reader asks while a run writes", "It sees what was published, and no lock.")
def test_a_reader_sees_what_was_published_while_a_run_writes(tmp_path):
    """Neither what is not committed, nor what is and was not published, and no lock."""
    warehouse = warehouse_of(Settings(home=tmp_path))
    lines = "select count(*) as lines from orders"
    with warehouse.writing(say=print):
        warehouse.execute("create table orders as select 1 as order_id")
        warehouse.publish()
        with warehouse.session() as write:
            write("insert into orders values (2)")
            write("begin")
            write("delete from orders")
            assert warehouse.query(lines).to_pylist() == [{"lines": 1}]
            write("rollback")
        warehouse.publish()
    assert warehouse.query(lines).to_pylist() == [{"lines": 2}]


RUNS_AT_ONCE = 2


@fault(
    Area.PUBLISHING,
    "Runs and readers at once, in processes of their own",
    "Both runs succeed, every reader has an answer, nobody sees a lock.",
    times=RUNS_AT_ONCE,
)
def test_two_runs_and_readers_at_once(deployment, retailer):
    days = NEW_DAYS[:RUNS_AT_ONCE]
    write_evening(retailer, deployment, days[-1])

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "retail_assets.cli", *arguments],
            env=deployment.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    runs = [start("backfill", "--from", f"{day}", "--to", f"{day}") for day in days]
    reads = 0
    while any(run.poll() is None for run in runs):
        reader = start("sql", "select count(*) as lines from warehouse.fact_sales", "--format", "csv")
        text, _ = reader.communicate(timeout=60)
        assert reader.returncode == 0, text
        assert int(text.split()[-1]) > 0
        reads += 1
    for run in runs:
        text, _ = run.communicate()
        assert run.returncode == 0, text
        assert "lock" not in text.lower(), text
    assert reads >= RUNS_AT_ONCE
