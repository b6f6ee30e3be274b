"""Right and wrong answers to the exercises of the lesson `training`."""

from grader.variants import Alternative, Mistake

VARIANTS = [
    # ------------------------------------------------------------------------------------------------------- random_batch
    Alternative("random_batch", "all pieces as a view", other="""
        pieces = tokens.unfold(0, context + 1, 1)
        chosen = torch.randint(0, pieces.shape[0], size=(batch,), generator=generator)
        x = pieces[chosen.to(tokens.device)].to(torch.int64)
        return x[:, 0:context], x[:, 1:context + 1]
    """),
    Alternative("random_batch", "slices, stacked", other="""
        inputs, targets = [], []
        for _ in range(batch):
            i = int(torch.randint(high=tokens.numel() - context, size=(1,), generator=generator))
            inputs.append(tokens[i : i + context])
            targets.append(tokens[i + 1 : i + 1 + context])
        return torch.stack(inputs).long(), torch.stack(targets).long()
    """),
    Mistake("random_batch", "targets plus one",
        right="return pieces[:, :-1], pieces[:, 1:]", wrong="return pieces[:, :-1], pieces[:, :-1] + 1",
        hint="Your targets are the input tokens plus one. But the token that follows `b` in the text is rarely `c`: a model learns "
             "that rule in a minute, its loss falls to nearly 0, and it cannot write. Move the window by one, not the numbers."),
    Mistake("random_batch", "targets not shifted",
        right="return pieces[:, :-1], pieces[:, 1:]", wrong="return pieces[:, :-1], pieces[:, :-1].clone()",
        hint="Your targets are the inputs themselves. The model need only copy what it sees, and the loss falls to 0. The target is the "
             "token that comes next."),
    Mistake("random_batch", "targets rolled",
        right="return pieces[:, :-1], pieces[:, 1:]", wrong="return pieces[:, :-1], pieces[:, :-1].roll(-1, dims=1)",
        hint="You make the targets by rolling the inputs: all are right but the last one of each row, which is the row's own first "
             "token. The last target lies outside of the inputs; cut one token more."),
    Mistake("random_batch", "shifted by two",
        right="return pieces[:, :-1], pieces[:, 1:]", wrong="""tokens = torch.cat((tokens, tokens[:1]))
    further = tokens[(places[:, 1:] + 1).to(tokens.device)].long()
    return pieces[:, :-1], further""",
        hint="Your targets stand two places after their inputs: one token is skipped each time. Follow one token by hand: where does "
             "its row begin, and where does its target's row begin?"),
    Mistake("random_batch", "last place never drawn",
        right="torch.randint(len(tokens) - context, (batch,)", wrong="torch.randint(max(1, len(tokens) - context - 1), (batch,)",
        hint="The last place is never drawn, so the last token of the text is never a target. The upper end of `randint` is left out "
             "already: how many places are there?"),
    Mistake("random_batch", "index beyond the end",
        right="torch.randint(len(tokens) - context, (batch,)", wrong="torch.randint(len(tokens) - context + 1, (batch,)",
        hint="Now and then you draw a place from which the last target lies beyond the end of the text. With a long text that happens "
             "once in many thousand batches: a crash in the middle of the night. How many places fit?",
        spoils=("Run",)),
    Mistake("random_batch", "generator not used",
        right=", generator=generator)", wrong=")",
        hint="You never hand the generator to `randint`, so torch's own one draws. Nobody can have the same batches again, and dropout "
             "is disturbed by them."),
    Mistake("random_batch", "one place for all rows",
        right="torch.randint(len(tokens) - context, (batch,), generator=generator)",
        wrong="torch.randint(len(tokens) - context, (1,), generator=generator).expand(batch)",
        hint="You draw one place and use it for all rows: a batch of 12 with one piece in it, twelve times the work for the same "
             "lesson. Draw as many places as there are rows."),
    Mistake("random_batch", "fresh generator each time",
        right="    starts = torch.randint(len(tokens) - context",
        wrong="    generator = torch.Generator().manual_seed(generator.initial_seed())\n    starts = torch.randint(len(tokens) - context",
        hint="You start the generator from its seed in every call, so every batch is the same one. Use the generator as it is: each draw "
             "moves it on."),
    Mistake("random_batch", "places on a grid",
        right="starts = torch.randint(len(tokens) - context, (batch,), generator=generator)",
        wrong="starts = context * torch.randint((len(tokens) - 1) // context, (batch,), generator=generator)",
        hint="Your pieces begin at multiples of `context` only. So the model always sees the text cut at the same places, and has fewer "
             "different questions to learn from. Any place where a piece fits may be drawn."),
    Mistake("random_batch", "dtype not widened",
        right="pieces = tokens[places.to(tokens.device)].long()", wrong="pieces = tokens[places.to(tokens.device)]",
        hint="Tokens that are stored as bytes come out as bytes: as targets, torch refuses them. The docstring says which dtype both "
             "results have."),

    # ------------------------------------------------------------------------------------------------------ cross_entropy
    Alternative("cross_entropy", "torch's own", other="""
        vocabulary = logits.shape[-1]
        return nn.functional.cross_entropy(at_least_float32(logits).reshape(-1, vocabulary), targets.reshape(-1))
    """),
    Alternative("cross_entropy", "log_softmax and gather", other="""
        log_probabilities = torch.log_softmax(at_least_float32(logits), dim=-1)
        return -torch.gather(log_probabilities, dim=-1, index=targets.unsqueeze(-1)).mean()
    """),
    Alternative("cross_entropy", "one-hot, largest subtracted", other="""
        x = at_least_float32(logits)
        x = x - x.detach().max(dim=-1, keepdim=True).values
        log_total = x.exp().sum(-1).log()
        one_hot = nn.functional.one_hot(targets, x.shape[-1]).to(x.dtype)
        return (log_total - (x * one_hot).sum(-1)).sum() / targets.numel()
    """),
    Mistake("cross_entropy", "no gradients",
        right="wide = at_least_float32(logits)", wrong="wide = at_least_float32(logits).detach()",
        hint="Your loss has the right value, but no gradient passes through it: `detach`, `no_grad`, `.data` or `.item()` has cut it off "
             "from the scores. The model would never learn anything, without an error.",
        spoils=("accumulate_gradients", "Run")),
    Mistake("cross_entropy", "log of softmax",
        wrong="""
        probabilities = at_least_float32(logits).softmax(-1)
        return -probabilities.gather(-1, targets[..., None]).log().mean()
        """,
        hint="You compute a probability, and then its logarithm. Where the probability rounds to 0, the loss becomes infinite and the "
             "gradients nan. Stay with logarithms all the way: logsumexp."),
    Mistake("cross_entropy", "log of softmax, with a crutch",
        wrong="""
        probabilities = at_least_float32(logits).softmax(-1)
        return -(probabilities.gather(-1, targets[..., None]) + 1e-9).log().mean()
        """,
        hint="You add a tiny number to the probability so that its logarithm stays finite. But then no loss can exceed about 20, and where "
             "the model is most wrong it gets no gradient. Stay with logarithms all the way: logsumexp."),
    Mistake("cross_entropy", "exponentials overflow",
        wrong="""
        wide = at_least_float32(logits)
        chosen = wide.gather(-1, targets[..., None]).squeeze(-1)
        return (wide.exp().sum(-1).log() - chosen).mean()
        """,
        hint="You take exponentials of the scores as they are: beyond 88 float32 overflows to infinity. `logsumexp` takes the largest "
             "score out first."),
    Mistake("cross_entropy", "sum instead of mean",
        right="(wide.logsumexp(-1) - chosen).mean()", wrong="(wide.logsumexp(-1) - chosen).sum()",
        hint="You add up the losses of all tokens. Then a larger batch has a larger loss and larger gradients, and no learning rate "
             "fits. Take the mean.",
        spoils=("accumulate_gradients", "evaluate")),
    Mistake("cross_entropy", "mean over rows only",
        right="(wide.logsumexp(-1) - chosen).mean()", wrong="(wide.logsumexp(-1) - chosen).sum() / len(targets)",
        hint="You divide the sum by the number of rows, not by the number of tokens: a longer context would have a larger loss. "
             "Each token counts the same.",
        spoils=("accumulate_gradients", "evaluate")),
    Mistake("cross_entropy", "bits instead of nats",
        right="(wide.logsumexp(-1) - chosen).mean()", wrong="(wide.logsumexp(-1) - chosen).mean() / math.log(2)",
        hint="You measure in bits (logarithm to base 2). That is a fine unit, but the docstring says nats, the natural logarithm: yours "
             "is larger by 1 / ln 2 = 1.44.",
        spoils=("accumulate_gradients", "evaluate")),
    Mistake("cross_entropy", "log of the mean",
        wrong="""
        probabilities = at_least_float32(logits).softmax(-1)
        return -probabilities.gather(-1, targets[..., None]).mean().log()
        """,
        hint="You average the probabilities and then take the logarithm. The loss is the mean of the logarithms: one confident error "
             "must cost a lot, and in your mean it drowns.",
        spoils=("accumulate_gradients", "evaluate")),
    Mistake("cross_entropy", "softmax twice",
        right="wide = at_least_float32(logits)", wrong="wide = at_least_float32(logits).softmax(-1)",
        hint="You apply softmax, and then a formula that has softmax in it already. It runs and it even learns, but slowly: "
             "probabilities lie between 0 and 1, so for the second softmax all are nearly the same.",
        spoils=("accumulate_gradients", "evaluate")),
    Mistake("cross_entropy", "wrong sign",
        right="(wide.logsumexp(-1) - chosen).mean()", wrong="(chosen - wide.logsumexp(-1)).mean()",
        hint="Your loss is negative: it is the mean of ln p, without the minus. Training would make the targets as unlikely as possible.",
        spoils=("accumulate_gradients", "evaluate")),
    Mistake("cross_entropy", "half precision throughout",
        right="wide = at_least_float32(logits)", wrong="wide = logits",
        hint="You compute in the dtype that comes in. In bfloat16 a loss of 2.31 and one of 2.32 are the same number. Widen the scores "
             "before anything else."),
    Mistake("cross_entropy", "float64 narrowed",
        right="wide = at_least_float32(logits)", wrong="wide = logits.float()",
        hint="You turn everything into float32, also what came in float64 and should stay exact. `at_least_float32` widens what is "
             "narrower, and leaves the rest."),
    Mistake("cross_entropy", "softmax over the positions",
        right="(wide.logsumexp(-1) - chosen).mean()",
        wrong="(chosen.new_zeros(()) + wide.logsumexp(-2 if wide.dim() > 1 else -1).mean() - chosen.mean())",
        hint="Your logsumexp runs over the positions, so the tokens of a text compete with one another. At each position, the entries of "
             "the vocabulary compete: that is the last dimension.",
        spoils=("accumulate_gradients", "evaluate")),

    # -------------------------------------------------------------------------------------------------------------- AdamW
    Alternative("AdamW", "as in torch, step size first", other="""
        beta1, beta2 = self.betas
        for i, p in enumerate(self.parameters):
            g = p.grad
            if g is not None:
                memory = self.state[i]
                t = memory["t"] = memory.get("t", 0) + 1
                m = memory.setdefault("m", torch.zeros_like(p))
                v = memory.setdefault("v", torch.zeros_like(p))
                if p.ndim > 1:
                    p.mul_(1 - self.rate * self.decay)
                m.mul_(beta1).add_(g, alpha=1 - beta1)
                v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
                divisor = (v.sqrt() / math.sqrt(1 - beta2**t)).add_(self.epsilon)
                p.addcdiv_(m, divisor, value=-self.rate / (1 - beta1**t))
    """),
    Alternative("AdamW", "new tensors, written back", other="""
        b1, b2 = self.betas
        for index, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                continue
            old = self.state[index]
            t = int(old.get("t", 0)) + 1
            m = b1 * old.get("m", 0.0) + (1 - b1) * parameter.grad
            v = b2 * old.get("v", 0.0) + (1 - b2) * parameter.grad ** 2
            self.state[index] = {"t": t, "m": m, "v": v}
            shrink = self.decay if len(parameter.shape) >= 2 else 0.0
            update = m / (1 - b1**t) / (torch.sqrt(v / (1 - b2**t)) + self.epsilon) + shrink * parameter
            parameter.data = parameter.data - self.rate * update
    """),
    Alternative("AdamW", "powers of the betas kept", other="""
        for parameter, state in zip(self.parameters, self.state):
            gradient = parameter.grad
            if gradient is None:
                continue
            if "first" not in state:
                state.update(first=gradient * 0, second=gradient * 0, power1=1.0, power2=1.0)
            state["power1"] *= self.betas[0]
            state["power2"] *= self.betas[1]
            state["first"] = self.betas[0] * state["first"] + (1 - self.betas[0]) * gradient
            state["second"] = self.betas[1] * state["second"] + (1 - self.betas[1]) * gradient * gradient
            if parameter.dim() > 1:
                parameter.sub_(parameter, alpha=self.rate * self.decay)
            root = (state["second"] / (1 - state["power2"])) ** 0.5
            parameter.copy_(parameter - self.rate * state["first"] / (1 - state["power1"]) / (root + self.epsilon))
    """),
    Mistake("AdamW", "epsilon inside the root",
        right="(mean_square.sqrt() + self.epsilon)", wrong="(mean_square + self.epsilon).sqrt()",
        hint="You add epsilon under the root. The root of 1e-8 is 1e-4: ten thousand times more than meant, so parameters with small gradients "
             "hardly move. Take the root first."),
    Mistake("AdamW", "one counter for all",
        wrong="""
        self.steps = getattr(self, "steps", 0) + 1
        for parameter, state in zip(self.parameters, self.state):
            if parameter.grad is None:
                continue
            mean = state.setdefault("mean", torch.zeros_like(parameter))
            mean_square = state.setdefault("mean_square", torch.zeros_like(parameter))
            mean.lerp_(parameter.grad, 1 - self.betas[0])
            mean_square.lerp_(parameter.grad.square(), 1 - self.betas[1])
            if parameter.dim() >= 2:
                parameter -= self.rate * self.decay * parameter
            root = (mean_square / (1 - self.betas[1] ** self.steps)).sqrt()
            parameter -= self.rate * mean / (1 - self.betas[0] ** self.steps) / (root + self.epsilon)
        """,
        hint="You count the steps of the optimiser, once for all parameters. A parameter that gets its first gradient at step 1,000 "
             "then has no bias correction at all, and its first steps are several times too large. Each counts its own, in its state; there "
             "a checkpoint finds it, too.",
        spoils=("Run",)),
    Mistake("AdamW", "decay in the gradient",
        wrong="""
        for parameter, state in zip(self.parameters, self.state):
            if parameter.grad is None:
                continue
            gradient = parameter.grad
            if parameter.dim() >= 2:
                gradient = gradient + self.decay * parameter
            state["steps"] = state.get("steps", 0) + 1
            mean = state.setdefault("mean", torch.zeros_like(parameter))
            mean_square = state.setdefault("mean_square", torch.zeros_like(parameter))
            mean.lerp_(gradient, 1 - self.betas[0])
            mean_square.lerp_(gradient.square(), 1 - self.betas[1])
            root = (mean_square / (1 - self.betas[1] ** state["steps"])).sqrt()
            parameter -= self.rate * mean / (1 - self.betas[0] ** state["steps"]) / (root + self.epsilon)
        """,
        hint="You add decay · w to the gradient. That is Adam with L2, against which the W in AdamW stands: the decay passes through both "
             "means and is divided by the root, so weights with large gradients hardly shrink. Shrink the weight itself."),
    Mistake("AdamW", "biases decay too",
        right="            if parameter.dim() >= 2:\n                parameter -= self.rate * self.decay * parameter",
        wrong="            parameter -= self.rate * self.decay * parameter",
        hint="You shrink every parameter. The docstring leaves out those with fewer than two dimensions: shrinking the weight of a norm "
             "does not make the model simpler, it turns the volume down."),
    Mistake("AdamW", "no bias correction",
        wrong="""
        for parameter, state in zip(self.parameters, self.state):
            if parameter.grad is None:
                continue
            mean = state.setdefault("mean", torch.zeros_like(parameter))
            mean_square = state.setdefault("mean_square", torch.zeros_like(parameter))
            mean.lerp_(parameter.grad, 1 - self.betas[0])
            mean_square.lerp_(parameter.grad.square(), 1 - self.betas[1])
            if parameter.dim() >= 2:
                parameter -= self.rate * self.decay * parameter
            parameter -= self.rate * mean / (mean_square.sqrt() + self.epsilon)
        """,
        hint="You leave out the bias correction. Both means begin at 0 and are too small at first, not by the same factor: with "
             "betas 0.9 and 0.999 the first step is three times too large. Divide each by 1 - β^t."),
    Mistake("AdamW", "only the first mean corrected",
        right="""mean_square = state["mean_square"] / (1 - self.betas[1] ** state["steps"])""",
        wrong="""mean_square = state["mean_square"]""",
        hint="You correct the mean of the gradient, but not that of its square. It begins at 0 too, so your divisor is too small and the first "
             "steps are many times too large."),
    Mistake("AdamW", "counting from zero",
        wrong="""
        for parameter, state in zip(self.parameters, self.state):
            if parameter.grad is None:
                continue
            steps = state.setdefault("steps", 0)
            mean = state.setdefault("mean", torch.zeros_like(parameter))
            mean_square = state.setdefault("mean_square", torch.zeros_like(parameter))
            mean.lerp_(parameter.grad, 1 - self.betas[0])
            mean_square.lerp_(parameter.grad.square(), 1 - self.betas[1])
            if parameter.dim() >= 2:
                parameter -= self.rate * self.decay * parameter
            first, second = (max(1 - beta**steps, 1 - beta) for beta in self.betas)
            parameter -= self.rate * mean / first / ((mean_square / second).sqrt() + self.epsilon)
            state["steps"] += 1
        """,
        hint="You raise the count after you have used it, so t begins at 0, where 1 - β^t is 0, and each later step is corrected as if it were the "
             "one before. t is 1 at the first step."),
    Mistake("AdamW", "decay without the rate",
        right="self.rate * self.decay * parameter", wrong="self.decay * parameter",
        hint="You shrink the weights by `decay` in each step, not by rate · decay: with 0.1 a weight has lost two thirds of itself after ten "
             "steps, and the schedule does not reach the decay."),
    Mistake("AdamW", "decay after the step",
        right="""            if parameter.dim() >= 2:
                parameter -= self.rate * self.decay * parameter
            parameter -= self.rate * mean / (mean_square.sqrt() + self.epsilon)""",
        wrong="""            parameter -= self.rate * mean / (mean_square.sqrt() + self.epsilon)
            if parameter.dim() >= 2:
                parameter -= self.rate * self.decay * parameter""",
        hint="You shrink the weight after the step, so a part of the new step is shrunk with it. The docstring's order is: first the "
             "decay, of the old weight, then the step."),
    Mistake("AdamW", "no gradient taken as zero",
        right="""            if parameter.grad is None:
                continue
""",
        wrong="""            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
""",
        hint="You treat a parameter without a gradient as if its gradient were 0. Then it decays, it goes on moving with its old mean, and "
             "its means fade. None says: it took no part. Leave it alone."),
    Mistake("AdamW", "betas swapped",
        right="""            state["mean"].lerp_(parameter.grad, 1 - self.betas[0])
            state["mean_square"].lerp_(parameter.grad.square(), 1 - self.betas[1])
            mean = state["mean"] / (1 - self.betas[0] ** state["steps"])
            mean_square = state["mean_square"] / (1 - self.betas[1] ** state["steps"])""",
        wrong="""            state["mean"].lerp_(parameter.grad, self.betas[0])
            state["mean_square"].lerp_(parameter.grad.square(), self.betas[1])
            mean = state["mean"] / (1 - (1 - self.betas[0]) ** state["steps"])
            mean_square = state["mean_square"] / (1 - (1 - self.betas[1]) ** state["steps"])""",
        hint="In your means the new gradient has the weight β and the old mean 1 - β. It is the other way round: with β = 0.9 a mean keeps "
             "nine tenths of itself."),
    Mistake("AdamW", "square of the mean",
        right="parameter.grad.square(), 1 - self.betas[1]", wrong="""state["mean"].square(), 1 - self.betas[1]""",
        hint="You average the square of the running mean, not the squares of the gradients. Where gradients change their sign, "
             "their mean is nearly 0, and your divisor too: the noisiest numbers take the largest steps."),
    Mistake("AdamW", "memory beside the state",
        wrong="""
        if not hasattr(self, "memory"):
            self.memory = [(0, torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        for i, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                continue
            steps, mean, mean_square = self.memory[i]
            steps += 1
            mean.lerp_(parameter.grad, 1 - self.betas[0])
            mean_square.lerp_(parameter.grad.square(), 1 - self.betas[1])
            self.memory[i] = steps, mean, mean_square
            if parameter.dim() >= 2:
                parameter -= self.rate * self.decay * parameter
            root = (mean_square / (1 - self.betas[1] ** steps)).sqrt()
            parameter -= self.rate * mean / (1 - self.betas[0] ** steps) / (root + self.epsilon)
        """,
        hint="Your steps are right, but what you remember is in attributes of your own: `state_dict` does not see it, and a checkpoint "
             "loses it. Keep it in `self.state[i]`.",
        spoils=("Run",)),
    Mistake("AdamW", "gradient changed",
        right="""            state["mean"].lerp_(parameter.grad, 1 - self.betas[0])
            state["mean_square"].lerp_(parameter.grad.square(), 1 - self.betas[1])""",
        wrong="""            state["mean"].lerp_(parameter.grad, 1 - self.betas[0])
            state["mean_square"].lerp_(parameter.grad.square_(), 1 - self.betas[1])""",
        hint="A step changes the gradients themselves (`square_`, `mul_`, `+=` work in place). Who reads them afterwards, to plot their "
             "length or to accumulate more, finds others."),

    # ------------------------------------------------------------------------------------------------------ learning_rate
    Alternative("learning_rate", "after the end first", other="""
        if step >= steps:
            return final
        done = step + 1
        if done <= warm_up:
            return done / warm_up * peak
        angle = math.pi * (done - warm_up) / (steps - warm_up)
        return (peak + final) / 2 + (peak - final) / 2 * math.cos(angle)
    """),
    Alternative("learning_rate", "squared cosine of half the angle", other="""
        if warm_up > 0 and step < warm_up:
            return (step + 1) * (peak / warm_up)
        left = max(0.0, (steps - 1 - step) / (steps - warm_up))
        return final + (peak - final) * math.sin(left * math.pi / 2) ** 2
    """),
    Mistake("learning_rate", "first step has rate zero",
        right="return peak * (step + 1) / warm_up", wrong="return peak * step / warm_up",
        hint="Your first step has the rate 0: a batch is computed and nothing learnt from it, and the peak comes a step late. Step i "
             "of the warm-up has peak · (i + 1) / warm_up."),
    Mistake("learning_rate", "never arrives",
        right="(step + 1 - warm_up) / (steps - warm_up)", wrong="(step - warm_up) / (steps - warm_up)",
        hint="Your cosine arrives at `final` one step after the last: the steps are 0 … steps - 1. And the peak is there twice. Put in the "
             "last step and look at the progress."),
    Mistake("learning_rate", "arrives too early",
        right="(step + 1 - warm_up) / (steps - warm_up)", wrong="(step + 1 - warm_up) / max(1, steps - warm_up - 1)",
        hint="Your cosine arrives at `final` one step before the last. Put in the step steps - 2: its progress should still be below 1."),
    Mistake("learning_rate", "warm-up forgotten in the cosine",
        right="(step + 1 - warm_up) / (steps - warm_up)", wrong="(step + 1) / steps",
        hint="Your cosine runs over the whole run, also under the warm-up: when the warm-up is over, part of the fall has already passed, "
             "and the rate jumps down from the peak. The progress begins where the warm-up ends."),
    Mistake("learning_rate", "rises again",
        right="min((step + 1 - warm_up) / (steps - warm_up), 1)", wrong="(step + 1 - warm_up) / (steps - warm_up)",
        hint="After the last step your rate climbs the other side of the cosine, up to the peak again. Whoever goes on for a few "
             "steps more destroys what was learnt. The progress must not exceed 1."),
    Mistake("learning_rate", "final ignored",
        right="return final + (peak - final) * (1", wrong="return peak * (1",
        hint="Your rate falls to 0, whatever `final` says. The cosine lies between `peak` and `final`."),
    Mistake("learning_rate", "final added on top",
        right="return final + (peak - final) * (1", wrong="return final + peak * (1",
        hint="You add `final` to the whole cosine, so the fall begins at peak + final, above the peak. The cosine has the height "
             "peak - final."),
    Mistake("learning_rate", "a floor instead of an end",
        right="return final + (peak - final) * (1 + math.cos(math.pi * progress)) / 2",
        wrong="return max(final, peak * (1 + math.cos(math.pi * progress)) / 2)",
        hint="Your cosine falls to 0 and is cut off at `final`: the end is right, but everything before it is too low, and the last steps are all "
             "the same. The cosine itself should end at `final`."),
    Mistake("learning_rate", "straight down",
        right="(1 + math.cos(math.pi * progress)) / 2", wrong="(1 - progress)",
        hint="Your rate falls along a straight line. Peak, middle and end are the same as the cosine's; in between it is too low at first "
             "and too high later."),
    Mistake("learning_rate", "whole cosine",
        right="math.cos(math.pi * progress)", wrong="math.cos(2 * math.pi * progress)",
        hint="Your cosine runs through a whole turn, down and up again: the run ends at the peak. Half a turn is π."),
    Mistake("learning_rate", "division by no warm-up",
        right="    if step < warm_up:\n        return", wrong="    if step <= warm_up - 1 or warm_up == 0 == step:\n        return",
        hint="Without a warm-up you divide by 0 at the first step. `warm_up` may be 0: then the fall begins at once."),

    # ----------------------------------------------------------------------------------------------------- clip_gradients
    Alternative("clip_gradients", "torch's own", other="""
        return float(nn.utils.clip_grad_norm_(parameters, max_norm=limit))
    """),
    Alternative("clip_gradients", "norm of the norms, new gradients", other="""
        parameters = [p for p in parameters if p.grad is not None]
        if not parameters:
            return 0.0
        length = torch.stack([p.grad.norm() for p in parameters]).norm().item()
        factor = 1.0 if length <= limit else limit / length
        for p in parameters:
            if factor != 1.0:
                p.grad = p.grad * factor
        return length
    """),
    Alternative("clip_gradients", "all in one vector", other="""
        gradients = []
        for p in parameters:
            if p.grad is not None:
                gradients.append(p.grad)
        flat = torch.cat([g.reshape(-1) for g in gradients]) if gradients else torch.zeros(1)
        length = float(torch.sqrt((flat.double() ** 2).sum()))
        if length > limit:
            [g.mul_(limit).div_(length) for g in gradients]
        return length
    """),
    Mistake("clip_gradients", "always rescaled",
        right="    if length > limit:\n        for gradient in gradients:\n            gradient *= limit / length",
        wrong="    for gradient in gradients:\n        gradient *= limit / max(length, 1e-12)",
        hint="You scale every gradient to the limit, also one that is shorter: it becomes longer. Near the end of a run, where gradients are "
             "small, that keeps the model from settling. Clip only what exceeds the limit."),
    Mistake("clip_gradients", "each tensor by itself",
        right="    if length > limit:\n        for gradient in gradients:\n            gradient *= limit / length",
        wrong="    for gradient in gradients:\n        if gradient.norm() > limit:\n            gradient *= limit / gradient.norm()",
        hint="You clip each parameter's gradient by itself. Long ones shrink and short ones do not, so the whole arrow turns; and many "
             "short ones together may still be too long. One length, one factor, for all."),
    Mistake("clip_gradients", "each number clipped",
        right="            gradient *= limit / length", wrong="            gradient.clamp_(-limit, limit)",
        hint="You clip each number by itself. The arrow turns (see the picture), and its length can still be large. Multiply all numbers by "
             "one factor."),
    Mistake("clip_gradients", "generator used up",
        wrong="""
        length = math.sqrt(sum(p.grad.square().sum().item() for p in parameters if p.grad is not None))
        if length > limit:
            for p in parameters:
                if p.grad is not None:
                    p.grad *= limit / length
        return length
        """,
        hint="You walk through `parameters` twice. `model.parameters()` is a generator: the second walk finds nothing, so your length is "
             "right, and nothing is ever clipped. Make a list first."),
    Mistake("clip_gradients", "lengths added up",
        right="math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))",
        wrong="sum(gradient.norm().item() for gradient in gradients)",
        hint="You add up the lengths of the parameters' gradients. Lengths at right angles do not add up: add the squares of all "
             "numbers, and take one root at the end."),
    Mistake("clip_gradients", "root forgotten",
        right="math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))",
        wrong="float(sum(gradient.square().sum().item() for gradient in gradients))",
        hint="You compare the square of the length with the limit: the root is missing."),
    Mistake("clip_gradients", "largest number as length",
        right="math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))",
        wrong="max((gradient.abs().max().item() for gradient in gradients), default=0.0)",
        hint="Your length is the largest number of the gradient. That is a norm too (the infinity norm), but the docstring asks for "
             "the root of the sum of squares."),
    Mistake("clip_gradients", "length from afterwards",
        right="    return length", wrong="    return min(length, limit)",
        hint="You give the length after clipping. It is never more than the limit, so nobody sees in a plot when the gradients "
             "explode. Give the one from before."),
    Mistake("clip_gradients", "missing gradients made zeros",
        right="    gradients = [p.grad for p in parameters if p.grad is not None]",
        wrong="    gradients = []\n    for p in parameters:\n        p.grad = torch.zeros_like(p) if p.grad is None else p.grad\n        gradients.append(p.grad)",
        hint="You give a gradient of zeros to parameters that had none. For AdamW that is not the same: with a gradient of 0 a "
             "parameter decays and moves on, without one it stays."),
    Mistake("clip_gradients", "missing gradients not expected",
        right=" for p in parameters if p.grad is not None]", wrong=" for p in parameters]",
        hint="A parameter that took no part has no gradient: `grad` is None, and your code fails on it. Leave such parameters out."),

    # ----------------------------------------------------------------------------------------------- accumulate_gradients
    Alternative("accumulate_gradients", "sums, divided by all tokens", other="""
        total_tokens = 0
        for batch in micro_batches:
            total_tokens += batch[1].shape[0] * batch[1].shape[1]
        losses = []
        for x, y in micro_batches:
            share = y.numel() / total_tokens
            part = share * cross_entropy(model(x), y)
            part.backward()
            losses.append(part.detach())
        return float(sum(losses))
    """),
    Alternative("accumulate_gradients", "weight given to backward", other="""
        counts = [targets.numel() for _, targets in micro_batches]
        mean = 0.0
        for (inputs, targets), count in zip(micro_batches, counts):
            loss = cross_entropy(logits=model(inputs), targets=targets)
            loss.backward(torch.tensor(count / sum(counts), dtype=loss.dtype, device=loss.device))
            mean += loss.item() * count
        return mean / sum(counts)
    """),
    Mistake("accumulate_gradients", "summed, not averaged",
        right=" * (targets.numel() / tokens)", wrong="",
        hint="You add up the mean losses of the micro-batches: with eight of them, loss and gradients are eight times too large. Each counts "
             "by its share of the tokens."),
    Mistake("accumulate_gradients", "mean of the means",
        right="(targets.numel() / tokens)", wrong="(1 / len(micro_batches))",
        hint="You divide by the number of micro-batches. That is right as long as all are of one size; in a small one each token then "
             "counts more. What share of all *tokens* does a micro-batch have?"),
    Mistake("accumulate_gradients", "weighted by rows",
        wrong="""
        rows = sum(len(targets) for _, targets in micro_batches)
        total = 0.0
        for inputs, targets in micro_batches:
            loss = cross_entropy(model(inputs), targets) * (len(targets) / rows)
            loss.backward()
            total += loss.item()
        return total
        """,
        hint="You weight each micro-batch by its number of rows. That is right while all rows are of one length; in general it is "
             "the number of tokens that counts (`numel`)."),
    Mistake("accumulate_gradients", "zeroed each time",
        right="        loss = cross_entropy(model(inputs), targets)", wrong="        model.zero_grad()\n        loss = cross_entropy(model(inputs), targets)",
        hint="You clear the gradients for each micro-batch: only those of the last one are left. Clear them once, before all (and here not "
             "at all: that is the caller's business)."),
    Mistake("accumulate_gradients", "zeroed at the start",
        right="    total = 0.0", wrong="    model.zero_grad()\n    total = 0.0",
        hint="You clear the gradients at the beginning. The docstring says that gradients which are there already stay, and yours are "
             "added to them: when to clear them is the caller's decision."),
    Mistake("accumulate_gradients", "one backward at the end",
        wrong="""
        tokens = sum(targets.numel() for _, targets in micro_batches)
        loss = 0.0
        for inputs, targets in micro_batches:
            loss = loss + cross_entropy(model(inputs), targets) * (targets.numel() / tokens)
        loss.backward()
        return loss.item()
        """,
        hint="Your numbers are right, but you keep the graphs of all micro-batches and call `backward` once at the end: that takes the "
             "memory of the large batch, which was to be saved. Call it for each of them."),
    Mistake("accumulate_gradients", "only the last backward",
        wrong="""
        tokens = sum(targets.numel() for _, targets in micro_batches)
        total = 0.0
        for inputs, targets in micro_batches:
            loss = cross_entropy(model(inputs), targets) * (targets.numel() / tokens)
            total += loss.item()
        loss.backward()
        return total
        """,
        hint="You call `backward` after the loop, for the last micro-batch only: the others go through the model for nothing. It belongs "
             "into the loop."),
    Mistake("accumulate_gradients", "loss of the last one",
        right="    return total", wrong="    return loss.item() * tokens / targets.numel()",
        hint="Your gradients are right, but you give the loss of the last micro-batch, not that of all of them."),
    Mistake("accumulate_gradients", "all at once",
        wrong="""
        inputs = torch.cat([inputs.flatten() for inputs, _ in micro_batches])[None]
        targets = torch.cat([targets.flatten() for _, targets in micro_batches])[None]
        loss = cross_entropy(model(inputs), targets)
        loss.backward()
        return loss.item()
        """,
        hint="You put all micro-batches together and send them through the model at once: the memory of the large batch, which was to be saved, "
             "and rows that see each other besides."),
    Mistake("accumulate_gradients", "losses weighted, gradients not",
        wrong="""
        tokens = sum(targets.numel() for _, targets in micro_batches)
        total = 0.0
        for inputs, targets in micro_batches:
            loss = cross_entropy(model(inputs), targets)
            loss.backward()
            total += loss.item() * targets.numel() / tokens
        return total
        """,
        hint="The loss that you give is right, but `backward` is called for the unweighted ones: the gradients add up to several times their "
             "size. Weight the loss before `backward`."),
    Mistake("accumulate_gradients", "switched to training",
        right="    total = 0.0", wrong="    model.train()\n    total = 0.0",
        hint="You switch the model to training mode. Whoever accumulates gradients in evaluation mode, to look at them without dropout, "
             "gets others. The mode is the caller's business."),

    # ----------------------------------------------------------------------------------------------------------- evaluate
    Alternative("evaluate", "piece by piece", other="""
        text, before = corpus.validation.long(), model.training
        model.eval()
        losses, counts = [], []
        with torch.inference_mode():
            for start in range(0, len(text) - 1, context):
                piece = text[start : start + context + 1]
                logits = model(piece[None, :-1])
                losses.append(float(cross_entropy(logits, piece[None, 1:])) * (len(piece) - 1))
                counts.append(len(piece) - 1)
        model.train(before)
        return sum(losses) / sum(counts)
    """),
    Alternative("evaluate", "rows of the grid, then the rest", other="""
        mode = model.training
        model.train(False)
        x, y = corpus.validation[:-1].to(torch.int64), corpus.validation[1:].to(torch.int64)
        rows = x.shape[0] // context
        sizes = rows * context
        pairs = list(zip(x[:sizes].reshape(rows, context).split(batch), y[:sizes].reshape(rows, context).split(batch))) if rows else []
        if sizes < x.shape[0]:
            pairs.append((x[sizes:].unsqueeze(0), y[sizes:].unsqueeze(0)))
        with torch.no_grad():
            total = sum(cross_entropy(model(a), b) * b.numel() for a, b in pairs)
        if mode:
            model.train()
        return (total / y.numel()).item()
    """),
    Mistake("evaluate", "training text",
        right="text = corpus.validation.long()", wrong="text = corpus.training.long()",
        hint="You examine the model on the text that it has learnt from. The loss looks wonderful, and goes on falling while the model "
             "only learns by heart. Which part of the corpus is kept for this?"),
    Mistake("evaluate", "left in evaluation mode",
        right="    model.train(was_training)\n", wrong="",
        hint="You leave the model in evaluation mode. After the first examination it trains on without dropout, and nobody notices. "
             "Put it back into the mode that it was in."),
    Mistake("evaluate", "always back to training",
        right="    model.train(was_training)\n", wrong="    model.train()\n",
        hint="You always switch to training mode at the end. A model that came in evaluation mode leaves with its dropout on. Note the mode "
             "first, and put that one back."),
    Mistake("evaluate", "dropout left on",
        right="    model.eval()\n", wrong="",
        hint="You never switch the model to evaluation mode. With dropout, a part of it is switched off at random: your loss is too high, "
             "and another one each time."),
    Mistake("evaluate", "graphs built",
        right="    with torch.no_grad():\n", wrong="    with torch.enable_grad():\n",
        hint="You let torch build graphs for gradients that nobody asks for. That takes several times the memory. There is a context "
             "manager that switches it off (`eval` does not)."),
    Mistake("evaluate", "mean of the batches' means",
        right="""                total += cross_entropy(model(piece), following).item() * piece.numel()
    model.train(was_training)
    return total / count""",
        wrong="""                total += cross_entropy(model(piece), following).item()
    model.train(was_training)
    return total / len([piece for piece in inputs if piece.numel()])""",
        hint="You average the means of the batches. The last one is smaller, and its tokens count more than the others. Weight each with "
             "its number of tokens."),
    Mistake("evaluate", "rest counted, not asked",
        right="    if even < count:\n", wrong="    if even == 0:\n",
        hint="What is left at the end of the text, less than a whole piece, is never asked for, but you divide by the number of all "
             "tokens: your loss is too low. The last piece is shorter, and is asked like the others."),
    Mistake("evaluate", "rest left out, and not counted",
        wrong="""
        text = corpus.validation.long()
        length = min(context, len(text) - 1)
        even = (len(text) - 1) // length * length
        inputs = text[:even].view(-1, length).split(batch)
        targets = text[1 : even + 1].view(-1, length).split(batch)
        was_training = model.training
        model.eval()
        total = 0.0
        with torch.no_grad():
            for piece, following in zip(inputs, targets):
                total += cross_entropy(model(piece), following).item() * piece.numel()
        model.train(was_training)
        return total / even
        """,
        hint="You leave out what remains at the end of the text, less than a whole piece. The mean over the others is nearly the same, but with "
             "another context you ask other questions. The last piece is shorter, and is asked like the others."),
    Mistake("evaluate", "one question lost at each border",
        wrong="""
        text = corpus.validation.long()
        was_training = model.training
        model.eval()
        total, count = 0.0, 0
        with torch.no_grad():
            for piece in text.split(context):
                if len(piece) > 1:
                    total += cross_entropy(model(piece[None, :-1]), piece[None, 1:]).item() * (len(piece) - 1)
                    count += len(piece) - 1
        model.train(was_training)
        return total / max(count, 1)
        """,
        hint="You cut the text into pieces of `context` tokens and shift inside of each. So the first token of each piece is never a target, and "
             "the model sees one token less than it could. The last input of a piece has a target too: the next piece's first token."),
    Mistake("evaluate", "targets plus one",
        right="    targets = list(text[1 : even + 1].view(-1, context).split(batch))",
        wrong="    targets = list(((text[:even] + 1) % (text.max() + 1)).view(-1, context).split(batch))",
        hint="Your targets are the tokens plus one: the next number, not the next token of the text."),
    Mistake("evaluate", "random pieces",
        wrong="""
        was_training = model.training
        model.eval()
        total = 0.0
        length = min(context, len(corpus.validation) - 1)
        with torch.no_grad():
            for _ in range(10):
                starts = torch.randint(len(corpus.validation) - length, (batch,))
                pieces = torch.stack([corpus.validation[i : i + length + 1] for i in starts]).long()
                total += cross_entropy(model(pieces[:, :-1]), pieces[:, 1:]).item() / 10
        model.train(was_training)
        return total
        """,
        hint="You examine the model on random pieces: other questions each time. Two numbers differ then by luck, and the draws disturb "
             "the run. The whole text, in order, is the examination."),
    Mistake("evaluate", "everything at once",
        wrong="""
        text = corpus.validation.long()
        was_training = model.training
        model.eval()
        with torch.no_grad():
            loss = cross_entropy(model(text[None, :-1]), text[None, 1:]).item()
        model.train(was_training)
        return loss
        """,
        hint="You send the whole text through the model as one piece, far longer than `context`: longer than anything it was trained on, and for "
             "a long text more than fits into memory. Cut it into pieces."),
    Mistake("evaluate", "batch ignored",
        right="    inputs = list(text[:even].view(-1, context).split(batch))\n    targets = list(text[1 : even + 1].view(-1, context).split(batch))",
        wrong="    inputs = [text[:even].view(-1, context)]\n    targets = [text[1 : even + 1].view(-1, context)]",
        hint="All pieces go through the model at once. For a long text that does not fit into memory: at most `batch` of them at a time."),

    # ---------------------------------------------------------------------------------------------------------------- Run
    Alternative("Run", "deep copies",
        right="""        return {
            "model": {name: x.clone() for name, x in self.model.state_dict().items()},
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            "step": self.step,
            "losses": list(self.losses),
        }""",
        other="""        import copy

        return copy.deepcopy({
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "losses": self.losses, "step": self.step,
            "generator": self.generator.get_state(), "torch": torch.random.get_rng_state(),
        })"""),
    Alternative("Run", "loaded by hand",
        right="""        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        self.step = state["step"]
        self.losses = list(state["losses"])""",
        other="""        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(state["model"][name])
        self.losses = state["losses"][:]
        self.step = len(self.losses)
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator = torch.Generator()
        self.generator.set_state(state["generator"])
        torch.random.set_rng_state(state["torch"])"""),
    Mistake("Run", "optimiser forgotten",
        right="""        self.optimizer.load_state_dict(state["optimizer"])\n""", wrong="",
        hint="What the optimiser remembers is not put back. Its means begin at 0 again, and so does the bias correction: a bump in the curve at "
             "each resume. It has a `state_dict` and a `load_state_dict`, as the model has."),
    Mistake("Run", "torch's random numbers forgotten",
        right="""        torch.set_rng_state(state["torch"])\n""", wrong="",
        hint="torch's own random numbers are not put back. Without dropout nobody notices; with it the curve is another one. The state has to be "
             "saved and set."),
    Mistake("Run", "generator forgotten",
        right="""        self.generator.set_state(state["generator"])\n""", wrong="",
        hint="The generator that draws the batches is not put back: after a resume it begins with its seed again, or goes on where this "
             "run stood. Some text comes twice, some never."),
    Mistake("Run", "seed instead of state",
        right="""        self.generator.set_state(state["generator"])\n""", wrong="""        self.generator.manual_seed(self.settings.seed)\n""",
        hint="You set the generator to its seed. That is where the run began, not where it was stopped: it would see the first batches "
             "once more."),
    Mistake("Run", "step forgotten",
        right="""        self.step = state["step"]\n""", wrong="",
        hint="The number of steps is not put back. The schedule goes on from this run's own step: a new run warms up again."),
    Mistake("Run", "losses forgotten",
        right="""        self.losses = list(state["losses"])""", wrong="        pass",
        hint="The losses of the earlier steps are not put back: the curve begins anew at each resume, or keeps steps that have been undone."),
    Mistake("Run", "weights not copied",
        right="""{name: x.clone() for name, x in self.model.state_dict().items()}""", wrong="self.model.state_dict()",
        hint="Your state holds `model.state_dict()` as it is. These are the model's own tensors, and the next step changes them: a state "
             "that is kept in memory goes with the times. Copy each of them."),
    Mistake("Run", "generator itself in the state",
        right="""            "generator": self.generator.get_state(),""", wrong="""            "generator": self.generator,""",
        hint="You put the generator itself into the state, not a description of where it stands. It cannot be read with "
             "`weights_only=True`, and it would go on drawing. It has a `get_state`."),
    Mistake("Run", "state seeds torch",
        right="""            "torch": torch.get_rng_state(),""", wrong="""            "torch": torch.manual_seed(self.step).get_state(),""",
        hint="To have a known state you set torch's random numbers when you save. But then a run that writes checkpoints goes another way "
             "than one that does not. Ask for the state, and leave it."),
    Mistake("Run", "weights forgotten",
        right="""        self.model.load_state_dict(state["model"])\n""", wrong="",
        hint="The weights are not put back: the run goes on with the ones that its model happens to have."),
]
