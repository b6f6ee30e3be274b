"""Namespaces: what a sandbox sees of the machine is made for it.

The warm parent enters first, and hides the files that no submission needs; each sandbox then gets processes, a network,
a scratch folder and, for an ordinary user, a user namespace of its own. Everything here raises OSError where the
machine does not allow it.
"""

import contextlib
import fcntl
import os
import signal
import socket
import struct
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import grader
from grader.sandbox import kernel

SCRATCH = "/scratch"
SYSTEM = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/etc/localtime",
          "/usr/share/zoneinfo", "/usr/share/fonts", "/etc/fonts", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"]
INTERFACE_FLAGS, UP = 0x8914, 1


def readable() -> list[str]:
    """What a submission may read: the interpreter's libraries, installed packages, this one, a few system files."""
    own = [sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    named = {str(path) for path in [*own, sysconfig.get_config_var("LIBDIR"), *grader.__path__, *SYSTEM] if path}
    paths = {path for path in named | set(map(os.path.realpath, named)) if os.path.exists(path)}
    return sorted(path for path in paths if not any(Path(path) != Path(p) and Path(path).is_relative_to(p) for p in paths))


def works(step: Callable[..., object], *arguments: object) -> bool:
    """Whether a step can be taken: tries it in a process that is thrown away."""
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            step(*arguments)
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def new_user(proc: int) -> None:
    """A user namespace that knows nobody but this very user, who may do anything to what it makes here.

    `proc`: an open /proc."""
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEW_USER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(file, text.encode())
        os.close(file)


def new_processes(proc: int) -> None:
    """Processes of one's own, from the next child on."""
    if os.geteuid():
        new_user(proc)
    kernel.unshare(kernel.NEW_PROCESS)


def become_first_process() -> None:
    """Goes on in a new process, the first of a namespace: with it end all others there. This one waits for it, and
    takes it along when it is ended."""
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    kernel.control(kernel.PARENT_DEATH_SIGNAL, signal.SIGKILL)


@contextlib.contextmanager
def for_next_process(proc: int) -> Iterator[None]:
    """The next process that is forked gets a process namespace of its own."""
    own = os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    kernel.unshare(kernel.NEW_PROCESS)
    try:
        yield
    finally:
        kernel.call("setns", own, kernel.NEW_PROCESS)
        os.close(own)


def hide_files(paths: list[str]) -> None:
    """Leaves nothing to be seen but `paths`, read only, and an empty folder for scratch."""
    kernel.unshare(kernel.NEW_MOUNT)
    kernel.mount("none", "/", None, kernel.PRIVATE | kernel.RECURSIVE)
    kernel.mount("none", "/tmp", "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, "size=1m,mode=755")
    os.mkdir("/tmp/old")
    real = {path: os.path.realpath(path) for path in paths}
    kernel.call("pivot_root", "/tmp", "/tmp/old")
    os.chdir("/")
    for path in paths:
        source = f"/old{real[path]}"
        os.makedirs(path if os.path.isdir(source) else os.path.dirname(path), exist_ok=True)
        if not os.path.isdir(source):
            open(path, "w").close()
        kernel.mount(source, path, None, kernel.BIND | kernel.RECURSIVE)
        kernel.make_read_only(path)
    os.mkdir(SCRATCH)
    kernel.unmount("/old")
    os.rmdir("/old")
    kernel.make_read_only("/")


def new_network() -> None:
    """A network of one's own, with a loopback and nothing else."""
    kernel.unshare(kernel.NEW_NETWORK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        fcntl.ioctl(anything, INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", UP))


def new_scratch(size: int, user: int) -> None:
    """An empty scratch folder of limited size that nobody else sees."""
    kernel.unshare(kernel.NEW_MOUNT)
    options = f"size={size},nr_inodes=10000,mode=700,uid={user}"
    kernel.mount("none", SCRATCH, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXECUTION, options)
