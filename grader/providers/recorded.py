"""A provider that remembers: what was asked before is answered from a store, without the model."""

import hashlib
import json
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import requests

from grader.providers.server import LoopbackProvider, Reply, Request, error

TIMEOUTS = (10, 600)  # seconds to connect, and to answer
PATIENCE = 30  # seconds for another process to finish writing to the store
PASSED_ON = ("Authorization", "Content-Type")


class RecordedProvider(LoopbackProvider):
    """Forwards requests to another provider and remembers the answers.

    Remembered are successful answers to requests that ask for the same each time: no stream, and temperature 0, or
    a seed, or nothing to sample (embeddings). `upstream` gives the address of the other provider; it is called when
    an answer is not in the store, and not before. `store` is a SQLite file that several processes may use at once.
    """

    def __init__(self, upstream: Callable[[], str], store: Path, listener: socket.socket | None = None) -> None:
        self._upstream = upstream
        self._store = store
        with closing(self._open()) as database, database:
            database.execute("PRAGMA journal_mode = WAL")  # readers and a writer at the same time
            database.execute("CREATE TABLE IF NOT EXISTS answers (request TEXT PRIMARY KEY, kind TEXT, body BLOB)")
        super().__init__(listener=listener)

    def answer(self, request: Request) -> Reply:
        key = _key(request)
        if key is None:
            return self._forward(request)
        with closing(self._open()) as database:
            found = database.execute("SELECT kind, body FROM answers WHERE request = ?", (key,)).fetchone()
        if found is not None:
            return Reply(headers={"Content-Type": found[0]}, body=found[1])
        reply = self._forward(request)
        if reply.status == 200:
            with closing(self._open()) as database, database:
                database.execute(
                    "INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (key, reply.headers["Content-Type"], reply.body)
                )
        return reply

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._store, timeout=PATIENCE)

    def _forward(self, request: Request) -> Reply:
        """The other provider's answer; a stream arrives whole."""
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        address = self._upstream() + request.path.removeprefix("/v1")
        try:
            answer = requests.request(
                request.method, address, data=request.body, headers=headers, timeout=TIMEOUTS, allow_redirects=False
            )
        except requests.RequestException as trouble:
            return error(502, f"The provider behind this one did not answer ({type(trouble).__name__}).")
        kind = answer.headers.get("Content-Type", "application/json")
        return Reply(answer.status_code, {"Content-Type": kind}, answer.content)


def _key(request: Request) -> str | None:
    """What a remembered answer is found by; None when the request may be answered differently each time."""
    body = request.json
    if request.method != "POST" or not isinstance(body, dict) or not _repeats(request.path, body):
        return None
    canonical = json.dumps([request.method, request.path, body], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _repeats(path: str, body: dict[str, Any]) -> bool:
    if body.get("stream"):
        return False
    return path == "/v1/embeddings" or body.get("temperature") == 0 or body.get("seed") is not None
