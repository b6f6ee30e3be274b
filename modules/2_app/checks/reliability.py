# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.
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


@check("should_retry", points=1)
def test_empty_account(submission):
    """A 429 with the code insufficient_quota is not retried: waiting does not fill an account."""
    body = json.dumps({"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}}).encode()
    assert_equal(retried(submission, 429, body), False, "A 429 with the code insufficient_quota should not be retried.")
    body = json.dumps({"error": {"message": "Too fast.", "code": "rate_limit_exceeded"}}).encode()
    assert_equal(retried(submission, 429, body), True, "A 429 with the code rate_limit_exceeded should be retried.")
    assert_equal(retried(submission, 503, json.dumps({"error": {"code": "insufficient_quota"}}).encode()), True,
                 "The code matters for a 429; this is a 503.")


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


@check("retry_after", points=1)
def test_the_past(submission, random):
    """A date that has passed means no wait at all, never a negative one."""
    for seconds in (1, random.randint(2, 999), 10 * 365 * 86_400):
        value = formatdate(NOON - seconds, usegmt=True)
        wish(submission, value, 0.0, f"{value!r} has passed: there is nothing to wait for.")


@check("retry_after", points=1)
def test_nonsense(submission):
    """What is neither seconds nor a date asks for nothing."""
    for value in (None, "", "  ", "soon", "-5", "nan", "inf"):
        wish(submission, value, None, f"Retry-After: {value!r} asks for nothing.")


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

ABOUT = {"lesson": "reliability", "title": "Reliability", "minutes": 90, "uses": {"should_retry": [], "backoff": [], "retry_after": [], "post_with_deadline": [], "TokenBucket": [], "CircuitBreaker": [], "Client": ["CircuitBreaker", "TokenBucket", "backoff", "post_with_deadline", "retry_after", "should_retry"]}, "taught": []}
