# ---
# title: Training
# minutes: 90            # what a learner needs
# seconds: 600
# difficulty: medium
# ---

# %% [markdown]
# You have a transformer. It knows nothing: it gives every letter about the same chance. In this lesson you write everything
# that turns it into a model that writes Shakespeare (of a sort), and then you watch it learn, live, in about two minutes.
#
# At the end you will be able to
# - write each part of a training loop, and say how each of them goes wrong without a word;
# - stop a run and go on with it so that not a single bit differs from a run that was never stopped;
# - make a recipe better, one change at a time, and prove that it is better.
#
# Why the job needs it: training bugs do not crash. A model with its targets wrong, its weight decay in the wrong place or a
# checkpoint without the optimiser's memory still learns, only worse, and nobody sees by how much. On a large run that is money
# by the day. So each part here is small, and checked hard.
#
# The exercises need a second or two; the training at the end about two minutes on two CPU cores. Under each exercise a cell
# with `check(...)` tells you what holds. Some checks stay with the grader: they follow from the docstring, so read that to
# its end.

# %% setup
import io
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grader import lesson
from taught.attention import at_least_float32

check = lesson("training")


@dataclass(frozen=True)
class Corpus:
    """The tokens of a text in two parts: one to learn from, one to be examined on."""

    training: Int[Tensor, "training"]
    validation: Int[Tensor, "validation"]


class Bigram(nn.Module):
    """The smallest language model there is: it guesses the next token from the last one alone.
    It has dropout, as many models have, and takes notes of how it is called: good to try
    things on."""

    def __init__(self, vocabulary: int, dropout: float = 0.0):
        super().__init__()
        self.table = nn.Embedding(vocabulary, vocabulary)
        self.dropout = nn.Dropout(dropout)
        self.notes: list[dict] = []

    def forward(
        self, tokens: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length vocabulary"]:
        logits = self.dropout(self.table(tokens))
        self.notes.append({
            "tokens": tokens.clone(),
            "training": self.training,
            "builds a graph": logits.requires_grad,
            "has gradients": self.table.weight.grad is not None,
        })
        return logits


class Loose(nn.Module):
    """A few loose parameters, without a model: good to try an optimiser on."""

    def __init__(self, *values: Tensor):
        super().__init__()
        self.values = nn.ParameterList(value.clone() for value in values)


def set_gradients(model: nn.Module, gradients: list[Tensor | None]) -> None:
    """Gives each of the model's parameters the gradient of our choice, as `backward` would."""
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()


def gradients_of(model: nn.Module) -> list[Tensor | None]:
    """The gradient of each of the model's parameters."""
    return [parameter.grad for parameter in model.parameters()]


class Optimizer:
    """What optimisers have in common: the parameters that they change, a learning rate, and a
    dict for each parameter with what they remember of it (numbers and tensors)."""

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float):
        self.parameters = list(parameters)
        self.rate = rate  # may be set anew before each step
        self.state: list[dict[str, float | Tensor]] = [{} for _ in self.parameters]

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> list[dict]:
        """A copy of what it remembers."""
        return [
            {name: x.clone() if isinstance(x, Tensor) else x for name, x in state.items()}
            for state in self.state
        ]

    def load_state_dict(self, states: list[dict]) -> None:
        """Remembers again what another optimiser, for the same model, gave as `state_dict`."""
        self.state = [
            {
                name: x.clone().to(parameter.device) if isinstance(x, Tensor) else x
                for name, x in state.items()
            }
            for parameter, state in zip(self.parameters, states, strict=True)
        ]


# %% [markdown]
# The cell above holds what you may use: a `Corpus`, two toys (`Bigram`, `Loose`) to try your code on, and what all optimisers
# have in common.
#
# ## 1 · The question and its answer: shifted batches
#
# A language model learns from a game: *here is a piece of text, what comes next?* One piece asks many questions at once,
# because the causal mask hides from each token what follows it:
#
# | | | | | | | | |
# |---|---|---|---|---|---|---|---|
# | **input** | `T` | `o` | `␣` | `b` | `e` | `,` | `␣` |
# | **target** | `o` | `␣` | `b` | `e` | `,` | `␣` | `o` |
#
# The target of each token is its **right neighbour in the text**. The last input has a target too; that one lies outside of
# the piece, so you must cut one token more than `context`.
#
# Watch out for a trap: tokens are numbers, and "the next token" is not "the number plus one". If `b` is 41, plus one makes
# `c`. A model trained on such targets learns the alphabet: its loss falls to zero, and it cannot write a word.
#
# Each step of training gets a few pieces from random places. They are drawn with a `torch.Generator` that we hand in: whoever
# holds the generator can have the same draws again, and that will matter in exercise 8.

# %% exercise="random_batch"
def random_batch(
    tokens: Int[Tensor, "text"], batch: int, context: int, generator: torch.Generator
) -> tuple[Int[Tensor, "batch context"], Int[Tensor, "batch context"]]:
    """Random pieces of a text as (inputs, targets).

    - Each row of the inputs is a piece of `context` neighbouring tokens of the text.
    - The target of each input token is the token that follows it in the text.
    - Where a row begins is drawn with `generator`, for each row by itself, and all places
      where the piece and its targets fit into the text are equally likely: the first token of
      the text can be an input, and the last one can be a target. The text has at least
      `context` + 1 tokens.
    - No other source of random numbers is used or disturbed, and the next call with the same
      generator draws anew.
    - `tokens` may have any integer dtype; both results are int64, on the device of `tokens`.
      The generator is one for the CPU, wherever the tokens are.
    """
    ### BEGIN SOLUTION
    starts = torch.randint(len(tokens) - context, (batch,), generator=generator)
    places = starts[:, None] + torch.arange(context + 1)
    pieces = tokens[places.to(tokens.device)].long()
    return pieces[:, :-1], pieces[:, 1:]
    ### END SOLUTION


# %% check="random_batch"

# %% [markdown]
# ## 2 · How wrong is it? The loss
#
# The model gives each possible next token a score; softmax makes probabilities of the scores. We then look up one of them
# only: the probability $p$ that it gave to the token that *did* come. The loss is $-\ln p$: the surprise, in **nats**.

# %%
import matplotlib.pyplot as plt

probabilities = torch.linspace(0.005, 1, 400)
figure, axis = plt.subplots(figsize=(8, 2.8), layout="constrained")
axis.plot(probabilities, -probabilities.log())
for p, text in ((1 / 77, "1 in 77: knows nothing"), (0.17, "0.17: ours, in a while"), (0.5, "0.5: a coin")):
    axis.plot(p, -math.log(p), "o", color="tab:orange")
    axis.annotate(f"{text}, loss {-math.log(p):.2f}", (p, -math.log(p)), (p + 0.03, 0.15 - math.log(p)))
axis.set(xlabel="probability that the model gave to the token that came", ylabel="loss (nats)")
plt.show()

# %% [markdown]
# *The loss falls from about 5 at a probability near 0 to 0 at probability 1, steeply at first. Shakespeare has 77 different
# characters; who gives each the same chance has a loss of ln 77 = 4.34. That is what the first step of training should show: if it shows
# 8, or 2, something is wrong before you have begun.*
#
# One trap here: `log(softmax(x))` breaks when a probability rounds to 0, because the log of 0 is minus infinity. But
# $-\ln \text{softmax}(x)_i = \ln \sum_j e^{x_j} - x_i$, and the first term is `logsumexp`, which you wrote in the lesson `tensors`
# (PyTorch has it too). No probability is ever computed.
#
# Write it from there: two or three lines. (PyTorch's `F.cross_entropy` does the same, with a dozen options.)

# %% exercise="cross_entropy"
def cross_entropy(
    logits: Float[Tensor, "*batch vocabulary"], targets: Int[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """The mean of -ln softmax(logits)[target] over all tokens, in nats.

    - `*batch` stands for any number of leading dimensions; the last dimension of `logits`
      holds one score for each token of the vocabulary.
    - The result is a tensor without dimensions, through which gradients reach the logits.
    - Exact for huge scores too: no probability is rounded to 0 on the way.
    - Half precision (float16, bfloat16) is computed in float32, and the result is float32.
      Float64 stays float64.
    - Leaves its arguments as they were.
    """
    ### BEGIN SOLUTION
    wide = at_least_float32(logits)
    chosen = wide.gather(-1, targets[..., None]).squeeze(-1)
    return (wide.logsumexp(-1) - chosen).mean()
    ### END SOLUTION


# %% check="cross_entropy"

# %% [markdown]
# ## 3 · AdamW: a step for each number by itself
#
# The gradient says for each of a million numbers in which direction the loss falls. How *far* should each go? Plain gradient
# descent goes far where the gradient is large. That is the wrong way round: a large gradient means a steep slope, where small
# steps are wise. Look at a long valley that is a hundred times steeper across than along:

# %%
height = torch.tensor([0.5, 50.0])  # height of the valley at (x, y): 0.5 x² + 50 y²
figure, axes = plt.subplots(1, 3, figsize=(9.5, 2.6), sharey=True, layout="constrained")
x, y = torch.meshgrid(torch.linspace(-5.5, 1.5, 80), torch.linspace(-1.4, 1.4, 60), indexing="xy")
walks = {
    "gradient descent, rate 0.019": (torch.optim.SGD, {"lr": 0.019}),
    "the same, rate 0.0201": (torch.optim.SGD, {"lr": 0.0201}),
    "AdamW, rate 0.4": (torch.optim.AdamW, {"lr": 0.4, "betas": (0.8, 0.99)}),
}
for axis, (title, (kind, options)) in zip(axes, walks.items()):
    point = nn.Parameter(torch.tensor([-5.0, 1.0]))
    walker, path = kind([point], **options), [point.tolist()]
    for _ in range(25):
        walker.zero_grad()
        (height * point**2).sum().backward()
        walker.step()
        path.append(point.tolist())
    axis.contour(x, y, 0.5 * x**2 + 50 * y**2, levels=[0.5, 2, 6, 12, 25, 50, 100], colors="0.8")
    axis.plot(*zip(*path), ".-", lw=1)
    axis.plot(0, 0, "*", color="tab:orange", ms=12)
    axis.set(title=title, xlim=(-5.5, 1.5), ylim=(-1.4, 1.4))
plt.show()

# %% [markdown]
# *Three walks of 25 steps from the left edge of a valley; the star is the lowest point. Gradient descent hops from wall to wall
# and hardly gets along; with a rate 6 per cent higher it climbs out of the valley. AdamW, with a step size for each direction, is
# there.*
#
# Adam ([Kingma & Ba 2014](https://arxiv.org/abs/1412.6980)) keeps two running means for each number: $m$ of its gradient, $v$ of
# its squared gradient. It steps by $m / \sqrt v$: the size of the gradient cancels out. Three details make it right:
#
# - **Bias correction.** Both means begin at 0, so at first they are too small. After $t$ steps they hold $1 - \beta^t$ of their
#   full weight, and are divided by that. The very first step is then the learning rate, for every number.
# - **Epsilon** keeps us from dividing by 0. It is added to the root, not under it: $\sqrt{v + 10^{-8}}$ is $10^{-4}$ for a gradient
#   of 0, ten thousand times larger than meant.
# - **Decoupled weight decay** ([Loshchilov & Hutter 2017](https://arxiv.org/abs/1711.05101), the W of AdamW). To keep weights
#   small, shrink them a little in each step. People used to add `decay * weight` to the gradient; but then it is divided by $\sqrt v$ too, and
#   the weights with the largest gradients are shrunk the least. So: shrink the weight itself.

# %% exercise="AdamW"
class AdamW(Optimizer):
    """Adam with decoupled weight decay, as in Loshchilov & Hutter, "Decoupled Weight Decay
    Regularization" (arXiv 1711.05101, algorithm 2), in the form of `torch.optim.AdamW`: the
    learning rate multiplies the decay too."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.99),
        epsilon: float = 1e-8,
        decay: float = 0.1,
    ):
        super().__init__(parameters, rate)
        self.betas, self.epsilon, self.decay = betas, epsilon, decay

    @torch.no_grad()
    def step(self) -> None:
        """Changes each parameter that has a gradient g, in place. At its t-th step
        (t = 1, 2, …), a parameter w with the running means m and v (0 at first) becomes

            w ← w - rate · decay · w                  if w has two dimensions or more
            m ← β1 · m + (1 - β1) · g
            v ← β2 · v + (1 - β2) · g²
            w ← w - rate · (m / (1 - β1^t)) / (sqrt(v / (1 - β2^t)) + epsilon)

        - Biases and the weights of norms (fewer than two dimensions) do not decay.
        - A parameter without a gradient (`grad` is None) stays as it is, and so does what is
          remembered of it: t counts the parameter's own steps.
        - `rate` is read at each step; someone may have changed it.
        - All that has to be remembered is in `self.state[i]`, the dict that belongs to
          `self.parameters[i]`, as numbers and tensors, under names of your choice; so that
          `state_dict` and `load_state_dict` (which exist) can hand it on.
        - Gradients are left as they were.
        """
        ### BEGIN SOLUTION
        for parameter, state in zip(self.parameters, self.state):
            if parameter.grad is None:
                continue
            if not state:
                state["steps"] = 0
                state["mean"] = torch.zeros_like(parameter)
                state["mean_square"] = torch.zeros_like(parameter)
            state["steps"] += 1
            state["mean"].lerp_(parameter.grad, 1 - self.betas[0])
            state["mean_square"].lerp_(parameter.grad.square(), 1 - self.betas[1])
            mean = state["mean"] / (1 - self.betas[0] ** state["steps"])
            mean_square = state["mean_square"] / (1 - self.betas[1] ** state["steps"])
            if parameter.dim() >= 2:
                parameter -= self.rate * self.decay * parameter
            parameter -= self.rate * mean / (mean_square.sqrt() + self.epsilon)
        ### END SOLUTION


# %% check="AdamW"

# %% [markdown]
# ## 4 · The learning rate: warm up, then cool down
#
# At the beginning the weights are random and Adam's means are young: large steps do harm, so the rate climbs in a straight line
# over the first steps (the **warm-up**). Later the weights should settle: the rate falls along half a cosine
# ([Loshchilov & Hutter 2016](https://arxiv.org/abs/1608.03983)) to a small final value, *exactly at the last step*.
#
# With 8 steps, 3 of them to warm up, peak 0.6 and final 0.1:
#
# | step | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |
# |---|---|---|---|---|---|---|---|---|
# | progress of the fall | | | 0 | 0.2 | 0.4 | 0.6 | 0.8 | 1 |
# | rate | 0.200 | 0.400 | 0.600 | 0.552 | 0.427 | 0.273 | 0.148 | 0.100 |
#
# Mind both ends. A rate of 0 in the first step wastes that step; a rate that has not arrived at the end wastes the settling; and a
# run that goes on a little longer must not climb the cosine's other side.

# %% exercise="learning_rate"
def learning_rate(
    step: int, steps: int, peak: float, warm_up: int = 0, final: float = 0.0
) -> float:
    """The learning rate for `step`, of a run with the steps 0, 1, … `steps` - 1.

    - In the first `warm_up` steps (fewer than `steps`, maybe none) it grows linearly: step i has
      peak · (i + 1) / warm_up. So step `warm_up` - 1 has `peak`.
    - After them it falls along half a cosine (Loshchilov & Hutter, arXiv 1608.03983, equation
      5, without restarts): final + (peak - final) · (1 + cos(π · progress)) / 2. The progress
      grows linearly by 1 / (steps - warm_up) a step. It is 0 at step `warm_up` - 1 and 1 at
      the last step, which has `final`. (Without a warm-up, step 0 already has the progress
      1 / steps.)
    - After the last step it stays at `final`.
    """
    ### BEGIN SOLUTION
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = min((step + 1 - warm_up) / (steps - warm_up), 1)
    return final + (peak - final) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


# %% check="learning_rate"

# %%
rates = [learning_rate(step, 200, peak=3e-3, warm_up=20, final=3e-4) for step in range(230)]
figure, axis = plt.subplots(figsize=(8, 2.4), layout="constrained")
axis.plot(rates)
axis.axvline(199, color="0.7", ls=":")
axis.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
plt.show()

# %% [markdown]
# *Your schedule for 200 steps: straight up to 0.003 over 20 steps, then a gentle fall to 0.0003 at the dotted line, and flat
# after it.*
#
# ## 5 · Clipping: one bad batch must not undo a thousand good ones
#
# Now and then a batch gives a gradient ten times larger than usual. Clipping limits the **length** of the gradient, taken as one
# long arrow of all numbers of all parameters ([Pascanu et al. 2012](https://arxiv.org/abs/1211.5063), algorithm 1). Its direction
# must not change, so all are scaled by the same factor. And an arrow that is short enough stays as it is.

# %%
gradient = torch.tensor([3.0, 1.0])
arrows = {
    "the gradient": gradient,
    "its length clipped to 1": gradient / gradient.norm(),
    "each number clipped to 1": gradient.clamp(-1, 1),
}
figure, axes = plt.subplots(1, 3, figsize=(9, 2), sharey=True, layout="constrained")
for axis, (title, arrow) in zip(axes, arrows.items()):
    axis.plot((0, 3), (0, 1), color="0.8", ls="--")
    axis.add_patch(plt.Circle((0, 0), 1, fill=False, color="0.8"))
    axis.annotate("", arrow.tolist(), (0, 0), arrowprops={"arrowstyle": "->", "color": "tab:blue", "lw": 2})
    axis.set(title=title, xlim=(-1.1, 3.2), ylim=(-1.1, 1.4), aspect="equal")
plt.show()

# %% [markdown]
# *Left the gradient (3, 1). In the middle its length is clipped to 1, and it points where it pointed. Right, each number is
# clipped by itself: the arrow has turned.*

# %% exercise="clip_gradients"
def clip_gradients(parameters: Iterable[nn.Parameter], limit: float) -> float:
    """Limits the length of the gradient of all parameters together, in place (Pascanu et al.,
    arXiv 1211.5063, algorithm 1).

    The length is the root of the sum of the squares of all numbers in all gradients. If it is
    greater than `limit`, every gradient is multiplied by limit / length; if not, none is
    touched.

    - Gives the length as it was before, a float; it is 0.0 if there are no gradients.
    - Parameters without a gradient (`grad` is None) take no part, and still have none.
    - `parameters` may be a generator, such as `model.parameters()`: it can be walked through
      once only.
    """
    ### BEGIN SOLUTION
    gradients = [p.grad for p in parameters if p.grad is not None]
    length = math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length
    ### END SOLUTION


# %% check="clip_gradients"

# %% [markdown]
# ## 6 · Accumulation: a large batch through a small memory
#
# Large models want batches that do not fit into memory. So the batch goes through in slices, **micro-batches**: forward and
# backward for one slice, which frees its memory, then the next. `backward` *adds* to the gradients that are there, so they
# pile up by themselves; a single step of the optimiser follows at the end. The result must be that of the large batch.
#
# The trap: each slice gives the *mean* loss of its own tokens, and slices need not be of one size (the last one of a text is
# usually shorter). With 4 rows of 10 tokens and 1 row of 10:
#
# | | tokens | mean loss | |
# |---|---|---|---|
# | first micro-batch | 40 | 2.0 | |
# | second | 10 | 3.0 | |
# | the sum of both | | 5.0 | as if the learning rate were doubled |
# | the mean of both | | 2.5 | a token of the small slice counts four times as much as one of the large |
# | **the mean over all tokens** | 50 | **2.2** | (40 · 2.0 + 10 · 3.0) / 50 |
#
# (Hugging Face's widely used trainer had just this bug until [October 2024](https://huggingface.co/blog/gradient_accumulation).)

# %% exercise="accumulate_gradients"
def accumulate_gradients(
    model: nn.Module, micro_batches: list[tuple[Tensor, Tensor]]
) -> float:
    """Adds to the gradients of the model's parameters the gradient of the mean loss over all
    tokens of all micro-batches, and gives this loss as a float.

    - Each micro-batch is a pair (inputs, targets), both (rows, length). Rows and length may
      differ from one micro-batch to the next: what counts is the number of tokens.
    - One at a time: `backward` is called for a micro-batch before the next one goes through
      the model.
    - Gradients that are there already stay, and the new ones are added to them, as `backward`
      does. (To clear them before is the caller's business.)
    - The model is called once for each micro-batch; whether it is in training mode is not
      changed.

    Use your `cross_entropy`.
    """
    ### BEGIN SOLUTION
    tokens = sum(targets.numel() for _, targets in micro_batches)
    total = 0.0
    for inputs, targets in micro_batches:
        loss = cross_entropy(model(inputs), targets) * (targets.numel() / tokens)
        loss.backward()
        total += loss.item()
    return total
    ### END SOLUTION


# %% check="accumulate_gradients"

# %% [markdown]
# ## 7 · The examination: loss on text that it has never seen
#
# The training loss tells how well the model does what it practised. We want to know how it does on *new* text: that is what
# the last tenth of the corpus is kept for. An examination has rules:
#
# - only validation text; and nothing is learnt from it, so no gradients, no graph (which would take most of the memory);
# - **dropout off**: `model.eval()`. And back to the mode that it was in before. A model left in `eval` trains on without its
#   dropout, and nobody notices;
# - the same questions each time, all of them, each with the same weight: no random pieces, so that two numbers can be compared.
#
# So we cut the validation text into pieces of `context` tokens, side by side. With `context` 4 and a text of 11 tokens:
#
# | text | `a` | `b` | `c` | `d` | `e` | `f` | `g` | `h` | `i` | `j` | `k` |
# |---|---|---|---|---|---|---|---|---|---|---|---|
# | input of piece | 1 | 1 | 1 | 1 | 2 | 2 | 2 | 2 | 3 | 3 | |
# | target of piece | | 1 | 1 | 1 | 1 | 2 | 2 | 2 | 2 | 3 | 3 |
#
# Every token but the first is asked for once: ten questions. The `e` is the last target of piece 1 and the first input of piece 2.

# %% exercise="evaluate"
def evaluate(model: nn.Module, corpus: Corpus, context: int, batch: int = 64) -> float:
    """The model's mean loss over the validation text, as a float.

    - The inputs are all tokens but the last, cut into pieces of `context` neighbours, one after
      the other from the beginning; the last piece is shorter if they do not come out even.
      The target of each input is the token that follows it in the text. So every token but
      the first is predicted once, and each prediction counts the same.
    - At most `batch` pieces go through the model at once, and none is longer than `context`.
    - The model is in evaluation mode while it works, and afterwards in the mode that it was in
      before (`model.training`), whichever that was.
    - No graph for gradients is built, and no random numbers are drawn.
    - The text may have any integer dtype and has at least two tokens.

    Use your `cross_entropy`.
    """
    ### BEGIN SOLUTION
    text = corpus.validation.long()
    count = len(text) - 1
    even = count - count % context
    inputs = list(text[:even].view(-1, context).split(batch))
    targets = list(text[1 : even + 1].view(-1, context).split(batch))
    if even < count:
        inputs.append(text[None, even:-1])
        targets.append(text[None, even + 1 :])
    was_training = model.training
    model.eval()
    total = 0.0
    with torch.no_grad():
        for piece, following in zip(inputs, targets):
            if piece.numel():
                total += cross_entropy(model(piece), following).item() * piece.numel()
    model.train(was_training)
    return total / count
    ### END SOLUTION


# %% check="evaluate"

# %% [markdown]
# ## 8 · A run that can be stopped
#
# Machines are switched off, laptops closed, cloud computers taken away. A run that cannot go on where it stopped starts again
# from zero. And "go on" should be exact: the same batches, the same steps, the same curve, **bit for bit**. Not because bits
# matter to Shakespeare, but because then nothing can have been forgotten.
#
# What does the next step depend on? More than the weights:
#
# | forgotten | what happens |
# |---|---|
# | the optimiser's means | the first steps are wild: a bump in the loss |
# | the step number | the schedule warms up again |
# | the state of the generator | the same batches once more: the model sees some text twice, some never |
# | the state of torch's own generator | dropout draws other numbers |
#
# Below is the whole training, put together from your parts. Read `train_step`: there is nothing in it that you have not written.
# What is missing is to write down the state of a run, and to put a run back into it.
#
# One more trap: `model.state_dict()` does not copy. It gives the very tensors that the next step changes. Whoever keeps it "for later"
# finds the newest weights in it, and the optimiser's memory from then.

# %% exercise="Run"
@dataclass(frozen=True)
class Settings:
    """What there is to decide about a run."""

    steps: int
    batch: int  # rows of a micro-batch
    context: int
    peak: float  # learning rate
    warm_up: int = 0
    final: float = 0.0
    limit: float = 1.0  # length of the gradient
    micro_batches: int = 1
    seed: int = 0


class Run:
    """A training run: what takes part in it, and how far it has come."""

    def __init__(
        self, model: nn.Module, optimizer: Optimizer, corpus: Corpus, settings: Settings
    ):
        self.model, self.optimizer = model, optimizer
        self.corpus, self.settings = corpus, settings
        self.generator = torch.Generator().manual_seed(settings.seed)  # draws the batches
        self.step = 0  # the number of steps done
        self.losses: list[float] = []  # of each step

    def train_step(self) -> None:
        """One step: draw, set the rate, go forward and backward, clip, change the weights."""
        s = self.settings
        micro_batches = [
            random_batch(self.corpus.training, s.batch, s.context, self.generator)
            for _ in range(s.micro_batches)
        ]
        self.optimizer.rate = learning_rate(self.step, s.steps, s.peak, s.warm_up, s.final)
        self.optimizer.zero_grad()
        self.losses.append(accumulate_gradients(self.model, micro_batches))
        clip_gradients(self.model.parameters(), s.limit)
        self.optimizer.step()
        self.step += 1

    def state_dict(self) -> dict:
        """Everything that the following steps and the list of losses depend on and that steps
        change: of the model, the optimiser, the generator, the step, the losses, and torch's
        own random numbers, from which dropout draws (`torch.get_rng_state`).

        - It is a copy: later steps do not change it.
        - It is made of dicts, lists, numbers, strings and tensors, so that `torch.save` can
          write it and `torch.load(..., weights_only=True)` can read it.
        - To ask for it changes nothing about the run, and draws no random numbers.
        """
        ### BEGIN SOLUTION
        return {
            "model": {name: x.clone() for name, x in self.model.state_dict().items()},
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            "step": self.step,
            "losses": list(self.losses),
        }
        ### END SOLUTION

    def load_state_dict(self, state: dict) -> None:
        """Puts this run into the state that a run with the same kind of model, optimiser,
        corpus and settings gave as `state_dict`, whatever this one has done before. From here
        on both do the same, bit for bit. `state` stays as it is, also in later steps."""
        ### BEGIN SOLUTION
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        self.step = state["step"]
        self.losses = list(state["losses"])
        ### END SOLUTION


# %% check="Run"

# %% setup
class Checkpoint:
    """The state of a run as the bytes of a file."""

    def __init__(self, run: "Run", **more: object):
        file = io.BytesIO()
        torch.save({"run": run.state_dict(), **more}, file)
        self.content = file.getvalue()

    def read(self) -> dict:
        return torch.load(io.BytesIO(self.content), map_location="cpu", weights_only=True)

    def restore(self, run: "Run") -> None:
        """Puts `run` into the state."""
        run.load_state_dict(self.read()["run"])
