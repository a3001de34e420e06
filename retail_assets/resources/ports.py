"""Ports of this machine: what the product serves is for whoever sits at it."""

import socket

from retail_assets.errors import UserError

HOST = "127.0.0.1"


def listening(port: int) -> socket.socket:
    """A socket that listens on a port; on a free one for 0. Raises `UserError` if it cannot."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen()
    except OSError as error:
        found.close()
        raise UserError(
            f"Port {port} of {HOST} cannot be used ({error.strerror}). Take another one: --port."
        ) from None
    return found
