"""Landlock: a process forbids itself files, TCP ports, and signals to whoever is outside."""

import ctypes
import os
from collections.abc import Iterable

from grader.sandbox import kernel
from grader.sandbox.layers import FILES, SCOPE, TCP

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER = 1, 2, 4, 8
BIND_TCP, CONNECT_TCP = 1, 2
ABSTRACT_SOCKETS, SIGNALS = 1, 2
RIGHTS = {1: 2**13 - 1, 2: 2**14 - 1, 3: 2**15 - 1, 4: 2**15 - 1}  # to files, by version; later ones know one more
READING = EXECUTE | READ_FILE | READ_FOLDER
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | 2**14 | 2**15  # the other rights are about folders


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scope", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("folder", ctypes.c_int32)]


class _Port(ctypes.Structure):
    _fields_ = [("rights", ctypes.c_uint64), ("port", ctypes.c_uint64)]


def restrict(readable: Iterable[str], writable: Iterable[str], ports: Iterable[int] | None) -> set[str]:
    """From now on this process and its children read and write only beneath these paths, connect only to these TCP
    ports (None: any), and signal only each other. Gives the layers that this kernel knows.

    Raises:
        OSError: the kernel has no Landlock.
    """
    version = kernel.system_call(CREATE_RULESET, None, 0, 1)
    everything = RIGHTS.get(version, 2**16 - 1)
    network = BIND_TCP | CONNECT_TCP if version >= 4 and ports is not None else 0
    scope = ABSTRACT_SOCKETS | SIGNALS if version >= 6 else 0
    wanted = _Ruleset(everything, network, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = kernel.system_call(CREATE_RULESET, ctypes.byref(wanted), size, 0)
    try:
        for paths, rights in ((readable, READING), (writable, everything & ~EXECUTE)):
            for path in paths:
                _allow_beneath(ruleset, path, rights)
        for port in (ports or ()) if network else ():
            rule = _Port(CONNECT_TCP, port)
            kernel.system_call(ADD_RULE, ruleset, 2, ctypes.byref(rule), 0)
        kernel.control(kernel.NO_NEW_PRIVILEGES, 1)
        kernel.system_call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return {FILES} | ({TCP} if network else set()) | ({SCOPE} if scope else set())


def _allow_beneath(ruleset: int, path: str, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no right
    try:
        rule = _Beneath(rights if os.path.isdir(path) else rights & ON_FILES, folder)
        kernel.system_call(ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
    finally:
        os.close(folder)
