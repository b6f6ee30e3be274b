"""The scripted double: a provider that plays a script and records what it was asked."""

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from grader.providers.clock import FakeClock
from grader.providers.server import LoopbackProvider, Reply, Request, error

MODEL = "scripted"
CREATED = 1_767_225_600  # Unix time, as in every answer of the double


class ScriptedProvider(LoopbackProvider):
    """Plays replies in order; when the script is over, answers as `respond` says, or with status 500.

    What holds of the clock, and of `listener`, is said at `LoopbackProvider`.
    """

    def __init__(self, clock: FakeClock | None = None, listener: socket.socket | None = None) -> None:
        self._script: deque[Reply] = deque()
        self._respond: Callable[[Request], Reply] = lambda _: error(500, "The script is over.")
        self._playing = threading.Lock()
        super().__init__(clock, listener)

    def script(self, *replies: Reply) -> None:
        """Adds replies to the end of the script."""
        with self._playing:
            self._script.extend(replies)

    def respond(self, answer: Callable[[Request], Reply]) -> None:
        """From the end of the script on, decides each reply from the request."""
        self._respond = answer

    def answer(self, request: Request) -> Reply:
        with self._playing:
            if self._script:
                return self._script.popleft()
        return self._respond(request)


def chat(
    content: str | None,
    *,
    finish_reason: str = "stop",
    usage: tuple[int, int] | None = (10, 5),
    tool_calls: Sequence[tuple[str, Mapping[str, Any] | str]] | None = None,
    logprobs: Sequence[Mapping[str, float]] | None = None,
    **how: Any,
) -> Reply:
    """A chat completion in OpenAI's form.

    `usage`: tokens of the prompt and of the completion. `tool_calls`: names and arguments; arguments given as text
    are sent as they are, malformed or not. `logprobs`: for each token of the answer, the candidates and their
    log-probabilities, the chosen one first. `how` goes to `Reply` (headers, takes, cut...).
    """
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if tool_calls is not None:
        message["tool_calls"] = [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": _text(arguments)}}
            for number, (name, arguments) in enumerate(tool_calls, 1)
        ]
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish_reason}
    if logprobs is not None:
        choice["logprobs"] = {"content": [_token(candidates) for candidates in logprobs]}
    body = _envelope("chat.completion") | {"choices": [choice]}
    if usage is not None:
        body["usage"] = _usage(usage)
    return Reply(body=body, **how)


def chat_stream(
    pieces: Sequence[str | Mapping[str, Any]],
    *,
    finish_reason: str = "stop",
    usage: tuple[int, int] | None = None,
    interval: float = 0.0,
    line_ending: str = "\n",
    bytes_per_chunk: int | None = None,
    **how: Any,
) -> Reply:
    """A chat completion as server-sent events, one HTTP chunk each.

    `pieces`: the text of each event, or its whole delta. `interval`: seconds before each chunk but the first.
    `line_ending`: "\\n", "\\r\\n" or "\\r" (WHATWG HTML, 9.2.5). `bytes_per_chunk`: cuts the stream anew, through
    lines and characters. `how` goes to `Reply`.
    """
    deltas = [piece if isinstance(piece, Mapping) else {"content": piece} for piece in pieces]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in [{"role": "assistant"}, *deltas]]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish_reason})
    events = [_envelope("chat.completion.chunk") | {"choices": [choice]} for choice in choices]
    if usage is not None:
        events.append(_envelope("chat.completion.chunk") | {"choices": [], "usage": _usage(usage)})
    texts = [json.dumps(event, ensure_ascii=False) for event in events] + ["[DONE]"]
    chunks = [f"data: {text}{line_ending * 2}".encode() for text in texts]
    if bytes_per_chunk is not None:
        stream = b"".join(chunks)
        chunks = [stream[start : start + bytes_per_chunk] for start in range(0, len(stream), bytes_per_chunk)]
    return Reply(chunks=[(interval if number else 0.0, chunk) for number, chunk in enumerate(chunks)], **how)


def refused_url() -> str:
    """An address where nobody listens, for as long as this process lives."""
    return f"http://127.0.0.1:{_unheard_socket().getsockname()[1]}/v1"


@cache
def _unheard_socket() -> socket.socket:
    # bound and never listening: connections are refused, and nobody else gets the port
    unheard = socket.socket()
    unheard.bind(("127.0.0.1", 0))
    return unheard


def _envelope(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": CREATED, "model": MODEL}


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    prompt, completion = usage
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _text(arguments: Mapping[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _token(candidates: Mapping[str, float]) -> dict[str, Any]:
    entries = [
        {"token": token, "logprob": logprob, "bytes": list(token.encode())} for token, logprob in candidates.items()
    ]
    return entries[0] | {"top_logprobs": sorted(entries, key=lambda entry: -entry["logprob"])}
