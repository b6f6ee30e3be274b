# ---
# title: Reliability
# minutes: 90
# seconds: 60
# difficulty: medium
# ---

# %% [markdown]
# Sooner or later your language model answers `503`. Or `429`. Or half a sentence. Or nothing at all, for ever.
#
# At the end of this lesson you have a client that survives all of that. You will be able to
#
# - tell failures that are worth another try from those that are not,
# - wait neither too short nor too long, and not in step with a thousand other clients,
# - promise an end: *this call is over after 30 seconds, whatever the provider does*,
# - stay under a rate limit, and leave a provider alone that is down,
# - keep the key out of everything that somebody might read.
#
# **Why the job needs it.** A hosted model fails far more often than a database: it is shared, rate-limited, slow and
# new. A service that needs four calls for one answer, each of which succeeds 99 % of the time, fails one customer in 25.
# And the naive cure, "just try again", has taken down more providers than it has saved.
#
# Nobody waits here. The provider is a *scripted double*: a real HTTP server on your machine that fails on command. The
# clock is a *fake* one: sleeping ten minutes on it takes no time at all. The whole notebook runs in a few seconds.
#
# Each exercise is a function or a class with a full description in its docstring; under it is a cell with `check(...)` that
# tells you what holds and what does not. It does not tell all: when your work is graded, more checks look at what the
# docstring says, so read it to the end.

# %% setup
import email.utils
import io
import json
import logging
import math
import os
import random
import re
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timezone
from typing import Protocol

import requests
import urllib3

from grader import lesson
from grader.providers import SystemClock

check = lesson("reliability")

# %% [markdown]
# ## Meet the provider
# First a look at the things that are given. A `FakeClock` stands still until somebody sleeps on it, and a
# `ScriptedProvider` plays the replies that you put into its script, one for each request.

# %%
import matplotlib.pyplot as plt

from grader.providers import FakeClock, Reply, ScriptedProvider, chat, error

clock = FakeClock()
with ScriptedProvider(clock) as provider:
    provider.script(
        error(429, "Slow down, please.", headers={"Retry-After": "20"}),
        error(503, "Out of order.", takes=12),
        chat("Hello! Your parcel is on its way."),
    )
    for _ in range(3):
        url = f"{provider.url}/chat/completions"
        response = requests.post(url, json={"messages": []}, timeout=5)
        data = response.json()
        if response.ok:
            said = data["choices"][0]["message"]["content"]
        else:
            said = data["error"]["message"]
        print(f"{clock.monotonic():4.0f} s  status {response.status_code}  {said}")

# %% [markdown]
# The second reply took twelve seconds, on the fake clock. Your code always gets its clock as an argument: `clock.monotonic()`
# for durations, `clock.time()` for the time of day, `clock.sleep(seconds)` to wait. In production that is a `SystemClock`,
# under a test a `FakeClock`. This is the one design decision that makes everything below testable.
#
# The next cell holds the few types that all exercises share. Read it, there is nothing to do.

# %% setup
class Clock(Protocol):
    """Tells the time, and waits. All in seconds."""

    def monotonic(self) -> float:
        """Since some moment; never goes back: for durations and deadlines."""

    def time(self) -> float:
        """Since 1970: for dates; may jump when somebody sets the clock."""

    def sleep(self, seconds: float) -> None:
        """Waits so long."""


@dataclass(frozen=True)
class Answer:
    """What a provider answered, whether we like it or not."""

    status: int
    headers: Mapping[str, str]  # found whatever the case of the name
    body: bytes


class DeadlineExceeded(Exception):
    """There is no time left."""


class CircuitOpen(Exception):
    """Nothing was sent: the circuit breaker says that the provider is down."""


class ProviderError(Exception):
    """The provider failed for good. `status`: its last answer's; None without an answer."""

    def __init__(self, status: int | None, message: str):
        super().__init__(f"status {status}: {message}")
        self.status = status


# %% [markdown]
# ## Is it worth another try?
# A failure is worth a retry when *the same request* may succeed later. Nobody's key becomes valid by asking again.
#
# | what came | whose trouble | again? |
# | --- | --- | --- |
# | 400, 401, 403, 404, 413, 422 | ours: bad request, bad key, no such model | no |
# | 408, 409, 429 | time-out, a lock, too many requests | yes |
# | 429 with the code `insufficient_quota` | ours: the account is empty | **no** |
# | 500 – 599, also unofficial ones such as 529 (overloaded) | theirs | yes |
# | connection refused, time-out, answer cut off | the way between | yes |
# | bad certificate, bad URL | ours, or an attack | **no** |
#
# Two traps lie on the way. Python has a built-in `ConnectionError`, and `requests` has another one that is *not* related
# to it. And `requests.exceptions.SSLError` *is* a `requests.ConnectionError`. The cell shows who comes from whom.

# %%
for kind in (requests.ConnectTimeout, requests.ReadTimeout, requests.exceptions.SSLError,
             requests.exceptions.ChunkedEncodingError, requests.exceptions.InvalidURL):
    print(" → ".join(k.__name__ for k in kind.__mro__[:-3]))
print("built in:", ConnectionError)
print("of requests:", requests.ConnectionError)

# %% exercise="should_retry"
def should_retry(outcome: Answer | Exception) -> bool:
    """Whether the same request may succeed later.

    An `Answer`:
    - True for the statuses 408, 409, 429 and all from 500 to 599; False for all others.
    - But False for a 429 whose body is JSON of the form
      {"error": {"code": "insufficient_quota", ...}, ...}. Only that code counts, not words
      in the message. A 429 with any other body (plain text, a list, an error that is a
      string...) is retried.

    An exception:
    - True for those of `requests` that say that the connection failed (`ConnectionError`),
      that time ran out (`Timeout`) or that the answer broke off
      (`exceptions.ChunkedEncodingError`), and for their subclasses.
    - But False for `exceptions.SSLError`, which is a ConnectionError that no retry cures.
    - False for every other exception.
    """
    ### BEGIN SOLUTION
    if isinstance(outcome, Answer):
        if outcome.status == 429:
            try:
                code = json.loads(outcome.body)["error"]["code"]
            except (ValueError, LookupError, TypeError):
                return True
            return code != "insufficient_quota"
        return outcome.status in (408, 409) or 500 <= outcome.status <= 599
    if isinstance(outcome, requests.exceptions.SSLError):
        return False
    broke_off = requests.exceptions.ChunkedEncodingError
    return isinstance(outcome, (requests.ConnectionError, requests.Timeout, broke_off))
    ### END SOLUTION

# %% check="should_retry"

# %% [markdown]
# ## How long to wait
# An overloaded provider needs time, so each wait is twice as long as the one before: *exponential backoff*. That is only
# half of it. Suppose that 1,000 clients are thrown out in the same second. If all wait exactly 1, 2, 4, 8 seconds, they
# come back as one wave, again and again. If each draws its wait at random **between zero** and 1, 2, 4, 8 seconds
# (*full jitter*), the same requests arrive as a drizzle.

# %%
draw = random.Random(1)
figure, axes = plt.subplots(1, 2, figsize=(10, 2.8), sharey=True)
for axis, jitter in zip(axes, (False, True)):
    arrivals = []
    for _ in range(1000):
        now = 0.0
        for attempt in range(4):
            now += 2**attempt * (draw.random() if jitter else 1)
            arrivals.append(now)
    color, title = ("tab:blue", "full jitter") if jitter else ("tab:red", "no jitter")
    axis.hist(arrivals, bins=[x / 4 for x in range(66)], color=color)
    axis.set(title=title, xlabel="seconds since the failure")
axes[0].set_ylabel("requests in 0.25 s")
plt.show()

# %% [markdown]
# *Left: four waves of a thousand requests. Right: the same four thousand requests, spread out; the peak is a third of a
# wave, and soon it is a tenth.* Reference: Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.

# %% exercise="backoff"
def backoff(attempt: int, base: float, cap: float, random: Callable[[], float]) -> float:
    """Seconds to wait after attempt number `attempt` (1, 2, 3...) has failed: exponential
    backoff with full jitter.

    The ceiling is `base` seconds after the first attempt and doubles with every further
    one, but never exceeds `cap`. The wait is the share `random()` of this ceiling; `random`
    gives a number from 0 up to but not including 1. Also the 10,000th attempt has an
    answer.
    """
    ### BEGIN SOLUTION
    doublings = min(attempt - 1, 1000)  # a float reaches no further than 2.0**1023
    ceiling = min(cap, base * 2.0**doublings)
    return random() * ceiling
    ### END SOLUTION

# %% check="backoff"

# %% [markdown]
# ## When the provider says how long
# With a 429 or 503 often comes a header: `Retry-After: 20`, or `Retry-After: Fri, 02 Jan 2026 08:00:00 GMT`
# ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)). A date may come in three formats (5.6.7),
# all of them in GMT, and two of them nobody has written since 1999. Somebody's proxy does.
#
# Python's `email.utils.parsedate_to_datetime` reads all three. Look at the last column before you use it:

# %%
for text in (
    "Fri, 02 Jan 2026 08:00:00 GMT",
    "Friday, 02-Jan-26 08:00:00 GMT",
    "Fri Jan  2 08:00:00 2026",
):
    moment = email.utils.parsedate_to_datetime(text)
    print(f"{text:32} {moment}   time zone: {moment.tzinfo}")

# %% [markdown]
# The third one has *no* time zone, and Python then takes it for the time where your computer stands. On a server in
# London that goes unnoticed until summer. The helper `elsewhere` runs a function as if your computer were in Kathmandu:
# try yours with it.
#
# A header is *input from a stranger*. A negative number would make `sleep` raise, `nan` compares false with everything, and
# a date ten years ahead (somebody's broken clock) would park your program until then.

# %% setup
def elsewhere(function: Callable, *args: object) -> object:
    """The result of `function(*args)` on a computer in Kathmandu, 5 hours and 45 minutes
    ahead of GMT (not on Windows)."""
    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = "NPT-5:45"
        getattr(time, "tzset", lambda: None)()
        return function(*args)
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        getattr(time, "tzset", lambda: None)()


# %% exercise="retry_after"
def retry_after(value: str | None, now: float, longest: float = 3600.0) -> float | None:
    """The seconds that a `Retry-After` header asks us to wait; None when it asks for
    nothing that we understand.

    `value`: the header's, None when there is none; `now`: the Unix time (`clock.time()`).

    - Seconds: decimal digits, perhaps with a fraction ("120", "1.5"), perhaps with spaces
      around it.
    - A date in any of the three formats of RFC 9110, 5.6.7: the seconds from `now` until
      then, 0.0 when it has passed. All dates are in GMT, also the one that does not say so,
      wherever this computer stands.
    - Everything else is not understood: "", "soon", "-5", "nan", "inf", "1e3",
      "Fri, 99 Jan 2026 08:00:00 GMT"... Nothing that a provider can send makes this
      function raise.

    Never more than `longest`: from a wish of ten years, or of 400 digits, comes `longest`.
    """
    ### BEGIN SOLUTION
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return min(float(text), longest)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return min(max(moment.timestamp() - now, 0.0), longest)
    ### END SOLUTION

# %% check="retry_after"

# %% [markdown]
# ## An end to every call
# `requests.post(url, timeout=5)` does **not** end after five seconds. It has two time-outs, and neither is a deadline:
#
# - the *connect* time-out: how long to wait for the connection. Short: a few seconds;
# - the *read* time-out: how long to wait for **the next bytes**. It starts again with every byte that comes.
#
# So a provider that drips one byte a second keeps you for ever. See for yourself: this one drips for a minute, and the
# time-out of one second never strikes.

# %%
drip = Reply(chunks=[(1, b".")] * 60)
clock = FakeClock()
with ScriptedProvider(clock) as provider:
    provider.script(drip)
    response = requests.post(provider.url, timeout=1)
    size, seconds = len(response.content), clock.monotonic()
    print(f"timeout=1, and the answer of {size} bytes took {seconds:.0f} s")

# %% [markdown]
# A *deadline* is a moment, not a duration: `clock.monotonic() + 30`. Being a moment, it can be handed down through
# retries and helpers, and never starts again. With `stream=True`, `requests` returns as soon as the headers are there, and
# you read the body piece by piece with a look at the clock after each.
#
# `arriving` is given: it hands over each piece *when it comes*. (`iter_content(1024)` may wait until 1,024 bytes are
# together, and that is the same trap again.)
#
# Honest limits: silence in the middle of a body can make the call overrun by one read time-out, and headers that drip are
# out of reach for `requests`.

# %% setup
def arriving(response: requests.Response) -> Iterator[bytes]:
    """The body of a streamed response, each piece as soon as it comes in; raises the
    exceptions of `requests`."""
    try:
        while piece := response.raw.read1(65536, decode_content=True):
            yield piece
    except urllib3.exceptions.ReadTimeoutError:
        raise requests.ReadTimeout("The body stopped coming.") from None
    except urllib3.exceptions.HTTPError:
        raise requests.exceptions.ChunkedEncodingError("The body broke off.") from None


# %% exercise="post_with_deadline"
def post_with_deadline(
    url: str,
    body: dict,
    headers: Mapping[str, str],
    deadline: float,
    clock: Clock,
    connect_timeout: float = 5.0,
    read_timeout: float = 30.0,
) -> Answer:
    """Sends `body` as JSON in one POST request and gives the answer, whatever its status,
    if it is complete in time.

    `deadline`: a moment on `clock.monotonic()`. An answer that is complete only after it
    raises DeadlineExceeded. So does an answer that is still coming, as soon as a piece of
    it has come in after the deadline; the rest is not waited for. When the deadline has
    come already, DeadlineExceeded is raised and nothing is sent.

    Waiting for the connection takes at most `connect_timeout` seconds, for the next bytes
    at most `read_timeout` seconds, and for neither longer than was left until the deadline
    when the call began. When one of these runs out, `requests` raises a Timeout; that, and
    every other exception of `requests`, passes through.

    Redirects are not followed (they could lead the headers, and the key in them, somewhere
    else): a status 307 is returned as it came. The answer's headers can be looked up
    whatever the case of the name, as `requests` gives them.
    """
    ### BEGIN SOLUTION
    left = deadline - clock.monotonic()
    if left <= 0:
        raise DeadlineExceeded("There was no time left to send the request.")
    timeout = (min(connect_timeout, left), min(read_timeout, left))
    with requests.post(
        url, json=body, headers=headers, timeout=timeout, stream=True, allow_redirects=False
    ) as response:
        content = b""
        for piece in arriving(response):
            content += piece
            if clock.monotonic() > deadline:
                break
        if clock.monotonic() > deadline:
            raise DeadlineExceeded("The answer was not complete in time.")
        return Answer(response.status_code, response.headers, content)
    ### END SOLUTION

# %% check="post_with_deadline"

# %% [markdown]
# ## Not too often: the token bucket
# The kindest way to treat a 429 is not to provoke it. Your contract says "2 requests a second, bursts of 5"? A *token
# bucket* says the same: it holds up to 5 tokens, 2 new ones drip in each second, and every request takes one out.
# The picture shows the tokens while a burst of eight requests comes in, then a pause, then three more.

# %%
def level_over_time(
    asked: list[float], capacity: float, rate: float
) -> tuple[list[float], list[float], list[float]]:
    """Times and levels of a bucket's tokens when requests come at the times `asked`, and
    when each was let through."""
    times, levels, passed, level, last = [0.0], [capacity], [], capacity, 0.0
    for moment in asked:
        moment = max(moment, last)
        full_at = last + (capacity - level) / rate
        if full_at < moment:
            times.append(full_at)
            levels.append(capacity)
        level = min(capacity, level + (moment - last) * rate)
        if level < 1:
            moment, level = moment + (1 - level) / rate, 1.0
        times += [moment, moment]
        levels += [level, level - 1]
        level, last = level - 1, moment
        passed.append(moment)
    return times, levels, passed


asked = [1.0] * 8 + [6.0] * 3
times, levels, passed = level_over_time(asked, capacity=5, rate=2)
figure, axis = plt.subplots(figsize=(10, 2.8))
axis.plot(times, levels, color="tab:blue")
axis.plot(passed, [-0.6] * len(passed), "k^", label="requests are sent")
for moment in set(passed):
    axis.text(moment + 0.07, -0.6, f"× {passed.count(moment)}", va="center")
axis.set(xlabel="seconds", ylabel="tokens", ylim=(-1.1, 5.4), yticks=range(6))
axis.set_title("capacity 5, two tokens a second")
axis.legend(loc="upper center")
plt.show()

# %% [markdown]
# *Five requests leave at once, three more half a second apart, and after the pause the bucket has filled up again, so that
# the last three need not wait.*

# %% exercise="TokenBucket"
class TokenBucket:
    """A rate limiter. It holds at most `capacity` tokens, is full at the start, and gains
    `rate` tokens a second, little by little: also half a token counts. Time is what
    `clock.monotonic()` says.

    So within any t seconds at most `capacity + rate * t` tokens are given out.
    """

    def __init__(self, capacity: float, rate: float, clock: Clock):
        ### BEGIN SOLUTION
        self.capacity = capacity
        self.rate = rate
        self._clock = clock
        self._tokens = capacity
        self._filled_at = clock.monotonic()
        ### END SOLUTION

    def wait_for(self, tokens: float = 1) -> float:
        """The seconds until there are that many tokens, 0.0 when they are there; takes none
        and does not wait.

        Raises ValueError for more tokens than the bucket can ever hold.
        """
        ### BEGIN SOLUTION
        if tokens > self.capacity:
            raise ValueError(f"{tokens} tokens never fit into a bucket of {self.capacity}")
        self._refill()
        return max(0.0, (tokens - self._tokens) / self.rate)
        ### END SOLUTION

    def take(self, tokens: float = 1) -> None:
        """Takes the tokens out; first sleeps on the clock, exactly as long as needed, if
        they are not there yet.

        Raises ValueError for more tokens than the bucket can ever hold, and then leaves it
        as it was.
        """
        ### BEGIN SOLUTION
        wait = self.wait_for(tokens)
        if wait > 0:
            self._clock.sleep(wait)
        self._refill()
        self._tokens -= tokens
        ### END SOLUTION

    def _refill(self) -> None:
        """Brings the number of tokens up to date. (Yours to use or not: the checks do not
        call it.)"""
        ### BEGIN SOLUTION
        now = self._clock.monotonic()
        gained = (now - self._filled_at) * self.rate
        self._tokens = min(self.capacity, self._tokens + gained)
        self._filled_at = now
        ### END SOLUTION

# %% check="TokenBucket"

# %% [markdown]
# ## Leave the fallen alone: the circuit breaker
# When a provider is down, every request costs your users a time-out, and costs the provider the air it needs to get up.
# After some failures in a row a *circuit breaker* stops asking.
#
# ```
#               `threshold` failures in a row
#   ┌────────┐ ───────────────────────────────► ┌────────┐
#   │ closed │                                  │  open  │ ◄──────────────┐
#   └────────┘                                  └────────┘                │
#       ▲                                           │ `cooldown` seconds  │ the probe
#       │           the probe succeeds              ▼                     │ fails
#       └──────────────────────────────────── ┌───────────┐               │
#                                             │ half-open │ ──────────────┘
#                                             └───────────┘
# ```
#
# *Closed: requests flow. Open: none is sent. Half-open: exactly one, the probe, may find out whether the provider is back.*
#
# Mind the requests that were under way when the breaker opened: their outcomes come in late, and say nothing new.

# %% exercise="CircuitBreaker"
class CircuitBreaker:
    """Stops asking a provider that is down. Time is what `clock.monotonic()` says.

    Before a request, ask `allow()`; when it says True, send the request and then `record`
    its outcome.
    """

    def __init__(self, threshold: int, cooldown: float, clock: Clock):
        """`threshold`: so many failures in a row open it; `cooldown`: so many seconds it
        then stays open."""
        ### BEGIN SOLUTION
        self.threshold = threshold
        self.cooldown = cooldown
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False
        ### END SOLUTION

    @property
    def state(self) -> str:
        """"closed" at first; "open" from the moment it opens; "half-open" once `cooldown`
        seconds have passed since."""
        ### BEGIN SOLUTION
        if self._opened_at is None:
            return "closed"
        cooled = self._clock.monotonic() - self._opened_at >= self.cooldown
        return "half-open" if cooled else "open"
        ### END SOLUTION

    def allow(self) -> bool:
        """Whether a request may be sent now. Closed: always. Open: never. Half-open: the
        first who asks may send one, the probe; nobody else may until its outcome is
        recorded."""
        ### BEGIN SOLUTION
        if self.state == "half-open" and not self._probing:
            self._probing = True
            return True
        return self.state == "closed"
        ### END SOLUTION

    def record(self, success: bool) -> None:
        """Takes note of a request's outcome.

        Closed: a success sets the count of failures back to zero; the failure that makes it
        `threshold` in a row opens the breaker.

        Open: nothing changes, neither by a success nor by a failure; it belongs to a
        request from before.

        Half-open: the outcome is taken for the probe's. Its success closes the breaker, as
        if new; its failure opens it again, for another `cooldown` seconds from now.
        """
        ### BEGIN SOLUTION
        state = self.state
        if state == "open":
            return
        self._probing = False
        if success:
            self._failures = 0
            self._opened_at = None
            return
        self._failures += 1
        if state == "half-open" or self._failures >= self.threshold:
            self._opened_at = self._clock.monotonic()
        ### END SOLUTION

# %% check="CircuitBreaker"

# %% [markdown]
# ## The client
# Now put it together; use the pieces that you have. Three thoughts before you start:
#
# **Is it safe to send a POST twice?** After a read time-out you do not know whether the provider did the work. Every
# request therefore carries an `Idempotency-Key`: the same for all attempts at one question, another one for the next
# question. A provider that knows it does (and bills) the work once.
#
# **Who is ill?** A 400 or a 429 shows that the provider is alive. Only exceptions and statuses from 500 on count as
# failures with the breaker.
#
# **Who reads your logs?** Everybody, in the end. The key belongs into the `Authorization` header and nowhere else. It
# escapes in ways one does not think of: providers repeat it in their error messages ("Incorrect API key provided:
# sk-…"), and a key read from a file ends in a line break, upon which `requests` complains about the header *and quotes
# it*. The helper `leaks` shows where a part of the key would be seen.

# %% setup
def leaks(client: object, question: list[dict], key: str) -> list[str]:
    """Where a part of `key` (eight characters or more) is seen when `client` is asked: in
    its "repr", in the "log" of all libraries at level DEBUG, or in the "exception" as
    Python prints it, with its chain and its attributes."""
    parts = [key[start : start + 8] for start in range(len(key) - 7)]
    log, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(log), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    trace = ""
    try:
        client.chat(question)
    except Exception as trouble:
        trace = traceback.format_exc() + repr(trouble) + repr(vars(trouble))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    shown = {"repr": repr(client), "log": log.getvalue(), "exception": trace}
    return [place for place, text in shown.items() if any(part in text for part in parts)]


# %%
KEY = "sk-1234567890abcdef"
clock = FakeClock()


class Careless:
    def chat(self, question):
        with ScriptedProvider(clock) as provider:
            provider.script(error(401, f"Incorrect API key provided: {KEY}"))
            response = requests.post(provider.url, params={"api_key": KEY}, timeout=5)
            response.raise_for_status()


print("A careless client shows the key in:", leaks(Careless(), [], KEY))

# %% exercise="Client"
class Client:
    """Asks a provider, and survives its failures."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        breaker: CircuitBreaker,
        bucket: TokenBucket,
        clock: Clock,
        random: Callable[[], float],
        model: str = "default",
        attempts: int = 4,
        base: float = 1.0,
        cap: float = 30.0,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
    ):
        """
        - `url`: such as "https://example.com/v1"; `url` + "/chat/completions" is asked.
        - `key`: used without the white space around it.
        - `breaker`: anything with `allow` and `record`, as `CircuitBreaker` has them.
        - `bucket`: anything with `wait_for` and `take`, as `TokenBucket` has them.
        - `base`, `cap` and `random` are for `backoff`, the time-outs for
          `post_with_deadline`.
        - `attempts`: so many requests for one question, at most.
        """
        ### BEGIN SOLUTION
        self.url = f"{url}/chat/completions"
        self._key = key.strip()
        self.breaker = breaker
        self.bucket = bucket
        self.clock = clock
        self.random = random
        self.model = model
        self.attempts = attempts
        self.base = base
        self.cap = cap
        self.timeouts = {"connect_timeout": connect_timeout, "read_timeout": read_timeout}
        ### END SOLUTION

    def _attempt(
        self, messages: list[dict], headers: dict[str, str], deadline: float
    ) -> Answer | Exception:
        """One attempt, in this order:

        1. When waiting for the bucket would not end before the deadline: DeadlineExceeded.
           Nothing is taken or sent.
        2. When the breaker does not allow a request: CircuitOpen. Nothing is taken or sent.
        3. One token is taken from the bucket, and {"model": ..., "messages": ...} is sent.
        4. The breaker records whether the provider is well: any answer with a status below
           500. An exception, also DeadlineExceeded, says that it is not. Each request
           that the breaker allowed is recorded exactly once.

        Gives the answer, or the exception of `requests`. (The checks call only `chat`, so
        this method is yours to use or not; what it says holds either way.)
        """
        ### BEGIN SOLUTION
        if self.clock.monotonic() + self.bucket.wait_for() >= deadline:
            raise DeadlineExceeded("The rate limit leaves no time for a request.")
        if not self.breaker.allow():
            raise CircuitOpen("The provider failed too often and is left alone.")
        self.bucket.take()
        body = {"model": self.model, "messages": messages}
        well = False
        try:
            answer = post_with_deadline(
                self.url, body, headers, deadline, self.clock, **self.timeouts
            )
            well = answer.status < 500
            return answer
        except requests.RequestException as trouble:
            return trouble
        finally:
            self.breaker.record(well)
        ### END SOLUTION

    def chat(self, messages: list[dict], timeout: float = 60.0) -> str:
        """The text of the answer, `choices[0].message.content` of its JSON, at most
        `timeout` seconds from now.

        Every request has the headers "Authorization: Bearer <key>" and "Idempotency-Key": a
        random text, the same for all requests of one call, another one for each call.

        After a failure that `should_retry` wants to see again, sleeps on the clock and
        makes another attempt, but no more than `attempts` altogether, and does not sleep
        after the last. The sleep is at least as long as `backoff` says and at least as long
        as the answer's `Retry-After` header asks, and no longer than both together. When it
        would not end before the deadline: DeadlineExceeded, at once. The deadline is one,
        over all attempts.

        Every other failure, and the last one: ProviderError with the status (None when
        there was no answer). Its text holds the answer's `error.message`, or else the
        body's text; long texts may be shortened after 200 characters. An answer with status
        200 that does not hold what we want is such a failure too, and is not retried.

        No eight characters of the key in a row are ever seen, not in the URL, a log, the
        client's repr, or an exception with its chain: where an answer repeats the key,
        "[key]" stands in its place. (See `leaks`.)
        """
        ### BEGIN SOLUTION
        deadline = self.clock.monotonic() + timeout
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        for attempt in range(1, self.attempts + 1):
            outcome = self._attempt(messages, headers, deadline)
            if attempt == self.attempts or not should_retry(outcome):
                return self._text(outcome)
            wait = backoff(attempt, self.base, self.cap, self.random)
            if isinstance(outcome, Answer):
                asked = retry_after(outcome.headers.get("Retry-After"), self.clock.time())
                wait = max(wait, asked or 0.0)
            if self.clock.monotonic() + wait >= deadline:
                raise DeadlineExceeded("The next attempt would come too late.")
            self.clock.sleep(wait)
        ### END SOLUTION

    def _text(self, outcome: Answer | Exception) -> str:
        """The text in a good answer; ProviderError for any other outcome. (Yours to use or
        not.)"""
        ### BEGIN SOLUTION
        if isinstance(outcome, Exception):  # its class only: some quote the headers
            raise ProviderError(None, f"no answer ({type(outcome).__name__})")
        try:
            data = json.loads(outcome.body)
            if outcome.status == 200:
                return data["choices"][0]["message"]["content"]
            said = str(data["error"]["message"])
        except (ValueError, LookupError, TypeError):
            said = outcome.body.decode(errors="replace")
        raise ProviderError(outcome.status, said.replace(self._key, "[key]")[:200])
        ### END SOLUTION

# %% check="Client"

# %% [markdown]
# ## A bad day
# Your client against six minutes in the life of a troubled provider. Its script: first a good morning; then rate limits;
# then a storm of everything (503, cut off, silence, a drip); then an outage; then recovery. This cell holds the script,
# and a clock that takes notes; there is nothing to do.

# %%
import itertools

QUESTION = [{"role": "user", "content": "Where is my parcel?"}]


class DayClock(FakeClock):
    """A fake clock that writes down who slept when, and the state of the breaker."""

    def __init__(self):
        super().__init__()
        self.naps, self.states, self.breaker = [], [], None

    def sleep(self, seconds):
        start = self.peek()[0]
        for _ in range(8):
            super().sleep(seconds / 8)
            self.note()
        if self.customer:
            self.naps.append((start, seconds))

    def note(self):
        if self.breaker:
            self.states.append((self.peek()[0], self.breaker.state))


def weather(now):
    """What the provider does at a moment: a name for the legend, and the reply."""
    if 60 <= now < 100:
        return "429, Retry-After", error(429, "Slow down.", headers={"Retry-After": "6"})
    if 100 <= now < 170:
        return next(storm, ("answer", chat("It is on its way.", takes=1)))
    if 170 <= now < 245:
        return next(outage)
    return "answer", chat("It is on its way.", takes=1)


STORM = [
    ("503", error(503, "Oh.")),
    ("cut off", chat("It is on", cut=30)),
    ("answer", chat("Found it.", takes=1)),
    ("silence", Reply(silent=True, takes=5)),
    ("503", error(503, "Oh.")),
    ("answer", chat("Found it.", takes=1)),
    ("drip", Reply(chunks=[(1, b".")] * 500)),
]
OUTAGE = [
    ("503", error(503, "Down.", takes=0.5)),
    ("cut off", chat("Oh n", cut=20)),
]

# %% [markdown]
# Every ten seconds a customer asks something, and each may wait for 25 seconds. That takes about half a second of real
# time, most of it for the one silence, which is real.

# %%
storm, outage = iter(STORM), itertools.cycle(OUTAGE)
seen, given, clock = [], [], DayClock()


def play(request):
    name, reply = weather(request.at)
    seen.append((request.at, name))
    return reply


with ScriptedProvider(clock) as provider:
    provider.respond(play)
    clock.breaker = breaker = CircuitBreaker(threshold=4, cooldown=25, clock=clock)
    client = Client(
        provider.url,
        KEY,
        breaker=breaker,
        bucket=TokenBucket(capacity=5, rate=0.5, clock=clock),
        clock=clock,
        random=random.Random(3).random,
        attempts=4,
        base=2,
        cap=15,
        read_timeout=0.3,
    )
    for customer in range(36):
        clock.customer = False
        clock.sleep(max(0.0, customer * 10 - clock.monotonic()))
        clock.customer = True
        asked = clock.monotonic()
        try:
            client.chat(QUESTION, timeout=25)
            given.append((asked, "answered"))
        except (DeadlineExceeded, CircuitOpen, ProviderError) as trouble:
            given.append((asked, type(trouble).__name__))
        clock.note()

for name in sorted({name for _, name in given}):
    print(f"{sum(n == name for _, n in given):3} of {len(given)} customers: {name}")

# %% [markdown]
# And now as a timeline. Read it from top to bottom: the provider's weather, what each customer got, what was sent to the
# provider and what came back, when your client slept, and the state of the breaker.

# %%
LOOKS = {  # row, color, marker
    "answer": (2, "tab:green", "o"),
    "429, Retry-After": (2, "tab:orange", "^"),
    "503": (2.2, "tab:red", "s"),
    "cut off": (2.4, "tab:purple", "X"),
    "drip": (1.8, "tab:blue", "v"),
    "silence": (1.8, "black", "D"),
    "answered": (3.2, "tab:green", "o"),
    "DeadlineExceeded": (3.2, "tab:blue", "v"),
    "CircuitOpen": (3.2, "tab:gray", "P"),
    "ProviderError": (3.2, "tab:red", "s"),
}
BANDS = {
    "closed": {"color": "tab:green"},
    "half-open": {"color": "gold", "hatch": ".."},
    "open": {"color": "tab:red", "hatch": "//"},
}

figure, axis = plt.subplots(figsize=(10, 4.6))
for moment, sky in {0: "well", 60: "429", 100: "storm", 170: "outage", 245: "well"}.items():
    axis.axvline(moment, color="lightgray", zorder=0)
    axis.text(moment + 2, 3.5, sky, color="gray")
for name, (row, color, marker) in LOOKS.items():
    at = [moment for moment, n in given + seen if n == name]
    label = f"customer: {name}" if row > 3 else name
    if at:
        axis.scatter(at, [row] * len(at), color=color, marker=marker, s=36, label=label)
nap = {"height": 0.45, "color": "lightsteelblue", "edgecolor": "tab:blue"}
for start, seconds in clock.naps:
    axis.barh(1, seconds, left=start, **nap)
band = {"height": 0.45, "alpha": 0.55, "edgecolor": "white", "linewidth": 0}
for (start, state), (end, _) in zip(clock.states, clock.states[1:]):
    axis.barh(0, end - start, left=start, **band, **BANDS[state])
for state, look in BANDS.items():
    axis.barh(0, 0, **band, **look, label=f"breaker: {state}")
axis.set_yticks((0, 1, 2.1, 3.2), ["breaker", "sleeps", "requests", "customers"])
axis.set(ylim=(-0.5, 3.8), xlim=(-5, 365), xlabel="seconds of the bad day")
axis.set_title("A client lives through a bad day")
axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncol=4, frameon=False)
plt.show()

# %% [markdown]
# *Normal: about two thirds of the customers get an answer. From 60 s on orange triangles: your client sleeps six seconds or
# more whenever it is told to, and gives up after four attempts. From 100 s on a different trouble with nearly each request:
# a retry cures most of them, and only the drip costs a customer the answer. In the outage from 170 s on the breaker opens
# (red, hatched), customers are told at once, and only a probe goes out now and then. With the first successful probe
# everything is green again.*
#
# The outage was over at 245 s. Which customers lost although the provider was well again? What would a shorter `cooldown`
# have changed, for them and for the provider? Try it: change it in the cell with the customers, and run that cell and the
# next one again.

# %% [markdown] written="which_deadline" points=3
# **Which deadline and which number of attempts would you promise the product team for a support chat, and why?** Name
# numbers, say what a customer sees when they run out, and what a larger number of attempts costs the provider in an outage.
#
# (3 points: one for a deadline that follows from what a person waiting in a chat accepts, and from how long a normal answer
# takes; one for attempts that fit into the deadline together with their waits, and for saying what happens when they do
# not; one for the load that retries add when everything fails, and what bounds it.)
#
# ### BEGIN SOLUTION
# A normal answer takes 2 to 5 seconds, and somebody who stares at a chat gives up after some 20. I would promise: an
# answer or an honest sentence ("I cannot look that up now; leave your address and we write to you") within 20 seconds,
# and three attempts. With a base of one second the waits are at most 1 + 2 seconds, so even three attempts of 5
# seconds each fit; a provider that asks for a minute does not fit, and the customer is told at once instead of after a
# minute. In an outage three attempts mean up to three times the usual load on a provider that is down already; ten
# would mean ten times, and if the service that calls us retries three times too, these multiply. Jitter spreads the load,
# the token bucket bounds it, and the circuit breaker takes it away after a few failures; an overall retry budget, such
# as one retry for ten requests, would bound it as well.
# ### END SOLUTION

# %% [markdown]
# ## What you have
# A client that ends in time, asks again when it helps and only then, keeps to the limits, leaves a fallen provider alone,
# and keeps its secret. You will use it wherever a model is called. What it cannot do yet is show the answer *while* it
# comes: that is the next lesson, `streaming`.
