"""The grader's end of a sandbox: starting one, running cells in it, calling what they defined, ending it."""

import array
import contextlib
import math
import os
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

from grader.sandbox.frames import (
    ANSWER,
    CALLBACK,
    CELL,
    DONE,
    HELLO,
    KEEP,
    REPLY,
    REQUEST,
    SECONDS,
    Closed,
    receive,
    send,
)
from grader.sandbox.layers import PROCESS, SCRATCH, SECCOMP
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
        ready = self._requests.recv(32)
        if not ready.startswith(b"ready"):
            raise RuntimeError("the warm parent of the sandboxes did not start")
        self.makes_scratch = ready.endswith(b"scratch")  # in memory; else a sandbox needs a folder of the grader's
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
        self._folder = "" if parent.makes_scratch else tempfile.mkdtemp(prefix="submission-")
        self._channel = parent.fork()
        self._listeners: list[socket.socket] = []
        try:
            self._start(time.monotonic() + 60)
        except (Closed, OSError, ValueError):
            self._channel.close()
            _remove(self._folder)
            raise RuntimeError(f"a sandbox did not start; may every user enter {tempfile.gettempdir()}?") from None
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
        self._handle = os.pidfd_open(self._pid) if hasattr(os, "pidfd_open") else None

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
            self._kill()
            for each in (self._channel, *self._listeners):
                each.close()
            if self._handle is not None:
                os.close(self._handle)
            _remove(self._folder)

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            if self._handle is not None:  # its number may be somebody else's by now
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            if not self.layers & {PROCESS, SECCOMP}:  # with either, nothing outlives the process
                os.killpg(self._pid, signal.SIGKILL)

    def _watch_folder(self) -> None:
        """Ends a sandbox that writes more than it may, where the kernel cannot limit its folder."""
        while self.alive:
            if _size(self._folder, self._limits.scratch) > self._limits.scratch:
                return self._kill()
            time.sleep(0.2)

    def keep(self, answers: list[str]) -> None:
        """Says that the cells until now were the course's: but for `answers`, what they defined stays as it is to
        checks."""
        with contextlib.suppress(Closed):  # the next cell will tell
            send(self._channel, KEEP, pack(answers, _nothing))

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


def _size(folder: str, enough: int) -> float:
    """The bytes beneath a folder, counted up to `enough`; an empty file takes room, too."""
    total, folders = 0, [folder]
    while folders and total <= enough:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    total += 4096 + entry.stat(follow_symlinks=False).st_size
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except FileNotFoundError:
            pass  # it is at work
        except OSError:
            return math.inf  # deeper than a path can say, or hidden
    return total


def _remove(folder: str) -> None:
    try:
        if folder:
            os.rmdir(folder)
    except OSError:  # not empty, and perhaps nested deeper than Python's own function can follow
        subprocess.run(["rm", "-rf", folder], stderr=subprocess.DEVNULL, check=False)


def _environment() -> dict[str, str]:
    """What a sandbox may know of the grader's environment: next to nothing."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    package = str(Path(__file__).parents[2])
    own = {"USER": "submission", "PYTHONPATH": package, "PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "ignore", "MPLBACKEND": "Agg"}
    return {**kept, **threads, **own}


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
