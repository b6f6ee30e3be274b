# ---
# title: Attention
# minutes: 75
# seconds: 60
# difficulty: medium
# ---

# %% [markdown]
# Every large language model is a tall stack of one idea: **each token looks back at the tokens before it, decides which
# of them matter, and takes over a mixture of what they carry.** That is attention. In this lesson you write it, complete,
# the way Llama, Mistral and SmolLM2 have it, in about forty lines.
#
# At the end you will be able to
# - write attention that is correct where it usually goes wrong: masks, huge scores, half precision, a cache;
# - say where a transformer gets its sense of order from, and what "grouped-query heads" save;
# - load the published weights of a real model into *your* module, and see what its heads look at.
#
# Why the job needs it: attention is what you will profile, quantise, cache and debug. Its mistakes rarely crash. A mask
# that is off by one still trains, and the loss even looks wonderful, because the model can see the answers.
#
# Everything runs on two CPU cores in a few seconds. Each exercise is a function or a class with a full description in
# its docstring; under it is a cell with `check(...)` that tells you what holds and what does not. It does not tell all:
# when your work is graded, more checks look at what the docstring says, so read it to the end.

# %% setup
import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from grader import lesson

check = lesson("attention")


def at_least_float32(x: Tensor) -> Tensor:
    """`x` in float32, or in float64 if that is what it is in. Half precision is fine for
    storing numbers, but not for adding them up: bfloat16 keeps only three digits or so."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class Cache:
    """What one attention layer remembers of the tokens so far: their keys and their values,
    each of shape (batch, key_value_heads, length, head_size)."""

    def __init__(self):
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    @property
    def length(self) -> int:
        """The number of tokens in the cache."""
        return 0 if self.keys is None else self.keys.shape[-2]

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Adds the keys and values of new tokens at the end, and gives all of them, the old
        and the new."""
        if self.keys is not None:
            keys = torch.cat((self.keys, keys), dim=-2)
            values = torch.cat((self.values, values), dim=-2)
        self.keys, self.values = keys, values
        return keys, values


# %% [markdown]
# The cell above holds two small helpers that you are free to use: `at_least_float32`, and a `Cache` for the last exercise.
#
# ## 1 · Softmax: from scores to shares
#
# A token gives every other token a **score**: any number, the higher the more relevant. To mix their contents we need
# **shares**: positive and summing to one. Softmax makes one from the other:
#
# $$\text{softmax}(s)_i = \frac{e^{s_i}}{\sum_j e^{s_j}}$$
#
# Only *differences* count: one point more means $e \approx 2.7$ times the share, wherever the scores lie.

# %%
import matplotlib.pyplot as plt

scores = torch.tensor([2.0, 1.0, 0.0, -1.0])
figure, axes = plt.subplots(1, 3, figsize=(9, 2.4), sharey=True, layout="constrained")
for axis, shift in zip(axes, (0, 5, -30)):
    bars = axis.bar(range(4), torch.softmax(scores + shift, 0))
    axis.bar_label(bars, fmt="%.2f")
    axis.set_xticks(range(4), [f"{score:g}" for score in (scores + shift).tolist()])
    axis.set(xlabel="scores", ylim=(0, 0.8))
axes[0].set_ylabel("shares")
plt.show()

# %% [markdown]
# *Three bar charts: the scores 2, 1, 0, −1, the same plus 5, the same minus 30. The shares are the same each time: 0.64,
# 0.24, 0.09, 0.03.*
#
# The formula is easy; computing it is not. Float32 ends near $e^{88}$, so a score of 100 overflows to `inf`, and
# `inf / inf` is `nan`. At the other end $e^{-200}$ rounds to 0, and `0 / 0` is `nan` too. The picture shows the way out.
#
# One more thing: a score of **minus infinity** means "must not look there". Its share is exactly zero. It happens that a
# whole row is minus infinity (padding in a batch, for instance). Libraries disagree on what to do then; ours says: nobody
# to look at, nothing taken over, so all shares are zero. A `nan` there would spread to every weight at the next training
# step.
#
# PyTorch has a softmax, of course. Write yours from `exp` and `sum`: there is more to be learnt, and ours must do what PyTorch's
# does not.

# %% exercise="softmax"
def softmax(scores: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    """The exponentials of `scores`, scaled to sum to one along dimension `dim`.

    - `dim` may be negative, as everywhere in PyTorch.
    - Exact for large and for small scores, also when other rows of the tensor lie far away.
    - A score of -inf gets exactly 0. Where all scores along `dim` are -inf, all results are
      0, and so are the gradients of these scores (never nan).
    - Has the dtype of `scores`. Half precision (float16, bfloat16) is computed in float32
      and rounded once, at the end; float64 is float64 throughout.
    - Leaves `scores` as it was, and lets gradients through.
    """
    ### BEGIN SOLUTION
    wide = at_least_float32(scores)
    largest = wide.amax(dim, keepdim=True)
    largest = largest.masked_fill(largest == -math.inf, 0)  # -inf - -inf would be nan
    exponentials = (wide - largest).exp()
    total = exponentials.sum(dim, keepdim=True)
    return (exponentials / total.masked_fill(total == 0, 1)).to(scores.dtype)
    ### END SOLUTION


# %% check="softmax"

# %% [markdown]
# ## 2 · The causal mask: no peeking
#
# A language model learns to guess the next token. In training it sees the whole text at once, so we must hide from each
# token what comes after it. A **mask** says for each pair (who looks, at whom) whether that is allowed. We state the
# convention once, because half of the bugs with masks are mix-ups of it:
#
# > **`True` = may look.** One row for each query (who looks), one column for each key (who is looked at).
#
# PyTorch's `scaled_dot_product_attention` says it in the same way; `nn.MultiheadAttention` says the opposite.
#
# When the model *writes*, the tokens so far are in a cache and only the new ones come as queries. There are `past` more
# keys than queries then, and the first query does not stand at the beginning of the text.

# %%
masks = {
    "5 tokens, nothing in the cache": ["x....", "xx...", "xxx..", "xxxx.", "xxxxx"],
    "2 new tokens, 3 in the cache": ["xxxx.", "xxxxx"],
    "1 new token, 4 in the cache": ["xxxxx"],
}
figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
for axis, (title, rows) in zip(axes, masks.items()):
    may_look = [[mark == "x" for mark in row] for row in rows]
    past = 5 - len(rows)
    axis.imshow(may_look, cmap="Blues", vmin=-0.25, vmax=1.5, extent=(0, 5, 5, past))
    axis.vlines(past, past, 5, color="tab:orange", linewidth=4)
    axis.set_xticks(range(6), [])
    axis.set_yticks(range(6), [])
    axis.tick_params(length=0)
    axis.grid(color="white", linewidth=2)
    axis.spines[:].set_visible(False)
    axis.set(xlim=(-0.1, 5), ylim=(5, 0), xlabel="keys: past | new", ylabel="queries: new")
    axis.set_title(title, fontsize=10)
plt.show()

# %% [markdown]
# *Three masks; dark means "may look", light "must not". Left of the orange line lies the cache. Each query sees all of the
# cache, the new tokens before it, and itself. The second and the third picture are the last rows of the first.*

# %% exercise="causal_mask"
def causal_mask(length: int, past: int = 0) -> Bool[Tensor, "length past+length"]:
    """Which keys each of `length` new tokens may look at, with `past` tokens in the cache.

    True = may look. Row i belongs to the new token i, the columns to the `past` tokens and
    then the `length` new ones. A token may look at itself and at everything before it.
    """
    ### BEGIN SOLUTION
    positions = torch.arange(past + length)
    return positions[past:, None] >= positions
    ### END SOLUTION


# %% check="causal_mask"

# %% [markdown]
# ## 3 · Attention: a soft look-up
#
# Think of a dictionary that is looked up softly. Each token offers a **key** ("this is what I am about") and a **value**
# ("this is what I have to give"). A token that looks has a **query** ("this is what I need"). The dot product of query and
# key is the score; softmax makes it a share; the answer is the values mixed in these shares:
#
# $$\text{attention}(Q, K, V) = \text{softmax}\!\left(\frac{QK^\top}{\sqrt{d}}\right)V \qquad d = \text{size of a query and of a key}$$
#
# ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762), section 3.2.1.) A tiny example by hand: one query, three keys.
#
# | | key | score $q \cdot k$ | divided by $\sqrt 4$ | share | value |
# |---|---|---|---|---|---|
# | "cat" | (2, 0, 2, 0) | 8 | 4 | 0.867 | (10, 0) |
# | "the" | (0, 1, 0, 1) | 0 | 0 | 0.016 | (0, 10) |
# | "mat" | (1, 0, 1, 0) | 4 | 2 | 0.117 | (5, 5) |
#
# The query (2, 0, 2, 0) gets 0.867 · (10, 0) + 0.016 · (0, 10) + 0.117 · (5, 5) ≈ (9.3, 0.7): mostly what "cat" has to give.
#
# Nothing here knows an order: shuffle the rows of the table, and the answer stays the same. (Order comes in exercise 4.)
#
# Where does the mask go in? What is hidden must have *no* share, and the others must still sum to one. So it has to be dealt
# with **before** softmax.

# %% exercise="scaled_dot_product_attention"
def scaled_dot_product_attention(
    query: Float[Tensor, "*batch queries size"],
    key: Float[Tensor, "*batch keys size"],
    value: Float[Tensor, "*batch keys value_size"],
    mask: Bool[Tensor, "*#batch queries keys"] | None = None,
) -> Float[Tensor, "*batch queries value_size"]:
    """For each query, the mixture of the values by softmax(query · key / sqrt(size)) over
    the keys.

    - `*batch` stands for any number of leading dimensions, also none. All sizes may differ
      from one another.
    - `mask`: True = may look; it broadcasts to the shape of the scores, (*batch, queries,
      keys). What is hidden has no influence at all. A query that may look nowhere gets
      zeros. Without a mask everything may be looked at.
    - Has the dtype of `query`. Half precision is computed in float32 from the scores on;
      float64 is float64 throughout.
    - Leaves its arguments as they were, and lets gradients through.

    Use your `softmax`, and not PyTorch's function of this name.
    """
    ### BEGIN SOLUTION
    scores = at_least_float32(query) @ at_least_float32(key).transpose(-2, -1)
    scores = scores / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = softmax(scores, dim=-1)
    return (weights @ at_least_float32(value)).to(query.dtype)
    ### END SOLUTION


# %% check="scaled_dot_product_attention"

# %% [markdown]
# Why is there a square root in it? Look at what happens without. We draw random queries and keys of a growing size, and
# plot the shares of 16 keys, sorted.

# %%
generator = torch.Generator().manual_seed(0)
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), sharey=True, layout="constrained")
for size in (4, 64, 1024):
    queries, keys = torch.randn(2, 200, 16, size, generator=generator)
    raw = (queries[:, :1] * keys).sum(-1)
    for axis, scores in zip(axes, (raw, raw / math.sqrt(size))):
        shares = torch.softmax(scores, -1).sort(descending=True).values.mean(0)
        axis.plot(range(1, 17), shares, marker=".", label=f"size {size}")
        axis.set(xlabel="keys, the most relevant first")
axes[0].set_title("query · key")
axes[1].set_title("query · key / sqrt(size)")
axes[0].set_ylabel("share, mean of 200 queries")
axes[1].legend()
plt.show()

# %% [markdown]
# *Two plots of the shares of 16 keys. Left, without the division: the greater the size, the nearer the first key comes to
# taking everything. Right, with it: the three sizes give the same gentle curve.*

# %% [markdown] written="why_scale" points=3
# **Why are the scores divided by the square root of the head size?** Answer in a few sentences, for a colleague who knows
# what a variance is. (3 points: one for what happens to the scores as the size grows, with the reason; one for what that
# does to softmax and to learning; one for why it is the *root*, and the size of a *head* rather than of the model.)
#
# ### BEGIN SOLUTION
# A score is a sum of `size` products. If the components of query and key are independent with mean 0 and variance 1, each
# product has variance 1, and the variances of a sum add up: the score has variance `size`, so its standard deviation grows
# like `sqrt(size)` (for 64: 8).
#
# Scores that lie far apart make softmax nearly one-hot: one key takes everything. There its derivative, p(1 − p) on the
# diagonal, is almost zero, so hardly any gradient reaches queries and keys, and what a head looks at at random in the
# beginning can hardly be unlearned.
#
# Dividing by the standard deviation `sqrt(size)`, not by the variance, brings the scores back to variance 1, whatever
# the size (dividing by `size` would make them too small, and the shares nearly equal). The sum runs over the components
# of one head, so it is the head's size that counts. The width of the model and the number of heads do not enter.
#
# Rubric: (1) variance of the dot product proportional to the size, because it is a sum of that many independent terms.
# (2) Softmax saturates and its gradients vanish. (3) The root undoes a standard deviation; the sum is over one head.
# Half a point off for "numbers get too large" without saying what is bad about it.
# ### END SOLUTION

# %% [markdown]
# ## 4 · Rotary positions: a sense of order
#
# For attention, "dog bites man" and "man bites dog" are the same bag of tokens. Rotary positions
# ([RoFormer, Su et al. 2021](https://arxiv.org/abs/2104.09864)) mend that with a beautiful trick: **turn queries and keys by
# an angle that grows with the position.** The dot product of two arrows depends only on the angle *between* them. So a score
# will depend on how far apart two tokens are, and not on where in the text they stand.
#
# A vector of `size` numbers is taken as `size / 2` arrows in the plane. Each turns at its own speed: the first by 1 radian a
# position, the next ones ever more slowly, like the hands of a clock.

# %%
figure, axes = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")
for pair, axis in enumerate(axes):
    speed = (1.0, 0.1, 0.01, 0.001)[pair]
    for position in range(6):
        angle = position * speed
        look = {"arrowstyle": "->", "color": plt.cm.viridis(position / 6), "lw": 2}
        axis.annotate("", (math.cos(angle), math.sin(angle)), (0, 0), arrowprops=look)
    axis.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xticks=[], yticks=[])
    axis.set_title(f"pair {pair}: {speed:g} radian a position", fontsize=9)
plt.show()

# %% [markdown]
# *Size 8, base 10 000: the four pairs of the vector (1, 1, 1, 1, 0, 0, 0, 0) at the positions 0 (dark) to 5 (light). Pair 0
# goes almost once around, pair 3 hardly moves. Fast pairs tell neighbours apart, slow pairs tell near from far.*
#
# Two details make published weights work or fail:
# - **Which numbers form a pair?** RoFormer takes neighbours: (0, 1), (2, 3) … Llama's code on Hugging Face, and nearly every
#   model since, takes the first half with the second: (0, size/2), (1, size/2 + 1) … Weights trained for one are garbage for the
#   other. We do it as Llama does.
# - **Which positions?** Those that you are given. When a cache holds 100 tokens, the next one stands at 100, not at 0.

# %% exercise="rotary"
def rotary(
    x: Float[Tensor, "*batch length size"],
    positions: Int[Tensor, "length"],
    base: float = 10_000.0,
) -> Float[Tensor, "*batch length size"]:
    """The vectors in `x`, turned by their positions.

    `size` is even. For i = 0 … size/2 - 1, the numbers a = x[..., i] and
    b = x[..., i + size/2] are an arrow (a, b). It is turned anticlockwise by

        angle = position * base ** (-2 * i / size)

    where position is the vector's own entry in `positions` (any whole numbers ≥ 0, in any
    order). So (a, b) becomes (a cos - b sin, a sin + b cos). This is RoFormer (arXiv
    2104.09864, section 3.2.2), with the pairs of Llama.

    - Example: with size 4, (1, 0, 0, 0) at position p becomes (cos p, 0, sin p, 0).
    - Has the dtype of `x`; angles and products are computed in float32 at least.
    - Leaves its arguments as they were, and lets gradients through.
    """
    ### BEGIN SOLUTION
    half = x.shape[-1] // 2
    frequencies = base ** (-torch.arange(half, device=x.device) / half)
    angles = positions[:, None] * frequencies
    cos, sin = angles.cos(), angles.sin()
    first, second = at_least_float32(x).split(half, dim=-1)
    turned = (first * cos - second * sin, first * sin + second * cos)
    return torch.cat(turned, dim=-1).to(x.dtype)
    ### END SOLUTION


# %% check="rotary"

# %% [markdown]
# See it work: one query and one key, with *your* rotary. The key stands at position 50, the query at 0 to 100; then both
# are moved on by a thousand. If only the distance counts, the two curves are one.

# %%
query, key = torch.ones(2, 1, 64)
distances = torch.arange(-50, 51)
figure, axis = plt.subplots(figsize=(9, 2.6), layout="constrained")
for start, style in ((50, "-"), (1050, ":")):
    turned = rotary(query.expand(101, 64), distances + start)
    scores = turned @ rotary(key, torch.tensor([start]))[0]
    axis.plot(distances, scores, style, lw=3, label=f"key at {start}")
axis.set(xlabel="position of the query minus position of the key", ylabel="query · key")
axis.legend()
plt.show()

# %% [markdown]
# *The score of two equal vectors against their distance: highest at 0, falling off with ripples on both sides. The dotted
# curve (key at 1050) lies on the solid one (key at 50).*
#
# ## 5 · Causal self-attention, as in Llama
#
# Now you put it together. Four matrices make the tokens' queries, keys and values and the output: `q_proj`, `k_proj`, `v_proj`,
# `o_proj`. And attention is done several times side by side, by **heads**: each has its own slice of the query, so each can look
# for something else.
#
# The vectors come out of a projection as (batch, length, heads · size), the heads one after the other. To let each head work
# on its own, the heads must become a dimension *before* the length:
#
# | step | shape for SmolLM2 (9 heads of 64, width 576), 1 text of 5 tokens |
# |---|---|
# | after `q_proj` | (1, 5, 576) |
# | the last dimension cut into heads | (1, 5, 9, 64) |
# | ready for attention | (1, 9, 5, 64) |
#
# A `view` straight from the first shape to the last one runs without complaint, and mixes up tokens and heads.
#
# **Grouped-query heads** ([Ainslie et al. 2023](https://arxiv.org/abs/2305.13245)). In the cache lie the keys and values of all
# tokens so far: at long texts it is larger than the model. So several *neighbouring* query heads share one key/value
# head. SmolLM2 has 9 and 3:
#
# | query head | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |
# |---|---|---|---|---|---|---|---|---|---|
# | looks at key/value head | 0 | 0 | 0 | 1 | 1 | 1 | 2 | 2 | 2 |
#
# **The cache.** When the model writes, each token needs the keys and values of all before it. They do not change any more, so
# they are kept, and only the new token is computed. Hand the new keys and values to `cache.extend`, and it gives you all of
# them. The result must be what it would be without a cache, only cheaper.

# %% exercise="CausalSelfAttention"
class CausalSelfAttention(nn.Module):
    """Self-attention as in Llama: causal, with rotary positions and grouped-query heads.

    To load published weights, its `state_dict` holds the weights of four linear layers
    without biases and nothing else, named as in Hugging Face's Llama:

    - `q_proj`: width → heads · head_size, where head_size = width / heads
    - `k_proj` and `v_proj`: width → key_value_heads · head_size
    - `o_proj`: heads · head_size → width

    Head h owns the numbers h · head_size … (h + 1) · head_size - 1 of what a projection
    gives. With g = heads / key_value_heads, the query heads 0 … g - 1 use key/value head 0,
    the next g use key/value head 1, and so on.
    """

    def __init__(
        self, width: int, heads: int, key_value_heads: int, base: float = 10_000.0
    ):
        """`width` is a multiple of `heads`, and `heads` one of `key_value_heads`. `base` is
        that of the rotary positions."""
        super().__init__()
        ### BEGIN SOLUTION
        self.head_size = width // heads
        self.group_size = heads // key_value_heads
        self.base = base
        self.q_proj = nn.Linear(width, heads * self.head_size, bias=False)
        self.k_proj = nn.Linear(width, key_value_heads * self.head_size, bias=False)
        self.v_proj = nn.Linear(width, key_value_heads * self.head_size, bias=False)
        self.o_proj = nn.Linear(heads * self.head_size, width, bias=False)
        ### END SOLUTION

    def forward(
        self, x: Float[Tensor, "batch length width"], cache: Cache | None = None
    ) -> Float[Tensor, "batch length width"]:
        """What the tokens `x` take over from one another and from the tokens in `cache`.

        - Queries and keys are rotated, values are not.
        - With a cache, the tokens `x` (one or several) come after those in it: their
          positions go on from `cache.length`, they look at the tokens in the cache too, and
          their own keys (after the rotation) and values are added to it, one for each
          key/value head. Feeding a text piece by piece gives what feeding it at once gives.
        - Without a cache, positions begin at 0, and nothing is remembered from one call to
          the next.
        - Works in the dtype of the weights, and lets gradients through.

        Use your `rotary`, `causal_mask` and `scaled_dot_product_attention`: the pictures
        below watch the last one.
        """
        ### BEGIN SOLUTION
        query, key, value = (
            projection(x).unflatten(-1, (-1, self.head_size)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        length, past = x.shape[1], 0 if cache is None else cache.length
        positions = torch.arange(past, past + length, device=x.device)
        query = rotary(query, positions, self.base)
        key = rotary(key, positions, self.base)
        if cache is not None:
            key, value = cache.extend(key, value)
        key = key.repeat_interleave(self.group_size, dim=1)
        value = value.repeat_interleave(self.group_size, dim=1)
        mask = causal_mask(length, past).to(x.device)
        attended = scaled_dot_product_attention(query, key, value, mask)
        return self.o_proj(attended.transpose(1, 2).flatten(2))
        ### END SOLUTION


# %% check="CausalSelfAttention"

# %% [markdown]
# ## 6 · What a real model looks at
#
# Time for the real thing: **SmolLM2-135M-Instruct**, a chat model with 30 layers of 9 heads. Your class goes into its layers,
# with its published weights. (The first time, 98 MB are fetched; after that, reading takes about 3 seconds.)
#
# The file is in GGUF, the format of llama.cpp, with the weights quantised to about 5 bits. `weight` unpacks one of them. One
# trap, which you now understand: llama.cpp rotates *neighbouring* pairs, so in this file the rows of the query and key
# matrices are in another order. `half_split` puts them back.

# %%
from gguf import GGUFReader, dequantize

from grader.providers import SMOLLM2, fetch

reader = GGUFReader(fetch(SMOLLM2))
stored = {tensor.name: tensor for tensor in reader.tensors}


def weight(name: str, rows: slice | list = slice(None)) -> Tensor:
    """A weight of the model, or some of its rows, in float32."""
    tensor = stored[f"{name}.weight"]
    return torch.tensor(dequantize(tensor.data[rows], tensor.tensor_type))


def half_split(projection: Tensor, heads: int) -> Tensor:
    """The rows of a query or key projection of llama.cpp's, in the order for half-split
    rotary pairs."""
    return projection.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)


def attention_layer(layer: int) -> CausalSelfAttention:
    """Your attention, with the weights of one of the model's layers."""
    attention = CausalSelfAttention(width=576, heads=9, key_value_heads=3, base=100_000.0)
    attention.load_state_dict({
        "q_proj.weight": half_split(weight(f"blk.{layer}.attn_q"), 9),
        "k_proj.weight": half_split(weight(f"blk.{layer}.attn_k"), 3),
        "v_proj.weight": weight(f"blk.{layer}.attn_v"),
        "o_proj.weight": weight(f"blk.{layer}.attn_output"),
    })
    return attention


print(attention_layer(0))

# %% [markdown]
# A model reads tokens, not letters. You will write a tokenizer in its own lesson; this little one, made of the file's
# vocabulary and merges, is enough for plain English. It joins the two neighbours that rank first, again and again.

# %%
import re

vocabulary = reader.fields["tokenizer.ggml.tokens"].contents()
numbers = {token: number for number, token in enumerate(vocabulary)}
merges = reader.fields["tokenizer.ggml.merges"].contents()
ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
WORD = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[a-zA-Z]+| (?=\d)|\d| ?[^\s\w]+")


def tokenize(text: str) -> list[str]:
    """The tokens of plain English text; `Ġ` stands for the space before a word."""
    tokens = []
    for word in WORD.findall(text):
        pieces = list(word.replace(" ", "Ġ"))
        while True:
            pairs = enumerate(zip(pieces, pieces[1:]))
            ranked = [(ranks[pair], i) for i, pair in pairs if pair in ranks]
            if not ranked:
                break
            _, i = min(ranked)
            pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
        tokens += pieces
    return tokens


sentence = "Alice gave the book to Bob, and then Bob gave the book to Alice."
tokens = tokenize(sentence)
print(tokens)

# %% [markdown]
# Between the attention of one layer and that of the next there are a normalisation and a feed-forward network. They are the
# subject of the lesson `model`; here they are given. To *see* the shares, which your class keeps to itself, we use a trick:
# attention over the rows of an identity matrix, as values, gives the shares themselves. So we watch your
# `scaled_dot_product_attention` at work, and ask it once more with other values.

# %%
import time
from unittest.mock import patch


def rms_norm(x: Tensor, scale: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * scale


def feed_forward(x: Tensor, layer: int) -> Tensor:
    gate, up, down = (weight(f"blk.{layer}.ffn_{name}") for name in ("gate", "up", "down"))
    return (nn.functional.silu(x @ gate.T) * (x @ up.T)) @ down.T


def attention_maps(
    tokens: list[str], layers: int
) -> Float[Tensor, "layers heads length length"]:
    """What the heads in the first layers of the model look at, as computed by your code."""
    maps, attend = [], scaled_dot_product_attention

    def watched(query, key, value, mask=None):
        rows_of_identity = torch.eye(key.shape[-2]).expand(*key.shape[:-1], -1)
        shares = attend(query, key, rows_of_identity, mask)
        maps.append(shares.reshape(-1, len(tokens), len(tokens)))
        return attend(query, key, value, mask)

    x = weight("token_embd", [numbers[token] for token in tokens])[None]
    with torch.no_grad(), patch.dict(globals(), scaled_dot_product_attention=watched):
        for layer in range(layers):
            x = x + attention_layer(layer)(rms_norm(x, weight(f"blk.{layer}.attn_norm")))
            x = x + feed_forward(rms_norm(x, weight(f"blk.{layer}.ffn_norm")), layer)
    if not maps:
        raise RuntimeError("Your class does not call `scaled_dot_product_attention`.")
    return torch.cat(maps).unflatten(0, (layers, -1))


started = time.perf_counter()
maps = attention_maps(tokens, layers=19)
seconds = time.perf_counter() - started
print(f"{len(maps)} layers with {maps.shape[1]} heads in {seconds:.1f} s")

# %% [markdown]
# That takes one to a few seconds, most of it for unpacking weights. Nineteen layers of nine heads are 171 maps, too many to look at. So let us search: which heads
# give most of their attention to the token *just before*? Which to the *first* token?

# %%
previous = maps.diagonal(offset=-1, dim1=-2, dim2=-1).mean(-1)
first = maps[:, :, 2:, 0].mean(-1)
figure, axes = plt.subplots(2, 1, figsize=(9, 5), layout="constrained")
for axis, shares in zip(axes, (previous, first)):
    image = axis.imshow(shares.T, cmap="magma", vmin=0, vmax=1, aspect="auto")
    axis.set(xlabel="layer", ylabel="head", xticks=range(19), yticks=range(9))
axes[0].set_title("mean share that goes to the token just before")
axes[1].set_title("mean share that goes to the first token")
figure.colorbar(image, ax=axes, shrink=0.8)
plt.show()

# %% [markdown]
# *Two grids, 19 layers by 9 heads. Above, a few bright spots: heads for the token just before, the brightest at layer 16,
# head 0. Below, from layer 3 to 9 and again from layer 12 on, most heads are bright: they look at the first token.*
#
# Four of the 171, each with a job that you can read off its picture:

# %%
chosen = {
    (16, 0): "layer 16, head 0: the token just before",
    (8, 1): "layer 8, head 1: the same word, earlier",
    (17, 5): "layer 17, head 5: what came next, last time",
    (18, 8): "layer 18, head 8: the first token",
}
labels = [token.replace("Ġ", " ") for token in tokens]
figure, axes = plt.subplots(2, 2, figsize=(9.5, 9.5), layout="constrained")
for axis, ((layer, head), title) in zip(axes.flat, chosen.items()):
    axis.imshow(maps[layer, head], cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set(title=title, xlabel="looked at", ylabel="looks")
plt.show()

# %% [markdown]
# *Four attention maps of the sentence about Alice and Bob; rows look, columns are looked at, dark means a large share. The
# upper right triangle is empty in all of them: your mask at work. If yours are pale and show no pattern, a check above
# does not hold yet.*
#
# - **Layer 16, head 0** is a *previous-token head*: a dark line just below the diagonal. It tells each token what came
#   before it. Without rotary positions it could not exist.
# - **Layer 8, head 1** finds *the same word, earlier*: the second "Bob", "gave" and "book" look at the first ones. A word that
#   is new has nothing to find, and its row rests on the first token.
# - **Layer 17, head 5** is an *induction head* ([Olsson et al. 2022](https://arxiv.org/abs/2209.11895)). The second "gave" looks at the
#   first "the", the second "the" at the first "book": at **what followed last time**. That is how a model goes on with a
#   pattern that it has seen only once, in the prompt. For that it must know of each token
#   what came *before* it, and that is what previous-token heads in earlier layers, like the one above, are good for.
# - **Layer 18, head 8** gives everything to the first token: an *attention sink* ([Xiao et al. 2023](https://arxiv.org/abs/2309.17453)).
#   Shares must sum to one, so a head with nothing to say parks them where they do no harm. Throw the first token out of a
#   long cache to save memory, and a model breaks down: this is why.
#
# Put in a sentence of your own above (one that repeats itself is best), and run the last cells again. Do the four heads
# still do their jobs?
#
# Your attention is complete, and it is the real one. In the lesson `model` it gets its surroundings.
