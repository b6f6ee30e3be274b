"""The layers around a submission, by name, and what they promise together."""

from collections.abc import Iterable

MOUNT, PROCESS, NETWORK, IPC = "mount namespace", "process namespace", "network namespace", "IPC namespace"
FILES, TCP, SCOPE = "Landlock files", "Landlock TCP", "Landlock scope"
SECCOMP, RLIMITS, USER, SCRATCH = "seccomp", "rlimits", "user of its own", "scratch of limited size"

# Each promise holds when all layers of one of its sets do.
PROMISES: dict[str, tuple[set[str], ...]] = {
    "no network": ({NETWORK, SECCOMP}, {TCP, SECCOMP}),
    "no files of others": ({MOUNT}, {FILES, SECCOMP}),
    "no signals to others": ({PROCESS}, {SCOPE}, {SECCOMP}),
    "bounded resources": ({SECCOMP, RLIMITS},),
}


def broken_promises(layers: Iterable[str]) -> list[str]:
    """What is promised of a sandbox and not kept by these layers."""
    held = set(layers)
    return [promise for promise, ways in PROMISES.items() if not any(way <= held for way in ways)]


def refusal(layers: Iterable[str]) -> str:
    """Why other people's work must not be run behind these layers only, in a sentence; empty when it may be."""
    broken = broken_promises(layers)
    if not broken:
        return ""
    return (f"This machine cannot promise {_listed(broken)} for code that nobody vouches for: grade on Linux 5.13 or "
            f"newer (6.7 or newer inside a container that forbids namespaces) with libseccomp and the Python package "
            f"pyseccomp, or, if you know everybody whose code it is, with --trust-submissions.")


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
