"""Messages on the socket between a sandbox and its grader: a kind of one byte, a length of four, the content."""

import socket
import struct
import time

from grader.wire import LARGEST_MESSAGE

HELLO, CELL, KEEP, DONE, REQUEST, REPLY, CALLBACK, ANSWER = (bytes([c]) for c in b"HCKDRPBA")
HEAD = struct.Struct(">cI")
SECONDS = struct.Struct(">d")  # before a request: how long the answer may take


class Closed(Exception):
    """The other end is gone, or sends what is no message."""


def send(channel: socket.socket, kind: bytes, content: bytes = b"", deadline: float | None = None) -> None:
    """Sends one message. Raises Closed, or TimeoutError when `deadline`, a `time.monotonic()`, is past."""
    _limit(channel, deadline)
    try:
        channel.sendall(HEAD.pack(kind, len(content)) + content)
    except TimeoutError:
        raise
    except OSError as error:
        raise Closed(str(error)) from None


def receive(channel: socket.socket, deadline: float | None = None) -> tuple[bytes, bytes]:
    """The next message's kind and content. Raises Closed, or TimeoutError when `deadline` is past."""
    kind, length = HEAD.unpack(_exactly(channel, HEAD.size, deadline))
    if length > LARGEST_MESSAGE:
        raise Closed(f"a message of {length:,} bytes")
    return kind, _exactly(channel, length, deadline)


def _exactly(channel: socket.socket, count: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        _limit(channel, deadline)
        try:
            part = channel.recv(min(count - len(parts), 1 << 20))
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed(str(error)) from None
        if not part:
            raise Closed("the connection ended")
        parts += part
    return bytes(parts)


def _limit(channel: socket.socket, deadline: float | None) -> None:
    if deadline is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        channel.settimeout(left)
