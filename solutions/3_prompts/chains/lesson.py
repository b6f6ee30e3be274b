# ---
# title: Chains
# minutes: 90
# seconds: 480
# difficulty: medium
# ---

# %% [markdown]
# A web shop gets tickets: *where is my parcel, I was charged twice, I cannot log in.* You will build the workflow that
# answers them with a language model, and measure whether it is better than asking the model once.
#
# **You will be able to**
# - split a job into steps, each small enough to be checked: *route → extract → answer → verify*;
# - read a decision from log-probabilities instead of from prose, and get typed records out of free text;
# - repair, vote and summarise, always within a bound;
# - put every call under a budget and behind a cache;
# - show a product team, with intervals, what the chain buys and what it costs.
#
# **Why the job needs it.** A single long prompt is quick to write and hard to trust: when its answer is wrong, you cannot
# tell which part failed. In a chain every step has an input, an output and a rule. It can be tested, replaced, cached and
# paid for by itself. On our held-out tickets the same small model gets about *two* tickets in ten completely right with
# one prompt, and almost *nine* in ten with the chain you are going to write.
#
# The model is SmolLM2 with 135 million parameters, on your own machine. That is a thousand times smaller than the ones in
# the news, which is why it is a good teacher: whatever you leave to luck, it gets wrong at once.

# %% setup
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

import requests

from grader import lesson

check = lesson("chains")

# %% [markdown]
# ## The client
# All your steps talk to the model through one method, `ask`. Read these lines once: you will rely on the four fields of
# `Answer`. A provider may stop an answer in the middle (`finish_reason` is then `"length"`), and it counts the tokens
# itself.

# %% setup
@dataclass
class Answer:
    """What the model answered. `tokens`: of prompt and completion together, as the provider
    counted them. `candidates`: for the first token, the likeliest texts and their
    log-probabilities, if they were asked for.
    """

    text: str
    finish_reason: str
    tokens: int
    candidates: dict[str, float] = field(default_factory=dict)


class Model:
    """A model behind an OpenAI-style API."""

    def __init__(self, url: str, key: str = "none", name: str = "smollm2-135m-instruct"):
        self.url, self.key, self.name = url, key, name

    def ask(self, messages: list[dict], *, temperature: float = 0.0, max_tokens: int = 60, seed: int | None = None,
            schema: dict | None = None, top_logprobs: int | None = None) -> Answer:
        """One answer to `messages`. Raises requests.RequestException when the provider fails."""
        body = {"model": self.name, "messages": messages, "temperature": temperature, "max_tokens": max_tokens}
        if seed is not None:
            body["seed"] = seed
        if schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        if top_logprobs is not None:
            body |= {"logprobs": True, "top_logprobs": top_logprobs}
        response = requests.post(f"{self.url}/chat/completions", json=body, timeout=60,
                                 headers={"Authorization": f"Bearer {self.key}"})
        response.raise_for_status()
        reply = response.json()
        choice = reply["choices"][0]
        first = choice["logprobs"]["content"][:1] if choice.get("logprobs") else []
        candidates = {c["token"]: c["logprob"] for token in first for c in token["top_logprobs"]}
        return Answer(choice["message"]["content"] or "", choice["finish_reason"], reply["usage"]["total_tokens"], candidates)


class HandOver(Exception):
    """A step cannot vouch for its result: a person takes over. The message says why."""

# %% [markdown]
# `HandOver` is the most important class of the lesson. A step that is not sure must *say so*, loudly, instead of passing
# something plausible on to the next step.
#
# And here is everything the model will be told. These prompts are given, because wording is the subject of other lessons
# and was measured here on 32 development tickets. Three habits are worth copying: worked examples come as earlier turns of
# the conversation; each prompt asks for one thing; and no example uses a product or a policy of the real shop.

# %% setup
POLICY = {
    "delivery": "A parcel arrives within 5 working days.",
    "return": "An item can be sent back within 30 days.",
    "payment": "A wrong charge is paid back within 8 days.",
    "account": "A new password is sent within 24 hours.",
}


def conversation(system: str, examples: list[tuple[str, str]], last: str) -> list[dict]:
    """Messages that show `examples` as earlier turns and end in the user's message `last`."""
    messages = [{"role": "system", "content": system}] if system else []
    for asked, answered in examples:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return [*messages, {"role": "user", "content": last}]


def routing_messages(ticket: str) -> list[dict]:
    examples = [("Where is my order 10001? The courier has not come.", "delivery"),
                ("Order 10002: the trousers are too long. I want to give them back.", "return"),
                ("The charge on my bank statement is wrong.", "payment"),
                ("Please change the password of my profile.", "account")]
    return conversation("", examples, ticket)


def record_messages(ticket: str) -> list[dict]:
    examples = [("The lamp from order 10001 is broken. What can I do?", '{"order": 10001, "product": "lamp"}'),
                ("How long is the guarantee of the red bicycle? My order is 20002.",
                 '{"order": 20002, "product": "red bicycle"}')]
    return conversation("", examples, ticket)


def answer_messages(ticket: str, section: str) -> list[dict]:
    examples = [("Policy: A gift card is valid for 3 years.\n\nCustomer: I got a gift card. How long can I use it?",
                 "A gift card is valid for 3 years."),
                ("Policy: A broken item is repaired within 18 days.\n\nCustomer: My lamp is broken. What can I do?",
                 "A broken item is repaired within 18 days.")]
    system = "You are the support of a web shop. Answer in one short sentence, from the policy only."
    return conversation(system, examples, f"Policy: {section}\n\nCustomer: {ticket}")


def summary_messages(text: str) -> list[dict]:
    return conversation("", [], f"{text}\n\nSum up the messages above in one short sentence.")

# %%
from grader.providers import endpoint

provider = endpoint()  # the embedded model, or yours: OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL
model = Model(provider.url, provider.key, provider.model)

TICKET = "Can I pay for the garden table, order 23390, by invoice instead of by credit card?"
answered = model.ask(routing_messages(TICKET), max_tokens=1, top_logprobs=20)
print(answered)  # a second or two

# %% [markdown]
# ## 1 · Route
# Which department should get a ticket? The tempting way is to let the model write a word and to compare strings. But a
# language model does not have *one word* in mind: it has a probability for every token of its vocabulary, and the one it
# writes is only the likeliest of them. Our ticket is about paying, and the model has just written *credit*, which is no
# department. Here is what else it had in mind:

# %%
import matplotlib.pyplot as plt

shown = sorted(answered.candidates.items(), key=lambda candidate: candidate[1])[-12:]
colours = ["tab:orange" if token.strip() and any(d.startswith(token.strip().lower()) for d in POLICY) else "lightgrey"
           for token, _ in shown]
plt.figure(figsize=(6, 3.2))
plt.barh([repr(token) for token, _ in shown], [math.exp(logprob) for _, logprob in shown], color=colours)
plt.xlabel("probability of being the first token")
plt.title("Candidates for the first token; orange: the beginning of a department", fontsize=10)
plt.tight_layout()
plt.show()

# %% [markdown]
# *The picture: the likeliest first tokens as bars. The longest one, credit, is no department; payment and pay come next,
# account and return far behind. The question "which department?" is answered by the orange bars alone.*
#
# Three things to see before you write:
# - **A token is not a word.** `Payment` is cut into `Pay` and `ment`, so the first token is only the *beginning* of a
#   label. `delivery`, `Delivery` and ` delivery` are three different tokens which mean the same department.
# - **What is missing has probability 0**, that is a log-probability of minus infinity. (A log-probability of 0 would be
#   certainty!)
# - **Probabilities may be added, log-probabilities may not.** With candidates of probability 0.2 and 0.1 for one
#   department, its probability is 0.3.
#
# A worked number: `{"del": log 0.2, " Delivery": log 0.1, "I": log 0.5, "re": log 0.1}` with the departments *delivery,
# return, refund*: delivery has 0.3; "I" speaks for nobody; and "re" cannot tell *return* from *refund*. So the route is
# delivery, with all of what the departments have: confidence 1.

# %% setup
@dataclass
class Route:
    department: str
    confidence: float

# %% exercise="route"
def route(model: Model, ticket: str, departments: list[str]) -> Route:
    """The department of `ticket`, read from the log-probabilities of the first token of the
    model's answer.

    Asks once: `routing_messages(ticket)`, for one token (`max_tokens=1`), with
    `top_logprobs=20`, at temperature 0.

    A candidate speaks for a department if, without surrounding white space and in lower case,
    it is a beginning of that department's name (or all of it), and not the beginning of any
    other's. A candidate of white space only speaks for none. The probability of a department is
    the sum of the probabilities of the candidates that speak for it. `departments` are in lower
    case, and none is the beginning of another.

    Returns the department with the largest probability (of equal ones, the first in
    `departments`). Its `confidence` is its share of the probability of all departments
    together, from 0 to 1.

    Raises HandOver if no candidate speaks for any department.
    """
    ### BEGIN SOLUTION
    candidates = model.ask(routing_messages(ticket), max_tokens=1, top_logprobs=20).candidates
    probability = dict.fromkeys(departments, 0.0)
    for token, logprob in candidates.items():
        beginning = token.strip().lower()
        meant = [name for name in departments if beginning and name.startswith(beginning)]
        if len(meant) == 1:
            probability[meant[0]] += math.exp(logprob)
    total = sum(probability.values())
    if total == 0:
        raise HandOver("The model names none of the departments.")
    best = max(departments, key=probability.get)
    return Route(best, probability[best] / total)
    ### END SOLUTION

# %% check="route"

# %% [markdown]
# Is it worth the trouble? Here are eight tickets of the development set, routed by the text that the model writes and by
# your function. A normal result: 5 of 8 by the text, 7 of 8 by the log-probabilities, in about fifteen seconds.

# %%
from tqdm.auto import tqdm

DEVELOPMENT = [
    ("Where is my toaster? Order 72055 should have been delivered on Monday.", "delivery"),
    ("The running shoes are too small, order 19448. Until when can I return them?", "return"),
    ("I was charged twice on my credit card for the desk lamp, order 60342.", "payment"),
    ("I forgot my password and cannot log in to see my order 33871 of a kettle.", "account"),
    ("When will the bookshelf be shipped? My order number is 14467.", "delivery"),
    ("I changed my mind about the yoga mat in order 90812 and want to give it back.", "return"),
    ("I cannot log in any more: the site says my password is wrong. My order of a tent is 85519.", "account"),
    ("The jacket, order 57023, does not fit. How long can I wait before I send it back?", "return"),
]
by_text = by_route = 0
for ticket, department in tqdm(DEVELOPMENT):
    by_text += model.ask(routing_messages(ticket), max_tokens=4).text.strip().lower() == department
    by_route += route(model, ticket, list(POLICY)).department == department
print(f"right by the text: {by_text} of {len(DEVELOPMENT)}, by the log-probabilities: {by_route} of {len(DEVELOPMENT)}")

# %% [markdown]
# ## 2 · Extract
# The next step needs the order number as a *number*. A **JSON schema** in the request (`response_format`, here the
# argument `schema` of `ask`) makes the provider allow only tokens that keep the answer in form: it cannot be anything but
# an object with your properties.
#
# In form is not the same as true. Watch the model fill in the record of a ticket that holds no order at all:

# %%
SKETCH = {"type": "object", "properties": {"order": {"type": "integer"}, "product": {"type": "string"}},
          "required": ["order", "product"], "additionalProperties": False}
print(model.ask(record_messages("Do you sell garden gnomes?"), schema=SKETCH).text)

# %% [markdown]
# Perfect JSON, and an order that does not exist. So we let the model *find*, and believe only what stands in the ticket.
# A made-up order number is worse than none: a person takes over. A made-up product is dropped.

# %% setup
@dataclass
class Record:
    order: int
    product: str | None  # None: not known

# %% exercise="extract"
def extract(model: Model, ticket: str) -> Record:
    """The order number and the product in `ticket`.

    Asks once: `record_messages(ticket)`, at temperature 0, with at most 60 tokens, under a JSON
    schema of an object with exactly two properties: `order`, an integer, and `product`, a
    string. Both are required, and additional ones are not allowed.

    Raises HandOver
    - if the answer was not finished (its `finish_reason` is anything but "stop");
    - if it is not a JSON object with exactly these properties and types (not every provider
      enforces a schema; a JSON `true` is no integer);
    - if the order number does not stand in the ticket as a number of its own: 4821 does not
      stand in "order 48213".

    The record's `product` is the model's, without surrounding white space; None if it is empty
    or does not occur in the ticket. Upper and lower case do not matter there.
    """
    ### BEGIN SOLUTION
    schema = {
        "type": "object",
        "properties": {"order": {"type": "integer"}, "product": {"type": "string"}},
        "required": ["order", "product"],
        "additionalProperties": False,
    }
    answer = model.ask(record_messages(ticket), max_tokens=60, schema=schema)
    if answer.finish_reason != "stop":
        raise HandOver("The record was not finished.")
    try:
        match json.loads(answer.text):
            case {"order": int(order), "product": str(product), **others} if not others and not isinstance(order, bool):
                pass
            case _:
                raise HandOver("The record does not have the form that was asked for.")
    except ValueError:
        raise HandOver("The record is no JSON.") from None
    if str(order) not in re.findall(r"\d+", ticket):
        raise HandOver(f"Order {order} does not stand in the ticket.")
    product = product.strip()
    known = product and product.lower() in ticket.lower()
    return Record(order, product if known else None)
    ### END SOLUTION

# %% check="extract"

# %%
print(extract(model, DEVELOPMENT[0][0]))  # order 72055. Of four products the small model misses one: then it is None

# %% [markdown]
# ## 3 · Answer
# The policy has a section for each department. Because we have routed first, the model need not find the right rule
# among all of them: it gets **the one section that applies**, and has only to use it. This is *grounding*: the facts come
# from the prompt, not from what the model remembers of other shops.
#
# A worked example, without a section and with it:

# %%
QUESTION = "How long may I wait before I send a jacket back?"
print("without:", model.ask([{"role": "user", "content": QUESTION}]).text)
print("with:   ", model.ask(answer_messages(QUESTION, POLICY["return"])).text)

# %% [markdown]
# The first answer is fluent, full of numbers, and about no shop at all. The second is ours.

# %% exercise="answer"
def answer(model: Model, ticket: str, department: str, policy: dict[str, str]) -> str:
    """The answer to `ticket` from the section of `policy` for `department`.

    Asks once: `answer_messages(ticket, section)`, at temperature 0, with at most 60 tokens.
    Returns the text without surrounding white space.

    Raises HandOver
    - without asking the model, if the policy has no section for the department, or only a blank
      one;
    - if the answer was not finished (its `finish_reason` is anything but "stop"), or is empty.
    """
    ### BEGIN SOLUTION
    section = policy.get(department, "")
    if not section.strip():
        raise HandOver(f"The policy has no section for {department!r}.")
    reply = model.ask(answer_messages(ticket, section), max_tokens=60)
    text = reply.text.strip()
    if reply.finish_reason != "stop" or not text:
        raise HandOver("The answer was not finished.")
    return text
    ### END SOLUTION

# %% check="answer"

# %% [markdown]
# ## 4 · Verify and repair
# A rule that a program can check is worth more than a promise in a prompt. Ours: *an answer states a number from the
# policy, and no number that is not there.* That is crude, and it catches the mistake that costs money, an invented deadline.
#
# The rule returns a **complaint**, a sentence, because the complaint is what the model is told next:
#
# > **user** Policy: … Customer: When do I get my money back?<br>
# > **assistant** Within 3 weeks.<br>
# > **user** The answer must not state 3: the policy does not. Policy: A wrong charge … Answer again.<br>
# > **assistant** A wrong charge is paid back within 8 days.
#
# And it is bounded. "Repeat until it is right" is a loop that a model can keep running, at your expense, for ever.

# %% setup
def number_complaint(text: str, section: str) -> str:
    """What is wrong with the numbers in an answer from `section`: a sentence, or "" when
    nothing is.
    """
    allowed, stated = re.findall(r"\d+", section), re.findall(r"\d+", text)
    invented = [number for number in stated if number not in allowed]
    if invented:
        return f"The answer must not state {', '.join(invented)}: the policy does not.\n\nPolicy: {section}"
    if allowed and not stated:
        return f"The answer must state the number from the policy.\n\nPolicy: {section}"
    return ""

# %% exercise="verify_and_repair"
def verify_and_repair(model: Model, messages: list[dict], draft: str, complaint: Callable[[str], str], repairs: int) -> str:
    """`draft`, the answer to `messages`, or a repaired version of it: the first text that
    `complaint` accepts.

    `complaint(text)` says in a sentence what is wrong with a text, and "" if nothing is. Every
    text is judged, the draft and the last repair too, and nothing is asked once a text is
    accepted.

    A repair asks once, at temperature 0, with at most 60 tokens: with the conversation so far,
    then the rejected text as the assistant's message, then a user message that contains the
    complaint about it. The conversation begins as `messages` and keeps growing: the second
    repair sees both rejected texts with their complaints.

    Raises HandOver, with the last complaint in its message, if no text was accepted after
    `repairs` repairs. Leaves the list `messages` as it is.
    """
    ### BEGIN SOLUTION
    messages, text = list(messages), draft
    while trouble := complaint(text):
        if repairs == 0:
            raise HandOver(f"No acceptable answer: {trouble}")
        repairs -= 1
        messages += [{"role": "assistant", "content": text}, {"role": "user", "content": f"{trouble} Answer again."}]
        text = model.ask(messages, max_tokens=60).text
    return text
    ### END SOLUTION

# %% check="verify_and_repair"

# %%
section = POLICY["payment"]
asked = answer_messages("You charged me twice for the camera. When do I get my money back?", section)
try:
    print(verify_and_repair(model, asked, "Within 3 weeks.", lambda text: number_complaint(text, section), repairs=2))
except HandOver as reason:
    print("A person takes over:", reason)

# %% [markdown]
# ## 5 · Vote
# With a temperature above 0 the model draws its answer, and each **seed** draws another one. *Self-consistency* (Wang et
# al., 2022, arXiv:2203.11171) asks several times and takes the answer that comes most often: single slips go different
# ways, while what the model "knows" comes again and again.
#
# Votes are only counted if they look alike: `Delivery.`, `delivery` and ` delivery ` are one answer. And who wins when two
# answers come equally often must be settled beforehand, or your workflow answers differently on different days.
#
# When is it worth its price? For a one-word label, `route` reads in *one* call the very probabilities that a vote
# estimates in many, and more exactly. Votes are for answers of more than a token, and for providers that hide their
# log-probabilities. In our workflow the vote is the second opinion when the router is unsure.

# %% setup
@dataclass
class Vote:
    winner: str
    share: float

# %% exercise="vote"
def vote(model: Model, messages: list[dict], samples: int, temperature: float) -> Vote:
    """The answer to `messages` that comes most often among `samples` sampled ones.

    Asks `samples` times, at this temperature, with at most 10 tokens, each time with another
    seed: 0, 1, 2 and so on.

    Answers are compared in a normal form: in lower case, with each run of white space as one
    blank, and without white space and full stops (.) at both ends. An answer that was not
    finished (its `finish_reason` is anything but "stop"), or whose normal form is empty, is no
    vote.

    Returns the winner in its normal form, and the share of its votes in all `samples`. Of
    several answers with the most votes, the one that was given first wins.

    Raises HandOver if there is no vote at all.
    """
    ### BEGIN SOLUTION
    votes = Counter()
    for seed in range(samples):
        answer = model.ask(messages, temperature=temperature, max_tokens=10, seed=seed)
        normal = " ".join(answer.text.lower().split()).strip(" .")
        if answer.finish_reason == "stop" and normal:
            votes[normal] += 1
    if not votes:
        raise HandOver("No sample was a usable answer.")
    winner, count = votes.most_common(1)[0]  # of equal counts, the one counted first
    return Vote(winner, count / samples)
    ### END SOLUTION

# %% check="vote"

# %% [markdown]
# Your vote beside your route. Both look at the same distribution: one draws from it five times, the other reads it. Expect
# to see a winner that is no department at all, where the route is in little doubt (about ten seconds):

# %%
for ticket, department in (DEVELOPMENT[1], DEVELOPMENT[4]):
    votes = vote(model, routing_messages(ticket), samples=5, temperature=0.8)
    exact = route(model, ticket, list(POLICY))
    print(f"{department:9} vote: {votes.winner!r} with {votes.share:.0%}   route: {exact.department} with {exact.confidence:.0%}")

# %% [markdown]
# ## 6 · Summarise a long thread
# Some customers write a novel in instalments. A thread that does not fit into the model's context is summarised in pieces
# (*map*), and the summaries are summarised again (*reduce*), until all fits into one call:
#
# ```
# messages   1 2 3 | 4 5 | 6 7 8 | 9          four pieces, each at most `limit` characters
#               ↓     ↓      ↓     ↓
# summaries     a  b  |  c   d                 still two pieces: once more
#                 ↓       ↓
#                 e   f                        one piece: its summary is the answer
#                   ↓
#                   g
# ```
# What goes wrong in practice is not the model but the arithmetic: the last piece is forgotten, a message is cut in two, the
# blank lines between messages are not counted, or the loop never ends because the "summaries" are longer than the text.

# %% exercise="summarize_thread"
def summarize_thread(model: Model, thread: list[str], limit: int) -> str:
    """A summary of the messages in `thread`, from calls whose text has at most `limit`
    characters each.

    Pieces: consecutive messages, whole and in their order, joined by a blank line ("\\n\\n",
    which counts). Starting with the first message, each piece takes as many of the next ones as
    fit into `limit` characters. A message that is longer than `limit` is a piece of its own.

    A piece is summarised by asking once: `summary_messages(piece)`, at temperature 0, with at
    most 60 tokens; white space around the summary is dropped. With one piece, its summary is
    the result. With several, their summaries, in order, are treated as a thread in the same
    way, with the same limit, until there is one piece.

    An empty thread has the summary "", without asking. Raises HandOver if the summaries of
    several pieces, joined by blank lines, are not shorter than the messages that they sum up,
    joined by blank lines: it might go on for ever.
    """
    ### BEGIN SOLUTION
    if not thread:
        return ""
    pieces = [thread[0]]
    for message in thread[1:]:
        longer = f"{pieces[-1]}\n\n{message}"
        if len(longer) <= limit:
            pieces[-1] = longer
        else:
            pieces.append(message)
    summaries = [model.ask(summary_messages(piece), max_tokens=60).text.strip() for piece in pieces]
    if len(summaries) == 1:
        return summaries[0]
    if len("\n\n".join(summaries)) >= len("\n\n".join(thread)):
        raise HandOver("The summaries are not shorter than the thread.")
    return summarize_thread(model, summaries, limit)
    ### END SOLUTION

# %% check="summarize_thread"

# %% [markdown]
# Expect a sentence that is recognisably about the parcel, and no great literature (about ten seconds). What got lost on
# the way? That is why the workflow below takes the order number from the customer's own first message.

# %%
THREAD = [
    "Order 48213: I ordered a kayak two weeks ago and my parcel has not arrived. When does it come?",
    "Hello! Thank you for your patience. I have asked the courier, who says that the parcel left the depot on Tuesday.",
    "It is Friday now, and still there is no parcel. The tracking page has not changed since Tuesday either.",
    "I am very sorry. The courier has now found the parcel. It had been put on the wrong lorry.",
    "So when will my parcel be delivered? I would like to be on the river on Sunday.",
]
print(summarize_thread(model, THREAD, limit=320))

# %% [markdown]
# ## 7 · A budget
# A chain makes several calls for a ticket; with repairs and votes it may be ten. Before such a thing meets customers, it
# needs a brake that does not depend on anybody's good behaviour.
#
# `Budget` looks like a model: it has `ask` and `name`, so that every step you wrote works with it unchanged. The rule is
# the one of a prepaid card: **look before you pay, pay what the bill says.** Nobody knows the price of a call beforehand,
# because the provider counts tokens when it is done. So a call may start while at least one token is left, and may overdraw.

# %% setup
class BudgetExceeded(Exception):
    """There is nothing left for another call."""

# %% exercise="Budget"
class Budget:
    """A model with a limit: looks like `model`, and stops asking it when `calls` calls or
    `tokens` tokens are spent.
    """

    def __init__(self, model: Model, calls: int, tokens: int):
        self.model = model
        self.name = model.name
        self.calls_left = calls
        self.tokens_left = tokens

    def ask(self, messages: list[dict], **settings) -> Answer:
        """The model's answer to the same messages with the same settings.

        Raises BudgetExceeded, without asking the model, unless at least one call and one token
        are left. Then the call is charged to `calls_left`, also if it fails (the provider
        worked, perhaps; the exception passes through). The tokens that the answer reports are
        charged to `tokens_left`, which may become negative: the next call is refused.
        """
        ### BEGIN SOLUTION
        if self.calls_left < 1 or self.tokens_left < 1:
            raise BudgetExceeded(f"{self.calls_left} calls and {self.tokens_left} tokens are left.")
        self.calls_left -= 1
        answer = self.model.ask(messages, **settings)
        self.tokens_left -= answer.tokens
        return answer
        ### END SOLUTION

# %% check="Budget"

# %% [markdown]
# ## 8 · A cache
# The cheapest call is the one you need not make: customers press *send* twice, and your tests run the same tickets every
# day. `Cache` looks like a model, too, so they stack: in `Cache(Budget(model, …))` a remembered answer never reaches the
# budget, and costs nothing.
#
# A cache that returns the *wrong* answer is worse than none. Two questions decide:
# - **When are two requests the same?** When everything is equal that could change the answer: the model, the messages,
#   every setting.
# - **What may be remembered?** At temperature 0 the answer repeats. Above 0 it is drawn: with a seed the draw repeats;
#   without one the caller *wants* a new draw each time.

# %% setup
class Store(dict):
    """Remembered answers, by what was asked."""

# %% exercise="Cache"
class Cache:
    """A model with a memory: looks like `model`, and asks it the same thing only once.

    `store` keeps the answers, and may be shared: two caches with the same store know each
    other's answers. Without one, a cache has a store of its own. `hits` counts the answers that
    came from the store.
    """

    def __init__(self, model: Model, store: Store | None = None):
        """Prepares the attributes `model`, `name` (the model's), `store` and `hits`."""
        ### BEGIN SOLUTION
        self.model = model
        self.name = model.name
        self.store = Store() if store is None else store
        self.hits = 0
        ### END SOLUTION

    def ask(self, messages: list[dict], **settings) -> Answer:
        """The model's answer to the same messages with the same settings, from the store if it
        is there.

        An answer is reused only if the name of the model, all messages and all settings are
        equal; the order in which the settings were given does not matter. With a temperature
        above 0 and without a seed (not given, or None), nothing is looked up and nothing is
        stored. What raised an exception is not stored.

        The answer belongs to the caller: whatever is done to it, the store's answers stay as
        they were.
        """
        ### BEGIN SOLUTION
        if settings.get("temperature", 0) > 0 and settings.get("seed") is None:
            return self.model.ask(messages, **settings)
        key = json.dumps([self.name, messages, settings], sort_keys=True)
        if key in self.store:
            self.hits += 1
        else:
            self.store[key] = self.model.ask(messages, **settings)
        return deepcopy(self.store[key])
        ### END SOLUTION

# %% check="Cache"

# %% [markdown]
# ## 9 · The workflow
# All your pieces, in one picture:
#
# ```
#            thread ──► text (summarised if too long)
#                         │
#   first message ──►   route ──(unsure)──► vote
#         │               │                  │
#      extract          answer  ◄────────────┘
#         │               │
#         │        verify and repair                 any HandOver or BudgetExceeded: a person takes over,
#         ▼               ▼                          with what has been found so far
#                 Outcome
# ```
#
# What has been found so far is kept even when a person takes over: somebody who sees "payment, order 60342, the answer had
# an invented number" starts with half of the work done.

# %% setup
@dataclass
class Outcome:
    """What became of a thread. `handed_over`: why a person takes over, "" if nobody needs to."""

    department: str = ""
    record: Record | None = None
    reply: str = ""
    handed_over: str = ""


LONGEST = 1200  # characters of a thread, or of a piece of it, for one call
SURE = 0.45  # the confidence from which on a route is believed: of the development tickets, few below it were right

# %% exercise="Workflow"
class Workflow:
    """Handles the shop's threads with `model` and `policy`. Each thread may cost `calls` calls
    and `tokens` tokens.
    """

    def __init__(self, model: Model, policy: dict[str, str], calls: int = 12, tokens: int = 4000):
        self.model, self.policy, self.calls, self.tokens = model, policy, calls, tokens
        self.store = Store()

    def handle_ticket(self, thread: list[str]) -> Outcome:
        """What becomes of a thread of messages, the first of which is the customer's ticket.

        Every thread has a budget of its own: `self.calls` and `self.tokens`. All threads share
        the answers in `self.store`, and an answer from there costs nothing. The steps, in this
        order:

        1. The text is the messages joined by blank lines ("\\n\\n"); if that has more than
           LONGEST characters, it is `summarize_thread` of the thread with the limit LONGEST
           instead.
        2. `route` the text to one of the policy's departments. If the confidence is below SURE,
           `vote` on `routing_messages` of the text with 5 samples at temperature 0.8: its
           winner is the department, if the policy has it. If not, a person takes over, and the
           department stays "".
        3. `extract` the record from the first message of the thread, not from the text.
        4. `answer` the text, then `verify_and_repair` the answer: the messages are
           `answer_messages` of the text and the section, the rule is `number_complaint` with
           the section, and there are at most 2 repairs.

        HandOver and BudgetExceeded end the work: the outcome has the exception's message in
        `handed_over`, keeps the department and the record if they were found, and has no reply.
        Other exceptions pass through.
        """
        ### BEGIN SOLUTION
        model = Cache(Budget(self.model, self.calls, self.tokens), self.store)
        outcome = Outcome()
        try:
            text = "\n\n".join(thread)
            if len(text) > LONGEST:
                text = summarize_thread(model, thread, LONGEST)
            outcome.department = self._department(model, text)
            outcome.record = extract(model, thread[0])
            draft = answer(model, text, outcome.department, self.policy)
            section = self.policy[outcome.department]
            outcome.reply = verify_and_repair(model, answer_messages(text, section), draft,
                                              lambda reply: number_complaint(reply, section), repairs=2)
        except (HandOver, BudgetExceeded) as reason:
            outcome.handed_over = str(reason)
        return outcome

    def _department(self, model: Cache, text: str) -> str:
        found = route(model, text, list(self.policy))
        if found.confidence >= SURE:
            return found.department
        winner = vote(model, routing_messages(text), samples=5, temperature=0.8).winner
        if winner not in self.policy:
            raise HandOver(f"Unsure of the department: {found.department} or {winner}?")
        return winner
        ### END SOLUTION

# %% check="Workflow"

# %%
workflow = Workflow(model, POLICY)
print(workflow.handle_ticket([DEVELOPMENT[1][0]]), "\n")
print(workflow.handle_ticket(["Do you sell garden gnomes?"]))

# %% [markdown]
# ## Is the chain better than one prompt?
# *Better* is a measurement. Here are 16 tickets that were written after everything above was settled. Against the chain
# stands the best single prompt that we found in four attempts: all four rules of the policy, two worked examples, and the
# same kind of JSON schema, with the departments as the only allowed values. One call, everything at once.
#
# A ticket is **solved** if the department, the order number and the answer are right: the answer states the number of the
# right rule, and no other (the order's own number may be repeated).
#
# This takes about two minutes on two cores that have nothing else to do: four calls a ticket, a few more when it is unsure.

# %%
HELD_OUT = [  # ticket, department, order
    ("My parcel with the tea set, order 20417, is not here yet. How long does a parcel take?", "delivery", 20417),
    ("The pillow from order 63590 is too hard. How long do I have to send it back?", "return", 63590),
    ("You charged my card twice for the trampoline, order 47128. When do I get my money back?", "payment", 47128),
    ("I forgot my password and cannot see order 81936, a bookcase. When do I get a new one?", "account", 81936),
    ("The courier has not brought the heater, order 35074. When does it arrive?", "delivery", 35074),
    ("I do not like the vase from order 92853. Can I return it?", "return", 92853),
    ("There is a wrong charge on my card for the keyboard, order 16209. When is it paid back?", "payment", 16209),
    ("I cannot log in to see order 58741, a paddle. How long does a new password take?", "account", 58741),
    ("I am waiting for order 74362, a freezer. How many days does a parcel take?", "delivery", 74362),
    ("The gloves in order 29685 are too small. I want to send them back. Until when can I do that?", "return", 29685),
    ("The amount on my card for the scooter, order 60517, is too high. When do I get the money back?", "payment", 60517),
    ("My password is not accepted, and I want to see order 13498, a globe. When is a new password sent?", "account", 13498),
    ("Order 87920, a wardrobe, was to be delivered on Tuesday, and nobody came. How long does it take?", "delivery", 87920),
    ("I bought the wrong ladder, order 41253. How many days do I have to return it?", "return", 41253),
    ("My bank shows two charges for the drone, order 95816. How long until one is paid back?", "payment", 95816),
    ("My login is blocked, so I cannot see order 32647, a piano stool. What can I do?", "account", 32647),
]
SINGLE_SCHEMA = {
    "type": "object",
    "properties": {"department": {"type": "string", "enum": list(POLICY)}, "order": {"type": "integer"},
                   "product": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["department", "order", "product", "answer"],
    "additionalProperties": False,
}


def single_prompt(model: Model, ticket: str) -> Outcome:
    """All in one call."""
    system = ("You are the support of a web shop. Sort the ticket into a department (delivery, return, payment or account), "
              "find the order number and the product, and answer in one sentence from the policy.\n\nPolicy:\n"
              + "\n".join(f"{department}: {section}" for department, section in POLICY.items()))
    examples = [("The lamp from order 10001 has not arrived. When does it come?",
                 {"department": "delivery", "order": 10001, "product": "lamp", "answer": POLICY["delivery"]}),
                ("You charged my card too much for the red bicycle, order 20002.",
                 {"department": "payment", "order": 20002, "product": "red bicycle", "answer": POLICY["payment"]})]
    messages = conversation(system, [(asked, json.dumps(record)) for asked, record in examples], ticket)
    reply = model.ask(messages, max_tokens=100, schema=SINGLE_SCHEMA)
    try:
        found = json.loads(reply.text)
    except ValueError:
        return Outcome(handed_over="no JSON")
    return Outcome(found["department"], Record(found["order"], found["product"]), found["answer"])


def marks(outcome: Outcome, department: str, order: int) -> dict[str, bool]:
    """What is right in an outcome."""
    stated = set(re.findall(r"\d+", outcome.reply)) - {str(order)}
    right = {
        "department": outcome.department == department,
        "order number": outcome.record is not None and outcome.record.order == order,
        "answer": stated == set(re.findall(r"\d+", POLICY[department])),
    }
    return right | {"solved": all(right.values())}


spent = {"single prompt": Budget(model, 10_000, 10**7), "chain": Budget(model, 10_000, 10**7)}  # large: they only count
workflow = Workflow(spent["chain"], POLICY)
results = {"single prompt": [], "chain": []}
handed_over = 0
for ticket, department, order in tqdm(HELD_OUT):
    results["single prompt"].append(marks(single_prompt(spent["single prompt"], ticket), department, order))
    outcome = workflow.handle_ticket([ticket])
    handed_over += bool(outcome.handed_over)
    results["chain"].append(marks(outcome, department, order))

# %% [markdown]
# Sixteen tickets are few, so a bare percentage would promise too much. The bars carry 95% **Wilson intervals** (Wilson,
# 1927): the range of true rates with which a result like ours would be no surprise.

# %%
def wilson(successes: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95% Wilson interval of a rate."""
    rate = successes / count
    centre = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * math.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return centre - half, centre + half


figure, axes = plt.subplots(figsize=(7, 3.6))
for shift, (name, rows), colour in zip((-0.2, 0.2), results.items(), ("lightgrey", "tab:blue")):
    for place, criterion in enumerate(rows[0]):
        successes = sum(row[criterion] for row in rows)
        low, high = wilson(successes, len(rows))
        axes.bar(place + shift, successes / len(rows), 0.38, color=colour, label=name if place == 0 else None)
        axes.vlines(place + shift, low, high, color="black")
        axes.text(place + shift, high + 0.02, f"{successes}/{len(rows)}", ha="center", fontsize=9)
axes.set_xticks(range(4), list(rows[0]))
axes.set_ylim(0, 1.18)
axes.set_ylabel("share of held-out tickets")
axes.set_title("The chain against the single prompt; lines: 95% intervals", fontsize=10)
axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
figure.tight_layout()
plt.show()

for name, budget in spent.items():
    calls, tokens = 10_000 - budget.calls_left, 10**7 - budget.tokens_left
    print(f"{name:13}: {calls / len(HELD_OUT):.1f} calls and {tokens / len(HELD_OUT):.0f} tokens a ticket")
print(f"the chain handed {handed_over} of {len(HELD_OUT)} tickets to a person")

# %% [markdown]
# *The chart: for each criterion two bars, the share of tickets that the single prompt and the chain got right, with their
# intervals. A normal result: about 3 of 16 solved by the single prompt, about 14 of 16 by the chain, and the intervals of
# "solved" do not overlap. One or two tickets may differ on another processor.*
#
# Look at the bars that do **not** differ, too. Under a schema with worked examples, one prompt finds the department and the
# order number as well as the chain does. What it cannot do is *use* what it has just found: its answers mix up the rules.
# The chain gets its lead in one place, where the answer is given only the section that applies. And it has its price:
# three to four calls where the single prompt makes one, and nearly twice the tokens.
#
# What these 16 tickets cannot tell you: they were written by one person, in clean English, each about one thing. That is
# for the memo.

# %% [markdown] written="memo" points=5
# ## 10 · The memo
# **The product team asks: "Should the support chain replace our single prompt?" Write the memo, 150 to 250 words, for
# people who will not read your code.**
#
# (5 points, one each: a clear recommendation in the first two sentences; the evidence, with numbers of tickets and
# intervals from *your* chart, said in plain words; the price in calls or tokens, and what bounds it; what the workflow does
# when it is unsure or wrong, and what it still gets wrong; what the evidence does not cover, and what to measure next.)
#
# ### BEGIN SOLUTION
# **Recommendation.** Replace the single prompt by the chain, first for a tenth of the tickets, with a person reading along
# for two weeks.
#
# **Evidence.** On 16 tickets that we had not used for tuning, the chain got department, order number and answer all right
# for 14, the single prompt for 3. With so few tickets the true rates are uncertain: plausibly 64–97% for the chain and
# 7–43% for the single prompt. These ranges do not overlap, so the gain is hardly an accident; how large it is we know only
# roughly. All of it comes from the answers: department and order number are found equally well.
#
# **Price.** 3.3 calls and about 570 tokens a ticket, instead of one call and 320 tokens. A budget caps every ticket at 12
# calls and about 4,000 tokens; repeated questions come from a cache and cost nothing.
#
# **When it is unsure.** An order number that is not in the ticket, an answer with a number that is not in our policy, or an
# exhausted budget sends the ticket to a person, with what was found so far. It does not notice a wrong department: then the
# reply is a true rule of ours, but the wrong one. And the number rule says nothing about tone or wording.
#
# **Not covered.** Our tickets are clean English with one question each. Next: 200 real tickets, with typing errors, several
# questions and other languages; the share handed over; and how customers rate the replies.
# ### END SOLUTION
