"""An HTTP/1.1 server on 127.0.0.1 that records what it is asked; what it answers is decided by a subclass."""

import contextlib
import json
import math
import multiprocessing.connection
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from requests.structures import CaseInsensitiveDict

from grader.providers.clock import FakeClock

LARGEST_BODY = 4 * 2**20  # bytes of one request
LARGEST_RECORD = 64 * 2**20  # bytes of all recorded requests: whoever floods the server does not fill our memory

# Real seconds that a fake clock stands still for a client to look at it before the next piece of a drip:
PATIENCE = 0.5  # with a client that looked after the piece before, or that was sent only one
HASTE = 0.005  # with a client that did not
SETTLE = 0.002  # after its look, for a client that gives up to close its connection


@dataclass(frozen=True)
class Request:
    """What a client sent. `path`: with the query; `at`: the clock's `monotonic` (0 without a fake clock)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        """The body, parsed; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Reply:
    """What a client is to get.

    `body`: a dict or list is sent as JSON. `takes`: seconds before the answer begins. `chunks`: instead of a body,
    pairs of (seconds before it, bytes), each sent as one HTTP chunk (RFC 9112, 7.1), the headers with the first.
    `cut`: the connection is closed after that many bytes of the body. `silent`: no answer, the connection is held
    until the client gives up. `drop`: the connection is closed without a byte.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str | dict | list = b""
    takes: float = 0.0
    chunks: Sequence[tuple[float, bytes]] | None = None
    cut: int | None = None
    silent: bool = False
    drop: bool = False


class LoopbackProvider:
    """A server in a thread, from its construction until `close`, or the end of the `with` block.

    With a fake clock, a reply's seconds move that clock on and nobody waits; without, they pass. What holds then:

    - A client that has received a byte of an answer finds the clock at, or after, the moment this byte was due.
    - Between the pieces of a drip the clock stands still until the client has looked at it, so that a client which
      looks after each piece sees every piece at its own time, and the clock stops when the client closes the
      connection. The server waits only `PATIENCE` for that look: the clock runs ahead of a client that takes
      longer or looks less often. It never falls behind, so a client with a deadline always finds it passed.
    - Answers at the same time add up on the clock, whatever their order.

    `listener`: a socket that listens already, perhaps in another network, on which to serve; it stays open.
    """

    def __init__(self, clock: FakeClock | None = None, listener: socket.socket | None = None) -> None:
        self.clock = clock
        self.requests: list[Request] = []
        self.on_request: Callable[[Request], None] | None = None
        self._recorded = 0  # bytes
        self._lock = threading.Lock()
        self._server = _Server(partial(_Handler, self), listener)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()

    def answer(self, request: Request) -> Reply:
        """The answer to a request; called in the thread of the client's connection."""
        raise NotImplementedError

    def close(self) -> None:
        """Stops listening and closes every connection."""
        self._server.stop(self._thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reply(self, request: Request) -> Reply:
        with self._lock:
            self._recorded += len(request.body) + sum(map(len, request.headers.values()))
            if self._recorded > LARGEST_RECORD:
                return error(413, "This provider was sent too much.")
            self.requests.append(request)
        try:
            if self.on_request is not None:
                self.on_request(request)
            return self.answer(request)
        except Exception as trouble:  # noqa: BLE001 - what its author did not foresee must not take the server down
            return error(500, f"This provider cannot answer that request: {type(trouble).__name__}: {trouble}")


def error(status: int, message: str = "Something went wrong.", *, code: str | None = None, **how: Any) -> Reply:
    """An error in OpenAI's form; `how` goes to `Reply` (headers, takes...)."""
    kind = "server_error" if status >= 500 else "rate_limit_error" if status == 429 else "invalid_request_error"
    return Reply(status, body={"error": {"message": message, "type": kind, "param": None, "code": code}}, **how)


class _Server(socketserver.ThreadingTCPServer):
    """One daemon thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    timeout = 0  # `handle_request` is called when there is one

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler], listener: socket.socket | None) -> None:
        super().__init__(("127.0.0.1", 0), handler, bind_and_activate=listener is None)
        self.connections: set[socket.socket] = set()
        self.stopping = False
        self._bell, self._ringer = socket.socketpair()
        if listener is not None:
            self.socket.close()
            self.socket = listener.dup()
            self.server_address = listener.getsockname()
            self._turn_away()

    def _turn_away(self) -> None:
        """Closes the connections that waited for whoever served on this socket before."""
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.accept()[0].close()
        self.socket.setblocking(True)

    def serve(self) -> None:
        # serve_forever polls, which makes every end take half a second
        while not self.stopping:
            multiprocessing.connection.wait([self.socket, self._bell])
            if not self.stopping:
                self.handle_request()

    def stop(self, thread: threading.Thread) -> None:
        if self.stopping:
            return
        self.stopping = True
        self._ringer.send(b".")
        thread.join()
        self.server_close()
        self._bell.close()
        self._ringer.close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)  # wakes its thread, which closes it
            except OSError:
                pass  # the client was faster

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if not self.stopping:
            self.connections.add(request)
        return not self.stopping

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # which says that the client went away
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, provider: LoopbackProvider, *arguments: Any) -> None:
        self.provider = provider
        self.clock = provider.clock
        super().__init__(*arguments)

    def handle_exchange(self) -> None:
        body = self._body()
        if body is None:
            return
        at = self.clock.peek()[0] if self.clock else 0.0
        headers = CaseInsensitiveDict(self.headers.items())
        self._send(self.provider._reply(Request(self.command, self.path, headers, body, at)))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_exchange

    def _body(self) -> bytes | None:
        """The request's body; None when it was refused."""
        length = self.headers.get("Content-Length", "0")
        refusal = None
        if "Transfer-Encoding" in self.headers:
            refusal = 411
        elif not (length.isascii() and length.isdigit()):
            refusal = 400
        elif len(length) > 9 or int(length) > LARGEST_BODY:
            refusal = 413
        if refusal:
            self.close_connection = True
            self._send(error(refusal, self.responses[refusal][1]))
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # the client left in the middle
            self.close_connection = True
            return None
        return body

    def _send(self, reply: Reply) -> None:
        if self._wait(reply.takes) or reply.drop:
            self.close_connection = True
        elif reply.silent:
            self._client_leaves_within(None)
            self.close_connection = True
        elif reply.chunks is None:
            self._send_body(reply)
        else:
            self._send_chunks(reply, reply.chunks)

    def _send_body(self, reply: Reply) -> None:
        body, kind = reply.body, "application/octet-stream"
        if isinstance(body, (dict, list)):
            body, kind = json.dumps(body, ensure_ascii=False), "application/json"
        elif isinstance(body, str):
            kind = "text/plain; charset=utf-8"
        if isinstance(body, str):
            body = body.encode()
        self._start(reply, {"Content-Type": kind, "Content-Length": str(len(body))})
        self.wfile.write(body[: reply.cut])
        if reply.cut is not None:
            self.close_connection = True

    def _send_chunks(self, reply: Reply, chunks: Sequence[tuple[float, bytes]]) -> None:
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked"}
        left = math.inf if reply.cut is None else reply.cut
        looks, patience = 0, PATIENCE
        for number, (seconds, piece) in enumerate(chunks):
            if self.clock and number and seconds:
                patience = PATIENCE if self.clock.wait_for_look(looks, patience) else HASTE
                self.close_connection = self._client_leaves_within(SETTLE)
            if self.close_connection or self._wait(seconds):
                self.close_connection = True
                return
            if not number:
                self._start(reply, headers)
            looks = self.clock.looks if self.clock else 0
            piece = piece[: min(left, len(piece))]
            left -= len(piece)
            if piece:  # an empty chunk would end the body
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if left == 0:
                self.close_connection = True
                return
        if not chunks:
            self._start(reply, headers)
        self.wfile.write(b"0\r\n\r\n")

    def _start(self, reply: Reply, defaults: Mapping[str, str]) -> None:
        """Sends the status line and the headers."""
        headers = CaseInsensitiveDict(defaults)
        headers.update(reply.headers)
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _wait(self, seconds: float) -> bool:
        """Lets `seconds` pass; true when the client left meanwhile."""
        if self.clock:
            self.clock.advance(seconds)
            return False
        return seconds > 0 and self._client_leaves_within(seconds)

    def _client_leaves_within(self, seconds: float | None) -> bool:
        """Waits until the client closes its end, or this server does, or the time is over."""
        self.connection.settimeout(seconds)
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(None)

    def date_time_string(self, timestamp: float | None = None) -> str:
        if self.clock and timestamp is None:
            timestamp = self.clock.peek()[1]
        return formatdate(timestamp, usegmt=True)

    def version_string(self) -> str:
        return "provider"

    def log_message(self, *_: Any) -> None:
        pass
