import json
import threading
from email.utils import formatdate

from grader.checks import Raised, assert_close, assert_equal, assert_that, check, raises
from grader.providers import FakeClock, Reply, chat, error, refused_url

HINTS = {
    "should_retry": [
        "Go through the table above row by row, and write one condition for each row that says yes.",
        "Two kinds of outcome come in. Which of them has a status? Ask `isinstance` first.",
        "The body of a 429 may be anything: think of text, of a list, of an error that is a string. Which exceptions can "
        "reading it raise?",
    ],
    "backoff": [
        "Three steps: the doubled wait, the cap, the share. In which order?",
        "After attempt 1 the ceiling is `base` itself: how many doublings have there been after attempt number n?",
        "2.0**10000 is more than a float can hold. From how many doublings on does one more make no difference?",
    ],
    "retry_after": [
        "Decide first what counts as seconds; `float()` takes more texts for numbers than you may want.",
        "Which exceptions can `parsedate_to_datetime` raise for nonsense? Try a day 99, and a year of twenty digits.",
        "A date without a time zone: `replace(tzinfo=...)` says which one it was meant in.",
    ],
    "post_with_deadline": [
        "How much time is left when the call begins? That bounds both time-outs.",
        "With `stream=True` the body is still to come when `requests.post` returns. Where can you look at the clock?",
        "Look after each piece, and once more when the last one is there: the headers alone may have come too late.",
    ],
    "TokenBucket": [
        "You need no thread that refills. Note how many tokens there were and when, and work the rest out when asked.",
        "Which two things must be brought up to date together, whenever you look?",
        "After a sleep time has passed: look again before you take.",
    ],
    "CircuitBreaker": [
        "What must it remember? How many failures in a row, since when it is open, and whether the probe is under way.",
        "The state follows from these and the clock: nothing needs to happen at the moment when the cool-down ends.",
        "In `record`, ask first in which state the breaker is *now*.",
    ],
    "Client": [
        "Write one attempt first, without any retry; then the loop around it.",
        "Compute the deadline once, before the loop, and hand it down.",
        "For each exit ask two questions: was the outcome recorded, and could the key be in the message?",
    ],
}

# told when an exercise holds: why it matters, or what professionals do
AFTER = {
    "should_retry": "Retrying what cannot succeed is how a small failure becomes an outage and a bill: most "
                    "incidents begin with a wrong line here.",
    "backoff": "Without jitter all clients come back at the same moment, and knock the provider over again.",
    "retry_after": "The provider knows best when it will have room; whoever ignores what it says gets blocked.",
    "post_with_deadline": "A time-out for each read is not a deadline: a provider that drips can hold your user for hours.",
    "TokenBucket": "Staying below the limit is cheaper than being told off: every large client paces itself like this.",
    "CircuitBreaker": "It gives a failing service time to recover, and your users an answer at once instead of a spinner.",
    "Client": "The order of these layers is the design: look for it in any SDK that you depend on, and for "
              "what it logs.",
}

QUESTION = [{"role": "user", "content": "Where is my parcel?"}]


class JumpyClock(FakeClock):
    """A fake clock whose time of day somebody sets while it runs."""

    def jump(self, seconds):
        self._epoch += seconds


class Breaker:
    """A circuit breaker that says what it was told to say, and remembers what was recorded."""

    exposed = frozenset({"allow", "record"})

    def __init__(self, allowed=True):
        self.allowed, self.asked, self.recorded = allowed, 0, []

    def allow(self):
        self.asked += 1
        return self.allowed

    def record(self, success):
        self.recorded.append(success)


class Bucket:
    """A rate limiter that makes everybody wait for so many seconds."""

    exposed = frozenset({"wait_for", "take"})

    def __init__(self, clock, wait=0.0):
        self.clock, self.wait, self.taken = clock, wait, 0

    def wait_for(self, tokens=1):
        return self.wait

    def take(self, tokens=1):
        if self.wait:
            self.clock.sleep(self.wait)
        self.taken += tokens


def new_client(submission, url, clock, **options):
    """The learner's client with a breaker that allows everything and a bucket that is never empty, unless told."""
    given = {"breaker": Breaker(), "bucket": Bucket(clock), "clock": clock, "random": lambda: 0.5}
    return submission.Client(url, options.pop("key", "sk-0123456789abcdef"), **(given | options))


def asked(client, **options):
    """The answer of a client, or the exception that it raised."""
    try:
        return client.chat(QUESTION, **options)
    except Raised as raised:
        return raised


def retried(submission, status, body=b""):
    return submission.should_retry(submission.Answer(status, {}, body))


# should_retry ---------------------------------------------------------------------------------------------------------


@check("should_retry", points=1)
def test_statuses_that_pass(submission, random):
    """Statuses that may be gone next time are retried: 408, 409, 429, and all from 500 to 599."""
    for status in (408, 409, 429, 500, 502, 503, 504, 529, random.randint(505, 599), 599):
        assert_equal(retried(submission, status), True, f"Status {status} should be retried.")


@check("should_retry", points=1)
def test_statuses_that_stay(submission, random):
    """Statuses that say that the request itself is wrong are not retried, nor is a success."""
    for status in (200, 204, 307, 400, 401, 403, 404, 413, 422, random.randint(430, 498), 600):
        assert_equal(retried(submission, status), False, f"Status {status} should not be retried.")


@check("should_retry", points=1)
def test_connection_troubles(submission):
    """A failed connection, a time-out and an answer that breaks off are retried."""
    kinds = submission.requests.exceptions
    for name in ("ConnectionError", "ConnectTimeout", "ReadTimeout", "Timeout", "ChunkedEncodingError", "ProxyError"):
        trouble = getattr(kinds, name)("It failed.")
        assert_equal(submission.should_retry(trouble), True, f"requests.exceptions.{name} should be retried.")


@check("should_retry", points=1, hidden=True)
def test_other_exceptions(submission):
    """A bad certificate, a bad URL and exceptions of other kinds are not retried."""
    kinds = submission.requests.exceptions
    for name in ("InvalidURL", "MissingSchema", "InvalidHeader", "TooManyRedirects", "RequestException", "SSLError"):
        trouble = getattr(kinds, name)("It failed.")
        assert_equal(submission.should_retry(trouble), False, f"requests.exceptions.{name} should not be retried.")
    for trouble in (submission.DeadlineExceeded("Late."), submission.CircuitOpen("Open.")):
        assert_equal(submission.should_retry(trouble), False, f"{trouble._kind} should not be retried.")


@check("should_retry", points=1)
def test_empty_account(submission):
    """A 429 with the code insufficient_quota is not retried: waiting does not fill an account."""
    body = json.dumps({"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}}).encode()
    assert_equal(retried(submission, 429, body), False, "A 429 with the code insufficient_quota should not be retried.")
    body = json.dumps({"error": {"message": "Too fast.", "code": "rate_limit_exceeded"}}).encode()
    assert_equal(retried(submission, 429, body), True, "A 429 with the code rate_limit_exceeded should be retried.")
    assert_equal(retried(submission, 503, json.dumps({"error": {"code": "insufficient_quota"}}).encode()), True,
                 "The code matters for a 429; this is a 503.")


@check("should_retry", points=1, hidden=True)
def test_odd_bodies(submission):
    """A 429 is retried whatever else its body holds: text, broken JSON, a list, an error that is a string or missing."""
    bodies = [b"", b"slow down", b'{"error": ', b"\xff\xfe\x80", b"[]", b"null", b"7", b'"insufficient_quota"']
    odd = ["insufficient_quota", None, [], {}, {"code": None}, {"message": "This is no insufficient_quota."}]
    for body in [*bodies, b'{"code": "insufficient_quota"}', *(json.dumps({"error": e}).encode() for e in odd)]:
        assert_equal(retried(submission, 429, body), True, f"A 429 with the body {body!r} should be retried.")


# backoff --------------------------------------------------------------------------------------------------------------


@check("backoff", points=1)
def test_it_doubles(submission, random):
    """The ceiling is base after the first attempt and doubles with every further one."""
    for base in (1.0, 0.25, round(random.uniform(2, 5), 2)):
        for attempt in (1, 2, 3, 4, 7):
            assert_close(submission.backoff(attempt, base, 1e6, lambda: 0.5), 0.5 * base * 2 ** (attempt - 1),
                         f"Base {base}, attempt {attempt}, random() = 0.5: half of the ceiling is expected. After attempt "
                         "1 the ceiling is the base itself.")


@check("backoff", points=1)
def test_it_is_capped(submission, random):
    """No wait exceeds the cap, however many attempts there have been."""
    cap = random.uniform(20, 40)
    for attempt in (7, 8, 12, 40):
        wait = submission.backoff(attempt, 1.0, cap, lambda: 0.999)
        assert_that(wait <= cap, f"Attempt {attempt}: the wait exceeds the cap.", f"at most {cap:.4g}", wait)
        assert_close(wait, 0.999 * cap, f"Attempt {attempt}: with random() = 0.999 the wait is nearly the cap.")
    assert_close(submission.backoff(1, 50.0, cap, lambda: 0.5), 0.5 * cap, "A base above the cap is capped too.")


@check("backoff", points=1)
def test_full_jitter(submission, random):
    """The wait is the share random() of the ceiling: anything from nothing to all of it."""
    for share in (0.0, random.uniform(0.01, 0.4), random.uniform(0.6, 0.99)):
        assert_close(submission.backoff(3, 1.5, 100.0, lambda: share), 6 * share,
                     f"Base 1.5, attempt 3: the ceiling is 6, and random() = {share:.3g} says which share of it.")


@check("backoff", points=1, hidden=True)
def test_jitter_at_the_cap(submission, random):
    """Also when the cap is reached, waits are spread evenly from zero to the cap, not piled up at it."""
    draws = [random.random() for _ in range(200)]
    waits = [submission.backoff(9, 1.0, 10.0, lambda: draw) for draw in draws]
    piled = sum(wait >= 9.999 for wait in waits)
    assert_that(piled <= 2, "Many waits are exactly the cap: the clients come back as one wave.", "at most 2 of 200", piled)
    assert_close(sum(waits) / 200, 10 * sum(draws) / 200, "The mean of 200 waits is not that of their shares.")


@check("backoff", points=1, hidden=True)
def test_no_overflow(submission):
    """The 10,000th attempt has an answer too."""
    for base in (1, 0.5):
        for attempt in (1024, 1025, 1100, 10_000):
            wait = submission.backoff(attempt, base, 60.0, lambda: 0.25)
            assert_close(wait, 15.0, f"Base {base}, attempt {attempt}: a quarter of the cap of 60 is expected.")


# retry_after ----------------------------------------------------------------------------------------------------------

NOON = 1_767_268_800  # 2026-01-01T12:00:00Z, a Thursday


def wish(submission, value, expected, message, **options):
    seen = submission.retry_after(value, float(NOON), **options)
    if expected is None:
        return assert_that(seen is None, message, "None", seen)
    assert_close(seen, float(expected), message, rtol=1e-9)


@check("retry_after", points=1)
def test_seconds(submission, random):
    """Seconds are understood, with a fraction too, and with spaces around them."""
    whole, part = random.randint(2, 900), random.randint(1, 9)
    for value, expected in ((str(whole), whole), ("0", 0), (f"{whole}.{part}", whole + part / 10), (f" {whole} ", whole)):
        wish(submission, value, expected, f"Retry-After: {value!r} asks for {expected} seconds.")


@check("retry_after", points=1)
def test_dates(submission, random):
    """A date means the seconds from now until then, in each of the three formats."""
    minutes, seconds = random.randint(1, 50), random.randint(10, 59)
    left = minutes * 60 + seconds
    clock = f"12:{minutes:02}:{seconds}"
    for value in (f"Thu, 01 Jan 2026 {clock} GMT", f"Thursday, 01-Jan-26 {clock} GMT", f"Thu Jan  1 {clock} 2026"):
        wish(submission, value, left, f"It is 12:00:00 GMT on that day, and Retry-After: {value!r} asks for {left} seconds.")


@check("retry_after", points=1, hidden=True)
def test_dates_in_kathmandu(submission, random):
    """A date is in GMT, wherever this computer stands."""
    minutes = random.randint(10, 50)
    for value in (f"Thu, 01 Jan 2026 12:{minutes}:00 GMT", f"Thu Jan  1 12:{minutes}:00 2026"):
        seen = submission.elsewhere(submission.retry_after, value, float(NOON), 90_000.0)
        assert_close(seen, minutes * 60.0, f"A computer in Kathmandu should find the same for {value!r}, {minutes} minutes.")


@check("retry_after", points=1)
def test_the_past(submission, random):
    """A date that has passed means no wait at all, never a negative one."""
    for seconds in (1, random.randint(2, 999), 10 * 365 * 86_400):
        value = formatdate(NOON - seconds, usegmt=True)
        wish(submission, value, 0.0, f"{value!r} has passed: there is nothing to wait for.")


@check("retry_after", points=1, hidden=True)
def test_far_too_long(submission, random):
    """Nobody makes us wait longer than the longest wait that we accept."""
    longest = random.uniform(60, 5000)
    decade = formatdate(NOON + 10 * 365 * 86_400, usegmt=True)
    for value in ("5001", "9" * 30, "9" * 400, decade, "Fri, 31 Dec 9999 23:59:59 GMT"):
        wish(submission, value, longest, f"Retry-After: {value[:32]!r} is too long; `longest` is expected.", longest=longest)
    wish(submission, "86400", 3600.0, "Unless told otherwise, an hour is the longest.")


@check("retry_after", points=1)
def test_nonsense(submission):
    """What is neither seconds nor a date asks for nothing."""
    for value in (None, "", "  ", "soon", "-5", "nan", "inf"):
        wish(submission, value, None, f"Retry-After: {value!r} asks for nothing.")


@check("retry_after", points=1, hidden=True)
def test_subtle_nonsense(submission):
    """What nearly is a number or a date asks for nothing, and nothing raises."""
    years = "9" * 25
    for value in ("-inf", "-0.5", "+5", "1e3", "1_000", "1.", "12, 5", "5 minutes", "Fri, 99 Jan 2026 08:00:00 GMT",
                  f"Fri, 02 Jan {years} 08:00:00 GMT", "\u00b2"):
        wish(submission, value, None, f"Retry-After: {value[:40]!r} asks for nothing.")


# post_with_deadline ---------------------------------------------------------------------------------------------------


def send(submission, provider, clock, left, **options):
    headers = options.pop("headers", {})
    deadline = clock.peek()[0] + left
    return submission.post_with_deadline(provider.url, {"a": [1, "é"]}, headers, deadline, clock, **options)


@check("post_with_deadline", points=1)
def test_answers_come_through(submission, provider, clock, random):
    """The body is sent as JSON with the headers, and the answer comes back whatever its status."""
    clock.advance(random.randint(100, 200))
    for status in (200, 404, 503):
        provider.script(Reply(status, {"Retry-After": "7"}, f"status {status}, é"))
        answer = send(submission, provider, clock, 10, headers={"X-Test": "yes"})
        assert_equal(answer.status, status, "The answer's status is not the provider's.")
        assert_equal(answer.body, f"status {status}, é".encode(), "The answer's body is not the provider's.")
    request = provider.requests[-1]
    assert_that(request.method == "POST" and request.json == {"a": [1, "é"]}, "The body should be sent as JSON, with POST.",
                {"a": [1, "é"]}, request.body)
    assert_equal(request.headers.get("x-test"), "yes", "The headers should be sent.")


@check("post_with_deadline", points=1, hidden=True)
def test_header_names(submission, provider, clock):
    """The answer's headers are found whatever the case of their names."""
    provider.script(Reply(429, {"retry-AFTER": "7"}, b"Slow down."))
    answer = send(submission, provider, clock, 10)
    for name in ("Retry-After", "retry-after", "RETRY-AFTER"):
        assert_equal(answer.headers.get(name), "7", f"The header was not found as {name}.")


@check("post_with_deadline", points=2)
def test_drips_end(submission, provider, clock, random):
    """A provider that drips bytes is cut off at the deadline."""
    clock.advance(random.randint(100, 200))
    left, start = random.randint(6, 9), clock.peek()[0]
    provider.script(Reply(chunks=[(1, b".")] * 60))
    with raises("DeadlineExceeded", f"The answer drips for 60 seconds and {left} were left."):
        send(submission, provider, clock, left)
    waited = clock.peek()[0] - start
    assert_that(waited < left + 20, "It should give up with the first piece after the deadline, not when all is there.",
                f"about {left + 1} seconds", f"{waited:.0f} seconds")


@check("post_with_deadline", points=1, hidden=True)
def test_slow_answers(submission, provider, clock, random):
    """What is complete by the deadline counts, however slowly it came; what is complete later does not."""
    clock.advance(random.randint(100, 200))
    provider.script(Reply(takes=2, chunks=[(1, b"a"), (3, b"b"), (3, b"c")]))
    answer = send(submission, provider, clock, 9.5)
    assert_equal(answer.body, b"abc", "Nine seconds of slow pieces fit into a deadline of 9.5 seconds.")
    for reply in (Reply(503, takes=10.5), Reply(body=b"late", takes=10.5), Reply(chunks=[(5, b"a"), (5.5, b"b")])):
        provider.script(reply)
        with raises("DeadlineExceeded", "The answer was complete only after 10.5 seconds, and 10 were left."):
            send(submission, provider, clock, 10)


@check("post_with_deadline", points=1)
def test_no_time_left(submission, provider, clock, random):
    """With no time left, nothing is sent."""
    clock.advance(random.randint(100, 200))
    provider.respond(lambda _: chat("Hello."))
    for left in (0, -3):
        with raises("DeadlineExceeded", "The deadline had come before the call."):
            send(submission, provider, clock, left)
    assert_equal(len(provider.requests), 0, "A request was sent although the deadline had come.")


@check("post_with_deadline", points=1)
def test_silence_ends(submission, provider, clock):
    """Silence ends with the read time-out, or sooner when less was left until the deadline."""
    woken = threading.Event()
    provider.respond(lambda _: (woken.wait(2), chat("Far too late."))[1])
    try:
        for left, options in ((60, {"read_timeout": 0.08}), (0.08, {})):
            with raises("Timeout", f"With {left} s left and {options or 'the usual time-outs'}, a provider that keeps "
                                   "silent should be given up after 0.08 s of real time; it was still waited for."):
                send(submission, provider, clock, left, **options)
    finally:
        woken.set()


@check("post_with_deadline", points=1, hidden=True)
def test_two_timeouts(submission, provider, clock):
    """The connect time-out bounds the connection only: an answer may take longer than that."""
    provider.respond(lambda _: (threading.Event().wait(0.25), chat("Here I am."))[1])
    try:
        answer = send(submission, provider, clock, 60, connect_timeout=0.1, read_timeout=20)
    except Raised as raised:
        raise AssertionError(f"connect_timeout=0.1, read_timeout=20: an answer after 0.25 s is in time. It raised {raised}") from None
    assert_equal(answer.status, 200, "The answer came within the read time-out.")


@check("post_with_deadline", points=1, hidden=True)
def test_failures_pass_through(submission, provider, clock):
    """Refused, dropped and cut connections raise what requests raises."""
    provider.script(Reply(drop=True), Reply(body=b"0123456789", cut=4), Reply(chunks=[(0, b"01"), (0, b"23")], cut=3))
    for _ in range(3):
        with raises("RequestException", "The connection broke in the middle of the answer."):
            send(submission, provider, clock, 60)
    with raises("ConnectionError", "Nobody listens at that address."):
        submission.post_with_deadline(refused_url(), {}, {}, 60.0, clock)


@check("post_with_deadline", points=1, hidden=True)
def test_redirects(submission, provider, clock):
    """A redirect is returned, not followed."""
    provider.respond(lambda _: chat("You followed."))
    provider.script(Reply(307, {"Location": f"{provider.url}/elsewhere"}, b"Go there."))
    answer = send(submission, provider, clock, 60, headers={"Authorization": "Bearer secret"})
    assert_equal(len(provider.requests), 1, "The redirect was followed, and the headers with it.")
    assert_equal(answer.status, 307, "The redirect itself is the answer.")


# TokenBucket ----------------------------------------------------------------------------------------------------------


@check("TokenBucket", points=1)
def test_bursts(submission, clock, random):
    """A full bucket lets a burst through without any wait, and the next one waits for one token."""
    capacity, rate = random.randint(3, 6), random.choice([0.5, 2, 4])
    bucket = submission.TokenBucket(capacity, rate, clock)
    for _ in range(capacity):
        bucket.take()
    assert_equal(clock.sleeps, [], f"The bucket is full at the start: {capacity} requests need not wait.")
    bucket.take()
    assert_close(sum(clock.sleeps), 1 / rate, f"Seconds slept: the next one has to wait for one token, at {rate} a second.")
    bucket.take()
    assert_close(sum(clock.sleeps), 2 / rate, f"Seconds slept: and the one after it for another token, at {rate} a second.")


@check("TokenBucket", points=1)
def test_never_beyond_capacity(submission, clock, random):
    """After a long pause the bucket is full, and no more than full."""
    capacity = random.randint(2, 5)
    bucket = submission.TokenBucket(capacity, 2.0, clock)
    for _ in range(2):
        clock.advance(1000)
        for _ in range(capacity):
            bucket.take()
        assert_equal(clock.sleeps, [], "After a long pause it should be full.")
    assert_close(bucket.wait_for(1), 0.5, f"After a pause and {capacity} requests, a bucket of {capacity} is empty.")


@check("TokenBucket", points=1)
def test_fractions_count(submission, clock, random):
    """Tokens come little by little; parts of a token and of a second are not lost."""
    bucket = submission.TokenBucket(8, 1.0, clock)
    bucket.take(8)
    clock.advance(3)
    assert_close(bucket.wait_for(4), 1.0, "Emptied three seconds ago; at one token a second, one of four is missing.")
    bucket = submission.TokenBucket(2, 0.5, clock)
    bucket.take(2)
    for step in range(1, 8):
        clock.advance(0.25)
        assert_close(bucket.wait_for(1), 2 - 0.25 * step,
                     f"Emptied {0.25 * step} seconds ago; at half a token a second the first one is there after 2 seconds.")
    bucket.take()
    assert_close(sum(clock.sleeps), 0.25, "Seconds slept: a quarter of a second was still missing.")


@check("TokenBucket", points=1)
def test_looking_takes_nothing(submission, clock, random):
    """wait_for only looks: it neither sleeps nor takes."""
    bucket = submission.TokenBucket(4, 2.0, clock)
    for _ in range(3):
        assert_close(bucket.wait_for(3), 0.0, "Three of four tokens are there at once, however often one asks.")
    bucket.take(3)
    for tokens, expected in ((1, 0.0), (2, 0.5), (4, 1.5)):
        assert_close(bucket.wait_for(tokens), expected, f"One token is left, two come in a second; {tokens} are wanted.")
    assert_equal(clock.sleeps, [], "Looking should not sleep.")
    bucket.take(2)
    assert_close(bucket.wait_for(2), 1.0, "One token was left, one was waited for, and both were taken: "
                 "none is left, and two more take a second.")


@check("TokenBucket", points=1)
def test_too_large(submission, clock):
    """More tokens than the bucket can hold raise ValueError, and nothing is lost."""
    bucket = submission.TokenBucket(3, 1.0, clock)
    for method in (bucket.wait_for, bucket.take):
        with raises("ValueError", "Four tokens never fit into a bucket of three: waiting for them would never end."):
            method(4)
    assert_equal(clock.sleeps, [], "It should not sleep before it refuses.")
    bucket.take(3)
    assert_equal(clock.sleeps, [], "The refused request should leave the bucket as full as it was.")


@check("TokenBucket", points=2, hidden=True)
def test_the_rate_holds(submission, clock, random):
    """Over any stretch of a random day the rate is never exceeded, and nobody waits longer than needed."""
    capacity, rate = random.randint(3, 6), random.choice([0.4, 1.5, 3.0])
    bucket = submission.TokenBucket(capacity, rate, clock)
    level, last, taken = float(capacity), clock.peek()[0], []
    for _ in range(30):
        clock.advance(random.choice([0.0, 0.0, 0.3, random.uniform(0, 2), 5.0]))
        tokens, start = random.choice([1, 1, 2, capacity, 0.5]), clock.peek()[0]
        level = min(capacity, level + (start - last) * rate)
        needed = max(0.0, (tokens - level) / rate)
        bucket.take(tokens)
        now = clock.peek()[0]
        level, last = min(capacity, level + (now - start) * rate) - tokens, now
        taken.append((now, tokens))
        for first, (since, _) in enumerate(taken):
            out = sum(t for _, t in taken[first:])
            assert_that(out <= capacity + rate * (now - since) + 1e-6, "More tokens were given out than capacity and rate "
                        f"allow within {now - since:.3g} seconds.", f"at most {capacity + rate * (now - since):.4g}", out)
        assert_close(now - start, needed, f"{tokens} tokens, capacity {capacity}, rate {rate}: the wait is not the needed one.")


@check("TokenBucket", points=1, hidden=True)
def test_the_clock_is_set(submission):
    """Somebody sets the computer's time; the limiter does not care."""
    clock = JumpyClock()
    bucket = submission.TokenBucket(2, 1.0, clock)
    bucket.take(2)
    for jump in (3600, -7200):
        clock.jump(jump)
        assert_close(bucket.wait_for(1), 1.0, f"The time of day was set by {jump} seconds; no second has passed.")


# CircuitBreaker -------------------------------------------------------------------------------------------------------


def opened(submission, clock, threshold=3, cooldown=20.0):
    """A breaker of the learner's that has just opened."""
    breaker = submission.CircuitBreaker(threshold, cooldown, clock)
    for _ in range(threshold):
        breaker.allow()
        breaker.record(False)
    return breaker


@check("CircuitBreaker", points=1)
def test_it_opens(submission, clock, random):
    """The failure that makes it threshold in a row opens the breaker, not an earlier one."""
    threshold = random.randint(2, 5)
    breaker = submission.CircuitBreaker(threshold, 20.0, clock)
    for failures in range(threshold):
        assert_equal(breaker.state, "closed", f"After {failures} failures, with a threshold of {threshold}.")
        assert_equal(breaker.allow(), True, "A closed breaker allows every request.")
        breaker.record(False)
    assert_equal(breaker.state, "open", f"After {threshold} failures, with a threshold of {threshold}.")
    assert_equal(breaker.allow(), False, "An open breaker allows no request.")


@check("CircuitBreaker", points=1)
def test_a_success_resets(submission, clock, random):
    """Only failures in a row count: a success sets the count back to zero."""
    breaker = submission.CircuitBreaker(3, 20.0, clock)
    for success in (False, False, True, False, False, True, True, False, False):
        assert_equal(breaker.allow(), True, "There were never three failures in a row.")
        breaker.record(success)
    assert_equal(breaker.state, "closed", "There were never three failures in a row.")
    breaker.record(False)
    assert_equal(breaker.state, "open", "Now there were three failures in a row.")


@check("CircuitBreaker", points=1)
def test_one_probe(submission, clock):
    """After the cool-down exactly one request is allowed, until its outcome is known."""
    breaker = opened(submission, clock)
    clock.advance(19)
    assert_equal(breaker.state, "open", "The cool-down of 20 seconds ends only in a second.")
    assert_equal(breaker.allow(), False, "The cool-down of 20 seconds ends only in a second.")
    clock.advance(1)
    assert_equal(breaker.state, "half-open", "The cool-down has ended.")
    assert_equal(breaker.state, "half-open", "Looking at the state changes nothing.")
    assert_equal(breaker.allow(), True, "The first one who asks after the cool-down may send the probe.")
    for _ in range(3):
        assert_equal(breaker.allow(), False, "The probe is under way; nobody else may send.")
        assert_equal(breaker.state, "half-open", "The probe is under way.")


@check("CircuitBreaker", points=1)
def test_the_probe_succeeds(submission, clock):
    """A successful probe closes the breaker, as if new."""
    breaker = opened(submission, clock)
    clock.advance(25)
    breaker.allow()
    breaker.record(True)
    assert_equal(breaker.state, "closed", "The probe succeeded.")
    for failures in range(3):
        assert_equal(breaker.allow(), True, f"Closed again, then {failures} of 3 failures: still allowed.")
        breaker.record(False)
    assert_equal(breaker.state, "open", "Three new failures open it again.")
    clock.advance(20)
    assert_equal(breaker.allow(), True, "And after another cool-down there is another probe.")


@check("CircuitBreaker", points=1, hidden=True)
def test_the_probe_fails(submission, clock, random):
    """A failed probe opens the breaker for another whole cool-down, as often as it takes."""
    breaker = opened(submission, clock)
    for _ in range(3):
        clock.advance(random.randint(20, 50))
        assert_equal(breaker.allow(), True, "After the cool-down comes a probe.")
        clock.advance(7)  # the probe takes its time
        breaker.record(False)
        assert_equal(breaker.state, "open", "The probe failed: one failure is enough.")
        clock.advance(19)
        assert_equal(breaker.allow(), False, "A failed probe starts the cool-down anew, at the moment of its failure.")
        clock.advance(1)
        assert_equal(breaker.state, "half-open", "A whole cool-down after the failed probe.")


@check("CircuitBreaker", points=1, hidden=True)
def test_late_outcomes(submission, clock):
    """Outcomes that come in while the breaker is open belong to earlier requests and change nothing."""
    breaker = opened(submission, clock)
    clock.advance(10)
    breaker.record(True)
    assert_equal(breaker.state, "open", "A late success does not close an open breaker.")
    breaker.record(False)
    clock.advance(10)
    assert_equal(breaker.state, "half-open", "A late failure does not lengthen the cool-down.")
    assert_equal(breaker.allow(), True, "The cool-down has ended: the probe may be sent.")


@check("CircuitBreaker", points=1, hidden=True)
def test_the_clock_is_set_back(submission):
    """Somebody sets the computer's time; the cool-down does not care."""
    clock = JumpyClock()
    breaker = opened(submission, clock)
    clock.jump(3600)
    assert_equal(breaker.state, "open", "The time of day was set ahead; no second has passed.")
    clock.jump(-7200)
    clock.advance(20)
    assert_equal(breaker.state, "half-open", "The time of day was set back; twenty seconds have passed.")


# Client ---------------------------------------------------------------------------------------------------------------


@check("Client", points=1)
def test_a_good_day(submission, provider, clock, random):
    """A question is sent once, with the key in its header, and the text of the answer comes back."""
    key = f"sk-{random.getrandbits(64):016x}"
    provider.respond(lambda _: chat("On its way, é."))
    client = new_client(submission, provider.url, clock, key=key, model="small")
    assert_equal(client.chat(QUESTION), "On its way, é.", "The text of the answer should come back.")
    assert_equal(len(provider.requests), 1, "One question, one request.")
    request = provider.requests[0]
    assert_equal(request.path, "/v1/chat/completions", "The path of the request.")
    assert_equal(request.json, {"model": "small", "messages": QUESTION}, "The body of the request.")
    assert_equal(request.headers.get("Authorization"), f"Bearer {key}", "The key belongs into the Authorization header.")
    elsewhere = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
    assert_that(key not in str(elsewhere), "The key stands in another header as well.", "only Authorization", elsewhere)


@check("Client", points=1)
def test_retries_with_backoff(submission, provider, clock, random):
    """What may pass is retried, after a wait with backoff and jitter, until there is an answer."""
    share = random.uniform(0.2, 0.9)
    provider.script(error(503), Reply(drop=True), Reply(200, body=b'{"choices": [', cut=5), chat("Finally."))
    client = new_client(submission, provider.url, clock, base=2.0, random=lambda: share)
    assert_equal(asked(client), "Finally.", "A 503, a lost connection and a cut answer came before the good one.")
    for number, expected in enumerate((2, 4, 8)):
        seen = clock.sleeps[number] if number < len(clock.sleeps) else 0.0
        assert_close(seen, expected * share, f"Wait number {number + 1}: base 2, so its ceiling is {expected}, and "
                     f"random() = {share:.3g} says which share of it.")


@check("Client", points=1)
def test_not_retried(submission, provider, clock, random):
    """A request that is wrong is sent once; the ProviderError holds its status and what the provider said."""
    quota = error(429, "Your account is empty.", code="insufficient_quota")
    others = [error(status, f"Mistake {status}.") for status in (400, 401, 403, 404, 422)]
    for reply in [*others, quota, Reply(200, body="[]"), Reply(403, body="Go away.")]:
        provider.script(reply)
        before = len(provider.requests)
        raised = asked(new_client(submission, provider.url, clock))
        assert_that(getattr(raised, "kinds", [""])[0] == "ProviderError", f"Status {reply.status} is a ProviderError.",
                    "ProviderError", str(raised))
        said = reply.body["error"]["message"] if isinstance(reply.body, dict) else reply.body
        assert_that(str(reply.status) in raised.message and said in raised.message,
                    "The exception should hold the status and what the provider said.", f"{reply.status}: {said}",
                    raised.message)
        assert_equal(len(provider.requests) - before, 1, f"Status {reply.status} ({said}) should not be sent again.")
    assert_equal(clock.sleeps, [], "There was nothing to wait for.")


@check("Client", points=1)
def test_attempts_are_bounded(submission, provider, clock, random):
    """After the last attempt it gives up at once, without another sleep."""
    attempts = random.randint(2, 5)
    provider.respond(lambda _: error(500, "Broken."))
    for number in (attempts, 1):
        before = len(provider.requests), len(clock.sleeps)
        client = new_client(submission, provider.url, clock, attempts=number)
        with raises("ProviderError", "The provider answered 500 every time."):
            client.chat(QUESTION, 1000.0)
        assert_equal(len(provider.requests) - before[0], number, f"attempts={number}: so many requests, no more, no fewer.")
        assert_equal(len(clock.sleeps) - before[1], number - 1, "It sleeps between attempts, and not after the last one.")


@check("Client", points=1)
def test_retry_after_is_honoured(submission, provider, clock, random):
    """It waits as long as the provider asks, in seconds or as a date, and not much longer."""
    client = new_client(submission, provider.url, clock, base=4.0)
    for form in ("seconds", "a date"):
        seconds, (start, now) = random.randint(15, 25), clock.peek()
        value = str(seconds) if form == "seconds" else formatdate(now + seconds, usegmt=True)
        provider.script(error(429, headers={"Retry-After": value}), chat("Yes."))
        assert_equal(asked(client, timeout=100.0), "Yes.", f"The provider answered 429 with Retry-After as {form}, then well.")
        waited = clock.peek()[0] - start
        assert_that(seconds <= waited <= seconds + 2.001, f"Retry-After, as {form}, asks for {seconds} seconds; base 4 and "
                    "random() = 0.5 make 2 seconds of backoff.", f"{seconds} to {seconds + 2} seconds", waited)


@check("Client", points=1, hidden=True)
def test_retry_after_does_not_shorten(submission, provider, clock):
    """A Retry-After that is shorter than the backoff, or makes no sense, does not shorten the wait."""
    for value in ("0", "1", "soon"):
        provider.script(error(429, headers={"Retry-After": value}), chat("Yes."))
        start = clock.peek()[0]
        assert_equal(asked(new_client(submission, provider.url, clock, base=4.0)), "Yes.", "One 429, then an answer.")
        waited = clock.peek()[0] - start
        assert_that(1.999 <= waited <= 3.001, f"Retry-After: {value}; base 4 and random() = 0.5 make 2 seconds of backoff.",
                    "at least 2 seconds", waited)


@check("Client", points=2, hidden=True)
def test_one_deadline(submission, provider, clock, random):
    """The deadline spans all attempts and sleeps: no sleep leads past it, and no attempt starts it anew."""
    clock.advance(random.randint(50, 99))
    provider.script(error(429, headers={"Retry-After": "45"}))
    client = new_client(submission, provider.url, clock, attempts=9)
    with raises("DeadlineExceeded", "The provider asks for 45 seconds, and the customer waits for 30."):
        client.chat(QUESTION, 30.0)
    assert_equal(clock.sleeps, [], "A sleep that leads past the deadline is not begun.")
    assert_equal(len(provider.requests), 1, "No request should follow.")
    start = clock.peek()[0]
    provider.respond(lambda _: error(503, takes=10))
    with raises("DeadlineExceeded", "Each attempt takes ten seconds, and the customer waits for 35."):
        client.chat(QUESTION, 35.0)
    assert_that(clock.peek()[0] - start <= 45, "It is over 35 seconds after the question, whatever each attempt takes.",
                "at most one attempt longer than 35 seconds", f"{clock.peek()[0] - start:.0f} seconds")


@check("Client", points=1, hidden=True)
def test_drips_and_silence(submission, provider, clock):
    """A provider that drips is cut off at the deadline; one that keeps silent is asked again."""
    breaker, start = Breaker(), clock.peek()[0]
    provider.script(Reply(chunks=[(1, b" ")] * 60))
    with raises("DeadlineExceeded", "The answer drips for 60 seconds, and the customer waits for 8."):
        new_client(submission, provider.url, clock, breaker=breaker).chat(QUESTION, 8.0)
    assert_that(clock.peek()[0] - start < 30, "The drip should be cut off at the deadline.", "about 9 s",
                f"{clock.peek()[0] - start:.0f} s")
    provider.script(Reply(silent=True))
    provider.respond(lambda _: chat("Awake."))
    client = new_client(submission, provider.url, clock, breaker=breaker, connect_timeout=0.3, read_timeout=0.3)
    assert_equal(asked(client), "Awake.", "The provider kept silent once (for longer than read_timeout), then answered.")
    assert_that(breaker.recorded[:2] == [False, False] and breaker.recorded[-1], "Outcomes recorded: the drip, the silence, "
                "the answer.", [False, False, True], breaker.recorded)


@check("Client", points=1)
def test_the_breaker_is_asked(submission, provider, clock):
    """Nothing is sent unless the breaker allows it, and the breaker learns each outcome once: only 5xx and exceptions are
    failures."""
    closed = Breaker(allowed=False)
    with raises("CircuitOpen", "The breaker does not allow a request."):
        new_client(submission, provider.url, clock, breaker=closed).chat(QUESTION)
    assert_equal((len(provider.requests), closed.recorded), (0, []), "Requests and records while the breaker is open.")
    breaker = Breaker()
    client = new_client(submission, provider.url, clock, breaker=breaker)
    provider.script(error(429), Reply(drop=True), error(500), chat("Yes."), error(400), Reply(body=b"?"))
    for _ in range(3):
        asked(client)
    assert_equal(breaker.recorded, [True, False, False, True, True, True],
                 "Outcomes recorded for 429, a lost connection, 500, 200, 400 and a strange 200.")
    assert_equal(breaker.asked, 6, "The breaker is asked before each request.")


@check("Client", points=1, hidden=True)
def test_the_bucket_is_asked(submission, provider, clock):
    """Each attempt takes one token; a limiter that leaves no time is not waited for."""
    provider.script(error(503), error(503), chat("Yes."))
    bucket = Bucket(clock, wait=3.0)
    assert_equal(asked(new_client(submission, provider.url, clock, bucket=bucket)), "Yes.", "Two 503, then an answer.")
    assert_equal(bucket.taken, 3, "Three requests take three tokens, the retries too.")
    clock.sleeps.clear()
    bucket, breaker = Bucket(clock, wait=40.0), Breaker()
    client = new_client(submission, provider.url, clock, bucket=bucket, breaker=breaker)
    with raises("DeadlineExceeded", "The limiter asks for 40 seconds, and the customer waits for 30."):
        client.chat(QUESTION, 30.0)
    assert_equal((clock.sleeps, bucket.taken, len(provider.requests)), ([], 0, 3), "Sleeps, tokens and requests after that.")
    assert_equal(breaker.asked, len(breaker.recorded), "Whoever is allowed by the breaker must record an outcome.")
    closed = Bucket(clock, wait=3.0)
    with raises("CircuitOpen", "The breaker does not allow a request."):
        new_client(submission, provider.url, clock, bucket=closed, breaker=Breaker(False)).chat(QUESTION)
    assert_equal(closed.taken, 0, "No token is spent on a request that is not sent.")


@check("Client", points=1, hidden=True)
def test_idempotency_key(submission, provider, clock):
    """All requests of one question carry the same Idempotency-Key."""
    provider.script(error(503), error(429), chat("One."))
    asked(new_client(submission, provider.url, clock))
    keys = [request.headers.get("Idempotency-Key") for request in provider.requests]
    assert_that(len(keys) == 3 and all(keys), "Each of three requests needs an Idempotency-Key.", 3, sum(map(bool, keys)))
    assert_equal(len(set(keys)), 1, "All requests for one question should share one Idempotency-Key; different ones:")


@check("Client", points=1, hidden=True)
def test_next_idempotency_key(submission, provider, clock):
    """Another question, even with the same words, carries another Idempotency-Key."""
    given = {}

    def remembering(request):  # one answer for each key, as providers do that know the header
        key = request.headers.get("Idempotency-Key")
        return chat(given.setdefault(key, f"Answer {len(given) + 1}."))

    provider.respond(remembering)
    client = new_client(submission, provider.url, clock)
    answers = [asked(asker) for asker in (client, client, new_client(submission, provider.url, clock))]
    assert_equal(answers, ["Answer 1.", "Answer 2.", "Answer 3."], "Whoever asks with an Idempotency-Key that this provider "
                 "has seen gets the answer from then.")


@check("Client", points=1)
def test_no_leaks(submission, provider, clock, random):
    """The key is nowhere to be seen: not in the client's repr, a log, or an exception, also when the provider repeats it."""
    key = f"sk-{random.getrandbits(96):024x}"
    client = new_client(submission, provider.url, clock, key=key)
    provider.respond(lambda _: error(401, f"Incorrect API key provided: {key}."))
    assert_equal(submission.leaks(client, QUESTION, key), [], "Parts of the key were seen. The provider had answered 401.")
    raised = asked(client)
    assert_that("[key]" in str(raised), "Where the provider repeats the key, [key] should stand.", "[key]", str(raised)
                .replace(key, "(the key)"))
    assert_that(all(key not in request.path for request in provider.requests), "The key stands in the URL.")


@check("Client", points=1, hidden=True)
def test_no_leaks_at_the_edge(submission, provider, clock, random):
    """Nor does it leak from plain text, from long messages, from a refused connection, or with a line break at its end."""
    key = f"sk-{random.getrandbits(160):040x}"
    for reply in (Reply(403, body=f"{key} is no good key"), error(400, f"{key} " * 40), error(503, key),
                  Reply(200, body={"oh": key}), Reply(422, body=f"!{key}" * 40)):
        provider.respond(lambda _, reply=reply: reply)
        client = new_client(submission, provider.url, clock, key=key, attempts=2)
        assert_equal(submission.leaks(client, QUESTION, key), [], f"Parts of the key were seen after a {reply.status}.")
    client = new_client(submission, refused_url(), clock, key=key)
    assert_equal(submission.leaks(client, QUESTION, key), [], "Parts of the key were seen after a refused connection.")
    provider.respond(lambda _: chat("Yes."))
    client = new_client(submission, provider.url, clock, key=f"{key}\n")
    assert_equal(submission.leaks(client, QUESTION, key), [], "Parts of the key were seen; the key ended in a line break.")
    assert_equal(asked(client), "Yes.", "A key with a line break at its end should do, without the line break.")
