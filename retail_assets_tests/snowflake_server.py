"""A Snowflake server that answers no statement until it is asked to end it."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class Server:
    """What it was asked, and where it is."""

    def __init__(self, logs_in: bool):
        self.logs_in = logs_in
        self.statements: list[str] = []
        self.is_busy, self.is_cancelled = Event(), Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                status, answer = server.answer(self.path, json.loads(body) if body else {})
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    @property
    def place(self) -> dict[str, Any]:
        """The settings that name it."""
        return {
            "snowflake_host": "127.0.0.1",
            "snowflake_port": self.http.server_port,
            "snowflake_protocol": "http",
        }

    def answer(self, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path.startswith("/session/v1/login-request"):
            if not self.logs_in:
                return 503, {}
            return 200, {
                "success": True,
                "data": {"token": "t", "masterToken": "m", "sessionId": 7, "parameters": []},
            }
        if path.startswith("/queries/v1/query-request"):
            return 200, self._run(asked["sqlText"])
        return 200, {"success": True, "data": {}}

    def _run(self, statement: str) -> dict[str, Any]:
        self.statements.append(statement)
        if "system$cancel_all_queries" in statement:
            self.is_cancelled.set()
            return _ROW
        self.is_busy.set()
        self.is_cancelled.wait(120)
        said = "SQL execution canceled"
        return {
            "success": False,
            "code": "000604",
            "message": said,
            "data": {"errorCode": "000604", "sqlState": "57014"},
        }


_ROW = {
    "success": True,
    "data": {
        "rowtype": [
            {
                "name": "DONE",
                "type": "text",
                "nullable": True,
                "length": 9,
                "byteLength": 9,
                "precision": None,
                "scale": None,
            }
        ],
        "rowset": [["1"]],
        "total": 1,
        "returned": 1,
        "queryId": "01",
        "queryResultFormat": "json",
        "parameters": [],
        "statementTypeId": 4096,
    },
}


@contextmanager
def hanging_server(*, logs_in: bool = True) -> Iterator[Server]:
    """It on a free port. Without `logs_in`, it is never ready for a login."""
    server = Server(logs_in)
    Thread(target=server.http.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.is_cancelled.set()
        server.http.shutdown()
        server.http.server_close()
