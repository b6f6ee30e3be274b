"""The checks of the lesson `training`."""

import math

import torch
from torch.nn import functional as F
from torch.optim.adamw import adamw

from grader.checks import assert_close, assert_equal, assert_that, check, gradients, inputs_after

HINTS = {
    "random_batch": [
        "First the places: how many places are there in a text of n tokens where `context` inputs and one more target fit?",
        "A column of starting places plus a row of the numbers 0, 1, … gives the places of all tokens at once.",
        "Cut pieces of `context` + 1 tokens: all but the last are the inputs, all but the first are the targets.",
    ],
    "cross_entropy": [
        "-ln softmax(x)[i] = ln(sum of exp(x)) - x[i]. Which of the two terms is `torch.logsumexp`?",
        "`gather` picks one number of each row; its index needs as many dimensions as the scores have.",
        "Widen the scores first (`at_least_float32`), and take the mean over everything last.",
    ],
    "AdamW": [
        "Write the four lines of the docstring, in that order. What has to be remembered until the next step, for each parameter?",
        "`self.state[i]` is an empty dict before a parameter's first step: a good place to begin its two means and its count.",
        "Change the parameter in place (`-=`, `sub_`, `lerp_`): the model holds the very same object. And never `g` itself.",
    ],
    "learning_rate": [
        "Two parts: steps before `warm_up`, and the others. Work out both parts by hand for the table above the exercise.",
        "The progress is 0 at step `warm_up` - 1 and grows by 1 / (steps - warm_up) with each step. What is it at step i?",
        "Beyond the last step the progress would exceed 1, and the cosine would rise again: keep it at 1.",
    ],
    "clip_gradients": [
        "One length for all gradients together: sum the squares of everything, then take one root.",
        "`parameters` may be walked through once only: make a list of what you need first.",
        "Compare the length with the limit before you multiply. And give the length from before.",
    ],
    "accumulate_gradients": [
        "What share of all tokens does a micro-batch have? Its mean loss counts by that share.",
        "Multiply the loss by the share, then call `backward`: it scales the gradients too, and adds them to those that are there.",
        "Count the tokens of all micro-batches before the first one goes through the model: `numel` of the targets.",
    ],
    "evaluate": [
        "Inputs are text[:-1], targets are text[1:]. Cut both at the same places.",
        "Add up loss times number of tokens, and divide by the number of all tokens at the end.",
        "Note `model.training` at the beginning, and give it to `model.train(...)` at the end; work under `torch.no_grad()`.",
    ],
    "Run": [
        "Go through `train_step` line by line: what does each line read that an earlier step has changed?",
        "A `torch.Generator` has `get_state` and `set_state`; torch's own has `torch.get_rng_state` and `torch.set_rng_state`.",
        "What in your dict is still the thing itself, and not a copy? Weights and the list of losses change with each step.",
    ],
}

# told when an exercise holds: why it matters, or what professionals do
AFTER = {
    "random_batch": "Off-by-one targets are the commonest silent bug of all: decode one batch and read it, before every run.",
    "cross_entropy": "Work in logits and float32 here even where all else is half precision: every serious framework does.",
    "AdamW": "Still the default of nearly every training run; its memory of two numbers a weight is what fills GPUs.",
    "learning_rate": "The schedule is worth more than most ideas about architecture, and it costs nothing.",
    "clip_gradients": "Log the length before clipping: it is the first needle to move when a run is about to break.",
    "accumulate_gradients": "So a small GPU gets the batch of a large one; weigh the parts by their tokens, or the loss is "
                            "another one.",
    "evaluate": "One fixed examination on text never learnt from: without it no two runs can be compared.",
    "Run": "On large machines something breaks every few hours: an exact resume is what makes such runs "
           "possible at all.",
}


# ----------------------------------------------------------------------------------------------------------- random_batch


@check("random_batch")
def test_batch_shapes(submission, random):
    """Inputs and targets have one row for each piece and one column for each token, and are int64."""
    for batch, context, dtype in ((3, 5, torch.int64), (1, 1, torch.uint8), (4, 2, torch.int16)):
        tokens = random.integers(0, 100, 40).to(dtype)
        for x in submission.random_batch(tokens, batch, context, _generator(submission, random)):
            assert_equal(tuple(x.shape), (batch, context), "The shape should be (batch, context).")
            assert_equal(x.dtype, torch.int64, f"The tokens came as {dtype}; both results should be int64.")


@check("random_batch")
def test_batch_targets(submission, random):
    """Each row is a piece of the text, and each target is the token that follows its input in the text."""
    tokens, place = _text(random, 60)
    inputs, targets = submission.random_batch(tokens, 6, 7, _generator(submission, random))
    for row, following in zip(inputs.tolist(), targets.tolist()):
        start = place.get(row[0], -8)
        assert_equal(row, tokens[start : start + 7].tolist(), "A row of inputs should be neighbouring tokens of the text.")
        assert_equal(following, tokens[start + 1 : start + 8].tolist(),
                     f"The inputs stand at the places {start} … {start + 6} of the text. Each target should be the token at the "
                     "next place: what comes next in the text, not the next number, and not the same token.")


@check("random_batch")
def test_batch_draws(submission, random):
    """The generator decides: one seed gives one batch, the next call draws anew, and each row by itself."""
    tokens, _ = _text(random, 5000)
    seed = random.randrange(10**6)
    submission.torch.manual_seed(seed)
    draws = [submission.torch.Generator().manual_seed(seed) for _ in range(2)]
    first, again = (submission.random_batch(tokens, 5, 3, generator)[0] for generator in draws)
    assert_equal(again, first, "Two generators with the same seed should give the same pieces.")
    following = submission.random_batch(tokens, 5, 3, draws[0])[0]
    assert_that(not torch.equal(first, following), "The same generator, called again, gave the same pieces: it should draw anew.")
    assert_that(len(set(first[:, 0].tolist())) > 1, "All 5 rows begin at the same place. Each row should be drawn by itself.")


@check("random_batch", hidden=True)
def test_batch_smallest_text(submission, random):
    """In the smallest text there is one place, in one that is a token longer there are two, and both come."""
    for context in (1, 6):
        tokens, place = _text(random, context + 1)
        generator = _generator(submission, random)
        for _ in range(3):
            inputs, targets = submission.random_batch(tokens, 4, context, generator)
            assert_equal(inputs, tokens[:-1].expand(4, -1).clone(), "The text holds one piece and its targets, and no other.")
            assert_equal(targets, tokens[1:].expand(4, -1).clone(), "The last token of the text should be a target.")
        tokens, place = _text(random, context + 2)
        inputs, _ = submission.random_batch(tokens, 40, context, generator)
        starts = sorted({place[token] for token in inputs[:, 0].tolist()})
        assert_equal(starts, [0, 1], "A piece can begin at place 0 and at place 1 here; 40 rows began at:")


@check("random_batch", hidden=True)
def test_batch_uniform(submission, random):
    """All places are equally likely (chi-squared test of 4,000 draws; a right answer fails once in a million)."""
    tokens, place = _text(random, 25)
    inputs, _ = submission.random_batch(tokens, 4000, 5, _generator(submission, random))
    counts = torch.zeros(20)
    for token in inputs[:, 0].tolist():
        counts[place.get(token, 0)] += 1
    chi_squared = ((counts - 200) ** 2 / 200).sum()
    assert_that(chi_squared < 66, "In a text of 25 tokens a piece of 5 can begin at 20 places. Of 4,000 pieces, about 200 should "
                "begin at each.", "about 200 each", str(counts.int().tolist()))


@check("random_batch", hidden=True)
def test_batch_only_generator(submission, random):
    """No other random numbers are used or disturbed, and the text stays as it was."""
    tokens, _ = _text(random, 500)
    seed = random.randrange(10**6)
    found = []
    for other in (1, 2):
        submission.torch.manual_seed(other)
        found.append(submission.random_batch(tokens, 4, 3, submission.torch.Generator().manual_seed(seed))[0])
        drawn = submission.torch.rand(3)
        submission.torch.manual_seed(other)
        assert_equal(drawn, submission.torch.rand(3), "torch's own generator was used or set: only `generator` should be.")
    assert_equal(found[1], found[0], "torch.manual_seed changed the pieces: they should depend on `generator` alone.")
    (after, *_), _ = inputs_after(submission.random_batch, tokens, 4, 3, _generator(submission, random))
    assert_equal(after, tokens, "The text was changed.")


# ---------------------------------------------------------------------------------------------------------- cross_entropy


@check("cross_entropy")
def test_loss_reference(submission, random):
    """Ordinary scores give the mean of -ln p over all tokens, a single number."""
    for shape in ((7,), (3, 5), (4, 2)):
        logits, targets = 2 * random.normal(*shape, 6), random.integers(0, 6, *shape)
        assert_close(submission.cross_entropy(logits, targets), F.cross_entropy(logits.flatten(0, -2), targets.flatten()),
                     "The loss should be the mean, over all tokens, of -ln of the probability of the target.")


@check("cross_entropy")
def test_loss_of_ignorance(submission, random):
    """Who gives each of V tokens the same score has the loss ln V; who is sure and right has almost 0."""
    for size in (2, 77):
        targets = random.integers(0, size, 3, 4)
        level = torch.full((3, 4, size), random.uniform(-3, 3))
        assert_close(submission.cross_entropy(level, targets), torch.tensor(math.log(size)),
                     f"All {size} tokens have the same score, so each has the probability 1/{size}: the loss is ln {size}, in nats.")
        sure = 30.0 * F.one_hot(targets, size)
        assert_close(submission.cross_entropy(sure, targets), torch.tensor(0.0), "The targets have nearly all the probability.")


@check("cross_entropy")
def test_loss_gradients(submission, random):
    """The right gradients reach the scores: (softmax - one-hot) / number of tokens."""
    logits, targets = random.normal(3, 5, 4), random.integers(0, 4, 3, 5)
    (found,) = gradients(submission.cross_entropy, logits, targets)
    assert_that(found is not None, "No gradient arrives at the scores: a model cannot learn from this loss. What cuts it off?")
    expected = (torch.softmax(logits, -1) - F.one_hot(targets, 4)) / 15
    assert_close(found, expected, "The gradient should be (softmax(logits) - one-hot of the targets) / number of tokens.")


@check("cross_entropy", hidden=True)
def test_loss_huge_scores(submission, random):
    """Scores far apart give a finite, exact loss and finite gradients."""
    for scale in (200.0, 30_000.0):
        logits, targets = scale * random.normal(4, 6), random.integers(0, 6, 4)
        expected = F.cross_entropy(logits, targets)
        assert_close(submission.cross_entropy(logits, targets), expected,
                     f"Scores of the size {scale:g}: the probabilities round to 0, but the loss is finite.")
        (found,) = gradients(submission.cross_entropy, logits, targets)
        assert_that(found is not None and bool(found.isfinite().all()), "The gradients should be finite.", "finite", found)


@check("cross_entropy", hidden=True)
def test_loss_shift(submission, random):
    """The same number added to all scores of a token changes nothing, however large it is."""
    logits, targets = random.normal(5, 6), random.integers(0, 6, 5)
    expected = F.cross_entropy(logits, targets)
    for shift in (1000.0, -1000.0):
        assert_close(submission.cross_entropy(logits + shift, targets), expected,
                     f"All scores were moved by {shift:g}: the probabilities stay, and so does the loss.", 1e-3, 1e-3)


@check("cross_entropy", hidden=True)
def test_loss_dimensions(submission, random):
    """One token, or tokens in three dimensions, or one batch of a square shape: always the last dimension is the vocabulary."""
    for shape, size in (((1,), 3), ((2, 3, 4), 5), ((5, 5), 5), ((2, 1), 1)):
        logits, targets = random.normal(*shape, size), random.integers(0, size, *shape)
        assert_close(submission.cross_entropy(logits, targets), F.cross_entropy(logits.flatten(0, -2), targets.flatten()),
                     f"Scores of shape {(*shape, size)}, targets of shape {shape}.")


@check("cross_entropy", hidden=True)
def test_loss_dtypes(submission, random):
    """Half precision is computed in float32 and gives float32; float64 stays exact."""
    logits, targets = 4 * random.normal(6, 50), random.integers(0, 50, 6)
    exact = F.cross_entropy(logits.double(), targets)
    assert_close(submission.cross_entropy(logits.double(), targets), exact,
                 "Float64 went in: the loss should be exact to its last digits, in float64.", 1e-12, 1e-13)
    for dtype in (torch.bfloat16, torch.float16):
        half = logits.to(dtype)
        assert_close(submission.cross_entropy(half, targets), F.cross_entropy(half.float(), targets),
                     f"The scores came in {dtype}: widen them first, and stay in float32.")


@check("cross_entropy", hidden=True)
def test_loss_leaves_inputs(submission, random):
    """Scores and targets are afterwards what they were before."""
    logits, targets = random.normal(2, 3, 4), random.integers(0, 4, 2, 3)
    (one, other), _ = inputs_after(submission.cross_entropy, logits, targets)
    assert_equal(one, logits, "The scores were changed. Which operation works in place?")
    assert_equal(other, targets, "The targets were changed.")


# ------------------------------------------------------------------------------------------------------------------ AdamW


@check("AdamW")
def test_adamw_first_step(submission, random):
    """The first step moves each number by the learning rate against the sign of its gradient, however large that is."""
    start, gradient = random.normal(3, 4), random.normal(3, 4)
    gradient += 0.1 * gradient.sign()
    for scale in (1e-3, 1.0, 1e4):
        loose = submission.Loose(start)
        optimizer = submission.AdamW(loose.parameters(), rate=0.01, decay=0.0)
        submission.set_gradients(loose, [scale * gradient])
        optimizer.step()
        assert_close(start - loose.values[0], 0.01 * gradient.sign(),
                     f"The learning rate is 0.01, without decay; the gradients are about {scale:g}. With the bias correction, "
                     "m / (1 - β1) is g and v / (1 - β2) is g², so the first step is the rate times the sign of g.", 1e-3, 1e-6)


@check("AdamW")
def test_adamw_reference(submission, random):
    """Six steps with changing gradients give what torch's AdamW gives; biases do not decay."""
    starts = [random.normal(3, 4), random.normal(5), random.normal(2, 3, 4)]
    found, expected = _both(submission, starts, [[random.normal(*s.shape) for s in starts] for _ in range(6)],
                            rate=0.05, betas=(0.8, 0.9), epsilon=1e-8, decay=0.3)
    for what, one, other in zip(("a matrix", "a bias (no decay)", "a tensor of three dimensions"), found, expected):
        assert_close(one, other, f"After six steps with rate 0.05, betas (0.8, 0.9), decay 0.3, {what} should be:", 1e-4, 1e-5)


@check("AdamW")
def test_adamw_without_gradient(submission, random):
    """A parameter without a gradient stays exactly as it is, and the others are not disturbed."""
    starts = [random.normal(2, 3), random.normal(3, 2)]
    loose = submission.Loose(*starts)
    optimizer = submission.AdamW(loose.parameters(), rate=0.1, decay=0.5)
    for gradient in (random.normal(3, 2), random.normal(3, 2)):
        submission.set_gradients(loose, [None, gradient])
        optimizer.step()
    assert_equal(loose.values[0], starts[0], "Parameter 0 never had a gradient: it should not move, and not decay either.")
    assert_that(not torch.equal(loose.values[1], starts[1]), "Parameter 1 has a gradient, but did not move.")


@check("AdamW", hidden=True)
def test_adamw_own_count(submission, random):
    """Each parameter counts its own steps: one that gets its first gradient late starts as gently as the others did."""
    starts = [random.normal(2, 3), random.normal(4, 2)]
    steps = [[random.normal(2, 3), None if i in (0, 1, 2, 4) else random.normal(4, 2)] for i in range(7)]
    found, expected = _both(submission, starts, steps, rate=0.1, betas=(0.9, 0.99), epsilon=1e-8, decay=0.1)
    assert_close(found[0], expected[0], "Parameter 0 had a gradient in each of 7 steps.")
    assert_close(found[1], expected[1], "Parameter 1 had gradients in the steps 3, 5 and 6 only: these are its steps 1, 2 and 3, "
                 "and in between nothing of it changes.")


@check("AdamW", hidden=True)
def test_adamw_epsilon(submission, random):
    """Epsilon is added to the root, not under it; where the gradient is 0, nothing moves."""
    for epsilon, scale in ((0.5, 1.0), (1e-6, 1e-6)):
        starts = [random.normal(3, 5)]
        steps = [[scale * random.normal(3, 5)] for _ in range(4)]
        found, expected = _both(submission, starts, steps, rate=0.1, betas=(0.9, 0.95), epsilon=epsilon, decay=0.0)
        assert_close(found[0], expected[0], f"With epsilon {epsilon:g} and gradients of about {scale:g}. The divisor is "
                     "sqrt(v / (1 - β2^t)) + epsilon.")
    found, _ = _both(submission, starts, [[torch.zeros(3, 5)]], rate=0.1, betas=(0.9, 0.95), epsilon=1e-8, decay=0.0)
    assert_equal(found[0], starts[0], "All gradients are 0, there is no decay: nothing should move.")


@check("AdamW", hidden=True)
def test_adamw_decay(submission, random):
    """The decay shrinks the weights themselves, by rate times decay, whatever the gradients are."""
    start = 3 * random.normal(4, 3)
    for scale in (0.01, 100.0):
        moved = []
        for decay in (0.0, 0.4):
            found, _ = _both(submission, [start], [[scale * torch.ones(4, 3)]], rate=0.05, betas=(0.9, 0.99), epsilon=1e-8, decay=decay)
            moved.append(found[0])
        assert_close(moved[0] - moved[1], 0.05 * 0.4 * start,
                     f"One step with decay 0.4 and one without, from the same weights; the gradients are {scale:g}. "
                     "They should differ by rate · decay · w, whatever the gradient.", 1e-3, 1e-5)


@check("AdamW", hidden=True)
def test_adamw_rate(submission, random):
    """The rate is read at each step, for the step and for the decay."""
    starts, rates = [random.normal(3, 4), random.normal(2)], [0.1, 0.02, 0.3, 0.0]
    steps = [[random.normal(3, 4), random.normal(2)] for _ in rates]
    found, expected = _both(submission, starts, steps, rate=rates, betas=(0.9, 0.99), epsilon=1e-8, decay=0.2)
    for one, other in zip(found, expected):
        assert_close(one, other, "The rate was set to 0.1, 0.02, 0.3 and 0 before the four steps.")


@check("AdamW", hidden=True)
def test_adamw_resumes(submission, random):
    """What it remembers can be handed on: another one goes on with it, as if it were the first."""
    starts = [random.normal(3, 2), random.normal(4)]
    steps = [[random.normal(3, 2), random.normal(4)] for _ in range(5)]
    options = {"rate": 0.1, "betas": (0.8, 0.95), "decay": 0.1}
    one = submission.Loose(*starts)
    optimizer = submission.AdamW(one.parameters(), **options)
    for given in steps[:3]:
        submission.set_gradients(one, given)
        optimizer.step()
    other = submission.Loose(one.values[0], one.values[1])
    following = submission.AdamW(other.parameters(), **options)
    following.load_state_dict(optimizer.state_dict())
    for given in steps[3:]:
        for loose, its in ((one, optimizer), (other, following)):
            submission.set_gradients(loose, given)
            its.step()
    for i in range(2):
        assert_equal(other.values[i], one.values[i], "A second optimiser took over `state_dict` after 3 steps, and both took the same "
                     "2 steps more. They should agree to the last bit: is everything that you remember in `self.state[i]`?")


@check("AdamW", hidden=True)
def test_adamw_leaves_gradients(submission, random):
    """Gradients are left as they were, and the model's own parameters are changed, not copies of them."""
    starts, given = [random.normal(3, 4), random.normal(2)], [random.normal(3, 4), random.normal(2)]
    loose = submission.Loose(*starts)
    optimizer = submission.AdamW(loose.parameters(), rate=0.1)
    submission.set_gradients(loose, given)
    for _ in range(2):
        optimizer.step()
        for seen, gradient in zip(submission.gradients_of(loose), given):
            assert_equal(seen, gradient, "A step changed a gradient. Which operation works in place?")
    for i in range(2):
        assert_that(not torch.equal(loose.values[i], starts[i]), "The model's parameter did not change.")


# ---------------------------------------------------------------------------------------------------------- learning_rate


@check("learning_rate")
def test_rate_table(submission, random):
    """Eight steps, three of them to warm up, are those of the table."""
    found = [submission.learning_rate(step, 8, peak=0.6, warm_up=3, final=0.1) for step in range(8)]
    for step, (one, other) in enumerate(zip(found, (0.2, 0.4, 0.6, 0.5523, 0.4273, 0.2727, 0.1477, 0.1))):
        assert_close(one, other, f"The rate of step {step}, of 8 steps with 3 to warm up, peak 0.6, final 0.1:", 1e-3)


@check("learning_rate")
def test_rate_ends(submission, random):
    """The first step is already a step, the warm-up ends at the peak, and the last step has the final rate."""
    for _ in range(4):
        warm_up, peak, final = random.randint(1, 30), random.uniform(0.5, 2), random.uniform(0.01, 0.2)
        steps = warm_up + random.randint(2, 60)
        options = {"peak": peak, "warm_up": warm_up, "final": final}
        for step, expected in ((0, peak / warm_up), (warm_up - 1, peak), (steps - 1, final)):
            assert_close(submission.learning_rate(step, steps, **options), expected,
                         f"Step {step} of {steps}, with {warm_up} to warm up, peak {peak:.3g}, final {final:.3g}:")


@check("learning_rate")
def test_rate_shape(submission, random):
    """It only grows in the warm-up, only falls after it, half-way is half-way down, and it is never above the peak."""
    warm_up, half = random.randint(3, 9), random.randint(4, 12)
    steps = warm_up + 2 * half
    found = [submission.learning_rate(step, steps, 0.8, warm_up, 0.2) for step in range(steps)]
    rising = all(a < b for a, b in zip(found[: warm_up - 1], found[1:warm_up]))
    falling = all(a > b for a, b in zip(found[warm_up - 1 :], found[warm_up:]))
    assert_that(rising, f"It should grow from step 0 to step {warm_up - 1}.", "growing", str([round(r, 4) for r in found[:warm_up]]))
    assert_that(falling, f"It should fall from step {warm_up - 1} to step {steps - 1}.", "falling", str([round(r, 4) for r in found[warm_up - 1 :]]))
    assert_close(found[warm_up - 1 + half], 0.5, f"Step {warm_up - 1 + half} lies in the middle of the fall from 0.8 to 0.2.")


@check("learning_rate", hidden=True)
def test_rate_reference(submission, random):
    """All steps are right, with and without a warm-up, with and without a final rate."""
    for steps, warm_up, final in ((50, 0, 0.0), (37, 10, 0.05), (6, 5, 0.3), (1, 0, 0.1), (20, 1, 0.0)):
        for step in range(steps):
            assert_close(submission.learning_rate(step, steps, 0.7, warm_up, final), _rate(step, steps, 0.7, warm_up, final),
                         f"Step {step} of {steps}, {warm_up} to warm up, peak 0.7, final {final}:", 1e-6, 1e-9)


@check("learning_rate", hidden=True)
def test_rate_afterwards(submission, random):
    """After the last step it stays at the final rate, however long the run goes on."""
    steps, final = random.randint(10, 40), random.uniform(0.01, 0.1)
    for step in (steps, steps + 1, steps + random.randint(2, 20), 3 * steps):
        assert_close(submission.learning_rate(step, steps, 1.0, 4, final), final, f"The run has {steps} steps; this is step {step}:")


@check("learning_rate", hidden=True)
def test_rate_defaults(submission, random):
    """Without more words there is no warm-up, and it falls to zero."""
    steps = random.randint(5, 30)
    for step in (0, steps // 2, steps - 1):
        assert_close(submission.learning_rate(step, steps, 0.4), _rate(step, steps, 0.4, 0, 0.0),
                     f"Step {step} of {steps}, peak 0.4, nothing else given:", 1e-6, 1e-9)


# --------------------------------------------------------------------------------------------------------- clip_gradients


@check("clip_gradients")
def test_clip_long(submission, random):
    """A long gradient is shortened to the limit, and keeps its direction: all numbers by the same factor."""
    given = [random.normal(3, 4), 5 * random.normal(6), random.normal(2, 2, 2)]
    loose, length = _loose(submission, given), _length(given)
    for limit in (1.0, 0.3 * length):
        submission.set_gradients(loose, given)
        found = submission.clip_gradients(loose.parameters(), limit)
        assert_close(found, length, "It should give the length that the gradient had before, over all parameters together.")
        for one, other in zip(submission.gradients_of(loose), given):
            assert_close(one, other * (limit / length), f"The length of all gradients together is {length:.4g}, the limit {limit:.4g}: "
                         "each number should be multiplied by limit / length.")


@check("clip_gradients")
def test_clip_short(submission, random):
    """A gradient that is short enough is not touched, not by a single bit."""
    given = [0.1 * random.normal(3, 4), 0.1 * random.normal(6)]
    loose, length = _loose(submission, given), _length(given)
    for limit in (1.001 * length, 100.0):
        submission.set_gradients(loose, given)
        found = submission.clip_gradients(loose.parameters(), limit)
        for one, other in zip(submission.gradients_of(loose), given):
            assert_equal(one, other, f"The length is {length:.4g}, the limit {limit:.4g}: nothing should change.")
        assert_close(found, length, "It should give the length.")


@check("clip_gradients")
def test_clip_without_gradient(submission, random):
    """Parameters without a gradient take no part, and still have none."""
    given = [None, 3 * random.normal(2, 5), None]
    loose = submission.Loose(random.normal(4), random.normal(2, 5), random.normal(1))
    submission.set_gradients(loose, given)
    assert_close(submission.clip_gradients(loose.parameters(), 0.5), float(given[1].norm()), "Only parameter 1 has a gradient.")
    seen = submission.gradients_of(loose)
    assert_that(seen[0] is None and seen[2] is None, "Parameters 0 and 2 had no gradient, and should have none.")
    assert_close(seen[1], given[1] * (0.5 / given[1].norm()), "Parameter 1:")


@check("clip_gradients", hidden=True)
def test_clip_together(submission, random):
    """One length counts, that of all together: many short gradients may be too long, and a short one shrinks with a long one."""
    given = [torch.full((2,), 0.6) for _ in range(8)]
    loose = _loose(submission, given)
    submission.set_gradients(loose, given)
    assert_close(submission.clip_gradients(loose.parameters(), 1.0), math.sqrt(16 * 0.36),
                 "Eight gradients (0.6, 0.6): each has the length 0.85, together they have the root of 16 · 0.36.")
    for one in submission.gradients_of(loose):
        assert_close(one, torch.full((2,), 0.25), "Each by itself is shorter than 1, but together they are not.")
    given = [torch.tensor([[0.01, -0.02]]), torch.tensor([300.0, -400.0])]
    loose = _loose(submission, given)
    submission.set_gradients(loose, given)
    submission.clip_gradients(loose.parameters(), 5.0)
    for one, other in zip(submission.gradients_of(loose), given):
        assert_close(one, other / 100, "One short and one long gradient (length 500), limit 5: both by the same factor.", 1e-4, 1e-8)


@check("clip_gradients", hidden=True)
def test_clip_list_or_generator(submission, random):
    """A list does as well as a generator, and a second call with the same limit finds nothing more to do."""
    given = [random.normal(30, 40), random.normal(50)]
    loose = _loose(submission, given)
    submission.set_gradients(loose, given)
    assert_close(submission.clip_gradients(loose.values, 2.0), _length(given), "The parameters came as a list.")
    assert_close(submission.clip_gradients(loose.parameters(), 2.0), 2.0, "After clipping to 2, the length is 2.", 1e-3)


@check("clip_gradients", hidden=True)
def test_clip_nothing(submission, random):
    """Without any gradient, or with zeros only, the length is 0.0 and nothing happens."""
    loose = submission.Loose(random.normal(3), random.normal(2, 2))
    assert_close(submission.clip_gradients(loose.parameters(), 1.0), 0.0, "No parameter has a gradient.")
    submission.set_gradients(loose, [torch.zeros(3), torch.zeros(2, 2)])
    assert_close(submission.clip_gradients(loose.parameters(), 1.0), 0.0, "All gradients are zero.")
    for one in submission.gradients_of(loose):
        assert_equal(one, torch.zeros_like(one), "Zeros stay zeros.")


# --------------------------------------------------------------------------------------------------- accumulate_gradients


@check("accumulate_gradients")
def test_accumulate_equal(submission, random):
    """Micro-batches of one size give the loss and the gradients of the large batch."""
    table, batches = random.normal(7, 7), _batches(random, 7, (4, 3, 5), (4, 3, 5))
    loss, (gradient,), _ = _accumulated(submission, table, batches)
    expected_loss, expected = _reference(table, batches)
    assert_close(loss, expected_loss, "Two micro-batches of one size: the loss should be the mean over all of their tokens.")
    assert_that(gradient is not None, "The parameters have no gradients afterwards.")
    assert_close(gradient, expected, "The gradients should be those of the mean loss over all tokens of both micro-batches.")


@check("accumulate_gradients")
def test_accumulate_unequal_rows(submission, random):
    """Micro-batches with different numbers of rows: each token counts the same."""
    table, batches = random.normal(6, 6), _batches(random, 6, (8, 4), (1, 4), (3, 4))
    loss, (gradient,), _ = _accumulated(submission, table, batches)
    expected_loss, expected = _reference(table, batches)
    assert_close(loss, expected_loss, "8, 1 and 3 rows of 4 tokens: a token of the small micro-batch counts as much as any other.")
    assert_close(gradient, expected, "The gradients, with 8, 1 and 3 rows of 4 tokens:")


@check("accumulate_gradients")
def test_accumulate_adds(submission, random):
    """Gradients that are there already stay, and the new ones are added to them."""
    table, before, batches = random.normal(5, 5), random.normal(5, 5), _batches(random, 5, (2, 3), (2, 3))
    loss, (gradient,), _ = _accumulated(submission, table, batches, before)
    expected_loss, expected = _reference(table, batches)
    assert_close(gradient, before + expected, "The parameter had a gradient before the call: it should be the sum of that and the new one.")
    assert_close(loss, expected_loss, "The loss:")


@check("accumulate_gradients", hidden=True)
def test_accumulate_unequal_lengths(submission, random):
    """Micro-batches with rows of different lengths: what counts is the number of tokens."""
    table, batches = random.normal(6, 6), _batches(random, 6, (3, 2), (2, 9), (1, 5), (4, 1))
    loss, (gradient,), _ = _accumulated(submission, table, batches)
    expected_loss, expected = _reference(table, batches)
    assert_close(loss, expected_loss, "3 rows of 2 tokens, 2 of 9, 1 of 5, 4 of 1: 33 tokens, all with the same weight.")
    assert_close(gradient, expected, "The gradients, with 3 rows of 2 tokens, 2 of 9, 1 of 5 and 4 of 1:")


@check("accumulate_gradients", hidden=True)
def test_accumulate_one(submission, random):
    """A single micro-batch is an ordinary batch."""
    table, batches = random.normal(4, 4), _batches(random, 4, (3, 5))
    loss, (gradient,), _ = _accumulated(submission, table, batches)
    expected_loss, expected = _reference(table, batches)
    assert_close(loss, expected_loss, "One micro-batch:")
    assert_close(gradient, expected, "The gradients of one micro-batch:")


@check("accumulate_gradients", hidden=True)
def test_accumulate_one_at_a_time(submission, random):
    """Each micro-batch goes through the model once, and its graph is used up before the next one comes."""
    batches = _batches(random, 5, (2, 4), (3, 4), (1, 4))
    _, _, notes = _accumulated(submission, random.normal(5, 5), batches)
    assert_equal([tuple(note["tokens"].shape) for note in notes], [(2, 4), (3, 4), (1, 4)], "What went through the model:")
    assert_equal([note["has gradients"] for note in notes], [False, True, True],
                 "Whether the parameters had gradients when each micro-batch came. `backward` should be called for one before the next "
                 "one comes: only then is its memory free.")


@check("accumulate_gradients", hidden=True)
def test_accumulate_mode(submission, random):
    """Whether the model is in training mode is not changed."""
    for training in (True, False):
        model = _bigram(submission, random.normal(5, 5))
        model.train(training)
        submission.accumulate_gradients(model, _batches(random, 5, (2, 3), (2, 3)))
        assert_equal([note["training"] for note in model.notes] + [model.training], [training] * 3,
                     "The mode of the model in each call, and afterwards:")


# --------------------------------------------------------------------------------------------------------------- evaluate


@check("evaluate")
def test_evaluate_reference(submission, random):
    """The loss is the mean over all tokens of the validation text but the first."""
    for length, context, batch in ((25, 4, 2), (41, 8, 64), (30, 5, 3)):
        table, corpus = random.normal(6, 6), _corpus(submission, random, 6, 50, length)
        found = submission.evaluate(_bigram(submission, table), corpus, context, batch)
        assert_close(found, _loss_of(table, corpus.validation),
                     f"A validation text of {length} tokens, context {context}: the mean loss of {length - 1} predictions.")


@check("evaluate")
def test_evaluate_text(submission, random):
    """It asks about the validation text, never the training text; its pieces lie side by side, and each token is asked for once."""
    corpus = _corpus(submission, random, 90, 60, 21, apart=True)
    model = _bigram(submission, random.normal(90, 90))
    submission.evaluate(model, corpus, 5, 2)
    seen = [token for note in model.notes for token in note["tokens"].flatten().tolist()]
    training = set(corpus.training.tolist())
    assert_that(not training.intersection(seen), "The model was asked about the training text: that it knows by heart.")
    assert_equal(seen, corpus.validation[:-1].tolist(),
                 "The model should see all tokens of the validation text but the last, in pieces, in order, each once.")
    shapes = [tuple(note["tokens"].shape) for note in model.notes]
    assert_that(all(rows <= 2 and length <= 5 for rows, length in shapes), "At most 2 pieces at once, none longer than 5 tokens.",
                "(2 or less, 5 or less)", str(shapes))


@check("evaluate")
def test_evaluate_mode(submission, random):
    """The model is in evaluation mode meanwhile, without dropout, and afterwards in the mode that it was in before."""
    for training in (True, False):
        table, corpus = random.normal(6, 6), _corpus(submission, random, 6, 50, 31)
        model = _bigram(submission, table, dropout=0.5)
        model.train(training)
        found = submission.evaluate(model, corpus, 4, 3)
        assert_that(not any(note["training"] for note in model.notes), "The model was in training mode: its dropout was on.")
        assert_close(found, _loss_of(table, corpus.validation), "The model has dropout, which should be off.")
        assert_equal(model.training, training, "Whether the model is in training mode afterwards, as it was before:")


@check("evaluate", hidden=True)
def test_evaluate_rest(submission, random):
    """Pieces that do not come out even: the last one is shorter, and each prediction counts the same."""
    for length, context, batch in ((10, 4, 1), (3, 8, 4), (2, 1, 1), (18, 4, 2), (17, 4, 2), (12, 5, 1)):
        table, corpus = 3 * random.normal(5, 5), _corpus(submission, random, 5, 30, length)
        model = _bigram(submission, table)
        found = submission.evaluate(model, corpus, context, batch)
        assert_close(found, _loss_of(table, corpus.validation),
                     f"A text of {length} tokens, context {context}, at most {batch} pieces at once: {length - 1} predictions, each "
                     "with the same weight.")
        assert_that(all(note["tokens"].numel() for note in model.notes), "The model was called with an empty piece.")


@check("evaluate", hidden=True)
def test_evaluate_pieces(submission, random):
    """The pieces are `context` long: with a context of 4, the 5th token of the text begins a new piece."""
    corpus = _corpus(submission, random, 90, 10, 15, apart=True)
    model = _bigram(submission, random.normal(90, 90))
    submission.evaluate(model, corpus, 4, 8)
    rows = [row for note in model.notes for row in note["tokens"].tolist()]
    text = corpus.validation.tolist()
    assert_equal(rows, [text[i : min(i + 4, 14)] for i in range(0, 14, 4)], "The pieces of a text of 15 tokens, with a context of 4:")


@check("evaluate", hidden=True)
def test_evaluate_no_graph(submission, random):
    """No graph is built, gradients stay as they were, no random numbers are drawn."""
    corpus, before = _corpus(submission, random, 6, 40, 25), random.normal(6, 6)
    model = _bigram(submission, random.normal(6, 6), dropout=0.3)
    submission.set_gradients(model, [before])
    submission.torch.manual_seed(3)
    submission.evaluate(model, corpus, 4, 2)
    drawn = submission.torch.rand(3)
    submission.torch.manual_seed(3)
    assert_that(not any(note["builds a graph"] for note in model.notes), "Graphs for gradients were built: they cost memory and time.")
    assert_equal(submission.gradients_of(model)[0], before, "The gradients were changed.")
    assert_equal(drawn, submission.torch.rand(3), "Random numbers were drawn: dropout should be off, and no piece random.")


@check("evaluate", hidden=True)
def test_evaluate_dtypes(submission, random):
    """Tokens stored as bytes do as well, and the same question gives the same answer."""
    table = random.normal(6, 6)
    corpus = _corpus(submission, random, 6, 40, 25, dtype=torch.uint8)
    model = _bigram(submission, table)
    found = [submission.evaluate(model, corpus, context, batch) for context, batch in ((4, 2), (4, 2), (7, 5))]
    assert_equal(found[1], found[0], "The same model and text, asked twice:")
    for value in found:
        assert_close(value, _loss_of(table, corpus.validation), "The tokens are stored as uint8.")


# -------------------------------------------------------------------------------------------------------------------- Run


@check("Run")
def test_run_resumes(submission, random):
    """A run that is stopped, and goes on from its file, gives the curve of one that was never stopped, bit for bit."""
    corpus, table = _corpus(submission, random, 9, 40, 20), random.normal(10, 10)
    straight = _run(submission, corpus, table)
    for _ in range(4):
        straight.train_step()
    saved = submission.Checkpoint(straight)
    for _ in range(4):
        straight.train_step()
    other = _run(submission, corpus, random.normal(10, 10), seed=5)
    saved.restore(other)
    for _ in range(4):
        other.train_step()
    _assert_same_curve(other.losses, straight.losses, 4)
    assert_equal(other.model.table.weight, straight.model.table.weight, "The weights after the last step:")


@check("Run")
def test_run_state_of_generator(submission, random):
    """After a resume the next batch is the one that was due, whatever was drawn in between."""
    corpus, table = _corpus(submission, random, 90, 90, 5, apart=True), random.normal(90, 90)
    straight = _run(submission, corpus, table)
    straight.train_step()
    saved = submission.Checkpoint(straight)
    straight.train_step()
    other = _run(submission, corpus, table, seed=5)
    for _ in range(3):
        other.train_step()
    saved.restore(other)
    other.train_step()
    assert_equal(other.model.notes[-1]["tokens"], straight.model.notes[-1]["tokens"],
                 "The inputs of the step after the resume. Which generator draws them, and in which state was it?")


@check("Run")
def test_run_state_of_step(submission, random):
    """The step number and the losses are part of the state: the schedule and the curve go on."""
    corpus, table = _corpus(submission, random, 9, 40, 20), random.normal(10, 10)
    straight, other = _run(submission, corpus, table), _run(submission, corpus, table)
    for _ in range(3):
        straight.train_step()
    other.train_step()
    submission.Checkpoint(straight).restore(other)
    assert_equal(other.step, 3, "The number of steps done:")
    assert_equal(other.losses, straight.losses, "The losses of the steps before:")
    straight.train_step()
    other.train_step()
    assert_equal(other.optimizer.rate, straight.optimizer.rate, "The learning rate of the next step:")
    assert_equal(len(straight.losses), 4, "The first run's own list of losses, after 4 steps:")
    assert_equal(len(other.losses), 4, "The list of losses of the run that was resumed, after 4 steps:")


@check("Run", hidden=True)
def test_run_dropout(submission, random):
    """Dropout goes on with the draws that were due, also when others drew in between."""
    corpus, table = _corpus(submission, random, 9, 40, 20), random.normal(10, 10)
    straight = _run(submission, corpus, table, dropout=0.5)
    for _ in range(3):
        straight.train_step()
    saved = submission.Checkpoint(straight)
    for _ in range(4):
        straight.train_step()
    other = _run(submission, corpus, random.normal(10, 10), dropout=0.5)
    submission.torch.manual_seed(random.randrange(1000))
    submission.torch.rand(random.randint(1, 9))
    saved.restore(other)
    for _ in range(4):
        other.train_step()
    _assert_same_curve(other.losses, straight.losses, 3)


@check("Run", hidden=True)
def test_run_optimizer(submission, random):
    """The optimiser's memory is part of the state: the steps after a resume are as large as they would have been."""
    corpus, table = _corpus(submission, random, 9, 40, 20), random.normal(10, 10)
    straight = _run(submission, corpus, table)
    for _ in range(5):
        straight.train_step()
    saved = submission.Checkpoint(straight)
    other = _run(submission, corpus, table)
    saved.restore(other)
    before = straight.model.table.weight
    straight.train_step()
    saved.restore(other)
    other.train_step()
    assert_that(not torch.equal(straight.model.table.weight, before), "A step changes the weights.")
    assert_equal(other.model.table.weight, straight.model.table.weight, "The weights one step after the resume:")


@check("Run", hidden=True)
def test_run_state_is_a_copy(submission, random):
    """The state is a copy: later steps do not change it, and a run can go back to it twice."""
    corpus, table = _corpus(submission, random, 9, 40, 20), random.normal(10, 10)
    run = _run(submission, corpus, table, dropout=0.2)
    for _ in range(3):
        run.train_step()
    state, weights = run.state_dict(), run.model.table.weight
    curves = []
    for _ in range(3):
        for _ in range(3):
            run.train_step()
        curves.append(run.losses)
        run.load_state_dict(state)
        assert_equal(run.model.table.weight, weights, "After three more steps the run was put back into the state from before them, "
                     "which was kept in memory. Its weights should be those of then: does your state hold copies?")
        assert_equal(len(run.losses), 3, "The number of losses after going back to step 3:")
    assert_equal(curves[1], curves[0], "Put back twice, it went on in two ways. The losses of both:")
    assert_equal(curves[2], curves[0], "Put back three times, it went on in two ways. The losses of both:")


@check("Run", hidden=True)
def test_run_asking_changes_nothing(submission, random):
    """To ask for the state changes nothing: a run that writes a checkpoint at each step has the same curve."""
    corpus, table, curves = _corpus(submission, random, 9, 40, 20), random.normal(10, 10), []
    for asked in (False, True):
        run = _run(submission, corpus, table, dropout=0.4)
        submission.torch.manual_seed(7)
        for _ in range(5):
            if asked:
                run.state_dict()
            run.train_step()
        curves.append(run.losses)
    _assert_same_curve(curves[1], curves[0], 0)


# ------------------------------------------------------------------------------------------------------------ references


def _generator(submission, random):
    submission.torch.manual_seed(random.randrange(10**6))  # so that whoever uses torch's own generator does the same each time
    return submission.torch.Generator().manual_seed(random.randrange(10**6))


def _text(random, length):
    """Tokens that are all different, in no order, and the place of each; and no token's successor is the number after it."""
    while True:
        tokens = random.sample(range(3 * length + 5), length)
        if all(a + 1 != b for a, b in zip(tokens, tokens[1:])):
            return torch.tensor(tokens), {token: place for place, token in enumerate(tokens)}


def _both(submission, starts, steps, rate, betas, epsilon, decay):
    """The parameters after these steps by the learner's AdamW, and by torch's."""
    rates = rate if isinstance(rate, list) else [rate] * len(steps)
    loose = submission.Loose(*starts)
    optimizer = submission.AdamW(loose.parameters(), rate=rates[0], betas=betas, epsilon=epsilon, decay=decay)
    expected = [start.clone() for start in starts]
    means, squares = ([torch.zeros_like(start) for start in starts] for _ in range(2))
    counts = [torch.tensor(0.0) for _ in starts]
    for now, given in zip(rates, steps):
        submission.set_gradients(loose, given)
        optimizer.rate = now
        optimizer.step()
        for i, gradient in enumerate(given):
            if gradient is not None:
                adamw([expected[i]], [gradient], [means[i]], [squares[i]], [], [counts[i]], foreach=False, amsgrad=False,
                      beta1=betas[0], beta2=betas[1], lr=now, weight_decay=decay if starts[i].dim() > 1 else 0.0, eps=epsilon,
                      maximize=False)
    return [loose.values[i] for i in range(len(starts))], expected


def _rate(step, steps, peak, warm_up, final):
    if step < warm_up:
        return peak * (1 + step) / warm_up
    angle = math.pi * (step + 1 - warm_up) / (steps - warm_up)
    return (peak + final) / 2 + (peak - final) / 2 * math.cos(angle)


def _length(given):
    return math.sqrt(sum(float(gradient.double().square().sum()) for gradient in given))


def _loose(submission, like):
    return submission.Loose(*(torch.zeros_like(x) for x in like))


def _bigram(submission, table, dropout=0.0):
    """The learner's side of a bigram model with this table of scores."""
    submission.torch.manual_seed(11)  # so that forgotten dropout does the same each time
    model = submission.Bigram(len(table), dropout)
    model.load_state_dict({"table.weight": table})
    return model


def _batches(random, vocabulary, *shapes):
    """Micro-batches; of a shape with three numbers, the third is of no account."""
    return [(random.integers(0, vocabulary, *shape[:2]), random.integers(0, vocabulary, *shape[:2])) for shape in shapes]


def _accumulated(submission, table, batches, before=None):
    model = _bigram(submission, table)
    submission.set_gradients(model, [before])
    loss = submission.accumulate_gradients(model, batches)
    return loss, submission.gradients_of(model), model.notes


def _reference(table, batches):
    """The loss over all tokens at once, and its gradient."""
    leaf = table.clone().requires_grad_()
    inputs, targets = (torch.cat([x.flatten() for x in side]) for side in zip(*batches))
    loss = F.cross_entropy(leaf[inputs], targets)
    loss.backward()
    return loss.item(), leaf.grad


def _corpus(submission, random, vocabulary, training, validation, apart=False, dtype=torch.int64):
    """A corpus; with `apart`, all tokens are different."""
    if apart:
        tokens = torch.tensor(random.sample(range(vocabulary), training + validation) if training + validation <= vocabulary
                              else random.choices(range(vocabulary // 2), k=training)
                              + random.sample(range(vocabulary // 2, vocabulary), validation))
    else:
        tokens = random.integers(0, vocabulary, training + validation)
    return submission.Corpus(tokens[:training].to(dtype), tokens[training:].to(dtype))


def _loss_of(table, text):
    return F.cross_entropy(table[text[:-1].long()], text[1:].long()).item()


def _run(submission, corpus, table, dropout=0.0, seed=3):
    model = _bigram(submission, table, dropout)
    optimizer = submission.AdamW(model.parameters(), rate=0.1)
    settings = submission.Settings(steps=12, batch=3, context=4, peak=0.1, warm_up=3, final=0.01, micro_batches=2, seed=seed)
    return submission.Run(model, optimizer, corpus, settings)


def _assert_same_curve(seen, expected, stopped):
    assert_that(len(seen) == len(expected), "The number of losses:", str(len(expected)), str(len(seen)))
    for step, (one, other) in enumerate(zip(seen, expected)):
        assert_that(one == other, f"The run was stopped after {stopped} step(s). The loss of step {step} (counted from 0) is not that of "
                    "the run that was never stopped, bit for bit. What does this step depend on that you did not put back?",
                    repr(other), repr(one))
