# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.
"""The checks of the lesson `tokenizer`."""
import string
import time
from grader.checks import assert_equal, assert_that, check, inputs_after, raises
HINTS = {
    "split": [
        "Translate GPT-2's expression piece by piece. `re.findall` gives all matches, one after the other, as long as the "
        "pattern has no capturing group.",
        "`\\p{L}+` becomes `[{LETTER}]+` in an f-string. The fourth alternative is a bracket that begins with ^ and holds all "
        "three kinds.",
        "`(?!\\S)`: not followed by anything but white space. What is 'anything but white space', written with `SPACE` and a "
        "bracket that begins with ^?",
    ],
    "count_pairs": [
        "Two loops: over the words, and over the neighbours in each. By how much does a place in a word raise a count?",
        "`itertools.pairwise` gives the neighbours of a sequence, overlapping ones too; so does `zip(pieces, pieces[1:])`.",
    ],
    "merge": [
        "Walk through the pieces with an index. How far do you move on after a merge, and how far otherwise?",
        "Compare two pieces with the two of the pair, not their joined bytes with the pair's. And what becomes of the last piece?",
    ],
    "train": [
        "First write it slowly, as the loop above does, and let the small checks pass. Then replace the counting by the books.",
        "For each holder of the best pair: take all of its old pairs off the counts, merge, add all of its new pairs. A new pair "
        "needs the word in its index, and each pair whose count has changed needs a new entry in the heap.",
        "An entry that comes out of the heap counts only when its count is the one in `counts`. Ties: `Candidate` knows the rule; "
        "with `max`, the key is the count and then the pair.",
    ],
    "encode_word": [
        "Which pairs of neighbours stand in the word now, and which of them have a rank? Take the lowest, merge, look again.",
        "`bytes([104])` is one byte; going through a byte string gives numbers. `min(..., key=...)` finds the lowest rank.",
    ],
    "split_special": [
        "`re.split` with the whole pattern in parentheses keeps the separators. What does it put between two neighbouring ones?",
        "In `a|ab`, the first alternative that fits counts, not the longest. In which order should they stand?",
        "`re.escape` takes the meaning from characters like |. And what does an empty pattern match?",
    ],
    "Tokenizer": [
        "One list for id → bytes, and dicts for the way back: one for byte strings, one for special tokens. Keep them apart.",
        "encode: special tokens first, then pre-tokens, then `encode_word` for the bytes of each.",
        "decode: collect the bytes of all tokens first and decode once, at the end.",
    ],
    "encode_stream": [
        "Keep a text of what is not certain yet. Each chunk makes it longer; what has become certain is given out and cut off.",
        "First find where a special token may have begun: the earliest place, near the end, from which the rest is the beginning "
        "of one. Then, of what is before it, keep the last two pieces back.",
        "Encode each certain pre-token by itself. When the chunks are at an end, everything that was kept is certain.",
    ],
}
AFTER = {
    "split": "The pattern decides what can ever become one token: GPT-4's differs from GPT-2's mainly in how "
             "it splits numbers.",
    "count_pairs": "All of byte-pair encoding is this count, again and again: compression from 1994, put to work "
                   "on language.",
    "merge": "Overlaps are where home-made tokenizers differ from published ones; a published set of tests "
             "would have found it.",
    "train": "Keep what does not change: incremental updates turn hours into seconds, here and in most data work.",
    "encode_word": "Ranks, not frequencies, decide: that is why a vocabulary file alone, without its merges, cannot encode.",
    "split_special": "User text that becomes a special token is the prompt injection of tokenizers: always say which "
                     "ones are allowed.",
    "Tokenizer": "Encode, decode, compare: a round trip over strange bytes is the test to run before you pay for training.",
    "encode_stream": "Corpora do not fit into memory; whoever cuts them at the wrong place changes the tokens without a sound.",
}


@check("split")
def test_split_loses_nothing(submission, random):
    """The pre-tokens, joined, are the text, whatever it holds."""
    for _ in range(12):
        text = "".join(random.choices([*"abzé猫🐈\n\t  _'19½.!-", "'s", "   ", "\n\n"], k=30))
        assert_equal("".join(submission.split(text)), text, "Joined, the pre-tokens should be the text. What was lost?")
    assert_equal(submission.split(""), [], "An empty text has no pre-tokens.")


@check("split")
def test_split_words(submission, random):
    """A word takes the one space before it along; numbers and other characters are pre-tokens of their own."""
    one, two, three = (_word(random, string.ascii_letters) for _ in range(3))
    number = str(random.randint(10, 9999))
    assert_equal(submission.split(f"{one} {two} {three}"), [one, f" {two}", f" {three}"], "The space goes with the word after it.")
    assert_equal(submission.split(f"{one}{number}, {number}{two}!? ({three})"),
                 [one, number, ",", f" {number}", two, "!?", " (", three, ")"],
                 "Letters, numbers and other characters do not mix; other characters stay together, also with a space before.")
    assert_equal(submission.split(f"{one}_{two}"), [one, "_", two], "An underscore is neither a letter nor a number.")


@check("split")
def test_split_contractions(submission, random):
    """The English contractions 's 't 're 've 'm 'll 'd are cut off, in small letters only."""
    for ending in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d"):
        one, two = _word(random, "bcfgh"), _word(random, string.ascii_lowercase)
        assert_equal(submission.split(f"{one}{ending} {two}"), [one, ending, f" {two}"], "A contraction is one pre-token.")
        assert_equal(submission.split(f"{one}{ending.upper()}"), [one, "'", ending[1:].upper()],
                     "Capital letters make no contraction: GPT-2's expression has small letters only.")
    word = _word(random, "bcfghjk")
    assert_equal(submission.split(f"'{word}' ''{word}"), ["'", word, "'", " ''", word], "Other apostrophes are like any character.")


@check("split")
def test_split_white_space(submission, random):
    """A run of white space leaves its last character to what follows; only a plain space joins the word."""
    word = _word(random, string.ascii_lowercase)
    for n in (2, 3, random.randint(4, 9)):
        assert_equal(submission.split("a" + " " * n + word), ["a", " " * (n - 1), f" {word}"],
                     f"{n} spaces before a word: the last one goes with the word, the others are one pre-token.")
        assert_equal(submission.split("a" + "\n" * n + word), ["a", "\n" * (n - 1), "\n", word],
                     f"{n} line breaks before a word: the last one stands alone, for only a space joins a word.")
        assert_equal(submission.split("a" + " \n" * n), ["a", " \n" * n], "White space at the end of the text is one pre-token.")
    assert_equal(submission.split(f"a\n{word}\t{word}"), ["a", "\n", word, "\t", word], "One line break or tab before a word.")


@check("count_pairs")
def test_count_example(submission, random):
    """The pairs of low, lower, newest and widest are counted as in the table, for any numbers of occurrences."""
    low, lower, newest, widest = (random.randint(1, 99) for _ in range(4))
    words = {_single(b"low"): low, _single(b"lower"): lower, _single(b"newest"): newest, _single(b"widest"): widest}
    seen = _plain(submission.count_pairs(words))
    for pair, expected in (("lo", low + lower), ("er", lower), ("we", lower + newest), ("es", newest + widest), ("ew", newest)):
        pair = (pair[:1].encode(), pair[1:].encode())
        assert_equal(seen.get(pair, 0), expected, f"The count of {pair}, with {low} times low, {lower} times lower, {newest} "
                     f"times newest and {widest} times widest. By how much does each place raise it?")
    assert_equal(len(seen), 11, "The number of different pairs in these words:")


@check("count_pairs")
def test_count_overlapping(submission, random):
    """Each place counts, also when places overlap or a pair stands in a word twice."""
    n, length = random.randint(2, 9), random.randint(3, 7)
    assert_equal(_plain(submission.count_pairs({(b"a",) * length: n})), {(b"a", b"a"): n * (length - 1)},
                 f"{length} times a in a row hold the pair at {length - 1} places, and the word occurs {n} times.")
    seen = _plain(submission.count_pairs({(b"na", b"n", b"na", b"n", b"n"): n}))
    assert_equal(seen, {(b"na", b"n"): 2 * n, (b"n", b"na"): n, (b"n", b"n"): n}, "A pair may stand in a word more than once, "
                 "and its order counts.")


@check("count_pairs")
def test_count_sum(submission, random):
    """All counts together are the places in all words; words of one piece have none."""
    words = _words(random, "ab", 9)
    words[b"a",] = 100
    seen = _plain(submission.count_pairs(words))
    assert_equal(sum(seen.values()), sum(n * (len(pieces) - 1) for pieces, n in words.items()),
                 "A word of k pieces has k - 1 places, times its occurrences. All counts together:")
    assert_equal(_plain(submission.count_pairs({(b"word",): 7})), {}, "A word of a single piece holds no pair.")
    assert_equal(_plain(submission.count_pairs({})), {}, "No words, no pairs.")


@check("merge")
def test_merge_keeps_bytes(submission, random):
    """The bytes stay the same, the result is a tuple, and the pair is gone."""
    for _ in range(10):
        pieces = _single(_letters(random, "ab", random.randint(2, 9)))
        pair = random.choice([(b"a", b"b"), (b"b", b"a"), (b"b", b"b")])
        seen = submission.merge(pieces, pair)
        assert_that(type(seen) is tuple, "The result should be a tuple.", "a tuple", f"a {type(seen).__name__}")
        assert_equal(b"".join(seen), b"".join(pieces), "Merging moves borders and loses no byte. Look at the ends of the word.")
        assert_that(pair not in zip(seen, seen[1:]), f"The pair {pair} is still there.", "no occurrence", repr(seen))
        assert_equal(len(seen), len(pieces) - sum(piece == b"".join(pair) for piece in seen), "Each merge makes one piece of two:")


@check("merge")
def test_merge_places(submission, random):
    """The pair is merged wherever it stands: in front, in the middle, at the end, and several times."""
    x, y, z = (bytes([c]) for c in random.sample(string.ascii_letters.encode(), 3))
    for pieces, expected in (
        ((x, y, z), (x + y, z)), ((z, x, y), (z, x + y)), ((z, x, y, z), (z, x + y, z)), ((x, y), (x + y,)),
        ((x, y, x, y, z, x, y), (x + y, x + y, z, x + y)), ((y, x), (y, x)), ((x,), (x,)), ((), ()), ((x, z, y), (x, z, y)),
    ):
        assert_equal(submission.merge(pieces, (x, y)), expected, f"The pair ({x!r}, {y!r}) in {pieces!r}:")


@check("merge")
def test_merge_overlapping(submission, random):
    """Where places overlap, the left one is taken, and what is merged is used up."""
    a = random.choice([b"a", b"xy"])
    for n in range(1, 8):
        assert_equal(submission.merge((a,) * n, (a, a)), (a + a,) * (n // 2) + (a,) * (n % 2), f"{n} equal pieces in a row:")


@check("train")
def test_train_example(submission, random):
    """The words of the tables give the merges of the tables, in their order."""
    words = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3
    random.shuffle(words)
    expected = ["s t", "e st", "o w", "l ow", "w est", "n e"]
    seen = submission.train("\n".join(words), 6)
    assert_equal(seen, [tuple(part.encode() for part in merge.split()) for merge in expected],
                 "5 times low, 2 lower, 6 newest and 3 widest, one a line. Compare with the printed steps above.")


@check("train")
def test_train_ties(submission, random):
    """Of pairs that occur equally often, the largest is merged first."""
    letters = random.sample(string.ascii_lowercase, 16)
    text = "\n".join(one + two for one, two in zip(letters[::2], letters[1::2]))
    pairs = sorted(((one.encode(), two.encode()) for one, two in zip(letters[::2], letters[1::2])), reverse=True)
    assert_equal(submission.train(text, 8), pairs, "Each of these pairs occurs once: the largest comes first.")


@check("train")
def test_train_occurrences(submission, random):
    """A pair counts as often as it occurs in the text, in all words together."""
    a, b, c, d = random.sample("abcdefgh", 4)
    n = random.randint(3, 9)
    lines = [a + b] * (2 * n) + [f"{c}{d}{x}" for x in "stuvwxyz"[:3] for _ in range(n)]
    random.shuffle(lines)
    best, *_ = submission.train("\n".join(lines), 1)
    assert_equal(best, (c.encode(), d.encode()), f"{c}{d} occurs {3 * n} times (in three different words), {a}{b} {2 * n} times. "
                 "The first merge:")


@check("train")
def test_train_ends(submission, random):
    """It makes as many merges as asked for, or fewer when no pair is left, and reports each."""
    calls = []
    text = "\n".join(["abcd"] * 3)
    assert_equal(len(submission.train(text, 2, lambda: calls.append(1))), 2, "Two merges were asked for.")
    assert_equal(len(calls), 2, "`progress` is called once after each merge.")
    merges = submission.train(text, 50)
    assert_equal(merges, [(b"c", b"d"), (b"b", b"cd"), (b"a", b"bcd")], "After three merges `abcd` is one piece: no pair is left.")
    assert_equal(submission.train("", 5), [], "No text, no merges.")
    assert_equal(submission.train(text, 0), [], "No merges were asked for.")


@check("encode_word")
def test_encode_word_example(submission, random):
    """The merge that was made first is made first, wherever in the word it stands."""
    t, h, e = (bytes([c]) for c in random.sample(string.ascii_lowercase.encode(), 3))
    ranks = {(h, e): 0, (t, h): 1, (t + h, e): 2}
    assert_equal(submission.encode_word(t + h + e, ranks), (t, h + e), f"By rank, {h + e!r} comes first, and then no {h!r} is left "
                 f"for {t + h!r}.")
    assert_equal(submission.encode_word(t + h + t, ranks), (t + h, t), "Only one pair has a rank here.")
    ranks = {(t, h): 0, (h, e): 1, (t + h, e): 2}
    assert_equal(submission.encode_word(t + h + e, ranks), (t + h + e,), "After a merge, the new pair may have a rank, too.")


@check("encode_word")
def test_encode_word_keeps_bytes(submission, random):
    """The tokens, joined, are the word; without ranks they are its bytes, and an empty word has none."""
    word = "wörd猫".encode()
    seen = submission.encode_word(word, {})
    assert_equal(seen, tuple(word[i : i + 1] for i in range(len(word))), "Without any merges, the tokens are single bytes.")
    assert_equal(submission.encode_word(b"", {(b"a", b"b"): 0}), (), "An empty word has no tokens.")
    ranks = {(b"w", "ö".encode()[:1]): 0, (b"r", b"d"): 1}
    assert_equal(b"".join(submission.encode_word(word, ranks)), word, "Joined, the tokens should be the word.")


@check("encode_word")
def test_encode_word_overlapping(submission, random):
    """Each occurrence of the best pair is merged, from left to right."""
    ranks = {(b"a", b"a"): 0, (b"aa", b"a"): 1, (b"aa", b"aa"): 2}
    for n, expected in ((2, [2]), (3, [3]), (4, [4]), (5, [2, 3]), (6, [4, 2]), (7, [4, 3])):
        assert_equal([len(token) for token in submission.encode_word(b"a" * n, ranks)], expected,
                     f"{n} times a, with the merges a·a, aa·a and aa·aa in this order. The lengths of the tokens:")


@check("split_special")
def test_special_parts(submission, random):
    """Special tokens become parts of their own, and what lies between them stays as it is."""
    one, two = f"<|{_word(random, 'abc')}|>", f"[{_word(random, 'xyz')}]"
    assert_equal(submission.split_special(f"a b{one}c d{two}{one} e", [one, two]), ["a b", one, "c d", two, one, " e"],
                 f"The special tokens are {one} and {two}.")
    assert_equal(submission.split_special(f"{one}text", [one, two]), [one, "text"], "No part is empty: nothing stands before the first.")
    assert_equal(submission.split_special(f"text{two}", [one, two]), ["text", two], "No part is empty: nothing stands behind the last.")


@check("split_special")
def test_special_none(submission, random):
    """Without special tokens, in the list or in the text, the text is one part; an empty text has none."""
    text = "to be, or\nnot"
    assert_equal(submission.split_special(text, []), [text], "There are no special tokens, so there is one part.")
    assert_equal(submission.split_special(text, ["<|end|>"]), [text], "No special token is in the text.")
    assert_equal(submission.split_special("", ["<|end|>"]), [], "An empty text has no parts.")
    assert_equal(submission.split_special("", []), [], "An empty text has no parts.")


@check("split_special")
def test_special_longest(submission, random):
    """Of special tokens that begin at the same place the longest counts, in whatever order they were given."""
    for tokens in (["<a>", "<a><b>", "<a><b><c>"], ["<a><b><c>", "<a>", "<a><b>"], ["<a><b>", "<a><b><c>", "<a>"]):
        assert_equal(submission.split_special("x<a><b>y<a><c><a><b><c>", tokens), ["x", "<a><b>", "y", "<a>", "<c>", "<a><b><c>"],
                     f"The special tokens, as given: {tokens}.")
MERGES = [(b"h", b"e"), (b" ", b"t"), (b" t", b"he"), (b"\xc3", b"\xa9"), (b"l", b"l"), (b"'", b"ll"), (b"r", b"e")]


@check("Tokenizer")
def test_tokenizer_vocabulary(submission, random):
    """The vocabulary is the 256 bytes, then what the merges make, then the special tokens, each in its order."""
    special = random.sample(["<|end|>", "<|é|>", "<pad>", "<|a|><|b|>"], 3)
    vocabulary = submission.Tokenizer(MERGES, special).vocabulary
    assert_equal(len(vocabulary), 256 + 7 + 3, "256 bytes, 7 merges, 3 special tokens. The size of the vocabulary:")
    assert_equal(vocabulary[:256], [bytes([i]) for i in range(256)], "The first 256 tokens are the single bytes, in their order.")
    assert_equal(vocabulary[256:263], [b"he", b" t", b" the", "é".encode(), b"ll", b"'ll", b"re"], "Then what each merge makes, by rank.")
    assert_equal(vocabulary[263:], [token.encode() for token in special], f"Last the special tokens, as given: {special}.")
    assert_equal(len(submission.Tokenizer([]).vocabulary), 256, "Without merges and special tokens, only the bytes are left.")


@check("Tokenizer")
def test_tokenizer_encodes(submission, random):
    """A token's id is its index in the vocabulary, and special tokens have ids of their own."""
    tokenizer = submission.Tokenizer(MERGES, ["<|end|>", "<pad>"])
    assert_equal(tokenizer.encode("he"), [256], "Merge 0 makes `he`: the first id after the bytes.")
    assert_equal(tokenizer.encode(" the the"), [258, 258], "Merges 0, 1 and 2 make ` the`.")
    assert_equal(tokenizer.encode("AZ"), [65, 90], "Bytes that no merge joins are their own ids.")
    assert_equal(tokenizer.encode("he<|end|><pad>he"), [256, 263, 264, 256], "Special tokens come after 256 bytes and 7 merges.")
    assert_equal(tokenizer.encode("<|end|"), [*b"<|end|"], "Half a special token is text like any other.")
    assert_equal(tokenizer.encode(""), [], "An empty text has no ids.")


@check("Tokenizer")
def test_tokenizer_round_trip(submission, random):
    """Decoding what was encoded gives the text back, whatever it holds."""
    tokenizer = submission.Tokenizer(MERGES, ["<|end|>"])
    for _ in range(10):
        text = "".join(random.choices([*"the é猫🐈\n\t'll1²\x00\x7f", " the", "<|end|>", "<|", "\r\n", "  "], k=25))
        assert_equal(tokenizer.decode(tokenizer.encode(text)), text, "Encoded and decoded, a text should be what it was.")
    assert_equal(tokenizer.decode([]), "", "No ids, no text.")


@check("Tokenizer")
def test_tokenizer_decodes_cut_characters(submission, random):
    """A character whose bytes lie in several tokens is put together again; half a character becomes U+FFFD."""
    tokenizer = submission.Tokenizer(MERGES, ["<|end|>"])
    cat = list("猫".encode())
    assert_equal(tokenizer.decode([97, *cat, 98]), "a猫b", "The three bytes of one character come as three tokens.")
    assert_equal(tokenizer.decode([97, *cat[:2], 98]), "a\ufffdb", "The last byte of the character is missing: one U+FFFD.")
    assert_equal(tokenizer.decode([0xC3, 263]), "\ufffd<|end|>", "A special token follows half a character.")


@check("encode_stream")
def test_stream_any_cut(submission, random):
    """Wherever the chunks are cut, the ids are those of the whole text."""
    tokenizer = submission.Tokenizer(MERGES)
    for text in ("the king, and then the queen", " he'll tell the tale", "the  end", "été, l'été"):
        expected = tokenizer.encode(text)
        for cut in random.sample(range(len(text) + 1), 6):
            _assert_stream(submission, tokenizer, [text[:cut], "", text[cut:]], expected)
        _assert_stream(submission, tokenizer, list(text), expected)
    assert_equal([i for i in submission.encode_stream(tokenizer, [])], [], "No chunks, no ids.")


@check("encode_stream")
def test_stream_special_tokens(submission, random):
    """Special tokens are found also when chunks cut them, and what only looks like the beginning of one is text."""
    tokenizer = submission.Tokenizer(MERGES, ["<|end|>", "<|end|><|pad|>"])
    for text in ("the <|end|> the", "<|end|><|end|>he", "<|end|><|pad|><|end|>", "the <|enx|> <|end", "he<|end|><|pa he"):
        expected = tokenizer.encode(text)
        for cut in random.sample(range(1, len(text)), 4):
            _assert_stream(submission, tokenizer, [text[:cut], "", text[cut:]], expected)
        _assert_stream(submission, tokenizer, list(text), expected)


@check("encode_stream")
def test_stream_is_lazy(submission, random):
    """No chunk is read before an id is asked for, and the first ids come long before the end of the text."""
    tokenizer = submission.Tokenizer(MERGES, ["<|end|>"])
    words = [f" {_word(random, 'aeht')}" for _ in range(60)]
    source = _Source(words)
    stream = submission.encode_stream(tokenizer, source.iterator(submission))
    assert_equal(source.read, 0, "Nobody has asked for an id yet. Chunks that were taken:")
    seen = [next(iter(stream))]
    certain = tokenizer.encode("".join(words[: source.read]))
    assert_that(source.read <= 12, "The first id is certain after a few of the 60 chunks (each holds a word). Do you read on before "
                "you give what you have?", "a few chunks", f"{source.read} chunks, which hold {len(certain)} ids")
    seen += [i for i in stream]
    assert_equal(seen, tokenizer.encode("".join(words)), "All ids together:")
    assert_equal(source.read, 60, "In the end, all chunks were taken:")


def _word(random, letters):
    return "".join(random.choices(letters, k=random.randint(3, 7)))


def _letters(random, letters, length):
    return "".join(random.choices(letters, k=length)).encode()


def _single(word):
    """The word as a tuple of single bytes."""
    return tuple(word[i : i + 1] for i in range(len(word)))


def _words(random, letters, count):
    """Random words as tuples of single bytes, with their occurrences."""
    return {_single(_letters(random, letters, random.randint(2, 7))): random.randint(1, 9) for _ in range(count)}


def _plain(counts):
    """The counts as a plain dict, whatever kind of dict they are."""
    return counts if type(counts) is dict else {pair: count for pair, count in counts.items()}


class _Source:
    """Chunks of text that are handed out one by one and counted."""

    def __init__(self, chunks, seconds=None):
        self.chunks, self.read, self.given, self.looks = chunks, 0, 0, []
        self.deadline = seconds and time.monotonic() + seconds

    def take(self):
        self.looks.append((self.read, self.given))
        if self.deadline and time.monotonic() > self.deadline:
            raise TimeoutError("each chunk takes longer than the one before it: is the whole text encoded again?")
        if self.read == len(self.chunks):
            return None
        self.read += 1
        return self.chunks[self.read - 1]

    def iterator(self, submission):
        """An iterator over the chunks, on the learner's side."""
        return submission._session.request("apply", "iter", [self.take, None], label="iter", quiet=True)


def _assert_stream(submission, tokenizer, chunks, expected):
    seen = [i for i in submission.encode_stream(tokenizer, chunks)]
    assert_equal(seen, expected, "The chunks give other ids than the whole text. What may still change at the end of what was read?")

ABOUT = {"lesson": "tokenizer", "title": "Tokenizer", "minutes": 90, "uses": {"split": [], "count_pairs": [], "merge": [], "train": ["merge", "split"], "encode_word": ["merge"], "split_special": [], "Tokenizer": ["encode_word", "merge", "split", "split_special"], "encode_stream": ["Tokenizer", "encode_word", "merge", "split", "split_special"]}, "taught": []}
