# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.
"""The checks of the lesson `tensors`."""
import math
import torch
from torch.nn import functional as F
from grader.checks import assert_close, assert_equal, assert_that, check, gradients, inputs_after
HINTS = {
    "pairwise_products": [
        "Which dimensions has the result? Which one do both tables have, that the result has not? That one is summed over.",
        "In einsum, give the rows of `a`, the rows of `b` and the shared last dimension three different letters; three dots "
        "take care of whatever stands in front.",
        "With broadcasting: the rows of `a` and the rows of `b` need dimensions of their own. Count dimensions from the end "
        "(-1, -2), so that it works for any number in front.",
    ],
    "logsumexp": [
        "Take a number c out of the sum, as in the formula, and put it back at the end. Which c keeps every exponential at 1 "
        "or below?",
        "Each row (along `dim`) needs its own c. `amax` can keep its dimension with size 1, so that it broadcasts; at the end "
        "the dimension has to go.",
        "In a row of -inf only, c would be -inf, and -inf minus -inf is nan. Which c does no harm there? What is log(0) in "
        "PyTorch?",
    ],
    "entropy": [
        "Each outcome adds -p log p; the outcomes lie along the last dimension.",
        "The logarithm to another base is the natural one, divided by a number.",
        "Where p is 0, the logarithm is -inf, and 0 times -inf is nan. Give the logarithm something harmless there: p itself is "
        "still 0 in the product. (In a new tensor.)",
    ],
    "cross_entropy": [
        "The table shows it: one logsumexp over all classes, minus one logit. Which one?",
        "`gather` picks from each row the entry with a given number. It wants the numbers to have as many dimensions as the "
        "logits, and gives back as many.",
        "Do not go through probabilities: a tiny one is rounded to 0, and its logarithm is gone for good.",
    ],
    "perplexity": [
        "First a mean over all tokens there are, then e to the power of it.",
        "How many tokens are there in all the texts together?",
        "`torch.cat` makes one long text of many. `item()` makes a Python number of a tensor that holds just one.",
    ],
    "cross_entropy_gradient": [
        "For one prediction the text above has the formula: the probabilities, minus 1 at the right class.",
        "`F.one_hot` makes a row with a single 1 of each class number.",
        "The mean over N losses is their sum divided by N. What does that do to the gradient? N counts the predictions, whatever "
        "dimensions they are arranged in.",
    ],
    "initial_weights": [
        "`torch.randn` draws from a normal distribution with standard deviation 1. It takes a generator.",
        "Multiplying a random number by s multiplies its standard deviation by s, and its variance by the square of s.",
        "The standard deviation depends on how many numbers are added up for one output.",
    ],
    "mlp_backward": [
        "Go backwards: from the gradient of the logits to those of `w2` and `b2`, then to that of the hidden layer, through "
        "ReLU, and to those of `w1` and `b1`.",
        "Write the shapes beside each line. A weight's gradient sums over the batch the products of two things: the gradient of "
        "what the layer gave, and what went into it. For matrices such a sum of products is a matrix product.",
        "`hidden > 0` says where ReLU let the signal through. It belongs on the gradient of the hidden layer, before that is used "
        "for `w1` and `b1`.",
    ],
    "confidence_interval": [
        "Three numbers go into the formula: the share of right answers, how many there are, and z.",
        "For 95 % you want z ≈ 1.96: 2.5 % of a normal distribution lie above it, so what share lies below it?",
        "Work it out by hand for 20 right of 20: the lower end is 1 / (1 + z² / 20) ≈ 0.839, the upper one 1.",
    ],
}
AFTER = {
    "pairwise_products": "A vector database, a recommender and attention are all this product of every row with every row.",
    "logsumexp": "Whenever probabilities are added, professionals stay in logarithms and take out the maximum "
                 "first: no other single trick prevents as many nans.",
    "entropy": "Compression, decision trees and the temperature of a model are all measured with this one number.",
    "cross_entropy": "It is the loss that every language model is trained with; that of an untrained one should be "
                     "log of the vocabulary, the first thing to look at in a run.",
    "perplexity": "Two published perplexities compare only if they average over the same tokens: ask how, before "
                  "you believe a table.",
    "cross_entropy_gradient": "Probability minus truth: because it is so simple, frameworks fuse loss and gradient into one kernel.",
    "initial_weights": "The signal's size at the start decides whether a deep network learns at all; print it layer by "
                       "layer when a loss does not move.",
    "mlp_backward": "You have done by hand what autograd does; comparing both on small random inputs is how every "
                    "new kernel is tested.",
    "confidence_interval": "Put it beside each accuracy that you report, and half of all 'improvements' turn out to be noise.",
}


@check("pairwise_products")
def test_products_by_hand(submission, random):
    """Each entry is the dot product of a row of the one table with a row of the other."""
    a, b = random.integers(-4, 5, 3, 2).float(), random.integers(-4, 5, 4, 2).float()
    seen = submission.pairwise_products(a, b)
    assert_equal(tuple(seen.shape), (3, 4), "Three rows times four rows: one product for each pair.")
    for i in range(3):
        for j in range(4):
            by_hand = float(a[i, 0] * b[j, 0] + a[i, 1] * b[j, 1])
            assert_close(seen[i, j].item(), by_hand, f"Entry [{i}, {j}] is row {i} of `a`, {a[i].tolist()}, times row {j} of "
                         f"`b`, {b[j].tolist()}.")


@check("pairwise_products")
def test_products_square(submission, random):
    """It also holds where all sizes are equal, and mistakes in the order of dimensions do not show in the shape."""
    a, b = random.normal(4, 4), random.normal(4, 4)
    assert_close(submission.pairwise_products(a, b), F.linear(a, b),
                 "The rows of the result belong to the rows of `a`, its columns to the rows of `b`.")


@check("pairwise_products")
def test_products_stack(submission, random):
    """In a stack of tables, each is multiplied with its own partner."""
    a, b = random.normal(5, 3, 6), random.normal(5, 2, 6)
    expected = torch.stack([F.linear(one, other) for one, other in zip(a, b)])
    assert_close(submission.pairwise_products(a, b), expected, "Five tables of 3 rows, and five of 2 rows: five results.")


@check("logsumexp")
def test_logsumexp_reference(submission, random):
    """Ordinary numbers give the logarithm of the sum of their exponentials, along the dimension that is asked for."""
    for shape, dim in (((6,), 0), ((3, 3), 0), ((3, 3), 1), ((2, 4, 3), 1), ((2, 4, 3), -3), ((5, 1), -1)):
        x = 2 * random.normal(*shape)
        assert_close(submission.logsumexp(x, dim), x.exp().sum(dim).log(),
                     f"Shape {shape}, dimension {dim}. The logarithm of the sum of the exponentials, no more and no less.")


@check("logsumexp")
def test_logsumexp_large(submission, random):
    """Adding 10,000 to all numbers, or taking it away, adds it to the result or takes it away."""
    x = random.integers(-3, 4, 2, 5).float()
    expected = x.exp().sum(1).log()
    for shift in (100.0, -200.0, 10_000.0, -10_000.0):
        assert_close(submission.logsumexp(x + shift, 1), expected + shift,
                     f"{shift:g} was added to all numbers. What do exp and log make of such numbers?", 1e-6, 2e-3)


@check("logsumexp")
def test_logsumexp_minus_infinity(submission, random):
    """Minus infinity adds nothing; where there is nothing else, the result is minus infinity, and other rows are as ever."""
    x = random.normal(4, 5)
    x[0, 2] = x[0, 3] = x[3, 0] = -math.inf
    assert_close(submission.logsumexp(x, 1), x.exp().sum(1).log(), "exp(-inf) is 0, and adds nothing to the sum.")
    x[1] = -math.inf
    assert_close(submission.logsumexp(x, 1), x.exp().sum(1).log(),
                 "Row 1 is -inf throughout: a sum of zeros, whose logarithm is -inf. The other rows do not notice.")


@check("entropy")
def test_entropy_equal(submission, random):
    """Among n equally likely outcomes it is log n; where one outcome is certain, it is 0."""
    for n in (2, 8, random.randint(30, 60)):
        assert_close(submission.entropy(torch.full((n,), 1 / n)), torch.tensor(math.log(n)), f"{n} equally likely outcomes.")
    certain = F.one_hot(random.integers(0, 6, 3), 6).float()
    assert_close(submission.entropy(certain), torch.zeros(3), "One outcome of six is certain, the others have probability 0.")


@check("entropy")
def test_entropy_base(submission, random):
    """The base sets the unit: a choice among 8 is 3 bits, among 100 it is 2 decimal digits."""
    for base, count in ((2, 3), (10, 2), (3.0, 4)):
        n = round(base**count)
        assert_close(submission.entropy(torch.full((n,), 1 / n), base), torch.tensor(float(count)),
                     f"{n} equally likely outcomes, with a logarithm to the base {base:g}.")
    p = torch.softmax(random.normal(5), 0)
    assert_close(submission.entropy(p), submission.entropy(p, base=math.e), "Without a base it is nats: base e.")


@check("entropy")
def test_entropy_rows(submission, random):
    """Each row has its own entropy, for any number of leading dimensions, also where there are zeros."""
    for shape in ((4, 3), (3, 3), (2, 5, 4)):
        p = torch.softmax(2 * random.normal(*shape), -1)
        p[..., 0, :] = F.one_hot(torch.tensor(1), shape[-1])
        assert_close(submission.entropy(p), torch.special.entr(p).sum(-1),
                     f"Probabilities of shape {shape}: a distribution in each row, one result for each. (The first rows have zeros.)")


@check("cross_entropy")
def test_loss_by_hand(submission, random):
    """With all logits equal the loss is the logarithm of the number of classes; otherwise, what the formula says."""
    n = random.randint(3, 9)
    assert_close(submission.cross_entropy(torch.zeros(4, n), random.integers(0, n, 4)), torch.full((4,), math.log(n)),
                 f"{n} equal logits: each class has probability 1/{n}, and the loss is log {n} nats.")
    logits = torch.tensor([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    assert_close(submission.cross_entropy(logits, torch.tensor([0, 2])), torch.tensor([0.4076, 2.4076]),
                 "The first two rows of the table in the text.", atol=1e-4)


@check("cross_entropy")
def test_loss_reference(submission, random):
    """There is one loss for each target, for any number of leading dimensions."""
    for batch, classes in (((5,), 3), ((4,), 4), ((2, 3), 5), ((3, 3), 3), ((2, 4, 3), 6)):
        logits, targets = 2 * random.normal(*batch, classes), random.integers(0, classes, *batch)
        expected = F.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none").view(batch)
        assert_close(submission.cross_entropy(logits, targets), expected,
                     f"Logits of shape {tuple(logits.shape)}; the classes lie along the last dimension, and each target numbers one.")


@check("cross_entropy")
def test_loss_sure_and_wrong(submission, random):
    """A model that is very sure and very wrong has a very large loss, not an infinite one, nor one that is cut off."""
    gap = torch.tensor([20.0, 60.0, 200.0, 5000.0])
    logits = torch.stack((gap, torch.zeros(4)), -1) + torch.tensor([[0.0], [0.0], [900.0], [-700.0]])
    assert_close(submission.cross_entropy(logits, torch.ones(4, dtype=torch.int64)), gap,
                 "The logit of the right class lies 20, 60, 200 and 5000 below the other one, and that is the loss.", 1e-5, 1e-3)


@check("perplexity")
def test_perplexity_guessing(submission, random):
    """A model that guesses among n letters has perplexity n, whatever the number and the length of the texts."""
    n = random.randint(5, 40)
    losses = [torch.full((length,), math.log(n)) for length in (3, 1, 7)]
    assert_close(submission.perplexity(losses), float(n), f"Each loss is log {n}, as if guessing among {n}.")
    assert_close(submission.perplexity(losses[:1]), float(n), f"One text, each loss is log {n}.")


@check("perplexity")
def test_perplexity_one_text(submission, random):
    """For a single text it is e to the power of the mean loss."""
    loss = 5 * torch.rand(9, generator=torch.Generator().manual_seed(random.randrange(10**6)))
    assert_close(submission.perplexity([loss]), math.exp(loss.double().mean()),
                 "The mean loss comes first, then e to the power of it. (The losses are in nats.)")


@check("perplexity")
def test_perplexity_two_texts(submission, random):
    """A long and a short text: every token counts the same."""
    short, long = torch.full((1,), 4.0), torch.full((9,), 1.0)
    assert_close(submission.perplexity([short, long]), math.exp(1.3),
                 "One token with loss 4 and nine with loss 1: ten tokens, with a mean loss of 1.3.")


@check("cross_entropy_gradient")
def test_gradient_signs(submission, random):
    """It is below zero for the right class and above zero for the others; each row sums to zero."""
    logits, targets = random.normal(4, 6), random.integers(0, 6, 4)
    seen = submission.cross_entropy_gradient(logits, targets)
    assert_equal(tuple(seen.shape), (4, 6), "A gradient has the shape of what it belongs to.")
    right = F.one_hot(targets, 6).bool()
    assert_that(bool((seen[right] < 0).all()), "Raising the logit of the right class makes the loss smaller.", "< 0", seen[right])
    assert_that(bool((seen[~right] > 0).all()), "Raising the logit of a wrong class makes the loss larger.", "> 0", seen[~right])
    assert_close(seen.sum(1), torch.zeros(4), "Adding the same to all logits changes no probability, so each row sums to zero.")


@check("cross_entropy_gradient")
def test_gradient_poked(submission, random):
    """It says how the mean loss changes when a logit is raised a little."""
    logits, targets = random.normal(3, 4, dtype=torch.float64), random.integers(0, 4, 3)
    seen = submission.cross_entropy_gradient(logits, targets)
    for _ in range(4):
        i, j = random.randrange(3), random.randrange(4)
        up, down = logits.clone(), logits.clone()
        up[i, j] += 1e-5
        down[i, j] -= 1e-5
        slope = (F.cross_entropy(up, targets) - F.cross_entropy(down, targets)) / 2e-5
        assert_close(seen[i, j].item(), slope.item(), f"Logit [{i}, {j}] was raised by 0.00001, and lowered by it. "
                     f"The mean loss of these 3 predictions changes {slope.item():.4f} times as much.")


@check("cross_entropy_gradient")
def test_gradient_batch(submission, random):
    """Twice the batch, half the gradient for each: the mean is over all predictions."""
    logits, targets = random.normal(3, 5), random.integers(0, 5, 3)
    one = submission.cross_entropy_gradient(logits, targets)
    two = submission.cross_entropy_gradient(logits.repeat(2, 1), targets.repeat(2))
    assert_close(two[:3], one / 2, "The same predictions stand in the batch twice: each of them has half as much weight in the mean.")


@check("initial_weights")
def test_weights_shape(submission, random):
    """One row for each output and one column for each input, in float32."""
    for inputs, outputs in ((5, 3), (3, 5), (1, 4), (4, 1)):
        weights = submission.initial_weights(inputs, outputs, submission.seeded(random.randrange(10**6)))
        assert_equal(tuple(weights.shape), (outputs, inputs), f"{inputs} inputs and {outputs} outputs: as in torch.nn.Linear.")
        assert_equal(weights.dtype, torch.float32, "Weights are float32.")


@check("initial_weights")
def test_weights_keep_signal(submission, random):
    """A layer with ReLU gives out as much as goes in: the mean square stays. (False alarm: less than 1 in a million.)"""
    x = random.normal(60) * 3 + 1
    weights = submission.initial_weights(60, 4000, submission.seeded(random.randrange(10**6)))
    assert_equal(tuple(weights.shape), (4000, 60), "The shape is (outputs, inputs).")
    # Each output is normal with variance 2 * mean square; its ReLU squared has the mean 1 * mean square, the deviation sqrt(5).
    kept = ((x @ weights.T).relu().square().mean() / x.square().mean()).item()
    assert_that(abs(kept - 1) < 5.1 * math.sqrt(5 / 4000), "With 60 inputs and 4,000 outputs, the mean square after ReLU should be "
                "that of the inputs, but for chance (18 %).", "a ratio of 1", f"a ratio of {kept:.4g}")


@check("initial_weights")
def test_weights_generator(submission, random):
    """All randomness comes from the generator: the same state gives the same weights, and a second call others."""
    seed = random.randrange(10**6)
    submission.torch.manual_seed(seed)  # what does not come from the generator is at least the same for everybody
    generator = submission.seeded(seed)
    first, second = submission.initial_weights(4, 3, generator), submission.initial_weights(4, 3, generator)
    again = submission.initial_weights(4, 3, submission.seeded(seed))
    other = submission.initial_weights(4, 3, submission.seeded(seed + 1))
    assert_that(torch.equal(first, again), f"Two generators made with the seed {seed} gave different weights.", first, again)
    assert_that(not torch.equal(first, other), "Two generators with different seeds gave the same weights.")
    assert_that(not torch.equal(first, second), "Called twice with one generator, it gave the same weights twice: two layers of a "
                "network would begin as copies.")


@check("mlp_backward")
def test_backward_shapes(submission, random):
    """There is a gradient for each parameter, with the parameter's name and shape."""
    x, parameters, hidden, upstream = _network(random, 5, 4, 6, 3)
    seen = submission.mlp_backward(x, hidden, parameters, upstream)
    assert_that(isinstance(seen, dict), "The gradients come in a dictionary, by the names of the parameters.", "a dictionary", seen)
    shapes = {name: tuple(gradient.shape) for name, gradient in sorted(seen.items())}
    assert_equal(shapes, {"b1": (6,), "b2": (3,), "w1": (6, 4), "w2": (3, 6)},
                 "A gradient has the shape of what it belongs to. Here: batch 5, 4 inputs, 6 hidden, 3 classes.")


@check("mlp_backward")
def test_backward_last_layer(submission, random):
    """The gradients of the last layer, `w2` and `b2`, agree with autograd."""
    x, parameters, hidden, upstream = _network(random, 7, 4, 5, 3)
    seen, expected = submission.mlp_backward(x, hidden, parameters, upstream), _autograd(x, parameters, upstream)
    assert_close(seen["b2"], expected["b2"], "`b2` is added to the logits of every example, and the loss feels each of them.")
    assert_close(seen["w2"], expected["w2"], "`w2` multiplies what comes out of the hidden layer.")


@check("mlp_backward")
def test_backward_first_layer(submission, random):
    """The gradients of the first layer, `w1` and `b1`, agree with autograd."""
    x, parameters, hidden, upstream = _network(random, 7, 4, 5, 3)
    seen, expected = submission.mlp_backward(x, hidden, parameters, upstream), _autograd(x, parameters, upstream)
    assert_close(seen["b1"], expected["b1"], "The gradient of the hidden layer is passed back through `w2`, then through ReLU, and "
                 "summed over the batch.")
    assert_close(seen["w1"], expected["w1"], "`w1` multiplies `x`. What comes back to it has passed through `w2` and ReLU.")


@check("confidence_interval")
def test_interval_by_hand(submission, random):
    """Twenty right of twenty: from 83.9 % to 100 %. Five of ten: from 23.7 % to 76.3 %."""
    low, high = submission.confidence_interval(torch.ones(20, dtype=torch.bool))
    assert_close(low, 0.83887, "The lower end for 20 right of 20, at 95 %.", atol=1e-4)
    assert_close(high, 1.0, "The upper end for 20 right of 20.")
    low, high = submission.confidence_interval(torch.tensor([True, False] * 5))
    assert_close(low, 0.23659, "The lower end for 5 right of 10, at 95 %.", atol=1e-4)
    assert_close(high, 0.76341, "The upper end for 5 right of 10, at 95 %.", atol=1e-4)


@check("confidence_interval")
def test_interval_definition(submission, random):
    """From either end, what was seen lies z standard deviations away."""
    for right, n in ((45, 60), (3, 25), (random.randint(200, 300), 400)):
        low, high = submission.confidence_interval(_outcomes(random, right, n))
        assert_that(low < right / n < high, "The accuracy seen lies inside.", f"{right / n:.4f} inside", f"{low:.4f} to {high:.4f}")
        for p in (low, high):
            assert_close(abs(right / n - p) / math.sqrt(p * (1 - p) / n), 1.959964,
                         f"{right} right of {n}. If the true accuracy were p = {p:.4f}, what was seen would lie this many standard "
                         "deviations sqrt(p (1 - p) / n) away, which should be z:", 1e-3)


@check("confidence_interval")
def test_interval_confidence(submission, random):
    """The more confidence is asked for, the wider it is."""
    correct = _outcomes(random, 33, 50)
    for confidence, z in ((0.5, 0.674490), (0.9, 1.644854), (0.99, 2.575829)):
        for p in submission.confidence_interval(correct, confidence):
            assert_close(abs(0.66 - p) / math.sqrt(p * (1 - p) / 50), z, f"With a confidence of {confidence:g} in total, the ends lie "
                         "this many standard deviations away:", 1e-3)


def _network(random, batch: int, inputs: int, hidden: int, classes: int):
    """Inputs, parameters, the hidden layer, and a gradient of the logits, all random."""
    x, upstream = random.normal(batch, inputs), random.normal(batch, classes)
    parameters = {
        "w1": random.normal(hidden, inputs), "b1": random.normal(hidden),
        "w2": random.normal(classes, hidden), "b2": random.normal(classes),
    }
    return x, parameters, F.linear(x, parameters["w1"], parameters["b1"]).relu(), upstream


def _autograd(x, parameters, upstream):
    """The gradients of the network's parameters, by PyTorch."""
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    logits = F.linear(F.linear(x, leaves["w1"], leaves["b1"]).relu(), leaves["w2"], leaves["b2"])
    logits.backward(upstream)
    return {name: leaf.grad for name, leaf in leaves.items()}


def _outcomes(random, right: int, n: int):
    """`right` times True among `n`, in any order."""
    return torch.tensor(random.sample([True] * right + [False] * (n - right), n))

ABOUT = {"lesson": "tensors", "title": "Tensors, surprise and gradients", "minutes": 75, "uses": {"pairwise_products": [], "logsumexp": [], "entropy": [], "cross_entropy": ["logsumexp"], "perplexity": [], "cross_entropy_gradient": [], "initial_weights": [], "mlp_backward": [], "confidence_interval": []}, "taught": []}
