"""Locking in: what a forked sandbox does to itself before it runs the first line of a submission.

Every layer is tried; what the machine does not allow is left out, and the layers that hold are told. They overlap on
purpose: a hole in one is not yet a hole in the wall.
"""

import contextlib
import os
import resource
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from grader.sandbox import calls, kernel, landlock, namespaces
from grader.sandbox.layers import IPC, MOUNT, NETWORK, PROCESS, RLIMITS, SCRATCH, SECCOMP, USER

LISTENERS = 2  # through which providers outside are reached
THREADS = 64
OWN_USERS = 1_900_000_000  # a range that nobody uses (systemd's UIDS-GIDS)
NOBODY = 65534


@dataclass(frozen=True)
class Around:
    """What the warm parent did: the layers that hold already, the paths that may be read, and an open /proc."""

    held: set[str]
    paths: list[str]
    proc: int


def lock_in(limits: dict[str, Any], channel: socket.socket, around: Around) -> tuple[set[str], list[socket.socket]]:
    """Gives up what a submission has no need of. Gives the layers that hold, and sockets that listen in here, for
    others to serve on: whoever is handed them must close them in here."""
    held = set(around.held)
    user = _user_to_be(around)
    with _trying(held, NETWORK):
        namespaces.new_network()
    with _trying(held, IPC):
        kernel.unshare(kernel.NEW_IPC | kernel.NEW_UTS)
    folder = limits["folder"]
    if MOUNT in held:
        with _trying(held, SCRATCH):
            namespaces.new_scratch(limits["scratch"], user)
            folder = namespaces.SCRATCH
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(LISTENERS)]
    ports = [listener.getsockname()[1] for listener in listeners]
    memory = _private_memory(around.proc)
    _become(user, folder, held, around.proc)
    _settle(folder)
    _keep_open({channel.fileno(), *(listener.fileno() for listener in listeners)})
    _limit_resources(limits, memory, held)
    with contextlib.suppress(OSError):
        kernel.control(kernel.PARENT_DEATH_SIGNAL, signal.SIGKILL)  # which a change of user takes back
    with contextlib.suppress(OSError):
        held |= landlock.restrict(around.paths, [folder, "/dev/null"], None if NETWORK in held else ports)
    with _trying(held, SECCOMP):
        calls.restrict(held)
    return held, listeners


@contextlib.contextmanager
def _trying(held: set[str], layer: str) -> Iterator[None]:
    """Adds `layer` to those held unless the machine does not allow what is done."""
    with contextlib.suppress(OSError, ImportError, RuntimeError):
        yield
        held.add(layer)


def _user_to_be(around: Around) -> int:
    """If root may choose, a user for this sandbox alone; else who we are."""
    if os.geteuid() or around.proc < 0:
        return os.geteuid()
    if MOUNT not in around.held and not all(map(_open_to_all, around.paths)):
        return 0  # a library in root's home is of no use to anybody else
    with _in_proc("self/uid_map", around.proc) as lines:
        known = [range(first, first + count) for first, _, count in (map(int, line.split()) for line in lines)]
    own = OWN_USERS + int(os.readlink("self", dir_fd=around.proc))
    return next((user for user in (own, NOBODY) if any(user in users for users in known)), 0)


def _open_to_all(path: str) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in Path(path).parents)


def _in_proc(name: str, proc: int) -> TextIO:
    return open(name, opener=lambda path, flags: os.open(path, flags, dir_fd=proc))


def _become(user: int, folder: str, held: set[str], proc: int) -> None:
    """Root becomes `user`; an ordinary user stays who it is and has no rights left over its namespaces."""
    if os.geteuid():
        if PROCESS in held:
            with _trying(held, USER):  # so that the limit on its processes counts no others
                namespaces.new_user(proc)
    elif user:
        with _trying(held, USER):
            os.chown(folder, user, user)
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
    with contextlib.suppress(OSError):
        kernel.drop_capabilities()


def _settle(folder: str) -> None:
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = None
    os.umask(0o077)


def _keep_open(wanted: set[int]) -> None:
    """Closes every file but `wanted`; what a program writes to its terminal goes nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    bounds = sorted({2, *wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0]})
    for low, high in zip(bounds, bounds[1:]):
        os.closerange(low + 1, high)


def _limit_resources(limits: dict[str, Any], memory: int, held: set[str]) -> None:
    bounds = {
        "CORE": 0,
        "CPU": limits["cpu"],
        "FSIZE": limits["file_size"],
        "NOFILE": 128,
        "STACK": 8 * 2**20,
        "MSGQUEUE": 0,
        "MEMLOCK": 0,
        # private writable memory; the limit on address space would count torch's large reserved maps
        "DATA": memory + limits["memory"],
    }
    if USER in held:
        bounds["NPROC"] = THREADS
    for name, bound in bounds.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
            resource.setrlimit(kind, (bound, bound))
    held.add(RLIMITS)


def _private_memory(proc: int) -> int:
    """What RLIMIT_DATA counts already."""
    try:
        with _in_proc("self/status", proc) as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    except (OSError, StopIteration):
        return 2**31
