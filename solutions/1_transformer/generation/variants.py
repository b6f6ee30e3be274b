"""Right and wrong answers to the exercises of the lesson `generation`."""

from grader.variants import Alternative, Mistake

VARIANTS = [
    # -------------------------------------------------------------------------------------------------------- temperature
    Alternative("temperature", "torch's own softmax", other="""
        if value < 0:
            raise ValueError("temperature must not be negative")
        logits = at_least_float32(logits)
        if value == 0:
            probabilities = torch.zeros_like(logits)
            return probabilities.scatter_(-1, torch.argmax(logits, dim=-1, keepdim=True), 1.0)
        return torch.softmax(logits / value, dim=-1)
    """),
    Alternative("temperature", "largest subtracted first", other="""
        if value < 0:
            raise ValueError(value)
        wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        best = wide.max(dim=-1, keepdim=True)
        if value == 0.0:
            ids = torch.arange(wide.shape[-1], device=wide.device)
            return (ids == best.indices).to(wide.dtype)
        weights = torch.exp((wide - best.values) / value)
        return weights / weights.sum(dim=-1, keepdim=True)
    """),
    Mistake("temperature", "after softmax",
        right="softmax(wide / value, dim=-1)", wrong="softmax(softmax(wide, dim=-1) / value, dim=-1)",
        hint="You divide probabilities, not logits, and send them through softmax again. Numbers between 0 and 1 are so close to each other "
             "that nearly all tokens become equally likely. Which step comes first?",
        spoils=("sample",)),
    Mistake("temperature", "probabilities divided",
        right="softmax(wide / value, dim=-1)",
        wrong="softmax(wide, dim=-1) / value / (softmax(wide, dim=-1) / value).sum(-1, keepdim=True)",
        hint="You divide the probabilities by the temperature and let them sum to one again: that undoes the division. Your temperature "
             "has no effect at all. The logits have to be divided, before softmax.",
        spoils=("sample",)),
    Mistake("temperature", "multiplied",
        right="softmax(wide / value, dim=-1)", wrong="softmax(wide * value, dim=-1)",
        hint="You multiply by the temperature, so that heat makes your model more certain, and cold less. In the picture, which "
             "temperature has the bars that are nearly level?",
        spoils=("sample",)),
    Mistake("temperature", "small taken for zero",
        right="if value == 0:", wrong="if value < 0.05:",
        hint="You take every small temperature for 0. With 0.01, two logits that lie 0.01 apart still have probabilities of 0.73 and 0.27. "
             "Only at exactly 0 the division is impossible."),
    Mistake("temperature", "zero made small",
        right="""    if value == 0:
        return F.one_hot(wide.argmax(-1), wide.shape[-1]).to(wide.dtype)
    return softmax(wide / value, dim=-1)""",
        wrong="    return softmax(wide / max(value, 1e-6), dim=-1)",
        hint="You use a tiny temperature in place of 0. That comes to the same as long as one logit is the largest; where two are equal, "
             "each of yours gets a half, and 'greedy' becomes a toss of a coin. The docstring says who should win."),
    Mistake("temperature", "ties share at zero",
        right="F.one_hot(wide.argmax(-1), wide.shape[-1]).to(wide.dtype)",
        wrong="(wide == wide.amax(-1, keepdim=True)).to(wide.dtype)",
        hint="At temperature 0 every token that has the largest logit gets 1 from you. With two of them, the row sums to 2. One has to win, "
             "and the docstring says which."),
    Mistake("temperature", "last of equals at zero",
        right="wide.argmax(-1)", wrong="(wide.shape[-1] - 1 - wide.flip(-1).argmax(-1))",
        hint="Of several tokens with the largest logit, yours is the one with the highest id. It should be the lowest, so that "
             "greedy means the same everywhere."),
    Mistake("temperature", "no case for zero",
        right="""    if value == 0:
        return F.one_hot(wide.argmax(-1), wide.shape[-1]).to(wide.dtype)
""", wrong="",
        hint="At temperature 0 you divide by 0: the logits become inf and nan. Greedy is a case of its own.",
        spoils=("sample",)),
    Mistake("temperature", "half precision divided",
        right="softmax(wide / value, dim=-1)", wrong="softmax(at_least_float32(logits / value), dim=-1)",
        hint="You divide in half precision, and widen afterwards. In float16 a logit of 12 at temperature 0.0001 is beyond the largest number "
             "there is, and in bfloat16 every quotient is rounded to three digits. Widen first."),
    Mistake("temperature", "half precision given back",
        right="softmax(wide / value, dim=-1)", wrong="softmax(wide / value, dim=-1).to(logits.dtype)",
        hint="You compute in float32 and then round the probabilities to half precision. In bfloat16 they would not sum to one any more, "
             "and rare tokens would suffer most. The docstring asks for float32."),
    Mistake("temperature", "below zero let through",
        right="""    if value < 0:
        raise ValueError(f"a temperature is not negative, but this is {value}")
""", wrong="",
        hint="A temperature below 0 goes through: it turns the order around, and the least likely token becomes the likeliest. Nobody means "
             "that, so it should be refused."),
    Mistake("temperature", "along the first dimension",
        right="softmax(wide / value, dim=-1)", wrong="softmax(wide / value, dim=0)",
        hint="Your softmax runs along the first dimension. For a single row that is the vocabulary; in a batch it is the batch, and your "
             "rows do not sum to one.",
        spoils=("sample",)),
    Mistake("temperature", "logits changed in place",
        right="softmax(wide / value, dim=-1)", wrong="softmax(wide.div_(value), dim=-1)",
        hint="Your result is right, but the caller's logits are divided, too: an operation works in place. Whoever asks again with the same "
             "logits gets another answer."),

    # -------------------------------------------------------------------------------------------------------------- top-k
    Alternative("top_k", "rank of each token", other="""
        order = torch.argsort(probabilities, dim=-1, descending=True, stable=True)
        rank = torch.argsort(order, dim=-1)
        kept = torch.where(rank < k, probabilities, 0.0)
        return kept / kept.sum(dim=-1, keepdim=True)
    """),
    Alternative("top_k", "row by row in Python", other="""
        result = torch.zeros_like(probabilities)
        vocabulary = probabilities.shape[-1]
        for row, out in zip(probabilities.reshape(-1, vocabulary), result.view(-1, vocabulary)):
            values = row.tolist()
            best = sorted(range(vocabulary), key=lambda token: (-values[token], token))[:k]
            out[best] = row[best]
        return result / result.sum(-1, keepdim=True)
    """),
    Alternative("top_k", "best removed one by one", other="""
        left, kept = probabilities.clone(), torch.zeros_like(probabilities)
        for _ in range(min(k, probabilities.size(-1))):
            best = left.argmax(-1, keepdim=True)
            kept.scatter_(-1, best, probabilities.gather(-1, best))
            left.scatter_(-1, best, -1.0)
        return kept.div(kept.sum(-1, keepdim=True))
    """),
    Mistake("top_k", "keeps all that tie",
        wrong="""
        threshold = probabilities.topk(min(k, probabilities.shape[-1]), dim=-1).values[..., -1:]
        kept = probabilities * (probabilities >= threshold)
        return kept / kept.sum(-1, keepdim=True)
        """,
        hint="You keep everything that is as probable as the k-th token. When several are equal there, more than k stay. Many libraries "
             "do so, but here k is a promise: which of them should stay?"),
    Mistake("top_k", "drops all that tie",
        wrong="""
        if k >= probabilities.shape[-1]:
            return probabilities
        threshold = probabilities.sort(dim=-1, descending=True).values[..., k : k + 1]
        kept = probabilities * (probabilities > threshold)
        return kept / kept.sum(-1, keepdim=True)
        """,
        hint="You keep what is more probable than the first token outside. When that one ties with some inside, these go, too: fewer than "
             "k are left, or none, and then you divide by 0."),
    Mistake("top_k", "highest ids win ties",
        right="order = probabilities.sort(dim=-1, descending=True, stable=True).indices",
        wrong="order = probabilities.shape[-1] - 1 - probabilities.flip(-1).sort(dim=-1, descending=True, stable=True).indices",
        hint="Of equally probable tokens, yours keeps those with the highest ids; sorting upwards and reading from the end does "
             "that. The docstring wants the lowest."),
    Mistake("top_k", "not scaled again",
        right="return kept / kept.sum(-1, keepdim=True)", wrong="return kept",
        hint="You set the others to 0, and leave the rest as it was: your rows sum to less than one. What was taken away has to go to those "
             "that stay, in proportion.",
        spoils=("sample",)),
    Mistake("top_k", "equal shares",
        right="    kept = kept * probabilities\n", wrong="",
        hint="You choose the right tokens, and then give each the same probability. They should keep their proportions: what was twice "
             "as probable still is.",
        spoils=("sample",)),
    Mistake("top_k", "softmax of what stays",
        wrong="""
        order = probabilities.sort(dim=-1, descending=True, stable=True).indices
        kept = torch.zeros_like(probabilities).scatter(-1, order[..., :k], 1.0).bool()
        return torch.softmax(probabilities.masked_fill(~kept, -math.inf), dim=-1)
        """,
        hint="You send the probabilities that stay through softmax. That is for logits; of numbers between 0 and 1 it makes nearly equal "
             "shares. To keep proportions, divide by the sum.",
        spoils=("sample",)),
    Mistake("top_k", "the k least probable",
        right="descending=True, stable=True", wrong="stable=True",
        hint="You sort upwards, so that the first k are the *least* probable tokens.",
        spoils=("sample",)),
    Mistake("top_k", "in sorted order",
        wrong="""
        ordered = probabilities.sort(dim=-1, descending=True, stable=True).values
        ordered[..., k:] = 0
        return ordered / ordered.sum(-1, keepdim=True)
        """,
        hint="You give the probabilities back in sorted order: the largest is now that of token 0, whoever it belonged to. Each has to "
             "go back to its own place.",
        spoils=("sample",)),
    Mistake("top_k", "best of the whole batch",
        wrong="""
        flat = probabilities.flatten()
        order = flat.sort(descending=True, stable=True).indices
        kept = torch.zeros_like(flat).scatter(0, order[:k], 1.0).view_as(probabilities) * probabilities
        return kept / kept.sum(-1, keepdim=True).clamp(min=1e-12)
        """,
        hint="You look for the k best of all rows together. A row whose best tokens are less probable than another's goes away empty. Each "
             "row has k of its own.",
        spoils=("sample",)),
    Mistake("top_k", "large k fails",
        wrong="""
        best = probabilities.topk(k, dim=-1)
        order = probabilities.sort(dim=-1, descending=True, stable=True).indices[..., : best.indices.shape[-1]]
        kept = torch.zeros_like(probabilities).scatter(-1, order, 1.0) * probabilities
        return kept / kept.sum(-1, keepdim=True)
        """,
        hint="`topk` raises when k is larger than the vocabulary. A setting of 50 should work with a vocabulary of 20, too: everything "
             "stays then."),
    Mistake("top_k", "input changed in place",
        right="    kept = torch.zeros_like(probabilities).scatter(-1, order[..., :k], 1.0)\n    kept = kept * probabilities\n",
        wrong="    kept = probabilities.scatter_(-1, order[..., k:], 0.0)\n",
        hint="Your result is right, but you write the zeros into the caller's tensor. Work on a new one."),

    # -------------------------------------------------------------------------------------------------------------- top-p
    Alternative("top_p", "first place that reaches p", other="""
        if p == 1:
            return probabilities.clone()
        order = torch.argsort(probabilities, dim=-1, descending=True, stable=True)
        sums = torch.cumsum(probabilities.gather(-1, order), dim=-1)
        count = (sums < p).sum(-1, keepdim=True) + 1
        rank = order.argsort(dim=-1)
        kept = torch.where(rank < count, probabilities, torch.zeros_like(probabilities))
        return kept / kept.sum(dim=-1, keepdim=True)
    """),
    Alternative("top_p", "shifted, as in Hugging Face", other="""
        if p >= 1.0:
            return probabilities
        values, indices = torch.sort(probabilities, descending=True, stable=True, dim=-1)
        remove = values.cumsum(dim=-1) >= p
        remove[..., 1:] = remove[..., :-1].clone()
        remove[..., 0] = False
        mask = torch.zeros_like(remove).scatter(-1, indices, remove)
        kept = probabilities.masked_fill(mask, 0.0)
        return kept / kept.sum(-1, keepdim=True)
    """),
    Alternative("top_p", "row by row in Python", other="""
        vocabulary = probabilities.shape[-1]
        result = torch.zeros_like(probabilities)
        for row, out in zip(probabilities.reshape(-1, vocabulary), result.view(-1, vocabulary)):
            values, total = row.tolist(), 0.0
            for token in sorted(range(vocabulary), key=lambda i: (-values[i], i)):
                out[token] = row[token]
                total += values[token]
                if total >= p and p < 1:
                    break
        return result / result.sum(-1, keepdim=True)
    """),
    Mistake("top_p", "drops the token that crosses",
        right="nucleus = sum_before < p", wrong="nucleus = ordered.cumsum(-1) <= p",
        hint="The token with which the sum goes over p is missing from your nucleus: you ask whether the sum *with* a token is still "
             "within p. Ask about the sum of those before it. Holtzman's nucleus sums to at least p, yours to less.",
        spoils=("sample",)),
    Mistake("top_p", "nothing may stay",
        right="    nucleus = sum_before < p\n    nucleus[..., 0] = True\n", wrong="    nucleus = ordered.cumsum(-1) <= p\n",
        hint="When the most probable token alone is above p, your nucleus is empty, and you divide by 0. The token that reaches p belongs to "
             "the nucleus, so there always is one.",
        spoils=("sample",)),
    Mistake("top_p", "empty for p = 0",
        right="    nucleus[..., 0] = True\n", wrong="",
        hint="For p = 0 no token is left, for the sum before the first one is 0, and that is not less than 0. At least one should stay.",
        spoils=("sample",)),
    Mistake("top_p", "one token too many",
        right="nucleus = sum_before < p", wrong="nucleus = sum_before <= p",
        hint="When the sum reaches p exactly, you take one token more. 'At least p' has been reached then; the smallest set ends here."),
    Mistake("top_p", "not scaled again",
        right="return kept / kept.sum(-1, keepdim=True)", wrong="return kept",
        hint="You set the others to 0 and leave the rest as it was: your rows sum to p or a little more, not to one."),
    Mistake("top_p", "least probable first",
        right="sort(dim=-1, descending=True, stable=True)", wrong="sort(dim=-1, stable=True)",
        hint="You sort upwards and collect the *least* probable tokens until they sum to p.",
        spoils=("sample",)),
    Mistake("top_p", "in sorted order",
        right="torch.zeros_like(probabilities).scatter(-1, order, ordered * nucleus)", wrong="ordered * nucleus",
        hint="You give the probabilities back in sorted order: token 0 gets the largest, whoever it belonged to. `order` says where each "
             "came from.",
        spoils=("sample",)),
    Mistake("top_p", "mask not taken back",
        right="torch.zeros_like(probabilities).scatter(-1, order, ordered * nucleus)", wrong="probabilities * nucleus",
        hint="Your mask is about the sorted tokens, and you lay it over the unsorted ones: so the first few ids stay, probable or not.",
        spoils=("sample",)),
    Mistake("top_p", "threshold for each token",
        wrong="""
        if p >= 1:
            return probabilities
        keep = probabilities >= torch.minimum(probabilities.amax(-1, keepdim=True), torch.tensor(1 - p).to(probabilities))
        kept = probabilities * keep
        return kept / kept.sum(-1, keepdim=True)
        """,
        hint="You compare each token's own probability with a threshold. That is another method (min-p is like it). The nucleus is about the "
             "*sum* of the most probable ones.",
        spoils=("sample",)),
    Mistake("top_p", "tail lost at p = 1",
        right="    if p >= 1:\n        return probabilities\n", wrong="",
        hint="With p = 1 you lose the rarest tokens: in float32 the running sum is 1 before it comes to them. p = 1 means 'everything', and "
             "is a case of its own."),
    Mistake("top_p", "keeps all that tie",
        wrong="""
        if p >= 1:
            return probabilities
        ordered = probabilities.sort(dim=-1, descending=True).values
        count = ((ordered.cumsum(-1) - ordered) < p).sum(-1, keepdim=True).clamp(min=1)
        kept = probabilities * (probabilities >= ordered.gather(-1, count - 1))
        return kept / kept.sum(-1, keepdim=True)
        """,
        hint="You find the least probability in the nucleus, and then keep every token that has it. Where many are equal, far more stay than "
             "needed to reach p. The smallest set takes the lowest ids of them and ends."),
    Mistake("top_p", "sums over the batch",
        right="ordered.cumsum(-1) - ordered", wrong="ordered.cumsum(0) - ordered",
        hint="Your running sum goes down the first dimension. For a single row that is the vocabulary; in a batch, you add up the tokens "
             "of different rows.",
        spoils=("sample",)),

    # ------------------------------------------------------------------------------------------------------------- sample
    Alternative("sample", "running sum and a uniform number", other="""
        probabilities = temperature(logits, settings.temperature)
        if settings.top_k is not None:
            probabilities = top_k(probabilities, settings.top_k)
        if settings.top_p is not None:
            probabilities = top_p(probabilities, settings.top_p)
        sums = probabilities.double().cumsum(-1)
        uniform = torch.rand(sums.shape[:-1] + (1,), generator=generator, dtype=torch.float64)
        return torch.searchsorted(sums, uniform * sums[..., -1:], right=True).squeeze(-1)
    """),
    Alternative("sample", "a race of exponentials", other="""
        probabilities = temperature(logits, settings.temperature)
        probabilities = top_k(probabilities, settings.top_k or probabilities.shape[-1])
        probabilities = top_p(probabilities, 1.0 if settings.top_p is None else settings.top_p)
        clocks = torch.empty(probabilities.shape, dtype=torch.float64).exponential_(generator=generator)
        return (probabilities / clocks).argmax(-1)
    """),
    Alternative("sample", "one row after the other", other="""
        if settings.temperature == 0:
            return logits.argmax(dim=-1)
        weights = temperature(logits, settings.temperature)
        if settings.top_k is not None:
            weights = top_k(weights, settings.top_k)
        if settings.top_p is not None:
            weights = top_p(weights, settings.top_p)
        if weights.dim() == 1:
            return torch.multinomial(weights, 1, generator=generator)[0]
        return torch.multinomial(weights.flatten(0, -2), 1, True, generator=generator).unflatten(0, weights.shape[:-1])[..., 0]
    """),
    Mistake("sample", "global generator",
        right="num_samples=1, generator=generator", wrong="num_samples=1",
        hint="Your draw uses PyTorch's global generator, and leaves the one that you are given alone. The same seed then gives another text "
             "each time, and your drawing changes the numbers of everyone else."),
    Mistake("sample", "top-p before top-k",
        right="""    if settings.top_k is not None:
        probabilities = top_k(probabilities, settings.top_k)
    if settings.top_p is not None:
        probabilities = top_p(probabilities, settings.top_p)
""", wrong="""    if settings.top_p is not None:
        probabilities = top_p(probabilities, settings.top_p)
    if settings.top_k is not None:
        probabilities = top_k(probabilities, settings.top_k)
""",
        hint="You take the nucleus first and the best k of it afterwards. After top-k the others' probabilities have grown, so the "
             "nucleus for the same p is smaller there. The order is temperature, top-k, top-p."),
    Mistake("sample", "temperature at the end",
        right="""    probabilities = temperature(logits, settings.temperature)
    if settings.top_k is not None:
        probabilities = top_k(probabilities, settings.top_k)
    if settings.top_p is not None:
        probabilities = top_p(probabilities, settings.top_p)
""", wrong="""    probabilities = temperature(logits, 1.0)
    if settings.top_k is not None:
        probabilities = top_k(probabilities, settings.top_k)
    if settings.top_p is not None:
        probabilities = top_p(probabilities, settings.top_p)
    probabilities = temperature(probabilities.log(), settings.temperature)
""",
        hint="You filter first and apply the temperature to what is left. But the nucleus is meant to be that of the heated (or cooled) "
             "distribution: at a high temperature it holds more tokens."),
    Mistake("sample", "temperature left out",
        right="temperature(logits, settings.temperature)",
        wrong="temperature(logits, 0.0 if settings.temperature == 0 else 1.0)",
        hint="Temperature 0 is greedy with you, and every other one is 1: the number in the settings is not used."),
    Mistake("sample", "top_p = 0 taken for off",
        right="if settings.top_p is not None:", wrong="if settings.top_p:",
        hint="`if settings.top_p` is false for 0.0, as well as for None. So the strictest filter of all, the one that leaves a single token, "
             "is off with you. Ask for None."),
    Mistake("sample", "always the likeliest",
        right="torch.multinomial(rows, num_samples=1, generator=generator)", wrong="rows.argmax(-1)",
        hint="You take the likeliest token, always. That is temperature 0; at any other one, the second likeliest should come, too, as often "
             "as its probability says."),
    Mistake("sample", "rare tokens never",
        right="rows = probabilities.reshape(-1, probabilities.shape[-1])",
        wrong="rows = torch.where(probabilities < 0.005, 0, probabilities).reshape(-1, probabilities.shape[-1])",
        hint="Tokens of a small probability never come with you. Something cuts or rounds them away. Cutting is the filters' job, "
             "and when they are off, a token of 0.2 % comes twice in a thousand draws."),
    Mistake("sample", "one draw for all rows",
        right="drawn = torch.multinomial(rows, num_samples=1, generator=generator)",
        wrong="drawn = torch.searchsorted(rows.cumsum(-1), torch.rand(1, generator=generator).expand(len(rows), 1).contiguous(), right=True)"
              ".clamp(max=rows.shape[-1] - 1)",
        hint="One random number serves all rows. Each row by itself is right, but together they are not: equal rows get equal tokens, and a "
             "batch of eight texts from one prompt is the same text eight times."),
    Mistake("sample", "seeded anew in each call",
        right="    drawn = torch.multinomial(rows, num_samples=1, generator=generator)",
        wrong="    generator = torch.Generator().manual_seed(generator.initial_seed())\n"
              "    drawn = torch.multinomial(rows, num_samples=1, generator=generator)",
        hint="You seed a generator anew in each call. So each call makes the same draw, and a text made token by token repeats "
             "itself. Take your random numbers from the generator as it is, and let it move on."),
    Mistake("sample", "a dimension left over",
        right="drawn.reshape(probabilities.shape[:-1])", wrong="drawn.reshape(*probabilities.shape[:-1], 1)",
        hint="`multinomial` can draw several tokens for a row, so its result has a dimension for them. You draw one; the docstring asks for "
             "a result without that dimension."),
    Mistake("sample", "last token never",
        right="drawn = torch.multinomial(rows, num_samples=1, generator=generator)",
        wrong="drawn = (torch.rand(len(rows), 1, generator=generator) > rows.cumsum(-1)).sum(-1).clamp(max=max(rows.shape[-1] - 2, 0))",
        hint="The token with the highest id never comes with you: your clamp, or your range, ends one too early. A vocabulary of n "
             "has the ids 0 to n - 1."),
    Mistake("sample", "each row once only",
        right="drawn = torch.multinomial(rows, num_samples=1, generator=generator)",
        wrong="drawn = torch.multinomial(rows[:1], num_samples=len(rows), replacement=True, generator=generator)",
        hint="You draw all tokens from the first row's distribution. As long as all rows are equal, nobody can tell; but each row has "
             "its own."),

    # -------------------------------------------------------------------------------------------------------- stop string
    Alternative("until_stop", "letter by letter", other="""
        held = shown = ""
        for letter in text:
            held += letter
            complete = [stop for stop in stops if held.endswith(stop)]
            if complete:
                return shown + held.removesuffix(max(complete, key=len)), True
            while held and not any(stop.startswith(held) for stop in stops):
                shown, held = shown + held[0], held[1:]
        return shown, False
    """),
    Alternative("until_stop", "by places", other="""
        found = [(text.find(stop) + len(stop), -len(stop)) for stop in stops if stop in text]
        if found:
            end, minus = min(found)
            return text[: end + minus], True
        longest = 0
        for stop in stops:
            for length in range(1, len(stop)):
                if text.endswith(stop[:length]):
                    longest = max(longest, length)
        return text[: len(text) - longest], False
    """),
    Mistake("until_stop", "nothing held back",
        right="if any(stop.startswith(text[start:]) for stop in stops):", wrong="if text[start:] in stops:",
        hint="You show everything until the stop string is complete. By then its beginning is on the reader's screen. What may become a stop "
             "string has to wait."),
    Mistake("until_stop", "stop string shown",
        right="text[: end - max(map(len, found))], True", wrong="text[:end], True",
        hint="The stop string itself is among what you show. It is a signal, not a part of the answer: the text ends before it."),
    Mistake("until_stop", "only at the very end",
        right="for end in range(1, len(text) + 1):", wrong="for end in (len(text),):",
        hint="You look for the stop string at the very end of the text only. A token can bring more than one character, so there may be text "
             "behind it already."),
    Mistake("until_stop", "too much held back",
        right="""    for start in range(len(text)):
        if any(stop.startswith(text[start:]) for stop in stops):
            return text[:start], False
    return text, False""",
        wrong="    return text[: max(0, len(text) - max(map(len, stops), default=1) + 1)], False",
        hint="You always hold back as many characters as a stop string has, less one. That is safe, but the reader waits for text that "
             "cannot become a stop string any more. And who shows the last few characters in the end?"),
    Mistake("until_stop", "held back from a first letter",
        right="""    for start in range(len(text)):
        if any(stop.startswith(text[start:]) for stop in stops):
            return text[:start], False
    return text, False""",
        wrong="    return text[: min((text.rfind(stop[0]) for stop in stops if stop[0] in text), default=len(text))], False",
        hint="You hold back everything from the last letter that a stop string begins with. But what follows that letter may be wrong already: "
             "'ENg' can never become 'END'."),
    Mistake("until_stop", "shortest beginning held back",
        right="    for start in range(len(text)):\n", wrong="    for start in reversed(range(len(text))):\n",
        hint="You hold back the *shortest* end that could begin a stop string. With the stop string '\"\"\"' and '\"\"' so far, both characters "
             "have to wait, and you show the first."),
    Mistake("until_stop", "first in the list",
        right="""    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text.endswith(stop, 0, end)]
        if found:
            return text[: end - max(map(len, found))], True
""",
        wrong="""    for stop in stops:
        if stop in text:
            return text.split(stop)[0], True
""",
        hint="When several stop strings occur, you take the one that is first in the *list*. It should be the one that was complete first in "
             "the text: a reader who got it letter by letter would have stopped there."),
    Mistake("until_stop", "last occurrence",
        right="for end in range(1, len(text) + 1):", wrong="for end in range(len(text), 0, -1):",
        hint="When a stop string occurs more than once, you cut at the last one. The text ended at the first."),
    Mistake("until_stop", "shortest of those complete",
        right="max(map(len, found))", wrong="min(map(len, found))",
        hint="When two stop strings are complete at the same character, you cut off the shorter one, and the beginning of the longer one is "
             "shown."),
    Mistake("until_stop", "first stop string only held back",
        right="if any(stop.startswith(text[start:]) for stop in stops):", wrong="if stops and stops[0].startswith(text[start:]):",
        hint="You hold text back for the first of the stop strings only. Any of them may be on its way."),

    # ----------------------------------------------------------------------------------------------------------- generate
    Alternative("generate", "as a tensor", other="""
        text = torch.tensor([list(prompt)], dtype=torch.long)
        made = 0
        while made < maximum:
            start = window_start(text.shape[1], context)
            with torch.inference_mode():
                logits = model(text[:, start:])[:, -1].squeeze(0)
            token = choose(logits)
            if token in set(stop):
                break
            text = torch.cat((text, torch.tensor([[token]])), dim=1)
            made += 1
            yield token
    """),
    Alternative("generate", "new tokens beside the prompt", other="""
        prompt, new = tuple(prompt), []
        while len(new) < maximum:
            text = [*prompt, *new]
            window = torch.as_tensor(text[window_start(len(text), context):]).unsqueeze(0)
            previous = torch.is_grad_enabled()
            torch.set_grad_enabled(False)
            try:
                logits = model(window)
            finally:
                torch.set_grad_enabled(previous)
            new.append(choose(logits[0][-1]))
            if new[-1] in stop:
                return
            yield new[-1]
    """),
    Mistake("generate", "stop token yielded",
        right="""        if token in stop:
            return
        text.append(token)
        yield token""",
        wrong="""        text.append(token)
        yield token
        if token in stop:
            return""",
        hint="You hand out the stop token before you stop. It is a signal to the loop and not a part of the text."),
    Mistake("generate", "one token too many",
        right="range(maximum)", wrong="range(maximum + 1)",
        hint="You yield maximum + 1 tokens. How many turns does your loop make when `maximum` is 0?"),
    Mistake("generate", "maximum counts the prompt",
        right="range(maximum)", wrong="range(maximum - len(text))",
        hint="You count the prompt as part of `maximum`. It is the number of *new* tokens: a long question should not make the answer "
             "shorter."),
    Mistake("generate", "one call too many",
        right="        yield token\n", wrong="        yield token\n    with torch.no_grad():\n        model(torch.tensor([text[window_start(len(text), context) :]]))\n",
        hint="After the last token you call the model once more, for a token that nobody wants. With a large model that is real money."),
    Mistake("generate", "window moves with each token",
        right="text[window_start(len(text), context) :]", wrong="text[-context:]",
        hint="Your window is the last `context` tokens, so it moves on by one with each token. That is a good window, but not the one that is "
             "asked for: with one that jumps, a cache lives longer. What does `window_start` say?"),
    Mistake("generate", "text not cut",
        right="text[window_start(len(text), context) :]", wrong="text",
        hint="You give the whole text to the model, even when it is longer than the context. It was never trained on positions so far out, and "
             "what it says there is worth little."),
    Mistake("generate", "only the last token",
        right="text[window_start(len(text), context) :]", wrong="text if len(text) == len(prompt) else text[-1:]",
        hint="After the first token you give the model only the newest one. Without a cache it remembers nothing: it goes on from a "
             "single token, as if there were no text before it."),
    Mistake("generate", "first logits",
        right="logits[0, -1]", wrong="logits[0, 0]",
        hint="You use the logits at the window's first place. They are about the *second* token of the window, which is long there. Which "
             "place guesses the token after the last?"),
    Mistake("generate", "prompt yielded too",
        right="    text = list(prompt)\n", wrong="    text = list(prompt)\n    yield from prompt\n",
        hint="You hand out the prompt before the new tokens. The caller has it already."),
    Mistake("generate", "all before the first",
        right="        yield token", wrong="""        if len(text) == len(prompt) + maximum:
            break
    yield from text[len(prompt) :]""",
        hint="You make the whole text before you hand out its first token. The reader waits, and whoever wants to stop early has paid for all of it. "
             "And when a stop token comes, yours are lost."),
    Mistake("generate", "gradients off for the caller",
        right="""        with torch.no_grad():
            logits = model(torch.tensor([window]))
        token = choose(logits[0, -1])
        if token in stop:
            return
        text.append(token)
        yield token""",
        wrong="""        with torch.no_grad():
            logits = model(torch.tensor([window]))
            token = choose(logits[0, -1])
            if token in stop:
                return
            text.append(token)
            yield token""",
        hint="Your `yield` stands inside `torch.no_grad()`. While the caller holds a token, the function stands still there, and gradients "
             "are off for the caller too: whoever samples during training, stops learning. Close the block before you yield."),
    Mistake("generate", "stop token in the prompt",
        right="        window = text", wrong="        if any(token in stop for token in text):\n            return\n        window = text",
        hint="You look for stop tokens in the whole text, the prompt included. A chat prompt is full of them, one after each turn; yours "
             "ends before it begins."),
    Mistake("generate", "token 0 lost",
        right="        if token in stop:", wrong="        if not token or token in stop:",
        hint="Token 0 ends your text although it is no stop token, since Python takes 0 for false. It is a token like any other."),

    # ---------------------------------------------------------------------------------------------------- generate_cached
    Alternative("generate_cached", "counts what is in the caches", other="""
        text = [*prompt]
        start, caches = window_start(len(text), context), empty_caches(model)
        for _ in range(maximum):
            now = window_start(len(text), context)
            if now > start:
                start, caches = now, empty_caches(model)
            done = start + caches[0].length
            with torch.inference_mode():
                scores = model(torch.tensor(text[done:])[None], caches)
            token = choose(scores[0, -1, :].clone())
            if token in stop:
                break
            text.append(token)
            yield token
    """),
    Alternative("generate_cached", "prefill and step apart", other="""
        def prefill():
            caches = empty_caches(model)
            with torch.no_grad():
                return caches, model(torch.tensor([text[start:]]), caches)[0, -1]

        text = list(prompt)
        start, caches = window_start(len(text), context), None
        for count in range(maximum):
            moved = window_start(len(text), context)
            if caches is None or moved != start:
                start = moved
                caches, logits = prefill()
            else:
                with torch.no_grad():
                    logits = model(torch.tensor([[text[-1]]]), caches=caches)[0, -1]
            token = choose(logits)
            if token in stop:
                return
            text.append(token)
            yield token
    """),
    Mistake("generate_cached", "caches filled, not used",
        right="""            start = window_start(len(text), context)
            caches, new = empty_caches(model), text[start:]
""", wrong="""            start = window_start(len(text), context)
        caches, new = empty_caches(model), text[start:]
""",
        hint="You give the whole window to the model for every token, as without a cache: whatever caches you make are filled and never "
             "read again. The text is right; the work is the same as before. Look at the count: which tokens go in again and again?"),
    Mistake("generate_cached", "prompt fed again and again",
        right="        new = [token]\n", wrong="        new = text[start:]\n",
        hint="You give the whole window to a model whose caches hold it already. Then it stands there twice, thrice, …, one after the other. "
             "What has to go in is only what is not in there yet."),
    Mistake("generate_cached", "last token fed twice",
        right="            caches, new = empty_caches(model), text[start:]\n",
        wrong="""            caches, new = empty_caches(model), text[-1:]
            with torch.no_grad():
                model(torch.tensor([text[start:]]), caches)
""",
        hint="You put the whole window into the caches and throw the logits away; then you feed the last token once more. It stands there "
             "twice. The prefill has given you the logits that you need."),
    Mistake("generate_cached", "prompt token by token",
        right="            caches, new = empty_caches(model), text[start:]\n",
        wrong="""            caches, new = empty_caches(model), text[-1:]
            with torch.no_grad():
                for earlier in text[start:-1]:
                    model(torch.tensor([[earlier]]), caches)
""",
        hint="You feed the window one token at a time. The result is right, but a model can read a thousand tokens in one call in little more "
             "time than one: that is what the prefill is for."),
    Mistake("generate_cached", "one cache for all layers",
        right="caches, new = empty_caches(model), text[start:]", wrong="caches, new = [Cache()] * len(model.layers), text[start:]",
        hint="`[Cache()] * n` is a list of n times the *same* cache. All layers put their keys into it, and each sees the keys of the "
             "others. Every layer needs one of its own."),
    Mistake("generate_cached", "window never moves",
        right="if window_start(len(text), context) != start:", wrong="if start < 0:",
        hint="Your caches grow and grow. Beyond the context the model works at positions it was never trained on, and sees what `generate` "
             "does not see. When the window moves, begin anew."),
    Mistake("generate_cached", "new caches left empty",
        right="caches, new = empty_caches(model), text[start:]", wrong="caches, new = empty_caches(model), text[start:] if len(text) == len(prompt) else [token]",
        hint="When the window moves you make new caches, which is right, and then feed only the newest token: the model has forgotten all "
             "the rest. The new window has to go in first."),
    Mistake("generate_cached", "oldest keys thrown out",
        right="""        if window_start(len(text), context) != start:
            start = window_start(len(text), context)
            caches, new = empty_caches(model), text[start:]
""", wrong="""        if start < 0:
            start = window_start(len(text), context)
            caches, new = empty_caches(model), text[start:]
        elif window_start(len(text), context) != start:
            gone = window_start(len(text), context) - start
            start += gone
            for cache in caches:
                cache.keys, cache.values = cache.keys[:, :, gone:], cache.values[:, :, gone:]
""",
        hint="When the window moves, you cut the oldest tokens out of the caches. But what is left was made while they were still in sight: in "
             "the second layer, each key has something of them in it. (Real servers do that, and accept that the text changes.) Here cached equals "
             "uncached."),
    Mistake("generate_cached", "window moves with each token",
        wrong="""
    text, start = list(prompt), -1
    for _ in range(maximum):
        if max(0, len(text) - context) != start:
            start = max(0, len(text) - context)
            caches, new = empty_caches(model), text[start:]
        with torch.no_grad():
            logits = model(torch.tensor([new]), caches)
        token = choose(logits[0, -1])
        if token in stop:
            return
        text.append(token)
        new = [token]
        yield token
        """,
        hint="Your window is the last `context` tokens. It moves with each token, so beyond the context you fill new caches for each: all that "
             "the cache saves is lost. What does `window_start` say?"),
    Mistake("generate_cached", "computed ahead",
        right="        new = [token]\n        yield token",
        wrong="""        new = [token]
        if window_start(len(text), context) == start:
            with torch.no_grad():
                model(torch.tensor([new]), [Cache() for _ in model.layers])
        yield token""",
        hint="Before you hand out a token, you send it through the model. If the caller wants no more, that was for nothing; and "
             "the last token is always computed in vain."),
    Mistake("generate_cached", "stop token yielded",
        right="""        if token in stop:
            return
        text.append(token)
        new = [token]
        yield token""",
        wrong="""        text.append(token)
        new = [token]
        yield token
        if token in stop:
            return""",
        hint="You hand out the stop token before you stop. It is a signal, and not a part of the text."),
    Mistake("generate_cached", "caches kept on the model",
        right="caches, new = empty_caches(model), text[start:]",
        wrong="""caches, new = getattr(model, "caches", None) or empty_caches(model), text[start:]
            model.caches = caches""",
        hint="You keep the caches with the model, and the next generation finds those of the last one. It continues a text that it was "
             "never given. Each generation has its own."),
    Mistake("generate_cached", "gradients off for the caller",
        right="""        with torch.no_grad():
            logits = model(torch.tensor([new]), caches)
        token = choose(logits[0, -1])
        if token in stop:
            return
        text.append(token)
        new = [token]
        yield token""",
        wrong="""        with torch.no_grad():
            logits = model(torch.tensor([new]), caches)
            token = choose(logits[0, -1])
            if token in stop:
                return
            text.append(token)
            new = [token]
            yield token""",
        hint="Your `yield` stands inside `torch.no_grad()`, so gradients are off for the caller too, as long as it holds a token. Close the "
             "block before you yield."),

    # --------------------------------------------------------------------------------------------------------- perplexity
    Alternative("perplexity", "token by token", other="""
        total = 0.0
        for place in range(1, len(tokens)):
            start = max(0, -(-(place - context) // stride)) * stride
            with torch.no_grad():
                logits = at_least_float32(model(tokens[start:place].unsqueeze(0))[0, -1])
            total -= logits.log_softmax(-1)[tokens[place]].item()
        return math.exp(total / (len(tokens) - 1))
    """),
    Alternative("perplexity", "all losses, then the mean", other="""
        losses = torch.full((len(tokens),), math.nan, dtype=torch.float64)
        for start in range(0, max(1, len(tokens) - 1), stride):
            piece = tokens[start : start + context + 1]
            if len(piece) < 2:
                break
            window = piece[:-1] if len(piece) > 1 else piece
            with torch.inference_mode():
                log_probabilities = torch.log_softmax(model(window[None]).squeeze(0).double(), dim=-1)
            guessed = -log_probabilities.gather(1, piece[1:, None])[:, 0]
            places = torch.arange(start + 1, start + 1 + len(guessed))
            losses[places] = torch.where(losses[places].isnan(), guessed, losses[places])
        return losses[1:].mean().exp().item()
    """),
    Mistake("perplexity", "overlap counted again",
        right="losses[counted - start - 1 :].sum().item()", wrong="losses.sum().item()",
        hint="You add up all losses of each window, the overlap too: most tokens count several times, and the sum is divided by "
             "the number of tokens as if they had not. Where did the last window end?"),
    Mistake("perplexity", "overlap in the mean twice",
        wrong="""
        total, number, counted = 0.0, 0, 1
        for start in range(0, len(tokens), stride):
            end = min(start + context, len(tokens) - 1)
            with torch.no_grad():
                logits = model(tokens[None, start:end])[0]
            total += F.cross_entropy(at_least_float32(logits), tokens[start + 1 : end + 1], reduction="sum").item()
            number += end - start
            if end + 1 == len(tokens):
                break
        return math.exp(total / number)
        """,
        hint="Your mean is over all guesses of all windows, so tokens in the overlap count two or more times, and those with little context "
             "before them are among them: just what the overlap was to avoid. Each token counts once, in the first window that guesses it."),
    Mistake("perplexity", "mean of window means",
        wrong="""
        means, counted = [], 1
        for start in range(0, len(tokens), stride):
            end = min(start + context, len(tokens) - 1)
            with torch.no_grad():
                logits = model(tokens[None, start:end])[0]
            losses = F.cross_entropy(at_least_float32(logits), tokens[start + 1 : end + 1], reduction="none")
            means.append(losses[counted - start - 1 :].mean().item())
            counted = end + 1
            if counted == len(tokens):
                break
        return math.exp(sum(means) / len(means))
        """,
        hint="You take the mean of each window, and then the mean of these. The last window counts fewer tokens than the others, and the first "
             "one more; in yours, each window weighs the same. Add up tokens, and divide once."),
    Mistake("perplexity", "mean of perplexities",
        wrong="""
        values, counted = [], 1
        for start in range(0, len(tokens), stride):
            end = min(start + context, len(tokens) - 1)
            with torch.no_grad():
                logits = model(tokens[None, start:end])[0]
            losses = F.cross_entropy(at_least_float32(logits), tokens[start + 1 : end + 1], reduction="none")
            values += losses[counted - start - 1 :].exp().tolist()
            counted = end + 1
            if counted == len(tokens):
                break
        return sum(values) / len(values)
        """,
        hint="You take the exponential of each loss and average these. A single token that the model found impossible makes the result "
             "huge. The mean comes first, then the exponential."),
    Mistake("perplexity", "pieces side by side",
        right="for start in range(0, len(tokens), stride):", wrong="for start in range(0, len(tokens), context):",
        hint="Your windows do not overlap, whatever the stride is: the first tokens of each are guessed from almost nothing. How far should "
             "one window lie behind the other?"),
    Mistake("perplexity", "first of each window lost",
        wrong="""
        total, number = 0.0, 0
        for start in range(0, len(tokens), context):
            window = tokens[start : start + context]
            if len(window) > 1:
                with torch.no_grad():
                    logits = at_least_float32(model(window[None])[0])
                total += F.cross_entropy(logits[:-1], window[1:], reduction="sum").item()
                number += len(window) - 1
        return math.exp(total / number)
        """,
        hint="You cut the text into pieces and guess within each. The first token of each piece is never guessed, though it has a "
             "text before it, and the stride has no effect. A window's last logits guess the token *behind* it."),
    Mistake("perplexity", "first of each window without context",
        wrong="""
        total, counted = 0.0, 1
        for start in range(1, len(tokens), stride):
            window = tokens[start - 1 : start + stride]
            with torch.no_grad():
                logits = at_least_float32(model(window[None, :-1])[0])
            total += F.cross_entropy(logits, window[1:], reduction="sum").item()
        return math.exp(total / (len(tokens) - 1))
        """,
        hint="Your windows hold the tokens that count, and nothing before them: each begins with no memory of the text. They "
             "may be `context` long; the first part of it is there to be looked at."),
    Mistake("perplexity", "not shifted",
        right="tokens[start + 1 : end + 1]", wrong="tokens[start:end]",
        hint="You ask the logits at each place about the token that stands there, which the model has just read. They are a guess of the *next* "
             "one."),
    Mistake("perplexity", "no exponential",
        right="return math.exp(total / (len(tokens) - 1))", wrong="return total / (len(tokens) - 1)",
        hint="You give the mean loss. Perplexity is its exponential: a model that cannot decide between 7 tokens has 7, not ln 7 ≈ 1.95."),
    Mistake("perplexity", "two for e",
        right="return math.exp(total / (len(tokens) - 1))", wrong="return 2 ** (total / (len(tokens) - 1))",
        hint="Your losses are in nats, from the natural logarithm, and you raise 2 to their mean. Base and logarithm have to go together."),
    Mistake("perplexity", "divided by all tokens",
        right="return math.exp(total / (len(tokens) - 1))", wrong="return math.exp(total / len(tokens))",
        hint="You divide by the number of tokens, but the first one was never guessed. On a long text nobody notices; on a short one "
             "your model looks better than it is."),
    Mistake("perplexity", "last window dropped",
        right="        end = min(start + context, len(tokens) - 1)\n",
        wrong="""        end = start + context
        if end > len(tokens) - 1 and start:
            break
        end = min(end, len(tokens) - 1)
""",
        hint="You leave out the last window, if it is shorter than the others. The tokens at the end of the text are never counted, and yet you "
             "divide by all of them."),
    Mistake("perplexity", "half precision kept",
        right="at_least_float32(logits)", wrong="logits",
        hint="You compute the losses in the dtype of the logits. In bfloat16 a loss of 5 is rounded to steps of 1/32. Widen the logits "
             "first."),
    Mistake("perplexity", "window one too long",
        right="        end = min(start + context, len(tokens) - 1)\n        with torch.no_grad():\n            logits = model(tokens[None, start:end])[0]",
        wrong="        end = min(start + context, len(tokens) - 1)\n        with torch.no_grad():\n            logits = model(tokens[None, start : end + 1])[0, : end - start]",
        hint="You read context + 1 tokens and leave the last logits unused. The result is right, but the model was promised at most `context` "
             "tokens, and one that stores positions would fail. The targets go one further, not what it reads."),
]
