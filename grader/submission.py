"""The two ends of the line between checks and a learner's code.

The `Responder` sits beside the learner's code (in the sandbox, or in the learner's own kernel) and answers requests
about it; a `Remote` sits with the checks and looks like the learner's object. Both ends speak `grader.wire`, also when
they share a process, so that a check means the same in a notebook and in the grader.
"""

import builtins
import contextlib
import io
import itertools
import linecache
import math
import operator
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from grader.wire import Handle, WireError, pack, unpack

TOO_LONG = "takes longer than it may"  # said by a sandbox's own alarm
RELEASE = 10.0  # seconds in which objects that nobody needs any more must be given up
NAMESPACE = 0  # the number of the handle that stands for everything the notebook defines
FUNCTIONS = {
    "iter": builtins.iter,
    "next": builtins.next,
    "len": builtins.len,
    "getitem": operator.getitem,
    "setattr": builtins.setattr,
}


class Raised(Exception):
    """The learner's code raised. `kinds`: the names of the exception's class and of the classes it comes from."""

    def __init__(self, kinds: list[str], message: str, where: str):
        super().__init__(f"{kinds[0]}: {message}" if message else kinds[0])
        self.kinds, self.message, self.where = kinds, message, where


class SubmissionStopped(Exception):
    """The learner's code cannot answer any more: it ended its process, took too long, or sent what is no answer."""


class Line(Protocol):
    """Carries one request to the learner's code and brings the reply back, within so many seconds."""

    def exchange(self, request: bytes, on_callback: Callable[[bytes], bytes], seconds: float) -> bytes: ...

    def listener(self, number: int) -> socket.socket | None:
        """A socket that listens where the code runs, for a provider to serve on; None when any will do."""


class Responder:
    """Answers requests about a namespace. Everything it sends is data; objects stay here and go out as handles."""

    def __init__(self, namespace: dict[str, Any], call_back: Callable[[bytes], bytes]):
        self._namespace = namespace
        self._call_back = call_back
        self._objects: dict[int, object] = {NAMESPACE: namespace}
        self._numbers = itertools.count(NAMESPACE + 1)
        self._given: dict[str, Any] = {}  # what the course defined, whatever the learner's code made of it later

    def keep(self, answers: set[str]) -> None:
        """What the namespace holds now is the course's: checks go on getting it under its name, but for `answers`."""
        self._given = {name: value for name, value in self._namespace.items() if name not in answers}

    def reply(self, request: bytes) -> bytes:
        """The reply to one request: what came out, or what was raised."""
        kind, *parts = unpack(request, self._resolve)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                outcome = getattr(self, f"_{kind}")(*parts)
            return self._pack(["return", outcome])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the learner's code may raise anything
            return self._pack(["raise", *describe(error)])

    def _get(self, target: object, name: str) -> object:
        if target is not self._namespace:
            return getattr(target, name)
        if name in self._given:
            return self._given[name]
        if name not in self._namespace:
            raise NameError(f"`{name}` is not defined")
        return self._namespace[name]

    def _call(self, target: Callable, args: list, kwargs: dict) -> object:
        return target(*args, **kwargs)

    def _apply(self, function: str, args: list) -> object:
        return FUNCTIONS[function](*args)

    def _inputs_after(self, target: Callable, args: list, kwargs: dict) -> object:
        target(*args, **kwargs)
        return [list(args), kwargs]

    def _gradients(self, target: Callable, args: list, kwargs: dict, upstream: Any) -> object:
        leaves = [x.requires_grad_() for x in (*args, *kwargs.values()) if _differentiable(x)]
        result = target(*args, **kwargs)
        (result * (1 if upstream is None else upstream)).sum().backward()
        return [leaf.grad for leaf in leaves]

    def _release(self, kept: list[int]) -> None:
        self._objects = {number: self._objects[number] for number in (NAMESPACE, *kept)}

    def _pack(self, value: object) -> bytes:
        try:
            return pack(value, self._handle_for)
        except WireError as error:
            return pack(["raise", ["WireError"], str(error), ""], self._handle_for)

    def _handle_for(self, item: object) -> Handle:
        if isinstance(item, Callback):
            return Handle(item._number, "callback", theirs=True)
        number = next(self._numbers)
        self._objects[number] = item
        return Handle(number, type(item).__name__, theirs=False)

    def _resolve(self, handle: Handle) -> object:
        if handle.theirs:
            return self._objects[handle.number]
        return Callback(handle.number, self)


class Callback:
    """Stands, beside the learner's code, for an object of the check's: calling it calls the check's."""

    def __init__(self, number: int, responder: Responder, name: str = ""):
        self._number, self._responder, self._name = number, responder, name

    def __getattr__(self, name: str) -> "Callback":
        if name.startswith("_"):
            raise AttributeError(name)
        return Callback(self._number, self._responder, name)

    def __call__(self, *args: object, **kwargs: object) -> object:
        responder = self._responder
        request = pack(["callback", self._number, self._name, list(args), kwargs], responder._handle_for)
        kind, outcome = unpack(responder._call_back(request), responder._resolve)
        if kind == "raise":
            error, message = outcome
            raise getattr(builtins, error, RuntimeError)(message)
        return outcome


class Remote:
    """An object of the learner's, as a check sees it: attributes, calls, `len`, items and iteration reach it."""

    def __init__(self, session: "Session", number: int, kind: str, label: str):
        self._session, self._number, self._kind, self._label = session, number, kind, label

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._number == NAMESPACE:
            return self._session.named(name)
        return self._session.request("get", self, name, label=f"{self._label}.{name}", quiet=True)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            return super().__setattr__(name, value)
        self._session.request("apply", "setattr", [self, name, value], label=f"{self._label}.{name} =")

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self._session.request("call", self, list(args), kwargs, label=self._label, args=args, kwargs=kwargs)

    def __bool__(self) -> bool:
        return True  # it is there; else Python would ask for its length

    def __len__(self) -> int:
        return self._session.request("apply", "len", [self], label=f"len of {self._label}")

    def __getitem__(self, key: object) -> Any:
        return self._session.request("apply", "getitem", [self, key], label=f"{self._label}[{key!r}]")

    def __iter__(self) -> Iterator:
        iterator = self._session.request("apply", "iter", [self], label=f"iter of {self._label}", quiet=True)
        while True:
            try:
                yield self._session.request("apply", "next", [iterator], label=f"next of {self._label}")
            except Raised as raised:
                if raised.kinds[0] == "StopIteration":
                    return
                raise

    def __repr__(self) -> str:
        return f"<{self._kind}>"


class Session:
    """One learner's code while one exercise is checked. Tells of each call, and offers the check's own objects to it.
    Code that stopped answering is not asked again."""

    def __init__(self, line: Line, on_event: Callable[..., None] = lambda *event: None):
        self._line = line
        self._offered: list[Any] = []
        self.received = 0  # bytes
        self._objects = 0  # objects of the learner's that this end can name
        self._named: dict[str, Remote] = {}  # those that the notebook defines: asked for once
        self._stopped = ""
        self.on_event = on_event
        self.deadline = math.inf  # the `time.monotonic()` until which the check may ask

    @property
    def namespace(self) -> Remote:
        return Remote(self, NAMESPACE, "notebook", "")

    def named(self, name: str) -> Any:
        """What the notebook defines under `name`. Raises as `request` does."""
        if name in self._named:
            return self._named[name]
        found = self.request("get", self.namespace, name, label=name, quiet=True)
        if type(found) is Remote:
            self._named[name] = found
        return found

    def listener(self, number: int) -> socket.socket | None:
        """What the line's `listener` gives."""
        return self._line.listener(number)

    def request(self, kind: str, *parts: object, label: str, args: tuple = (), kwargs: dict | None = None,
                quiet: bool = False) -> Any:
        """Sends one request and gives the outcome.

        Raises:
            Raised: the learner's code raised.
            SubmissionStopped: it will not answer any more.
        """
        left = self.deadline - time.monotonic()
        if self._stopped or left <= 0:
            raise SubmissionStopped(self._stopped or TOO_LONG)
        message = pack([kind, *parts], self._handle_for)
        if not quiet:
            self.on_event("call", label, args, kwargs or {})
        try:
            reply = self._line.exchange(message, self._answer, left)
            self.received += len(reply)
        except SubmissionStopped as stopped:
            self._stopped = str(stopped)
            raise
        try:
            match unpack(reply, lambda handle: self._resolve(handle, label)):
                case ["return", outcome]:
                    if not quiet:
                        self.on_event("return", outcome)
                    return outcome
                case ["raise", [str(), *_] as kinds, str(text), str(where)] if all(type(k) is str for k in kinds):
                    if kinds[0] == "TimeoutError" and text == TOO_LONG:
                        self._stopped = TOO_LONG  # one such call is enough: the next would take as long
                        raise SubmissionStopped(TOO_LONG)
                    raised = Raised([k[:100] for k in kinds[:20]], text[:2000], where[:2000])
                    self.on_event("raise", raised)
                    raise raised
        except WireError as error:
            raise SubmissionStopped(f"sent what is no answer ({error})") from None
        raise SubmissionStopped("sent what is no answer")

    def release(self) -> None:
        """Forgets every object that a check was given or gave, but for those that the notebook defines."""
        self._offered.clear()
        if not self._stopped and self._objects > len(self._named):
            self.deadline = time.monotonic() + RELEASE
            self.request("release", [found._number for found in self._named.values()], label="", quiet=True)
            self._objects = len(self._named)

    def _answer(self, message: bytes) -> bytes:
        """Runs a call that the learner's code makes to an object of the check's."""
        self.received += len(message)
        match unpack(message, lambda handle: self._resolve(handle, "")):
            case ["callback", int(number), str(name), list(args), dict(kwargs)] if 0 <= number < len(self._offered):
                offered = self._offered[number]
            case _:
                raise WireError("not a callback")
        if name and name not in getattr(offered, "exposed", ()):
            reply: list = ["raise", ["AttributeError", f"there is no `{name}` here"]]
        else:
            self.on_event("callback", name, args, kwargs)
            try:
                reply = ["return", (getattr(offered, name) if name else offered)(*args, **kwargs)]
            except Exception as error:  # noqa: BLE001 - belongs to the learner's code, which asked
                reply = ["raise", [type(error).__name__, str(error)]]
        return pack(reply, self._handle_for)

    def _handle_for(self, item: object) -> Handle:
        if isinstance(item, Remote):
            return Handle(item._number, item._kind, theirs=True)
        if not callable(item) and not hasattr(item, "exposed"):
            raise WireError(f"a check cannot send a {type(item).__name__}")
        self._offered.append(item)
        return Handle(len(self._offered) - 1, "callback", theirs=False)

    def _resolve(self, handle: Handle, label: str) -> object:
        if handle.theirs:
            return self._offered[handle.number]
        self._objects += 1
        return Remote(self, handle.number, handle.kind, label)


class LocalLine:
    """The line to code in this very process: a learner's own kernel, or one of the author's variants."""

    def __init__(self, namespace: dict[str, Any]):
        self._responder = Responder(namespace, lambda request: self._on_callback(request))
        self._on_callback: Callable[[bytes], bytes] = lambda request: b""

    def exchange(self, request: bytes, on_callback: Callable[[bytes], bytes], seconds: float) -> bytes:
        self._on_callback = on_callback
        return self._responder.reply(request)

    def listener(self, number: int) -> None:
        return None


def _differentiable(item: Any) -> bool:
    return hasattr(item, "requires_grad_") and (item.is_floating_point() or item.is_complex())


def describe(error: BaseException) -> tuple[list[str], str, str]:
    """The names of the exception's class and of those it comes from, its message, and where it was raised."""
    return _kinds(error), _message(error), _where(error)


def _kinds(error: BaseException) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__ if kind not in (object, BaseException)]


def _message(error: BaseException) -> str:
    try:
        return str(error)[:2000]
    except Exception:  # noqa: BLE001 - the learner's own __str__
        return ""


def _where(error: BaseException) -> str:
    """The lines of the learner's code that the exception passed through, the innermost last."""
    inside = (__file__, contextlib.__file__)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename not in inside]
    own = [f for f in frames if "site-packages" not in f.filename and "/lib/python" not in f.filename]
    linecache.checkcache()
    return "\n".join(f"{f.name}, line {f.lineno}: {f.line}" for f in own[-3:] if f.line)
