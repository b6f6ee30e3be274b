"""The providers: the scripted double, the recorded provider, the clocks, the fetched files, the embedded model."""

import json
import threading
import time
from email.utils import parsedate_to_datetime

import pytest
import requests

from grader.providers import (
    FakeClock,
    Reply,
    ScriptedProvider,
    SystemClock,
    chat,
    chat_stream,
    error,
    refused_url,
)


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
        start = time.monotonic()
        assert ask(provider).text == "ab"
        assert time.monotonic() - start >= 0.15


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
