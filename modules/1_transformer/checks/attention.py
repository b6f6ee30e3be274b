# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.
"""The checks of the lesson `attention`."""
import math
from functools import reduce
import torch
from torch.nn import functional as F
from grader.checks import assert_close, assert_equal, assert_that, check, gradients, inputs_after
HINTS = {
    "softmax": [
        "Adding the same number to all scores along `dim` changes no share. Which number makes the largest exponential 1?",
        "`amax` and `sum` take the dimension along which they work, and can keep it with size 1, so that the result "
        "broadcasts against the scores.",
        "In a row of -inf only, two things would become nan: -inf minus -inf, and 0 divided by 0. Replace the number that "
        "is subtracted, and the number that is divided by, before they can do harm.",
    ],
    "causal_mask": [
        "Write down the positions in the text: of the queries, and of the keys. When is a query allowed to see a key?",
        "With `past` tokens in the cache, the first new token stands at position `past`; the keys begin at position 0.",
        "A column of positions compared with a row of positions gives the whole table at once.",
    ],
    "scaled_dot_product_attention": [
        "Four steps: scores, mask, softmax, mixture. What is the shape after each of them?",
        "A score that must not count is minus infinity before softmax. `True` in the mask means that the score stays.",
        "Softmax runs over the keys: which dimension of the scores is that? The division is by the root of the size that "
        "the dot product sums over.",
    ],
    "rotary": [
        "Take it in steps: one frequency for each pair, one angle for each position and pair, then the two sums.",
        "The angles have the shape (length, size / 2): positions as a column, times frequencies as a row.",
        "Cut `x` into its first and its second half. Work out both new halves from the old ones before you put them "
        "together, in a new tensor.",
    ],
    "CausalSelfAttention": [
        "Follow the shapes: (batch, length, heads · size) is cut into (batch, length, heads, size); then the heads have to "
        "come before the length. At the end all of it goes backwards.",
        "Write it without a cache first. With one, only three things change: where the positions begin, which keys and "
        "values take part, and how many columns the mask has.",
        "Read `cache.length` before you extend the cache. Rotate before you put keys into it, and give each query head its "
        "key/value head after you took them out: neighbouring query heads share one.",
    ],
}
AFTER = {
    "softmax": "Subtracting the maximum costs one pass and saves every model from overflow: FlashAttention "
               "does the same, block by block.",
    "causal_mask": "One wrong diagonal here and a model looks brilliant in training and useless in use: always "
                   "test that the future cannot change the past.",
    "scaled_dot_product_attention": "This is the operation that most of the world's GPU time goes into; in production you call "
                                    "`torch.nn.functional.scaled_dot_product_attention`, which is this, fused.",
    "rotary": "Because positions enter as rotations, only distances count: that is what lets context windows "
              "be stretched after training.",
    "CausalSelfAttention": "Weights published for Llama fit this very layer, and grouped-query heads are why its cache "
                           "fits into memory at all.",
}


@check("softmax")
def test_softmax_sums_to_one(submission, random):
    """Shares are positive and sum to one along the dimension that is asked for, whichever it is."""
    scores = random.normal(3, 4, 5)
    for dim in (0, 1, 2, -1, -2):
        shares = submission.softmax(scores, dim)
        assert_equal(tuple(shares.shape), (3, 4, 5), "The shares have the shape of the scores.")
        assert_that(bool((shares > 0).all()), "Each of these shares is greater than zero.", "> 0", shares.min())
        assert_close(shares.sum(dim), torch.ones_like(scores.sum(dim)),
                     f"The shares should sum to one along dimension {dim}. Along which dimension do yours?")


@check("softmax")
def test_softmax_reference(submission, random):
    """Ordinary scores give the shares of the formula, in tensors of one, two and three dimensions, also of size one."""
    for shape, dim in (((6,), 0), ((3, 3), 0), ((2, 4), -1), ((4, 1), 1), ((3, 2, 4), 1)):
        scores = 2 * random.normal(*shape)
        assert_close(submission.softmax(scores, dim), torch.softmax(scores, dim),
                     "Each exponential is divided by the sum of the exponentials along `dim`.")


@check("softmax")
def test_softmax_large_scores(submission, random):
    """Huge scores, positive or negative, give the same shares as small ones with the same differences."""
    scores = random.integers(-4, 5, 2, 6).float()
    expected = torch.softmax(scores, -1)
    for shift in (1000.0, -1000.0):
        assert_close(submission.softmax(scores + shift, -1), expected,
                     f"All scores were moved by {shift:g}, which changes no share. What does exp do with such numbers?")


@check("softmax")
def test_softmax_minus_infinity(submission, random):
    """A score of minus infinity gets exactly zero; a row of nothing else gets zeros, and its neighbours do not notice."""
    scores = random.normal(3, 5)
    scores[0, 1] = scores[0, 4] = -math.inf
    scores[2, 0] = -math.inf
    expected = torch.softmax(scores, 1)
    assert_close(submission.softmax(scores, 1), expected, "What is minus infinity takes no part; the others share.", atol=0)
    scores[1], expected[1] = -math.inf, 0.0
    assert_close(submission.softmax(scores, 1), expected,
                 "Row 1 is minus infinity throughout: its shares should be 0, and the other rows as before.")


@check("causal_mask")
def test_mask_kind(submission, random):
    """The mask is boolean, with one row for each new token and one column for each token, old or new."""
    for length, past in ((4, 0), (3, 5), (1, 7), (1, 0)):
        mask = submission.causal_mask(length, past)
        assert_equal(mask.dtype, torch.bool, "A mask says yes or no: True = may look.")
        assert_equal(tuple(mask.shape), (length, past + length),
                     "One row for each of the `length` new tokens, one column for each of the `past + length` tokens.")


@check("causal_mask")
def test_mask_hides_the_future(submission, random):
    """With an empty cache, each token sees itself and all before it, and nothing after it."""
    length = random.randint(4, 7)
    mask = submission.causal_mask(length)
    for query in range(length):
        for key in range(length):
            may = "may" if key <= query else "must not"
            assert_that(bool(mask[query, key]) == (key <= query), f"Token {query} {may} look at token {key}.",
                        str(key <= query), str(bool(mask[query, key])))


@check("causal_mask")
def test_mask_one_query(submission, random):
    """One new token sees the whole cache, however long, and itself."""
    past = random.randint(20, 40)
    mask = submission.causal_mask(1, past)
    assert_that(bool(mask.all()), f"The new token stands at position {past}: everything is before it.",
                f"{past + 1} times True", f"{int(mask.sum())} times True")


@check("scaled_dot_product_attention")
def test_attention_without_mask(submission, random):
    """Without a mask it is the formula, for any sizes and any number of leading dimensions."""
    for batch, queries, keys, size, value_size in (((), 3, 5, 8, 4), ((2,), 6, 2, 3, 7), ((2, 4), 5, 3, 16, 16)):
        query, key = 1.5 * random.normal(*batch, queries, size), 1.5 * random.normal(*batch, keys, size)
        value = random.normal(*batch, keys, value_size)
        expected = F.scaled_dot_product_attention(query, key, value)
        assert_close(submission.scaled_dot_product_attention(query, key, value), expected,
                     "It is not softmax(query · key / sqrt(size)) times value. What is divided, and by what?")


@check("scaled_dot_product_attention")
def test_attention_order_of_keys(submission, random):
    """Permuting the keys, together with their values and the mask's columns, changes nothing."""
    query, key, value = random.normal(2, 4, 8), random.normal(2, 6, 8), random.normal(2, 6, 3)
    mask = random.integers(0, 2, 4, 6).bool()
    mask[:, random.randrange(6)] = True
    order = torch.tensor(random.sample(range(6), 6))
    one = submission.scaled_dot_product_attention(query, key, value, mask)
    other = submission.scaled_dot_product_attention(query, key[:, order], value[:, order], mask[:, order])
    assert_equal(tuple(one.shape), (2, 4, 3), "One mixture of values for each query.")
    assert_close(other, one, "Keys, values and mask were shuffled together. A look-up does not depend on the order.")


@check("scaled_dot_product_attention")
def test_attention_hidden_keys(submission, random):
    """What the mask hides has no influence, what it shows has; the shares of the shown ones still sum to one."""
    query, key, value = random.normal(3, 8), random.normal(7, 8), random.normal(7, 4)
    shown = torch.tensor([True, True, False, True, False, False, True])
    mask = shown.expand(3, 7).clone()
    found = submission.scaled_dot_product_attention(query, key, value, mask)
    changed_key, changed_value = key.clone(), value.clone()
    changed_key[~shown], changed_value[~shown] = 3 * random.normal(3, 8), random.normal(3, 4)
    assert_close(submission.scaled_dot_product_attention(query, changed_key, changed_value, mask), found,
                 "Only hidden keys and values were changed (False in the mask), and yet the result moved. "
                 "At which step do you hide them, and what have they taken part in by then?")
    ones = submission.scaled_dot_product_attention(query, key, torch.ones(7, 4), mask)
    assert_close(ones, torch.ones(3, 4), "All values are 1, so each mixture of them is 1: the shares should sum to one.")
    expected = F.scaled_dot_product_attention(query, key[shown], value[shown])
    assert_close(found, expected, "Hiding a key should be the same as not having it.")


@check("rotary")
def test_rotary_turns(submission, random):
    """Nothing turns at position 0, and no vector ever changes its length."""
    x = random.normal(2, 5, 8)
    assert_close(submission.rotary(x, torch.zeros(5, dtype=torch.int64)), x, "At position 0 the angle is 0.")
    positions = random.integers(0, 500, 5)
    assert_close(submission.rotary(x, positions).norm(dim=-1), x.norm(dim=-1), "Turning an arrow does not change its length.")


@check("rotary")
def test_rotary_pairs(submission, random):
    """Number i is turned together with number i + size/2, anticlockwise, and the first pair by one radian a position."""
    for p in (1, random.randint(2, 6)):
        angle = torch.tensor(float(p))
        seen = submission.rotary(torch.tensor([[1.0, 0.0, 0.0, 0.0]]), torch.tensor([p]))
        assert_close(seen, torch.tensor([[angle.cos(), 0.0, angle.sin(), 0.0]]),
                     f"(1, 0, 0, 0) at position {p} should become (cos {p}, 0, sin {p}, 0).")
        seen = submission.rotary(torch.tensor([[0.0, 1.0]]), torch.tensor([p]))
        assert_close(seen, torch.tensor([[-angle.sin(), angle.cos()]]),
                     f"(0, 1) at position {p} should become (-sin {p}, cos {p}). Which way do you turn? "
                     "Is the second half worked out from the old first half?")


@check("rotary")
def test_rotary_positions(submission, random):
    """Each vector is turned by its own given position, in whatever order the positions come."""
    x = random.normal(2, 6, 8)
    positions = torch.tensor(random.sample(range(2, 60), 6))
    together = submission.rotary(x, positions)
    for i in (0, 3, 5):
        alone = submission.rotary(x[:, i : i + 1], positions[i : i + 1])
        assert_close(together[:, i : i + 1], alone, f"Vector {i} stands at position {int(positions[i])}, alone or not.")
    moved = submission.rotary(x, positions + 1)
    assert_that(not torch.allclose(moved, together, atol=1e-3),
                "The positions were moved by one, and nothing changed. Do you use them as they are?")


@check("rotary")
def test_rotary_relative(submission, random):
    """The score of a query and a key depends on how far apart they are, not on where they stand."""
    query, key = random.normal(4, 16), random.normal(4, 16)
    one, other = random.integers(0, 30, 4), random.integers(0, 30, 4)
    shift = random.randint(10, 90)
    near = (submission.rotary(query, one) * submission.rotary(key, other)).sum(-1)
    far = (submission.rotary(query, one + shift) * submission.rotary(key, other + shift)).sum(-1)
    assert_close(far, near, f"Both were moved on by {shift}; their dot product should stay.", 1e-3, 1e-3)


@check("CausalSelfAttention")
def test_layer_parameters(submission, random):
    """The layer has four weights with Llama's names and shapes, and no biases."""
    layer = submission.CausalSelfAttention(24, 6, 2)
    shapes = {name: (24, 24) if name[0] in "qo" else (8, 24) for name in _names()}
    seen = {name: tuple(reduce(getattr, name.split("."), layer).shape) for name in layer.state_dict()}
    assert_equal(seen, shapes, "The parameters for width 24, 6 heads and 2 key/value heads:")
    layer.load_state_dict(_weights(random, 24, 6, 2))
    assert_equal(tuple(layer(random.normal(2, 3, 24)).shape), (2, 3, 24), "One vector for each token goes out again.")


@check("CausalSelfAttention")
def test_layer_future(submission, random):
    """The future does not change the past: later tokens may change, and earlier results stay."""
    layer = _loaded(submission, _weights(random, 16, 4, 2), 4, 2)
    x = random.normal(2, 7, 16)
    before = layer(x)
    cut = random.randint(2, 5)
    changed = x.clone()
    changed[:, cut:] = random.normal(2, 7 - cut, 16)
    after = layer(changed)
    assert_close(after[:, :cut], before[:, :cut], f"Tokens from {cut} on were changed, and tokens before them noticed. "
                 "Does your mask reach the scores, and does it fit them?")
    assert_that(not torch.allclose(after[:, cut:], before[:, cut:], atol=1e-3),
                f"Tokens from {cut} on were changed, and their own results did not move.")


@check("CausalSelfAttention")
def test_layer_cache(submission, random):
    """A text that is fed piece by piece through a cache gives what it gives at once."""
    layer = _loaded(submission, _weights(random, 16, 4, 2), 4, 2)
    x = random.normal(2, 9, 16)
    whole, cache, start = layer(x), submission.Cache(), 0
    for length in (4, 1, 3, 1):
        piece = layer(x[:, start : start + length], cache)
        assert_equal(cache.length, start + length, "Each call adds its tokens to the cache, once.")
        assert_close(piece, whole[:, start : start + length],
                     f"{length} new token(s) with {start} in the cache should give what the whole text gives at once. "
                     "Which positions have the new tokens, which keys do they see, and which of them may they look at?")
        start += length


@check("CausalSelfAttention")
def test_layer_groups(submission, random):
    """Neighbouring query heads share a key/value head: without the values of the last one, the last heads give nothing."""
    weights = _weights(random, 24, 6, 2)
    weights["v_proj.weight"][4:] = 0
    weights["o_proj.weight"] = torch.eye(24)
    found = _loaded(submission, weights, 6, 2)(random.normal(1, 5, 24))[0]
    silent = [head for head in range(6) if not found[:, 4 * head : 4 * head + 4].abs().sum() > 1e-6]
    assert_equal(silent, [3, 4, 5], "Of 2 key/value heads, the values of the last one were set to 0. "
                 "Which of the 6 query heads gave nothing then? The three that share it should.")


def _names():
    return [f"{name}_proj.weight" for name in "qkvo"]


def _weights(random, width, heads, key_value_heads):
    """Weights for a layer, large enough to make attention uneven."""
    rows = {"q": width, "k": width // heads * key_value_heads, "v": width // heads * key_value_heads, "o": width}
    return {f"{name}_proj.weight": 1.5 * random.normal(rows[name], width) / math.sqrt(width) for name in "qkvo"}


def _loaded(submission, weights, heads, key_value_heads, base=10_000.0):
    """The learner's layer with these weights."""
    layer = submission.CausalSelfAttention(weights["q_proj.weight"].shape[1], heads, key_value_heads, base)
    layer.load_state_dict(weights)
    return layer

ABOUT = {"lesson": "attention", "title": "Attention", "minutes": 75, "uses": {"softmax": [], "causal_mask": [], "scaled_dot_product_attention": ["softmax"], "rotary": [], "CausalSelfAttention": ["causal_mask", "rotary", "scaled_dot_product_attention", "softmax"]}, "taught": []}
