"""What runs in a sandbox: the submission's cells, then the calls that checks make to what the cells defined."""

import os
import resource
import signal
import socket
from typing import Any

import grader
from grader.sandbox.frames import ANSWER, CALLBACK, CELL, DONE, HELLO, REPLY, SECONDS, Closed, receive, send
from grader.submission import TOO_LONG, Responder, describe
from grader.wire import Handle, WireError, pack, unpack


def run(channel: socket.socket, shell: Any) -> None:
    """Serves the grader at the other end of `channel` until it hangs up."""
    os.setsid()
    send(channel, HELLO, str(os.getpid()).encode())
    _, settings = receive(channel)
    limits = unpack(settings, _nothing)
    lock_in(limits)
    grader.lesson = lambda slug: lambda name: 0.0  # the checks are run from outside

    def call_back(request: bytes) -> bytes:
        send(channel, CALLBACK, request)
        kind, answer = receive(channel)
        if kind != ANSWER:
            raise Closed("no answer")
        return answer

    responder = Responder(shell.user_ns, call_back)
    signal.signal(signal.SIGALRM, _too_long)
    while True:
        kind, content = receive(channel)
        seconds = limits["cell"]
        if kind != CELL:
            (seconds,), content = SECONDS.unpack_from(content), content[SECONDS.size :]
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            reply = _run_cell(shell, content.decode()) if kind == CELL else responder.reply(content)
        except TimeoutError as error:  # between the learner's code and ours
            reply = pack(["raise", *describe(error)], _nothing)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        send(channel, DONE if kind == CELL else REPLY, reply)


def lock_in(limits: dict[str, Any]) -> None:
    """Gives up what a submission has no need of."""
    os.chdir(limits["folder"])
    os.environ["HOME"] = limits["folder"]
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, limits["cpu"])
    _limit(resource.RLIMIT_FSIZE, limits["file_size"])
    _limit(resource.RLIMIT_NOFILE, 128)
    # private writable memory; the limit on address space would count torch's large reserved maps
    _limit(resource.RLIMIT_DATA, _private_memory() + limits["memory"])


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def _private_memory() -> int:
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    except (OSError, StopIteration):
        return 2**31


def _run_cell(shell: Any, source: str) -> bytes:
    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return pack(["raise", *describe(error)] if error else ["return", None], _nothing)


def _too_long(signal_number: int, frame: Any) -> None:
    raise TimeoutError(TOO_LONG)


def _nothing(item: object) -> Handle:
    raise WireError(f"a {type(item).__name__} has no place here")
