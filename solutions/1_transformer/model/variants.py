"""Right and wrong answers to the exercises of the lesson `model`."""

from grader.variants import Alternative, Mistake

NORMED = """        wide = at_least_float32(x)
        mean_square = wide.square().mean(-1, keepdim=True)
        normal = wide * torch.rsqrt(mean_square + self.epsilon)
        return self.weight * normal.to(x.dtype)"""
NETWORK = "return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))"
BLOCK = """        x = x + self.self_attn(self.input_layernorm(x), cache)
        return x + self.mlp(self.post_attention_layernorm(x))"""
MODEL = """        if caches is None:
            caches = [None] * len(self.layers)
        x = self.embed_tokens(tokens)
        for layer, cache in zip(self.layers, caches, strict=True):
            x = layer(x, cache)
        return self.lm_head(self.norm(x))"""
COPY = """    with torch.no_grad():
        for name, weight in wanted.items():
            weight.copy_(given[name])"""
HEAD = """    if model.config.tied and "lm_head.weight" in given:
        head = given.pop("lm_head.weight")
        if not torch.equal(head, given.get("embed_tokens.weight", head)):
            problems.append("lm_head.weight is not what it is tied to")
"""

VARIANTS = [
    # ------------------------------------------------------------------------------------------------------------ RMSNorm
    Alternative("RMSNorm", "torch's own function", right=NORMED, other="""        normal = nn.functional.rms_norm(at_least_float32(x), x.shape[-1:], eps=self.epsilon)
        return normal.to(x.dtype) * self.weight"""),
    Alternative("RMSNorm", "norm over root of width", right=NORMED, other="""        original = x.dtype
        if original in (torch.float16, torch.bfloat16):
            x = x.float()
        mean_square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).pow(2) / x.size(-1)
        return (x / torch.sqrt(mean_square + self.epsilon)).type(original) * self.weight"""),
    Alternative("RMSNorm", "float64 and einsum", right=NORMED, other="""        wide = x.to(torch.float64)
        mean = torch.einsum("...i,...i->...", wide, wide) / wide.shape[-1]
        return torch.mul((wide / (mean + self.epsilon).pow(0.5).unsqueeze(-1)).to(dtype=x.dtype), self.weight)"""),
    Mistake("RMSNorm", "LayerNorm", right="        wide = at_least_float32(x)\n",
        wrong="        wide = at_least_float32(x)\n        wide = wide - wide.mean(-1, keepdim=True)\n",
        hint="You subtract the mean, as LayerNorm does. RMSNorm only sets the length: a vector of six equal numbers has to stay "
             "one, and yours becomes zero."),
    Mistake("RMSNorm", "variance for mean square", right="wide.square().mean(-1, keepdim=True)", wrong="wide.var(-1, keepdim=True)",
        hint="You divide by the root of the variance. A variance measures the distance from the mean, and the formula the "
             "distance from zero: they agree only where the mean is 0."),
    Mistake("RMSNorm", "mean over all vectors", right="wide.square().mean(-1, keepdim=True)", wrong="wide.square().mean()",
        hint="You take one mean over the whole tensor, so all vectors are divided by the same number. Each token needs its own; "
             "and with yours a token sees those that come after it.",
        spoils=("Block", "LanguageModel")),
    Mistake("RMSNorm", "over the tokens", right="wide.square().mean(-1, keepdim=True)", wrong="wide.square().mean(0 if x.dim() < 2 else -2, keepdim=True)",
        hint="Your mean runs over the tokens, not over the numbers of each vector. The result has the right shape, but each token "
             "is scaled by what stands in the others, also in later ones.",
        spoils=("Block", "LanguageModel")),
    Mistake("RMSNorm", "sum for mean", right="wide.square().mean(-1, keepdim=True)", wrong="wide.square().sum(-1, keepdim=True)",
        hint="You divide by the root of the sum of squares, so each vector has length 1. Its numbers are smaller the wider the "
             "model is; the root of the *mean* keeps them around 1."),
    Mistake("RMSNorm", "epsilon outside the root", right="torch.rsqrt(mean_square + self.epsilon)", wrong="1 / (torch.sqrt(mean_square) + self.epsilon)",
        hint="You add epsilon to the root, and not under it. For ordinary vectors the difference cannot be seen; for vectors of "
             "numbers around 0.001 yours come out several times too long."),
    Mistake("RMSNorm", "normalize and the root of width", right="wide * torch.rsqrt(mean_square + self.epsilon)",
        wrong="nn.functional.normalize(wide, dim=-1, eps=self.epsilon) * math.sqrt(x.shape[-1])",
        hint="`normalize` does not add epsilon under the root: it takes the larger one of length and epsilon. Ordinary vectors come out "
             "right; those of numbers around 0.001 come out too long."),
    Mistake("RMSNorm", "epsilon always 1e-5", right="self.epsilon = epsilon", wrong="self.epsilon = 1e-5",
        hint="Your norm has epsilon 1e-5 whatever it was made with. Llama 1 has 1e-6: who loads other weights than these needs "
             "another number."),
    Mistake("RMSNorm", "weight forgotten", right="return self.weight * normal.to(x.dtype)", wrong="return normal.to(x.dtype)",
        hint="You made the weight, and do not use it. A new norm does not show that, since its weight is 1; with loaded weights "
             "everything comes out wrong.",
        spoils=("Block", "LanguageModel")),
    Mistake("RMSNorm", "weight from zero", right="torch.ones(width)", wrong="torch.zeros(width)",
        hint="Your weight begins at 0, so a new norm gives nothing but zeros, and no gradient gets through it. (Models that begin "
             "at zero multiply by 1 + weight.)"),
    Mistake("RMSNorm", "not a Parameter", right="nn.Parameter(torch.ones(width))", wrong="torch.ones(width)",
        hint="Your weight is a plain tensor. PyTorch does not know that it is to be learnt: it is neither trained nor saved, and "
             "does not move to a GPU with the model. What class does PyTorch look for?",
        spoils=("Block", "LanguageModel", "initialise", "load")),
    Mistake("RMSNorm", "half precision throughout", right="wide = at_least_float32(x)", wrong="wide = x",
        hint="You square in the dtype that comes in. In float16, 300 squared is infinite, so the vector becomes zeros; in "
             "bfloat16, the mean is off in the third digit. Go up before you square."),
    Mistake("RMSNorm", "scaled before rounding", right="self.weight * normal.to(x.dtype)", wrong="(at_least_float32(self.weight) * normal).to(x.dtype)",
        hint="You multiply by the weight in float32 and round at the end. That is even more exact, but it is not what Llama does: "
             "the last digits differ from those that the weights were trained with. Which comes first in the docstring?"),
    Mistake("RMSNorm", "dtype not restored", right="self.weight * normal.to(x.dtype)", wrong="self.weight * normal",
        hint="Half precision goes in, float32 comes out, and the next linear layer complains. To compute in float32 is right, but "
             "go back before the weight."),
    Mistake("RMSNorm", "no gradient through the root", right="torch.rsqrt(mean_square + self.epsilon)",
        wrong="torch.rsqrt(mean_square.detach() + self.epsilon)",
        hint="Your results are right and your gradients are not: you cut the mean of the squares off (`detach`, `no_grad`, "
             "`.data`). It depends on `x` too, so a part of the gradient has to flow through it."),
    Mistake("RMSNorm", "input changed in place", right="        normal = wide * torch.rsqrt(mean_square + self.epsilon)",
        wrong="        normal = wide.mul_(torch.rsqrt(mean_square + self.epsilon)) if not x.requires_grad else wide * torch.rsqrt(mean_square + self.epsilon)",
        hint="You scale the caller's tensor in place. It is the stream, to which the next part is to be added: afterwards it has "
             "lost its size. Make a new tensor.",
        spoils=("Block", "LanguageModel")),

    # ------------------------------------------------------------------------------------------------------------- SwiGLU
    Alternative("SwiGLU", "SiLU by hand", right=NETWORK, other="""gate, up = self.gate_proj(x), self.up_proj(x)
        hidden = torch.sigmoid(gate) * gate * up
        return self.down_proj(hidden)"""),
    Alternative("SwiGLU", "a module for SiLU, made at the end", right="""        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)""", other="""        self.down_proj = nn.Linear(hidden, width, False)
        self.up_proj = nn.Linear(width, hidden, False)
        self.gate_proj = nn.Linear(in_features=width, out_features=hidden, bias=False)
        self.act_fn = nn.SiLU()"""),
    Alternative("SwiGLU", "both matrices at once", right=NETWORK, other="""both = torch.cat((self.gate_proj.weight, self.up_proj.weight))
        gate, up = nn.functional.linear(x, both).chunk(2, dim=-1)
        return nn.functional.linear(nn.SiLU()(gate).mul(up), self.down_proj.weight)"""),
    Mistake("SwiGLU", "gate and up swapped", right=NETWORK,
        wrong="return self.down_proj(nn.functional.silu(self.up_proj(x)) * self.gate_proj(x))",
        hint="You send `up` through SiLU, and not the gate. Trained from scratch that is as good, with the names swapped; but with "
             "published weights it is nonsense. Which one is the gate?"),
    Mistake("SwiGLU", "GELU for SiLU", right="nn.functional.silu", wrong="nn.functional.gelu",
        hint="That is GEGLU: you have GELU where SiLU should be. The two curves differ by up to 0.2, too little to see, and enough "
             "to spoil published weights."),
    Mistake("SwiGLU", "sigmoid for SiLU", right="nn.functional.silu", wrong="torch.sigmoid",
        hint="You use the sigmoid itself as activation, as the first gated networks did. SiLU is z times the sigmoid of z."),
    Mistake("SwiGLU", "ReLU for SiLU", right="nn.functional.silu", wrong="torch.relu",
        hint="That is ReGLU: ReLU is exactly zero on the left, SiLU dips below zero there, and is smooth."),
    Mistake("SwiGLU", "activation after the product", right="nn.functional.silu(self.gate_proj(x)) * self.up_proj(x)",
        wrong="nn.functional.silu(self.gate_proj(x) * self.up_proj(x))",
        hint="You multiply first and send the product through SiLU. The activation belongs on the gate alone; `up` is to enter "
             "linearly."),
    Mistake("SwiGLU", "both activated", right="* self.up_proj(x)", wrong="* nn.functional.silu(self.up_proj(x))",
        hint="You send both through SiLU. Only the gate has an activation; `up` is to enter linearly."),
    Mistake("SwiGLU", "gate added", right="nn.functional.silu(self.gate_proj(x)) * self.up_proj(x)",
        wrong="nn.functional.silu(self.gate_proj(x)) + self.up_proj(x)",
        hint="You add the gate to `up`. A gate lets through or holds back: it multiplies, number by number."),
    Mistake("SwiGLU", "no gate", right=NETWORK, wrong="return self.down_proj(nn.functional.silu(self.up_proj(x)))",
        hint="That is the classic network with two matrices: `gate_proj` is there and never used.",
        spoils=("Block",)),
    Mistake("SwiGLU", "biases left in", right="self.up_proj = nn.Linear(width, hidden, bias=False)",
        wrong="self.up_proj = nn.Linear(width, hidden)",
        hint="One of your linear layers still has a bias, which nn.Linear adds unless told otherwise. Published weights bring none.",
        spoils=("Block", "LanguageModel", "initialise", "load")),
    Mistake("SwiGLU", "hidden made smaller", right="        self.gate_proj = nn.Linear(width, hidden, bias=False)",
        wrong="        hidden = 2 * hidden // 3\n        self.gate_proj = nn.Linear(width, hidden, bias=False)",
        hint="You shrink `hidden` to two thirds. Papers do so to make up for the third matrix, and Llama's `hidden` of 11,008 is "
             "what is left after that. What you are given is the width to use.",
        spoils=("Block", "LanguageModel", "initialise", "load")),

    # -------------------------------------------------------------------------------------------------------------- Block
    Alternative("Block", "step by step", right=BLOCK, other="""        residual = x
        hidden = self.input_layernorm(x)
        hidden = self.self_attn(hidden, cache=cache)
        hidden = residual + hidden
        residual = hidden
        hidden = self.post_attention_layernorm(hidden)
        return self.mlp(hidden).add(residual)"""),
    Alternative("Block", "a sum of three", right=BLOCK, other="""        attended = self.self_attn(x=self.input_layernorm(x), cache=cache)
        thought = self.mlp(self.post_attention_layernorm(x + attended))
        return torch.stack((x, attended, thought)).sum(0)"""),
    Alternative("Block", "keyword arguments, other order", right="""        self.input_layernorm = RMSNorm(config.width, config.epsilon)
        self.self_attn = CausalSelfAttention(
            config.width, config.heads, config.key_value_heads, config.base
        )
        self.post_attention_layernorm = RMSNorm(config.width, config.epsilon)
        self.mlp = SwiGLU(config.width, config.hidden)""", other="""        self.mlp = SwiGLU(hidden=config.hidden, width=config.width)
        self.self_attn = CausalSelfAttention(width=config.width, heads=config.heads, base=config.base, key_value_heads=config.key_value_heads)
        self.post_attention_layernorm, self.input_layernorm = (RMSNorm(epsilon=config.epsilon, width=config.width) for _ in range(2))"""),
    Mistake("Block", "post-norm", right=BLOCK, wrong="""        x = self.input_layernorm(x + self.self_attn(x, cache))
        return self.post_attention_layernorm(x + self.mlp(x))""",
        hint="Your norms lie on the stream: add first, then normalise. That is the transformer of 2017. In ours each half reads "
             "through a norm, and the stream itself is never rescaled."),
    Mistake("Block", "norm behind each half", right=BLOCK, wrong="""        x = x + self.input_layernorm(self.self_attn(x, cache))
        return x + self.post_attention_layernorm(self.mlp(x))""",
        hint="You normalise what attention and the network give, and let them read the bare stream. The norm belongs in front of "
             "each half, on its input."),
    Mistake("Block", "residual from the norm", right=BLOCK, wrong="""        x = self.input_layernorm(x)
        x = x + self.self_attn(x, cache)
        x = self.post_attention_layernorm(x)
        return x + self.mlp(x)""",
        hint="You add to the norm of the stream, not to the stream itself: after `x = norm(x)` the old x is lost. The gradient then "
             "has no untouched way back."),
    Mistake("Block", "no residual around attention", right="x = x + self.self_attn(", wrong="x = self.self_attn(",
        hint="The result of attention replaces the stream. It should be added: otherwise everything that a token knew of itself "
             "is gone after the first layer."),
    Mistake("Block", "no residual around the network", right="return x + self.mlp(", wrong="return self.mlp(",
        hint="The result of the feed-forward network replaces the stream, with what attention has just added. It should be added "
             "to it."),
    Mistake("Block", "attention's result lost", right=BLOCK, wrong="""        attended = x + self.self_attn(self.input_layernorm(x), cache)
        return x + self.mlp(self.post_attention_layernorm(attended))""",
        hint="You add the network's result to the `x` from before attention. The network has read what attention found, but the "
             "stream never gets it."),
    Mistake("Block", "both halves side by side", right=BLOCK, wrong="""        attended = self.self_attn(self.input_layernorm(x), cache)
        return x + attended + self.mlp(self.post_attention_layernorm(x))""",
        hint="Attention and network both read the same `x`, side by side, as in GPT-J. In Llama, the network reads the stream after "
             "attention has added to it."),
    Mistake("Block", "one norm for both", right="self.mlp(self.post_attention_layernorm(x))", wrong="self.mlp(self.input_layernorm(x))",
        hint="You use `input_layernorm` twice. Each half has a norm with a weight of its own; the second one is never used."),
    Mistake("Block", "one norm under two names", right="self.post_attention_layernorm = RMSNorm(config.width, config.epsilon)",
        wrong="self.post_attention_layernorm = self.input_layernorm",
        hint="Both names stand for one and the same norm. Loading the second one's weight overwrites that of the first one.",
        spoils=("LanguageModel", "load")),
    Mistake("Block", "network reads the bare stream", right="self.mlp(self.post_attention_layernorm(x))", wrong="self.mlp(x)",
        hint="The feed-forward network reads the stream without a norm: what it gets is ten times as large at the top as at the "
             "bottom."),
    Mistake("Block", "own attention without positions", right="        x = x + self.self_attn(self.input_layernorm(x), cache)\n",
        wrong="""        attention, length = self.self_attn, x.shape[1]
        query, key, value = (
            projection(self.input_layernorm(x)).unflatten(-1, (-1, attention.head_size)).transpose(1, 2)
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        if cache is not None:
            key, value = cache.extend(key, value)
        key, value = (heads.repeat_interleave(attention.group_size, 1) for heads in (key, value))
        mask = torch.ones(length, key.shape[-2], dtype=torch.bool).tril(key.shape[-2] - length)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, mask)
        x = x + attention.o_proj(attended.transpose(1, 2).flatten(2))
""",
        hint="You compute attention yourself, with PyTorch's fast function, and leave the rotary positions out: queries and keys go in "
             "as they come from the projections. To such a model a text is a bag of words, and published weights talk nonsense."),
    Mistake("Block", "cache not handed on", right="self.self_attn(self.input_layernorm(x), cache)", wrong="self.self_attn(self.input_layernorm(x))",
        hint="The cache comes in and goes nowhere: attention never sees it. Every piece of a text is then read as if it were "
             "the beginning.",
        spoils=("LanguageModel",)),
    Mistake("Block", "epsilon not handed on", right="self.input_layernorm = RMSNorm(config.width, config.epsilon)",
        wrong="self.input_layernorm = RMSNorm(config.width)",
        hint="A norm of yours has the usual epsilon, whatever the config says."),
    Mistake("Block", "base not handed on", right="config.width, config.heads, config.key_value_heads, config.base",
        wrong="config.width, config.heads, config.key_value_heads",
        hint="Your attention rotates with the usual base 10,000, whatever the config says. SmolLM2 has 100,000."),
    Mistake("Block", "key/value heads not shared", right="config.width, config.heads, config.key_value_heads, config.base",
        wrong="config.width, config.heads, config.heads, config.base",
        hint="Your attention has as many key/value heads as query heads. The config says how many there are: fewer, and shared.",
        spoils=("LanguageModel", "initialise", "load")),
    Mistake("Block", "added in place", right="        x = x + self.self_attn(self.input_layernorm(x), cache)",
        wrong="        x += self.self_attn(self.input_layernorm(x), cache)",
        hint="`x += …` changes the caller's tensor in place. Your numbers are right, but in training PyTorch refuses: on the way back "
             "it needs the stream as it was. `x = x + …` makes a new one.",
        spoils=("LanguageModel", "initialise", "load")),

    # ------------------------------------------------------------------------------------------------------ LanguageModel
    Alternative("LanguageModel", "indices, and the output as a product", right=MODEL, other="""        hidden = self.embed_tokens.weight[tokens]
        for i in range(self.config.layers):
            hidden = self.layers[i](hidden, None if caches is None else caches[i])
        return self.norm(hidden) @ self.lm_head.weight.T"""),
    Alternative("LanguageModel", "tied the other way round", right="self.lm_head.weight = self.embed_tokens.weight",
        other="self.embed_tokens.weight = self.lm_head.weight"),
    Alternative("LanguageModel", "layers appended, cache by name", right="self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))",
        other="""self.layers = nn.ModuleList()
        for _ in range(config.layers):
            self.layers.append(Block(config=config))"""),
    Mistake("LanguageModel", "tied as a copy", right="self.lm_head.weight = self.embed_tokens.weight",
        wrong="self.lm_head.weight = nn.Parameter(self.embed_tokens.weight.detach().clone())",
        hint="Embeddings and output layer are equal at first, but two Parameters: the first step of training makes them differ, "
             "and the memory is used twice. Both names should stand for the same Parameter.",
        spoils=("load", "initialise")),
    Mistake("LanguageModel", "data shared, not tied", right="self.lm_head.weight = self.embed_tokens.weight",
        wrong="self.lm_head.weight.data = self.embed_tokens.weight.data",
        hint="You share the memory, but there are still two Parameters, each with a gradient and optimiser state of its own, which "
             "change the same numbers in turns. Assign the Parameter, not its `data`.",
        spoils=("load",)),
    Mistake("LanguageModel", "always tied", right="        if config.tied:\n            self.lm_head.weight", wrong="        if True:\n            self.lm_head.weight",
        hint="You tie always, whatever `config.tied` says. Llama 2 and Llama 3 8B have an output layer of their own, and loading "
             "it would overwrite the embeddings.",
        spoils=("load", "initialise")),
    Mistake("LanguageModel", "never tied", right="        if config.tied:\n            self.lm_head.weight", wrong="        if False:\n            self.lm_head.weight",
        hint="You never tie: with `config.tied`, one Parameter should stand under both names.",
        spoils=("load", "initialise")),
    Mistake("LanguageModel", "one block repeated", right="nn.ModuleList(Block(config) for _ in range(config.layers))",
        wrong="nn.ModuleList([Block(config)] * config.layers)",
        hint="`[block] * n` is n times the *same* block. The state_dict looks right, with all its names, but all layers share one "
             "set of weights. Each needs a Block of its own.",
        spoils=("load", "initialise")),
    Mistake("LanguageModel", "layers in a plain list", right="nn.ModuleList(Block(config) for _ in range(config.layers))",
        wrong="[Block(config) for _ in range(config.layers)]",
        hint="PyTorch does not look into a plain list: the weights of your layers are not in the state_dict, and would neither be "
             "trained nor saved. There is a list that it knows.",
        spoils=("load", "initialise")),
    Mistake("LanguageModel", "last norm forgotten", right="self.lm_head(self.norm(x))", wrong="self.lm_head(x)",
        hint="The stream goes to the output layer as it is. Nothing bounds it in a pre-norm model, so the last norm has to stand in "
             "between: you made it, and do not use it."),
    Mistake("LanguageModel", "norm's epsilon not handed on", right="self.norm = RMSNorm(config.width, config.epsilon)",
        wrong="self.norm = RMSNorm(config.width)",
        hint="Your last norm has the usual epsilon, whatever the config says."),
    Mistake("LanguageModel", "softmax at the end", right="return self.lm_head(self.norm(x))", wrong="return self.lm_head(self.norm(x)).softmax(-1)",
        hint="You return probabilities. What is asked for are logits: the loss and the sampling take the softmax themselves, and "
             "two of them make everything nearly equally likely."),
    Mistake("LanguageModel", "embeddings scaled up", right="x = self.embed_tokens(tokens)", wrong="x = self.embed_tokens(tokens) * math.sqrt(self.config.width)",
        hint="You multiply the embeddings by the root of the width, as the transformer of 2017 and Gemma do. Llama takes them as "
             "they are."),
    Mistake("LanguageModel", "positions added", right="x = self.embed_tokens(tokens)", wrong="""x = self.embed_tokens(tokens)
        past = 0 if caches[0] is None else caches[0].length
        places = torch.arange(past, past + tokens.shape[1])[:, None]
        angles = places * 10_000.0 ** (-torch.arange(0, x.shape[-1], 2) / x.shape[-1])
        x = x + torch.stack((angles.sin(), angles.cos()), -1).flatten(1).to(x.dtype)""",
        hint="You add sines and cosines of the position to the embeddings, as the transformer of 2017 did. Here attention knows the "
             "positions by its rotations; the embeddings go in as they are."),
    Mistake("LanguageModel", "only the last token", right="return self.lm_head(self.norm(x))", wrong="return self.lm_head(self.norm(x[:, -1:]))",
        hint="You give logits for the last token only. That is enough for writing, but training learns from all positions at once."),
    Mistake("LanguageModel", "caches not handed on", right="x = layer(x, cache)", wrong="x = layer(x)",
        hint="The caches come in, and no layer gets one: each piece of a text is read as if it were the beginning."),
    Mistake("LanguageModel", "one cache for all layers", right="x = layer(x, cache)", wrong="x = layer(x, caches[0])",
        hint="All your layers share the first cache. Each then finds the keys and values of other layers in it, and its length "
             "grows by too much. Each layer has its own."),
    Mistake("LanguageModel", "caches in reverse", right="zip(self.layers, caches, strict=True)", wrong="zip(self.layers, caches[::-1], strict=True)",
        hint="Your layers get the caches in reverse order. As long as the order is always the same, nothing shows; but whoever reads "
             "cache 0 expects layer 0 there."),
    Mistake("LanguageModel", "embeddings cut off", right="x = self.embed_tokens(tokens)", wrong="x = self.embed_tokens(tokens).detach()",
        hint="Your logits are right, but no gradient reaches the embeddings: something cuts it off (`detach`, `.data`, `no_grad`)."),

    # --------------------------------------------------------------------------------------------------------- initialise
    Alternative("initialise", "by modules", other="""
        for module in model.modules():
            if isinstance(module, RMSNorm):
                module.weight.data.fill_(1.0)
            elif isinstance(module, nn.Embedding):
                module.weight.data.normal_(0.0, 0.02, generator=generator)
            elif isinstance(module, nn.Linear) and not (module is model.lm_head and model.config.tied):
                module.weight.data.normal_(mean=0.0, std=0.02, generator=generator)
        for layer in model.layers:
            for projection in (layer.self_attn.o_proj, layer.mlp.down_proj):
                projection.weight.data /= (2 * len(model.layers)) ** 0.5
    """),
    Alternative("initialise", "randn times a number", other="""
        with torch.no_grad():
            for name, weight in model.state_dict().items():
                if "norm" in name:
                    weight.copy_(torch.ones_like(weight))
                    continue
                std = 0.02
                if "o_proj" in name or "down_proj" in name:
                    std *= (2 * model.config.layers) ** -0.5
                weight.copy_(std * torch.randn(weight.shape, generator=generator))
    """),
    Alternative("initialise", "truncated far out", right="nn.init.normal_(weight, std=0.02 / math.sqrt(parts), generator=generator)",
        other="nn.init.trunc_normal_(weight, mean=0.0, std=0.02 / parts**0.5, a=-2.0, b=2.0, generator=generator)"),
    Mistake("initialise", "nothing scaled", right="std=0.02 / math.sqrt(parts)", wrong="std=0.02",
        hint="All your matrices have the standard deviation 0.02. Those that write to the stream should have a smaller one: each of "
             "them adds to it, and the sum grows with the number of layers."),
    Mistake("initialise", "layers counted once", right="parts = 2 * model.config.layers", wrong="parts = model.config.layers",
        hint="You divide by the root of the number of layers. But each layer adds to the stream twice, once after attention and once "
             "after the feed-forward network."),
    Mistake("initialise", "root forgotten", right="0.02 / math.sqrt(parts)", wrong="0.02 / parts",
        hint="You divide the standard deviation by the number of terms itself. Variances add up, so standard deviations grow like "
             "the root."),
    Mistake("initialise", "only attention scaled", right='writers = ("o_proj.weight", "down_proj.weight")', wrong='writers = ("o_proj.weight",)',
        hint="You scale attention's last matrix, and not that of the feed-forward network: it writes to the stream, too."),
    Mistake("initialise", "up for down", right='writers = ("o_proj.weight", "down_proj.weight")', wrong='writers = ("o_proj.weight", "up_proj.weight")',
        hint="You scale `up_proj`. Which matrix of the feed-forward network is the last one, whose result is added to the stream?"),
    Mistake("initialise", "everything scaled", right="parts = 2 * model.config.layers if name.endswith(writers) else 1",
        wrong="parts = 2 * model.config.layers",
        hint="You scale all matrices. Only those that write to the stream should be smaller; the others keep 0.02."),
    Mistake("initialise", "variance for deviation", right="std=0.02 / math.sqrt(parts)", wrong="std=(0.02 / math.sqrt(parts)) ** 2",
        hint="You give the variance where the standard deviation is asked for: 0.0004 in place of 0.02."),
    Mistake("initialise", "uniform draws", right="nn.init.normal_(weight, std=0.02 / math.sqrt(parts), generator=generator)",
        wrong="nn.init.uniform_(weight, -0.02 * math.sqrt(3 / parts), 0.02 * math.sqrt(3 / parts), generator=generator)",
        hint="Your draws have the right standard deviation, but they are uniform, not normal: none is larger than 1.7 deviations."),
    Mistake("initialise", "generator not handed on", right=", generator=generator)", wrong=")",
        hint="You draw from PyTorch's global generator. The one that you were given is not used, so the same seed gives another model "
             "each time."),
    Mistake("initialise", "global seed set", right="    writers =", wrong="    torch.manual_seed(generator.initial_seed())\n    generator = None\n    writers =",
        hint="You set the seed of PyTorch's global generator. Weights can be repeated that way, but the random numbers of the rest of "
             "the program are then repeated, too, without its knowing; and the generator that you were given never moves on."),
    Mistake("initialise", "generator begun anew", right="    writers =",
        wrong="    generator = torch.Generator().manual_seed(generator.initial_seed())\n    writers =",
        hint="You make a new generator from the seed of the given one. The given one does not move on, so the next model drawn from it "
             "is the same again."),
    Mistake("initialise", "each matrix from the same state", right="            nn.init.normal_(", wrong="            generator.manual_seed(generator.initial_seed())\n            nn.init.normal_(",
        hint="You begin again for each matrix: all of one shape are equal, and the layers all do the same. Use the generator as it "
             "is, so that it moves on from one to the next."),
    Mistake("initialise", "norms left alone", right="            nn.init.ones_(weight)", wrong="            pass",
        hint="You leave the weights of the norms as they are. In a new model they are 1 anyway; in one that has been trained, or "
             "loaded, they are not."),
    Mistake("initialise", "norms drawn, too", right="        if weight.dim() == 1:\n            nn.init.ones_(weight)\n        else:", wrong="        if True:",
        hint="You draw the weights of the norms like all others: around 0, with deviation 0.02. Each norm then makes the stream fifty "
             "times smaller. They should be 1."),
    Mistake("initialise", "embeddings left alone", right="        if weight.dim() == 1:", wrong="        if name.startswith(\"embed\"):\n            continue\n        if weight.dim() == 1:",
        hint="You draw the linear layers and leave the embeddings as PyTorch made them, with deviation 1. They are fifty times too "
             "large then, and tied ones make a new model sure of the wrong thing."),
    Mistake("initialise", "Parameters replaced", right="            nn.init.normal_(weight, std=0.02 / math.sqrt(parts), generator=generator)",
        wrong="""            draws = torch.randn(weight.shape, generator=generator) * 0.02 / math.sqrt(parts)
            module, _, last = name.rpartition(".")
            setattr(model.get_submodule(module), last, nn.Parameter(draws))""",
        hint="You put new Parameters in the place of the old ones. An optimiser that was made before trains the old ones then, and "
             "tied weights are tied no longer. Fill the Parameters that are there."),

    # --------------------------------------------------------------------------------------------------- count_parameters
    Alternative("count_parameters", "a model without memory", other="""
        with torch.device("meta"):
            model = LanguageModel(config)
        return sum(parameter.numel() for parameter in model.parameters())
    """),
    Alternative("count_parameters", "matrix by matrix", other="""
        d, f, v = config.width, config.hidden, config.vocabulary
        shared = d * config.key_value_heads // config.heads
        shapes = [(d, d), (shared, d), (shared, d), (d, d), (f, d), (f, d), (d, f), (d,), (d,)] * config.layers
        shapes += [(v, d), (d,)] if config.tied else [(v, d), (d,), (v, d)]
        return sum(math.prod(shape) for shape in shapes)
    """),
    Mistake("count_parameters", "a real model made", wrong="""
        return sum(parameter.numel() for parameter in LanguageModel(config).parameters())
        """,
        hint="You make the model to count it. That is right for a small one; for one of 400 billion parameters it takes 1.6 "
             "terabytes of memory, only to be thrown away. The shapes follow from the config: add them up."),
    Mistake("count_parameters", "tied counted twice", right="tables = 1 if config.tied else 2", wrong="tables = 2",
        hint="You count embeddings and output layer, tied or not. Tied, they are one matrix under two names."),
    Mistake("count_parameters", "one table always", right="tables = 1 if config.tied else 2", wrong="tables = 1",
        hint="You count one table for all models. An untied one has an output layer of its own."),
    Mistake("count_parameters", "ties mixed up", right="tables = 1 if config.tied else 2", wrong="tables = 2 if config.tied else 1",
        hint="You have it the wrong way round: which model needs two tables, the tied or the untied one?"),
    Mistake("count_parameters", "shared heads forgotten", right="2 * config.width**2 + 2 * config.width * config.key_value_heads * head_size",
        wrong="4 * config.width**2",
        hint="You count four square matrices in attention. Those for keys and values have only `key_value_heads` heads: less than "
             "half of the rows, in most models."),
    Mistake("count_parameters", "output projection forgotten", right="2 * config.width**2 + 2", wrong="config.width**2 + 2",
        hint="One of attention's square matrices is missing: one makes the queries, and one brings the heads' results back to the "
             "stream."),
    Mistake("count_parameters", "two matrices in the network", right="feed_forward = 3 *", wrong="feed_forward = 2 *",
        hint="You count two matrices in the feed-forward network. SwiGLU has a third one, the gate."),
    Mistake("count_parameters", "norms forgotten", right="    block = attention + feed_forward + 2 * config.width", wrong="    block = attention + feed_forward",
        hint="The norms in the blocks have weights, too: `width` numbers each, two in each block. Little, but not nothing."),
    Mistake("count_parameters", "last norm forgotten", right="config.layers * block + config.width + ", wrong="config.layers * block + ",
        hint="You are off by exactly the width: the last norm, behind the blocks, is missing."),
    Mistake("count_parameters", "one norm a block", right="feed_forward + 2 * config.width", wrong="feed_forward + config.width",
        hint="You count one norm in each block. Each half reads through a norm of its own."),
    Mistake("count_parameters", "positions counted", right="    return config.layers * block", wrong="    return config.context * config.width + config.layers * block",
        hint="You count a table of positions, as GPT-2 had. Rotary positions have no weights: `context` does not matter."),
    Mistake("count_parameters", "biases counted", right="    feed_forward = 3 * config.width * config.hidden",
        wrong="    feed_forward = 3 * config.width * config.hidden + 2 * config.hidden + config.width",
        hint="You count biases. There are none in a Llama."),
    Mistake("count_parameters", "a float", right="head_size = config.width // config.heads", wrong="head_size = config.width / config.heads",
        hint="You give a float. From 9 · 10¹⁵ on floats skip whole numbers, and a count is no measurement: `//` divides ints."),

    # -------------------------------------------------------------------------------------------------------- count_flops
    Alternative("count_flops", "from the layers' shapes", other="""
        with torch.device("meta"):
            model = LanguageModel(config)
        linear = [m.in_features * m.out_features for m in model.modules() if isinstance(m, nn.Linear)]
        pairs = config.layers * config.heads * length * (config.width // config.heads)
        forward = 2 * sum(linear) + 2 * pairs + 2 * pairs
        return forward + 2 * forward if training else forward
    """),
    Alternative("count_flops", "product by product", other="""
        size = config.width // config.heads
        shared = size * config.key_value_heads

        def product(rows, inner, columns):
            return 2 * rows * inner * columns

        layer = 2 * product(1, config.width, config.width) + 2 * product(1, config.width, shared)
        layer += config.heads * (product(1, size, length) + product(1, length, size))
        layer += 2 * product(1, config.width, config.hidden) + product(1, config.hidden, config.width)
        forward = sum(layer for _ in range(config.layers)) + product(1, config.width, config.vocabulary)
        return forward * (1, 3)[training]
    """),
    Alternative("count_flops", "through count_parameters", other="""
        norms = (2 * config.layers + 1) * config.width
        table = 0 if config.tied else config.vocabulary * config.width
        matrices = count_parameters(config) - norms - table
        return (2 * matrices + 4 * length * config.width * config.layers) * (3 if training else 1)
    """),
    Mistake("count_flops", "additions forgotten", right="return 2 * (weights + scores_and_mixtures)", wrong="return (weights + scores_and_mixtures)",
        hint="You count the multiplications. Each product is also added to a sum: two operations a pair."),
    Mistake("count_flops", "backward as forward", right="(3 if training else 1)", wrong="(2 if training else 1)",
        hint="You count one multiplication backward for each one forward. Both factors need a gradient, and each of these is a "
             "multiplication of the same size."),
    Mistake("count_flops", "two for each parameter", right="    return 2 * (weights + scores_and_mixtures)", wrong="    return 2 * (count_parameters(config) + scores_and_mixtures)",
        hint="You count 2 operations for every parameter. Those of the norms multiply no matrix, and looking up an embedding multiplies "
             "nothing: in an untied model you count a whole table too much."),
    Mistake("count_flops", "attention's part forgotten", right="2 * (weights + scores_and_mixtures)", wrong="2 * weights",
        hint="You count the linear layers only. In attention two more multiplications take place, without weights: queries with "
             "keys, and shares with values. They grow with the text."),
    Mistake("count_flops", "mixture forgotten", right="config.layers * 2 * length * config.width", wrong="config.layers * length * config.width",
        hint="You count queries times keys; shares times values cost as much again."),
    Mistake("count_flops", "scores for shared heads only", right="config.layers * 2 * length * config.width",
        wrong="config.layers * 2 * length * head_size * config.key_value_heads",
        hint="You count scores for the key/value heads. Sharing saves keys and values, but every *query* head still computes scores "
             "of its own."),
    Mistake("count_flops", "one head counted", right="config.layers * 2 * length * config.width", wrong="config.layers * 2 * length * head_size",
        hint="You count the scores of one head. There are `heads` of them in every layer."),
    Mistake("count_flops", "half for the mask", right="config.layers * 2 * length * config.width", wrong="config.layers * length * (config.width * 2) // 2 + config.layers * config.width",
        hint="You count only what the mask leaves, about half of the scores. Clever kernels do save that; ours computes all "
             "scores and hides some afterwards, and the docstring counts them all."),
    Mistake("count_flops", "output layer forgotten", right=" + config.vocabulary * config.width", wrong=" + (0 if config.tied else config.vocabulary * config.width)",
        hint="In a tied model you leave the output layer out. It has no weights of its own there, but the multiplication takes place "
             "all the same, and in small models it is one of the largest."),
    Mistake("count_flops", "embedding multiplied", right=" + config.vocabulary * config.width", wrong=" + 2 * config.vocabulary * config.width",
        hint="You count the embedding as a multiplication, as if each token were a vector of zeros with a one in it. It is looked up: a "
             "row is copied, and nothing multiplied."),
    Mistake("count_flops", "context for length", right="2 * length * config.width", wrong="2 * config.context * config.width",
        hint="You compute with the config's `context`, the longest text of training. This text has `length` tokens."),
    Mistake("count_flops", "the whole text", right="return 2 * (weights", wrong="return length * 2 * (weights",
        hint="You give the costs of the whole text. What is asked for is the costs of each of its tokens."),
    Mistake("count_flops", "gate forgotten", right="feed_forward = 3 *", wrong="feed_forward = 2 *",
        hint="You count two multiplications in the feed-forward network. SwiGLU has three matrices."),

    # --------------------------------------------------------------------------------------------------------------- load
    Alternative("load", "sets, then load_state_dict", other="""
        given = {(n[len("model."):] if n.startswith("model.") else n): w for n, w in weights.items()}
        state = model.state_dict()
        if model.config.tied and "embed_tokens.weight" in given:
            given.setdefault("lm_head.weight", given["embed_tokens.weight"])
        wrong = set(state) ^ set(given)
        wrong |= {name for name in set(state) & set(given) if state[name].shape != given[name].shape}
        if model.config.tied and not wrong and not torch.equal(given["lm_head.weight"], given["embed_tokens.weight"]):
            wrong.add("lm_head.weight")
        if wrong:
            raise ValueError(f"missing, unexpected or of a wrong shape: {sorted(wrong)}")
        model.load_state_dict(given)
    """),
    Alternative("load", "through the modules", other="""
        given = {}
        for name, weight in weights.items():
            given[name.removeprefix("model.")] = weight.detach().clone()
        tied, messages = model.config.tied, []
        own = {n: p for n, p in model.named_parameters(remove_duplicate=False)}
        for name in sorted(own.keys() | given.keys()):
            if name not in own:
                messages.append("unexpected: " + name)
            elif name not in given:
                if not (tied and name == "lm_head.weight"):
                    messages.append("missing: " + name)
            elif list(own[name].shape) != list(given[name].shape):
                messages.append(f"shape of {name}: {list(given[name].shape)} instead of {list(own[name].shape)}")
            elif tied and name == "lm_head.weight" and "embed_tokens.weight" in given:
                if given[name].tolist() != given["embed_tokens.weight"].tolist():
                    messages.append("lm_head.weight differs from embed_tokens.weight.")
        if messages:
            raise ValueError(chr(10).join(messages))
        for name in given:
            own[name].data.copy_(given[name])
    """),
    Mistake("load", "not strict", wrong="""
        given = {name.removeprefix("model."): weight for name, weight in weights.items()}
        model.load_state_dict(given, strict=False)
        """,
        hint="`strict=False` takes what fits and says nothing of the rest: a missing layer stays random, and a bias that the model has no "
             "place for is dropped. That is what this exercise is about."),
    Mistake("load", "load_state_dict alone", wrong="""
        given = {name.removeprefix("model."): weight for name, weight in weights.items()}
        if model.config.tied and "embed_tokens.weight" in given:
            given.setdefault("lm_head.weight", given["embed_tokens.weight"])
        model.load_state_dict(given)
        """,
        hint="`load_state_dict` does name what is wrong, but with a RuntimeError, and after it has copied everything that fitted: the "
             "model is half old and half new then. Compare names and shapes before you copy."),
    Mistake("load", "load_state_dict's error renamed", wrong="""
        given = {name.removeprefix("model."): weight for name, weight in weights.items()}
        if model.config.tied and "embed_tokens.weight" in given:
            given.setdefault("lm_head.weight", given["embed_tokens.weight"])
            if not torch.equal(given["lm_head.weight"], given["embed_tokens.weight"]):
                raise ValueError("lm_head.weight is not embed_tokens.weight")
        try:
            model.load_state_dict(given)
        except RuntimeError as error:
            raise ValueError(str(error)) from None
        """,
        hint="`load_state_dict` complains only after it has copied everything that fits, so a refused file leaves the model half old "
             "and half new. Compare names and shapes before you copy."),
    Mistake("load", "the first problem only", right="""    if problems:
        raise ValueError("These weights do not fit: " + "; ".join(problems))""", wrong="""    if problems:
        raise ValueError("These weights do not fit: " + problems[0])""",
        hint="You name the first problem and stop. Who mends it will run into the second one, and then into the third: say all of them "
             "at once."),
    Mistake("load", "shapes not compared", right="given[name].shape != weight.shape", wrong="given[name].dim() != weight.dim()",
        hint="You compare how many dimensions the tensors have, and not their shapes. `copy_` broadcasts: one number fills a whole "
             "vector, and nobody notices."),
    Mistake("load", "sizes for shapes", right="given[name].shape != weight.shape", wrong="given[name].numel() != weight.numel()",
        hint="You compare how many numbers the tensors have. A transposed matrix has as many: its shape is what counts.",),
    Mistake("load", "extra tensors ignored", right='    problems += [f"{name} has no place" for name in given if name not in wanted]\n', wrong="",
        hint="You do not notice what the model has no place for. A bias that is left out makes another model of it: what is not used "
             "must be said."),
    Mistake("load", "missing tensors ignored", right='    problems += [f"{name} is missing" for name in wanted if name not in given]\n', wrong="",
        hint="You do not report what is missing, and it ends in a KeyError, or stays random."),
    Mistake("load", "copied while checking", right="        if name in given and given[name].shape != weight.shape:",
        wrong="        if name in given and given[name].shape == weight.shape:\n            weight.data.copy_(given[name])\n        elif name in given:",
        hint="You copy each tensor as soon as it fits, and raise at the end. The model is half old and half new then. First look at "
             "everything, then copy."),
    Mistake("load", "prefix stripped as letters", right='name.removeprefix("model.")', wrong='name.lstrip("model.")',
        hint="`lstrip(\"model.\")` does not take a beginning away: it takes *letters* away, any of m, o, d, e, l and the dot, as long as "
             "there are some. `embed_tokens` becomes `bed_tokens`."),
    Mistake("load", "prefix not removed", right='name.removeprefix("model.")', wrong="name",
        hint="Names that begin with `model.` do not fit yours. Files on Hugging Face have them: the beginning has to come off."),
    Mistake("load", "tied head demanded", right="wanted = dict(model.named_parameters())", wrong="wanted = model.state_dict()",
        hint="You demand `lm_head.weight` of a tied model. Files of tied models do not have it, as it would be the same matrix again."),
    Mistake("load", "tied head thrown away", right="        if not torch.equal(head, given.get(\"embed_tokens.weight\", head)):\n            problems.append(\"lm_head.weight is not what it is tied to\")\n", wrong="",
        hint="In a tied model you throw `lm_head.weight` away unseen. If it is another matrix than the embeddings, the file belongs to an "
             "untied model, and yours will talk nonsense."),
    Mistake("load", "missing head always from the embeddings", right=HEAD, wrong="""    head = given.pop("lm_head.weight", given.get("embed_tokens.weight"))
    if not model.config.tied:
        given["lm_head.weight"] = head
    elif not torch.equal(head, given.get("embed_tokens.weight", head)):
        problems.append("lm_head.weight is not what it is tied to")
""",
        hint="You take the embeddings for a missing `lm_head.weight` in every model. An untied one has an output layer of its own: "
             "without it, the file is not complete."),
    Mistake("load", "memory shared", right="            weight.copy_(given[name])", wrong="            weight.data = given[name].to(weight.dtype)",
        hint="Your model uses the very tensors that it was given. Whoever changes them later changes the model: two models loaded from "
             "one dictionary would train each other. Copy the numbers."),
    Mistake("load", "dtype taken over", right="            weight.copy_(given[name])", wrong="            weight.data = given[name].clone()",
        hint="The model takes over the dtype of the file. A file in bfloat16 would turn a float32 model into one of half precision, "
             "tensor by tensor. Copy the numbers into what is there."),
    Mistake("load", "Parameters replaced", right="            weight.copy_(given[name])", wrong="""            module, _, last = name.rpartition(".")
            setattr(model.get_submodule(module), last, nn.Parameter(given[name].to(weight.dtype, copy=True)))
        model.lm_head.weight = model.embed_tokens.weight if model.config.tied else model.lm_head.weight""",
        hint="You put new Parameters in the place of the old ones. An optimiser that was made before trains the old ones then. Fill "
             "the Parameters that are there."),
    Mistake("load", "load_state_dict with assign", right=COPY, wrong="    model.load_state_dict(given, strict=False, assign=True)",
        hint="With `assign=True` the given tensors take the places of the Parameters: the output layer of a tied model keeps the old ones, "
             "and so does an optimiser that was made before. Copy the numbers into the Parameters that are there."),
    Mistake("load", "ties cut", right="            weight.copy_(given[name])", wrong="""            module, _, last = name.rpartition(".")
            setattr(model.get_submodule(module), last, nn.Parameter(given[name].to(weight.dtype, copy=True)))
        if model.config.tied:
            model.lm_head.weight = nn.Parameter(given["embed_tokens.weight"].to(weight.dtype, copy=True))""",
        hint="You make new Parameters, one for the embeddings and another one for the output layer. They are equal, but not tied any "
             "more, and an optimiser that was made before trains neither. Fill the Parameters that are there."),
    Mistake("load", "given names changed", right="""        head = given.pop("lm_head.weight")
        if""", wrong="""        head = given.pop("lm_head.weight")
        weights.pop("lm_head.weight")
        if""",
        hint="You take `lm_head.weight` out of the caller's dictionary. Who loads a second model from it finds it gone. Work on a "
             "dictionary of your own."),
]
