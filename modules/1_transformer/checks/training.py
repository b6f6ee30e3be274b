# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.
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

ABOUT = {"lesson": "training", "title": "Training", "minutes": 90, "uses": {"random_batch": [], "cross_entropy": [], "AdamW": [], "learning_rate": [], "clip_gradients": [], "accumulate_gradients": ["cross_entropy"], "evaluate": ["cross_entropy"], "Run": ["accumulate_gradients", "clip_gradients", "cross_entropy", "learning_rate", "random_batch"]}, "taught": ["attention", "model"]}
