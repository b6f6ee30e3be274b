# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.
"""The checks of the lesson `model`."""
import math
import re
import torch
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


def _network(submission, gate, up, down):
    """The learner's feed-forward network with these weights."""
    network = submission.SwiGLU(*gate.T.shape)
    network.load_state_dict({"gate_proj.weight": gate, "up_proj.weight": up, "down_proj.weight": down})
    return network

ABOUT = {"lesson": "model", "title": "The model", "minutes": 90, "uses": {"RMSNorm": [], "SwiGLU": [], "Block": ["RMSNorm", "SwiGLU"], "LanguageModel": ["Block", "RMSNorm", "SwiGLU"], "initialise": ["Block", "LanguageModel", "RMSNorm", "SwiGLU"], "count_parameters": [], "count_flops": [], "load": ["Block", "LanguageModel", "RMSNorm", "SwiGLU"]}, "taught": ["attention"]}
