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
from filelock import FileLock

from grader.cache import cache_folder
from grader.files import write_atomically
from grader.providers.server import LoopbackProvider, Reply, Request, error

SHIPPED = "answers.json"  # in a lesson's folder: what the model answers in its checks
TIMEOUTS = (10, 600)  # seconds to connect, and to answer
PATIENCE = 30  # seconds for another process to finish writing to the store
PATHS = frozenset(f"/v1/{name}" for name in ("chat/completions", "completions", "embeddings", "models"))
PASSED_ON = ("Authorization", "Content-Type")


class RecordedProvider(LoopbackProvider):
    """Forwards requests to another provider and remembers the answers.

    Remembered are successful answers to requests that ask for the same each time: no stream, and temperature 0, or
    a seed, or nothing to sample (embeddings). `upstream` gives the address of the other provider; it is called when
    an answer is not known, and not before. `store` is a SQLite file that several processes may use at once; `shipped`,
    if there is one, a file of answers that `write_answers` wrote, which are looked up first.
    """

    def __init__(
        self, upstream: Callable[[], str], store: Path, shipped: Path | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self._upstream = upstream
        self._store = store
        self._shipped = json.loads(shipped.read_text()) if shipped and shipped.is_file() else {}
        self._asking = store.with_suffix(".asking")
        self._asking.mkdir(parents=True, exist_ok=True)
        with closing(self._open()) as database, database:
            database.execute("PRAGMA journal_mode = WAL")  # readers and a writer at the same time
            database.execute("CREATE TABLE IF NOT EXISTS answers (request TEXT PRIMARY KEY, kind TEXT, body BLOB)")
        super().__init__(listener=listener)

    def answer(self, request: Request) -> Reply:
        if request.path not in PATHS:
            return error(404, f"This provider answers {', '.join(sorted(PATHS))}.")
        key = _key(request)
        if key is None:
            return self._forward(request)
        if key in self._shipped:
            return Reply(body=self._shipped[key])
        if known := self._find(key):
            return known
        with FileLock(self._asking / key[:2]):  # whoever asks the same at the same time waits for the answer
            if known := self._find(key):
                return known
            reply = self._forward(request)
            if reply.status == 200:
                with closing(self._open()) as database, database:
                    row = (key, reply.headers["Content-Type"], reply.body)
                    database.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", row)
            return reply

    def _find(self, key: str) -> Reply | None:
        with closing(self._open()) as database:
            found = database.execute("SELECT kind, body FROM answers WHERE request = ?", (key,)).fetchone()
        return found and Reply(headers={"Content-Type": found[0]}, body=found[1])

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


def store() -> Path:
    """Where the embedded model's answers are remembered on this machine."""
    return cache_folder() / "answers.db"


def write_answers(path: Path) -> None:
    """Writes all that is remembered to `path`: JSON, an answer a line, found by the SHA-256 of its request."""
    with closing(sqlite3.connect(store(), timeout=PATIENCE)) as database:
        rows = database.execute("SELECT request, body FROM answers ORDER BY request").fetchall()
    lines = [f"{json.dumps(request)}: {json.dumps(json.loads(body))}" for request, body in rows]
    write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")


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
