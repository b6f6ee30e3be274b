"""The grader's end of a sandbox: starting one, running cells in it, calling what they defined, ending it."""

import array
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from grader.sandbox.frames import ANSWER, CALLBACK, CELL, DONE, HELLO, REPLY, REQUEST, SECONDS, Closed, receive, send
from grader.sandbox.layers import SCRATCH
from grader.submission import TOO_LONG, SubmissionStopped
from grader.wire import Handle, WireError, pack, unpack

CREDENTIALS = getattr(socket, "SCM_CREDENTIALS", None)
GRACE = 2.0  # seconds in which a sandbox may give up by itself after its time is over


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Seconds and bytes."""

    cell: float = 10.0
    submission: float = 240.0
    cpu: int = 240
    memory: int = 2 * 2**30
    file_size: int = 64 * 2**20
    scratch: int = 256 * 2**20


class WarmParent:
    """The process that sandboxes are forked from. Several workers may share it. A context manager."""

    def __enter__(self) -> "WarmParent":
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grader.sandbox.warm", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], env=_environment(), cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )
        theirs.close()
        if self._requests.recv(16) != b"ready":
            raise RuntimeError("the warm parent of the sandboxes did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.close()
        self._process.terminate()
        self._process.wait()

    def fork(self) -> socket.socket:
        """The channel to a new sandbox."""
        ours, theirs = socket.socketpair()
        if hasattr(socket, "SO_PASSCRED"):
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with theirs:
            socket.send_fds(self._requests, [b"fork"], [theirs.fileno()])
        return ours


class Sandbox:
    """One submission's process. A context manager, and a `grader.submission.Line` for checks."""

    def __init__(self, parent: WarmParent, limits: Limits = Limits()):
        self._limits = limits
        self._folder = tempfile.mkdtemp(prefix="submission-")
        self._channel = parent.fork()
        self._listeners: list[socket.socket] = []
        try:
            self._start(time.monotonic() + 60)
        except (Closed, OSError, ValueError):
            self._channel.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise RuntimeError("a sandbox did not start") from None
        self.alive = True
        self.cpu_seconds = 0.0
        if SCRATCH not in self.layers:
            threading.Thread(target=self._watch_folder, daemon=True).start()

    def _start(self, deadline: float) -> None:
        """Up to the last answer it is our own code that speaks at the other end."""
        send(self._channel, HELLO, pack({**asdict(self._limits), "folder": self._folder}, _nothing), deadline)
        _, ancillary, *_ = self._channel.recvmsg(1, 1024)
        seen = 0
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._listeners = [socket.socket(fileno=number) for number in array.array("i", content)]
            elif level == socket.SOL_SOCKET and kind == CREDENTIALS:
                seen = struct.unpack("3i", content)[0]
        _, content = receive(self._channel, deadline)
        own, layers = unpack(content, _nothing)
        self._pid = seen or own  # in its process namespace it has another number
        self.layers = frozenset(layers)

    def listener(self, number: int) -> socket.socket | None:
        """A socket that listens inside, for a provider outside to serve on."""
        return self._listeners[number] if self.alive and number < len(self._listeners) else None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends the process and all that it started, and removes what it wrote."""
        if self.alive:
            self.alive = False
            self.cpu_seconds = _processor_time(self._pid)
            for kill, target in ((os.killpg, self._pid), (os.kill, self._pid)):
                try:
                    kill(target, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            for each in (self._channel, *self._listeners):
                each.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _watch_folder(self) -> None:
        """Ends a sandbox that writes more than it may, where the kernel cannot limit its folder."""
        while self.alive:
            if _size(self._folder) > self._limits.scratch:
                return self.end()
            time.sleep(0.2)

    def run_cell(self, source: str) -> str:
        """Runs a cell; gives what it raised as a sentence, or an empty string.

        Raises:
            SubmissionStopped: the process ended or had to be ended.
        """
        reply = self._exchange(CELL, source.encode(errors="replace"), DONE, self._limits.cell, _no_callback)
        match _understood(reply):
            case ["return", None]:
                return ""
            case ["raise", [str(kind), *_], str(message), str(where)]:
                return f"{kind}: {message}"[:500] + (f"\n{where}"[:500] if where else "")
        self.end()
        raise SubmissionStopped("sent what is no answer")

    def exchange(self, request: bytes, on_callback: Callable[[bytes], bytes], seconds: float) -> bytes:
        """One request of a check, as `grader.submission.Line` says."""
        return self._exchange(REQUEST, SECONDS.pack(seconds) + request, REPLY, seconds, on_callback)

    def _exchange(self, kind: bytes, content: bytes, wanted: bytes, seconds: float,
                  on_callback: Callable[[bytes], bytes]) -> bytes:
        if not self.alive:
            raise SubmissionStopped("ended its process")
        deadline = time.monotonic() + seconds + GRACE
        try:
            send(self._channel, kind, content, deadline)
            while True:
                kind, content = receive(self._channel, deadline)
                if kind == wanted:
                    return content
                if kind != CALLBACK:
                    raise Closed("a message out of place")
                send(self._channel, ANSWER, on_callback(content), deadline)
        except TimeoutError:
            problem = TOO_LONG
        except (Closed, WireError):
            problem = "ended its process, or used more memory or processor time than it may"
        self.end()
        raise SubmissionStopped(problem)


def _size(folder: str) -> int:
    """The bytes beneath a folder; an empty file takes room, too."""
    total = 0
    for path, folders, files in os.walk(folder):
        total += 4096 * len(folders)
        for name in files:
            with contextlib.suppress(OSError):
                total += 4096 + os.lstat(os.path.join(path, name)).st_size
    return total


def _environment() -> dict[str, str]:
    """What a sandbox may know of the grader's environment: next to nothing."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    package = str(Path(__file__).parents[2])
    scratch = {"HOME": tempfile.gettempdir(), "IPYTHONDIR": tempfile.gettempdir(), "USER": "submission"}
    return {**kept, **threads, **scratch, "PYTHONPATH": package, "PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "ignore", "MPLBACKEND": "Agg"}


def _processor_time(pid: int) -> float:
    """Seconds of processor time that a process and its ended children have used; 0 where nobody can tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0


def _understood(reply: bytes) -> object:
    try:
        return unpack(reply, _nothing)
    except WireError:
        return None


def _no_callback(request: bytes) -> bytes:
    raise WireError("a cell calls nobody")


def _nothing(item: object) -> Handle:
    raise WireError("a handle has no place here")
