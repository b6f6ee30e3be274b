# ---
# title: The model
# minutes: 90            # what a learner needs
# seconds: 90
# difficulty: medium
# ---

# %% [markdown]
# Attention lets tokens talk to one another. Around it stand a few more parts, each only a few lines long: a norm, a small
# network that thinks about each token by itself, a sum that lets the layers work together, a table of vectors at the
# bottom and a list of scores at the top. **In this lesson you write all of them, and have a complete language model**, of
# the same build as Llama, Mistral and SmolLM2. At the end you put the published weights of a real model into it, and
# watch layer by layer how it makes up its mind.
#
# At the end you will be able to
# - write a transformer from memory, and say of each line what breaks without it;
# - start it well: a model that begins wrong wastes hours of training on getting back to zero;
# - say what a model costs (parameters, memory, operations) before anybody builds it;
# - load published weights, and refuse those that do not fit.
#
# Why the job needs it: you will be asked "does it fit on this card?", "how long will training take?" and "why does the
# fine-tuned model talk nonsense since Tuesday?". The first two are arithmetic, which you will do here to the last digit.
# The third is often a tensor that was silently not loaded.
#
# Everything runs on two CPU cores in under a minute. Attention comes from the lesson before, so nothing here depends on
# what you answered there.

# %% setup
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grader import lesson
from taught.attention import Cache, CausalSelfAttention, at_least_float32

check = lesson("model")


@dataclass(frozen=True)
class Config:
    """What a model looks like, in ten values."""

    vocabulary: int  # how many different tokens there are
    width: int  # how many numbers stand for a token inside the model
    layers: int  # how many blocks come one after the other
    heads: int  # query heads in a block; `width` is a multiple of it
    key_value_heads: int  # key/value heads in a block; `heads` is a multiple of it
    hidden: int  # how wide the feed-forward network is inside
    context: int  # the longest text that the model is trained on; no weight depends on it
    base: float = 10_000.0  # of the rotary positions
    epsilon: float = 1e-5  # of the norms
    tied: bool = True  # whether the embeddings are the output layer's weights, too


# %% [markdown]
# The cell above has the description of a model, `Config`, and brings from the lesson `attention`: `CausalSelfAttention`, its
# `Cache`, and the small helper `at_least_float32` (which leaves float64 alone, and makes float32 of half precision).
#
# ## 1 · RMSNorm: keep the direction, set the length
#
# Through a transformer runs a **stream**: one vector for each token, to which every layer adds something. Nothing keeps it
# small. In the model that you will load at the end, its numbers are around 0.1 at the bottom, around 30 at the top, and
# at the first token around 900. A layer that had to cope with all of these sizes would learn badly. So before each layer
# reads the stream, its vectors are brought to one size:
#
# $$\text{RMSNorm}(x) = w \cdot \frac{x}{\sqrt{\frac{1}{n}\sum_i x_i^2 + \epsilon}}$$
#
# The root of the mean of the squares (RMS) becomes 1, then each of the $n$ numbers gets a learnt scale $w_i$. For instance
# (3, 4, 0, 0): the mean of the squares is 25 / 4, its root 2.5, so we get (1.2, 1.6, 0, 0), times $w$.
#
# The older LayerNorm subtracts the mean first, and adds a bias at the end. Zhang and Sennrich
# ([2019](https://arxiv.org/abs/1910.07467)) asked whether that is needed. It is not, and RMSNorm is cheaper. In two dimensions
# one can see how much they differ:

# %%
import matplotlib.pyplot as plt

generator = torch.Generator().manual_seed(0)
points = torch.randn(150, 2, generator=generator) * torch.tensor([1.0, 0.6]) + 0.3
results = {
    "150 vectors": points,
    "after RMSNorm": nn.functional.rms_norm(points, (2,)),
    "after LayerNorm": nn.functional.layer_norm(points, (2,)),
}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.1), sharex=True, sharey=True, layout="constrained")
colours = torch.atan2(points[:, 1], points[:, 0])
for axis, (title, vectors) in zip(axes, results.items()):
    axis.scatter(*vectors.T, c=colours, cmap="twilight", s=14)
    axis.axhline(0, color="0.85", zorder=0)
    axis.axvline(0, color="0.85", zorder=0)
    axis.set(title=title, aspect="equal", xlim=(-2.5, 2.5), ylim=(-2.5, 2.5))
plt.show()

# %% [markdown]
# *150 vectors of two numbers, coloured by direction. RMSNorm moves each along its own ray onto a circle: only its length is
# lost. LayerNorm takes away the mean too, so with two numbers hardly more is left than which one was larger: two points. (The few
# beside them are vectors of two nearly equal numbers, where epsilon shows.)*
#
# Three details decide whether published weights give published results:
# - **Epsilon stands inside the root**, where it keeps a vector of zeros from becoming 0 / 0. Outside, it does that too, but
#   small vectors come out at another length.
# - **Half precision must not square.** In float16 everything above 65,504 is infinite, so a 300 in the stream becomes
#   `inf` when squared. The mean and the root are computed in float32.
# - **When is it rounded back?** Llama's code on Hugging Face goes back to half precision *before* the scale $w$.

# %% exercise="RMSNorm"
class RMSNorm(nn.Module):
    """Root mean square normalisation (Zhang & Sennrich 2019, arXiv 1910.07467), as in Llama.

    Its only parameter, and all of its `state_dict`, is `weight`: one number for each of the
    `width` components of a vector, all 1 to begin with.
    """

    def __init__(self, width: int, epsilon: float = 1e-5):
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """For each vector in `x`, weight * x / sqrt(mean of its squares + epsilon).

        - `*batch` stands for any number of leading dimensions, also none. Each vector (the
          last dimension) is treated by itself. No mean is subtracted.
        - x / sqrt(...) is computed in float32 at least (float64 stays float64), rounded to
          the dtype of `x`, and only then multiplied by `weight`. So where weight and `x`
          have one dtype, the result has it too.
        - Leaves `x` as it was, and lets gradients through, also to `weight`.
        """
        ### BEGIN SOLUTION
        wide = at_least_float32(x)
        mean_square = wide.square().mean(-1, keepdim=True)
        normal = wide * torch.rsqrt(mean_square + self.epsilon)
        return self.weight * normal.to(x.dtype)
        ### END SOLUTION


# %% check="RMSNorm"

# %% [markdown]
# ## 2 · SwiGLU: thinking about one token at a time
#
# In attention, tokens exchange what they know. In the **feed-forward network** each token works on that alone. Most of a
# model's weights are here, and with them much of what it knows: facts such as "Paris is the capital of France" have been
# found, and changed, in these matrices ([Meng et al. 2022](https://arxiv.org/abs/2202.05262)).
#
# The classic network has two matrices with ReLU or GELU between them. Shazeer ([2020](https://arxiv.org/abs/2002.05202)) tried a
# third one, a **gate**: one matrix computes what could be said (`up`), another how far each of these numbers is let
# through (`gate`), and the third brings the result back to the width of the stream (`down`):
#
# $$\text{SwiGLU}(x) = W_\text{down}\big(\text{SiLU}(W_\text{gate}\,x) \odot W_\text{up}\,x\big) \qquad \text{SiLU}(z) = z \cdot \frac{1}{1 + e^{-z}}$$
#
# $\odot$ multiplies number by number. Why does it work better? Shazeer's paper ends: "We offer no explanation as to why these
# architectures seem to work; we attribute their success, as all else, to divine benevolence."

# %%
z = torch.linspace(-4, 4, 200)
figure, axes = plt.subplots(1, 2, figsize=(9, 2.9), layout="constrained")
for activation in (nn.ReLU(), nn.GELU(), nn.SiLU()):
    axes[0].plot(z, activation(z), label=type(activation).__name__)
for up in (2, 1, 0, -1):
    axes[1].plot(z, nn.functional.silu(z) * up, label=f"up = {up}")
axes[0].set(xlabel="z", title="three activations")
axes[1].set(xlabel="gate", title="SiLU(gate) · up", ylim=(-4, 8))
for axis in axes:
    axis.grid(alpha=0.3)
    axis.legend()
plt.show()

# %% [markdown]
# *Left: ReLU has a kink, GELU and SiLU are smooth and dip a little below zero; they differ by up to 0.2. Right: the gate
# decides how much of `up` comes through, hardly anything when it is far below zero. `up` enters linearly, the gate does not.*

# %% exercise="SwiGLU"
class SwiGLU(nn.Module):
    """The feed-forward network of Llama: down(SiLU(gate(x)) * up(x)) (Shazeer 2020, arXiv
    2002.05202; SiLU(z) = z / (1 + exp(-z))).

    Its `state_dict` holds the weights of three linear layers without biases and nothing
    else: `gate_proj` and `up_proj` (width → hidden) and `down_proj` (hidden → width).
    """

    def __init__(self, width: int, hidden: int):
        super().__init__()
        ### BEGIN SOLUTION
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Each vector in `x` sent through the network by itself.

        - Example: with width 1, hidden 1 and all three weights 1, 2 becomes
          2 · SiLU(2) = 2 · 1.7616 = 3.5232.
        - Works in the dtype of the weights, leaves `x` as it was, and lets gradients through.
        """
        ### BEGIN SOLUTION
        return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))
        ### END SOLUTION


# %% check="SwiGLU"

# %% [markdown]
# ## 3 · The block: read, think, add
#
# Now the two halves are put together, and the way they are is half of the success of transformers. Each half **reads the
# stream through a norm, and adds what it found back to the stream**:
#
# ```
# pre-norm: ours
#
#   ──┬────────────────────────► + ──┬─────────────────────► + ──►
#     └─► norm ──► attention ────┘   └─► norm ──► SwiGLU ────┘
#
# post-norm: the transformer of 2017
#
#   ──┬───────────────► + ──► norm ──┬────────────► + ──► norm ──►
#     └─► attention ────┘            └─► SwiGLU ────┘
# ```
#
# *Two blocks; the stream runs from left to right. In ours the norms lie on the detours, and the stream itself passes untouched.
# In the older one they lie on the stream.*
#
# The stream is read from, and added to; never replaced, never rescaled. This is why fifty layers on top of each other can
# learn at all, as you will see in a moment.

# %% exercise="Block"
class Block(nn.Module):
    """One layer of a Llama (Touvron et al. 2023, arXiv 2302.13971): attention, then the
    feed-forward network, each of them pre-norm and with a residual connection.

    Its parts, with the names of Hugging Face's Llama:

    - `input_layernorm`, a RMSNorm, and `self_attn`, a CausalSelfAttention
    - `post_attention_layernorm`, a RMSNorm of its own, and `mlp`, a SwiGLU

    All of them are made as `config` says: see `Config` for what it has, and the first lines
    of the parts for what they need.
    """

    def __init__(self, config: Config):
        super().__init__()
        ### BEGIN SOLUTION
        self.input_layernorm = RMSNorm(config.width, config.epsilon)
        self.self_attn = CausalSelfAttention(
            config.width, config.heads, config.key_value_heads, config.base
        )
        self.post_attention_layernorm = RMSNorm(config.width, config.epsilon)
        self.mlp = SwiGLU(config.width, config.hidden)
        ### END SOLUTION

    def forward(
        self, x: Float[Tensor, "batch length width"], cache: Cache | None = None
    ) -> Float[Tensor, "batch length width"]:
        """The stream `x` after this layer.

        - Attention reads the norm of `x`; what it gives is added to `x` itself.
        - The feed-forward network reads the norm of that sum, and is added to that sum.
        - `cache`, if there is one, is the attention's: with it, a text fed piece by piece
          gives what feeding it at once gives.
        - Leaves `x` as it was, and lets gradients through.
        """
        ### BEGIN SOLUTION
        x = x + self.self_attn(self.input_layernorm(x), cache)
        return x + self.mlp(self.post_attention_layernorm(x))
        ### END SOLUTION


# %% check="Block"

# %% [markdown]
# Try what the residual connections and the place of the norm are good for. We stack 48 of *your* blocks, once as they are, once
# with the norms on the stream, once without the residual connections, with random weights of ordinary size. Then we send a
# gradient down from the top, as training does, and see how much of it arrives.

# %%
small = Config(256, width=64, layers=48, heads=4, key_value_heads=2, hidden=176, context=64)


def post_norm(block: Block, x: Tensor) -> Tensor:
    x = block.input_layernorm(x + block.self_attn(x))
    return block.post_attention_layernorm(x + block.mlp(x))


def without_residuals(block: Block, x: Tensor) -> Tensor:
    return block.mlp(block.post_attention_layernorm(block.self_attn(block.input_layernorm(x))))


def gradient_sizes(apply) -> list[float]:
    """How large the gradient is before and after each of 48 blocks, compared to the top."""
    generator = torch.Generator().manual_seed(0)
    stream = [torch.randn(4, 32, 64, generator=generator, requires_grad=True)]
    for _ in range(small.layers):
        block = Block(small)
        for weight in block.parameters():
            if weight.dim() == 2:  # mean square 1 in, about mean square 1 out
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5, generator=generator)
        stream.append(apply(block, stream[-1]))
        stream[-1].retain_grad()
    (stream[-1] * torch.randn(4, 32, 64, generator=generator)).sum().backward()
    return [float(x.grad.norm() / stream[-1].grad.norm()) for x in stream]


figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
axis.semilogy(gradient_sizes(Block.__call__), label="your block", lw=2)
axis.semilogy(gradient_sizes(post_norm), label="post-norm", lw=2)
axis.semilogy(gradient_sizes(without_residuals), label="no residuals", lw=2)
axis.set(xlabel="after this layer (48: the top, where the loss is)", ylabel="size of the gradient")
axis.grid(alpha=0.3)
axis.legend()
plt.show()

# %% [markdown]
# *The size of the gradient on its way down from the top (right) to the bottom (left), on a logarithmic scale. Your block: 15 times
# larger at the bottom, most of that in the lowest few layers. Post-norm: 200 times, nearly on a straight line, so each layer
# multiplies it by the same factor. No residual connections: half a million times.*
#
# A factor for each layer is what one wants to be rid of: with twice the depth it is squared. Whether it lies above 1, as here, or
# below (then the gradient vanishes) depends on the weights, and it is not stable either way.

# %% [markdown] written="why_pre_norm" points=3
# **Why does the gradient pass 48 of your blocks so calmly, and not the other two stacks?** Explain the three curves to a
# colleague who knows the chain rule. (3 points: one for what the derivative of `x + f(x)` is, and what that means over many
# layers; one for what happens without residual connections; one for what a norm on the stream does to the direct way.)
#
# ### BEGIN SOLUTION
# The derivative of x + f(x) is 1 + f'(x): whatever f does, the gradient at the output arrives at the input as it is, plus
# something. Over 48 layers the product (1 + f1')(1 + f2')… contains the term 1: a direct way from the loss to each layer, on
# which nothing is multiplied. In a pre-norm block the norm is a part of f, so it is not on that way. Moreover it divides by the
# size of the stream, which grows as layers add to it; so f' gets smaller the higher the layer, and the product grows slowly.
#
# Without residual connections the gradient is the product of f' alone, 96 factors one after the other. If they are typically
# a bit larger than 1, the product explodes, if smaller, it vanishes: exponentially with depth, a straight line in the plot.
#
# With post-norm the sum is normalised, so the direct way leads through a norm in each half-layer, and is rescaled there: it
# is a product of 96 factors again. They are nearer to 1 than without residual connections, as the sum still contains x, but
# the line is straight all the same. (That is why such models need a careful warm-up: Xiong et al. 2020, arXiv 2002.04745.)
#
# Rubric: (1) derivative 1 + f', hence an additive identity path through all layers. (2) A product of many factors, exponential
# in the depth, either way. (3) The norm rescales the identity path itself, again and again. Half a point off for "gradients
# vanish" or "explode" without the reason. That f' shrinks as the stream grows is more than is asked for.
# ### END SOLUTION

# %% [markdown]
# ## 4 · The language model: from tokens to scores
#
# Everything is there now. A model is a table of vectors at the bottom (**embeddings**: one row for each token of the
# vocabulary), the blocks, a last norm, and at the top a matrix that gives each token of the vocabulary a score, its
# **logit**: how likely it comes next.
#
# | what | name of the weight | shape for SmolLM2-135M |
# |---|---|---|
# | embeddings | `embed_tokens.weight` | 49,152 × 576 |
# | 30 blocks | `layers.0.input_layernorm.weight` … `layers.29.mlp.down_proj.weight` | |
# | last norm | `norm.weight` | 576 |
# | output layer | `lm_head.weight` | 49,152 × 576 |
#
# The first and the last matrix have the same shape, and nearly the same job: one row for each token. Press and Wolf
# ([2017](https://arxiv.org/abs/1608.05859)) made them **one and the same**: *tied embeddings*. That saves 28 million of what
# would be 163 million weights, and small models become better by it. Large ones can afford two. The same means: one
# `Parameter` under two names. Two equal copies drift apart at the first step of training.
#
# Why the last norm? Because in a pre-norm model nothing else bounds the stream, and the top of it goes to the output layer.
#
# **Caches.** When the model writes, each layer keeps the keys and values of *its own* attention. So there is a list of
# caches, one for each layer.

# %% exercise="LanguageModel"
class LanguageModel(nn.Module):
    """A language model of Llama's build (Touvron et al. 2023, arXiv 2302.13971).

    Its parts, with the names of Hugging Face's Llama (without the leading `model.`):

    - `embed_tokens`, a nn.Embedding with a row of `width` numbers for each token
    - `layers`, a nn.ModuleList of `config.layers` Blocks, each with weights of its own
    - `norm`, a RMSNorm with the config's epsilon
    - `lm_head`, a nn.Linear without bias that gives a score for each token

    If `config.tied`, `lm_head.weight` is the very same Parameter as `embed_tokens.weight`
    (Press & Wolf 2017, arXiv 1608.05859); otherwise they are two. The `state_dict` has both
    names in either case.
    """

    def __init__(self, config: Config):
        """Keeps `config` as the attribute `config`."""
        super().__init__()
        ### BEGIN SOLUTION
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width, config.epsilon)
        self.lm_head = nn.Linear(config.width, config.vocabulary, bias=False)
        if config.tied:
            self.lm_head.weight = self.embed_tokens.weight
        ### END SOLUTION

    def forward(
        self, tokens: Int[Tensor, "batch length"], caches: list[Cache] | None = None
    ) -> Float[Tensor, "batch length vocabulary"]:
        """For each token of `tokens`, the logits of the token that comes after it.

        - The tokens' embeddings, as they are, go through all layers in order, then through
          the norm, then through `lm_head`. Logits are any numbers: no softmax.
        - `caches`, if given, has one cache for each layer, in the order of the layers. With
          them, a text fed piece by piece gives what feeding it at once gives.
        - Works in the dtype of the weights, and lets gradients through to all of them.
        """
        ### BEGIN SOLUTION
        if caches is None:
            caches = [None] * len(self.layers)
        x = self.embed_tokens(tokens)
        for layer, cache in zip(self.layers, caches, strict=True):
            x = layer(x, cache)
        return self.lm_head(self.norm(x))
        ### END SOLUTION


# %% check="LanguageModel"

# %% [markdown]
# ## 5 · A good start
#
# What should a model say that knows nothing? That all tokens are equally likely. Its loss, minus the logarithm of the
# probability that it gave to the right token, is then ln(vocabulary): 8.3 for 4,096 tokens. Ask one of yours, fresh from
# PyTorch's factory:

# %%
def first_loss(model: LanguageModel) -> float:
    """The loss of `model` on random tokens, in nats a token."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, model.config.vocabulary, (8, 65), generator=generator)
    with torch.no_grad():
        logits = model(tokens[:, :-1])
    return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).item()


torch.manual_seed(0)
fresh = Config(4096, width=128, layers=8, heads=4, key_value_heads=2, hidden=344, context=64)
loss = first_loss(LanguageModel(fresh))
print(f"The loss of a fresh model: {loss:.1f}, of one that knows nothing: {math.log(4096):.1f}")

# %% [markdown]
# It is far worse than knowing nothing: it is *sure of the wrong thing*. `nn.Embedding` draws its weights with standard
# deviation 1, and since they serve as output layer too, each token mostly predicts itself, with a logit of about 100. The
# first part of training would go into unlearning that.
#
# GPT-2's recipe ([Radford et al. 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf),
# section 2.3, and its code) is short, and still used: all matrices are drawn from a normal distribution
# with standard deviation **0.02**. And since each of the $2 \cdot \text{layers}$ detours *adds* to the stream, and
# variances of independent terms add up, the last matrix of each detour (`o_proj` of attention, `down_proj` of the
# feed-forward network) gets $0.02 / \sqrt{2 \cdot \text{layers}}$: then the sum of all detours has the same size, however
# deep the model is.
#
# All random numbers come from a generator that is handed in. So the same seed gives the same model, whatever else in your
# program draws random numbers: without it, no experiment can be repeated.

# %% exercise="initialise"
def initialise(model: LanguageModel, generator: torch.Generator) -> None:
    """Gives `model` the random weights with which training begins, as in GPT-2 (Radford et
    al. 2019), whatever its weights were before.

    - The weights of the norms become 1.
    - All other weights are independent draws from a normal distribution with mean 0. Its
      standard deviation is 0.02 / sqrt(2 * layers) for the weights that write to the stream
      (`o_proj` and `down_proj` of each block), and 0.02 for all others (`embed_tokens` and
      `lm_head`, too).
    - Randomness comes from `generator` alone: a generator in the same state gives the same
      weights. The next model drawn from it gets others. PyTorch's global generator is left
      as it was.
    - Weights are changed in place. They stay the same Parameters, tied ones stay tied.
    """
    ### BEGIN SOLUTION
    writers = ("o_proj.weight", "down_proj.weight")
    for name, weight in model.named_parameters():
        if weight.dim() == 1:
            nn.init.ones_(weight)
        else:
            parts = 2 * model.config.layers if name.endswith(writers) else 1
            nn.init.normal_(weight, std=0.02 / math.sqrt(parts), generator=generator)
    ### END SOLUTION


# %% check="initialise"

# %%
shallow = LanguageModel(fresh)
initialise(shallow, torch.Generator().manual_seed(0))
loss = first_loss(shallow)
print(f"The same model, started well: {loss:.2f}, one that knows nothing: {math.log(4096):.2f}")

# %% [markdown]
# 117 has become 8.33: it knows nothing, and knows it. Now look at what the recipe does for the stream. Your function draws a
# model of 64 layers; then we undo the scaling of the matrices that write to the stream, and look again.

# %%
deep = Config(256, width=128, layers=64, heads=4, key_value_heads=2, hidden=344, context=64)
model = LanguageModel(deep)
initialise(model, torch.Generator().manual_seed(0))


def stream_sizes(model: LanguageModel) -> list[float]:
    """The root mean square of the stream, before the first block and after each."""
    with torch.no_grad():
        x = model.embed_tokens(torch.arange(256).view(4, 64))
        sizes = [x.square().mean().sqrt().item()]
        for layer in model.layers:
            x = layer(x)
            sizes.append(x.square().mean().sqrt().item())
    return sizes


figure, axis = plt.subplots(figsize=(9, 2.8), layout="constrained")
axis.plot(stream_sizes(model), lw=2, label="as you drew it")
with torch.no_grad():
    for name, weight in model.named_parameters():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            weight *= math.sqrt(2 * deep.layers)
axis.plot(stream_sizes(model), lw=2, label="without the scaling")
axis.set(xlabel="after this layer", ylabel="root mean square", ylim=(0, None))
axis.grid(alpha=0.3)
axis.legend()
plt.show()

# %% [markdown]
# *The size of the stream in a model of 64 layers before training. As you drew it, it goes from 0.020 to 0.027. Without the
# scaling it grows to 0.4, twenty times what the embeddings put in: which token it was is drowned in noise.*
#
# ## 6 · How large is it?
#
# "135M", "8B": the number of parameters decides the memory (2 bytes each in bfloat16, 4 in float32, and in training with AdamW
# 12 more for gradient and optimiser), and most of the costs. You need no machine to find it: it follows from the config. You wrote
# all the parts, so you know all the shapes.

# %% exercise="count_parameters"
def count_parameters(config: Config) -> int:
    """The number of parameters of `LanguageModel(config)`: how many numbers its weights hold
    together, norms included. A tied weight counts once.

    An int, and exact. From the config alone, without memory for the weights: it must work
    for a model of 400 billion, too.
    """
    ### BEGIN SOLUTION
    head_size = config.width // config.heads
    attention = 2 * config.width**2 + 2 * config.width * config.key_value_heads * head_size
    feed_forward = 3 * config.width * config.hidden
    block = attention + feed_forward + 2 * config.width
    tables = 1 if config.tied else 2
    return config.layers * block + config.width + tables * config.vocabulary * config.width
    ### END SOLUTION


# %% check="count_parameters"

# %% [markdown]
# Your function knows the published numbers. Where do the parameters sit, in models that you have heard of?

# %%
models = {
    "SmolLM2-135M": Config(49_152, 576, 30, 9, 3, 1536, 8192, 100_000.0),
    "SmolLM2-1.7B": Config(49_152, 2048, 24, 32, 32, 8192, 8192, 130_000.0),
    "Llama 2 7B": Config(32_000, 4096, 32, 32, 32, 11_008, 4096, tied=False),
    "Llama 3 8B": Config(128_256, 4096, 32, 32, 8, 14_336, 8192, 500_000.0, tied=False),
    "Llama 3 70B": Config(128_256, 8192, 80, 64, 8, 28_672, 8192, 500_000.0, tied=False),
}
figure, axis = plt.subplots(figsize=(9, 2.8), layout="constrained")
for row, (name, config) in enumerate(models.items()):
    total = count_parameters(config)
    feed_forward = config.layers * 3 * config.width * config.hidden
    tables = (1 if config.tied else 2) * config.vocabulary * config.width
    parts = {
        "embeddings, output": tables,
        "attention": total - tables - feed_forward,
        "feed-forward": feed_forward,
    }
    start = 0.0
    for colour, (part, count) in enumerate(parts.items()):
        label = part if row == 0 else None
        axis.barh(row, count / total, left=start, color=f"C{colour}", label=label)
        start += count / total
    print(f"{name:13} {total:15,} parameters, {2 * total / 1e9:6.1f} GB in bfloat16")
axis.set_yticks(range(len(models)), models)
axis.invert_yaxis()
axis.set(xlabel="share of the parameters", xlim=(0, 1))
axis.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
plt.show()

# %% [markdown]
# *Five models, one bar each. In the smallest, the table of tokens takes a fifth although it is tied; in the largest, next to
# nothing although it is there twice. Six to eight tenths of each model are feed-forward.* (The thin slice of the norms is
# counted with attention.)
#
# ## 7 · What does a token cost?
#
# Time and money follow from the number of **operations** (FLOPs: floating-point operations). Almost all are in matrix
# multiplications. Where an (m × n) matrix meets an (n × k) one, m · n · k pairs of numbers are multiplied and added up:
# **2 · m · n · k** operations.
#
# - A *linear layer* meets each token once: 2 operations for each of its weights.
# - *Attention* has two more multiplications, which involve no weights, and grow with the text: each query meets the keys of all
#   tokens, and the shares meet their values.
# - In *training*, each multiplication is followed by two more of the same size on the way back: one for the gradient of its
#   left matrix, one for that of its right one.
#
# Hence the most quoted rule of the trade: **6 operations for each parameter and token** of training (2 forward, 4 backward;
# [Kaplan et al. 2020](https://arxiv.org/abs/2001.08361), [Hoffmann et al. 2022](https://arxiv.org/abs/2203.15556)). It leaves out
# attention's own part. We want the exact number.
#
# Careful where parameters and work part: looking up an embedding multiplies nothing, but the output layer does work, tied or
# not. And key/value heads that are shared save weights and memory; do they save scores?

# %% exercise="count_flops"
def count_flops(config: Config, length: int, training: bool = False) -> int:
    """The floating-point operations that `LanguageModel(config)` spends on each token of a
    text of `length` tokens that goes through it at once.

    Counted are the matrix multiplications, with 2 · m · n · k operations for (m × n) times
    (n × k): those of the linear layers, `lm_head` included, and in attention those of
    queries with keys and of shares with values. In these, each query head meets all
    `length` tokens, for that is what PyTorch computes: the mask hides some of it afterwards.
    Not counted is everything else: embedding, norms, rotary positions, softmax, SiLU, sums.

    With `training`, the backward pass is added: two multiplications of the same size for
    each one forward (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).

    An int, and exact; for each token, so a text costs `length` times as much. Example: a
    SmolLM2-135M spends 339,738,624 operations on each token of a text of 1,024.
    """
    ### BEGIN SOLUTION
    head_size = config.width // config.heads
    attention = 2 * config.width**2 + 2 * config.width * config.key_value_heads * head_size
    feed_forward = 3 * config.width * config.hidden
    weights = config.layers * (attention + feed_forward) + config.vocabulary * config.width
    scores_and_mixtures = config.layers * 2 * length * config.width
    return 2 * (weights + scores_and_mixtures) * (3 if training else 1)
    ### END SOLUTION


# %% check="count_flops"

# %% [markdown]
# Is it true? PyTorch can count the multiplications that really happen. It watches *your* model at work, forwards and backwards:

# %%
from torch.utils.flop_counter import FlopCounterMode

length = 50
with FlopCounterMode(display=False) as forward:
    logits = shallow(torch.zeros(1, length, dtype=torch.int64))
with FlopCounterMode(display=False) as backward:
    logits.sum().backward()
forwards, backwards = forward.get_total_flops(), backward.get_total_flops()
print(f"forward:  counted {forwards:11,}, yours {length * count_flops(fresh, length):11,}")
both = length * count_flops(fresh, length, training=True)
print(f"training: counted {forwards + backwards:11,}, yours {both:11,}")

# %% [markdown]
# The counts agree to the last operation. Now the question that decides about long texts: when does attention's own part, which
# grows with the text, become the larger one?

# %%
lengths = [2**i for i in range(7, 19)]
figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
for name in ("SmolLM2-135M", "Llama 3 8B", "Llama 3 70B"):
    matrices = count_flops(models[name], 0)
    shares = [1 - matrices / count_flops(models[name], length) for length in lengths]
    axis.semilogx(lengths, shares, marker=".", base=2, label=name)
axis.axhline(0.5, color="0.6", lw=1)
axis.set(xlabel="tokens in the text", ylabel="attention's own share", ylim=(0, 1))
axis.legend()
plt.show()

smol = models["SmolLM2-135M"]
rule, exact = 6 * count_parameters(smol), count_flops(smol, 2048, training=True)
print("SmolLM2-135M, operations for each token of training, on texts of 2,048:")
print(f"rule of six {rule:.2e}, exact {exact:.2e}")
days = exact * 2e12 / 400e12 / 86_400
print(f"Two trillion tokens at 400 trillion operations a second, one large GPU: {days:.0f} days")

# %% [markdown]
# *Attention's own share of the operations, against the length of the text. The wider the model, the longer it stays small: it is
# half of the work at 4,000 tokens in the smallest of the three, at 28,000 and 52,000 in the others.*
#
# So the rule of six is fine for large models and short texts. For this small one, on texts of 2,048, it misses a third of the work.
# And you see why nobody trains even a "small" model on a laptop: two cores manage about 0.1 trillion operations a second,
# not 400. (Yours, in the lesson `training`, will be far smaller.)
#
# ## 8 · Loading weights, and refusing them
#
# Weights come as a dictionary: names and tensors. What could go wrong? A name is missing, and its layer stays random. A bias comes
# along that our model has no place for (Qwen2 has them), and is dropped. A tensor of shape (1,) is copied into 576
# places, for PyTorch is so kind as to broadcast it. **None of this crashes; all of it talks nonsense.** So a good loader is
# strict, and says everything that it found at once.
#
# It must know two customs. On Hugging Face most names begin with `model.` (all but that of the output layer). And files of tied models
# have no `lm_head.weight`, since it would be the same again.

# %% exercise="load"
def load(model: LanguageModel, weights: dict[str, Tensor]) -> None:
    """Copies `weights` into `model`, or refuses them and says why.

    - The names are those of the model's `state_dict`. A leading `model.`, as in the files of
      Hugging Face, does not count: `model.norm.weight` is `norm.weight`.
    - For a tied model, `lm_head.weight` may be missing. If it is there, it must be equal to
      `embed_tokens.weight`.
    - The numbers are copied into the Parameters that the model has, and converted to their
      dtype. So tied weights stay tied, and an optimiser that knows the Parameters sees the
      new numbers. `weights` stays as it was, and what happens to it later does not matter.
    - Raises ValueError if the weights do not fit. Its message has the name of every weight
      that is missing, of every one that the model has no place for, of every one whose
      shape is not that of the model's, and of an `lm_head.weight` that breaks a tie (there,
      `embed_tokens.weight` may be named along with it); and it names no others. The model is
      unchanged then.
    """
    ### BEGIN SOLUTION
    given = {name.removeprefix("model."): weight for name, weight in weights.items()}
    wanted = dict(model.named_parameters())  # has a tied weight once, under its first name
    problems = []
    if model.config.tied and "lm_head.weight" in given:
        head = given.pop("lm_head.weight")
        if not torch.equal(head, given.get("embed_tokens.weight", head)):
            problems.append("lm_head.weight is not what it is tied to")
    problems += [f"{name} is missing" for name in wanted if name not in given]
    problems += [f"{name} has no place" for name in given if name not in wanted]
    for name, weight in wanted.items():
        if name in given and given[name].shape != weight.shape:
            shapes = f"{tuple(given[name].shape)}, not {tuple(weight.shape)}"
            problems.append(f"{name} has the shape {shapes}")
    if problems:
        raise ValueError("These weights do not fit: " + "; ".join(problems))
    with torch.no_grad():
        for name, weight in wanted.items():
            weight.copy_(given[name])
    ### END SOLUTION


# %% check="load"

# %% [markdown]
# ## 9 · The real weights, in your model
#
# Now for **SmolLM2-135M-Instruct**. The file (98 MB, fetched the first time) is in GGUF, the format of llama.cpp, which gives the
# parts other names, packs the numbers into about 5 bits, and has the rows of queries and keys in another order, as you saw in
# the lesson `attention`. This cell unpacks it, and gives everything the names of Hugging Face; that takes about 5 seconds.

# %%
from gguf import GGUFReader, dequantize

from grader.providers import SMOLLM2, fetch

reader = GGUFReader(fetch(SMOLLM2))
PARTS = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
weights = {}
for tensor in reader.tensors:
    weight = torch.tensor(dequantize(tensor.data, tensor.tensor_type))
    match tensor.name.split("."):
        case ["token_embd", _]:
            weights["model.embed_tokens.weight"] = weight
        case ["output_norm", _]:
            weights["model.norm.weight"] = weight
        case ["blk", layer, part, _]:
            if part in ("attn_q", "attn_k"):  # to half-split rotary pairs
                weight = weight.unflatten(0, (-1, 32, 2)).transpose(1, 2).flatten(0, 2)
            weights[f"model.layers.{layer}.{PARTS[part]}.weight"] = weight
print(f"{len(weights)} tensors, {sum(weight.numel() for weight in weights.values()):,} numbers")

# %% [markdown]
# Exactly as many as your `count_parameters` said. Before we load them, let us damage them a little. What does your `load` say?

# %%
smol_model = LanguageModel(smol)
damaged = dict(weights)
damaged["model.layers.7.self_attn.q_proj.bias"] = torch.zeros(576)
damaged["model.layers.11.mlp.down_proj.weight"] = weights["model.layers.11.mlp.down_proj.weight"].T
del damaged["model.norm.weight"]
try:
    load(smol_model, damaged)
except ValueError as error:
    print(error)

load(smol_model, weights)
print("The undamaged ones are loaded.")
del weights, damaged

# %% [markdown]
# And now let the model *read*. After each token of a sentence it says what it expects next. We ask that not only at the top,
# but after every layer: the stream has the same width everywhere, so the last norm and the output layer can be applied to it
# at any height. (This is called the *logit lens*, [nostalgebraist
# 2020](https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens).)

# %%
import re

vocabulary = reader.fields["tokenizer.ggml.tokens"].contents()
numbers = {token: number for number, token in enumerate(vocabulary)}
sentence = "The capital of France is Paris, and the capital of Germany is Berlin."

# `Ġ` is the space before a word. This works for words that are one token each, as most short
# words are; the lesson `tokenizer` does it properly.
words = [word.replace(" ", "Ġ") for word in re.findall(r" ?[A-Za-z]+|[.,]", sentence)]
tokens = torch.tensor([[numbers[word] for word in words]])

with torch.no_grad():
    stream = [smol_model.embed_tokens(tokens)]
    for layer in smol_model.layers:
        stream.append(layer(stream[-1]))
    stream = torch.cat(stream)  # (layers + 1, length, width)
    logits = smol_model.lm_head(smol_model.norm(stream))

# What the word that really came next got, at each height. At the top it is the model itself.
came_next = tokens[:, 1:, None].expand(len(stream), -1, -1)
surprise = -logits[:, :-1].log_softmax(-1).gather(-1, came_next)[..., 0]
print(f"The loss on this sentence: {surprise[-1].mean():.2f} nats a token")

# %%
heights = [0, 1, 2, 4, 8, 12, 16, 20, 22, 24, 26, 28, 29, 30]
figure, axis = plt.subplots(figsize=(11, 5), layout="constrained")
right = (-surprise).exp()
axis.imshow(right[heights], cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
for row, height in enumerate(heights):
    for column, number in enumerate(logits[height, :-1].argmax(-1)):
        guess = vocabulary[number].replace("Ġ", " ").strip() or "␣"
        colour = "white" if right[height, column] > 0.7 else "black"
        axis.text(column, row, guess[:9], ha="center", va="center", fontsize=8, color=colour)
labels = [word.replace("Ġ", "") for word in words]
axis.set_xticks(range(len(words) - 1), labels[:-1])
axis.set_yticks(range(len(heights)), heights)
axis.set(xlabel="read so far, up to this word", ylabel="after this layer")
above = axis.secondary_xaxis("top")
above.set_xticks(range(len(words) - 1), labels[1:])
above.set_xlabel("what really comes next")
plt.show()

# %% [markdown]
# *One column for each word read, one row for some of the heights. In the cells: the best guess for the next word (␣ is a bare
# space); the darker, the more probability goes to the word that really came, which stands above the column. The lowest row of
# the picture is the model's answer: after "The capital of France is" it says "Paris", and at the end "Berlin".*
#
# If yours shows this and a loss of 1.72, your model is right in every line. (1.72 nats is a perplexity of 5.6: on average the
# model is as unsure as if it had to choose between five or six words.) Read the picture from the top:
# - **Height 0**: nothing but the embedding, and most words guess *themselves*. Tied embeddings: the row of the table that fits a
#   word's vector best is its own. (Some guess `<filename`…: a special token that has one of the longest rows of all, and long
#   rows give large scores.)
# - **Up to about 20**: mostly commas and bare spaces. The stream is at work on other things than the next word.
# - **From 20 on**: first grammar ("capital *of*", "Germany *is*"), very late facts. After "Germany is", layer 28 guesses "both",
#   layer 29 "city", and only the last one "Berlin".

# %%
sizes = stream.square().mean(-1).sqrt()
figure, axes = plt.subplots(1, 2, figsize=(9, 2.9), layout="constrained")
axes[0].plot(surprise.mean(-1), lw=2)
axes[0].set(xlabel="after this layer", title="loss, nats a token", ylim=(0, 25))
axes[1].semilogy(sizes[:, 0], lw=2, label="the first token")
axes[1].semilogy(sizes[:, 1:].mean(-1), lw=2, label="the others, mean")
axes[1].set(xlabel="after this layer", title="size of the stream (root mean square)")
axes[1].legend()
for axis in axes:
    axis.grid(alpha=0.3)
plt.show()

# %% [markdown]
# *Left: the loss at each height. It begins at 111, far above the picture, where each word is sure of itself, stays at 16 to 18
# for twenty layers (worse than ln 49,152 = 10.8, that of knowing nothing), and falls to 1.72 in the last ten. Right, on a logarithmic
# scale: the stream grows from 0.1 to about 25; that of the first token jumps to 940 in layer 12, and comes down at the end.*
#
# The right plot shows why the stream is read through norms, and why there is one before the output. And the jumps? In the lesson
# `attention` you saw that from layer 3 to 9, and again from layer 12 on, most heads park their attention on the first token, where
# it does no harm. Here you see how the model marks the parking place: with one enormous vector, in just these layers
# ([Sun et al. 2024](https://arxiv.org/abs/2402.17762)).
#
# Your transformer is complete, and it accepts the weights of a real one. In the next lesson, `training`, you train one of
# your own from the start. And later, in `pretrained`, this one learns to *answer*.
