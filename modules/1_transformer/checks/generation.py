# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.
"""The checks of the lesson `generation`."""
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

ABOUT = {"lesson": "generation", "title": "Generation", "minutes": 100, "uses": {"temperature": [], "top_k": [], "top_p": [], "sample": ["temperature", "top_k", "top_p"], "until_stop": [], "generate": [], "generate_cached": [], "perplexity": []}, "taught": ["attention", "model"]}
