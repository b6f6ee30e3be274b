"""Right and wrong answers to the exercises of the lesson `tensors`."""

from grader.variants import Alternative, Mistake

VARIANTS = [
    # -------------------------------------------------------------------------------------------------- pairwise products
    Alternative("pairwise_products", "matrix product", other="return a @ b.mT"),
    Alternative("pairwise_products", "broadcasting and sum", other="return (a[..., :, None, :] * b[..., None, :, :]).sum(dim=-1)"),
    Alternative("pairwise_products", "row by row", other="""
        return torch.stack([(a * b[..., j, None, :]).sum(-1) for j in range(b.shape[-2])], dim=-1)
    """),
    Mistake("pairwise_products", "None in front of the stack",
        wrong="return (a[..., None, :] * b[None]).sum(-1)",
        hint="For two plain tables your code is right. `b[None]` puts the new dimension in front of everything, though, where "
             "a stack has its leading dimensions; the new one belongs right in front of the rows. Count it from the end."),
    Mistake("pairwise_products", "leading dimensions not shared",
        wrong="return torch.tensordot(a, b, dims=([-1], [-1]))",
        hint="For two plain tables your code is right. In a stack it multiplies every table with every other one: the leading "
             "dimensions of `a` and `b` should be shared, not crossed."),
    Mistake("pairwise_products", "rows and columns swapped",
        right='"...ik,...jk->...ij"', wrong='"...ik,...jk->...ji"',
        hint="Your result is transposed: its rows belong to the rows of `b`. The order of the letters behind the arrow is the "
             "order of the dimensions."),
    Mistake("pairwise_products", "just one leading dimension",
        right='"...ik,...jk->...ij"', wrong='"bik,bjk->bij" if a.dim() > 2 else "ik,jk->ij"',
        hint="You have named the leading dimension, so there can be exactly one, and both tables must have it. Three dots stand for "
             "any number of them, and broadcast."),
    Mistake("pairwise_products", "all dimensions reversed",
        wrong="return a @ b.permute(*range(b.dim() - 1, -1, -1))",
        hint="You transpose `b` by reversing all of its dimensions (as `.T` does in NumPy). For a plain table that swaps rows and "
             "columns; in a stack it moves the leading dimensions to the end. Swap the last two only."),
    Mistake("pairwise_products", "not transposed",
        wrong="return a @ b",
        hint="A matrix product multiplies the rows of the first table with the *columns* of the second. Here it is rows with rows: for "
             "square tables the shape does not show the difference."),
    Mistake("pairwise_products", "mean instead of sum",
        wrong="return (a[..., :, None, :] * b[..., None, :, :]).mean(-1)",
        hint="You take the mean of the products over k. A dot product is their sum: yours is too small by a factor of `size`."),
    Mistake("pairwise_products", "summed over another dimension",
        wrong="return (a[..., :, None, :] * b[..., None, :, :]).sum(-2)",
        hint="You sum over the rows of `b`, not over the numbers within a row. Which of the four dimensions is k?"),
    Mistake("pairwise_products", "each row with its own partner",
        wrong="return (a * b).sum(-1)",
        hint="You multiply row 0 with row 0, row 1 with row 1 … and nothing else. Each row of `a` should meet *each* row of `b`: "
             "they need dimensions of their own."),
    Mistake("pairwise_products", "rows scaled to length 1",
        wrong="""
        a, b = a / a.norm(dim=-1, keepdim=True), b / b.norm(dim=-1, keepdim=True)
        return torch.einsum("...ik,...jk->...ij", a, b)
        """,
        hint="You scale the rows to length 1 first. That gives their cosine; asked for is the plain dot product."),

    # ---------------------------------------------------------------------------------------------------------- logsumexp
    Alternative("logsumexp", "PyTorch's own", other="return torch.logsumexp(x, dim)"),
    Alternative("logsumexp", "two at a time", other="""
        total = x.select(dim, 0)
        for i in range(1, x.shape[dim]):
            total = torch.logaddexp(total, x.select(dim, i))
        return total
    """),
    Alternative("logsumexp", "maximum without gradient", other="""
        top = torch.max(x.detach(), dim=dim, keepdim=True).values
        top = torch.nan_to_num(top, neginf=0.0)
        return torch.squeeze(top + torch.log(torch.sum(torch.exp(x - top), dim=dim, keepdim=True)), dim)
    """),
    Alternative("logsumexp", "in float64", other="""
        wide = x.double()
        largest = wide.amax(dim, keepdim=True).clamp(min=-1e300)
        return (torch.log(torch.exp(wide - largest).sum(dim)) + largest.squeeze(dim)).to(x.dtype)
    """),
    Mistake("logsumexp", "global maximum",
        wrong="""
        largest = x.max()
        return (x - largest).exp().sum(dim).log() + largest
        """,
        hint="You take out the largest number of the whole tensor, not the largest of each sum. In a row that lies far below it, all "
             "exponentials round to 0, and the logarithm of 0 is -inf. Whose maximum does each row need?",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "dim ignored",
        wrong="""
        largest = x.amax(-1, keepdim=True)
        largest = largest.masked_fill(largest == -math.inf, 0)
        return (x - largest).exp().sum(-1).log() + largest.squeeze(-1)
        """,
        hint="You always work along the last dimension, whatever `dim` says. For a square table not even the shape tells."),
    Mistake("logsumexp", "clamped, not shifted",
        wrong="return x.clamp(-80, 80).exp().sum(dim).log()",
        hint="You cut the numbers off where exp would overflow. There is no inf any more, but wrong results in its place: 1000 and "
             "100 come out the same. Shift the numbers, so that nothing is lost.",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "largest absolute value",
        right="x.amax(dim, keepdim=True)", wrong="x.abs().amax(dim, keepdim=True)",
        hint="You subtract the largest *absolute* value. For numbers far below zero that goes the wrong way: -1000 becomes -2000. "
             "The largest number itself should become 0.",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "row of minus infinity is nan",
        wrong="""
        largest = x.amax(dim, keepdim=True)
        return (x - largest).exp().sum(dim).log() + largest.squeeze(dim)
        """,
        hint="A row of nothing but -inf becomes nan: its maximum is -inf, and -inf minus -inf is no number. Which number could you "
             "subtract there instead?"),
    Mistake("logsumexp", "minus infinity replaced",
        wrong="""
        x = x.masked_fill(x == -math.inf, 0)
        largest = x.amax(dim, keepdim=True)
        return (x - largest).exp().sum(dim).log() + largest.squeeze(dim)
        """,
        hint="You replace -inf by 0 in the numbers themselves. 0 is a number like any other here: its exponential is 1, and it is "
             "added. It is the *maximum* that must not be -inf.",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "maximum not put back",
        wrong="""
        largest = x.amax(dim, keepdim=True)
        largest = largest.masked_fill(largest == -math.inf, 0)
        return (x - largest).exp().sum(dim).log()
        """,
        hint="You take the largest number out of the sum and do not put it back. Softmax can do without it, because there it "
             "cancels; here it does not.",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "no shift",
        wrong="return x.exp().sum(dim).log()",
        hint="You take exponentials of the numbers as they are: at 100 float32 overflows to inf, at -200 all of them are 0. What "
             "may you take out of the sum?",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "mean instead of sum",
        right=".exp().sum(dim).log()", wrong=".exp().mean(dim).log()",
        hint="You take the mean of the exponentials: your results are too small by the logarithm of how many there are.",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "dimension kept",
        right="(x - largest).exp().sum(dim).log() + largest.squeeze(dim)",
        wrong="(x - largest).exp().sum(dim, keepdim=True).log() + largest",
        hint="Your result still has the dimension `dim`, with size 1. That will broadcast against something one day, silently. The "
             "docstring says that it is gone.",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "maximum lost its dimension",
        wrong="""
        largest = x.amax(dim)
        largest = largest.masked_fill(largest == -math.inf, 0)
        return (x - largest).exp().sum(dim).log() + largest
        """,
        hint="Your maximum has lost the dimension `dim`, so it no longer lines up with `x`: broadcasting fails, or, in a square "
             "table, silently subtracts each maximum from the wrong row.",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "changed in place",
        right="(x - largest).exp()", wrong="x.detach().sub_(largest.detach()).exp()",
        hint="You change the caller's numbers: an operation with an underscore at its end (or `-=`) works in place, and `detach` does not "
             "copy. Whoever uses them next finds others; and no gradient comes through. Make a new tensor.",
        spoils=("cross_entropy",)),
    Mistake("logsumexp", "float32 in between",
        right="(x - largest).exp()", wrong="(x - largest).float().exp()",
        hint="You convert to float32 on the way. Whoever works in float64, to check a gradient for instance, loses half of the digits "
             "without being told.",
        spoils=("cross_entropy",)),

    # ------------------------------------------------------------------------------------------------------------ entropy
    Alternative("entropy", "PyTorch's entr", other="return torch.special.entr(probabilities).sum(-1) / math.log(base)"),
    Alternative("entropy", "where, then xlogy", other="""
        logs = torch.where(probabilities > 0, probabilities, torch.ones_like(probabilities)).log2() / math.log2(base)
        return torch.einsum("...i,...i->...", probabilities, -logs)
    """),
    Alternative("entropy", "nan mended", other="""
        surprise = -torch.log(probabilities) / math.log(base)
        return (probabilities * surprise).nan_to_num(nan=0.0).sum(dim=-1)
    """),
    Mistake("entropy", "a little number added",
        right="logs = probabilities.masked_fill(probabilities == 0, 1).log()", wrong="logs = (probabilities + 1e-9).log()",
        hint="You add a little number to the probabilities, to keep the logarithm from -inf. With a few outcomes nobody notices; with "
             "thousands of tiny probabilities the little numbers add up. Treat 0, and only 0, on its own."),
    Mistake("entropy", "tiny probabilities cut off",
        right="logs = probabilities.masked_fill(probabilities == 0, 1).log()", wrong="logs = probabilities.clamp(min=1e-5).log()",
        hint="You lift tiny probabilities to a smallest one before the logarithm. That is no longer their own surprise. Treat 0, and only "
             "0, on its own."),
    Mistake("entropy", "zero is nan",
        right="probabilities.masked_fill(probabilities == 0, 1).log()", wrong="probabilities.log()",
        hint="Where a probability is 0 you multiply 0 by -inf, and that is nan. What never happens should add 0."),
    Mistake("entropy", "base ignored",
        right=" / math.log(base)", wrong="",
        hint="Your result is in nats, whatever `base` says. How do you turn a natural logarithm into one to another base?"),
    Mistake("entropy", "always bits",
        right="return -(probabilities * logs).sum(-1) / math.log(base)",
        wrong="return -(probabilities * logs).sum(-1) / math.log(2)",
        hint="Your result is in bits, whatever `base` says. Without a base it should be in nats."),
    Mistake("entropy", "multiplied by the base's logarithm",
        right="/ math.log(base)", wrong="* math.log(base)",
        hint="You multiply by the logarithm of the base; it is a division. Test it on a fair coin: log 2 nats are 1 bit."),
    Mistake("entropy", "mean over the outcomes",
        right="(probabilities * logs).sum(-1)", wrong="(probabilities * logs).mean(-1)",
        hint="You take the mean over the outcomes. But the probabilities are the weights of the mean already: it remains to sum."),
    Mistake("entropy", "summed over everything",
        right="(probabilities * logs).sum(-1)", wrong="(probabilities * logs).sum()",
        hint="You sum over the whole tensor, so all distributions together get one number. Each row has an entropy of its own."),
    Mistake("entropy", "summed over the first dimension",
        right="(probabilities * logs).sum(-1)", wrong="(probabilities * logs).sum(0)",
        hint="You sum along the first dimension, but the outcomes lie along the last one. In a square table not even the shape tells."),
    Mistake("entropy", "minus forgotten",
        right="return -(", wrong="return (",
        hint="Your entropies are negative. Logarithms of probabilities are below 0; surprise is what you get with a minus."),
    Mistake("entropy", "surprise not weighted",
        right="(probabilities * logs).sum(-1)", wrong="logs.sum(-1)",
        hint="You add up the surprises of all outcomes, the rare ones like the common ones. Expected is the surprise on average: how "
             "often does each of them happen?"),
    Mistake("entropy", "zeros overwritten",
        right="    logs = probabilities.masked_fill(probabilities == 0, 1).log()  # 0 · log 1 is 0\n"
              "    return -(probabilities * logs)",
        wrong="    zero = probabilities == 0\n    probabilities[zero] = 1\n    logs = probabilities.log()\n"
              "    return -(probabilities * logs)",
        hint="Your results are right, but you overwrite the zeros in the caller's probabilities: afterwards they no longer sum to one. "
             "Make a new tensor."),

    # ------------------------------------------------------------------------------------------------------ cross-entropy
    Alternative("cross_entropy", "PyTorch's own, flattened", other="""
        flat = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), reduction="none")
        return flat.reshape(targets.shape)
    """),
    Alternative("cross_entropy", "log_softmax", other="""
        log_probabilities = torch.log_softmax(logits, dim=-1)
        return -torch.take_along_dim(log_probabilities, targets.unsqueeze(-1), dim=-1)[..., 0]
    """),
    Alternative("cross_entropy", "a mask picks the logit", other="""
        right = torch.arange(logits.shape[-1]) == targets[..., None]
        return logsumexp(logits, -1) - torch.where(right, logits, torch.zeros_like(logits)).sum(-1)
    """),
    Mistake("cross_entropy", "logarithm of softmax",
        wrong="""
        probabilities = torch.softmax(logits, dim=-1)
        return -probabilities.gather(-1, targets[..., None]).squeeze(-1).log()
        """,
        hint="You make probabilities first and take the logarithm afterwards. Where the model is sure and wrong, the probability has been "
             "rounded to 0 by then, and the loss is inf. The formula on the right never makes a probability."),
    Mistake("cross_entropy", "a little number added",
        wrong="""
        probabilities = torch.softmax(logits, dim=-1)
        return -(probabilities.gather(-1, targets[..., None]).squeeze(-1) + 1e-9).log()
        """,
        hint="You add a little number to the probability, to keep the logarithm from -inf. So no loss of yours is above 20.7, "
             "however wrong the model is, and there its gradient vanishes. The formula on the right needs no such help."),
    Mistake("cross_entropy", "softmax twice",
        wrong="""
        probabilities = torch.softmax(logits, dim=-1)
        return logsumexp(probabilities, dim=-1) - probabilities.gather(-1, targets[..., None]).squeeze(-1)
        """,
        hint="You turn the logits into probabilities, and then treat those as logits: softmax is in your loss twice. It trains, only slowly, "
             "and no loss gets near 0. (That happens with `F.cross_entropy`, too: it wants logits.)"),
    Mistake("cross_entropy", "zero times infinity",
        wrong="""
        log_probabilities = torch.log_softmax(logits, dim=-1)
        return -(log_probabilities * F.one_hot(targets, logits.shape[-1])).sum(-1)
        """,
        hint="You multiply all log-probabilities by a one-hot row. Where a class that is *not* right has the logit -inf, that is 0 times "
             "-inf, so nan. Pick the right one, rather than multiply the others away."),
    Mistake("cross_entropy", "mean taken",
        right="return logsumexp(logits, dim=-1) - right", wrong="return (logsumexp(logits, dim=-1) - right).mean()",
        hint="You take the mean. Here each prediction keeps its own loss: whoever calls you may want to see which ones are bad."),
    Mistake("cross_entropy", "bits, not nats",
        right="return logsumexp(logits, dim=-1) - right", wrong="return (logsumexp(logits, dim=-1) - right) / math.log(2)",
        hint="Your losses are in bits. Asked for are nats: natural logarithms."),
    Mistake("cross_entropy", "sign",
        right="return logsumexp(logits, dim=-1) - right", wrong="return right - logsumexp(logits, dim=-1)",
        hint="You give the log-probability of the right class, which is below 0. The loss is the surprise: with the other sign."),
    Mistake("cross_entropy", "just one batch dimension",
        right="logits.gather(-1, targets[..., None]).squeeze(-1)", wrong="logits[torch.arange(len(logits)), targets]",
        hint="You pair row 0 with target 0, row 1 with target 1 … That is right for (batch, classes) and for nothing else: texts come as "
             "(batch, length, classes). `gather` along the last dimension works for any number in front."),
    Mistake("cross_entropy", "the best logit",
        right="logits.gather(-1, targets[..., None]).squeeze(-1)", wrong="logits.amax(-1)",
        hint="You subtract the largest logit, which is what the model believes in. The loss asks about the *right* class; your targets "
             "are never used."),
    Mistake("cross_entropy", "not normalised",
        right="return logsumexp(logits, dim=-1) - right", wrong="return -right",
        hint="You give minus the logit of the right class. Logits are no log-probabilities: all of them raised by 5 mean the same, and the "
             "loss should not move. What is missing from the formula?"),
    Mistake("cross_entropy", "classes along dimension 1",
        wrong="""
        if logits.dim() == 1:
            return logsumexp(logits, 0) - logits[targets]
        right = logits.gather(-1, targets[..., None]).squeeze(-1)
        return logsumexp(logits, dim=1) - right
        """,
        hint="You sum over dimension 1. That is right for (batch, classes), but in (batch, length, classes) it is the length. "
             "The classes always lie along the last dimension."),

    # --------------------------------------------------------------------------------------------------------- perplexity
    Alternative("perplexity", "sum and count", other="""
        total = sum(float(loss.double().sum()) for loss in losses)
        return math.exp(total / sum(len(loss) for loss in losses))
    """),
    Alternative("perplexity", "through bits", other="""
        bits = torch.cat([loss / math.log(2) for loss in losses])
        return float(2 ** bits.mean())
    """),
    Mistake("perplexity", "mean of the texts' means",
        wrong="return torch.stack([loss.mean() for loss in losses]).mean().exp().item()",
        hint="You average within each text first, and then over texts: a token of a short text counts for more than one of a long text. "
             "Each token should count the same."),
    Mistake("perplexity", "mean of the texts' perplexities",
        wrong="return torch.stack([loss.mean().exp() for loss in losses]).mean().item()",
        hint="You work out a perplexity for each text and average those. One bad short text then decides everything. First the mean over "
             "all tokens, then e to the power of it, once."),
    Mistake("perplexity", "mean of the exponentials",
        wrong="return torch.cat(losses).exp().mean().item()",
        hint="You take e to the power of each loss, and the mean of that: a single very surprising token then outweighs a thousand "
             "others. The mean comes first."),
    Mistake("perplexity", "two to the power of nats",
        wrong="return (2 ** torch.cat(losses).mean()).item()",
        hint="You take 2 to the power of the mean loss. That fits bits; the losses are in nats."),
    Mistake("perplexity", "divided by the number of texts",
        wrong="return (torch.cat(losses).sum() / len(losses)).exp().item()",
        hint="You divide the sum of the losses by the number of texts; it should be the number of tokens."),
    Mistake("perplexity", "exponential forgotten",
        wrong="return torch.cat(losses).mean().item()",
        hint="What you give is the mean loss, in nats. Perplexity is e to the power of it."),
    Mistake("perplexity", "sum of the losses",
        wrong="return torch.cat(losses).sum().exp().item()",
        hint="You take e to the power of the *sum* of the losses, which grows without end with the text. Perplexity is about "
             "the average token."),
    Mistake("perplexity", "a tensor, not a number",
        wrong="return torch.cat(losses).mean().exp()",
        hint="Your number is right, but it comes as a tensor. Whoever writes it into a report or a JSON file wants a Python number."),
    Mistake("perplexity", "first text only",
        wrong="return losses[0].mean().exp().item()",
        hint="You look at the first text only."),

    # --------------------------------------------------------------------------------------------- cross-entropy gradient
    Alternative("cross_entropy_gradient", "from the logsumexp", other="""
        gradient = torch.exp(logits - logsumexp(logits, dim=-1)[..., None])
        gradient.scatter_add_(-1, targets[..., None], -torch.ones_like(gradient))
        return gradient / max(1, targets.numel())
    """),
    Alternative("cross_entropy_gradient", "flattened, 1 taken off in place", other="""
        gradient = logits.reshape(-1, logits.shape[-1]).softmax(1)
        gradient[torch.arange(len(gradient)), targets.reshape(-1)] -= 1
        return (gradient / len(gradient)).reshape(logits.shape)
    """),
    Alternative("cross_entropy_gradient", "each part divided", other="""
        count = logits[..., 0].numel()
        right = torch.arange(logits.shape[-1]).eq(targets.unsqueeze(-1)).to(logits.dtype)
        return F.softmax(logits, dim=-1) / count - right / count
    """),
    Mistake("cross_entropy_gradient", "not divided by the batch",
        right="return (probabilities - right) / targets.numel()", wrong="return probabilities - right",
        hint="That is the gradient of the *sum* of the losses. Of their mean it is asked: with twice the batch, your steps would be "
             "twice as long."),
    Mistake("cross_entropy_gradient", "divided by the first dimension",
        right="targets.numel()", wrong="(len(targets) if targets.dim() else 1)",
        hint="You divide by the size of the first dimension only. With texts of several tokens, (batch, length, classes), the mean is "
             "over all tokens of all texts."),
    Mistake("cross_entropy_gradient", "divided by the classes too",
        right="targets.numel()", wrong="logits.numel()",
        hint="You divide by the number of logits. The mean is over predictions, and each has one loss, however many classes there are."),
    Mistake("cross_entropy_gradient", "uphill",
        right="(probabilities - right)", wrong="(right - probabilities)",
        hint="Your signs are the wrong way round: a step against your gradient makes the loss *larger*. What the model said, minus what "
             "it should have said."),
    Mistake("cross_entropy_gradient", "with respect to the probabilities",
        wrong="""
        probabilities = torch.softmax(logits, dim=-1)
        right = F.one_hot(targets, logits.shape[-1])
        return -right / probabilities / targets.numel()
        """,
        hint="You have derived by the *probabilities*: -1/p for the right class. Asked for is the gradient with respect to the logits: "
             "one step further back, through softmax."),
    Mistake("cross_entropy_gradient", "right class only",
        right="return (probabilities - right) / targets.numel()", wrong="return (probabilities - right) * right / targets.numel()",
        hint="Only the right class gets a gradient from you. The other logits are in the sum of the exponentials, too: raising one of them "
             "takes probability away from the right class."),
    Mistake("cross_entropy_gradient", "slope of softmax alone",
        right="return (probabilities - right) / targets.numel()",
        wrong="return probabilities * (right - probabilities.gather(-1, targets[..., None])) / targets.numel()",
        hint="You give the slope of the right class's probability. The loss is minus its *logarithm*, which the chain "
             "rule has to go through, too."),
    Mistake("cross_entropy_gradient", "softmax overflows",
        right="probabilities = torch.softmax(logits, dim=-1)",
        wrong="exponentials = logits.exp()\n    probabilities = exponentials / exponentials.sum(-1, keepdim=True)",
        hint="Your softmax takes exponentials of the logits as they are. At 100 they overflow, inf divided by inf is nan, and one nan in a "
             "gradient spoils all the weights of a network."),
    Mistake("cross_entropy_gradient", "softmax along dimension 1",
        right="torch.softmax(logits, dim=-1)", wrong="torch.softmax(logits, dim=min(1, logits.dim() - 1))",
        hint="Your softmax runs along dimension 1. That is right for (batch, classes); in (batch, length, classes) dimension 1 is the "
             "length. The classes lie along the last one."),
    Mistake("cross_entropy_gradient", "targets pick rows",
        wrong="""
        gradient = torch.softmax(logits, dim=-1)
        gradient[..., targets.flatten()] -= 1
        return gradient / targets.numel()
        """,
        hint="You take 1 off in *every* row at the classes of *all* targets. Each row has one right class of its own: pair each row with "
             "its target, as `F.one_hot` or `scatter` does."),
    Mistake("cross_entropy_gradient", "class numbers subtracted",
        right="(probabilities - right)", wrong="(probabilities - targets[..., None])",
        hint="You subtract the *numbers* of the classes, as if class 7 were seven times as right as class 1. What should have been said is "
             "a distribution: 1 for the right class, and 0 for the others."),
    Mistake("cross_entropy_gradient", "logits overwritten",
        right="probabilities = torch.softmax(logits, dim=-1)", wrong="probabilities = logits.copy_(torch.softmax(logits, dim=-1))",
        hint="Your results are right, but you overwrite the caller's logits with probabilities. Work on a new tensor."),

    # ---------------------------------------------------------------------------------------------------- initial weights
    Alternative("initial_weights", "torch.normal", other="""
        return torch.normal(0.0, (2 / inputs) ** 0.5, size=(outputs, inputs), generator=generator)
    """),
    Alternative("initial_weights", "filled in place", other="""
        return torch.empty(outputs, inputs).normal_(mean=0, std=math.sqrt(2.0 / inputs), generator=generator)
    """),
    Alternative("initial_weights", "PyTorch's Kaiming", other="""
        weights = torch.empty((outputs, inputs))
        return torch.nn.init.kaiming_normal_(weights, mode="fan_in", nonlinearity="relu", generator=generator)
    """),
    Mistake("initial_weights", "number of outputs",
        right="math.sqrt(2 / inputs)", wrong="math.sqrt(2 / outputs)",
        hint="You divide by the number of outputs (fan-out). One output adds up as many products as there are *inputs*: where the two "
             "differ much, your signal explodes or dies."),
    Mistake("initial_weights", "ReLU not counted",
        right="math.sqrt(2 / inputs)", wrong="math.sqrt(1 / inputs)",
        hint="Your variance is 1 / inputs. That keeps the signal before ReLU; but ReLU throws away half of the mean square, and after thirty "
             "layers nearly nothing is left."),
    Mistake("initial_weights", "inputs and outputs averaged",
        right="math.sqrt(2 / inputs)", wrong="math.sqrt(2 / (inputs + outputs))",
        hint="Your variance is 2 / (inputs + outputs): that is Glorot's and Bengio's rule (Xavier), made for tanh. For ReLU, He's is 2 / inputs."),
    Mistake("initial_weights", "variance for deviation",
        right="math.sqrt(2 / inputs)", wrong="(2 / inputs)",
        hint="You multiply by 2 / inputs, which is the *variance* that the weights should have. What do you multiply a random number by to "
             "get a given variance?"),
    Mistake("initial_weights", "uniform, too narrow",
        wrong="""
        bound = math.sqrt(2 / inputs)
        return (2 * torch.rand(outputs, inputs, generator=generator) - 1) * bound
        """,
        hint="You draw uniformly between plus and minus sqrt(2 / inputs). The standard deviation of that is smaller by sqrt(3), and "
             "asked for is a normal distribution."),
    Mistake("initial_weights", "uniform, right spread",
        wrong="""
        bound = math.sqrt(6 / inputs)
        return (2 * torch.rand(outputs, inputs, generator=generator) - 1) * bound
        """,
        hint="Your weights have the right standard deviation, but they are uniform. The docstring asks for the normal distribution. (In "
             "training it hardly matters; but what a function says, it should do.)"),
    Mistake("initial_weights", "generator ignored",
        right=", generator=generator", wrong="",
        hint="You do not use the generator, so PyTorch's global random numbers are used, and the same seed gives other weights: no "
             "run can be repeated."),
    Mistake("initial_weights", "generator begins anew",
        right="generator=generator", wrong="generator=torch.Generator().manual_seed(generator.initial_seed())",
        hint="You go back to the generator's seed in each call. So all layers of the same shape begin with the *same* weights. Let the generator "
             "go on from where it stands."),
    Mistake("initial_weights", "global numbers seeded",
        wrong="""
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        return torch.randn(outputs, inputs) * math.sqrt(2 / inputs)
        """,
        hint="You seed PyTorch's global random numbers and draw from those. The weights are fine, but everybody else who uses random "
             "numbers in this program has just been reset. Draw from the generator itself."),
    Mistake("initial_weights", "transposed",
        right="torch.randn(outputs, inputs, generator=generator)", wrong="torch.randn(inputs, outputs, generator=generator)",
        hint="Your shape is (inputs, outputs). Linear layers in PyTorch keep (outputs, inputs), and compute `x @ weights.T`."),
    Mistake("initial_weights", "only positive",
        right="torch.randn(outputs, inputs, generator=generator)", wrong="torch.randn(outputs, inputs, generator=generator).abs()",
        hint="Your weights are never negative, so their mean is not 0: the products no longer cancel, and all outputs are alike."),

    # ------------------------------------------------------------------------------------------------------- mlp backward
    Alternative("mlp_backward", "einsum", other="""
        back = torch.einsum("bc,ch->bh", logits_gradient, parameters["w2"])
        back = torch.where(hidden > 0, back, torch.zeros_like(back))
        return dict(
            b2=logits_gradient.sum(dim=0), w2=torch.einsum("bc,bh->ch", logits_gradient, hidden),
            b1=back.sum(dim=0), w1=torch.einsum("bh,bi->hi", back, x),
        )
    """),
    Alternative("mlp_backward", "example by example", other="""
        gradients = {name: torch.zeros_like(value) for name, value in parameters.items()}
        for one, inner, upstream in zip(x, hidden, logits_gradient):
            gradients["w2"] += torch.outer(upstream, inner)
            gradients["b2"] += upstream
            blame = (parameters["w2"].T @ upstream) * torch.sign(inner)
            gradients["w1"] += torch.outer(blame, one)
            gradients["b1"] += blame
        return gradients
    """),
    Alternative("mlp_backward", "ReLU recomputed", other="""
        before = x @ parameters["w1"].mT + parameters["b1"]
        back = torch.mm(logits_gradient, parameters["w2"])
        back[before <= 0] = 0.0
        ones = torch.ones(len(x), dtype=x.dtype)
        return {"w1": (x.T @ back).T, "b1": ones @ back, "w2": (hidden.T @ logits_gradient).T, "b2": ones @ logits_gradient}
    """),
    Mistake("mlp_backward", "mask from the gradient",
        right='hidden_gradient = logits_gradient @ parameters["w2"] * (hidden > 0)',
        wrong='hidden_gradient = (logits_gradient @ parameters["w2"]).relu()',
        hint="You send the gradient itself through ReLU, so you keep what is positive in the *gradient*. It matters where the *hidden "
             "layer* was positive; the gradient there may well be negative."),
    Mistake("mlp_backward", "ReLU forgotten",
        right=" * (hidden > 0)", wrong="",
        hint="Your gradient passes through ReLU as if it were not there. Where ReLU gave 0, the weights before it had no influence on the "
             "loss, so their gradient is 0. (A mask of `hidden >= 0` is the same: after ReLU that is true everywhere.)"),
    Mistake("mlp_backward", "multiplied by hidden",
        right="(hidden > 0)", wrong="hidden",
        hint="You multiply by the hidden layer itself. ReLU's slope is 1 where it let through, however large the number, and 0 elsewhere."),
    Mistake("mlp_backward", "biases averaged",
        wrong="""
        hidden_gradient = logits_gradient @ parameters["w2"] * (hidden > 0)
        return {
            "w1": hidden_gradient.T @ x, "b1": hidden_gradient.mean(0),
            "w2": logits_gradient.T @ hidden, "b2": logits_gradient.mean(0),
        }
        """,
        hint="You take the *mean* of the biases' gradients over the batch. The mean is in `logits_gradient` already; what comes from the "
             "examples is added up, as it is for the weights."),
    Mistake("mlp_backward", "divided by the batch again",
        right='hidden_gradient = logits_gradient @',
        wrong='logits_gradient = logits_gradient / len(x)\n    hidden_gradient = logits_gradient @',
        hint="You divide by the size of the batch. `logits_gradient` is the gradient of the mean loss: it has been divided by it already, "
             "and your steps would be too short by that factor."),
    Mistake("mlp_backward", "mask written into hidden",
        right='hidden_gradient = logits_gradient @ parameters["w2"] * (hidden > 0)',
        wrong='hidden[hidden > 0] = 1\n    hidden_gradient = logits_gradient @ parameters["w2"] * hidden',
        hint="You turn `hidden` into a mask in place. It is still needed, for the gradient of `w2`, and it belongs to whoever called you. "
             "`hidden > 0` makes a new tensor."),
    Mistake("mlp_backward", "ones for hidden",
        right='"w2": logits_gradient.T @ hidden', wrong='"w2": logits_gradient.T @ (hidden > 0).to(hidden.dtype)',
        hint="For `w2` you use where the hidden layer was positive; but `w2` was multiplied by the hidden layer's *values*, and so is its "
             "gradient. The mask is for what lies before ReLU."),
    Mistake("mlp_backward", "weights transposed",
        wrong="""
        hidden_gradient = logits_gradient @ parameters["w2"] * (hidden > 0)
        return {
            "w1": x.T @ hidden_gradient, "b1": hidden_gradient.sum(0),
            "w2": hidden.T @ logits_gradient, "b2": logits_gradient.sum(0),
        }
        """,
        hint="The gradients of your weights are transposed: (inputs, outputs). A gradient has the shape of what it belongs to."),
    Mistake("mlp_backward", "biases keep the batch",
        wrong="""
        hidden_gradient = logits_gradient @ parameters["w2"] * (hidden > 0)
        return {
            "w1": hidden_gradient.T @ x, "b1": hidden_gradient,
            "w2": logits_gradient.T @ hidden, "b2": logits_gradient,
        }
        """,
        hint="The gradients of your biases have a row for each example. All examples share one bias, so its gradient is the sum over them."),
    Mistake("mlp_backward", "first bias skips ReLU",
        right='"b1": hidden_gradient.sum(0)', wrong='"b1": (logits_gradient @ parameters["w2"]).sum(0)',
        hint="The gradient of `b1` skips ReLU. The bias is added *before* it, so where ReLU gave 0, the bias had no influence."),
    Mistake("mlp_backward", "step taken at once",
        right='    hidden_gradient = logits_gradient @',
        wrong='    parameters["w2"] -= logits_gradient.T @ hidden\n    hidden_gradient = logits_gradient @',
        hint="You move `w2` before the gradient has passed through it. The gradient belongs to the weights that the loss was computed with; "
             "the step comes after all gradients are known, and is not taken here."),

    # ------------------------------------------------------------------------------------------------ confidence interval
    Alternative("confidence_interval", "the quadratic equation", other="""
        n, k = len(correct), int(correct.sum())
        z = -NormalDist().inv_cdf((1 - confidence) / 2)
        a, b, c = n + z * z, -(2 * k + z * z), k * k / n
        root = math.sqrt(max(0.0, b * b - 4 * a * c))
        return (-b - root) / (2 * a), (-b + root) / (2 * a)
    """),
    Alternative("confidence_interval", "counts, cut off at 0 and 1", other="""
        right = correct.sum().item()
        wrong = correct.shape[0] - right
        total = right + wrong
        z = NormalDist().inv_cdf(1 - (1 - confidence) / 2)
        middle = (right + z**2 / 2) / (total + z**2)
        half = z / (total + z**2) * math.sqrt(right * wrong / total + z**2 / 4)
        return max(0.0, middle - half), min(1.0, middle + half)
    """),
    Alternative("confidence_interval", "with tensors", other="""
        n = correct.numel()
        p = correct.double().mean()
        z = torch.special.ndtri(torch.tensor((1 + confidence) / 2, dtype=torch.float64))
        spread = z * torch.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        ends = (p + z**2 / (2 * n) + torch.stack((-spread, spread))) / (1 + z**2 / n)
        low, high = ends.tolist()
        return low, high
    """),
    Mistake("confidence_interval", "z of one side",
        right="inv_cdf((1 + confidence) / 2)", wrong="inv_cdf(confidence)",
        hint="Your z leaves 5 % at *one* end: for 95 % it is 1.64 instead of 1.96. The interval has two ends, and each should miss "
             "the truth in half of the remaining cases."),
    Mistake("confidence_interval", "the schoolbook's interval",
        wrong="""
        n = correct.numel()
        accuracy = correct.sum().item() / n
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        reach = z * math.sqrt(accuracy * (1 - accuracy) / n)
        return accuracy - reach, accuracy + reach
        """,
        hint="That is the schoolbook's interval (Wald's). With 20 right of 20 it has no width at all, and with 19 it reaches above 100 %. "
             "Wilson's formula stands above."),
    Mistake("confidence_interval", "schoolbook, n - 1, cut off",
        wrong="""
        n = correct.numel()
        accuracy = correct.sum().item() / n
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        reach = z * math.sqrt(accuracy * (1 - accuracy) / max(1, n - 1))
        return max(0.0, accuracy - reach), min(1.0, accuracy + reach)
        """,
        hint="You take the schoolbook's interval, with n - 1 as in a sample's variance, and cut it off at 0 and 1. With 20 right of 20 "
             "it still has no width at all. Wilson's formula stands above."),
    Mistake("confidence_interval", "n - 1",
        right="n = correct.numel()\n    accuracy = correct.sum().item() / n",
        wrong="n = correct.numel()\n    accuracy = correct.sum().item() / n\n    n = max(1, n - 1)",
        hint="You put n - 1 where the formula has n. That belongs to a variance that is *estimated* from a sample; here the variance "
             "follows from p itself, and nothing is estimated."),
    Mistake("confidence_interval", "always 95 %",
        right="NormalDist().inv_cdf((1 + confidence) / 2)", wrong="1.959964",
        hint="Your z is that of 95 %, whatever `confidence` says."),
    Mistake("confidence_interval", "centre not moved",
        right="centre = (accuracy + z**2 / (2 * n)) / scale", wrong="centre = accuracy",
        hint="Your interval has the accuracy seen at its centre. Wilson's is moved towards one half: with 20 right of 20 there is room "
             "below only."),
    Mistake("confidence_interval", "not scaled",
        right="scale = 1 + z**2 / n", wrong="scale = 1",
        hint="The division by 1 + z²/n is missing. Your upper end lies above 100 % for a perfect model."),
    Mistake("confidence_interval", "z not squared",
        right="centre = (accuracy + z**2 / (2 * n)) / scale", wrong="centre = (accuracy + z / (2 * n)) / scale",
        hint="In the centre you have z where the formula has z². With 5 right of 10 the interval should be symmetric about one half: "
             "is yours?"),
    Mistake("confidence_interval", "n not squared",
        right="z**2 / (4 * n**2)", wrong="z**2 / (4 * n)",
        hint="Under the root you divide z² by 4n, not by 4n². Your intervals hardly shrink with more examples."),
    Mistake("confidence_interval", "root covers the first part only",
        right="z * math.sqrt(accuracy * (1 - accuracy) / n + z**2 / (4 * n**2))",
        wrong="z * (math.sqrt(accuracy * (1 - accuracy) / n) + z**2 / (4 * n**2))",
        hint="Your root ends too early: z² / (4n²) stands under it, too. With 20 right of 20 it is all there is under it."),
    Mistake("confidence_interval", "centre and reach",
        right="return centre - reach, centre + reach", wrong="return centre, reach",
        hint="You give the centre and half the width. Asked for are the lower and the upper end."),
    Mistake("confidence_interval", "percent",
        right="return centre - reach, centre + reach", wrong="return 100 * (centre - reach), 100 * (centre + reach)",
        hint="Your ends are in percent. Asked for are shares: 0.5, not 50."),
]
