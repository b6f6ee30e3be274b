"""The checks of the lesson `tokenizer`."""

import string
import time
from collections import Counter
from unicodedata import category

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

# told when an exercise holds: why it matters, or what professionals do
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


# ------------------------------------------------------------------------------------------------------------------ split


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


@check("split", hidden=True)
def test_split_kinds(submission, random):
    """Letters, numbers and white space are Unicode's, in any language."""
    for letters in ("größer", "Ωμέγα", "привет", "猫一二", "שלום", "ªº", "ǅ", "𐐷𐐷"):
        assert_equal(submission.split(f"1{letters} {letters}!"), ["1", letters, f" {letters}", "!"], "These are all letters.")
    for numbers in ("½", "x²"[1], "Ⅳ", "٣٤", "①", "〇"):
        assert_equal(submission.split(f"a{numbers}2 {numbers}b"), ["a", f"{numbers}2", f" {numbers}", "b"], "These are all numbers.")
    for other in ("€", "🐈", "…", "\u0301", "\u200d", "_", "’"):
        assert_equal(submission.split(f"a{other}! {other}b"), ["a", f"{other}!", f" {other}", "b"],
                     "These are neither letters nor numbers nor white space.")


@check("split", hidden=True)
def test_split_separators(submission, random):
    """White space is Unicode's: the no-break space is one, the control characters U+001C to U+001F are not."""
    for space in ("\xa0", "\u3000", "\u2028", "\x85", "\x0b", "\u2009"):
        assert_equal(submission.split(f"a {space}b"), ["a", " ", space, "b"], "This is white space, but not the plain space.")
    for control in "\x1c\x1d\x1e\x1f\x00\u200b":
        assert_equal(submission.split(f"a {control}b"), ["a", f" {control}", "b"],
                     "In Unicode this character is not white space. (Python's `\\s` takes U+001C to U+001F for it.)")


@check("split", hidden=True)
def test_split_reference(submission, random):
    """Any mixture gives what GPT-2's expression gives."""
    pool = [*"abst lvremd'  \n\t19²Ⅳ!?_é猫🐈\u3000\x1c", "'s", "'ll", "'ve", " '", "  ", "\r\n", "''"]
    for _ in range(30):
        text = "".join(random.choices(pool, k=25))
        assert_equal(submission.split(text), _scan(text), f"For the text {text!r}.")


# ------------------------------------------------------------------------------------------------------------ count_pairs


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


@check("count_pairs", hidden=True)
def test_count_reference(submission, random):
    """Random words of longer pieces are counted exactly, pair by pair."""
    for _ in range(6):
        words = {tuple(piece * random.randint(1, 2) for piece in word): n for word, n in _words(random, "abc", 12).items()}
        expected = Counter()
        for pieces, n in words.items():
            for i in range(1, len(pieces)):
                expected[pieces[i - 1], pieces[i]] += n
        assert_equal(_plain(submission.count_pairs(words)), dict(expected), "The pairs that occur, with their counts:")


@check("count_pairs", hidden=True)
def test_count_leaves_input(submission, random):
    """The words are afterwards what they were before."""
    words = _words(random, "abc", 8)
    (after,), _ = inputs_after(submission.count_pairs, words)
    assert_equal(after, words, "`words` was changed.")


# ------------------------------------------------------------------------------------------------------------------ merge


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


@check("merge", hidden=True)
def test_merge_pieces_not_bytes(submission, random):
    """Only pieces equal to the pair's are merged, not others that give the same bytes."""
    cases = [((b"ab", b"c", b"a", b"bc"), (b"a", b"bc"), (b"ab", b"c", b"abc")),
             ((b"abc", b"a", b"b", b"c"), (b"ab", b"c"), (b"abc", b"a", b"b", b"c")),
             ((b"a", b"b", b"c", b"ab", b"c"), (b"ab", b"c"), (b"a", b"b", b"c", b"abc"))]
    for pieces, pair, expected in cases:
        assert_equal(submission.merge(pieces, pair), expected, f"The pair {pair!r} in {pieces!r}. What do you compare?")


@check("merge", hidden=True)
def test_merge_random(submission, random):
    """Random words are merged from left to right."""
    for _ in range(25):
        pieces = tuple(random.choices([b"a", b"b", b"ab", b"ba"], k=random.randint(3, 10)))
        pair = (random.choice(pieces), random.choice(pieces))
        assert_equal(submission.merge(pieces, pair), tuple(_merge(list(pieces), pair)), f"The pair {pair!r}:")


# ------------------------------------------------------------------------------------------------------------------ train


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


@check("train", points=2, hidden=True)
def test_train_reference(submission, random):
    """Random texts of few letters, full of ties and overlaps, give the merges of the slow way."""
    for letters, count, merges in (("ab", 6, 8), ("abc", 12, 15), ("aab", 8, 10), ("abcdef", 40, 40), ("éèê猫", 12, 12), ("aaab", 6, 9)):
        text, expected = _text(random, letters, count, merges)
        assert_equal(submission.train(text, merges), expected, f"For the text {text!r}." if count < 15 else "For a longer text.")


@check("train", hidden=True)
def test_train_ties_are_bytes(submission, random):
    """Ties are decided by the bytes themselves: the space is smaller than each letter, é larger."""
    words = random.sample(["zu", "qé", "qa", "!?", "ku", "ké"], 6)
    text = "".join(f" {word}" for word in words)
    assert_equal(submission.train(text, 12), _train(text, 12),
                 f"Merges of {text!r}. Are ties decided by the pair of byte strings, and by nothing that stands for it?")


@check("train", hidden=True)
def test_train_borders(submission, random):
    """No merge reaches across pre-tokens."""
    word, other = _word(random, "abc"), _word(random, "def")
    for left, right in submission.train(f"{word}! {other} 12;\n" * 9, 99):
        token = (left + right).decode()
        assert_that(len(_scan(token)) == 1, f"The merge ({left!r}, {right!r}) reaches across the border of a pre-token.",
                    "tokens within pre-tokens", repr(token))


@check("train", hidden=True)
def test_train_many_words(submission, random):
    """With thousands of different words, a merge touches those that hold its pair and no others."""
    words = ["".join(random.choices(string.ascii_letters, k=random.randint(6, 12))) for _ in range(5000)]
    _race(submission, " ".join(words), 160, 0.8, "With 5,000 different words, 160 merges took more than {} times as long as they need "
          "when books are kept. Do you count all words anew for each merge?")


@check("train", hidden=True)
def test_train_many_occurrences(submission, random):
    """A word that occurs thousands of times is handled once."""
    words = [_word(random, "aeinrst") * 3 for _ in range(20)]
    text = " ".join(random.choices(words, k=40_000))
    _race(submission, text, 50, 0.3, "With 20 different words, 40,000 altogether, 50 merges took more than {} times as long as "
          "they need. Is each different word handled once, however often it occurs?")


# ------------------------------------------------------------------------------------------------------------ encode_word


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


@check("encode_word", hidden=True, points=2)
def test_encode_word_reference(submission, random):
    """With merges that were learnt from text, words come out as training makes them."""
    for letters in ("ab", "abc", "abcdef", "aeé"):
        _, merges = _text(random, letters, 30, 25)
        ranks = {pair: i for i, pair in enumerate(merges)}
        words = ["".join(random.choices(letters, k=random.randint(1, 14))).encode() for _ in range(8)]
        for word, seen in [(word, submission.encode_word(word, ranks)) for word in words]:
            assert_equal(seen, _encode_word(word, merges), f"The word {word!r}; the merges, by rank: {merges[:12]!r}…")


@check("encode_word", hidden=True)
def test_encode_word_ranks_not_places(submission, random):
    """It is the rank that counts, not the order of the dict."""
    _, merges = _text(random, "abc", 30, 20)
    ranks = {pair: i for i, pair in enumerate(merges)}
    mixed = dict(random.sample(sorted(ranks.items()), len(ranks)))
    for _ in range(6):
        word = "".join(random.choices("abc", k=10)).encode()
        assert_equal(submission.encode_word(word, mixed), _encode_word(word, merges), f"The merges, by rank: {merges!r}")
    (_, after), _ = inputs_after(submission.encode_word, word, ranks)
    assert_equal(after, ranks, "`ranks` was changed.")


# ---------------------------------------------------------------------------------------------------------- split_special


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


@check("split_special", hidden=True)
def test_special_leftmost(submission, random):
    """Of special tokens that overlap, the one that begins first counts, also when the other one is longer."""
    assert_equal(submission.split_special("xabcdy", ["bcd", "ab"]), ["x", "ab", "cdy"], "`ab` begins before `bcd`.")
    assert_equal(submission.split_special("aaaaa", ["aa"]), ["aa", "aa", "a"], "Search goes on behind what was found.")
    assert_equal(submission.split_special("xabcdbcd", ["bcd", "ab", "d"]), ["x", "ab", "c", "d", "bcd"], "From left to right.")


@check("split_special", hidden=True)
def test_special_plain_text(submission, random):
    """Special tokens are plain text, whatever characters they hold."""
    for token in ("<|a|>", "[PAD]", "a.c", "(x)", "$$", "^", "\\d", "a+", "*", "{2}", "A|B"):
        assert_equal(submission.split_special(f"abc[P]{token}2 xX{token}", [token]), ["abc[P]", token, "2 xX", token],
                     f"The special token is {token}, character by character.")
    assert_equal(submission.split_special("x<A>y<a>", ["<a>"]), ["x<A>y", "<a>"], "Capital and small letters differ.")
    assert_equal(submission.split_special("a\n<a>\nb", ["\n<a>"]), ["a", "\n<a>", "\nb"], "A special token may hold a line break.")


@check("split_special", hidden=True)
def test_special_random(submission, random):
    """Random texts are cut as a search from left to right cuts them, and nothing is lost."""
    for _ in range(20):
        tokens = list({"".join(random.choices("ab|", k=random.randint(1, 4))) for _ in range(3)})
        text = "".join(random.choices("ab|c", k=16))
        seen = submission.split_special(text, tokens)
        assert_equal(seen, _split_special(text, tokens), f"The special tokens: {tokens}.")
    (_, after), _ = inputs_after(submission.split_special, text, tokens)
    assert_equal(after, tokens, "`special_tokens` was changed.")


# -------------------------------------------------------------------------------------------------------------- Tokenizer

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


@check("Tokenizer", hidden=True)
def test_tokenizer_invalid_bytes(submission, random):
    """Any ids of the vocabulary decode to what their bytes, joined, read as UTF-8 with replacements."""
    tokenizer = submission.Tokenizer(MERGES, ["<|é|>"])
    vocabulary = [bytes([i]) for i in range(256)] + [left + right for left, right in MERGES] + ["<|é|>".encode()]
    for _ in range(15):
        ids = random.choices([*range(0x70, 0x80), *range(0x80, 0xFF), *range(256, 264)], k=12)
        expected = b"".join(vocabulary[i] for i in ids).decode("utf-8", errors="replace")
        assert_equal(tokenizer.decode(ids), expected, "A model may say anything. Bytes that are not UTF-8 become U+FFFD.")


@check("Tokenizer", hidden=True)
def test_tokenizer_unknown_ids(submission, random):
    """An id that is not in the vocabulary raises ValueError, a negative one too."""
    tokenizer = submission.Tokenizer(MERGES, ["<|end|>"])
    for unknown in (264, -1, -100, 10**6):
        with raises("ValueError", f"The ids go from 0 to 263, and {unknown} is none of them. "
                    "(-100 often marks places without a label; decoded in silence, it would become some token.)"):
            tokenizer.decode([97, unknown])


@check("Tokenizer", points=2, hidden=True)
def test_tokenizer_reference(submission, random):
    """With merges that were learnt from text, the ids are those of an independent encoder."""
    text = "".join(random.choices([" the", " then", "he", " hello", "ll", "'ll", "é", " été", "the"], k=200))
    merges = _train(text, 40)
    special = ["<|end|>", "<|end|><|end|>", "§"]
    tokenizer = submission.Tokenizer(merges, special)
    pool = [" the", "then", " he'll", "été", "\n\n", "   ", *"tehl 1,猫", *special, "<|end"]
    texts = ["".join(random.choices(pool, k=15)) for _ in range(12)]
    for text, seen in [(text, tokenizer.encode(text)) for text in texts]:
        assert_equal(seen, _ids(text, merges, special), f"For the text {text!r}. Which step comes first: special "
                     "tokens, pre-tokens or merges?")


@check("Tokenizer", hidden=True)
def test_tokenizer_borders(submission, random):
    """Merges do not reach across pre-tokens, even where bytes on both sides would fit."""
    merges = [(b"a", b" "), (b"a", b"!"), (b" ", b" "), (b"\n", b"b"), (b"a", b"1")]
    assert_equal(submission.Tokenizer(merges).encode("a a! a1\nb   a"), [97, 32, 97, 33, 32, 97, 49, 10, 98, 258, 32, 97],
                 "These merges fit only across borders, all but one: a word does not end with a space, nor a line break begin one.")


@check("Tokenizer", hidden=True)
def test_tokenizer_instances(submission, random):
    """Two tokenizers do not disturb each other, and a second call gives what the first one gave."""
    one, other = submission.Tokenizer(MERGES, ["<|end|>"]), submission.Tokenizer(MERGES[:2])
    for _ in range(2):
        assert_equal(one.encode(" the<|end|> the"), [258, 263, 258], "The one with 7 merges and a special token:")
        assert_equal(other.encode(" the<|end|>"), [257, 256, *b"<|end|>"], "The other one, with two merges and no special token:")
    ids = one.encode("he he")
    assert_equal(one.decode(_iterator(submission, ids)), "he he", "`ids` may be an iterator, which can be gone through only once.")


# ---------------------------------------------------------------------------------------------------------- encode_stream


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


@check("encode_stream", hidden=True)
def test_stream_white_space(submission, random):
    """Runs of spaces and line breaks come out as in the whole text: what was certain is not cut anew."""
    tokenizer = submission.Tokenizer([(b" ", b" "), (b"\n", b"\n"), (b"\n", b" ")])
    for _ in range(12):
        text = "".join(random.choices([" ", "  ", "\n", "\n\n", "a", "be", "1", "!"], k=18))
        _assert_stream(submission, tokenizer, _cut(random, text), tokenizer.encode(text))
    text = "so\n\nbe it, as you\n\n  like\n it   all"
    for chunks in ([text], list(text), [text[:4], text[4:]]):
        _assert_stream(submission, tokenizer, chunks, tokenizer.encode(text))


@check("encode_stream", hidden=True)
def test_stream_contractions(submission, random):
    """A contraction that is cut by chunks is still one pre-token."""
    tokenizer = submission.Tokenizer([(b"l", b"l"), (b"'", b"ll"), (b"v", b"e"), (b"'", b"ve"), (b"'", b"re"), (b"r", b"e")])
    for text in ("I'll", "we've", "you're", "it'l", " 'll", "''ve we'", "they'll've"):
        _assert_stream(submission, tokenizer, list(text), tokenizer.encode(text))
        _assert_stream(submission, tokenizer, list(text + " be so"), tokenizer.encode(text + " be so"))


@check("encode_stream", points=2, hidden=True)
def test_stream_reads_no_more_than_it_needs(submission, random):
    """Each time it takes a chunk, all is out but the last two pieces before the last few characters."""
    special = ["<|end|>", "<|a|>", "<|a|><|b|>"]
    tokenizer, longest = submission.Tokenizer(MERGES, special), 10
    for sizes in ((1,), (1, 2, 7), (40,)):
        text = "".join(random.choices([" the", " king", "'ll", "\n\n", "   ", ",", " 12", *special, "<|en"], k=25))
        source = _Source(_cut(random, text, sizes))
        given = []
        for i in submission.encode_stream(tokenizer, source.iterator(submission)):
            given.append(i)
            source.given = len(given)
        assert_equal(given, tokenizer.encode(text), f"For the text {text!r}.")
        for read, out in source.looks:
            before = "".join(source.chunks[:read])
            pieces, end, certain = _pieces(before, special), 0, []
            for piece in pieces:
                end += len(piece)
                if end <= len(before) - longest:
                    certain.append(piece)
            due = sum(len(_ids(piece, MERGES, special)) for piece in certain[:-2])
            assert_that(out >= due, f"Having read {before[-60:]!r}, it takes another chunk and keeps back more than it needs.",
                        f"at least {due} ids given", f"{out} ids given")


@check("encode_stream", hidden=True)
def test_stream_work(submission, random):
    """The work for a chunk does not grow with the text before it."""
    tokenizer = submission.Tokenizer(MERGES)
    text = "".join(random.choices([" the", " king", " and", ",", "\n", " queen"], k=4000))
    source = _Source(_cut(random, text, (9,)), seconds=3.0)
    seen = submission.Counter(submission.encode_stream(tokenizer, source.iterator(submission)))  # goes through it
    assert_equal(seen.total(), len(tokenizer.encode(text)), "The number of ids:")


# ---------------------------------------------------------------------------------------------------------------- helpers


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


def _iterator(submission, values):
    """An iterator over the values, on the learner's side."""
    return submission._session.request("apply", "iter", [values], label="iter", quiet=True)


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


def _cut(random, text, sizes=(0, 1, 1, 2, 3, 6)):
    """The text in random chunks of these sizes."""
    chunks = []
    while text:
        size = random.choice(sizes)
        chunks.append(text[:size])
        text = text[size:]
    return chunks


# ------------------------------------------------------------------------------------------------------------ references


def _kind(character):
    if character in "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" or "\u2000" <= character <= "\u200a":
        return "S"
    return category(character)[0] if category(character)[0] in "LN" else "other"


def _scan(text):
    """GPT-2's pre-tokens, character by character."""
    found, i = [], 0
    while i < len(text):
        ending = next((e for e in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d") if text.startswith(e, i)), "")
        first = i + (text[i] == " " and i + 1 < len(text) and _kind(text[i + 1]) != "S")
        end = first
        while end < len(text) and _kind(text[end]) == _kind(text[first]):
            end += 1
        if ending:
            end = i + len(ending)
        elif _kind(text[first]) == "S" and end < len(text) and end - i > 1:
            end -= 1
        found.append(text[i:end])
        i = end
    return found


def _merge(pieces, pair):
    merged, i = [], 0
    while i < len(pieces):
        step = 2 if tuple(pieces[i : i + 2]) == pair else 1
        merged.append(b"".join(pieces[i : i + step]))
        i += step
    return merged


def _train(text, merges):
    """The merges, all words counted anew for each."""
    words = {}
    for word in _scan(text):
        words[_single(word.encode())] = words.get(_single(word.encode()), 0) + 1
    made = []
    for _ in range(merges):
        counts = Counter()
        for pieces, n in words.items():
            for pair in zip(pieces, pieces[1:]):
                counts[pair] += n
        if not counts:
            break
        made.append(max(counts, key=lambda pair: (counts[pair], pair)))
        words = {tuple(_merge(pieces, made[-1])): n for pieces, n in words.items()}
    return made


def _text(random, letters, count, merges):
    """A random text and its merges, no two of which make the same bytes."""
    while True:
        text = " ".join("".join(random.choices(letters, k=random.randint(1, 8))) for _ in range(count))
        made = _train(text, merges)
        if len({left + right for left, right in made}) == len(made):
            return text, made


def _encode_word(word, merges):
    """The merges, one after the other, as training did them."""
    pieces = list(_single(word))
    for pair in merges:
        pieces = _merge(pieces, pair)
    return tuple(pieces)


def _split_special(text, tokens):
    parts, plain, i = [], "", 0
    while i < len(text):
        found = max((token for token in tokens if text.startswith(token, i)), key=len, default="")
        if found:
            parts += [plain, found]
            plain = ""
        else:
            plain += text[i]
        i += len(found) or 1
    return [part for part in [*parts, plain] if part]


def _pieces(text, special):
    return [p for part in _split_special(text, special) for p in ([part] if part in special else _scan(part))]


def _ids(text, merges, special):
    tokens = {bytes([i]): i for i in range(256)} | {left + right: 256 + i for i, (left, right) in enumerate(merges)}
    ids = []
    for piece in _pieces(text, special):
        if piece in special:
            ids.append(256 + len(merges) + special.index(piece))
        else:
            ids += [tokens[token] for token in _encode_word(piece.encode(), merges)]
    return ids


TIMES = 5  # what the books need; to count anew takes more than 10 times as long


def _race(submission, text, merges, least, message):
    """Fails when the merges after the first one take many times as long as ordinary books need, on this machine, now."""
    limit = max(least, TIMES * _seconds_of_books(text, merges))
    moments = []

    def progress():
        moments.append(time.monotonic())
        if moments[-1] - moments[0] > limit:
            raise TimeoutError(message.format(TIMES))

    seen = submission.train(text, merges, progress)
    assert_equal(len(seen), merges, "The number of merges:")


def _seconds_of_books(text, merges):
    """How long the merges after the first one take with the books, and with `max` in place of a heap."""
    words = {word: _single(word.encode()) for word in text.split()}
    occurrences = Counter(text.split())
    counts, holders = Counter(), {}
    for word, pieces in words.items():
        for pair in zip(pieces, pieces[1:]):
            counts[pair] += occurrences[word]
            holders.setdefault(pair, set()).add(word)
    for number in range(merges):
        best = max(counts, key=lambda pair: (counts[pair], pair))
        for word in holders.pop(best):
            before, after, i = words[word], [], 0
            while i < len(before):
                step = 1 + (before[i : i + 2] == best)
                after.append(b"".join(before[i : i + step]))
                i += step
            words[word] = tuple(after)
            for pair in zip(before, before[1:]):
                counts[pair] -= occurrences[word]
            for pair in zip(after, after[1:]):
                counts[pair] += occurrences[word]
                holders.setdefault(pair, set()).add(word)
        if number == 0:
            started = time.monotonic()
    return time.monotonic() - started
