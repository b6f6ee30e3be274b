"""The checks of the lesson `model`."""

import math
import re

import torch
from torch.nn import functional as F

from grader.checks import Raised, assert_close, assert_equal, assert_that, check, gradients, inputs_after, raises

HINTS = {
    "RMSNorm": [
        "Work from the inside out: squares, their mean, plus epsilon, root. Over which dimension does the mean go, and what "
        "must its shape be so that you can divide `x` by it?",
        "In `__init__`, what is learnt has to be a `nn.Parameter`. Then PyTorch finds it by itself.",
        "Three steps for the dtypes: up (`at_least_float32`), compute, back to `x.dtype`. The weight comes after the last one.",
    ],
    "SwiGLU": [
        "Three `nn.Linear` without biases. Which of them lead from `width` to `hidden`, and which one back?",
        "Two numbers for each hidden unit, one from `gate_proj` and one from `up_proj`. Only one of them goes through SiLU; "
        "then they are multiplied.",
        "PyTorch has SiLU: `nn.functional.silu`.",
    ],
    "Block": [
        "Two lines are enough for `forward`, and both have the form: x = x + part(norm(x)).",
        "The second line begins where the first one ended: with the stream after attention.",
        "Look up what `CausalSelfAttention` and `RMSNorm` need, and go through the fields of `Config`: which of them does a "
        "block need? And who needs the cache?",
    ],
    "LanguageModel": [
        "Write the parts in the order in which the tokens meet them. PyTorch finds modules in attributes and in a "
        "`nn.ModuleList`, but not in a plain list.",
        "To tie two weights is one assignment: the attribute `weight` of one module becomes the Parameter of the other.",
        "Each layer gets the cache that stands at its own place in the list. Without caches, each gets None.",
    ],
    "initialise": [
        "`model.named_parameters()` goes through all weights with their names, a tied one once. What tells a norm's weight "
        "from a matrix? What tells the matrices that write to the stream from the others?",
        "`nn.init.normal_` works in place, and takes a standard deviation and a generator.",
        "How many terms are added to the stream in a model of `layers` blocks? The standard deviation of a sum grows like "
        "the root of their number.",
    ],
    "count_parameters": [
        "Go through the parts of a block, and write down the shape of each weight: four in attention, three in the "
        "feed-forward network, two norms. Then what stands around the blocks.",
        "Keys and values have only `key_value_heads` heads, each of width / heads numbers.",
        "The last norm is easily forgotten: its `width` numbers are the difference between nearly and exactly right. Of the "
        "two tables, a tied model has one.",
    ],
    "count_flops": [
        "Begin with the linear layers: for one token, 2 operations for each of their weights. Which parameters are not the "
        "weights of a linear layer, and which tied one is used as such?",
        "One query of `head_size` numbers against the keys of `length` tokens: how many operations? And for all query heads "
        "together? Mixing the values costs as much again.",
        "Backwards is twice forwards, so both together are three times.",
    ],
    "load": [
        "First bring the given names into the model's form, then compare two sets of names, then shapes. Copy only after all "
        "that, when nothing can go wrong any more.",
        "Collect what you find in a list of sentences, and raise once at the end, with all of them. `removeprefix` takes a "
        "beginning away, and only that.",
        "`model.named_parameters()` gives a tied weight once, under its first name. Deal with `lm_head.weight` of a tied model "
        "before you compare the names. A Parameter is filled by `copy_`, without gradients.",
    ],
}

# told when an exercise holds: why it matters, or what professionals do
AFTER = {
    "RMSNorm": "Llama, Qwen and Mistral all use it: LayerNorm without the mean, cheaper, and no worse.",
    "SwiGLU": "Nobody can say in theory why the gate helps; it won in practice, and most parameters of a "
              "modern model lie in it.",
    "Block": "The unbroken residual path is what lets gradients reach the first of a hundred layers.",
    "LanguageModel": "With these names of parameters your class and a published one exchange weights: that is what a "
                     "format is for.",
    "initialise": "A first loss near log of the vocabulary is the cheapest test of a training run: print it "
                  "before you rent the GPUs.",
    "count_parameters": "Estimates of memory, of price and of time all begin with this number; learn to do it on a napkin.",
    "count_flops": "Six times parameters times tokens: with this rule people plan training runs that cost millions.",
    "load": "Published weights are the strictest test of an implementation: one transposed matrix, and it "
            "speaks gibberish.",
}


# ---------------------------------------------------------------------------------------------------------------- RMSNorm


@check("RMSNorm")
def test_norm_parameters(submission, random):
    """The norm has one parameter, `weight`: `width` numbers, all 1 to begin with."""
    norm = submission.RMSNorm(7)
    assert_equal(list(norm.state_dict()), ["weight"], "The names in the state_dict:")
    assert_equal(len(_parameters(norm)), 1, "How many parameters does PyTorch find, that is, how many will be trained?")
    assert_close(norm.weight, torch.ones(7), "The weight of a new norm of width 7.")


@check("RMSNorm")
def test_norm_size(submission, random):
    """The mean of each vector's squares becomes 1, and none of its numbers changes its sign."""
    for shape in ((8,), (5, 12), (2, 3, 20)):
        x = 3 * random.normal(*shape)
        found = submission.RMSNorm(shape[-1])(x)
        assert_equal(tuple(found.shape), shape, "What comes out has the shape of what went in.")
        assert_close(found.square().mean(-1), torch.ones(shape[:-1]),
                     "The mean of the squares of each vector (the last dimension) should be 1 afterwards.", 1e-3)
        assert_that(bool((found * x >= 0).all()), "A number changed its sign: a vector is only scaled, so it keeps its "
                    "direction. What do you add or subtract?", "signs as in `x`", found)


@check("RMSNorm")
def test_norm_alone(submission, random):
    """Each vector is treated by itself: changing one changes no other."""
    norm, x = submission.RMSNorm(6), random.normal(3, 5, 6)
    before, changed = norm(x), x.clone()
    changed[1, 2] = 10 * random.normal(6)
    others = torch.ones(3, 5, dtype=torch.bool)
    others[1, 2] = False
    assert_close(norm(changed)[others], before[others], "Vector [1, 2] was changed, and others noticed. In a language model, "
                 "the past would see the future. Over which dimension does your mean go?")


@check("RMSNorm")
def test_norm_weight(submission, random):
    """Each number is scaled by its own entry of `weight`."""
    x, weight = 2 * random.normal(4, 5), random.normal(5)
    norm = submission.RMSNorm(5)
    plain = norm(x)
    norm.load_state_dict({"weight": weight})
    assert_close(norm(x), weight * plain, "A weight was loaded, and the result should be the old one times it.")


@check("RMSNorm", hidden=True)
def test_norm_reference(submission, random):
    """It is the formula, for any weight and epsilon, also for vectors that are tiny or zero."""
    for shape, epsilon in (((3, 10), 1e-5), ((2, 4, 6), 0.5), ((9,), 1e-6)):
        for size in (1.0, 1e-3):
            x, weight = size * random.normal(*shape), random.normal(shape[-1])
            norm = submission.RMSNorm(shape[-1], epsilon)
            norm.load_state_dict({"weight": weight})
            assert_close(norm(x), F.rms_norm(x, shape[-1:], weight, epsilon),
                         f"Vectors of numbers around {size:g}, with epsilon {epsilon:g}: weight * x / sqrt(mean of squares + epsilon). "
                         "Where does epsilon stand?", 1e-4, 1e-7)
    assert_close(submission.RMSNorm(4)(torch.zeros(2, 4)), torch.zeros(2, 4), "Zeros stay zeros.")


@check("RMSNorm", hidden=True)
def test_norm_offset(submission, random):
    """The mean of a vector is not subtracted: a vector of equal numbers stays one, with numbers of size 1."""
    c = random.uniform(2, 9)
    x = torch.tensor([[c] * 6, [-c] * 6])
    assert_close(submission.RMSNorm(6)(x), x / c, f"Six times {c:.1f} should become six times 1. What do you subtract?")


@check("RMSNorm", hidden=True)
def test_norm_half_precision(submission, random):
    """Half precision is computed in float32, rounded, and then scaled; the dtype stays."""
    large = 300 * random.normal(3, 16).sign()
    assert_close(submission.RMSNorm(16).half()(large.half()), large.sign().half(),
                 "In float16, 300 squared is infinite. In which dtype do you square?", 1e-3, 1e-3)
    x, weight = (3 * random.normal(60, 50) - 1).bfloat16(), (1 + 0.3 * random.normal(50)).bfloat16()
    norm = submission.RMSNorm(50)
    norm.load_state_dict({"weight": weight.float()})
    found, normal = norm.bfloat16()(x), F.rms_norm(x.double(), (50,), None, 1e-5).bfloat16()
    assert_close(found, normal * weight, "In bfloat16.", 0.02, 1e-3)
    share = (found == normal * weight).double().mean().item()
    assert_that(share > 0.98, "In bfloat16, the last digit differs from Llama's in many places. Which step is rounded, and is "
                "the scale multiplied before that or after it?", "at least 98 % the same", f"{share:.0%}")


@check("RMSNorm", hidden=True)
def test_norm_double(submission, random):
    """Float64 stays float64 throughout."""
    x = random.normal(5, 8).double()
    assert_close(submission.RMSNorm(8).double()(x), F.rms_norm(x, (8,), None, 1e-5),
                 "Float64 went in, so float64 precision should come out. Is something float32 in between?", 1e-12, 1e-14)


@check("RMSNorm", hidden=True)
def test_norm_gradients(submission, random):
    """The right gradients arrive at `x` and at the weight, and `x` stays as it was."""
    x, upstream, weight = 2 * random.normal(3, 4, 6), random.normal(3, 4, 6), random.normal(6)
    norm = submission.RMSNorm(6)
    norm.load_state_dict({"weight": weight})
    leaf, scale = x.clone().requires_grad_(), weight.clone().requires_grad_()
    (F.rms_norm(leaf, (6,), scale, 1e-5) * upstream).sum().backward()
    (found,) = gradients(norm, x, upstream=upstream)
    assert_that(found is not None, "No gradient arrives at `x`.")
    assert_close(found, leaf.grad, "The gradient of `x` (it flows through the mean of the squares, too):", 1e-3, 1e-5)
    assert_close(_gradient_norm(submission, norm), scale.grad.norm(), "The norm of the gradient of the weight:", 1e-3, 1e-5)
    (after,), _ = inputs_after(norm, x)
    assert_that(torch.equal(after, x), "`x` was changed. Which operation works in place?", x, after)


# ----------------------------------------------------------------------------------------------------------------- SwiGLU


@check("SwiGLU")
def test_swiglu_parameters(submission, random):
    """The network has three weights with Llama's names and shapes, and no biases."""
    _seeded(submission, random)
    shapes = {"gate_proj.weight": (15, 6), "up_proj.weight": (15, 6), "down_proj.weight": (6, 15)}
    assert_equal(_shapes_of(submission.SwiGLU(6, 15)), shapes, "The parameters for width 6 and hidden 15:")


@check("SwiGLU")
def test_swiglu_example(submission, random):
    """The example of the docstring: all three weights are 1, and 2 becomes 3.5232."""
    network = _network(submission, *(torch.ones(1, 1) for _ in range(3)))
    assert_close(network(torch.tensor([[2.0]])), torch.tensor([[3.5232]]),
                 "With width 1, hidden 1 and all weights 1, 2 should become 2 · SiLU(2).", 1e-3)


@check("SwiGLU")
def test_swiglu_up_is_linear(submission, random):
    """The result is linear in `up_proj`, and in `down_proj`, but not in `gate_proj`."""
    weights, x = [random.normal(9, 4), random.normal(9, 4), random.normal(4, 9)], random.normal(2, 3, 4)
    before = _network(submission, *weights)(x)
    for place, name in ((1, "up_proj"), (2, "down_proj")):
        changed = [-2 * weight if i == place else weight for i, weight in enumerate(weights)]
        assert_close(_network(submission, *changed)(x), -2 * before,
                     f"The weights of {name} were multiplied by -2, so the result should be, too. "
                     "Which of the numbers goes through SiLU?", 1e-3, 1e-4)
    changed = _network(submission, -2 * weights[0], *weights[1:])(x)
    assert_that(not torch.allclose(changed, -2 * before, rtol=0.01, atol=0.01),
                "The weights of gate_proj were multiplied by -2, and the result was just that: where is SiLU?")


@check("SwiGLU", hidden=True)
def test_swiglu_reference(submission, random):
    """With given weights it gives what the formula gives, for any sizes and any number of leading dimensions."""
    for width, hidden, batch in ((4, 11, (2, 3)), (7, 5, (6,)), (3, 8, ())):
        weights, x = _network_weights(random, width, hidden), random.normal(*batch, width)
        assert_close(_network(submission, *weights)(x), _swiglu(x, *weights),
                     f"With width {width} and hidden {hidden}: down(SiLU(gate(x)) * up(x)).", 1e-3, 1e-5)


@check("SwiGLU", hidden=True)
def test_swiglu_tails(submission, random):
    """Far from zero, SiLU is the identity on the right and zero on the left."""
    x = torch.tensor([[30.0], [-30.0], [0.0]])
    found = _network(submission, torch.ones(1, 1), torch.full((1, 1), 0.1), torch.ones(1, 1))(x)
    assert_close(found, torch.tensor([[90.0], [0.0], [0.0]]), "With gate 30, -30 and 0, and up a tenth of it.", 1e-4, 1e-4)


@check("SwiGLU", hidden=True)
def test_swiglu_gradients(submission, random):
    """The right gradients arrive at `x` and at all weights, `x` stays as it was, and float64 stays float64."""
    weights, x, upstream = _network_weights(random, 4, 9), random.normal(2, 3, 4), random.normal(2, 3, 4)
    network = _network(submission, *weights)
    leaves = [leaf.clone().requires_grad_() for leaf in (x, *weights)]
    (_swiglu(*leaves) * upstream).sum().backward()
    (found,) = gradients(network, x, upstream=upstream)
    assert_that(found is not None, "No gradient arrives at `x`.")
    assert_close(found, leaves[0].grad, "The gradient of `x`:", 1e-3, 1e-4)
    for name, leaf in zip(("gate_proj", "up_proj", "down_proj"), leaves[1:]):
        assert_close(_gradient_norm(submission, getattr(network, name)), leaf.grad.norm(),
                     f"The norm of the gradient of {name}:", 1e-3, 1e-4)
    (after,), _ = inputs_after(network, x)
    assert_that(torch.equal(after, x), "`x` was changed. Which operation works in place?", x, after)
    double = [weight.double() for weight in weights]
    assert_close(network.double()(x.double()), _swiglu(x.double(), *double), "The network and `x` in float64.", 1e-10, 1e-12)


# ------------------------------------------------------------------------------------------------------------------ Block


@check("Block")
def test_block_parameters(submission, random):
    """A block has nine weights with Llama's names and shapes."""
    _seeded(submission, random)
    block = submission.Block(submission.Config(**_config()))
    assert_equal(_shapes_of(block), _block_shapes(**_config()), f"The parameters of a block with {_config()}:")


@check("Block")
def test_block_residual(submission, random):
    """The stream runs through untouched: when both halves add nothing, the block changes nothing."""
    block, weights = _block(submission, random)
    block.load_state_dict(weights | _zeros(weights, "o_proj", "down_proj"))
    x = 3 * random.normal(2, 5, 24)
    assert_close(block(x), x, "The last matrices of attention and of the feed-forward network were set to 0, so that both give "
                 "zeros. What the block gives should then be `x` itself.")


@check("Block")
def test_block_reads_through_norms(submission, random):
    """Each half reads the stream through a norm: what it adds does not depend on how large the stream is."""
    for silent, speaking in (("down_proj", "attention"), ("o_proj", "the feed-forward network")):
        block, weights = _block(submission, random)
        block.load_state_dict(weights | _zeros(weights, silent))
        x = random.normal(2, 5, 24)
        added, added_to_large = block(x) - x, block(8 * x) - 8 * x
        assert_that(float(added.abs().max()) > 1e-3, f"Only {speaking} can speak here, and nothing was added to the stream.")
        assert_close(added_to_large, added, f"Only {speaking} can speak here. The stream was made eight times as large: the "
                     "norm takes that out again before it is read, so as much should be added as before.", 1e-2, 1e-3)


@check("Block")
def test_block_cache(submission, random):
    """A text that is fed piece by piece through a cache gives what it gives at once."""
    block, _ = _block(submission, random)
    x, cache, start = random.normal(2, 8, 24), submission.Cache(), 0
    whole = block(x)
    for length in (4, 1, 3):
        piece = block(x[:, start : start + length], cache)
        start += length
        assert_equal(cache.length, start, "Each call adds its tokens to the cache, once.")
        assert_close(piece, whole[:, start - length : start],
                     f"The tokens {start - length} to {start - 1}, with those before them in the cache.", 1e-3, 1e-4)


@check("Block", points=2, hidden=True)
def test_block_order(submission, random):
    """The block does with its own parts what the docstring says, one step after the other."""
    block, _ = _block(submission, random)
    for shape in ((2, 6, 24), (1, 1, 24), (3, 4, 24)):
        x = 2 * random.normal(*shape)
        after_attention = x + block.self_attn(block.input_layernorm(x))
        expected = after_attention + block.mlp(block.post_attention_layernorm(after_attention))
        assert_close(block(x), expected, "It is not what the block's own parts give, put together as the docstring says. "
                     "What does each half read, and to what is its result added?", 1e-3, 1e-4)


@check("Block", hidden=True)
def test_block_positions(submission, random):
    """Order counts: when two earlier tokens change places, a later one finds something else; the first never notices."""
    block, _ = _block(submission, random)
    x, swapped = random.normal(2, 7, 24), [0, 3, 2, 1, 4, 5, 6]
    before, after = block(x), block(x[:, swapped])
    assert_close(after[:, 0], before[:, 0], "Two later tokens changed places, and the first one noticed: it sees the future.")
    difference = float((after[:, 4:] - before[:, 4:]).abs().max())
    assert_that(difference > 1e-3, "The tokens 1 and 3 changed places, and for those after them nothing changed: to this block a text is "
                "a bag of words. What turns queries and keys by their positions?", "a difference", f"{difference:.1g}")


@check("Block", hidden=True)
def test_block_config(submission, random):
    """The parts are made as the config says: epsilon, base, heads and sizes."""
    _seeded(submission, random)
    for changes in ({}, {"epsilon": 0.7}, {"base": 500_000.0, "epsilon": 0.1}):
        block, weights = _block(submission, random, **changes)
        config, x = _config(**changes), random.normal(2, 9, 24)
        for name in ("input_layernorm", "post_attention_layernorm"):
            norm = submission.RMSNorm(24, config["epsilon"])
            norm.load_state_dict({"weight": weights[f"{name}.weight"]})
            assert_close(getattr(block, name)(x), norm(x), f"{name} should be a RMSNorm with epsilon {config['epsilon']:g}.")
        attention = submission.CausalSelfAttention(24, config["heads"], config["key_value_heads"], config["base"])
        attention.load_state_dict({name: weights[f"self_attn.{name}"] for name in list(attention.state_dict())})
        assert_close(block.self_attn(x), attention(x), "self_attn should be a CausalSelfAttention with "
                     f"{config['heads']} heads, {config['key_value_heads']} key/value heads and base {config['base']:g}.")
        network = submission.SwiGLU(24, config["hidden"])
        network.load_state_dict({name: weights[f"mlp.{name}"] for name in list(network.state_dict())})
        assert_close(block.mlp(x), network(x), f"mlp should be a SwiGLU with hidden {config['hidden']}.")


@check("Block", hidden=True)
def test_block_leaves_input(submission, random):
    """The stream that came in is afterwards what it was before, and calls without a cache leave no trace in one."""
    block, _ = _block(submission, random)
    x, cache = random.normal(2, 4, 24), submission.Cache()
    (after,), _ = inputs_after(block, x)
    assert_that(torch.equal(after, x), "`x` was changed. Which operation works in place? (`+=` on a tensor does.)", x, after)
    before = block(x)
    block(x, cache)
    assert_close(block(x), before, "A call without a cache gave something else after one with a cache.")
    assert_equal(cache.length, 4, "Four tokens went through with this cache, others without it.")


@check("Block", hidden=True)
def test_block_gradients(submission, random):
    """Gradients arrive at the stream and at all nine weights; the stream hands its own through undiminished."""
    block, weights = _block(submission, random)
    x, upstream = random.normal(2, 4, 24), random.normal(2, 4, 24)
    (found,) = gradients(block, x, upstream=upstream)
    assert_that(found is not None, "No gradient arrives at `x`.")
    for name in weights:
        size = _gradient_norm(submission, _module(block, name))
        assert_that(float(size) > 1e-6, f"No gradient arrives at {name}. What cuts it off, or is it not used?")
    block.load_state_dict(weights | _zeros(weights, "o_proj", "down_proj"))
    (found,) = gradients(block, x, upstream=upstream)
    assert_close(found, upstream, "Both halves are silent here, so the gradient should pass along the stream unchanged.")


# ---------------------------------------------------------------------------------------------------------- LanguageModel


@check("LanguageModel")
def test_model_parameters(submission, random):
    """The model's weights have Llama's names and shapes, whether it is tied or not."""
    _seeded(submission, random)
    for tied in (True, False):
        config = _config(tied=tied)
        model = submission.LanguageModel(submission.Config(**config))
        assert_equal(_shapes_of(model), _model_shapes(**config), f"The state_dict of a model with {config}:")
        assert_equal(tuple(model(random.integers(0, 37, 2, 5)).shape), (2, 5, 37),
                     "One score for each token of the vocabulary, after each token of each text.")


@check("LanguageModel")
def test_model_tied(submission, random):
    """Tied embeddings are one Parameter under two names; untied ones are two."""
    _seeded(submission, random)
    for tied, count in ((True, 1), (False, 2)):
        model, weights = _model(submission, random, tied=tied)
        embeddings = random.normal(37, 24)
        model.load_state_dict({"embed_tokens.weight": embeddings}, strict=False)
        expected = embeddings if tied else weights["lm_head.weight"]
        assert_close(model.lm_head.weight, expected, f"With tied={tied}, embed_tokens.weight was changed. What is lm_head.weight now?")
        assert_equal(len(_parameters(model)), 9 * 2 + 1 + count, f"The number of Parameters, with tied={tied} and 2 layers. "
                     "(PyTorch counts one that has two names once.)")


@check("LanguageModel")
def test_model_last_norm(submission, random):
    """The last norm stands before the output layer: when its weight is 0, all logits are 0."""
    model, weights = _model(submission, random, tied=False)
    tokens = random.integers(0, 37, 2, 5)
    assert_that(float(model(tokens).abs().max()) > 0.1, "The logits of a model with random weights are all (nearly) zero.")
    model.load_state_dict(weights | _zeros(weights, "norm.weight", whole=True))
    assert_close(model(tokens), torch.zeros(2, 5, 37), "norm.weight was set to 0, so all logits should be 0. What reaches lm_head, "
                 "and what do you do with the result?")


@check("LanguageModel")
def test_model_caches(submission, random):
    """A text that is fed piece by piece, with one cache for each layer, gives what it gives at once."""
    _seeded(submission, random)
    model, _ = _model(submission, random)
    tokens, start = random.integers(0, 37, 2, 9), 0
    whole, caches = model(tokens), [submission.Cache() for _ in range(2)]
    for length in (5, 1, 3):
        piece = model(tokens[:, start : start + length], caches)
        start += length
        assert_equal([cache.length for cache in caches], [start] * 2, f"The lengths of the two caches after {start} tokens:")
        assert_close(piece, whole[:, start - length : start],
                     f"The logits after the tokens {start - length} to {start - 1}, with those before them in the caches.", 1e-3, 1e-3)


@check("LanguageModel", points=2, hidden=True)
def test_model_order(submission, random):
    """The model does with its own parts what the docstring says, one after the other."""
    for tied in (True, False):
        model, _ = _model(submission, random, tied=tied)
        tokens = random.integers(0, 37, 3, 6)
        x = model.embed_tokens(tokens)
        for layer in model.layers:
            x = layer(x)
        assert_close(model(tokens), model.lm_head(model.norm(x)), "It is not what the model's own parts give, put together as the "
                     "docstring says: embeddings, all layers, norm, output layer, and nothing else.", 1e-3, 1e-3)


@check("LanguageModel", hidden=True)
def test_model_own_caches(submission, random):
    """Each layer uses the cache at its own place: what is in there is what the layer itself would put in."""
    _seeded(submission, random)
    model, _ = _model(submission, random)
    tokens, caches, own = random.integers(0, 37, 2, 6), *([submission.Cache() for _ in range(2)] for _ in range(2))
    model(tokens[:, :4], caches)
    model(tokens[:, 4:], caches)
    x = model.embed_tokens(tokens)
    for i, layer in enumerate(model.layers):
        x = layer(x, own[i])
        assert_close(caches[i].values, own[i].values, f"The values in cache {i} are not those of layer {i}.", 1e-3, 1e-4)
        assert_close(caches[i].keys, own[i].keys, f"The keys in cache {i} are not those of layer {i}.", 1e-3, 1e-4)


@check("LanguageModel", hidden=True)
def test_model_config(submission, random):
    """The last norm has the config's epsilon, and each layer is a Block of that config with weights of its own."""
    _seeded(submission, random)
    for changes in ({"epsilon": 0.4, "base": 90.0}, {"tied": False, "layers": 1}):
        model, weights = _model(submission, random, **changes)
        config, x = _config(**changes), 0.5 * random.normal(2, 7, 24)
        norm = submission.RMSNorm(24, config["epsilon"])
        norm.load_state_dict({"weight": weights["norm.weight"]})
        assert_close(model.norm(x), norm(x), f"`norm` should be a RMSNorm with epsilon {config['epsilon']:g}.")
        for i in range(config["layers"]):
            block = submission.Block(submission.Config(**config))
            start = f"layers.{i}."
            block.load_state_dict({name.removeprefix(start): w for name, w in weights.items() if name.startswith(start)})
            assert_close(model.layers[i](x), block(x), f"Layer {i} is not a Block with its own weights, made as the config says.",
                         1e-3, 1e-4)
        assert_equal(model.config.layers, config["layers"], "The attribute `config` is the config that the model was made with.")


@check("LanguageModel", hidden=True)
def test_model_gradients(submission, random):
    """Gradients arrive at all weights, and float64 stays float64."""
    model, weights = _model(submission, random, tied=False)
    tokens = random.integers(0, 37, 2, 5)
    gradients(model, tokens, upstream=random.normal(2, 5, 37))
    for name in ("embed_tokens", "layers.0", "layers.1", "norm", "lm_head"):
        size = _gradient_norm(submission, _module(model, f"{name}.weight"))
        assert_that(float(size) > 1e-6, f"No gradient arrives at {name}. What cuts it off, or is it not used?")
    single = model(tokens)
    assert_close(model.double()(tokens), single.double(), "The model in float64.", 1e-3, 1e-3)


# ------------------------------------------------------------------------------------------------------------- initialise


@check("initialise")
def test_initialise_norms(submission, random):
    """The weights of all norms become 1, whatever they were before."""
    _seeded(submission, random)
    model, weights = _drawn(submission, random, 1)
    for name in weights:
        if name.endswith("norm.weight"):
            assert_close(model.state_dict()[name], torch.ones(48), f"{name} should be 1 everywhere.")


@check("initialise")
def test_initialise_spread(submission, random):
    """Each matrix has mean 0 and the stated standard deviation (a right answer fails by chance less than once in a million)."""
    _seeded(submission, random)
    for layers in (1, 3):
        model, weights = _drawn(submission, random, layers)
        state = model.state_dict()
        for name, weight in weights.items():
            if weight.dim() == 2:
                std = 0.02 / math.sqrt(2 * layers) if name.split(".")[-2] in ("o_proj", "down_proj") else 0.02
                _assert_spread(state[name], std, f"{name} in a model of {layers} layers")


@check("initialise")
def test_initialise_repeatable(submission, random):
    """The same seed gives the same weights, another seed others; and so does the same generator, further on."""
    _seeded(submission, random)
    seed = random.randrange(2**31)
    one, other, third = (_drawn(submission, random, 1, seed=s)[0].state_dict() for s in (seed, seed, seed + 1))
    for name in ("embed_tokens.weight", "layers.0.self_attn.q_proj.weight", "layers.0.mlp.down_proj.weight"):
        assert_that(torch.equal(one[name], other[name]), f"Two generators with the same seed gave different weights for {name}. "
                    "Where do your random numbers come from?", one[name], other[name])
        assert_that(not torch.equal(one[name], third[name]), f"Two generators with different seeds gave the same {name}.")
    generator = submission.torch.Generator().manual_seed(seed)
    first, second = (_drawn(submission, random, 1, generator=generator)[0].state_dict() for _ in range(2))
    for name in ("embed_tokens.weight", "layers.0.mlp.up_proj.weight"):
        assert_that(not torch.equal(first[name], second[name]), f"Two models were drawn from one generator, one after the other, and "
                    f"have the same {name}. Does the generator move on?")


@check("initialise", hidden=True)
def test_initialise_normal(submission, random):
    """The draws are normal (Kolmogorov–Smirnov; by the Dvoretzky–Kiefer–Wolfowitz bound a right answer fails once in a
    million)."""
    _seeded(submission, random)
    model, weights = _drawn(submission, random, 3)
    state = model.state_dict()
    matrices = [name for name, weight in weights.items() if weight.dim() == 2 and name != "lm_head.weight"]
    drawn = torch.cat([state[name].flatten() * (50 * math.sqrt(6) if "o_proj" in name or "down_proj" in name else 50) for name in matrices])
    n = drawn.numel()
    below = 0.5 * (1 + torch.erf(drawn.double().sort().values / math.sqrt(2)))
    steps = torch.arange(n + 1, dtype=torch.float64) / n
    distance = max(float((steps[1:] - below).max()), float((below - steps[:-1]).max()))
    bound = math.sqrt(math.log(2 / 1e-6) / (2 * n))
    assert_that(distance < bound, "The draws, each divided by its standard deviation, are not normal. Are they uniform, or cut off?",
                f"largest distance to the normal distribution below {bound:.4f}", f"{distance:.4f}")


@check("initialise", hidden=True)
def test_initialise_independent(submission, random):
    """No matrix repeats another one (a right answer fails by chance less than once in a million)."""
    _seeded(submission, random)
    model, weights = _drawn(submission, random, 3)
    state = model.state_dict()
    for part in ("self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj"):
        matrices = [state[f"layers.{i}.{part}.weight"].flatten().double() for i in range(3)]
        if part == "mlp.gate_proj":
            matrices.append(state["layers.0.mlp.up_proj.weight"].flatten().double())
        for i, one in enumerate(matrices):
            for other in matrices[:i]:
                z = float((one * other).sum() / (one.norm() * other.norm()) * math.sqrt(one.numel()))
                assert_that(abs(z) < 6, f"Two matrices of the shape of {part} are alike: they were not drawn one after the other.",
                            "correlation near 0", f"{z / math.sqrt(one.numel()):.2f}")


@check("initialise", hidden=True)
def test_initialise_in_place(submission, random):
    """Weights are changed in place: they stay the same Parameters, learnable, and tied if they were tied."""
    _seeded(submission, random)
    for tied in (True, False):
        model, weights = _model(submission, random, tied=tied)
        before = _parameters(model)
        held = submission.nn.ParameterList(model.parameters())  # as an optimiser would
        submission.initialise(model, submission.torch.Generator().manual_seed(3))
        for one, now in zip(_parameters(held), _parameters(model)):
            assert_that(torch.equal(one, now), "An optimiser that was made before still holds the old weights. Did you replace "
                        "a Parameter instead of filling it?")
        assert_equal(len(_parameters(model)), len(before), f"The number of Parameters of a model with tied={tied}, afterwards.")
        state = model.state_dict()
        same = torch.equal(state["lm_head.weight"], state["embed_tokens.weight"])
        assert_equal(same, tied, f"With tied={tied}: whether embeddings and output layer are equal afterwards.")
        gradients(model, random.integers(0, 37, 1, 4), upstream=random.normal(1, 4, 37))
        assert_that(float(_gradient_norm(submission, model.lm_head)) > 0, "After it, no gradient arrives at the weights any more.")


@check("initialise", hidden=True)
def test_initialise_global_generator(submission, random):
    """PyTorch's global generator plays no part, and is left as it was."""
    found = []
    for seed in (5, 6):
        model, _ = _model(submission, random)
        submission.torch.manual_seed(seed)
        before = submission.torch.get_rng_state()
        submission.initialise(model, submission.torch.Generator().manual_seed(11))
        assert_that(torch.equal(submission.torch.get_rng_state(), before), "The state of PyTorch's global generator moved: the random "
                    "numbers of the rest of the program depend on yours now. Which call does not get the generator?")
        found.append(model.state_dict()["layers.1.mlp.up_proj.weight"])
    assert_that(torch.equal(*found), "With another global seed, but the same generator, other weights came.", *found)


# ------------------------------------------------------------------------------------------------------- count_parameters


@check("count_parameters")
def test_parameters_tied(submission, random):
    """SmolLM2-135M has 134,515,008 parameters, and Llama 3.2 1B has 1,235,814,400: both are tied."""
    _assert_without_memory(submission)
    for name, sizes, expected in (("SmolLM2-135M", (49_152, 576, 30, 9, 3, 1536), 134_515_008),
                                  ("Llama 3.2 1B", (128_256, 2048, 16, 32, 8, 8192), 1_235_814_400)):
        found = submission.count_parameters(submission.Config(*sizes, context=8192))
        _assert_count(found, expected, f"{name} has tied embeddings, and key/value heads that several query heads share.")


@check("count_parameters")
def test_parameters_untied(submission, random):
    """Llama 2 7B has 6,738,415,616 parameters: not tied, and each head has its own keys and values."""
    _assert_without_memory(submission)
    config = submission.Config(32_000, 4096, 32, 32, 32, 11_008, context=4096, tied=False)
    _assert_count(submission.count_parameters(config), 6_738_415_616, "Llama 2 7B is not tied, and has as many key/value heads as heads.")


@check("count_parameters", hidden=True)
def test_parameters_large(submission, random):
    """Llama 3.1 405B has 405,853,388,800 parameters, to be counted without making them."""
    _assert_without_memory(submission)
    config = submission.Config(128_256, 16_384, 126, 128, 8, 53_248, context=131_072, tied=False)
    _assert_count(submission.count_parameters(config), 405_853_388_800, "Llama 3.1 405B.")


@check("count_parameters", points=2, hidden=True)
def test_parameters_any(submission, random):
    """The count is right for any config."""
    for layers in (1, 2, 7):
        heads = random.choice((2, 4, 6))
        for tied in (True, False):
            config = {"vocabulary": random.randint(10, 99), "width": heads * random.randint(3, 9), "layers": layers, "heads": heads,
                      "key_value_heads": random.choice((1, 2, heads)), "hidden": random.randint(5, 60), "context": random.randint(4, 9),
                      "tied": tied}
            shapes = _model_shapes(**config)
            expected = sum(math.prod(shape) for name, shape in shapes.items() if not (tied and name == "lm_head.weight"))
            _assert_count(submission.count_parameters(submission.Config(**config)), expected, f"With {config}.")


@check("count_parameters", hidden=True)
def test_parameters_context(submission, random):
    """What has no weights adds nothing: the context, the rotary base and epsilon do not count."""
    counts = [submission.count_parameters(submission.Config(**_config(context=context, base=base, epsilon=epsilon)))
              for context, base, epsilon in ((8, 10_000.0, 1e-5), (4096, 500_000.0, 1e-6))]
    assert_equal(counts[1], counts[0], "Only context, base and epsilon differ. Rotary positions have no weights.")


# ------------------------------------------------------------------------------------------------------------ count_flops


@check("count_flops")
def test_flops_example(submission, random):
    """SmolLM2-135M spends 339,738,624 operations on each token of a text of 1,024."""
    config = submission.Config(49_152, 576, 30, 9, 3, 1536, context=8192)
    _assert_count(submission.count_flops(config, 1024), 339_738_624, "SmolLM2-135M, a text of 1,024 tokens, forward only.")


@check("count_flops")
def test_flops_training(submission, random):
    """Training costs three times as much as going forward: backward, there are two multiplications for each one."""
    config = submission.Config(**_config())
    length = random.randint(3, 40)
    _assert_count(submission.count_flops(config, length, training=True), 3 * submission.count_flops(config, length),
                  "Forward once, and two more of the same size on the way back.")


@check("count_flops")
def test_flops_heads(submission, random):
    """How the width is cut into heads makes no difference to attention's own part, nor does sharing key/value heads."""
    def growth(**changes):
        config = submission.Config(**_config(**changes))
        return submission.count_flops(config, 100) - submission.count_flops(config, 10)

    expected = growth()
    for changes in ({"heads": 2, "key_value_heads": 2}, {"heads": 12, "key_value_heads": 3}, {"key_value_heads": 1}, {"key_value_heads": 6}):
        _assert_count(growth(**changes), expected, f"What a text of 100 tokens costs more than one of 10, with {changes} in place of 6 heads "
                      "and 2 key/value heads. How many scores does each query head compute?")


@check("count_flops", hidden=True)
def test_flops_tied(submission, random):
    """The output layer works whether it is tied or not, and looking up an embedding multiplies nothing."""
    tied, untied = (submission.count_flops(submission.Config(**_config(tied=tied)), 20) for tied in (True, False))
    assert_equal(untied, tied, "Only `tied` differs. Tying saves memory; does it save a multiplication?")
    small, large = (submission.count_flops(submission.Config(**_config(vocabulary=v)), 20) for v in (100, 1100))
    _assert_count(large - small, 2 * 1000 * 24, "A thousand more tokens in the vocabulary, width 24: what do they cost each token?")


@check("count_flops", points=2, hidden=True)
def test_flops_any(submission, random):
    """The count is right for any config and any length."""
    for layers in (1, 3):
        heads = random.choice((2, 4, 6))
        size = random.randint(3, 9)
        config = {"vocabulary": random.randint(10, 99), "width": heads * size, "layers": layers, "heads": heads,
                  "key_value_heads": random.choice((1, 2)), "hidden": random.randint(5, 60), "context": 16, "tied": layers == 1}
        for length, training in ((1, False), (random.randint(2, 50), False), (random.randint(2, 50), True)):
            found = submission.count_flops(submission.Config(**config), length, training)
            _assert_count(found, _operations(config, length) // length * (3 if training else 1),
                          f"With {config}, for a text of {length} tokens, training={training}.")


@check("count_flops", hidden=True)
def test_flops_length(submission, random):
    """Each further token of the text costs every token the same."""
    config = submission.Config(**_config(layers=random.randint(1, 5)))
    one, two, three = (submission.count_flops(config, length) for length in (100, 200, 300))
    assert_that(two > one, "A longer text should cost each token more: it meets more keys.", f"more than {one}", str(two))
    _assert_count(three - two, two - one, "From 200 to 300 tokens it should cost as much more as from 100 to 200. And `length` is that "
                  "of the text, not the config's `context`.")


# ------------------------------------------------------------------------------------------------------------------- load


@check("load")
def test_load_plain(submission, random):
    """Weights under the model's own names arrive, tied or not."""
    _seeded(submission, random)
    for tied in (True, False):
        model, _ = _model(submission, random, tied=tied)
        weights = _weights(random, _model_shapes(**_config(tied=tied)), tied)
        submission.load(model, weights)
        _assert_has(model, weights)


@check("load")
def test_load_published(submission, random):
    """A file as Hugging Face has it fits: names that begin with `model.`, and no `lm_head.weight` in a tied model."""
    for tied in (True, False):
        model, _ = _model(submission, random, tied=tied)
        weights = _weights(random, _model_shapes(**_config(tied=tied)), tied)
        submission.load(model, _published(weights, tied))
        _assert_has(model, weights)


@check("load")
def test_load_names_problems(submission, random):
    """What is missing, what has no place, and what has a wrong shape is named, all at once."""
    model, _ = _model(submission, random, tied=False)
    weights = _weights(random, _model_shapes(**_config(tied=False)), False)
    del weights["layers.1.mlp.up_proj.weight"], weights["lm_head.weight"]
    weights["layers.0.self_attn.q_proj.bias"] = random.normal(24)
    weights["layers.1.input_layernorm.weight"] = random.normal(25)
    _assert_refused(submission, model, weights, {"layers.1.mlp.up_proj.weight", "lm_head.weight", "layers.0.self_attn.q_proj.bias",
                                                 "layers.1.input_layernorm.weight"})


@check("load", hidden=True)
def test_load_each_problem(submission, random):
    """Each problem alone is enough to refuse: one missing, one too many, one of a wrong shape."""
    shapes = _model_shapes(**_config())
    for problem in ("missing", "extra", "layer", "broadcast", "transposed"):
        model, _ = _model(submission, random)
        weights = _published(_weights(random, shapes, True), True)
        if problem == "missing":
            name = "layers.1.self_attn.k_proj.weight"
            del weights[f"model.{name}"]
        elif problem == "extra":
            name = "layers.1.self_attn.o_proj.bias"
            weights[f"model.{name}"] = random.normal(24)
        elif problem == "layer":
            name = "layers.2.input_layernorm.weight"
            weights[f"model.{name}"] = random.normal(24)
        elif problem == "broadcast":
            name = random.choice(("norm.weight", "layers.0.post_attention_layernorm.weight"))
            weights[f"model.{name}"] = random.normal(1)
        else:
            name = "layers.1.mlp.down_proj.weight"
            weights[f"model.{name}"] = weights[f"model.{name}"].T.contiguous()
        _assert_refused(submission, model, weights, {name})


@check("load", hidden=True)
def test_load_nothing_half(submission, random):
    """A model that refuses weights is what it was before, also where they would have fitted."""
    for spoil in ("head", "shape", "missing", "extra"):
        model, before = _model(submission, random)
        weights = _published(_weights(random, _model_shapes(**_config()), True), True)
        if spoil == "head":
            weights["lm_head.weight"] = random.normal(37, 24)
        elif spoil == "shape":
            weights["model.norm.weight"] = random.normal(23)
        elif spoil == "missing":
            del weights["model.norm.weight"]
        else:
            weights["model.norm.bias"] = random.normal(24)
        with raises("ValueError", "These weights do not fit, so they should be refused with a ValueError."):
            submission.load(model, weights)
        state = model.state_dict()
        for name in before:
            assert_that(torch.equal(state[name], before[name]), f"The weights were refused, and yet {name} is another now: "
                        "the model is half old and half new. When do you copy?", before[name], state[name])


@check("load", hidden=True)
def test_load_ties(submission, random):
    """A tied model accepts an equal `lm_head.weight`, refuses another one, and stays tied; an untied one needs it."""
    _seeded(submission, random)
    weights = _weights(random, _model_shapes(**_config()), True)
    model, _ = _model(submission, random)
    submission.load(model, weights)
    assert_equal(len(_parameters(model)), 9 * 2 + 2, "The number of Parameters of a tied model with 2 layers, after loading.")
    model.load_state_dict({"embed_tokens.weight": random.normal(37, 24)}, strict=False)
    assert_that(torch.equal(model.lm_head.weight, model.embed_tokens.weight), "After loading, the model is not tied any more.")
    _assert_refused(submission, model, weights | {"lm_head.weight": random.normal(37, 24)}, {"lm_head.weight"},
                    allowed=("embed_tokens.weight",))
    untied, _ = _model(submission, random, tied=False)
    without = {name: weight for name, weight in weights.items() if name != "lm_head.weight"}
    _assert_refused(submission, untied, without, {"lm_head.weight"})


@check("load", hidden=True)
def test_load_into_parameters(submission, random):
    """The numbers go into the Parameters that are there, in their dtype: an optimiser made before sees them."""
    model, _ = _model(submission, random)
    held = submission.nn.ParameterList(model.parameters())  # as an optimiser would
    weights = _weights(random, _model_shapes(**_config()), True)
    submission.load(model, {name: weight.double() for name, weight in weights.items()})
    _assert_has(model, weights)
    for one, now in zip(_parameters(held), _parameters(model)):
        assert_that(torch.equal(one, now), "An optimiser that was made before loading holds the old weights. Did you replace a "
                    "Parameter instead of filling it?", now, one)
    gradients(model, random.integers(0, 37, 1, 4), upstream=random.normal(1, 4, 37))
    assert_that(float(_gradient_norm(submission, model.layers)) > 0, "After loading, no gradient arrives at the weights any more.")


@check("load", hidden=True)
def test_load_copies(submission, random):
    """The given weights stay as they were, and what happens to them later does not reach the model."""
    model, _ = _model(submission, random)
    weights = _weights(random, _model_shapes(**_config()), True)
    (_, after), _ = inputs_after(submission.load, model, weights)
    assert_equal(list(after), list(weights), "The names in `weights` afterwards:")
    for name in weights:
        assert_that(torch.equal(after[name], weights[name]), f"{name} in `weights` was changed.")
    theirs, before = _model(submission, random)
    submission.load(model, theirs.state_dict())  # tensors that belong to another model, which goes on learning
    theirs.load_state_dict(_weights(random, _model_shapes(**_config()), True))
    assert_that(torch.equal(model.state_dict()["norm.weight"], before["norm.weight"]), "The given tensors were changed after loading, "
                "and the model with them. Do they share their memory?")
    _assert_has(model, before)


# ------------------------------------------------------------------------------------------------------------- references


def _config(**changes):
    """The fields of a small config, no two sizes alike."""
    return {"vocabulary": 37, "width": 24, "layers": 2, "heads": 6, "key_value_heads": 2, "hidden": 20, "context": 16,
            "epsilon": 1e-5, "base": 10_000.0} | changes


def _block_shapes(width, heads, key_value_heads, hidden, **others):
    """The names and shapes of a block's weights."""
    shared = width // heads * key_value_heads
    return {
        "input_layernorm.weight": (width,),
        "self_attn.q_proj.weight": (width, width),
        "self_attn.k_proj.weight": (shared, width),
        "self_attn.v_proj.weight": (shared, width),
        "self_attn.o_proj.weight": (width, width),
        "post_attention_layernorm.weight": (width,),
        "mlp.gate_proj.weight": (hidden, width),
        "mlp.up_proj.weight": (hidden, width),
        "mlp.down_proj.weight": (width, hidden),
    }


def _model_shapes(vocabulary, width, layers, **others):
    """The names and shapes of a model's weights."""
    block = _block_shapes(width=width, **others)
    return {
        "embed_tokens.weight": (vocabulary, width),
        **{f"layers.{i}.{name}": shape for i in range(layers) for name, shape in block.items()},
        "norm.weight": (width,),
        "lm_head.weight": (vocabulary, width),
    }


def _seeded(submission, random):
    """From here on, new modules of the learner's get the same random weights in each run: mistakes are told apart by them."""
    submission.torch.manual_seed(random.randrange(2**31))


def _shapes_of(module):
    """The names and shapes in the learner's state_dict."""
    state = module.state_dict()
    return {name: tuple(state[name].shape) for name in state}


def _weights(random, shapes, tied=False):
    """Random weights, large enough that each part has a say; a tied model's output layer gets its embeddings."""
    weights = {}
    for name, shape in shapes.items():
        weights[name] = 1 + 0.3 * random.normal(*shape) if len(shape) == 1 else 1.5 * random.normal(*shape) / math.sqrt(shape[1])
    if tied:
        weights["lm_head.weight"] = weights["embed_tokens.weight"].clone()
    return weights


def _zeros(weights, *parts, whole=False):
    """Those of the weights that have one of these parts in their names (or as a whole name), as zeros."""
    return {name: torch.zeros_like(weight) for name, weight in weights.items()
            if (name in parts if whole else any(part in name for part in parts))}


def _block(submission, random, **changes):
    """A block of the learner's with random weights, and these."""
    block = submission.Block(submission.Config(**_config(**changes)))
    weights = _weights(random, _block_shapes(**_config(**changes)))
    block.load_state_dict(weights)
    return block, weights


def _model(submission, random, tied=True, **changes):
    """A model of the learner's with random weights, and these."""
    config = _config(tied=tied, **changes)
    model, weights = submission.LanguageModel(submission.Config(**config)), _weights(random, _model_shapes(**config), tied)
    model.load_state_dict(weights)
    return model, weights


def _drawn(submission, random, layers, seed=None, generator=None):
    """A model that the learner has initialised, and the weights that it had before."""
    sizes = {"vocabulary": 200, "width": 48, "heads": 4, "hidden": 60}
    model, weights = _model(submission, random, layers=layers, **sizes)
    if generator is None:
        generator = submission.torch.Generator().manual_seed(random.randrange(2**31) if seed is None else seed)
    submission.initialise(model, generator)
    return model, weights


def _assert_spread(weight, std, name):
    """Mean and standard deviation: two z-tests, each with a false-alarm rate of 2 in a billion; that of the variance by the
    cube root of Wilson and Hilferty, which is normal for all but the smallest samples."""
    n, wide = weight.numel(), weight.double() / std
    mean_z = float(wide.mean()) * math.sqrt(n)
    spread = float(wide.square().mean())
    spread_z = (spread ** (1 / 3) - (1 - 2 / (9 * n))) / math.sqrt(2 / (9 * n))
    assert_that(abs(spread_z) < 6, f"The standard deviation of {name}:", f"about {std:.5f}", f"{std * math.sqrt(spread):.5f}")
    assert_that(abs(mean_z) < 6, f"The mean of {name}:", "about 0", f"{float(weight.mean()):.5f}")


def _assert_count(found, expected, message):
    """Exactly this int; a person reads large numbers with commas."""
    assert_that(type(found) is int, f"A count is an int. {message}", f"{expected:,}", f"{found!r}, a {type(found).__name__}")
    difference = f" Yours is {abs(found - expected):,} too {'large' if found > expected else 'small'}."
    assert_that(found == expected, message + difference, f"{expected:,}", f"{found:,}")


def _assert_without_memory(submission):
    """Who makes the model to count it is stopped here by a table that no machine holds, before one of the next models takes all
    the memory there is."""
    try:
        submission.count_parameters(submission.Config(10**12, 64, 1, 4, 2, 64, context=8))
    except Raised as raised:
        assert_that("memory" not in raised.message, "The weights of this model would fill 256 terabytes, and you tried to make them. "
                    "How many there are follows from the config alone.", "a number, without memory for the weights",
                    "no memory for 256 terabytes")
        raise


def _operations(config, length):
    """What a text of `length` tokens costs forward, matrix multiplication by matrix multiplication."""
    width, size = config["width"], config["width"] // config["heads"]
    shared, hidden = size * config["key_value_heads"], config["hidden"]
    products = [(length, width, config["vocabulary"])]
    for _ in range(config["layers"]):
        products += [(length, width, width), (length, width, shared), (length, width, shared), (length, width, width)]
        products += [(length, size, length), (length, length, size)] * config["heads"]
        products += [(length, width, hidden), (length, width, hidden), (length, hidden, width)]
    return sum(2 * m * n * k for m, n, k in products)


def _published(weights, tied):
    """The weights with the names that they have in a file on Hugging Face."""
    return {name if name == "lm_head.weight" else f"model.{name}": weight for name, weight in weights.items()
            if not (tied and name == "lm_head.weight")}


def _assert_has(model, weights):
    """The model has exactly these weights."""
    state = model.state_dict()
    for name, weight in weights.items():
        assert_close(state[name], weight, f"{name} is not what was to be loaded.", 0, 0)


def _assert_refused(submission, model, weights, names, allowed=()):
    """The weights are refused, and exactly `names` are named."""
    known = {name.removeprefix("model.") for name in weights} | names | set(_model_shapes(**_config()))
    with raises("ValueError", "These weights do not fit, so they should be refused with a ValueError.") as caught:
        submission.load(model, weights)
    words = {word.strip(".").removeprefix("model.") for word in re.findall(r"[\w.]+", caught[0].message)}
    assert_equal(sorted((words & known) - set(allowed)), sorted(names), "The weights that the message of the ValueError names:")


def _parameters(module):
    """What PyTorch takes for the module's parameters. (`list` would ask how many there are.)"""
    return [parameter for parameter in module.parameters()]


def _module(model, name):
    """The module of the learner's whose weight has this name."""
    for part in name.split(".")[:-1]:
        model = getattr(model, part)
    return model


def _gradient_norm(submission, module):
    """The norm of the gradients of all parameters of a module: they do not cross themselves, but torch tells it."""
    return submission.nn.utils.clip_grad_norm_(module.parameters(), 1e9)


def _network(submission, gate, up, down):
    """The learner's feed-forward network with these weights."""
    network = submission.SwiGLU(*gate.T.shape)
    network.load_state_dict({"gate_proj.weight": gate, "up_proj.weight": up, "down_proj.weight": down})
    return network


def _network_weights(random, width, hidden):
    """Random weights for a feed-forward network: gate, up and down."""
    return [random.normal(hidden, width), random.normal(hidden, width), random.normal(width, hidden)]


def _swiglu(x, gate, up, down):
    """The feed-forward network, from its formula."""
    z = x @ gate.T
    return (z / (1 + torch.exp(-z)) * (x @ up.T)) @ down.T
