"""Other web pages cannot start runs: not through the webserver, nor through `dev`, which starts it."""

import inspect
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from retail_assets.deployment.dev import with_our_webserver
from retail_assets.errors import UserError
from retail_assets.internals import dev
from retail_assets.resources.ports import HOST, listening
from retail_assets_tests.faults import Area, fault

QUERY = "{__typename}"
PROXY = "dagster.shop.example"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with closing(socket.create_server((HOST, 0))) as free:
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("dagster")
    command = [sys.executable, "-m", "retail_assets.deployment.webserver", "--empty-workspace"]
    environment = {**os.environ, "DAGSTER_HOME": str(home), "RETAIL_UI_HOSTS": PROXY}
    with subprocess.Popen([*command, "-h", HOST, "-p", str(port)], env=environment) as server:
        try:
            _wait(port, server)
            yield port
        finally:
            server.terminate()


def _wait(port, server):
    for _ in range(600):
        assert server.poll() is None
        try:
            socket.create_connection((HOST, port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The webserver does not answer.")


def status(port, path="/graphql", data=None, **headers):
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", data)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_its_own_pages_ask_by_post(port):
    body = json.dumps({"query": QUERY}).encode()
    said = {"Content_Type": "application/json"}
    assert status(port, data=body, **said) == 200
    assert status(port, data=body, Origin=f"http://{HOST}:{port}", **said) == 200
    assert status(port, data=body, Origin=f"http://localhost:{port}", Host=f"localhost:{port}", **said) == 200
    assert status(port, "/graphql", Accept="text/html") == 200
    assert status(port, "/server_info") == 200


@pytest.mark.parametrize("origin", ["https://shop.example", f"http://{HOST}:1", "null", "http://localhost"])
def test_other_pages_are_refused(port, origin):
    body = json.dumps({"query": QUERY}).encode()
    assert status(port, data=body, Origin=origin, Content_Type="application/json") == 403
    # A form may send this without being asked for permission first.
    assert status(port, f"/graphql?query={QUERY}", data=b"x", Origin=origin, Content_Type="text/plain") == 403
    assert status(port, "/report_asset_materialization/a", data=b"{}", Origin=origin) == 403


def test_a_reverse_proxy_shows_it_under_the_name_of_the_settings(port):
    body = json.dumps({"query": QUERY}).encode()
    said = {"Content_Type": "application/json", "Host": PROXY}
    assert status(port, data=body, Origin=f"https://{PROXY}", **said) == 200
    assert status(port, data=body, Origin="https://shop.example", **said) == 403


def test_other_names_of_the_host_are_refused(port):
    body = json.dumps({"query": QUERY}).encode()
    for host in ("shop.example", f"shop.example:{port}", f"{HOST}.shop.example"):
        assert status(port, data=body, Host=host, Content_Type="application/json") == 400


@pytest.mark.parametrize(
    "path", ["/graphql?query={}", "/graphql/?query={}", "/graphql?operationName=a&query={}"]
)
def test_nothing_is_asked_by_get(port, path):
    assert status(port, path.format(QUERY)) in (404, 405)


def test_a_websocket_of_another_page_is_refused(port):
    with closing(socket.create_connection((HOST, port), timeout=30)) as connection:
        connection.sendall(
            f"GET /graphql HTTP/1.1\r\nHost: {HOST}:{port}\r\nOrigin: https://shop.example\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: graphql-ws\r\n\r\n".encode()
        )
        assert connection.recv(64).startswith(b"HTTP/1.1 403")


def test_dev_starts_this_webserver():
    assert with_our_webserver(["python", "-m", "dagster_webserver", "--port", "1"]) == [
        "python",
        "-m",
        "retail_assets.deployment.webserver",
        "--port",
        "1",
    ]
    assert with_our_webserver(["python", "-m", "dagster._daemon", "run"]) == [
        "python",
        "-m",
        "dagster._daemon",
        "run",
    ]
    # What is replaced is there.
    source = inspect.getsource(dev)
    assert 'open_ipc_subprocess(\n                [sys.executable, "-m", "dagster_webserver"]' in source


@fault(Area.MACHINE, "The UI's port is in use", "A sentence, and the command ends.")
def test_a_port_in_use_is_told():
    with closing(socket.create_server((HOST, 0))) as taken, pytest.raises(UserError, match="cannot be used"):
        listening(taken.getsockname()[1])
