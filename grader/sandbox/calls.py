"""seccomp: the calls to the kernel that a submission has no need of are refused.

A submission is one process with threads. So what a process may use is what a submission may use, and when the process
ends, nothing is left. It speaks TCP, and nothing else; what other layers leave open is closed here.
"""

import errno
import os
import socket
from collections.abc import Collection

from grader.sandbox.layers import MOUNT, NETWORK, PROCESS

NEVER = """
    fork vfork execve execveat
    unshare setns mount umount2 pivot_root chroot move_mount open_tree fsopen fsmount fsconfig fspick mount_setattr
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_open pidfd_getfd
    bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register fanotify_init lookup_dcookie
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl quotactl_fd
    open_by_handle_at name_to_handle_at syslog personality modify_ldt vhangup iopl ioperm
    add_key request_key keyctl
    memfd_create memfd_secret shmget shmat shmctl msgget msgsnd semget semop mq_open
    sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex
    landlock_create_ruleset seccomp
""".split()  # the line before the last but one: memory that no limit of the process counts
YOUNG = set(range(447, 600)) - {449, 451, 453, 454, 455, 456}  # calls that libseccomp may not know by name
OTHERS_FILES = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
    setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat
""".split()  # what Landlock does not restrict
OTHERS = "tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal migrate_pages move_pages ioprio_set".split()
FASTOPEN = 0x20000000  # a connection that is made by sending, past Landlock
THREAD = 0x10000
SHARED_ANONYMOUS = 0x21
SET_OWNER, SET_OWNER_OF = 8, 15  # who is signalled about a file


def restrict(held: Collection[str]) -> None:
    """Refuses those calls from now on. `held`: the layers that hold already.

    Raises:
        ImportError, OSError, RuntimeError: there is no seccomp, libseccomp or pyseccomp.
    """
    import pyseccomp
    from pyseccomp import EQ, ERRNO, GT, MASKED_EQ, NE, Arg

    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refused = ERRNO(errno.EPERM)

    unknown = ERRNO(errno.ENOSYS)

    def refuse(name: str | int, *conditions: object, answer: int = refused) -> None:
        try:
            rules.add_rule(answer, name, *conditions)
        except (OSError, ValueError):
            pass  # a call that this library or this processor does not know

    for name in NEVER:
        refuse(name)
    for number in YOUNG:
        refuse(number, answer=unknown)
    refuse("clone", Arg(0, MASKED_EQ, THREAD, 0))
    refuse("clone3", answer=unknown)  # its flags lie in memory; without it the C library uses clone
    refuse("mmap", Arg(3, MASKED_EQ, SHARED_ANONYMOUS, SHARED_ANONYMOUS))
    for family in range(socket.AF_INET6):
        if family != socket.AF_INET:
            refuse("socket", Arg(0, EQ, family))
    refuse("socket", Arg(0, GT, int(socket.AF_INET6)))
    for kind in range(16):
        if kind != socket.SOCK_STREAM:
            refuse("socket", Arg(1, MASKED_EQ, 0xF, kind))
    for protocol in range(1, socket.IPPROTO_TCP):
        refuse("socket", Arg(2, EQ, protocol))
    refuse("socket", Arg(2, GT, int(socket.IPPROTO_TCP)))
    for name, flags in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        refuse(name, Arg(flags, MASKED_EQ, FASTOPEN, FASTOPEN))
    if NETWORK not in held:
        refuse("listen")  # which takes a port of its own, past Landlock
    if MOUNT not in held:
        for name in OTHERS_FILES:
            refuse(name)
    if PROCESS not in held:
        for name in OTHERS:
            refuse(name)
        for name in ("kill", "tgkill"):
            refuse(name, Arg(0, NE, os.getpid()))
        for name in ("prlimit64", "sched_setscheduler", "sched_setparam", "sched_setattr"):
            refuse(name, Arg(0, NE, 0))
        refuse("setpriority", Arg(1, NE, 0))
        for command in (SET_OWNER, SET_OWNER_OF):
            refuse("fcntl", Arg(1, EQ, command))
    rules.load()
