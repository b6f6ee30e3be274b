"""Running checks with pytest: collected once, run as often as there is code to check."""

import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from grader.checks import Check, Unexpected
from grader.fingerprint import LONGEST, fingerprint
from grader.results import NOT_WRITTEN, CheckResult, Problem
from grader.show import call
from grader.submission import Raised, Session, SubmissionStopped

QUIET = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:warnings", "-p", "no:logging",
         "--capture=no", "--noconftest", "--import-mode=importlib", "-c", "/dev/null"]
KEPT = 2**22  # bytes from a submission during an exercise, until which its events are kept as they came
Notes = list[list[Any]]  # the fingerprints of what happened during one check


class Random(random.Random):
    """Python's `random.Random`, which also draws tensors."""

    def normal(self, *shape: int, dtype: Any = None) -> Any:
        """A tensor of this shape with standard normal values, float32 unless told otherwise."""
        import torch

        generator = torch.Generator().manual_seed(self.getrandbits(62))
        return torch.randn(shape, generator=generator).to(dtype or torch.float32)

    def integers(self, low: int, high: int, *shape: int) -> Any:
        """A tensor of this shape with whole numbers from `low` to `high - 1`."""
        import torch

        return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(self.getrandbits(62)))


class Bench:
    """The collected checks, as a pytest plugin. `run` runs those of one exercise on one learner's code."""

    def __init__(self, body: Callable[["Bench"], None]):
        self._body = body
        self._items: dict[tuple[str, str], list[pytest.Item]] = {}
        self._failure: BaseException | None = None

    def run(self, checks: Path, exercise: str, session: Session, seed: int = 0) -> tuple[list[CheckResult], dict[str, Notes]]:
        """The result of each check of `exercise` in the file `checks`, and, if not all hold, each check's notes."""
        items = self._items.get((str(checks.resolve()), exercise), [])
        results, events = [], {}
        for item in items:
            self._session, self._seed, self._problem = session, seed, None
            self._events: list[tuple | list] = []  # as they came, or noted down already
            self._last_call: tuple = ()
            session.on_event = self._note
            session.deadline = time.monotonic() + item.function.check.seconds
            runtestprotocol(item, log=False, nextitem=None)
            check: Check = item.function.check
            sentence = " ".join(item.function.__doc__.split())
            results.append(CheckResult(item.name, sentence, check.points, check.hidden, self._problem))
            events[item.name] = self._events
        if all(result.holds for result in results):
            return results, {}
        return results, {
            name: [event if type(event) is list else _noted(*event) for event in seen] for name, seen in events.items()
        }

    def _note(self, kind: str, *content: Any) -> None:
        if kind == "call":
            self._last_call = content
        if kind == "callback" and not any(content[1:]):
            return  # a look at a clock, say: how often somebody looks makes no other mistake of it
        if len(self._events) < LONGEST:
            # most exercises hold, and nobody asks; but what is large is not kept until then
            self._events.append((kind, content) if self._session.received < KEPT else _noted(kind, content))

    @pytest.fixture
    def submission(self) -> Iterator[Any]:
        """The learner's code: its functions and classes as attributes."""
        yield self._session.namespace
        self._session.release()

    @pytest.fixture
    def random(self, request: pytest.FixtureRequest) -> Random:
        """Random numbers and tensors, the same for the same check and seed."""
        return Random(f"{request.node.name} {self._seed}")

    @pytest.fixture
    def clock(self) -> Any:
        """A clock that moves only when somebody sleeps on it."""
        from grader.providers import FakeClock

        return FakeClock()

    @pytest.fixture
    def provider(self, clock: Any) -> Iterator[Any]:
        """A scripted provider on real HTTP, on the check's clock."""
        from grader.providers import ScriptedProvider

        with ScriptedProvider(clock, self._session.listener(0)) as provider:
            provider.on_request = lambda r: self._note("request", r.method, r.path, r.json, r.at)
            yield provider

    @pytest.fixture
    def model(self, request: pytest.FixtureRequest) -> Iterator[Any]:
        """The embedded model behind a store of the answers that it has given before."""
        from grader.providers import SHIPPED, RecordedProvider, model_url
        from grader.providers.recorded import store

        with RecordedProvider(
            model_url, store(), request.path.with_name(SHIPPED), self._session.listener(1)
        ) as model:
            yield model

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            # else pytest would take this module for that of the next lesson, whose file has the same name
            sys.modules.pop(item.module.__name__, None)
            if mark := getattr(getattr(item, "function", None), "check", None):
                self._items.setdefault((str(item.path), mark.exercise), []).append(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> pytest.TestReport:
        """Takes the exception itself: pytest's own report spends most of a check's time on a traceback nobody reads."""
        if call.excinfo and self._problem is None:
            self._problem = self._described(call.excinfo.value)
        outcome = "failed" if call.excinfo else "passed"
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, call.when)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._failure = RuntimeError(f"checks that cannot be collected:\n{report.longreprtext}")

    def pytest_runtestloop(self) -> bool:
        if self._failure is None:
            try:
                self._body(self)
            except BaseException as error:  # noqa: BLE001 - passed through pytest to the caller
                self._failure = error
        return True

    def _described(self, error: BaseException) -> Problem:
        last_call = call(*self._last_call) if self._last_call else ""
        match error:
            case Unexpected():
                return Problem(error.message, last_call, error.expected, error.seen, differences=error.differences)
            case Raised() if error.kinds[0] == "NotImplementedError":
                return Problem(NOT_WRITTEN, last_call)
            case Raised():
                return Problem(f"It raised {error}", last_call, where=error.where)
            case SubmissionStopped():
                return Problem(f"The code {error}.", last_call)
            case AssertionError():
                return Problem(str(error).split("\nassert ")[0], last_call)
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        lines = traceback.extract_tb(error.__traceback__)
        line = next((f.line for f in reversed(lines) if f.filename.endswith(".py") and "checks" in f.filename), "")
        return Problem(f"The result cannot be used: {type(error).__name__}: {error}", last_call, where=line)


def _noted(kind: str, content: tuple) -> list[Any]:
    return [kind, *(content[0].kinds[:1] if kind == "raise" else map(fingerprint, content))]


@contextmanager
def _no_plugins() -> Iterator[None]:
    """Keeps plugins that happen to be installed out of the run: they cost time and change results."""
    import os

    before = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        else:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = before


def with_checks(files: list[Path], body: Callable[[Bench], None]) -> None:
    """Collects the checks in `files` once and calls `body` with the bench they are ready on.

    Raises:
        RuntimeError: a file of checks cannot be collected.
    """
    bench = Bench(body)
    with _no_plugins():
        pytest.main([*QUIET, "--rootdir", str(files[0].parent), *map(str, files)], plugins=[bench])
    if bench._failure is not None:
        raise bench._failure
