# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.
import json
import math
from grader.checks import assert_close, assert_equal, assert_that, check, inputs_after, raises
from grader.providers import chat, error
HINTS = {
    "route": [
        "Start with a probability of 0 for each department. Then go through the candidates and add.",
        "Which departments does a candidate speak for? Strip it, lower it, and ask every department whether it starts so.",
        "Exactly one department: it gets `exp(logprob)`. None, or several: nobody gets anything.",
    ],
    "extract": [
        "Three questions, in this order: was it finished, is it in form, is it true?",
        "Who raises what? `json.loads` raises ValueError, a missing property KeyError. The caller should only ever see HandOver.",
        "Find all the numbers in the ticket first, each as a whole. Is the order one of them?",
    ],
    "answer": [
        "Look up the section before anything else: what if there is none?",
        "`answer_messages` does the prompt. What can be wrong with what comes back? Look at the fields of `Answer`.",
    ],
    "verify_and_repair": [
        "Write down the calls for `repairs=2` when nothing is ever accepted: judge, ask, judge, ask, judge. Then?",
        "Two variables move: the conversation (your own copy of it) and the current text.",
        "A while loop on the complaint is the shortest form: as long as there is one, either give up or repair.",
    ],
    "vote": [
        "Bring an answer into its normal form first, and count only then.",
        "Two kinds of sample are no vote. They still count among the samples of which `share` is a part.",
        "Look up what `Counter.most_common` promises about equal counts.",
    ],
    "summarize_thread": [
        "Write the pieces first, without any model: a list, and for each message either longer last piece or new piece.",
        "Measure the piece as it would be, joined, with the blank line.",
        "Once all pieces have summaries, you hold a list of texts, and you have a function that summarises those.",
    ],
    "Budget": [
        "Three moments: before the call, when it is made, and after it. What happens to each number at each of them?",
        "If the call raises, nothing after it runs. Which of the two charges must not be missed then?",
    ],
    "Cache": [
        "Write the rule for *never* first: when is an answer neither looked up nor stored?",
        "A key must be hashable and cover everything, with nested dictionaries. Which text form has one spelling only?",
        "The caller gets a copy, the first time as well.",
    ],
    "Workflow": [
        "Fill an `Outcome` step by step; then it holds what was found, wherever the work ends.",
        "Which of `Budget` and `Cache` must be outside, so that a remembered answer is not charged? Which is made when?",
        "One `try` around all the steps is enough.",
    ],
}
AFTER = {
    "route": "Log-probabilities give a decision with its confidence, which prose never does: that number is "
             "what thresholds and alarms are built on.",
    "extract": "A schema makes an answer well-formed, never true: production code checks both.",
    "answer": "An answer that names its source can be checked by a machine, by a colleague, and in court.",
    "verify_and_repair": "A bound on repairs turns an endless loop into a number in your budget.",
    "vote": "Voting buys reliability with calls: measure on held-out cases whether the price is worth it.",
    "summarize_thread": "Map-reduce works for any text that does not fit; what it loses on the way is what you have to measure.",
    "Budget": "Somebody's loop will run all night: the limit in the code is the one that holds.",
    "Cache": "A cache is only as right as its key: everything that changes the answer belongs into it.",
    "Workflow": "Each step can be tested, replaced and paid for on its own: that is the whole point of a chain.",
}
DEPARTMENTS = ["delivery", "return", "payment", "account"]
PRODUCTS = ["lamp", "kettle", "tent", "desk chair", "blender", "garden hose"]


def client(submission, provider, name="scripted"):
    return submission.Model(provider.url, name=name)


def first_token(probabilities, text="Thank"):
    """A reply of one token with these candidates."""
    return chat(text, finish_reason="length", logprobs=[{token: math.log(p) for token, p in probabilities.items()}])


def asked(provider):
    """The messages of each request, in order."""
    return [request.json["messages"] for request in provider.requests]


@check("route")
def test_route_reads_the_candidates(submission, provider, random):
    """The likeliest department wins, however likely words are that are no department."""
    for _ in range(4):
        names = random.sample(DEPARTMENTS, 4)
        high, low = random.uniform(0.2, 0.3), random.uniform(0.05, 0.15)
        provider.script(first_token({"I": 0.45, names[0]: high, names[1]: low, "The": 0.03}, text="I"))
        found = submission.route(client(submission, provider), "Where is it?", DEPARTMENTS)
        assert_equal(found.department, names[0], f"'I' is likelier than any department, but no department. Of those, "
                     f"{names[0]!r} has {high:.2f} and {names[1]!r} has {low:.2f}.")


@check("route")
def test_route_asks_for_one_token(submission, provider, random):
    """It asks once: the given messages, one token, 20 candidates, temperature 0."""
    ticket = f"Where is my {random.choice(PRODUCTS)}?"
    provider.respond(lambda request: first_token({"delivery": 0.5, "return": 0.2}, text="delivery"))
    submission.route(client(submission, provider), ticket, DEPARTMENTS)
    assert_equal(len(provider.requests), 1, "One call is enough: all probabilities come with the first token.")
    body = provider.requests[0].json
    assert_equal(body["messages"], submission.routing_messages(ticket), "The messages should be those of `routing_messages`.")
    seen = {name: body.get(name) for name in ("max_tokens", "top_logprobs", "temperature")}
    assert_equal(seen, {"max_tokens": 1, "top_logprobs": 20, "temperature": 0}, "These settings should have been sent.")


@check("route")
def test_route_knows_every_spelling(submission, provider, random):
    """' Delivery', 'delivery' and 'del' all speak for delivery, and their probabilities add up."""
    name, other = random.sample(DEPARTMENTS, 2)
    for spellings in ({name.title(): 0.2}, {f" {name}": 0.2}, {name[:3]: 0.2}, {name: 0.2, name.upper(): 0.1},
                      {f" {name.title()}": 0.12, name[:4]: 0.11, name.upper(): 0.1}):
        provider.script(first_token({"You": 0.3, other: 0.15, **spellings}, text="You"))
        found = submission.route(client(submission, provider), "Help!", DEPARTMENTS)
        assert_equal(found.department, name, f"The candidates for {name!r} were {spellings}, which is "
                     f"{sum(spellings.values()):.2f} together; {other!r} has 0.15.")


def record_reply(record, **how):
    return chat(record if isinstance(record, str) else json.dumps(record), **how)


@check("extract")
def test_extract_a_typed_record(submission, provider, random):
    """The record is a Record: the order is a whole number, the product a text."""
    for _ in range(3):
        order, product = random.randrange(10_000, 99_999), random.choice(PRODUCTS)
        provider.script(record_reply({"order": order, "product": product}))
        found = submission.extract(client(submission, provider), f"The {product} from order {order} is late.")
        assert_that(not isinstance(found, dict), "A dictionary is not a Record: return the given class.", "a Record", found)
        assert_equal(found.order, order, "The order number should be an int.")
        assert_equal(found.product, product)


@check("extract")
def test_extract_sends_the_schema(submission, provider, random):
    """The request carries the schema: two typed, required properties and no others."""
    order = random.randrange(10_000, 99_999)
    provider.respond(lambda request: record_reply({"order": order, "product": "lamp"}))
    ticket = f"Where is the lamp, order {order}?"
    submission.extract(client(submission, provider), ticket)
    body = provider.requests[0].json
    assert_equal(body["messages"], submission.record_messages(ticket), "The messages should be those of `record_messages`.")
    assert_equal(body["temperature"], 0, "The same ticket should give the same record.")
    assert_equal(body["max_tokens"], 60, "At most 60 tokens.")
    assert_that("response_format" in body, "Without `schema=` the model may write anything, such as a polite introduction.")
    schema = body["response_format"]["json_schema"]["schema"]
    types = {name: about.get("type") for name, about in schema.get("properties", {}).items()}
    assert_equal(types, {"order": "integer", "product": "string"}, "The properties and their types.")
    assert_equal(sorted(schema.get("required", [])), ["order", "product"], "A property that is not required may be left out.")
    assert_that(schema.get("additionalProperties") is False, "A schema allows additional properties unless it forbids them.")
    assert_equal(schema.get("type"), "object", "Without a type, a bare number satisfies the schema.")


@check("extract")
def test_extract_broken_json(submission, provider, random):
    """An answer that was cut off, or is no JSON, is handed over."""
    ticket = "Where is order 48213, a lamp?"
    for text, reason in (('{"order": 48213, "prod', "length"), ("Sure! The order is 48213.", "stop"), ("", "stop")):
        provider.script(record_reply(text, finish_reason=reason))
        with raises("HandOver", f"The model answered {text!r}, which is no JSON: the caller is to see HandOver."):
            submission.extract(client(submission, provider), ticket)


@check("extract")
def test_extract_no_invented_order(submission, provider, random):
    """An order number that does not stand in the ticket is handed over."""
    order = random.randrange(10_000, 99_999)
    provider.respond(lambda request: record_reply({"order": order, "product": "lamp"}))
    with raises("HandOver", f"The ticket holds no number, and the model came up with {order}. In form is not true."):
        submission.extract(client(submission, provider), "Where is my lamp?")


def random_policy(random):
    return {name: f"{name.title()} takes {random.randrange(2, 90)} days." for name in random.sample(DEPARTMENTS, 4)}


@check("answer")
def test_answer_from_the_section(submission, provider, random):
    """It asks once, with the department's section and no other."""
    provider.respond(lambda request: chat("Soon."))
    for _ in range(3):
        policy, before = random_policy(random), len(provider.requests)
        department, ticket = random.choice(DEPARTMENTS), f"Where is my {random.choice(PRODUCTS)}? {{policy}}"
        submission.answer(client(submission, provider), ticket, department, policy)
        assert_equal(len(provider.requests) - before, 1, "One call is enough.")
        body = provider.requests[-1].json
        others = [text for name, text in policy.items() if name != department and text in json.dumps(body["messages"])]
        assert_that(not others, "Sections of other departments are in the prompt: the model may answer from those.",
                    f"only {policy[department]!r}", f"also {others}")
        assert_equal(body["messages"], submission.answer_messages(ticket, policy[department]),
                     "The messages should be `answer_messages` of the ticket, just as it is, and the section.")
        assert_equal([body["temperature"], body["max_tokens"]], [0, 60], "Temperature and max_tokens.")


@check("answer")
def test_answer_is_the_text(submission, provider, random):
    """The result is the model's text, without white space around it."""
    text = f"It takes {random.randrange(2, 90)} days."
    for around in (text, f" {text}\n", f"\n\n{text} "):
        provider.script(chat(around))
        found = submission.answer(client(submission, provider), "When?", "return", random_policy(random))
        assert_equal(found, text, "The customer should see the text alone.")


@check("answer")
def test_answer_unknown_department(submission, provider, random):
    """Without a section it hands over, and does not even ask the model."""
    provider.respond(lambda request: chat("Of course!"))
    policy = random_policy(random)
    with raises("HandOver", f"The policy has sections for {list(policy)}: what is an answer about 'press' to rest on?"):
        submission.answer(client(submission, provider), "Can I have an interview?", "press", policy)
    assert_equal(len(provider.requests), 0, "Asking the model without a section costs money and invites inventions.")


class Judge:
    """A rule that accepts only some texts; notes what it was shown. Each of its complaints is another one."""

    def __init__(self, *accepted):
        self.accepted, self.shown = accepted, []

    def __call__(self, text):
        self.shown.append(text)
        return "" if text in self.accepted else f"The text of {len(text)} letters, judged as number {len(self.shown)}, is wrong."
QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How long does it take?"}]


@check("verify_and_repair")
def test_repair_nothing_to_do(submission, provider, random):
    """A good draft is returned as it is, and costs nothing."""
    draft = f"It takes {random.randrange(2, 90)} days."
    for repairs in (0, 3):
        judge = Judge(draft)
        found = submission.verify_and_repair(client(submission, provider), QUESTION, draft, lambda text: judge(text), repairs)
        assert_equal(found, draft)
    assert_equal(len(provider.requests), 0, "Nothing was wrong, so there was nothing to ask.")


@check("verify_and_repair")
def test_repair_says_what_is_wrong(submission, provider, random):
    """The model is told: the conversation, its rejected text, the complaint."""
    draft, better = f"It takes {random.randrange(100, 900)} years.", "It takes 5 days."
    judge = Judge(better)
    provider.respond(lambda request: chat(better))
    found = submission.verify_and_repair(client(submission, provider), QUESTION, draft, lambda text: judge(text), 2)
    assert_equal(found, better, "The repaired text was accepted.")
    messages = asked(provider)[0]
    assert_equal(messages[:3], [*QUESTION, {"role": "assistant", "content": draft}],
                 "The conversation so far, then the rejected text as the assistant's message.")
    assert_equal([message["role"] for message in messages[3:]], ["user"], "Last comes one user message.")
    complaint = Judge()(draft)
    assert_that(complaint in messages[3]["content"], "The complaint is not in it: the model cannot know what to mend.",
                complaint, messages[3]["content"])


@check("verify_and_repair")
def test_repair_is_bounded(submission, provider, random):
    """When nothing is accepted, it hands over after exactly `repairs` calls, with the last complaint."""
    for repairs in (0, 1, random.randrange(2, 6)):
        before, judge = len(provider.requests), Judge()
        provider.respond(lambda request: chat(f"Bad answer {'x' * len(provider.requests)}"))
        with raises("HandOver", "No text was accepted: an answer that broke the rule must not be returned.") as caught:
            submission.verify_and_repair(client(submission, provider), QUESTION, "Bad", lambda text: judge(text), repairs)
        assert_equal(len(provider.requests) - before, repairs, f"Calls with repairs={repairs}.")
        last = Judge()
        last.shown = judge.shown[:-1]
        assert_that(last(judge.shown[-1]) in caught[0].message, "The message should hold the last complaint.",
                    "the last complaint", caught[0].message)
ASK = [{"role": "user", "content": "Which one?"}]


@check("vote")
def test_vote_majority(submission, provider, random):
    """The most frequent answer wins, with its share of the samples."""
    for _ in range(3):
        one, two, three = random.sample(PRODUCTS, 3)
        answers = random.sample([one] * 4 + [two] * 2 + [three], 7)
        provider.script(*map(chat, answers))
        found = submission.vote(client(submission, provider), ASK, 7, 0.7)
        assert_equal(found.winner, one, f"The answers were {answers}.")
        assert_close(found.share, 4 / 7, f"The answers were {answers}.")


@check("vote")
def test_vote_samples_differ(submission, provider, random):
    """Each call has the temperature and a seed of its own: 0, 1, 2 and so on."""
    samples, temperature = random.randrange(3, 7), round(random.uniform(0.3, 1.2), 2)
    provider.respond(lambda request: chat("lamp"))
    submission.vote(client(submission, provider), ASK, samples, temperature)
    bodies = [request.json for request in provider.requests]
    assert_equal([body["temperature"] for body in bodies], [temperature] * samples,
                 "At temperature 0 every sample is the same one: that is one vote, counted many times.")
    assert_equal([body.get("seed") for body in bodies], list(range(samples)), "The seeds, in order.")
    assert_equal([body["messages"] for body in bodies], [ASK] * samples, "The messages.")
    assert_equal([body["max_tokens"] for body in bodies], [10] * samples, "At most 10 tokens.")


@check("vote")
def test_vote_normal_form(submission, provider, random):
    """'Desk  Lamp.', ' desk lamp' and 'DESK LAMP...' are one answer."""
    for forms in (["desk lamp", "Desk lamp", "DESK LAMP", "desk Lamp"], ["desk  lamp", "desk lamp\n", "desk\nlamp", " desk lamp"],
                  ["desk lamp.", "desk lamp ...", ".desk lamp", "desk lamp"]):
        answers = random.sample([*forms, "kettle", "kettle", "kettle"], 7)
        provider.script(*map(chat, answers))
        found = submission.vote(client(submission, provider), ASK, 7, 0.7)
        assert_equal(found.winner, "desk lamp", f"The answers were {answers}.")
        assert_close(found.share, 4 / 7, f"The answers were {answers}.")


def random_thread(random, count, shortest=20, longest=60):
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [f"({number}) " + "".join(random.choices(letters, k=random.randrange(shortest, longest))) for number in range(count)]


@check("summarize_thread")
def test_summary_of_a_short_thread(submission, provider, random):
    """A thread that fits costs one call; an empty one none."""
    thread = random_thread(random, 3)
    provider.respond(lambda request: chat(" In short.\n"))
    found = submission.summarize_thread(client(submission, provider), thread, 400)
    assert_equal(found, "In short.", "The summary, without white space around it.")
    assert_equal(asked(provider), [submission.summary_messages("\n\n".join(thread))],
                 "One call, with `summary_messages` of all messages joined by blank lines.")
    assert_equal(submission.summarize_thread(client(submission, provider), [], 400), "", "Nothing sums up to nothing.")
    assert_equal(len(provider.requests), 1, "An empty thread needs no call.")


@check("summarize_thread")
def test_summary_drops_nothing(submission, provider, random):
    """Every message reaches the model once, whole, and in its order."""
    thread = random_thread(random, 9)
    provider.respond(lambda request: chat(f"s{len(provider.requests)}"))
    submission.summarize_thread(client(submission, provider), thread, 150)
    prompts = [messages[-1]["content"] for messages in asked(provider)]
    places = [[(number, prompt.find(message)) for number, prompt in enumerate(prompts) if message in prompt] for message in thread]
    lost = [message for message, place in zip(thread, places) if not place]
    assert_that(not lost, "Messages that are in no prompt as a whole, so they were dropped or cut.", "none", lost)
    assert_that(all(len(place) == 1 for place in places), "A message was sent more than once.")
    assert_that(places == sorted(places), "The messages are not in their order any more.", "ascending", [p[0] for p in places])


@check("summarize_thread")
def test_summary_reduces_again(submission, provider, random):
    """When the summaries do not fit into one call, they are summarised in pieces again; no call is too large."""
    thread, limit = random_thread(random, 24), 130
    provider.respond(lambda request: chat(f"Summary number {len(provider.requests)} of some messages."))
    found = submission.summarize_thread(client(submission, provider), thread, limit)
    frame = len(submission.summary_messages("")[-1]["content"])
    sizes = [len(messages[-1]["content"]) - frame for messages in asked(provider)]
    assert_that(max(sizes) <= limit, f"A call got more than limit={limit} characters.", f"at most {limit}", f"{max(sizes)}")
    assert_equal(found, f"Summary number {len(provider.requests)} of some messages.",
                 "The result should be the summary that the last call gave, of all that came before it.")


def answers_costing(random, provider, low=5, high=200):
    """Lets the provider answer with random usage; gives the list of what each answer cost."""
    costs = []

    def reply(request):
        usage = (random.randrange(low, high), random.randrange(low, high))
        costs.append(sum(usage))
        return chat(f"Answer {len(costs)}", usage=usage)

    provider.respond(reply)
    return costs


@check("Budget")
def test_budget_looks_like_a_model(submission, provider, random):
    """Messages, settings and the answer pass through; the name is the model's."""
    provider.respond(lambda request: chat("Yes."))
    model = client(submission, provider, "some-model")
    budget = submission.Budget(model, 10, 10_000)
    settings = {"temperature": 0.5, "max_tokens": random.randrange(5, 50), "seed": random.randrange(100), "top_logprobs": 5}
    found = budget.ask(ASK, **settings)
    assert_equal([found.text, found.finish_reason, found.tokens], ["Yes.", "stop", 15], "The answer should be the model's.")
    body = provider.requests[0].json
    assert_equal({name: body.get(name) for name in settings}, settings, "The settings should reach the model unchanged.")
    assert_equal([body["messages"], budget.name], [ASK, "some-model"], "The messages, and the name.")


@check("Budget")
def test_budget_charges_reported_tokens(submission, provider, random):
    """Each call is charged: one call, and the tokens that the answer reports."""
    costs = answers_costing(random, provider)
    budget = submission.Budget(client(submission, provider), 20, 5000)
    for number in range(1, 5):
        budget.ask(ASK, max_tokens=random.randrange(5, 50))
        assert_equal([budget.calls_left, budget.tokens_left], [20 - number, 5000 - sum(costs)],
                     f"calls_left and tokens_left after answers of {costs} tokens, from 20 calls and 5000 tokens.")


@check("Budget")
def test_budget_of_calls(submission, provider, random):
    """After the last call the next one is refused, before the model is asked."""
    calls = random.randrange(1, 5)
    answers_costing(random, provider)
    budget = submission.Budget(client(submission, provider), calls, 100_000)
    for _ in range(calls):
        budget.ask(ASK)
    for _ in range(2):
        with raises("BudgetExceeded", f"{calls} calls were allowed, and this is one more."):
            budget.ask(ASK)
    assert_equal(len(provider.requests), calls, "Calls that reached the provider: a refused one must not be among them.")


def numbered(provider):
    """Lets the provider answer every request with another text."""
    provider.respond(lambda request: chat(f"Answer {len(provider.requests)}"))


@check("Cache")
def test_cache_asks_once(submission, provider, random):
    """The same request twice reaches the model once, and both answers are the same."""
    numbered(provider)
    cache = submission.Cache(client(submission, provider, "some-model"))
    settings = {"max_tokens": random.randrange(5, 50), "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
    one, two = cache.ask(ASK, **settings), cache.ask(ASK, **dict(reversed(settings.items())))
    assert_equal(len(provider.requests), 1, "The second request was the same, with its settings in another order.")
    body = provider.requests[0].json
    assert_equal([body["messages"], body["max_tokens"]], [ASK, settings["max_tokens"]], "What reaches the model.")
    assert_equal([one.text, two.text, two.tokens, two.finish_reason], ["Answer 1", "Answer 1", 15, "stop"], "The answers.")
    assert_equal([cache.hits, len(cache.store), cache.name], [1, 1, "some-model"], "hits, answers in the store, and the name.")


@check("Cache")
def test_cache_key_settings(submission, provider, random):
    """A request with any other setting is another request."""
    numbered(provider)
    cache = submission.Cache(client(submission, provider))
    schemas = [{"type": "object", "properties": {name: {"type": "string"}}} for name in ("a", "b")]
    settings = [{}, {"max_tokens": 7}, {"max_tokens": 8}, {"temperature": 0.5, "seed": 1}, {"temperature": 0.6, "seed": 1},
                {"temperature": 0.5, "seed": 2}, {"top_logprobs": 3}, {"schema": schemas[0]}, {"schema": schemas[1]}]
    random.shuffle(settings)
    for number, setting in enumerate(settings, 1):
        found = cache.ask(ASK, **setting)
        assert_equal(found.text, f"Answer {number}", f"Nothing like it was asked before, but an old answer came back for {setting}.")


@check("Cache")
def test_cache_key_messages(submission, provider, random):
    """A request with any other message, anywhere in the conversation, is another request."""
    numbered(provider)
    cache = submission.Cache(client(submission, provider))
    base = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role": "user", "content": "Why?"}]
    conversations = [base, base[1:], base[::-1], [{**base[0], "content": "Be kind."}, *base[1:]],
                     [*base[:2], {**base[2], "role": "assistant"}], [*base, base[2]]]
    for number, messages in enumerate(conversations, 1):
        found = cache.ask(messages)
        assert_equal(found.text, f"Answer {number}", f"An old answer came back for the new conversation {messages}.")
    assert_equal(cache.ask(conversations[0]).text, "Answer 1", "And the first conversation is still known.")


@check("Cache")
def test_cache_fresh_samples(submission, provider, random):
    """Sampling without a seed draws a new answer each time; with a seed the draw is remembered."""
    numbered(provider)
    cache = submission.Cache(client(submission, provider))
    temperature = round(random.uniform(0.1, 1.5), 2)
    texts = [cache.ask(ASK, temperature=temperature).text, cache.ask(ASK, temperature=temperature).text,
             cache.ask(ASK, temperature=temperature, seed=None).text]
    assert_equal(texts, ["Answer 1", "Answer 2", "Answer 3"], "Without a seed, each caller wants a draw of its own.")
    assert_equal([len(cache.store), cache.hits], [0, 0], "Answers in the store, and hits, after samples without a seed.")
    texts = [cache.ask(ASK, temperature=temperature, seed=0).text for _ in range(2)]
    assert_equal(texts, ["Answer 4", "Answer 4"], "With the seed 0 the draw repeats, so it may be remembered.")


class Shop:
    """Answers each kind of request as it is told: routes, records, votes, summaries and answers."""

    def __init__(self, provider, order=48213, sure=True, answers=("It takes 5 days.",), votes=("return",), record=None):
        self.provider, self.order, self.sure, self.votes = provider, order, sure, list(votes)
        self.answers, self.record, self.steps = list(answers), record, []
        provider.respond(self.reply)

    def reply(self, request):
        body, last = request.json, request.json["messages"][-1]["content"]
        if body.get("temperature"):
            self.steps.append("vote")
            return chat(self.votes[(body.get("seed") or 0) % len(self.votes)])
        if body["max_tokens"] == 1:
            self.steps.append("route")
            shares = (0.9, 0.05, 0.03, 0.02) if self.sure else (0.3, 0.28, 0.2, 0.2)
            return first_token(dict(zip(DEPARTMENTS, shares)), text="delivery")
        if "response_format" in body:
            self.steps.append("extract")
            return chat(json.dumps({"order": self.order, "product": "lamp"}) if self.record is None else self.record)
        if "Sum up" in last:
            self.steps.append("summary")
            return chat("The parcel is lost.")
        self.steps.append("answer")
        return chat(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
SHOP_POLICY = {name: f"{name.title()} takes 5 days." for name in DEPARTMENTS}


def found_in(outcome):
    """What an outcome holds, as data."""
    record = outcome.record
    return [outcome.department, None if record is None else record.order, outcome.reply]


@check("Workflow")
def test_workflow_steps(submission, provider, random):
    """A plain ticket is routed, its record extracted, and answered: three calls."""
    order = random.randrange(10_000, 99_999)
    shop = Shop(provider, order)
    outcome = submission.Workflow(client(submission, provider), SHOP_POLICY).handle_ticket([f"Where is my lamp, order {order}?"])
    assert_equal([*found_in(outcome), outcome.handed_over], ["delivery", order, "It takes 5 days.", ""],
                 "department, order, reply and handed_over")
    assert_equal(shop.steps, ["route", "extract", "answer"], "The calls that were made, in their order.")


@check("Workflow")
def test_workflow_repairs(submission, provider, random):
    """An answer with a number that is not in the section is repaired, at most twice."""
    shop = Shop(provider, answers=["It takes 5 weeks or 60 days.", "Soon.", "It takes 5 days."])
    workflow = submission.Workflow(client(submission, provider), SHOP_POLICY)
    outcome = workflow.handle_ticket(["Where is my lamp, order 48213?"])
    assert_equal([outcome.reply, outcome.handed_over], ["It takes 5 days.", ""], "The second repair was a good answer.")
    assert_equal(shop.steps.count("answer"), 3, "Calls for the answer and its two repairs.")
    shop = Shop(provider, answers=["It takes 7 days."])
    outcome = workflow.handle_ticket(["When does my lamp come, order 48213?"])
    assert_that(outcome.handed_over, "All answers stated 7 days, which the policy does not: a person should take over.",
                "a reason in handed_over", f"reply={outcome.reply!r}")
    assert_equal(found_in(outcome), ["delivery", 48213, ""], "What was found stays; a bad answer is not sent.")


@check("Workflow")
def test_workflow_hands_over(submission, provider, random):
    """What one step cannot vouch for goes to a person, with what was found before."""
    shop = Shop(provider, order=11111)
    outcome = submission.Workflow(client(submission, provider), SHOP_POLICY).handle_ticket(["Where is my lamp?"])
    assert_that(outcome.handed_over, "The order was invented: a person should take over.", "a reason", "handed_over=''")
    assert_equal(found_in(outcome), ["delivery", None, ""], "The department was known already; there is no record and no reply.")
    assert_equal(shop.steps, ["route", "extract"], "Nothing should be asked after the work has ended.")

ABOUT = {"lesson": "chains", "title": "Chains", "minutes": 90, "uses": {"route": [], "extract": [], "answer": [], "verify_and_repair": [], "vote": ["answer"], "summarize_thread": [], "Budget": ["answer"], "Cache": [], "Workflow": ["Budget", "Cache", "answer", "extract", "route", "summarize_thread", "verify_and_repair", "vote"]}, "taught": []}
