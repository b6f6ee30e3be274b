"""How far a run of grading is: a bar on a terminal, in a log file a line now and then."""

import sys
import time
from typing import TextIO

from tqdm import tqdm

BETWEEN_LINES = 30.0  # seconds


class Progress:
    """Counts `total` submissions as they are done. A context manager."""

    def __init__(self, total: int, stream: TextIO | None = None):
        self._total, self._stream = total, stream or sys.stderr
        self._done = self._failed = 0
        self._started = self._said = time.monotonic()
        # None: only on a terminal
        self._bar = tqdm(total=total, file=self._stream, disable=None if total else True, smoothing=0,
                         bar_format="{percentage:3.0f}% {bar:30} {desc}")

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def step(self, failed: bool) -> None:
        """One more is done; `failed`: it could not be graded."""
        self._done += 1
        self._failed += failed
        self._bar.set_description_str(str(self), refresh=False)
        self._bar.update()
        now = time.monotonic()
        if self._bar.disable and (now - self._said >= BETWEEN_LINES or self._done == self._total):
            self._said = now
            print(self, file=self._stream, flush=True)

    def __str__(self) -> str:
        seconds = time.monotonic() - self._started
        rate = self._done / max(seconds, 1e-3)
        left = tqdm.format_interval((self._total - self._done) / rate) if self._done else "?"
        return (f"{self._done} of {self._total} done, {self._failed} could not be graded, "
                f"{60 * rate:.0f} students a minute, {left} left")
