"""Clocks: the system's, and one that moves only when it is told to."""

import threading
import time as machine

EPOCH = 1_767_225_600.0  # 2026-01-01T00:00:00Z; a whole second, as HTTP dates (RFC 9110, 5.6.7) carry no fractions


class SystemClock:
    """The clock of the machine. Seconds."""

    exposed = frozenset({"monotonic", "time", "sleep"})
    monotonic = staticmethod(machine.monotonic)
    time = staticmethod(machine.time)
    sleep = staticmethod(machine.sleep)


class FakeClock:
    """A clock on which nobody waits: `sleep` returns at once and the clock has moved on. Seconds.

    Several threads may use it; what they sleep adds up, as if they slept one after the other, so that the sum is
    the same however the threads were scheduled.
    """

    exposed = frozenset({"monotonic", "time", "sleep"})  # what a submission may call

    def __init__(self, start: float = 0.0, epoch: float = EPOCH) -> None:
        """`start`: the first reading of `monotonic`; `epoch`: the first reading of `time`, a Unix time."""
        self.sleeps: list[float] = []
        self._start = start
        self._epoch = epoch
        self._elapsed = 0.0
        self._looks = 0
        self._changed = threading.Condition()

    def monotonic(self) -> float:
        """Seconds since some moment, never fewer than before."""
        self._look()
        return self._start + self._elapsed

    def time(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""
        self._look()
        return self._epoch + self._elapsed

    def sleep(self, seconds: float) -> None:
        """Moves the clock on and notes it in `sleeps`. Raises ValueError for a negative or endless sleep."""
        self.advance(seconds)
        self.sleeps.append(seconds)
        self._look()

    def advance(self, seconds: float) -> None:
        """Moves the clock on without noting it."""
        if not 0 <= seconds < float("inf"):
            raise ValueError("sleep length must be non-negative and finite")
        with self._changed:
            self._elapsed += seconds

    def peek(self) -> tuple[float, float]:
        """What `monotonic` and `time` would read, without counting as a look at the clock."""
        return self._start + self._elapsed, self._epoch + self._elapsed

    @property
    def looks(self) -> int:
        """How often the clock was read or slept on."""
        return self._looks

    def wait_for_look(self, looks: int, patience: float) -> bool:
        """Waits, at most `patience` real seconds, until the clock was looked at more often than `looks` times."""
        with self._changed:
            return self._changed.wait_for(lambda: self._looks > looks, patience)

    def _look(self) -> None:
        with self._changed:
            self._looks += 1
            self._changed.notify_all()
