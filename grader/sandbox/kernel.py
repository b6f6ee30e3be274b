"""The few calls to the kernel that Python has no function for. Each raises OSError when the kernel refuses."""

import ctypes
import os
import sys

NEW_MOUNT, NEW_UTS, NEW_IPC, NEW_USER, NEW_PROCESS, NEW_NETWORK = (
    0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
)
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXECUTION, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
DETACH = 2
AT_HERE, AT_RECURSIVE = -100, 0x8000
PARENT_DEATH_SIGNAL, NO_NEW_PRIVILEGES = 1, 38
MOUNT_SETATTR = 442  # the number of a call as young as this is the same on every processor

_library = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """Calls the C library's function `name`; texts are given as paths, numbers as they are."""
    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has no {name}")
    ctypes.set_errno(0)
    result = getattr(_library, name)(*map(_argument, arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def system_call(number: int, *arguments: object) -> int:
    """Calls the kernel itself, for what the C library may be too old to know."""
    return call("syscall", number, *arguments)


def unshare(namespaces: int) -> None:
    """Moves this process (or, for process namespaces, its next child) into new namespaces."""
    call("unshare", namespaces)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    call("mount", source, target, kind, flags, options)


def unmount(target: str) -> None:
    """Takes a mount and all below it out of sight."""
    call("umount2", target, DETACH)


def make_read_only(target: str) -> None:
    """Forbids writing to a mount, and to all mounts below it."""

    class Attributes(ctypes.Structure):
        _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user")]

    attributes = Attributes(set=READ_ONLY | NO_SUID)
    system_call(MOUNT_SETATTR, AT_HERE, target, AT_RECURSIVE, ctypes.byref(attributes), ctypes.sizeof(attributes))


def drop_capabilities() -> None:
    """Gives up every special right over the namespaces that this process is in."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    none = (ctypes.c_uint32 * 6)()
    call("capset", ctypes.byref(header), ctypes.byref(none))


def control(option: int, value: int) -> None:
    call("prctl", option, value, 0, 0, 0)


def _argument(value: object) -> object:
    if isinstance(value, str):
        return os.fsencode(value)
    return ctypes.c_long(value) if isinstance(value, int) else value
