"""A web server that takes alerts, as one that somebody names in `RETAIL_ALERT_URLS`."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass
class Receiver:
    """A web server that takes messages; `status` is what it answers."""

    url: str = ""
    received: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    # Called when a message has arrived, before it is answered.
    arrives: Callable[[], None] = lambda: None

    @property
    def titles(self) -> list[str]:
        return [each["title"] for each in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that answers until the context ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if receiver.status == 200:
                receiver.received.append(json.loads(body))
            receiver.arrives()
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"json://127.0.0.1:{server.server_port}/secret"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
