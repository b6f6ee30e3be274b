"""What the lesson `model` taught. Generated from its solutions by `grader build`; edits are lost."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from taught.attention import Cache, CausalSelfAttention, at_least_float32



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


class RMSNorm(nn.Module):
    """Root mean square normalisation (Zhang & Sennrich 2019, arXiv 1910.07467), as in Llama.

    Its only parameter, and all of its `state_dict`, is `weight`: one number for each of the
    `width` components of a vector, all 1 to begin with.
    """

    def __init__(self, width: int, epsilon: float = 1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """For each vector in `x`, weight * x / sqrt(mean of its squares + epsilon).

        - `*batch` stands for any number of leading dimensions, also none. Each vector (the
          last dimension) is treated by itself. No mean is subtracted.
        - x / sqrt(...) is computed in float32 at least (float64 stays float64), rounded to
          the dtype of `x`, and only then multiplied by `weight`. So where weight and `x`
          have one dtype, the result has it too.
        - Leaves `x` as it was, and lets gradients through, also to `weight`.
        """
        wide = at_least_float32(x)
        mean_square = wide.square().mean(-1, keepdim=True)
        normal = wide * torch.rsqrt(mean_square + self.epsilon)
        return self.weight * normal.to(x.dtype)


class SwiGLU(nn.Module):
    """The feed-forward network of Llama: down(SiLU(gate(x)) * up(x)) (Shazeer 2020, arXiv
    2002.05202; SiLU(z) = z / (1 + exp(-z))).

    Its `state_dict` holds the weights of three linear layers without biases and nothing
    else: `gate_proj` and `up_proj` (width → hidden) and `down_proj` (hidden → width).
    """

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Each vector in `x` sent through the network by itself.

        - Example: with width 1, hidden 1 and all three weights 1, 2 becomes
          2 · SiLU(2) = 2 · 1.7616 = 3.5232.
        - Works in the dtype of the weights, leaves `x` as it was, and lets gradients through.
        """
        return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))


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
        self.input_layernorm = RMSNorm(config.width, config.epsilon)
        self.self_attn = CausalSelfAttention(
            config.width, config.heads, config.key_value_heads, config.base
        )
        self.post_attention_layernorm = RMSNorm(config.width, config.epsilon)
        self.mlp = SwiGLU(config.width, config.hidden)

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
        x = x + self.self_attn(self.input_layernorm(x), cache)
        return x + self.mlp(self.post_attention_layernorm(x))


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
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width, config.epsilon)
        self.lm_head = nn.Linear(config.width, config.vocabulary, bias=False)
        if config.tied:
            self.lm_head.weight = self.embed_tokens.weight

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
        if caches is None:
            caches = [None] * len(self.layers)
        x = self.embed_tokens(tokens)
        for layer, cache in zip(self.layers, caches, strict=True):
            x = layer(x, cache)
        return self.lm_head(self.norm(x))


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
    writers = ("o_proj.weight", "down_proj.weight")
    for name, weight in model.named_parameters():
        if weight.dim() == 1:
            nn.init.ones_(weight)
        else:
            parts = 2 * model.config.layers if name.endswith(writers) else 1
            nn.init.normal_(weight, std=0.02 / math.sqrt(parts), generator=generator)


def count_parameters(config: Config) -> int:
    """The number of parameters of `LanguageModel(config)`: how many numbers its weights hold
    together, norms included. A tied weight counts once.

    An int, and exact. From the config alone, without memory for the weights: it must work
    for a model of 400 billion, too.
    """
    head_size = config.width // config.heads
    attention = 2 * config.width**2 + 2 * config.width * config.key_value_heads * head_size
    feed_forward = 3 * config.width * config.hidden
    block = attention + feed_forward + 2 * config.width
    tables = 1 if config.tied else 2
    return config.layers * block + config.width + tables * config.vocabulary * config.width


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
    head_size = config.width // config.heads
    attention = 2 * config.width**2 + 2 * config.width * config.key_value_heads * head_size
    feed_forward = 3 * config.width * config.hidden
    weights = config.layers * (attention + feed_forward) + config.vocabulary * config.width
    scores_and_mixtures = config.layers * 2 * length * config.width
    return 2 * (weights + scores_and_mixtures) * (3 if training else 1)


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
