"""What runs in a sandbox: the submission's cells, then the calls that checks make to what the cells defined."""

import os
import signal
import socket
from typing import Any

import grader
from grader.sandbox.frames import ANSWER, CALLBACK, CELL, DONE, HELLO, KEEP, REPLY, SECONDS, Closed, receive, send
from grader.sandbox.lock import Around, lock_in
from grader.submission import TOO_LONG, Responder, describe
from grader.wire import Handle, WireError, pack, unpack


def run(channel: socket.socket, shell: Any, around: Around) -> None:
    """Locks itself in, then serves the grader at the other end of `channel` until it hangs up."""
    os.setsid()
    _, settings = receive(channel)
    limits = unpack(settings, _nothing)
    held, listeners = lock_in(limits, channel, around)
    socket.send_fds(channel, [b"."], [listener.fileno() for listener in listeners])
    for listener in listeners:
        listener.close()
    send(channel, HELLO, pack([os.getpid(), sorted(held)], _nothing))
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
        if kind == KEEP:
            responder.keep(set(unpack(content, _nothing)))
            continue
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


def _run_cell(shell: Any, source: str) -> bytes:
    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return pack(["raise", *describe(error)] if error else ["return", None], _nothing)


def _too_long(signal_number: int, frame: Any) -> None:
    raise TimeoutError(TOO_LONG)


def _nothing(item: object) -> Handle:
    raise WireError(f"a {type(item).__name__} has no place here")
