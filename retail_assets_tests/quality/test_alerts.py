"""A failed check becomes a message that arrives, once."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from retail_assets.automation.sensors import alert_sensor
from retail_assets.quality.alerts import counted
from retail_assets.resources.notifiers import Alert, NotificationError, notify
from retail_assets.settings import Settings


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


def test_a_failed_check_arrives_once_even_if_the_webhook_was_down(webhook, tmp_path):
    url, received, handler = webhook
    settings = Settings(home=tmp_path, alert_webhook_url=url)
    sensor = alert_sensor(settings)
    with dg.instance_for_test() as instance:

        def evaluate(cursor):
            context = dg.build_sensor_context(instance=instance, cursor=cursor)
            sensor(context)
            return context.cursor

        cursor = evaluate(None)
        dg.materialize([figures], instance=instance)

        handler.status = 503
        cursor = evaluate(cursor)
        assert received == []
        handler.status = 200
        cursor = evaluate(cursor)
        assert len(received) == 1
        assert "figures is_right" in received[0]
        assert "3 rows fail" in received[0]
        evaluate(cursor)
        assert len(received) == 1
    (line,) = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["kind"].startswith("check failed")


def test_the_address_is_in_no_message(webhook, tmp_path):
    url, _, handler = webhook
    handler.status = 500
    with pytest.raises(NotificationError) as error:
        notify(Settings(home=tmp_path, alert_webhook_url=url), [Alert("late", "x", "y", 0.0, "x")])
    assert "secret" not in str(error.value)


def test_repeats_are_counted():
    (alert,) = counted([Alert("late", "x", "old", 1.0, "x"), Alert("late", "x", "new", 2.0, "x")])
    assert (alert.count, alert.text) == (2, "new")
