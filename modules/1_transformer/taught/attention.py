"""What the lesson `attention` taught. Generated from its solutions by `grader build`; edits are lost."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn




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
    wide = at_least_float32(scores)
    largest = wide.amax(dim, keepdim=True)
    largest = largest.masked_fill(largest == -math.inf, 0)  # -inf - -inf would be nan
    exponentials = (wide - largest).exp()
    total = exponentials.sum(dim, keepdim=True)
    return (exponentials / total.masked_fill(total == 0, 1)).to(scores.dtype)


def causal_mask(length: int, past: int = 0) -> Bool[Tensor, "length past+length"]:
    """Which keys each of `length` new tokens may look at, with `past` tokens in the cache.

    True = may look. Row i belongs to the new token i, the columns to the `past` tokens and
    then the `length` new ones. A token may look at itself and at everything before it.
    """
    positions = torch.arange(past + length)
    return positions[past:, None] >= positions


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
    scores = at_least_float32(query) @ at_least_float32(key).transpose(-2, -1)
    scores = scores / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = softmax(scores, dim=-1)
    return (weights @ at_least_float32(value)).to(query.dtype)


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
    half = x.shape[-1] // 2
    frequencies = base ** (-torch.arange(half, device=x.device) / half)
    angles = positions[:, None] * frequencies
    cos, sin = angles.cos(), angles.sin()
    first, second = at_least_float32(x).split(half, dim=-1)
    turned = (first * cos - second * sin, first * sin + second * cos)
    return torch.cat(turned, dim=-1).to(x.dtype)


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
        self.head_size = width // heads
        self.group_size = heads // key_value_heads
        self.base = base
        self.q_proj = nn.Linear(width, heads * self.head_size, bias=False)
        self.k_proj = nn.Linear(width, key_value_heads * self.head_size, bias=False)
        self.v_proj = nn.Linear(width, key_value_heads * self.head_size, bias=False)
        self.o_proj = nn.Linear(heads * self.head_size, width, bias=False)

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
