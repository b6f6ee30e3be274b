"""Right and wrong answers to the exercises of the lesson `attention`."""

from grader.variants import Alternative, Mistake

VARIANTS = [
    # ------------------------------------------------------------------------------------------------------------ softmax
    Alternative("softmax", "torch's own, rows emptied", other="""
        empty = (scores == float("-inf")).all(dim, keepdim=True)
        weights = torch.softmax(at_least_float32(scores).masked_fill(empty, 0.0), dim)
        return weights.masked_fill(empty, 0.0).to(scores.dtype)
    """),
    Alternative("softmax", "through logsumexp in float64", other="""
        wide = scores.double()
        empty = wide.isneginf().all(dim=dim, keepdim=True)
        total = torch.logsumexp(torch.where(empty, 0.0, wide), dim=dim, keepdim=True)
        return torch.exp(wide - total).type_as(scores)
    """),
    Alternative("softmax", "max without gradient", other="""
        original = scores.dtype
        if original in (torch.float16, torch.bfloat16):
            scores = scores.float()
        maximum = scores.detach().max(dim=dim, keepdim=True)[0]
        maximum[maximum == -torch.inf] = 0.0
        numerator = torch.exp(scores - maximum)
        denominator = torch.sum(numerator, dim=dim, keepdim=True).clamp(min=1e-30)
        return torch.div(numerator, denominator).to(original)
    """),
    Mistake("softmax", "dim ignored",
        wrong="""
        wide = at_least_float32(scores)
        largest = wide.amax(-1, keepdim=True)
        largest = largest.masked_fill(largest == -math.inf, 0)
        exponentials = (wide - largest).exp()
        total = exponentials.sum(-1, keepdim=True)
        return (exponentials / total.masked_fill(total == 0, 1)).to(scores.dtype)
        """,
        hint="You always work along the last dimension, whatever `dim` says. Your shares sum to one, but not along the "
             "dimension that was asked for. Where in your code does `dim` come in?"),
    Mistake("softmax", "global maximum",
        right="wide.amax(dim, keepdim=True)", wrong="wide.max()",
        hint="You subtract the largest score of the whole tensor, not the largest of each row. A row that lies far below it "
             "has only exponentials that round to zero. Whose maximum does each row need?"),
    Mistake("softmax", "no maximum subtracted",
        wrong="""
        exponentials = at_least_float32(scores).exp()
        total = exponentials.sum(dim, keepdim=True)
        return (exponentials / total.masked_fill(total == 0, 1)).to(scores.dtype)
        """,
        hint="You take exponentials of the scores as they are: at 100 float32 overflows to inf, at -200 all of them are 0. "
             "You may add any number to all scores along `dim` without changing a share. Which one keeps exp in range?"),
    Mistake("softmax", "masked row is nan",
        wrong="""
        wide = at_least_float32(scores)
        exponentials = (wide - wide.amax(dim, keepdim=True)).exp()
        return (exponentials / exponentials.sum(dim, keepdim=True)).to(scores.dtype)
        """,
        hint="A row of nothing but -inf becomes nan: its maximum is -inf, and -inf minus -inf is no number. The docstring "
             "says what such a row should give. Look at the two places where this row goes wrong.",
        spoils=("scaled_dot_product_attention",)),
    Mistake("softmax", "nan mended afterwards",
        wrong="""
        wide = at_least_float32(scores)
        exponentials = (wide - wide.amax(dim, keepdim=True)).exp()
        return (exponentials / exponentials.sum(dim, keepdim=True)).nan_to_num(0.0).to(scores.dtype)
        """,
        hint="Your results are right, your gradients are not: you let nan happen and replace it at the end, but backwards the "
             "gradient passes through the step that made it, and nan times 0 is nan. Keep nan from arising in the first place."),
    Mistake("softmax", "half precision throughout",
        right="wide = at_least_float32(scores)", wrong="wide = scores",
        hint="You compute in the dtype that comes in. In bfloat16 each step (difference, exponential, sum, quotient) is rounded "
             "to three digits, and the errors add up. Which precision should the steps have, and when do you go back?"),
    Mistake("softmax", "dtype not restored",
        right="total.masked_fill(total == 0, 1)).to(scores.dtype)", wrong="total.masked_fill(total == 0, 1))",
        hint="Half precision goes in, and float32 comes out. To compute in float32 is right, but whoever called you expects the "
             "dtype that they gave you."),
    Mistake("softmax", "scores changed in place",
        wrong="""
        wide = at_least_float32(scores)
        largest = wide.detach().amax(dim, keepdim=True)
        wide -= largest.masked_fill(largest == -math.inf, 0)
        exponentials = wide.exp()
        total = exponentials.sum(dim, keepdim=True)
        return (exponentials / total.masked_fill(total == 0, 1)).to(scores.dtype)
        """,
        hint="Your results are right, but you change the caller's scores: the subtraction works in place (as `-=`, `sub_` and "
             "assignments to slices do). Who uses the scores next finds others. Make a new tensor."),
    Mistake("softmax", "dimension not kept",
        right="exponentials.sum(dim, keepdim=True)", wrong="exponentials.sum(dim)",
        hint="Your sum has lost the dimension `dim`, so it no longer lines up with the exponentials: broadcasting fails, or for "
             "square tensors, silently divides each number by the sum of another row.",
        spoils=("scaled_dot_product_attention", "CausalSelfAttention")),

    # -------------------------------------------------------------------------------------------------------- causal_mask
    Alternative("causal_mask", "lower triangle of ones", other="""
        return torch.ones(length, past + length, dtype=torch.bool).tril(diagonal=past)
    """),
    Alternative("causal_mask", "no upper triangle", other="""
        return ~torch.triu(torch.ones((length, past + length)), diagonal=past + 1).bool()
    """),
    Alternative("causal_mask", "a list of lists", other="""
        return torch.tensor([[key <= past + query for key in range(past + length)] for query in range(length)])
    """),
    Mistake("causal_mask", "past not counted",
        wrong="return torch.ones(length, past + length, dtype=torch.bool).tril()",
        hint="With an empty cache your mask is right. With `past` tokens in it, your first new token sees only the very first "
             "token of the text, although it stands at position `past`. What do rows and columns count from?",
        spoils=("CausalSelfAttention",)),
    Mistake("causal_mask", "True hides",
        right="positions[past:, None] >= positions", wrong="positions[past:, None] < positions",
        hint="Your mask is the opposite of ours: True stands where a token must NOT look. Both conventions are in use (that of "
             "nn.MultiheadAttention is yours); here True = may look.",
        spoils=("CausalSelfAttention",)),
    Mistake("causal_mask", "blind to itself",
        right="positions[past:, None] >= positions", wrong="positions[past:, None] > positions",
        hint="Your tokens see all before them, but not themselves, and the very first one sees nothing at all. The query at "
             "position p predicts token p + 1, so it may well look at token p.",
        spoils=("CausalSelfAttention",)),
    Mistake("causal_mask", "only new keys",
        wrong="return torch.ones(length, length, dtype=torch.bool).tril()",
        hint="Your mask has no columns for the tokens in the cache. They are keys too, and they come first.",
        spoils=("CausalSelfAttention",)),
    Mistake("causal_mask", "rows for the past",
        wrong="return torch.ones(past + length, past + length, dtype=torch.bool).tril()",
        hint="Your mask has rows for the tokens in the cache, too. They have had their turn: only the `length` new tokens are "
             "queries now. Which rows of yours are theirs?",
        spoils=("CausalSelfAttention",)),
    Mistake("causal_mask", "numbers, not truth values",
        wrong="""
        mask = torch.full((length, past + length), float("-inf"))
        return mask.triu(diagonal=past + 1)
        """,
        hint="You give the numbers 0 and -inf, to be added to scores. That is another way to say the same, but the docstring asks "
             "for truth values: True where a token may look.",
        spoils=("CausalSelfAttention",)),
    Mistake("causal_mask", "one token too many",
        wrong="return torch.ones(length, past + length, dtype=torch.bool).tril(diagonal=past + 1)",
        hint="Each of your tokens sees the next one, which is just what it should learn to predict. The loss would become "
             "wonderfully small, and the model would have learnt nothing. You are off by one.",
        spoils=("CausalSelfAttention",)),

    # ------------------------------------------------------------------------------------------------------------ attention
    Alternative("scaled_dot_product_attention", "einsum, query scaled first", other="""
        wide_query, wide_key, wide_value = (at_least_float32(x) for x in (query, key, value))
        scores = torch.einsum("...qd,...kd->...qk", wide_query * wide_query.shape[-1] ** -0.5, wide_key)
        if mask is not None:
            scores = torch.where(mask, scores, torch.tensor(float("-inf"), dtype=scores.dtype))
        return torch.einsum("...qk,...kv->...qv", softmax(scores, -1), wide_value).to(query.dtype)
    """),
    Alternative("scaled_dot_product_attention", "mask added as a bias", other="""
        bias = 0.0
        if mask is not None:
            bias = torch.zeros(mask.shape).masked_fill(mask.logical_not(), float("-inf"))
        scores = torch.matmul(at_least_float32(query), at_least_float32(key).mT)
        scores = scores / query.size(-1) ** 0.5 + bias
        return torch.matmul(softmax(scores, dim=scores.dim() - 1), at_least_float32(value)).type(query.dtype)
    """),
    Alternative("scaled_dot_product_attention", "weights rounded to the dtype", other="""
        scores = at_least_float32(query) @ at_least_float32(key).mT
        scores *= key.shape[-1] ** -0.5
        if mask is not None:
            scores.masked_fill_(mask == 0, float("-inf"))
        return softmax(scores, dim=-1).to(value.dtype) @ value
    """),
    Mistake("scaled_dot_product_attention", "not scaled",
        right="    scores = scores / math.sqrt(query.shape[-1])\n", wrong="",
        hint="Your scores are not divided by the square root of the size. For small vectors that hardly shows, for large ones "
             "softmax gives nearly everything to one key.",
        spoils=("CausalSelfAttention",)),
    Mistake("scaled_dot_product_attention", "divided by the size",
        right="math.sqrt(query.shape[-1])", wrong="query.shape[-1]",
        hint="You divide by the size itself, not by its square root: the scores become too small, and the shares too equal. "
             "The standard deviation of the dot product is the root of its variance.",
        spoils=("CausalSelfAttention",)),
    Mistake("scaled_dot_product_attention", "scaled by the value's size",
        right="math.sqrt(query.shape[-1])", wrong="math.sqrt(value.shape[-1])",
        hint="You divide by the root of the value's size. It is often the same number as the query's, but it need not be: the "
             "dot product sums over the components of query and key."),
    Mistake("scaled_dot_product_attention", "scaled by the model's width",
        right="math.sqrt(query.shape[-1])", wrong="math.sqrt(query.shape[-1] * (query.shape[-3] if query.dim() > 2 else 1))",
        hint="You divide by the root of heads times size, the width of the whole model. Each dot product sums over the "
             "components of one head only.",
        spoils=("CausalSelfAttention",)),
    Mistake("scaled_dot_product_attention", "mask inverted",
        right="masked_fill(~mask, -math.inf)", wrong="masked_fill(mask, -math.inf)",
        hint="You hide what the mask shows, and show what it hides. In our convention True = may look; `masked_fill` fills "
             "where its mask is True.",
        spoils=("CausalSelfAttention",)),
    Mistake("scaled_dot_product_attention", "mask after softmax",
        wrong="""
        scores = at_least_float32(query) @ at_least_float32(key).transpose(-2, -1) / math.sqrt(query.shape[-1])
        weights = softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask, 0.0)
        return (weights @ at_least_float32(value)).to(query.dtype)
        """,
        hint="You take shares away after softmax, so those that are left no longer sum to one, and the hidden scores still "
             "count in the sum by which softmax divides: the future leaks into the past. Hide the scores before softmax.",
        spoils=("CausalSelfAttention",)),
    Mistake("scaled_dot_product_attention", "masked with zero",
        right="-math.inf)", wrong="0.0)",
        hint="You set hidden scores to 0. But 0 is a score like any other, and not even a low one: its exponential is 1. Which "
             "score has the exponential 0?",
        spoils=("CausalSelfAttention",)),
    Mistake("scaled_dot_product_attention", "masked with a large number",
        right="-math.inf)", wrong="-1e9)",
        hint="You hide with a large negative number instead of -inf. That works until a query may look nowhere: then all its "
             "scores are the same large number, and it gets the mean of everything that it must not see."),
    Mistake("scaled_dot_product_attention", "softmax over the queries",
        right="softmax(scores, dim=-1)", wrong="softmax(scores, dim=-2)",
        hint="Your softmax runs over the queries, so the queries compete for each key. It is the other way round: each query "
             "spreads one whole share over the keys. Which dimension of the scores are the keys?",
        spoils=("CausalSelfAttention",)),
    Mistake("scaled_dot_product_attention", "scores in half precision",
        wrong="""
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        return softmax(scores, dim=-1).to(value.dtype) @ value
        """,
        hint="For bfloat16 you compute the scores in bfloat16. There a score of 20 is rounded to steps of 1/8, and a step of "
             "1/8 changes a share by 13 per cent. Widen query and key before you multiply them."),
    Mistake("scaled_dot_product_attention", "query scaled in place",
        wrong="""
        query /= math.sqrt(query.shape[-1])
        scores = at_least_float32(query) @ at_least_float32(key).transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        return (softmax(scores, dim=-1) @ at_least_float32(value)).to(query.dtype)
        """,
        hint="The caller's query is another one after the call: you scale it in place (`/=`, `*=`, `div_`). Make a new "
             "tensor. A second call with the same query would give something else."),

    # --------------------------------------------------------------------------------------------------------------- rotary
    Alternative("rotary", "rotate_half as in Hugging Face", other="""
        size = x.shape[-1]
        inverse = 1.0 / base ** (torch.arange(0, size, 2, dtype=torch.float32) / size)
        angles = torch.outer(positions.float(), inverse)
        angles = torch.cat((angles, angles), dim=-1)
        wide = at_least_float32(x)
        rotated = torch.cat((-wide[..., size // 2 :], wide[..., : size // 2]), dim=-1)
        return (wide * angles.cos() + rotated * angles.sin()).to(x.dtype)
    """),
    Alternative("rotary", "complex numbers", other="""
        half = x.shape[-1] // 2
        frequencies = torch.exp(-math.log(base) * torch.arange(half, dtype=torch.float64) / half)
        turns = torch.exp(1j * positions.double()[:, None] * frequencies)
        turned = torch.complex(x[..., :half].double(), x[..., half:].double()) * turns
        return torch.cat([turned.real, turned.imag], -1).type(x.dtype)
    """),
    Alternative("rotary", "written into a new tensor", other="""
        half = x.shape[-1] // 2
        out = torch.zeros_like(x, dtype=torch.promote_types(x.dtype, torch.float32))
        for i in range(half):
            angle = positions.to(out.dtype) * base ** (-2 * i / x.shape[-1])
            a, b = x[..., i].to(out.dtype), x[..., i + half].to(out.dtype)
            out[..., i] = a * torch.cos(angle) - b * torch.sin(angle)
            out[..., i + half] = a * torch.sin(angle) + b * torch.cos(angle)
        return out.to(x.dtype)
    """),
    Mistake("rotary", "neighbours as pairs",
        wrong="""
        half = x.shape[-1] // 2
        angles = positions[:, None] * base ** (-torch.arange(half) / half)
        cos, sin = angles.cos(), angles.sin()
        first, second = at_least_float32(x)[..., 0::2], at_least_float32(x)[..., 1::2]
        turned = torch.stack((first * cos - second * sin, first * sin + second * cos), dim=-1)
        return turned.flatten(-2).to(x.dtype)
        """,
        hint="You pair neighbours: 0 with 1, 2 with 3. The RoFormer paper does so, but Llama pairs each number of the first half "
             "with one of the second. Either works in itself; with Llama's weights only Llama's pairs do.",
        spoils=("CausalSelfAttention",)),
    Mistake("rotary", "positions ignored",
        right="positions[:, None] * frequencies", wrong="torch.arange(x.shape[-2])[:, None] * frequencies",
        hint="You count the positions 0, 1, 2, … yourself, and never look at those that you are given. With a cache, the new token "
             "stands at position 100, say, and you turn it as if it were the first.",
        spoils=("CausalSelfAttention",)),
    Mistake("rotary", "positions from the first",
        right="positions[:, None] * frequencies", wrong="(positions - positions[0])[:, None] * frequencies",
        hint="You subtract the first position from all of them. Within one call only differences count, so that looks right; but a new "
             "token's query meets keys from an earlier call, which were turned by their true positions.",
        spoils=("CausalSelfAttention",)),
    Mistake("rotary", "base ignored",
        right="frequencies = base", wrong="frequencies = 10_000.0",
        hint="You always use the base 10 000. SmolLM2 has 100 000, Llama 3 even 500 000: with another base than in training, distant "
             "tokens seem to stand elsewhere. What is the parameter for?",
        spoils=("CausalSelfAttention",)),
    Mistake("rotary", "turned clockwise",
        right="(first * cos - second * sin, first * sin + second * cos)",
        wrong="(first * cos + second * sin, second * cos - first * sin)",
        hint="You turn the arrows the wrong way round. Your scores still depend on the distance only, but before and behind are "
             "swapped: with published weights, a head that should look back one token looks for one that comes next. "
             "The docstring says anticlockwise: where does the minus sign go?",
        spoils=("CausalSelfAttention",)),
    Mistake("rotary", "exponent halved",
        right="-torch.arange(half, device=x.device) / half", wrong="-torch.arange(half, device=x.device) / x.shape[-1]",
        hint="The speed of pair i is base ** (-2 i / size). You divide i, not 2 i, by the size: the slowest of your pairs is still "
             "about a hundred times too fast. Only pair 0 is right.",
        spoils=("CausalSelfAttention",)),
    Mistake("rotary", "second half from the new first",
        wrong="""
        half = x.shape[-1] // 2
        angles = positions[:, None] * base ** (-torch.arange(half) / half)
        cos, sin = angles.cos(), angles.sin()
        first, second = at_least_float32(x).split(half, dim=-1)
        first = first * cos - second * sin
        second = first * sin + second * cos
        return torch.cat((first, second), dim=-1).to(x.dtype)
        """,
        hint="When you work out the second half, the first one has already been replaced by its turned self. Both formulas "
             "need the old a and b: the vectors change their length otherwise.",
        spoils=("CausalSelfAttention",)),
    Mistake("rotary", "angles in half precision",
        wrong="""
        half = x.shape[-1] // 2
        frequencies = (base ** (-torch.arange(half) / half)).to(x.dtype)
        angles = positions[:, None].to(x.dtype) * frequencies
        first, second = x.split(half, dim=-1)
        return torch.cat((first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos()), dim=-1)
        """,
        hint="You compute the angles in the dtype of `x`. Bfloat16 knows no 1001, only 1000 and 1008: far into a text, tokens "
             "get the positions of others. Angles need float32, whatever `x` is in."),
    Mistake("rotary", "dtype not restored",
        right="torch.cat(turned, dim=-1).to(x.dtype)", wrong="torch.cat(turned, dim=-1)",
        hint="Bfloat16 goes in, and float32 comes out: multiplying by float32 angles has widened it. That is the right way to "
             "compute, but go back to the dtype of `x` at the end.",
        spoils=("CausalSelfAttention",)),
    Mistake("rotary", "written into the input",
        wrong="""
        half = x.shape[-1] // 2
        angles = positions[:, None] * base ** (-torch.arange(half, device=x.device) / half)
        cos, sin = angles.cos(), angles.sin()
        first, second = at_least_float32(x).split(half, dim=-1)
        x[..., :half], x[..., half:] = first * cos - second * sin, first * sin + second * cos
        return x
        """,
        hint="You write the turned vectors over the caller's `x`. Whoever rotates the same keys again turns them twice. Put "
             "the two new halves together in a new tensor."),

    # -------------------------------------------------------------------------------------------------- CausalSelfAttention
    Alternative("CausalSelfAttention", "view, expand and reshape",
        right="""        query, key, value = (
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
        return self.o_proj(attended.transpose(1, 2).flatten(2))""",
        other="""        batch, length, width = x.size()
        cache = Cache() if cache is None else cache
        positions = torch.arange(length) + cache.length
        mask = causal_mask(length=length, past=cache.length)
        q = self.q_proj(x).view(batch, length, -1, self.head_size).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, -1, self.head_size).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, -1, self.head_size).transpose(1, 2)
        k, v = cache.extend(rotary(k, positions, base=self.base), v)
        total = k.shape[2]
        k = k[:, :, None].expand(-1, -1, self.group_size, -1, -1).reshape(batch, -1, total, self.head_size)
        v = v[:, :, None].expand(-1, -1, self.group_size, -1, -1).reshape(batch, -1, total, self.head_size)
        out = scaled_dot_product_attention(query=rotary(q, positions, base=self.base), key=k, value=v, mask=mask)
        return self.o_proj(out.permute(0, 2, 1, 3).reshape(batch, length, width))"""),
    Alternative("CausalSelfAttention", "groups as a dimension",
        right="""        key = key.repeat_interleave(self.group_size, dim=1)
        value = value.repeat_interleave(self.group_size, dim=1)
        mask = causal_mask(length, past).to(x.device)
        attended = scaled_dot_product_attention(query, key, value, mask)
        return""",
        other="""        query = query.unflatten(1, (-1, self.group_size))
        key = key.unsqueeze(2).expand(-1, -1, self.group_size, -1, -1)
        value = value.unsqueeze(2).expand(-1, -1, self.group_size, -1, -1)
        attended = scaled_dot_product_attention(query, key, value, causal_mask(length, past)).flatten(1, 2)
        return"""),
    Alternative("CausalSelfAttention", "head by head",
        right="""        key = key.repeat_interleave(self.group_size, dim=1)
        value = value.repeat_interleave(self.group_size, dim=1)
        mask = causal_mask(length, past).to(x.device)
        attended = scaled_dot_product_attention(query, key, value, mask)
        return self.o_proj(attended.transpose(1, 2).flatten(2))""",
        other="""        mask = causal_mask(length, past)
        outputs = []
        for head in range(query.shape[1]):
            shared = head // self.group_size
            outputs.append(scaled_dot_product_attention(query[:, head], key[:, shared], value[:, shared], mask))
        return self.o_proj(torch.cat(outputs, dim=-1))"""),
    Mistake("CausalSelfAttention", "key/value heads tiled",
        right="""        key = key.repeat_interleave(self.group_size, dim=1)
        value = value.repeat_interleave(self.group_size, dim=1)""",
        wrong="""        key = key.repeat(1, self.group_size, 1, 1)
        value = value.repeat(1, self.group_size, 1, 1)""",
        hint="You repeat the key/value heads as 0, 1, 0, 1, …; but neighbouring query heads share one: 0, 0, 1, 1, … The shapes are "
             "the same, and a model trained like that would even work, but published weights become nonsense."),
    Mistake("CausalSelfAttention", "heads cut by view",
        right="projection(x).unflatten(-1, (-1, self.head_size)).transpose(1, 2)",
        wrong="projection(x).reshape(x.shape[0], -1, x.shape[1], self.head_size)",
        hint="You get the shape (batch, heads, length, size) by `view` or `reshape` alone. The numbers stay in their old order, so your "
             "'heads' are pieces of different tokens. Cut the last dimension first, then swap two dimensions."),
    Mistake("CausalSelfAttention", "heads joined by view",
        right="attended.transpose(1, 2).flatten(2)", wrong="attended.reshape(x.shape)",
        hint="When you put the heads back together you reshape (batch, heads, length, size) at once: the shape is right, but the "
             "numbers of different tokens are mixed. The heads have to go behind the length first."),
    Mistake("CausalSelfAttention", "cache filled, not used",
        right="key, value = cache.extend(key, value)", wrong="cache.extend(key, value); past = 0",
        hint="You put the new keys and values into the cache, and then attend to the new ones only: what `extend` returns is "
             "thrown away. The tokens forget everything from earlier calls."),
    Mistake("CausalSelfAttention", "positions restart",
        right="torch.arange(past, past + length, device=x.device)", wrong="torch.arange(length, device=x.device)",
        hint="Your positions begin at 0 in every call. With tokens in the cache the new ones stand behind them: a token at "
             "position 40 is turned as if it were the first of the text."),
    Mistake("CausalSelfAttention", "no mask with a cache",
        right="causal_mask(length, past).to(x.device)", wrong="causal_mask(length) if past == 0 else None",
        hint="With tokens in the cache you leave out the mask. For one new token that is right, since everything is before it; but "
             "when several come at once, the first of them sees the others."),
    Mistake("CausalSelfAttention", "rotated keys rotated again",
        right="""        key = rotary(key, positions, self.base)
        if cache is not None:
            key, value = cache.extend(key, value)""",
        wrong="""        if cache is not None:
            key, value = cache.extend(key, value)
            key = cache.keys = rotary(key, torch.arange(past + length), self.base)
        else:
            key = rotary(key, positions, self.base)""",
        hint="You rotate the keys after you took them out of the cache, and the old ones have been rotated before: they turn "
             "again with each new token. Rotate the new keys once, before they go in."),
    Mistake("CausalSelfAttention", "copies in the cache",
        right="""        if cache is not None:
            key, value = cache.extend(key, value)
        key = key.repeat_interleave(self.group_size, dim=1)
        value = value.repeat_interleave(self.group_size, dim=1)""",
        wrong="""        key = key.repeat_interleave(self.group_size, dim=1)
        value = value.repeat_interleave(self.group_size, dim=1)
        if cache is not None:
            key, value = cache.extend(key, value)""",
        hint="Your results are right, but your cache holds a copy for every query head: it is as large as without shared heads, "
             "and saving that memory is what they are for. Repeat after the cache, not before it."),
    Mistake("CausalSelfAttention", "only queries rotated",
        right="        key = rotary(key, positions, self.base)\n", wrong="",
        hint="You rotate the queries and not the keys. Then a score depends on where the query stands in the text, and not on how "
             "far it is from the key."),
    Mistake("CausalSelfAttention", "values rotated too",
        right="        if cache is not None:\n", wrong="        value = rotary(value, positions, self.base)\n        if cache is not None:\n",
        hint="You rotate the values too. Positions should decide who looks at whom; what a token gives should not depend on "
             "where it stands."),
    Mistake("CausalSelfAttention", "scaled twice",
        right="query = rotary(query, positions, self.base)",
        wrong="query = rotary(query, positions, self.base) / math.sqrt(self.head_size)",
        hint="You divide by the square root of the head size, and your `scaled_dot_product_attention` does so again: the scores "
             "are too small, and every head looks everywhere."),
    Mistake("CausalSelfAttention", "base not passed on",
        right="        self.base = base\n", wrong="        self.base = 10_000.0\n",
        hint="Your layer rotates with the base 10 000 always, whatever base it was made with. SmolLM2 has 100 000."),
    Mistake("CausalSelfAttention", "biases left in",
        right="self.q_proj = nn.Linear(width, heads * self.head_size, bias=False)",
        wrong="self.q_proj = nn.Linear(width, heads * self.head_size)",
        hint="One of your linear layers still has a bias, which nn.Linear adds unless told otherwise. Published weights bring none, "
             "so they do not load, or a random bias stays in."),
]
