from grader.variants import Alternative, Mistake

RETRYABLE = """\
    if isinstance(outcome, requests.exceptions.SSLError):
        return False
    broke_off = requests.exceptions.ChunkedEncodingError
    return isinstance(outcome, (requests.ConnectionError, requests.Timeout, broke_off))"""
QUOTA = """\
            try:
                code = json.loads(outcome.body)["error"]["code"]
            except (ValueError, LookupError, TypeError):
                return True
            return code != "insufficient_quota\""""
READ = """\
        for piece in arriving(response):
            content += piece
            if clock.monotonic() > deadline:
                break
        if clock.monotonic() > deadline:
            raise DeadlineExceeded("The answer was not complete in time.")
"""
TAKE = """\
        wait = self.wait_for(tokens)
        if wait > 0:
            self._clock.sleep(wait)
        self._refill()
        self._tokens -= tokens
"""
REFILL = """\
        now = self._clock.monotonic()
        gained = (now - self._filled_at) * self.rate
        self._tokens = min(self.capacity, self._tokens + gained)
        self._filled_at = now
"""
RECORD = """\
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
"""
SEND = """\
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
"""
LOOP = """\
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
"""
TOO_LATE = """\
            if self.clock.monotonic() + wait >= deadline:
                raise DeadlineExceeded("The next attempt would come too late.")
"""

VARIANTS = [
    # should_retry -----------------------------------------------------------------------------------------------------
    Alternative("should_retry", "match statement", other='''
    match outcome:
        case Answer(status=429):
            try:
                data = outcome.body and json.loads(outcome.body)
            except ValueError:
                return True
            problem = data.get("error") if isinstance(data, dict) else None
            return not (isinstance(problem, dict) and problem.get("code") == "insufficient_quota")
        case Answer(status=408 | 409):
            return True
        case Answer(status=status):
            return status // 100 == 5
        case requests.exceptions.SSLError():
            return False
        case requests.ConnectionError() | requests.Timeout() | requests.exceptions.ChunkedEncodingError():
            return True
    return False
    '''),
    Alternative("should_retry", "decodes leniently", right='json.loads(outcome.body)["error"]["code"]',
                other='json.loads(outcome.body.decode("utf-8", "replace"))["error"]["code"]'),
    Mistake("should_retry", "empty account retried", right='return code != "insufficient_quota"', wrong="return True",
            hint="You retry every 429, also the one whose code says that the account is empty. Waiting does not fill it: "
                 "the customer waits in vain through all your attempts.", spoils=("Client",)),
    Mistake("should_retry", "everything from 400 on", right="return outcome.status in (408, 409) or 500 <= outcome.status <= 599",
            wrong="return outcome.status >= 400",
            hint="You retry every status from 400 on. A 401 says that the key is wrong: would it be right in two seconds? Ask "
                 "for each status whether the very same request may succeed later.", spoils=("Client",)),
    Mistake("should_retry", "a list of favourites", right="500 <= outcome.status <= 599",
            wrong="outcome.status in (500, 502, 503, 504)",
            hint="You know four server errors by name, but providers send others: 529 means overloaded, 520 to 524 come from a "
                 "proxy before it. All from 500 to 599 say that the trouble is not yours."),
    Mistake("should_retry", "only 5xx and 429", right="outcome.status in (408, 409) or 500 <=", wrong="500 <=",
            hint="408 and 409 are missing: the server waited too long for your request, or somebody held a lock. Both may "
                 "be over the next time."),
    Mistake("should_retry", "no upper end", right="500 <= outcome.status <= 599", wrong="outcome.status >= 500",
            hint="Server errors end at 599; a status beyond that is no HTTP status, and nobody knows what it means."),
    Mistake("should_retry", "trusts the body", right=QUOTA,
            wrong='            return json.loads(outcome.body)["error"]["code"] != "insufficient_quota"',
            hint="You count on a body in the usual form. A proxy in between answers 429 with plain text or with nothing, and "
                 "then reading the code raises instead of saying yes or no."),
    Mistake("should_retry", "JSON, but which?", right="(ValueError, LookupError, TypeError)", wrong="(ValueError, KeyError)",
            hint="You are prepared for text that is not JSON, but not for JSON of another shape: a list, a number, an error "
                 "that is a string. What does [\"error\"] raise for a list?"),
    Mistake("should_retry", "word anywhere in the body", right=QUOTA,
            wrong='            return b"insufficient_quota" not in outcome.body',
            hint="You look for the word anywhere in the body. It may stand in a message that says the opposite: only "
                 "error.code counts."),
    Mistake("should_retry", "the built-in ConnectionError", right=RETRYABLE,
            wrong="    return isinstance(outcome, (ConnectionError, TimeoutError, requests.exceptions.ChunkedEncodingError))",
            hint="You test for Python's own ConnectionError and TimeoutError. Those of requests have the same names and are "
                 "other classes that do not come from these: they slip through.", spoils=("Client",)),
    Mistake("should_retry", "all of requests' exceptions", right=RETRYABLE,
            wrong="    return isinstance(outcome, requests.RequestException)",
            hint="You retry whatever requests raises. A bad URL or a bad certificate is no better the next time; and a "
                 "certificate that is wrong may be an attack."),
    Mistake("should_retry", "bad certificates retried", right=RETRYABLE,
            wrong="""\
    broke_off = requests.exceptions.ChunkedEncodingError
    return isinstance(outcome, (requests.ConnectionError, requests.Timeout, broke_off))""",
            hint="An SSLError comes from ConnectionError, so you retry it. A certificate that is wrong now is wrong in two "
                 "seconds, and may be an attack: it needs a No before the Yes."),
    Mistake("should_retry", "cut answers forgotten", right="(requests.ConnectionError, requests.Timeout, broke_off)",
            wrong="(requests.ConnectionError, requests.Timeout)",
            hint="An answer that breaks off in the middle is a ChunkedEncodingError, and that comes from neither "
                 "ConnectionError nor Timeout.", spoils=("Client",)),
    Mistake("should_retry", "time-outs forgotten", right="(requests.ConnectionError, requests.Timeout, broke_off)",
            wrong="(requests.ConnectionError, broke_off)",
            hint="A ConnectTimeout is a ConnectionError too, a ReadTimeout is not: silence after the connection is never "
                 "retried by your code.", spoils=("Client",)),
    # backoff ----------------------------------------------------------------------------------------------------------
    Alternative("backoff", "doubles in a loop", other='''
    ceiling = min(base, cap)
    for _ in range(attempt - 1):
        if ceiling >= cap:
            break
        ceiling = min(2 * ceiling, cap)
    return ceiling * random()
    '''),
    Alternative("backoff", "catches the overflow", other='''
    try:
        ceiling = math.ldexp(base, attempt - 1)
    except OverflowError:
        ceiling = cap
    return random() * min(ceiling, cap)
    '''),
    Alternative("backoff", "compares logarithms", other='''
    ceiling = cap if attempt - 1 >= math.log2(cap / base) else base * 2 ** (attempt - 1)
    return random() * ceiling
    '''),
    Mistake("backoff", "one doubling too many", right="min(attempt - 1, 1000)", wrong="min(attempt, 1000)",
            hint="Your first wait is up to twice the base. The attempts are numbered from 1, and after the first one nothing "
                 "has been doubled yet.", spoils=("Client",)),
    Mistake("backoff", "no jitter", right="return random() * ceiling", wrong="return ceiling",
            hint="Every client waits exactly as long: all those that failed together come back together, as one wave. "
                 "Where does chance come in?", spoils=("Client",)),
    Mistake("backoff", "half jitter", right="return random() * ceiling", wrong="return ceiling / 2 + random() * ceiling / 2",
            hint="You wait at least half of the ceiling, and chance decides over the rest. Full jitter draws from all of "
                 "it, from zero on: only then do the requests spread out evenly.", spoils=("Client",)),
    Mistake("backoff", "a pinch of jitter", right="return random() * ceiling", wrong="return ceiling * (0.9 + 0.2 * random())",
            hint="You vary the wait by a tenth. The wave gets a little broader and stays a wave (and may exceed the cap).",
            spoils=("Client",)),
    Mistake("backoff", "capped after the jitter", right="""\
    ceiling = min(cap, base * 2.0**doublings)
    return random() * ceiling""", wrong="    return min(cap, random() * base * 2.0**doublings)",
            hint="You draw first and cap then: after some attempts nearly every draw lies above the cap, so that all clients "
                 "wait for exactly the cap. Cap the ceiling, then draw from it."),
    Mistake("backoff", "no cap", right="min(cap, base * 2.0**doublings)", wrong="base * 2.0**doublings",
            hint="Nothing stops the doubling: the twentieth wait is six days. What is `cap` for?"),
    Mistake("backoff", "overflow", right="min(attempt - 1, 1000)", wrong="attempt - 1",
            hint="2.0**10000 is more than a float can hold and raises OverflowError, and that in a client that has been "
                 "patient for long. The cap comes too late for it: bound the number of doublings."),
    Mistake("backoff", "whole numbers overflow too", right="min(cap, base * 2.0**doublings)",
            wrong="min(cap, base * 2 ** (attempt - 1))",
            hint="2**10000 is fine as a whole number, but base is a float: their product raises OverflowError for attempt "
                 "1100. (It worked with a base that is a whole number, did it not?)"),
    Mistake("backoff", "linear", right="base * 2.0**doublings", wrong="base * attempt",
            hint="Your waits grow by the same amount each time: 1, 2, 3, 4. Exponential backoff doubles: 1, 2, 4, 8.",
            spoils=("Client",)),
    Mistake("backoff", "powers of the base", right="base * 2.0**doublings", wrong="base ** (doublings + 1)",
            hint="You raise the base to a power. With a base of 2 that looks right, with a base of 1 it is always 1, and a "
                 "base of a quarter shrinks. It is the 2 that is raised, and the base is multiplied."),
    # retry_after ------------------------------------------------------------------------------------------------------
    Alternative("retry_after", "parsedate_tz", other='''
    text = "" if value is None else value.strip(" \\t")
    whole, point, part = text.partition(".")
    digits = set("0123456789")
    if whole and set(whole + part) <= digits and bool(point) == bool(part):
        seconds = float(text)
    else:
        try:
            parts = email.utils.parsedate_tz(text)
            seconds = email.utils.mktime_tz((*parts[:9], parts[9] or 0)) - now
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
        if not 1 <= parts[2] <= 31:
            return None
    return max(0.0, min(seconds, longest))
    '''),
    Alternative("retry_after", "float, then checked", other='''
    if value is None:
        return None
    value = value.strip()
    try:
        wait = float(value) if re.match("^[0-9]+([.][0-9]+)?$", value) else None
        if wait is None:
            moment = email.utils.parsedate_to_datetime(value)
            wait = moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp() - now
    except Exception:
        return None
    return 0.0 if wait < 0 else longest if wait > longest else wait
    '''),
    Mistake("retry_after", "local time", right="""\
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
""", wrong="",
            hint="One of the three formats does not name its time zone, and Python then takes it for the time where the "
                 "computer stands. Right in London in winter, 5 hours and 45 minutes wrong in Kathmandu."),
    Mistake("retry_after", "GMT taken for local time", right="return min(max(moment.timestamp() - now, 0.0), longest)",
            wrong="return min(max(moment.replace(tzinfo=None).timestamp() - now, 0.0), longest)",
            hint="You drop the time zone before you ask for the timestamp, so that GMT is read as the time where the computer "
                 "stands. It works on a computer in London, in winter."),
    Mistake("retry_after", "whole seconds only", right='if re.fullmatch(r"[0-9]+(\\.[0-9]+)?", text):',
            wrong='if re.fullmatch("[0-9]+", text):',
            hint="You understand whole seconds only; \"1.5\" is neither those nor a date, so the wish is ignored. Some "
                 "providers do send fractions."),
    Mistake("retry_after", "float takes all", right='''\
    if re.fullmatch(r"[0-9]+(\\.[0-9]+)?", text):
        return min(float(text), longest)
''', wrong='''\
    try:
        return min(max(float(text), 0.0), longest)
    except ValueError:
        pass
''',
            hint="float() takes more for a number than you want: \"nan\", \"inf\", \"-5\", \"1e3\". Any of them makes a "
                 "sleep of no use, or of an hour."),
    Mistake("retry_after", "finite is enough", right='''\
    if re.fullmatch(r"[0-9]+(\\.[0-9]+)?", text):
        return min(float(text), longest)
''', wrong='''\
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and seconds >= 0:
        return min(seconds, longest)
''',
            hint="You sort out \"nan\", \"inf\" and negative numbers after float(); but \"1e3\", \"+5\" and \"1_000\" are "
                 "numbers for Python and not for HTTP, and 400 digits become infinite instead of `longest`."),
    Mistake("retry_after", "seconds only", right="    try:\n        moment = email.utils.parsedate_to_datetime(text)",
            wrong="    return None\n    try:\n        moment = email.utils.parsedate_to_datetime(text)",
            hint="You understand seconds only. RFC 9110 allows a date as well, and some providers send one.",
            spoils=("Client",)),
    Mistake("retry_after", "negative waits", right="min(max(moment.timestamp() - now, 0.0), longest)",
            wrong="min(moment.timestamp() - now, longest)",
            hint="A date that has passed gives a negative wait, upon which sleep raises. There is nothing to wait for: 0."),
    Mistake("retry_after", "the past is nonsense", right="    return min(max(moment.timestamp() - now, 0.0), longest)",
            wrong="    wait = moment.timestamp() - now\n    return min(wait, longest) if wait > 0 else None",
            hint="A date that has passed is a clear wish: wait no longer, 0.0. None is for what cannot be understood."),
    Mistake("retry_after", "a moment, not a wait", right="moment.timestamp() - now", wrong="moment.timestamp()",
            hint="You give the moment itself, in seconds since 1970, instead of the seconds from now until then.",
            spoils=("Client",)),
    Mistake("retry_after", "no longest wait", right="return min(max(moment.timestamp() - now, 0.0), longest)",
            wrong="return max(moment.timestamp() - now, 0.0)",
            hint="A date ten years ahead is somebody's broken clock, and you would wait for it. `longest` holds for dates "
                 "as well as for seconds."),
    Mistake("retry_after", "endless digits", right="return min(float(text), longest)", wrong="return float(text)",
            hint="Seconds are not bounded: a provider can park you for as long as it likes, and 400 digits even become "
                 "infinite. `longest` holds for seconds as well as for dates."),
    Mistake("retry_after", "nonsense raises", right="except (ValueError, TypeError, OverflowError):", wrong="except TypeError:",
            hint="parsedate_to_datetime raises ValueError for what is no date (it was TypeError before Python 3.10). A header "
                 "that says \"soon\", or none at all, takes your program down.", spoils=("Client",)),
    Mistake("retry_after", "a year of 25 digits", right="(ValueError, TypeError, OverflowError)", wrong="(ValueError, TypeError)",
            hint="A year of 25 digits raises neither ValueError nor TypeError but OverflowError. A stranger sends you this "
                 "header: be ready for anything it can make a parser do."),
    # post_with_deadline -----------------------------------------------------------------------------------------------
    Alternative("post_with_deadline", "iter_content and a list", right=READ, other='''\
        pieces = []
        for piece in response.iter_content(chunk_size=1):
            pieces.append(piece)
            if clock.monotonic() > deadline:
                raise DeadlineExceeded("Too slow.")
        if clock.monotonic() > deadline:
            raise DeadlineExceeded("Too late.")
        content = b"".join(pieces)
'''),
    Alternative("post_with_deadline", "a session and own JSON", other='''
    remaining = deadline - clock.monotonic()
    if not remaining > 0:
        raise DeadlineExceeded("No time left.")
    with requests.Session() as session:
        response = session.request(
            "POST", url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json", **headers},
            timeout=urllib3.Timeout(connect=min(connect_timeout, remaining), read=min(read_timeout, remaining)),
            stream=True, allow_redirects=False,
        )
        parts = arriving(response)
        content = bytearray()
        while True:
            if clock.monotonic() > deadline:
                response.close()
                raise DeadlineExceeded("Out of time.")
            part = next(parts, None)
            if part is None:
                break
            content.extend(part)
    if clock.monotonic() > deadline:
        raise DeadlineExceeded("Out of time.")
    return Answer(response.status_code, response.headers, bytes(content))
    '''),
    Mistake("post_with_deadline", "the time-out as deadline", right=READ, wrong="        content = response.content\n",
            hint="You trust in `timeout`, but it bounds only the wait for the *next* bytes, and starts again with each of "
                 "them: a provider that drips keeps you for ever. Read the body piece by piece and look at the clock.",
            spoils=("Client",)),
    Mistake("post_with_deadline", "looks when all is there", right=READ, wrong='''\
        content = response.content
        if clock.monotonic() > deadline:
            raise DeadlineExceeded("The answer was not complete in time.")
''',
            hint="You look at the clock when the whole body is there. A drip that never ends never lets you look: read piece "
                 "by piece, and look after each.", spoils=("Client",)),
    Mistake("post_with_deadline", "no look after the last", right=READ, wrong='''\
        for piece in arriving(response):
            if clock.monotonic() > deadline:
                raise DeadlineExceeded("The answer was not complete in time.")
            content += piece
''',
            hint="You look at the clock only inside the loop over the pieces. An answer without a body has no piece, and may "
                 "be late all the same."),
    Mistake("post_with_deadline", "each piece starts anew", right=READ, wrong='''\
        for piece in arriving(response):
            content += piece
            if clock.monotonic() > deadline:
                raise DeadlineExceeded("The answer was not complete in time.")
            deadline = clock.monotonic() + left
        if clock.monotonic() > deadline:
            raise DeadlineExceeded("The answer was not complete in time.")
''',
            hint="After each piece you set a new deadline. Then it bounds the silence between pieces, as the read time-out "
                 "does already, and a provider that drips keeps you for ever.", spoils=("Client",)),
    Mistake("post_with_deadline", "the deadline as a duration", right="left = deadline - clock.monotonic()",
            wrong="left = deadline\n    deadline = clock.monotonic() + left",
            hint="You take the deadline for a number of seconds. It is a moment on clock.monotonic(): what is left is the "
                 "difference between the two."),
    Mistake("post_with_deadline", "read time-out beyond the deadline", right="min(read_timeout, left))", wrong="read_timeout)",
            hint="When a tenth of a second is left, you still wait for a silent provider as long as the read time-out "
                 "allows. Neither time-out may be longer than what is left."),
    Mistake("post_with_deadline", "connect and read swapped", right="(min(connect_timeout, left), min(read_timeout, left))",
            wrong="(min(read_timeout, left), min(connect_timeout, left))",
            hint="requests wants the pair (connect, read); yours is the other way round. Thinking takes a model longer than "
                 "connecting, so good answers are thrown away."),
    Mistake("post_with_deadline", "one time-out for both", right="(min(connect_timeout, left), min(read_timeout, left))",
            wrong="min(connect_timeout, read_timeout, left)",
            hint="One number is both time-outs at once. The wait for an answer then ends when only the wait for the connection "
                 "should, and a model that thinks for six seconds is given up after five."),
    Mistake("post_with_deadline", "sends without time", right="""\
    if left <= 0:
        raise DeadlineExceeded("There was no time left to send the request.")
""", wrong="    left = max(left, 1.0)\n",
            hint="When no time is left you still send the request, with a short time-out. The provider does the work and bills "
                 "it, and nobody reads the answer."),
    Mistake("post_with_deadline", "follows redirects", right=", allow_redirects=False", wrong="",
            hint="requests follows redirects by itself, with the whole body and the headers. Where they lead is decided by "
                 "whoever answers: your customer's words, and perhaps your key, go there."),
    Mistake("post_with_deadline", "raises for a status", right="        content = b\"\"",
            wrong="        response.raise_for_status()\n        content = b\"\"",
            hint="raise_for_status turns an answer into an exception. The caller needs the answer: its status decides about "
                 "the retry, and its Retry-After about the wait.", spoils=("Client",)),
    Mistake("post_with_deadline", "headers as a plain dict", right="response.headers, content)", wrong="dict(response.headers), content)",
            hint="A plain dict knows only one spelling of each name; HTTP's header names are the same in any case, and a "
                 "provider that writes retry-after is not understood any more."),
    Mistake("post_with_deadline", "sent as a form", right="json=body", wrong="data=body",
            hint="data= with a dict sends a form, as a web page does, and not JSON. Which argument of requests.post does?",
            spoils=("Client",)),
    # TokenBucket ------------------------------------------------------------------------------------------------------
    Alternative("TokenBucket", "remembers when it was empty", right=REFILL, other='''\
        now = self._clock.monotonic()
        gained = self.rate * (now - self._filled_at)
        self._tokens += gained
        if self._tokens > self.capacity:
            self._tokens = self.capacity
        self._filled_at = now
'''),
    Alternative("TokenBucket", "goes into debt", right=TAKE, other='''\
        missing = self.wait_for(tokens)
        self._tokens = self._tokens - tokens
        if missing:
            self._clock.sleep(missing)
'''),
    Mistake("TokenBucket", "refills beyond capacity", right="min(self.capacity, self._tokens + gained)",
            wrong="self._tokens + gained",
            hint="After an hour's pause your bucket holds an hour's tokens, and lets them all through at once. It holds at "
                 "most `capacity`."),
    Mistake("TokenBucket", "starts empty", right="self._tokens = capacity", wrong="self._tokens = 0.0",
            hint="Your bucket is empty at the start: the first customer of the day waits for nothing."),
    Mistake("TokenBucket", "whole seconds", right="(now - self._filled_at) * self.rate",
            wrong="int(now - self._filled_at) * self.rate",
            hint="You count whole seconds and forget the rest each time somebody looks: whoever asks four times a second never "
                 "sees a token come."),
    Mistake("TokenBucket", "whole tokens", right="(now - self._filled_at) * self.rate",
            wrong="int((now - self._filled_at) * self.rate)",
            hint="You add whole tokens and throw the fraction away each time somebody looks. At half a token a second, and a "
                 "look each second, none ever comes."),
    Mistake("TokenBucket", "waits for a full token", right="max(0.0, (tokens - self._tokens) / self.rate)",
            wrong="0.0 if tokens <= self._tokens else tokens / self.rate",
            hint="When something is missing you wait as if the bucket were empty. Only what is missing has to come."),
    Mistake("TokenBucket", "the wait counts twice", right=TAKE, wrong='''\
        wait = self.wait_for(tokens)
        if wait > 0:
            self._clock.sleep(wait)
            self._tokens += wait * self.rate
        self._tokens -= tokens
''',
            hint="You add the tokens that came during the sleep by hand, but leave the note of when the bucket was filled "
                 "last as it was: the next look adds the same seconds once more, and the rate doubles."),
    Mistake("TokenBucket", "nothing taken after a wait", right=TAKE, wrong='''\
        wait = self.wait_for(tokens)
        if wait > 0:
            self._clock.sleep(wait)
            return
        self._tokens -= tokens
''',
            hint="Who had to wait takes nothing out, so that the tokens it waited for are still there for the next one."),
    Mistake("TokenBucket", "a new bucket each window", right=REFILL, wrong='''\
        now = self._clock.monotonic()
        if now - self._filled_at >= self.capacity / self.rate:
            self._tokens = self.capacity
            self._filled_at = now
''',
            hint="You fill the bucket all at once at the end of each window. Then a burst right before and another right after "
                 "makes twice the capacity in a moment; the tokens have to come little by little."),
    Mistake("TokenBucket", "too large waits", right='''\
        if tokens > self.capacity:
            raise ValueError(f"{tokens} tokens never fit into a bucket of {self.capacity}")
''', wrong="",
            hint="More tokens than the bucket can hold never come together. You wait for them and let the request through, "
                 "beyond what the contract allows."),
    Mistake("TokenBucket", "looking takes", right="        return max(0.0, (tokens - self._tokens) / self.rate)",
            wrong="        wait = max(0.0, (tokens - self._tokens) / self.rate)\n        self._tokens -= 0 if wait else tokens\n        return wait",
            hint="wait_for takes the tokens out, and take does it again: each request costs double, and looking costs too."),
    Mistake("TokenBucket", "the time of day", right="        now = self._clock.monotonic()", wrong="        now = self._clock.time()",
            hint="You measure with clock.time() what began with clock.monotonic(), and the time of day can be set: in either "
                 "case seconds pass that nobody has lived through."),
    # CircuitBreaker ---------------------------------------------------------------------------------------------------
    Alternative("CircuitBreaker", "a deadline for the probe", right="cooled = self._clock.monotonic() - self._opened_at >= self.cooldown",
                other="cooled = not self._clock.monotonic() < self._opened_at + self.cooldown"),
    Alternative("CircuitBreaker", "one branch for each state", right=RECORD, other='''\
        match self.state, success:
            case "open", _:
                pass
            case "half-open", False:
                self._opened_at, self._probing = self._clock.monotonic(), False
            case _, True:
                self._opened_at, self._probing, self._failures = None, False, 0
            case "closed", False:
                self._failures = self._failures + 1
                if self._failures == self.threshold:
                    self._opened_at = self._clock.monotonic()
'''),
    Mistake("CircuitBreaker", "never half-open", right='return "half-open" if cooled else "open"', wrong='return "open"',
            hint="Once open, your breaker stays open for ever: the provider is back, and nobody finds out."),
    Mistake("CircuitBreaker", "everybody probes", right='''\
        if self.state == "half-open" and not self._probing:
            self._probing = True
            return True
        return self.state == "closed"
''', wrong='        return self.state != "open"\n',
            hint="When the cool-down ends you let everybody through, and a provider that is just getting up is run over "
                 "again. One probe at a time."),
    Mistake("CircuitBreaker", "failures never forgotten", right='''\
        if success:
            self._failures = 0
            self._opened_at = None
            return
''', wrong='''\
        if success:
            if state == "half-open":
                self._failures = 0
                self._opened_at = None
            return
''',
            hint="A success does not set the count back, so that three failures in a month open the breaker. Only failures in a "
                 "row count."),
    Mistake("CircuitBreaker", "a success pays one failure", right='''\
            self._failures = 0
            self._opened_at = None
            return
''', wrong='''\
            self._failures = max(0, self._failures - 1) if state == "closed" else 0
            self._opened_at = None
            return
''',
            hint="Each success takes one failure off the count instead of all. Failures in a row: a single success in "
                 "between begins the row anew."),
    Mistake("CircuitBreaker", "opens one too late", right="self._failures >= self.threshold", wrong="self._failures > self.threshold",
            hint="Your breaker opens with one failure more than `threshold`. The failure that makes it `threshold` in a row "
                 "is the one that opens."),
    Mistake("CircuitBreaker", "half-open needs many failures", right='''\
            self._failures = 0
            self._opened_at = None
            return
        self._failures += 1
        if state == "half-open" or self._failures >= self.threshold:
''', wrong='''\
            self._failures = 0
            self._opened_at = None
            return
        self._failures = self._failures + 1 if state == "closed" else 1
        if self._failures >= self.threshold:
''',
            hint="After a failed probe your breaker wants `threshold` failures again before it opens: meanwhile one probe "
                 "follows another. A single failed probe is enough."),
    Mistake("CircuitBreaker", "cool-down not restarted", right="            self._opened_at = self._clock.monotonic()\n",
            wrong="            self._opened_at = self._opened_at or self._clock.monotonic()\n",
            hint="After a failed probe the old cool-down still counts, and that is over already: the next probe goes out at "
                 "once. Each failed probe starts the cool-down anew."),
    Mistake("CircuitBreaker", "late outcomes count", right='''\
        if state == "open":
            return
        self._probing = False
''', wrong="        self._probing = False\n",
            hint="Requests that were under way when the breaker opened come back late. A late success closes your breaker "
                 "without any probe, or a late failure makes the cool-down longer. While it is open, nothing changes it."),
    Mistake("CircuitBreaker", "late failures prolong", right='''\
        if state == "open":
            return
''', wrong='''\
        if state == "open":
            if not success:
                self._opened_at = self._clock.monotonic()
            return
''',
            hint="A failure that comes in while the breaker is open starts your cool-down anew. It belongs to a request from "
                 "before, and says nothing new."),
    Mistake("CircuitBreaker", "the probe is never over", right="        self._probing = False\n        if success:", wrong="        if success:",
            hint="After the first probe you never take back the note that one is under way: there is never another one, and "
                 "the breaker is stuck for good."),
    Mistake("CircuitBreaker", "count kept after closing", right='''\
            self._failures = 0
            self._opened_at = None
            return
''', wrong='''\
            if state == "closed":
                self._failures = 0
            self._opened_at = None
            return
''',
            hint="A successful probe closes your breaker, but the old count is still there: the very next failure opens it "
                 "again. Closed means as if new."),
    Mistake("CircuitBreaker", "the time of day", right='''\
        cooled = self._clock.monotonic() - self._opened_at >= self.cooldown
''', wrong='''\
        if not hasattr(self, "_day") or self._day[0] != self._opened_at:
            self._day = self._opened_at, self._clock.time() - self._clock.monotonic() + self._opened_at
        cooled = self._clock.time() - self._day[1] >= self.cooldown
''',
            hint="You measure the cool-down with the time of day. When somebody sets the clock, it ends at once or never; "
                 "clock.monotonic() never jumps."),
    # Client -----------------------------------------------------------------------------------------------------------
    Alternative("Client", "Retry-After plus jitter", right="wait = max(wait, asked or 0.0)",
                other="wait = wait if asked is None or asked == 0 else asked + wait"),
    Alternative("Client", "a while loop", right=LOOP, other='''\
        made = 0
        while True:
            outcome = self._attempt(messages, headers, deadline)
            made += 1
            if made >= self.attempts or not should_retry(outcome):
                break
            wait = self.random() * min(self.cap, self.base * 2 ** (made - 1))
            wished = getattr(outcome, "headers", {}).get("retry-after")
            wait = max([wait, retry_after(wished, self.clock.time()) or 0])
            if wait >= deadline - self.clock.monotonic():
                raise DeadlineExceeded("No time for another attempt.")
            self.clock.sleep(wait)
        return self._text(outcome)
'''),
    Alternative("Client", "records in every branch", right=SEND, other='''\
        try:
            answer = post_with_deadline(self.url, body, headers, deadline, self.clock, **self.timeouts)
        except DeadlineExceeded:
            self.breaker.record(False)
            raise
        except Exception as trouble:
            self.breaker.record(False)
            return trouble
        self.breaker.record(answer.status < 500)
        return answer
'''),
    Mistake("Client", "sleeps after the last", right='''\
            if attempt == self.attempts or not should_retry(outcome):
                return self._text(outcome)
''', wrong='''\
            if not should_retry(outcome):
                return self._text(outcome)
''',
            hint="After the last attempt you sleep once more, and then there is nothing left to do. The customer waits "
                 "for nothing (and gets None)."),
    Mistake("Client", "one attempt too many", right="range(1, self.attempts + 1)", wrong="range(0, self.attempts + 1)",
            hint="Count the requests: there is one more than `attempts`, and the first wait belongs to attempt 0."),
    Mistake("Client", "attempts as retries", right=LOOP, wrong=LOOP.replace("range(1, self.attempts + 1)", "range(1, self.attempts + 2)")
            .replace("attempt == self.attempts", "attempt > self.attempts"),
            hint="You take `attempts` for the number of retries and send one request more. The first request is an attempt too."),
    Mistake("Client", "a deadline for each attempt", right="outcome = self._attempt(messages, headers, deadline)",
            wrong="deadline = self.clock.monotonic() + timeout\n            outcome = self._attempt(messages, headers, deadline)",
            hint="Each attempt starts the deadline anew, so that four attempts may take four times as long as you promised."),
    Mistake("Client", "sleeps past the deadline", right=TOO_LATE, wrong="",
            hint="You sleep first and find out afterwards that the time is over. When the next attempt cannot begin before the "
                 "deadline, say so now."),
    Mistake("Client", "sleeps up to the deadline", right=TOO_LATE,
            wrong="            wait = min(wait, deadline - self.clock.monotonic())\n",
            hint="You shorten the sleep so that it ends at the deadline, and then no time is left for the attempt that it was "
                 "for. The customer could have been told at once."),
    Mistake("Client", "Retry-After ignored", right="                wait = max(wait, asked or 0.0)\n", wrong="                pass\n",
            hint="The provider says when it will be ready again, and you come earlier: it sends you away again, and may ban you."),
    Mistake("Client", "Retry-After instead of backoff", right="wait = max(wait, asked or 0.0)",
            wrong="wait = wait if asked is None else asked",
            hint="You sleep exactly as long as the provider says, also when it says 0: then you hammer it without any "
                 "backoff. The longer of the two waits counts."),
    Mistake("Client", "the shorter of both", right="wait = max(wait, asked or 0.0)",
            wrong="wait = wait if asked is None else min(wait, asked)",
            hint="You take the shorter of the two waits, and so come back earlier than the provider asked."),
    Mistake("Client", "Retry-After on the wrong clock", right="self.clock.time())", wrong="self.clock.monotonic())",
            hint="A date is compared with the time of day; clock.monotonic() counts from some other moment, so that every date "
                 "seems to be decades ahead."),
    Mistake("Client", "429 counts as illness", right="well = answer.status < 500", wrong="well = answer.status < 400",
            hint="Your breaker takes a 400 or a 429 for an ill provider. It is alive: it answered. One customer's bad requests "
                 "would cut off all the others."),
    Mistake("Client", "outcomes forgotten", right=SEND, wrong='''\
        try:
            answer = post_with_deadline(self.url, body, headers, deadline, self.clock, **self.timeouts)
        except requests.RequestException as trouble:
            self.breaker.record(False)
            return trouble
        self.breaker.record(answer.status < 500)
        return answer
''',
            hint="When the deadline ends an attempt, nothing is recorded. A breaker whose probe ends like this waits for its "
                 "outcome for ever."),
    Mistake("Client", "the breaker is not asked", right="if not self.breaker.allow():", wrong="if self.breaker.allow() is None:",
            hint="You do not heed what the breaker says: requests go out although it is open."),
    Mistake("Client", "a token for nothing", right='''\
        if not self.breaker.allow():
            raise CircuitOpen("The provider failed too often and is left alone.")
        self.bucket.take()
''', wrong='''\
        self.bucket.take()
        if not self.breaker.allow():
            raise CircuitOpen("The provider failed too often and is left alone.")
''',
            hint="You take a token, and perhaps wait for it, before you know whether the breaker allows the request."),
    Mistake("Client", "the limiter eats the deadline", right='''\
        if self.clock.monotonic() + self.bucket.wait_for() >= deadline:
            raise DeadlineExceeded("The rate limit leaves no time for a request.")
''', wrong="",
            hint="You wait for the rate limiter however long it takes, past the deadline too. Ask it first how long."),
    Mistake("Client", "a new idempotency key each time", right="outcome = self._attempt(messages, headers, deadline)",
            wrong='outcome = self._attempt(messages, headers | {"Idempotency-Key": str(uuid.uuid4())}, deadline)',
            hint="Every attempt has an idempotency key of its own: for the provider these are different questions, and it does "
                 "(and bills) the work once for each."),
    Mistake("Client", "one idempotency key for all", right='"Idempotency-Key": str(uuid.uuid4())', wrong='"Idempotency-Key": self.model',
            hint="Two different questions carry the same idempotency key: the provider may answer the second one with the answer "
                 "to the first."),
    Mistake("Client", "the key as it came", right="self._key = key.strip()", wrong="self._key = key",
            hint="A key that was read from a file ends in a line break. requests refuses such a header, and no question "
                 "is ever answered."),
    Mistake("Client", "the provider is quoted", right="said.replace(self._key, \"[key]\")[:200]", wrong="said[:200]",
            hint="The provider repeats the key in its message, and you pass the message on: now it stands in your log, and "
                 "perhaps on the customer's screen."),
    Mistake("Client", "cut, then blackened", right="said.replace(self._key, \"[key]\")[:200]", wrong="said[:200].replace(self._key, \"[key]\")",
            hint="You shorten the message and then look for the key. Where the cut goes through the key, the part before it "
                 "is not recognised any more, and stays."),
    Mistake("Client", "the cause tells", right='''\
        except (ValueError, LookupError, TypeError):
            said = outcome.body.decode(errors="replace")
''', wrong='''\
        except (ValueError, LookupError, TypeError) as cause:
            raise ProviderError(outcome.status, outcome.body.decode(errors="replace")[:200]) from cause
''',
            hint="For a body in the usual form you blacken the key; for any other one you quote it as it came."),
    Mistake("Client", "a chatty repr", right="        self.url = f\"{url}/chat/completions\"",
            wrong="        type(self).__repr__ = lambda self: f\"Client({vars(self)})\"\n        self.url = f\"{url}/chat/completions\"",
            hint="The repr of your client shows all its attributes, and the key is one. A repr ends up in logs, in tracebacks "
                 "and on screens that are shared."),
    Mistake("Client", "key in the URL", right="self.url = f\"{url}/chat/completions\"",
            wrong="self.url = f\"{url}/chat/completions?key={key.strip()}\"",
            hint="The key stands in the URL. URLs are written into every log on the way, and into the text of every exception "
                 "of requests."),
    Mistake("Client", "strange 200 crashes", right="(ValueError, LookupError, TypeError)", wrong="ValueError",
            hint="You are prepared for a body that is not JSON, but not for JSON of another form: a list, or an object without "
                 "choices. Then a KeyError or TypeError comes out, and no ProviderError."),
]
