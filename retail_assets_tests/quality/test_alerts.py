"""A failed check becomes a message that arrives, once."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest
from pydantic import SecretStr

from retail_assets.automation import sensors
from retail_assets.automation.jobs import NEWEST_PARTITION_JOB
from retail_assets.automation.sensors import alert_sensor
from retail_assets.quality.alerts import alerts_of_run, counted
from retail_assets.quality.newest_partition import CHECK_NAME
from retail_assets.resources.notifiers import Alert, NotificationError, post
from retail_assets.settings import Settings, SettingsError, load_settings


@pytest.fixture
def webhook():
    """A server that takes messages; `status` is what it answers."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        status = 200

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if Handler.status == 200:
                received.append(json.loads(body)["text"])
            self.send_response(Handler.status)
            self.end_headers()

        def log_message(self, *arguments):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/secret", received, Handler
    server.shutdown()


@dg.asset(check_specs=[dg.AssetCheckSpec("is_right", asset="figures")])
def figures():
    yield dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(check_name="is_right", passed=False, description="3 rows fail")]
    )


@dataclass
class Ticks:
    """Evaluates a sensor on an instance of its own, tick after tick, as the daemon does."""

    sensor: dg.SensorDefinition
    instance: dg.DagsterInstance
    cursor: str | None = None

    def __call__(self):
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        skipped = self.sensor(context)
        self.cursor = context.cursor
        assert isinstance(skipped, dg.SkipReason)
        return skipped.skip_message


@pytest.fixture
def evaluate(webhook, tmp_path):
    with dg.instance_for_test() as instance:
        yield Ticks(alert_sensor(Settings(home=tmp_path, alert_webhook_url=webhook[0])), instance)


def _lines(folder):
    return (folder / "alerts.jsonl").read_text().splitlines()


def test_a_failed_check_arrives_once_even_if_the_webhook_was_down(webhook, evaluate, tmp_path):
    _, received, handler = webhook
    evaluate()
    dg.materialize([figures], instance=evaluate.instance)

    handler.status = 503
    for _ in range(2):
        assert "503. It is tried again" in evaluate()
        # The file has it at once, and only once.
        assert len(_lines(tmp_path)) == 1
    assert received == []
    handler.status = 200
    for _ in range(2):
        evaluate()
        assert len(received) == 1
    assert "figures is_right: 3 rows fail" in received[0]
    (line,) = _lines(tmp_path)
    assert json.loads(line)["kind"].startswith("check failed")


def test_runs_that_fail_while_the_first_message_cannot_be_sent_are_told(
    webhook, evaluate, tmp_path, monkeypatch
):
    _, received, handler = webhook
    late = Alert("late", "x", "y", 0.0, "late x")
    monkeypatch.setattr(sensors, "late_assets", lambda *_: [late])
    handler.status = 503
    evaluate()
    dg.materialize([figures], instance=evaluate.instance)
    handler.status = 200
    evaluate()
    assert len(received[0].splitlines()) == len(_lines(tmp_path)) == 2


@pytest.mark.parametrize(
    "url", ["{}", "host/secret", "https://host/se cret", "http://host:secret/", "http://[secret"]
)
def test_the_address_is_in_no_message(webhook, url):
    working, _, handler = webhook
    handler.status = 500
    # Settings take no address that cannot be one; not every one that they take is one.
    settings = Settings.model_construct(alert_webhook_url=SecretStr(url.format(working)))
    with pytest.raises(NotificationError) as error:
        post(settings, [Alert("late", "x", "y", 0.0, "x")])
    assert "cret" not in str(error.value)


@pytest.mark.parametrize("url", ["host/secret", "https://host/se cret", "ftp://secret"])
def test_settings_take_no_address_that_is_none(url, tmp_path, monkeypatch):
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_ALERT_WEBHOOK_URL", url)
    with pytest.raises(SettingsError, match=r"RETAIL_ALERT_WEBHOOK_URL: .*https?://") as error:
        load_settings()
    assert "cret" not in str(error.value)


def test_repeats_are_counted():
    (alert,) = counted([Alert("late", "x", "old", 1.0, "x"), Alert("late", "x", "new", 2.0, "x")])
    assert (alert.count, alert.text) == (2, "new")


@dg.asset(check_specs=[dg.AssetCheckSpec(CHECK_NAME, asset="old_figures")])
def old_figures():
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name=CHECK_NAME, passed=False)])


@pytest.mark.parametrize(("job", "told"), [("daily", 0), (NEWEST_PARTITION_JOB, 1)])
def test_only_the_mornings_look_tells_of_a_missing_partition(job, told):
    """A backfill of old days would tell of it once for every asset."""
    with dg.instance_for_test() as instance:
        defs = dg.Definitions(assets=[old_figures], jobs=[dg.define_asset_job(job, "*")])
        assert defs.resolve_job_def(job).execute_in_process(instance=instance).success
        (record,) = instance.get_run_records()
        assert len(list(alerts_of_run(instance, record))) == told
