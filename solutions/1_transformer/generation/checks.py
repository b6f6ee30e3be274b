"""The checks of the lesson `generation`."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import torch
from torch.nn import functional as F

from grader.checks import assert_close, assert_equal, assert_that, check, inputs_after, raises

HINTS = {
    "temperature": [
        "Softmax, with one division before it. The two special cases, below 0 and exactly 0, are dealt with first.",
        "Greedy: `argmax` gives the first of several largest numbers. What turns an id into a row of zeros with a single 1?",
        "Half precision has to be widened before the division, not after it: `at_least_float32` is there for that.",
    ],
    "top_k": [
        "Which tokens stay? If you had the ids of a row in order of probability, it would be the first `k` of them.",
        "`sort` can keep equal numbers in their old order, if it is asked to be stable.",
        "You have ids, and need to mark their places in a row of zeros: that is what `scatter` does. At the end, divide by what is left.",
    ],
    "top_p": [
        "Sort, with the most probable first, and write the running sum below. By hand, for p = 0.6: which tokens belong to the nucleus?",
        "A token stays if the sum of those *before* it has not reached p yet. How do you get that from the running sum?",
        "What you find out is in sorted order; each token has to go back to its own place. And p = 1 is best dealt with first: a running "
        "sum in float32 reaches 1 too early.",
    ],
    "sample": [
        "Your three functions in the right order, then one draw. When is a filter off, and when is it on with a number that Python "
        "takes for false?",
        "`torch.multinomial` takes one row or a table of rows, and a generator. Bring the rows into a table, and the tokens back "
        "into the shape without the vocabulary.",
        "Where does your random number come from? Whatever draws it needs `generator=generator`.",
    ],
    "until_stop": [
        "Two questions, one after the other: is there a complete stop string? If not: what at the end might become one?",
        "Complete first: go through the text from the front, and ask after each character whether a stop string ends here.",
        "For the second question, try the longest end of the text first, then shorter ones: is it the beginning of a stop string? "
        "`str.startswith` may be asked either way round.",
    ],
    "generate": [
        "Five steps for each token: window, model, choose, stop?, hand out. In which order do the last two come?",
        "The model wants a batch: one row. It answers with logits for every token of the window; which of them is about the next token?",
        "`with torch.no_grad():` goes around the call of the model alone: a `yield` inside it lets it leak to the caller.",
    ],
    "generate_cached": [
        "Begin with your `generate`. Only what goes into the model changes: first the whole window, then what is new.",
        "Keep two things from one turn of the loop to the next: where the window began, and which tokens have not been in the model yet.",
        "When the window begins elsewhere than in the turn before: new caches, and all tokens of the window are new again. "
        "The very first turn is the same case.",
    ],
    "perplexity": [
        "Draw the windows of a text of 14 tokens with context 6 and stride 2, and mark in each what counts.",
        "The logits at place i guess token i + 1. So a window that reads start … end - 1 guesses start + 1 … end.",
        "Remember the first token that has not been counted. Add up losses, count tokens, and divide once, at the very end.",
    ],
}

# told when an exercise holds: why it matters, or what professionals do
AFTER = {
    "temperature": "One number between dull and wild; products set it low for facts, and higher for ideas.",
    "top_k": "Simple and fast, and still the first thing that serving engines offer.",
    "top_p": "The nucleus grows when the model is unsure and shrinks when it is sure: that is why it replaced fixed k.",
    "sample": "A token of one in ten thousand must come once in ten thousand: test distributions with a "
              "proper test, never by eye.",
    "until_stop": "A stop text can be cut in two by tokens: streaming products hold back just as much as could "
                  "still become one.",
    "generate": "A generator hands out each token as it comes: that is all that streaming is.",
    "generate_cached": "The cache turns quadratic work into linear: it is the first thing that every serving engine manages.",
    "perplexity": "A sliding window with context gives the number that papers report; cut into pieces it looks "
                  "worse than it is.",
}


# ------------------------------------------------------------------------------------------------------------ temperature


@check("temperature")
def test_temperature_formula(submission, random):
    """At any temperature above 0 the probabilities are softmax(logits / temperature) over the last dimension."""
    for shape in ((5,), (4, 4), (3, 2, 6)):
        logits = 2 * random.normal(*shape)
        for value in (1.0, 0.5, 1.7, 4):
            assert_close(submission.temperature(logits, value), torch.softmax(logits / value, -1),
                         f"At temperature {value}. What is divided, and does that come before or after softmax?")


@check("temperature")
def test_temperature_zero(submission, random):
    """Temperature 0 gives all to the largest logit; among equals, to the one with the lowest id."""
    logits = random.normal(4, 7)
    logits[1] = torch.tensor([0.0, 3.0, -1.0, 3.0, 2.0, 3.0, 0.0])
    logits[2] = 1.5
    winners = [int(logits[0].argmax()), 1, 0, int(logits[3].argmax())]
    expected = torch.zeros(4, 7)
    expected[range(4), winners] = 1
    for value in (0, 0.0):
        assert_close(submission.temperature(logits, value), expected, "In row 1 the ids 1, 3 and 5 have the largest logit, in row 2 all "
                     "have it: the lowest id gets all, the others nothing.")


@check("temperature")
def test_temperature_small(submission, random):
    """A temperature of 0.01 or 0.001 is still a temperature: close logits share."""
    for value in (0.01, 0.001):
        steps = random.integers(-2, 3, 3, 6).float()
        assert_close(submission.temperature(value * steps, value), torch.softmax(steps, -1),
                     f"These logits differ by multiples of the temperature, {value}, so the likely token is only e times as probable "
                     "as the next one. Only 0 is greedy.", 1e-3, 1e-4)
        equal = torch.tensor([5.0, 8.0, 8.0, 1.0])
        assert_close(submission.temperature(equal, value), torch.tensor([0.0, 0.5, 0.5, 0.0]),
                     f"Two logits are the largest, and equal: at temperature {value} each gets a half.")


@check("temperature", hidden=True)
def test_temperature_never(submission, random):
    """A logit of minus infinity has probability 0 at every temperature."""
    logits = random.normal(3, 6)
    logits[:, 2] = logits[1, :4] = -math.inf
    for value in (0.3, 1.0, 2.5):
        assert_close(submission.temperature(logits, value), torch.softmax(logits / value, -1), f"At temperature {value}.")
    assert_close(submission.temperature(logits, 0), F.one_hot(logits.argmax(-1), 6).float(), "At temperature 0.")


@check("temperature", hidden=True)
def test_temperature_dtypes(submission, random):
    """Half precision is computed, and comes back, in float32; float64 stays float64."""
    logits = 12 * random.normal(4, 9)
    double = logits.double()
    assert_close(submission.temperature(double, 0.7), torch.softmax(double / 0.7, -1), "Float64 in, float64 out.", 1e-11, 1e-14)
    assert_close(submission.temperature(double, 0), F.one_hot(logits.argmax(-1), 9).double(), "Float64 in, float64 out.")
    for dtype in (torch.bfloat16, torch.float16):
        half = logits.to(dtype)
        for value in (0.7, 0.0001):
            assert_close(submission.temperature(half, value), torch.softmax(half.double() / value, -1).float(),
                         f"{dtype} at temperature {value}. float16 ends at 65,504, and bfloat16 has three digits: widen the "
                         "logits before you divide.", 1e-3, 1e-5)
        assert_equal(submission.temperature(half, 0).dtype, torch.float32, "The probabilities are float32, at temperature 0 too.")


@check("temperature", hidden=True)
def test_temperature_below_zero(submission, random):
    """A temperature below 0 is refused, and the logits are left as they were."""
    for value in (-1, -0.001):
        with raises("ValueError", f"Temperature {value} would make the unlikely likely. It should raise ValueError."):
            submission.temperature(random.normal(5), value)
    logits = random.normal(2, 5)
    for value in (0, 0.5, 1):
        (after, _), _ = inputs_after(submission.temperature, logits, value)
        assert_that(torch.equal(after, logits), "The logits were changed. Which operation works in place?", logits, after)


# ------------------------------------------------------------------------------------------------------------------ top-k


@check("top_k")
def test_top_k_example(submission, random):
    """The table in the text: the best two, or three, keep their proportions and sum to one."""
    probabilities = torch.tensor([0.1, 0.4, 0.1, 0.3, 0.1])
    assert_close(submission.top_k(probabilities, 2), torch.tensor([0, 4 / 7, 0, 3 / 7, 0]), "The best two of 0.1, 0.4, 0.1, 0.3, 0.1.")
    assert_close(submission.top_k(probabilities, 3), torch.tensor([0.125, 0.5, 0, 0.375, 0]),
                 "Three tie for the third place of 0.1, 0.4, 0.1, 0.3, 0.1: the lowest id wins.")


@check("top_k")
def test_top_k_rows(submission, random):
    """In each row, `k` tokens stay in their places and sum to one; none that is left out was more probable."""
    for shape in ((6,), (4, 7), (2, 3, 5)):
        before = torch.softmax(2 * random.normal(*shape), -1)
        k = random.randint(2, 4)
        after = submission.top_k(before, k)
        assert_equal(tuple(after.shape), shape, "Each token keeps its place, so the shape stays.")
        assert_equal((after > 0).sum(-1), torch.full(shape[:-1], k), f"How many tokens stay in each row, with k = {k}?")
        assert_close(after.sum(-1), torch.ones(shape[:-1]), "What stays sums to one.")
        least, most = before.where(after > 0, 2.0).amin(-1), before.where(after == 0, -1.0).amax(-1)
        assert_that(bool((least > most).all()), "A token was left out that is more probable than one that stayed.", before, after)
        ratio = (after / before).where(after > 0, 0.0)
        assert_close(ratio, ratio.amax(-1, keepdim=True).expand(shape).where(after > 0, 0.0), "Those that stay keep their proportions.")


@check("top_k", hidden=True)
def test_top_k_ties(submission, random):
    """Of equally probable tokens the lowest ids stay, never more than `k` in all."""
    equal = torch.full((3, 60), 1 / 60)
    expected = torch.zeros(3, 60)
    expected[:, :7] = 1 / 7
    assert_close(submission.top_k(equal, 7), expected, "All 60 tokens are equally probable: ids 0 to 6 stay.")
    weights = random.integers(1, 4, 4, 30).float()
    weights[:, 20:] = 3
    before = weights / weights.sum(-1, keepdim=True)
    for k in (1, 5, 12, 25):
        assert_close(submission.top_k(before, k), _top_k(before, k), f"Many tokens are equally probable here, and k = {k}.")


@check("top_k", hidden=True)
def test_top_k_large(submission, random):
    """With `k` as large as the vocabulary or larger nothing changes, and tokens of probability 0 stay at 0."""
    before = torch.softmax(random.normal(2, 5), -1)
    for k in (5, 6, 1000):
        assert_close(submission.top_k(before, k), before, f"There are only 5 tokens, and k = {k}.")
    sparse = torch.tensor([[0.0, 0.75, 0.0, 0.0, 0.25], [0.0, 0.0, 0.0, 0.0, 1.0]])
    assert_close(submission.top_k(sparse, 3), sparse, "Fewer than 3 tokens have any probability: they stay as they are.")


@check("top_k", hidden=True)
def test_top_k_reference(submission, random):
    """Random rows give what an independent implementation gives, also in float64, and the input is left alone."""
    for shape in ((9,), (5, 5), (3, 2, 11)):
        before = torch.softmax(3 * random.normal(*shape), -1)
        for k in (1, 3, 4):
            assert_close(submission.top_k(before, k), _top_k(before, k), f"With k = {k}.")
            assert_close(submission.top_k(before.double(), k), _top_k(before.double(), k), "In float64.", 1e-11, 1e-14)
    (after, _), _ = inputs_after(submission.top_k, before, 3)
    assert_that(torch.equal(after, before), "`probabilities` was changed. Which operation works in place?", before, after)


# ------------------------------------------------------------------------------------------------------------------ top-p


@check("top_p")
def test_top_p_example(submission, random):
    """The table in the text: the nuclei of 0.3, 0.05, 0.15 and 0.5 for several p."""
    probabilities = torch.tensor([0.3, 0.05, 0.15, 0.5])
    for p, nucleus in ((0.4, [3]), (0.6, [0, 3]), (0.9, [0, 2, 3]), (0.97, [0, 1, 2, 3])):
        expected = torch.zeros(4)
        expected[nucleus] = probabilities[nucleus] / probabilities[nucleus].sum()
        assert_close(submission.top_p(probabilities, p), expected, f"The nucleus for p = {p} has {len(nucleus)} of the 4 tokens.")


@check("top_p")
def test_top_p_smallest(submission, random):
    """What stays sums to at least p, and would not without its least probable token."""
    before = torch.softmax(1.5 * random.normal(6, 9), -1)
    for p in (0.2, 0.55, 0.9):
        after = submission.top_p(before, p)
        assert_equal(tuple(after.shape), (6, 9), "Each token keeps its place, so the shape stays.")
        for row, (was, now) in enumerate(zip(before, after)):
            kept = was[now > 0]
            assert_that(float(kept.sum()) >= p - 1e-6, f"Row {row}: what stays has to sum to at least p = {p}. Is the token that takes "
                        "the sum over the line still in it?", f"at least {p}", f"{float(kept.sum()):.3f}: {kept.tolist()}")
            assert_that(float(kept.sum() - kept.min()) < p + 1e-6, f"Row {row}: the nucleus for p = {p} is not the smallest. Without its "
                        "least probable token it reaches p, too.", f"less than {p} without it", f"{float(kept.sum() - kept.min()):.3f}")
            assert_close(now[now > 0], kept / kept.sum(), "Those that stay keep their proportions and sum to one.")


@check("top_p")
def test_top_p_one_stays(submission, random):
    """One token stays even when its probability is far above p, or p is 0."""
    before = torch.tensor([[0.02, 0.9, 0.08], [0.4, 0.25, 0.35]])
    expected = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    for p in (0.3, 0.01, 0, 0.0):
        assert_close(submission.top_p(before, p), expected, f"With p = {p} the most probable token of each row stays.")


@check("top_p", hidden=True)
def test_top_p_exactly(submission, random):
    """When the sum reaches p exactly, the nucleus is complete."""
    before = torch.tensor([0.125, 0.5, 0.0625, 0.25, 0.0625])
    for p, count in ((0.5, 1), (0.75, 2), (0.875, 3), (0.9375, 4)):
        expected = _top_p(before, p)
        assert_close(submission.top_p(before, p), expected, f"The {count} most probable tokens of 0.5, 0.25, 0.125, 0.0625, 0.0625 sum to "
                     f"{p} exactly. At least p is enough.")


@check("top_p", hidden=True)
def test_top_p_everything(submission, random):
    """With p = 1 everything stays, a token of probability 1e-12 too."""
    before = torch.softmax(2 * random.normal(3, 400), -1)
    before[:, 7] = before[:, 300] = 0
    before = before / before.sum(-1, keepdim=True)
    before[:, 7] = before[:, 300] = 1e-12
    after = submission.top_p(before, 1.0)
    assert_close(after, before, "With p = 1 nothing changes.")
    assert_that(bool((after > 0).all()), "With p = 1, tokens of probability 1e-12 were dropped. A running sum in float32 reaches 1 "
                "before it comes to them.", "1200 tokens left", f"{int((after > 0).sum())} tokens left")


@check("top_p", hidden=True)
def test_top_p_ties(submission, random):
    """Of equally probable tokens, those with the lowest ids are taken first, and no more than needed."""
    expected = torch.zeros(2, 64)
    expected[:, :7] = 1 / 7
    assert_close(submission.top_p(torch.full((2, 64), 1 / 64), 0.1), expected,
                 "All 64 tokens are equally probable, and 7 of them sum to more than 0.1: ids 0 to 6 stay.")


@check("top_p", hidden=True)
def test_top_p_reference(submission, random):
    """Random rows give what an independent implementation gives, also in float64, and the input is left alone."""
    for shape in ((7,), (6, 6), (3, 2, 12)):
        before = torch.softmax(2 * random.normal(*shape), -1)
        for p in (0.13, 0.5, 0.8, 0.99):
            assert_close(submission.top_p(before, p), _top_p(before, p), f"With p = {p}.")
            assert_close(submission.top_p(before.double(), p), _top_p(before.double(), p), "In float64.", 1e-11, 1e-14)
    (after, _), _ = inputs_after(submission.top_p, before, 0.6)
    assert_that(torch.equal(after, before), "`probabilities` was changed. Which operation works in place?", before, after)


# ----------------------------------------------------------------------------------------------------------------- sample


@check("sample")
def test_sample_greedy(submission, random):
    """With temperature 0, or with top-k 1, the likeliest token comes, one for each row, whatever the shape."""
    for shape in ((8,), (5, 9), (2, 3, 7)):
        logits = random.normal(*shape)
        for settings in ({"temperature": 0}, {"top_k": 1}):
            drawn = submission.sample(logits, submission.Settings(**settings), submission.seeded(random.getrandbits(30)))
            assert_equal(drawn, logits.argmax(-1), f"Logits of shape {shape}, {settings}: one token id for each row, int64.")


@check("sample")
def test_sample_distribution(submission, random):
    """Each token comes as often as its probability says, one of 0.2 % too. (Chi-square; it errs once in a million.)"""
    probabilities = torch.tensor([0.002, 0.3, 0.05, 0.25, 0.004, 0.2, 0.12, 0.074])
    probabilities = probabilities[random.sample(range(8), 8)]
    logits = (probabilities.log() + 3).expand(40_000, 8)
    with _global_seed(submission, random):
        drawn = submission.sample(logits, submission.Settings(), submission.seeded(random.getrandbits(30)))
    _assert_drawn(drawn, probabilities, "40,000 equal rows, so 40,000 draws from one distribution.")


@check("sample")
def test_sample_repeats(submission, random):
    """Generators with the same seed give the same tokens, a second call gives others, and the global generator stays as it is."""
    logits, seed = random.normal(30, 12), random.getrandbits(30)
    with _global_seed(submission, random):
        before = submission.torch.get_rng_state()
        first, second = submission.seeded(seed), submission.seeded(seed)
        one = submission.sample(logits, submission.Settings(), first)
        other = submission.sample(logits, submission.Settings(), second)
        assert_equal(other, one, "Two generators with the same seed should give the same tokens. Where does your chance come from?")
        again = submission.sample(logits, submission.Settings(), first)
        assert_that(not torch.equal(again, one), "The second call with the same generator gave the same 30 tokens as the first. Does the "
                    "generator move on?", "other tokens", again)
        assert_that(torch.equal(submission.torch.get_rng_state(), before), "PyTorch's global generator has moved. All chance should "
                    "come from the generator that is given.")
        different = submission.sample(logits, submission.Settings(), submission.seeded(seed + 1))
        assert_that(not torch.equal(different, one), "Another seed gave the same 30 tokens.", "other tokens", different)


@check("sample", points=2, hidden=True)
def test_sample_order(submission, random):
    """Temperature, top-k and top-p act in this order, each as it should. (Chi-square; it errs once in a million.)"""
    logits = torch.tensor([3.0, 2.5, 2.2, 1.6, 1.2, 0.9, 0.2, -0.6])[random.sample(range(8), 8)]
    for settings in ({"temperature": 1.8, "top_p": 0.8}, {"top_k": 3, "top_p": 0.7}, {"temperature": 0.6, "top_k": 4},
                     {"temperature": 2.5, "top_k": 5, "top_p": 0.85}, {"temperature": 0.5, "top_p": 0.9}):
        probabilities = _distribution(logits, **settings)
        with _global_seed(submission, random):
            drawn = submission.sample(logits.expand(20_000, 8), submission.Settings(**settings),
                                      submission.seeded(random.getrandbits(30)))
        _assert_drawn(drawn, probabilities, f"20,000 draws with {settings}. First temperature, then top-k, then top-p, then the draw.")


@check("sample", hidden=True)
def test_sample_rows(submission, random):
    """Each row is drawn from its own distribution, and by itself. (Chi-square; it errs once in a million.)"""
    logits = random.normal(3, 4, 6)
    with _global_seed(submission, random):
        generator = submission.seeded(random.getrandbits(30))
        drawn = submission.sample(logits.expand(4_000, 3, 4, 6), submission.Settings(temperature=0.9), generator)
    assert_equal(tuple(drawn.shape), (4_000, 3, 4), "One token for each row: the shape is that of the logits without the last dimension.")
    for row in ((0, 0), (2, 1), (1, 3)):
        _assert_drawn(drawn[:, *row], _distribution(logits[row], temperature=0.9), f"Row {row} of 3 by 4, drawn 4,000 times.")
    pairs = drawn[:, 0, 0] * 6 + drawn[:, 2, 1]
    joint = _distribution(logits[0, 0], temperature=0.9)[:, None] * _distribution(logits[2, 1], temperature=0.9)
    likely = joint.flatten() * 4_000 >= 5
    rare = (joint.flatten() * ~likely).sum()
    classes = torch.where(likely, likely.cumsum(0), 0)
    sums = torch.cat((rare[None], joint.flatten()[likely]))
    _assert_drawn(classes[pairs], sums, "The tokens of two rows, taken together. Does what one row draws depend on the other's draw?")


@check("sample", hidden=True)
def test_sample_zero(submission, random):
    """What has probability 0 never comes, and top_p = 0 leaves the likeliest alone."""
    logits = random.normal(7)
    logits[[1, 4, 6]] = -math.inf
    with _global_seed(submission, random):
        generator = submission.seeded(random.getrandbits(30))
        drawn = submission.sample(logits.expand(5_000, 7), submission.Settings(temperature=3.0), generator)
        _assert_drawn(drawn, _distribution(logits, temperature=3.0), "The logits 1, 4 and 6 are minus infinity.")
        only = submission.sample(logits.expand(200, 7), submission.Settings(top_p=0.0), generator)
    assert_equal(only, logits.argmax().expand(200), "top_p = 0.0 is a filter that leaves one token. Python takes 0.0 for false; do you?")


# ------------------------------------------------------------------------------------------------------------- stop string


@check("until_stop")
def test_stop_examples(submission, random):
    """The examples of the docstring."""
    for text, expected in (("at the E", ("at the ", False)), ("wee", ("w", False)), ("weed", ("weed", False)),
                           ("feels END", ("f", True)), ("", ("", False))):
        assert_equal(tuple(submission.until_stop(text, ["END", "eel"])), expected, f"The text {text!r} with the stop strings 'END' and 'eel'.")


@check("until_stop")
def test_stop_growing(submission, random):
    """As a text grows, what has been shown is never taken back; a false alarm goes out, the stop string never does."""
    text, stop = "To be, or not to be; that. END of quESTion ENDED, ENDING here.", "ENDI"
    shown = ""
    for length in range(len(text) + 1):
        now, stopped = submission.until_stop(text[:length], [stop])
        assert_that(now.startswith(shown), f"Of {text[:length]!r} less may be shown than of the text one character shorter: something has "
                    "gone out too early.", f"begins with {shown!r}", repr(now))
        assert_equal(stopped, stop in text[:length], f"Has {text[:length]!r} come to its end, with the stop string {stop!r}?")
        shown = now
    assert_equal(shown, text[: text.index(stop)], f"All before {stop!r} should have been shown at last.")


@check("until_stop")
def test_stop_anywhere(submission, random):
    """A stop string ends the text wherever it lies, also when more text has come behind it in one piece."""
    before = "".join(random.choices("abcdefgh ", k=random.randint(5, 20)))
    for behind in ("", "X", "more text, and USER: again"):
        seen = tuple(submission.until_stop(f"{before}USER:{behind}", ["USER:", "</s>"]))
        assert_equal(seen, (before, True), "Tokens may bring several characters at once, so the stop string need not be at the very end.")


@check("until_stop", hidden=True)
def test_stop_held_back(submission, random):
    """No more is held back than what may still become a stop string."""
    for text, stops, expected in (
        ("a quiet text", ["\n\n"], ("a quiet text", False)),
        ("one line\n", ["\n\n"], ("one line", False)),
        ("one line\nand", ["\n\n"], ("one line\nand", False)),
        ("abab", ["ababc"], ("", False)),
        ("ababab", ["ababc"], ("ab", False)),
        ("xyab", ["abc", "b!"], ("xy", False)),
        ("xyab", ["b!", "abc"], ("xy", False)),
        ("xyb", ["abc", "b!"], ("xy", False)),
        ("anything at all", [], ("anything at all", False)),
        ("aaa", ["aaaa"], ("", False)),
        ("aaab", ["aaaa"], ("aaab", False)),
    ):
        assert_equal(tuple(submission.until_stop(text, stops)), expected, f"The text {text!r} with the stop strings {stops}.")


@check("until_stop", hidden=True)
def test_stop_first(submission, random):
    """Among several stop strings, the one that was complete first counts, then the longest."""
    for text, stops, expected in (
        ("one two three", ["three", "two"], ("one ", True)),
        ("one two three", ["two", "three"], ("one ", True)),
        ("xabcdx", ["abcd", "bc"], ("xa", True)),
        ("xabcx", ["c", "abc", "bc"], ("x", True)),
        ("xabcx", ["abc", "c"], ("x", True)),
        ("END and END", ["END"], ("", True)),
        ("END", ["EN", "END"], ("", True)),
    ):
        assert_equal(tuple(submission.until_stop(text, stops)), expected, f"The text {text!r} with the stop strings {stops}.")


@check("until_stop", hidden=True)
def test_stop_reference(submission, random):
    """Random texts of two letters, with random stop strings, come out as the definition says."""
    for _ in range(80):
        text = "".join(random.choices("ab", k=random.randint(0, 9)))
        stops = ["".join(random.choices("ab", k=random.randint(2, 5))) for _ in range(random.randint(1, 3))]
        assert_equal(tuple(submission.until_stop(text, stops)), _until_stop(text, stops),
                     f"The text {text!r} with the stop strings {stops}.")


# --------------------------------------------------------------------------------------------------------------- generate


@check("generate")
def test_generate_reads_and_chooses(submission, random):
    """For each token, the model reads the text so far, once, and `choose` gets the logits of its last token."""
    model, choose = ToyModel(random, 9), Choice()
    prompt = random.integers(0, 9, 4).tolist()
    new = _taken(submission.generate(model, prompt, 6, choose, 50), 20)
    _assert_windows(model.calls, [(prompt + choose.chosen[:i]) for i in range(6)])
    _assert_logits(choose.logits, [model.last(call) for call in model.calls])
    assert_equal(new, choose.chosen, "The tokens that were chosen are yielded, as they are, without the prompt.")


@check("generate")
def test_generate_ends(submission, random):
    """It ends after `maximum` tokens, or at a stop token, which is not yielded."""
    script = [3, 5, 1, 4, 7, 2, 6]
    for maximum, stop, expected in ((4, [], [3, 5, 1, 4]), (1, [], [3]), (6, [7], [3, 5, 1, 4]), (6, [2, 1], [3, 5])):
        choose = Choice(script)
        new = _taken(submission.generate(ToyModel(random, 8), [2, 7], maximum, choose, 50, stop), 20)
        assert_equal(new, expected, f"The tokens chosen are 3, 5, 1, 4, 7, 2, 6; maximum = {maximum}, stop = {stop}.")


@check("generate")
def test_generate_at_once(submission, random):
    """Each token is handed out as soon as it is chosen, before the model is called again."""
    model, choose = ToyModel(random, 9), Choice()
    tokens = iter(submission.generate(model, [1, 2], 30, choose, 50))
    for count in (1, 2, 3):
        next(tokens)
        assert_equal((len(model.calls), len(choose.chosen)), (count, count),
                     f"The caller has asked for {count} token(s) of 30. How often have model and choose been called by now?")


@check("generate", hidden=True, points=2)
def test_generate_window(submission, random):
    """A text longer than the context is seen through the window that `window_start` says."""
    for context, length, maximum in ((8, 3, 20), (6, 15, 9), (5, 5, 8), (2, 1, 5)):
        model, choose = ToyModel(random, 9), Choice()
        prompt = random.integers(0, 9, length).tolist()
        new = _taken(submission.generate(model, prompt, maximum, choose, context), 50)
        texts = [prompt + choose.chosen[:i] for i in range(maximum)]
        _assert_windows(model.calls, [text[_window_start(len(text), context) :] for text in texts])
        _assert_logits(choose.logits, [model.last(call) for call in model.calls])
        assert_equal(new, choose.chosen, "The tokens that were chosen are yielded, as they are.")


@check("generate", hidden=True)
def test_generate_stop_edges(submission, random):
    """A stop token may be the first, may be token 0, may be the last that is allowed, and may stand in the prompt."""
    for script, maximum, stop, expected in (
        ([4, 1, 2], 3, [4], []),
        ([3, 0, 2], 3, [0], [3]),
        ([3, 5, 4], 3, {4, 6}, [3, 5]),
        ([3, 5, 4], 2, (4,), [3, 5]),
        ([3, 2, 5, 4, 1], 4, [7], [3, 2, 5, 4]),
        ([3, 3, 3], 3, [], [3, 3, 3]),
        ([1], 0, [], []),
    ):
        model, choose = ToyModel(random, 8), Choice(script)
        new = _taken(submission.generate(model, [7, 7], maximum, choose, 50, stop), 20)
        assert_equal(new, expected, f"The prompt is 7, 7; the tokens chosen are {script}; maximum = {maximum}, stop = {stop}.")
        calls = min(maximum, len(expected) + (len(expected) < maximum))
        assert_equal((len(model.calls), len(choose.chosen)), (calls, calls), "How often were model and choose called? Once for each token, "
                     "and for the stop token, and then never again.")


@check("generate", hidden=True)
def test_generate_gradients(submission, random):
    """While the caller holds a token, gradients are recorded or not, as before."""
    tokens = iter(submission.generate(ToyModel(random, 9), [1, 2], 4, Choice(), 50))
    for _ in range(2):
        next(tokens)
        recording = submission.torch.is_grad_enabled()
        if not recording:
            submission.torch.set_grad_enabled(True)
        assert_that(recording, "A token was handed out, and gradients are switched off for the caller too. What is `yield` inside of?",
                    "gradients on", "gradients off")


# -------------------------------------------------------------------------------------------------------- generate_cached


@check("generate_cached")
def test_cached_same_logits(submission, random):
    """Within the context, `choose` gets the same logits as without a cache, and the tokens that it gives come out."""
    model, choose = _model(submission, random), Choice()
    prompt = random.integers(0, 11, 5).tolist()
    new = _taken(submission.generate_cached(model, prompt, 9, choose, 20), 30)
    assert_equal(len(choose.chosen), 9, "`choose` is called once for each token.")
    text = prompt + choose.chosen
    _assert_logits(choose.logits, list(model(torch.tensor([text]))[0, 4:13]))
    assert_equal(new, choose.chosen, "The tokens that were chosen are yielded, as they are, without the prompt.")


@check("generate_cached")
def test_cached_work(submission, random):
    """The prompt passes through the model once, in one call, and then each new token once."""
    model, seen = _counted(_model(submission, random))
    prompt = random.integers(0, 11, 6).tolist()
    new = _taken(submission.generate_cached(model, prompt, 8, Choice(), 30), 30)
    _assert_calls(seen.calls, [prompt, *([token] for token in new[:7])])


@check("generate_cached")
def test_cached_ends(submission, random):
    """It ends as `generate` does, and never computes what nobody asked for."""
    script = [3, 5, 1, 0, 7, 2, 6]
    for maximum, stop, expected, count in ((4, [], [3, 5, 1, 0], 4), (6, {7, 0}, [3, 5, 1], 4), (3, [3], [], 1), (0, [], [], 0)):
        model, seen = _counted(_model(submission, random))
        new = _taken(submission.generate_cached(model, [2, 7], maximum, Choice(script), 30, stop), 20)
        assert_equal(new, expected, f"The tokens chosen are 3, 5, 1, 0, 7, 2, 6; maximum = {maximum}, stop = {stop}.")
        assert_equal(len(seen.calls), count, "How often was the model called? Once for each token, and for the stop token.")
    tokens = iter(submission.generate_cached(model, [1, 2], 20, Choice(), 30))
    seen.calls.clear()
    for count in (1, 2, 3):
        next(tokens)
        assert_equal(len(seen.calls), count, f"The caller has asked for {count} token(s). How often has the model been called by now?")


@check("generate_cached", hidden=True, points=2)
def test_cached_window_logits(submission, random):
    """When the window moves, the logits are still those of the model without a cache."""
    for context, length, maximum in ((8, 3, 16), (6, 14, 7), (5, 1, 9)):
        model, choose = _model(submission, random), Choice()
        prompt = random.integers(0, 11, length).tolist()
        new = _taken(submission.generate_cached(model, prompt, maximum, choose, context), 40)
        assert_equal(new, choose.chosen, "The tokens that were chosen are yielded, as they are.")
        text = prompt + choose.chosen
        ends = range(length, length + maximum)
        _assert_logits(choose.logits, [model(torch.tensor([text[_window_start(end, context) : end]]))[0, -1] for end in ends])


@check("generate_cached", hidden=True)
def test_cached_window_work(submission, random):
    """When the window moves, the new one passes through the model once, in one call; otherwise only the newest token does."""
    for context, length, maximum in ((8, 3, 16), (6, 14, 9)):
        model, seen = _counted(_model(submission, random))
        prompt = random.integers(0, 11, length).tolist()
        text = prompt + _taken(submission.generate_cached(model, prompt, maximum, Choice(), context), 40)
        expected, before = [], -1
        for end in range(length, length + maximum):
            start = _window_start(end, context)
            expected.append(text[end - 1 : end] if start == before else text[start:end])
            before = start
        _assert_calls(seen.calls, expected)


@check("generate_cached", hidden=True)
def test_cached_forgets(submission, random):
    """Two generations side by side, and one after them, do not disturb one another."""
    model = _model(submission, random)
    prompts, choices = [[1, 2, 3], [4, 5, 6, 7, 8]], [Choice(), Choice()]
    running = [iter(submission.generate_cached(model, p, 5, c, 20)) for p, c in zip(prompts, choices)]
    for _ in range(4):
        for tokens in running:
            next(tokens)
    prompts.append([1, 2, 3])
    choices.append(Choice())
    _taken(submission.generate_cached(model, prompts[2], 4, choices[2], 20), 10)
    for prompt, choice in zip(prompts, choices):
        text, begin = prompt + choice.chosen, len(prompt) - 1
        _assert_logits(choice.logits, list(model(torch.tensor([text]))[0, begin : begin + 4]))


@check("generate_cached", hidden=True)
def test_cached_gradients(submission, random):
    """While the caller holds a token, gradients are recorded or not, as before."""
    tokens = iter(submission.generate_cached(_model(submission, random), [1, 2], 4, Choice(), 50))
    for _ in range(2):
        next(tokens)
        recording = submission.torch.is_grad_enabled()
        if not recording:
            submission.torch.set_grad_enabled(True)
        assert_that(recording, "A token was handed out, and gradients are switched off for the caller too. What is `yield` inside of?",
                    "gradients on", "gradients off")


# ------------------------------------------------------------------------------------------------------------- perplexity


@check("perplexity")
def test_perplexity_uniform(submission, random):
    """A model that thinks all of `n` tokens equally likely has perplexity n, on any text, with any window."""
    for vocabulary, length, context, stride in ((7, 20, 6, 2), (50, 5, 8, 8), (3, 31, 7, 7), (12, 2, 4, 1)):
        seen = submission.perplexity(lambda tokens: torch.full((*tokens.shape, vocabulary), 2.5),
                                     random.integers(0, vocabulary, length), context, stride)
        assert_close(seen, float(vocabulary), f"{vocabulary} equally likely tokens, a text of {length}, context {context}, stride {stride}.")


@check("perplexity")
def test_perplexity_each_once(submission, random):
    """Each token but the first counts once, and all count the same."""
    for length, context, stride in ((23, 6, 2), (17, 5, 5), (30, 8, 3), (9, 12, 4)):
        logits, text = 3 * random.normal(10), random.integers(0, 10, length)
        seen = submission.perplexity(lambda tokens: logits.expand(*tokens.shape, 10), text, context, stride)
        expected = float(F.cross_entropy(logits.expand(length - 1, 10), text[1:]).exp())
        assert_close(seen, expected, "The loss of a token depends on nothing but the token here, so windows should not matter. "
                     f"{length} tokens, context {context}, stride {stride}: which are counted twice, which never, and do all count the same?")


@check("perplexity")
def test_perplexity_one_window(submission, random):
    """A text that fits into the context is read once; the logits at each place guess the token after it."""
    for length, context in ((8, 8), (9, 8), (5, 20), (2, 3)):
        model, text = ToyModel(random, 9), random.integers(0, 9, length)
        expected = float(F.cross_entropy(model(text[None, :-1])[0], text[1:]).exp())
        assert_close(submission.perplexity(model, text, context, context), expected, f"A text of {length} tokens, context {context}.")


@check("perplexity", hidden=True, points=2)
def test_perplexity_context(submission, random):
    """Each token is guessed from the first window that guesses it, with all that this window has before it."""
    for length, context, stride in ((30, 8, 3), (26, 6, 1), (21, 5, 5), (19, 8, 7), (9, 7, 2), (15, 6, 2)):
        model, text = ToyModel(random, 9), random.integers(0, 9, length)
        expected = _perplexity(model, text, context, stride)
        assert_close(submission.perplexity(model, text, context, stride), expected,
                     f"{length} tokens, context {context}, stride {stride}. How much of the text before it does each counted token see?")


@check("perplexity", hidden=True)
def test_perplexity_calls(submission, random):
    """The model never reads more than `context` tokens at once, and never a token that is not there."""
    for length, context, stride in ((20, 6, 2), (13, 6, 6), (18, 5, 4)):
        model, text = ToyModel(random, 9), random.integers(0, 9, length)
        assert_that(type(submission.perplexity(model, text, context, stride)) is float, "The perplexity is a number, a float.")
        longest = max(map(len, model.calls))
        assert_that(longest <= context, "The model was given more tokens than the context has room for.", f"at most {context}", str(longest))
        present = {tuple(text[i:j].tolist()) for i in range(length) for j in range(i + 1, length + 1)}
        assert_that({tuple(call) for call in model.calls} <= present, "The model was given something that is no piece of the text.")


@check("perplexity", hidden=True)
def test_perplexity_extremes(submission, random):
    """Confident models and half precision come out right: a sure guess has perplexity 1, and bfloat16 is widened."""
    text = random.integers(0, 8, 40)
    follows = {tuple(text[:i].tolist()): int(text[i]) for i in range(1, 40)}

    def sure(tokens):
        rows = [[follows[tuple(row[: i + 1])] for i in range(len(row))] for row in tokens.tolist()]
        return 60.0 * F.one_hot(torch.tensor(rows), 8)

    assert_close(submission.perplexity(sure, text, 40, 40), 1.0, "The model is sure, and right, about every token.")
    half = (8 * random.normal(8)).bfloat16()
    expected = float(F.cross_entropy(half.float().expand(39, 8), text[1:]).exp())
    assert_close(submission.perplexity(lambda tokens: half.expand(*tokens.shape, 8), text, 9, 4), expected,
                 "These logits are bfloat16, which has three digits: widen them before you compute with them.")


# ----------------------------------------------------------------------------------------------------------------- helpers


class ToyModel:
    """A language model on the checks' side. Its logits depend on all tokens that it is given, and on their order. It keeps
    a list of what it was given."""

    exposed = frozenset()

    def __init__(self, random, vocabulary):
        self.vocabulary, self.calls = vocabulary, []
        self._table = 1.5 * random.normal(vocabulary, vocabulary)

    def __call__(self, tokens, *_):
        if not isinstance(tokens, torch.Tensor) or tokens.dim() != 2 or tokens.dtype != torch.int64 or 0 in tokens.shape:
            raise TypeError("the model was not given an int64 tensor of shape (1, length), with a length of at least 1")
        self.calls += tokens.tolist()
        return torch.stack([torch.stack(self._logits(row)) for row in tokens.tolist()])

    def last(self, tokens):
        return self._logits(tokens)[-1]

    def _logits(self, tokens):
        state, states = torch.zeros(self.vocabulary), []
        for token in tokens:
            state = 0.8 * state.roll(1) + self._table[token]
            states.append(state)
        return states


class Choice:
    """Chooses the token with the largest logit, or what a script says; keeps a list of the logits and of the tokens."""

    exposed = frozenset()

    def __init__(self, script=None):
        self.logits, self.chosen, self._script = [], [], script

    def __call__(self, logits):
        if not isinstance(logits, torch.Tensor) or logits.dim() != 1:
            raise TypeError("`choose` was not given the logits of one token, of shape (vocabulary,)")
        self.logits.append(logits)
        self.chosen.append(int(logits.argmax()) if self._script is None else self._script[len(self.chosen)])
        return self.chosen[-1]


class Seen:
    """Called by PyTorch before tokens enter the model; keeps a list of them."""

    exposed = frozenset()

    def __init__(self):
        self.calls = []

    def __call__(self, module, arguments):
        self.calls += arguments[0].tolist()


def _model(submission, random):
    """A small language model with strong random weights, in float64 so that rounding never decides."""
    config = submission.Config(vocabulary=11, width=16, layers=2, heads=4, key_value_heads=2, hidden=24, context=16)
    weights = {"embed_tokens.weight": random.normal(11, 16), "norm.weight": 1 + 0.1 * random.normal(16)}
    weights["lm_head.weight"] = weights["embed_tokens.weight"]
    shapes = {"self_attn.q_proj": (16, 16), "self_attn.k_proj": (8, 16), "self_attn.v_proj": (8, 16), "self_attn.o_proj": (16, 16),
              "mlp.gate_proj": (24, 16), "mlp.up_proj": (24, 16), "mlp.down_proj": (16, 24)}
    for layer in range(2):
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"layers.{layer}.{name}.weight"] = 1 + 0.1 * random.normal(16)
        for name, shape in shapes.items():
            weights[f"layers.{layer}.{name}.weight"] = 0.4 * random.normal(*shape)
    model = submission.LanguageModel(config).double()
    model.load_state_dict({name: weight.double() for name, weight in weights.items()})
    return model


def _counted(model):
    """The model, and what enters it from now on."""
    seen = Seen()
    model.embed_tokens.register_forward_pre_hook(seen)
    return model, seen


def _taken(tokens, most):
    """The first `most` of the tokens that a generation yields."""
    taken = list(islice(iter(tokens), most))
    assert_that(all(type(token) is int for token in taken), "Tokens are ints.", "ints", taken[:4])
    return taken


def _window_start(length, context):
    return next(start for start in range(0, length, max(1, context // 2)) if length - start <= context)


def _assert_windows(calls, expected):
    assert_equal(len(calls), len(expected), "How often is the model called? Once for each token.")
    for i, (call, window) in enumerate(zip(calls, expected)):
        assert_equal(call, window, f"What the model reads for new token {i}:")


def _assert_calls(calls, expected):
    work = sum(map(len, expected))
    assert_equal(sum(map(len, calls)), work, f"How many tokens passed through the model, in all of {len(calls)} calls? "
                 "If it is more than needed: which of them were in the cache already?")
    assert_equal(calls, expected, "What passed through the model, call by call:")


def _assert_logits(seen, expected):
    assert_equal(len(seen), len(expected), "How often is `choose` called? Once for each token.")
    for i, (one, other) in enumerate(zip(seen, expected)):
        assert_close(one, other, f"The logits that `choose` was given for new token {i}:", 1e-4, 1e-5)


@contextmanager
def _global_seed(submission, random) -> Iterator[None]:
    """Seeds the learner's global generator, so that who uses it by mistake does the same each time, and puts it back."""
    fork = iter(submission.torch.random.fork_rng([]).gen)  # what `with` does with it, from afar; its state stays there
    next(fork)
    submission.torch.manual_seed(random.getrandbits(30))
    try:
        yield
    finally:
        next(fork, None)


def _assert_drawn(tokens, probabilities, message):
    """A chi-square test that turns a right sampler away once in a million."""
    count = len(probabilities)
    assert_that(isinstance(tokens, torch.Tensor) and tokens.dtype == torch.int64 and tokens.dim() == 1,
                f"{message} There should be one int64 token id for each row.", "a tensor of token ids", tokens)
    assert_that(bool(((tokens >= 0) & (tokens < count)).all()), f"{message} There are ids that are no token's.", f"0 to {count - 1}", tokens)
    counts, expected = tokens.bincount(minlength=count), probabilities.double() * len(tokens)
    assert_that(not counts[expected == 0].any(), f"{message} Tokens of probability 0 were drawn.", expected.round(), counts)
    never = expected.gt(30) & counts.eq(0)
    assert_that(not never.any(), f"{message} Token {int(never.int().argmax())} never came.", expected.round(), counts)
    possible = expected > 0
    statistic = ((counts - expected).square()[possible] / expected[possible]).sum()
    freedom = possible.sum() - 1
    chance = float(torch.special.gammaincc(freedom / 2, statistic / 2)) if freedom else 1.0
    assert_that(chance > 1e-6, f"{message} So far from what is expected, a right sampler would be once in a million times.",
                expected.round(), counts)


def _top_k(probabilities, k):
    result = torch.zeros_like(probabilities)
    for row, out in zip(probabilities.reshape(-1, probabilities.shape[-1]), result.view(-1, probabilities.shape[-1])):
        best = sorted(range(len(row)), key=lambda i: (-float(row[i]), i))[:k]
        out[best] = row[best] / row[best].sum()
    return result


def _top_p(probabilities, p):
    result = torch.zeros_like(probabilities)
    for row, out in zip(probabilities.reshape(-1, probabilities.shape[-1]), result.view(-1, probabilities.shape[-1])):
        nucleus, total = [], 0.0
        for i in sorted(range(len(row)), key=lambda i: (-float(row[i]), i)):
            nucleus.append(i)
            total += float(row[i])
            if total >= p:
                break
        out[nucleus] = row[nucleus] / row[nucleus].sum()
    return result


def _distribution(logits, temperature=1.0, top_k=None, top_p=None):
    probabilities = torch.softmax(logits.double() / temperature, -1)
    if top_k is not None:
        probabilities = _top_k(probabilities, top_k)
    return probabilities if top_p is None else _top_p(probabilities, top_p)


def _until_stop(text, stops):
    places = [(i + len(stop), i) for stop in stops for i in range(len(text)) if text[i : i + len(stop)] == stop]
    if places:
        return text[: min(places)[1]], True
    held = max(n for n in range(len(text) + 1) if n == 0 or any(stop[:n] == text[len(text) - n :] for stop in stops))
    return text[: len(text) - held], False


def _perplexity(model, text, context, stride):
    losses = []
    for place in range(1, len(text)):
        start = max(0, math.ceil((place - context) / stride)) * stride
        losses.append(float(F.cross_entropy(model.last(text[start:place].tolist()), text[place])))
    return math.exp(sum(losses) / len(losses))
