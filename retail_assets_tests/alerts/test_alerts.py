"""What is wrong becomes one message that arrives, and one more when it is right again."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from retail_assets.alerts.delivery import DeliveryError, send
from retail_assets.alerts.inbox import STORM, Inbox
from retail_assets.alerts.incidents import Incident
from retail_assets.alerts.routes import Route, RoutesError, contacts, destinations, routes
from retail_assets.alerts.tick import watched
from retail_assets.alerts.watch import Look, Watch
from retail_assets.automation.jobs import NEWEST_PARTITION_JOB
from retail_assets.catalog.exposures import DASHBOARDS, EXTRACTS, Exposure
from retail_assets.errors import UserError
from retail_assets.internals import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from retail_assets.quality.dbt_tests import FAILING_ROWS
from retail_assets.quality.newest_partition import CHECK_NAME
from retail_assets.settings import Settings, SettingsError, load_settings
from retail_assets_tests.alerts.receiver import Receiver, receiving
from retail_assets_tests.faults import Area, fault


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


class FiguresConfig(dg.Config):
    passed: bool = False
    fails: bool = False


@dg.asset(
    key=["warehouse", "figures"],
    check_specs=[
        dg.AssetCheckSpec("is_right", asset=["warehouse", "figures"], description="No figure is negative.")
    ],
    owners=["team:analysts"],
)
def figures(config: FiguresConfig) -> Any:
    if config.fails:
        raise ValueError("the table is gone")
    yield dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(
                check_name="is_right",
                passed=config.passed,
                metadata={FAILING_ROWS: "order_id=7, total=-1.50"},
            )
        ]
    )


@dg.asset(key=["mart_sales", "totals"], deps=[["warehouse", "figures"]])
def totals() -> None:
    return


def _shown(kind: str, label: str) -> dg.AssetSpec:
    exposure = Exposure(kind, "sales", label, "", "team:analysts", "daily", ["mart_sales.totals"], {})
    return exposure.spec(Settings(), {totals.key: None}, set())


SHOWN = [_shown(EXTRACTS, "Extract of sales"), _shown(DASHBOARDS, "Sales by day")]


@dataclass
class Deployment:
    """A small deployment, its runs, and looks at it as the sensor takes them."""

    settings: Settings
    instance: dg.DagsterInstance
    now: float = 1_700_000_000.0

    @property
    def definitions(self) -> dg.Definitions:
        return dg.Definitions(assets=[figures, totals, *SHOWN], jobs=[dg.define_asset_job("daily", "*")])

    def run(self, *, passed: bool = False, fails: bool = False, days: tuple[str, str] | None = None) -> None:
        config = {"ops": {"warehouse__figures": {"config": {"passed": passed, "fails": fails}}}}
        tags = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)
        self.definitions.resolve_job_def("daily").execute_in_process(
            instance=self.instance,
            run_config=config,
            raise_on_error=False,
            tags=dict(zip(tags, days, strict=True)) if days else {},
        )

    def look(self) -> str:
        self.now += 60
        return watched(self.settings, self.instance, self.definitions.resolve_asset_graph(), self.now)


@pytest.fixture
def deployment(receiver: Receiver, tmp_path: Path) -> Iterator[Deployment]:
    with dg.instance_for_test() as instance:
        deployment = Deployment(Settings(home=tmp_path, alert_urls=SecretStr(receiver.url)), instance)
        # The first look sees what comes after it.
        deployment.now = 0.0
        deployment.look()
        yield deployment


def test_a_failed_check_is_one_message_with_all_that_is_needed(
    receiver: Receiver, deployment: Deployment
) -> None:
    deployment.run()
    deployment.look()
    (message,) = receiver.received
    assert message["title"] == "Error: warehouse/figures, check: No figure is negative."
    for needed in (
        "Tables made of it: mart_sales.totals",
        "Pages that show it: Sales by day, extract sales",
        "order_id=7, total=-1.50",
        "What to do: ",
        "http://127.0.0.1:3000/assets/warehouse/figures?view=checks",
        "Owner: team:analysts. Alert 1.",
    ):
        assert needed in message["message"]
    # The same again is counted, and right again is told once.
    deployment.run()
    deployment.look()
    assert len(receiver.received) == 1
    deployment.run(passed=True)
    deployment.look()
    deployment.look()
    assert receiver.titles[1:] == ["Recovered: warehouse/figures, check: No figure is negative."]
    assert "seen 2 times" in receiver.received[1]["message"]


def test_a_day_that_is_wrong_is_not_right_because_another_one_is(
    receiver: Receiver, deployment: Deployment
) -> None:
    """Neither in a later look nor in the same one; a run that has the day in it says that it is right."""
    first, second, third = "2024-05-01", "2024-05-02", "2024-05-03"
    deployment.run(days=(first, first))
    deployment.run(passed=True, days=(second, second))
    deployment.look()
    assert receiver.titles == ["Error: warehouse/figures, check: No figure is negative."]
    deployment.run(days=(third, third))
    deployment.run(passed=True, days=(first, second))
    deployment.look()
    (known,) = Inbox(deployment.settings.home).open(deployment.now)
    assert (known.incident.partitions, known.count) == ((third,), 2)
    deployment.run(passed=True, days=(first, third))
    deployment.look()
    assert receiver.titles[1:] == ["Recovered: warehouse/figures, check: No figure is negative."]
    assert Inbox(deployment.settings.home).open(deployment.now) == []


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.booleans(), st.integers(1, 4), st.integers(0, 2)), max_size=3), max_size=6)
)
def test_an_alert_is_over_when_each_of_its_days_is_right(
    tmp_path_factory: pytest.TempPathFactory, looks: list[list[tuple[bool, int, int]]]
) -> None:
    """Runs of days and ranges that pass or do not. Of several at once it may be over later, never before."""
    inbox = Inbox(tmp_path_factory.mktemp("home"))
    wrong: set[tuple[int, int]] = set()
    for number, runs in enumerate(looks):
        look = Look()
        for passed, first, length in runs:
            last = first + length
            partition = f"2024-05-0{first}" + (f" to 2024-05-0{last}" if length else "")
            if passed:
                look.right("a", partition)
                wrong = {days for days in wrong if not (first <= days[0] and days[1] <= last)}
            else:
                look.wrong(_incident("a", partition=partition, partitions=(partition,)))
                wrong.add((first, last))
        inbox.record([*look.found.values()], look.over, [Route(to="default")], float(number), {})
        known = inbox.open(0.0)
        days = {
            tuple(int(day[-1]) for day in (each.split(" to ") * 2)[:2])
            for alert in known
            for each in alert.incident.partitions
        }
        assert days == wrong if max(map(len, looks)) == 1 else days >= wrong
    inbox.record([], {"a": ["2024-05-01 to 2024-05-06"]}, [Route(to="default")], 9.0, {})
    assert inbox.open(9.0) == []


def test_what_happened_in_another_partition_is_news_and_never_recovers(
    receiver: Receiver, tmp_path: Path
) -> None:
    """Such as a figure of a past day that has become another: nothing of it is mended by the next run."""
    inbox, ways = Inbox(tmp_path), [Route(to="default")]

    def happened(day: str) -> None:
        inbox.record([_incident("a", partition=day, partitions=(day,), is_event=True)], {}, ways, 1.0, {})

    happened("2024-05-01")
    happened("2024-05-01")
    happened("2024-05-02")
    inbox.deliver({"default": [receiver.url]}, send, 2.0)
    assert receiver.titles == ["Error: a", "Error: a"]
    assert [(each.number, each.count) for each in inbox.open(2.0, also_over=True)] == [(2, 1), (1, 2)]
    inbox.record([], {"a": ["2024-05-03"]}, ways, 3.0, {})
    assert inbox.open(3.0) == []
    assert inbox.deliver({"default": [receiver.url]}, send, 3.0) == []
    assert len(receiver.received) == 2


def test_what_is_closed_is_news_when_it_is_seen_again(receiver: Receiver, tmp_path: Path) -> None:
    inbox, ways = Inbox(tmp_path), [Route(to="default")]
    inbox.record([_incident("a")], {}, ways, 1.0, {})
    inbox.close(1, 2.0)
    inbox.close(1, 3.0)
    assert inbox.known(1, 4.0).closed_at == 2.0
    inbox.record([_incident("a")], {}, ways, 5.0, {})
    inbox.deliver({"default": [receiver.url]}, send, 6.0)
    assert receiver.titles == ["Error: a", "Error: a"]
    assert [each.number for each in inbox.open(7.0)] == [2]


def test_an_inbox_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """Its alerts say nothing of partitions, and are over with the next run that passes."""
    inbox, ways = Inbox(tmp_path), [Route(to="default")]
    inbox.record([_incident("a")], {}, ways, 1.0, {})
    with closing(sqlite3.connect(tmp_path / "alerts.sqlite")) as database, database:
        (content,) = database.execute("select incident from incidents").fetchone()
        former = {
            name: each for name, each in json.loads(content).items() if name not in ("partitions", "is_event")
        }
        database.execute("update incidents set incident = ?", (json.dumps(former),))
    assert inbox.record([], {"a": ["2024-05-01"]}, ways, 2.0, {}) == (0, 1)


def test_a_failed_run_says_why_and_the_next_good_one_ends_it(
    receiver: Receiver, deployment: Deployment
) -> None:
    deployment.run(fails=True)
    deployment.look()
    assert receiver.titles == ["Error: run of the job daily"]
    assert "warehouse__figures: the table is gone" in receiver.received[0]["message"]
    deployment.run(passed=True)
    deployment.look()
    assert receiver.titles[1:] == ["Recovered: run of the job daily"]


@fault(Area.ALERTS, "The receiver answers 503", "The message waits, and is sent once when it answers.")
def test_what_nobody_takes_is_sent_later_once(receiver: Receiver, deployment: Deployment) -> None:
    receiver.status = 503
    deployment.run()
    for _ in range(2):
        said = deployment.look()
        assert "Not sent: default: json:// did not take the message" in said
        assert "secret" not in said
    assert [title for _, title, _ in Inbox(deployment.settings.home).waiting()]
    receiver.status = 200
    for _ in range(2):
        deployment.look()
        assert len(receiver.received) == 1
    assert Inbox(deployment.settings.home).waiting() == []


def test_an_asset_is_late_once_until_it_is_not(
    receiver: Receiver, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [dg.AssetKey(["warehouse", "figures"])]
    monkeypatch.setattr(Watch, "_late", lambda _: iter(late))
    deployment.look()
    deployment.look()
    assert receiver.titles == ["Error: warehouse/figures is late"]
    late.clear()
    deployment.look()
    assert receiver.titles[1:] == ["Recovered: warehouse/figures is late"]


@fault(Area.ALERTS, "Very many things go wrong at once", "One digest.")
def test_a_storm_is_one_message(receiver: Receiver, tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    storm = [_incident(f"late {number}") for number in range(STORM + 3)]
    inbox.record(storm, {}, [Route(to="default")], 1.0, {})
    assert inbox.deliver({"default": [receiver.url]}, send, 1.0) == []
    assert receiver.titles == [f"{STORM + 3} new at once"]
    assert "error: late 0: It is wrong. (team:data-platform, alert 1)" in receiver.received[0]["message"]
    assert len(inbox.open(1.0)) == STORM + 3
    inbox.record([], {each.fingerprint: [""] for each in storm}, [Route(to="default")], 2.0, {})
    assert inbox.deliver({"default": [receiver.url]}, send, 2.0) == []
    assert receiver.titles[1:] == [f"{STORM + 3} recovered at once"]
    assert "recovered: late 0 (alert 1)\n" in receiver.received[1]["message"]
    assert "It is wrong." not in receiver.received[1]["message"]


def test_owners_and_severities_find_their_way(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, alert_urls=SecretStr("oncall=json://a/x analysts=json://b/y"))
    (tmp_path / "alerts.yml").write_text(
        "routes:\n- {to: oncall, severity: error}\n- {to: analysts, owners: ['team:analysts']}\n"
    )
    inbox, sent = Inbox(tmp_path), []
    found = [
        _incident("a", severity="warning", owner="team:analysts"),
        _incident("b", severity="error", owner="team:other"),
        _incident("c", severity="warning", owner="team:other"),
    ]
    inbox.record(found, {}, routes(settings), 1.0, {})
    inbox.deliver(destinations(settings), lambda urls, title, *_: sent.append((urls, title)), 1.0)
    assert sent == [(["json://a/x"], "Error: b"), (["json://b/y"], "Warning: a")]


def test_what_is_wrong_in_rows_of_a_source_names_it_and_finds_who_answers_for_it(tmp_path: Path) -> None:
    """Of a raw and a staged table; a table that is made of two sources comes from neither alone."""
    settings = Settings(home=tmp_path, alert_urls=SecretStr("shop=json://a/x books=json://b/y"))
    (tmp_path / "alerts.yml").write_text(
        "routes:\n- {to: shop, sources: [webshop]}\n- {to: books, sources: [erp]}\n"
        "sources:\n  webshop: Anna, anna@example.com\n"
    )

    def checked(key: list[str], *parents: list[str]) -> dg.AssetsDefinition:
        @dg.asset(
            key=key, deps=list(parents), check_specs=[dg.AssetCheckSpec("holds", asset=dg.AssetKey(key))]
        )
        def table() -> Iterator[Any]:
            yield dg.AssetCheckResult(passed=False)
            yield dg.Output(None)

        return table

    definitions = dg.Definitions(
        assets=[
            checked(["raw_webshop", "orders"]),
            checked(["staging", "stg_orders_versions"], ["raw_webshop", "orders"]),
            checked(["staging", "stg_orders"], ["staging", "stg_orders_versions"]),
            checked(["raw_erp", "orders"]),
            checked(["staging", "quarantine"], ["staging", "stg_orders_versions"], ["raw_erp", "orders"]),
            checked(["warehouse", "facts"], ["staging", "stg_orders"]),
        ]
    )
    with dg.instance_for_test() as instance:
        watch = Watch(instance, definitions.resolve_asset_graph(), "http://ui", contacts(settings))
        _, state = watch.look({}, 0.0)
        definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
        look, _ = watch.look(state, 1.0)
    shop = ("webshop (Anna, anna@example.com)",)
    assert {each.title.split(",")[0]: each.sources for each in look.found.values()} == {
        "raw_webshop/orders": shop,
        "staging/stg_orders_versions": shop,
        "staging/stg_orders": shop,
        "raw_erp/orders": ("erp",),
        "staging/quarantine": (),
        "warehouse/facts": (),
    }
    inbox, sent = Inbox(tmp_path), []
    inbox.record(list(look.found.values()), {}, routes(settings), 1.0, {})
    inbox.deliver(destinations(settings), lambda urls, title, body, _: sent.append((*urls, title, body)), 1.0)
    assert [url for url, *_ in sent] == ["json://b/y", *["json://a/x"] * 3] or [url for url, *_ in sent] == [
        *["json://a/x"] * 3,
        "json://b/y",
    ]
    assert all(
        "Comes from: webshop (Anna, anna@example.com)" in body for url, _, body in sent if "a/x" in url
    )
    assert all("Comes from: erp\n" in body for url, _, body in sent if "b/y" in url)


def test_a_file_that_names_contacts_alone_sends_to_everybody(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, alert_urls=SecretStr("json://a/x"))
    (tmp_path / "alerts.yml").write_text("sources:\n  erp: Finance IT\n")
    assert routes(settings) == [Route(to="default")]


@fault(Area.ALERTS, "The file of routes is wrong", "That is told, and alerts go to everybody.")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("routes:\n- {to: nobody}\n", "sends to 'nobody', of which RETAIL_ALERT_URLS has no address"),
        ("routes:\n- {to: default, level: high}\n", "level"),
        ("routes: [\n", "no list of routes"),
        ("to: default\n", "to: Extra inputs"),
        ("just words\n", "it has `routes:`"),
        ("sources: {till: Anna}\n", "sources.till"),
    ],
)
def test_a_wrong_route_is_told_and_what_is_wrong_is_sent_to_everybody(
    content: str, said: str, receiver: Receiver, deployment: Deployment
) -> None:
    (deployment.settings.home / "alerts.yml").write_text(content)
    with pytest.raises(RoutesError, match=said.replace("[", "\\[")):
        routes(deployment.settings)
    deployment.run()
    assert said in deployment.look()
    assert len(receiver.received) == 1


def test_muted_and_acknowledged(receiver: Receiver, tmp_path: Path) -> None:
    inbox, ways = Inbox(tmp_path), [Route(to="default")]
    inbox.record([_incident("a")], {}, ways, 1.0, {})
    inbox.acknowledge(1, 2.0)
    assert inbox.known(1, 3.0).state == "acknowledged"
    inbox.mute(1, until=100.0, now=3.0)
    assert inbox.known(1, 4.0).state == "muted"
    inbox.record([], {"a": [""]}, ways, 5.0, {})
    inbox.record([_incident("a")], {}, ways, 6.0, {})
    inbox.deliver({"default": [receiver.url]}, send, 7.0)
    assert receiver.titles == ["Error: a"]
    inbox.record([], {"a": [""]}, ways, 101.0, {})
    inbox.deliver({"default": [receiver.url]}, send, 101.0)
    assert receiver.titles == ["Error: a", "Recovered: a"]
    with pytest.raises(UserError, match="no alert 9"):
        inbox.acknowledge(9, 1.0)


class _KilledError(BaseException):
    """The process ends here."""


EXAMPLES = 40


@fault(
    Area.ALERTS,
    "The daemon is killed just before messages leave or just after, at random ones",
    "No message is lost; only the one that was being sent may come again.",
    times=EXAMPLES,
)
@hypothesis_settings(max_examples=EXAMPLES, deadline=None)
@given(
    looks=st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.booleans()), min_size=1, max_size=8),
    kills=st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=4),
)
def test_a_process_that_is_killed_loses_no_message(
    looks: list[tuple[set[str], bool]],
    kills: list[tuple[int, bool]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Killed at any message, it sends all of them, in their order, and only that one again."""
    undisturbed = _sent(Inbox(tmp_path_factory.mktemp("home")), looks, [])
    disturbed = _sent(Inbox(tmp_path_factory.mktemp("home")), looks, kills)
    once = [title for number, title in enumerate(disturbed) if number == 0 or disturbed[number - 1] != title]
    assert once == undisturbed
    assert len(disturbed) <= len(undisturbed) + len(kills)


def _sent(inbox: Inbox, looks: list[tuple[set[str], bool]], kills: list[tuple[int, bool]]) -> list[str]:
    """What arrives when a process is killed before or after these messages leave, and starts again."""
    sent: list[str] = []
    left = list(kills)

    def sends(_urls: Any, title: str, body: str, _kind: str) -> None:
        killed_before, killed_after = ((len(sent), has_left) for has_left in (False, True))
        if killed_before in left:
            left.remove(killed_before)
            raise _KilledError
        sent.append(f"{title} {body}")
        if killed_after in left:
            left.remove(killed_after)
            raise _KilledError

    known: set[str] = set()
    for number, (wrong, is_down) in enumerate(looks):
        found = [_incident(name, seen_at=float(number)) for name in sorted(wrong - known)]
        over = {name: [""] for name in known - wrong}
        inbox.record(found, over, [Route(to="default")], float(number), {"look": number})
        known = wrong
        while not is_down or number == len(looks) - 1:
            try:
                inbox.deliver({"default": ["json://x"]}, sends, float(number))
                break
            except _KilledError:
                continue
    return sent


def _incident(name: str, **values: Any) -> Incident:
    return Incident(
        **{
            "fingerprint": name,
            "severity": "error",
            "title": name,
            "text": "It is wrong.",
            "owner": "team:data-platform",
            "seen_at": 1.0,
            **values,
        }
    )


@pytest.mark.parametrize("url", ["json://127.0.0.1:1/secret", "nothing://secret", "slack://secret"])
def test_the_address_is_in_no_message(url: str) -> None:
    with pytest.raises(DeliveryError) as error:
        send([url], "title", "body", "error")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("urls", ["host/secret", "https//host/secret", "oncall= json://x/secret"])
def test_settings_take_no_address_that_is_none(
    urls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_ALERT_URLS", urls)
    with pytest.raises(SettingsError, match=r"RETAIL_ALERT_URLS: .*mailtos://") as error:
        load_settings()
    assert "secret" not in str(error.value)


def test_the_former_setting_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_ALERT_WEBHOOK_URL", "https://host/secret")
    with pytest.raises(SettingsError, match="Is RETAIL_ALERT_URLS meant"):
        load_settings()


@dg.asset(check_specs=[dg.AssetCheckSpec(CHECK_NAME, asset="old_figures")])
def old_figures() -> Any:
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name=CHECK_NAME, passed=False)])


@pytest.mark.parametrize(("job", "told"), [("daily", 0), (NEWEST_PARTITION_JOB, 1)])
def test_only_the_mornings_look_tells_of_a_missing_partition(job: str, told: int) -> None:
    """A backfill of old days would tell of it once for every asset."""
    with dg.instance_for_test() as instance:
        definitions = dg.Definitions(assets=[old_figures], jobs=[dg.define_asset_job(job, "*")])
        assert definitions.resolve_job_def(job).execute_in_process(instance=instance).success
        watch = Watch(instance, definitions.resolve_asset_graph(), "http://ui")
        look, _ = watch.look({"runs_until": 0.0}, 1.0)
        assert len(look.found) == told
