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

# told when an exercise holds: why it matters, or what professionals do
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


# ---------------------------------------------------------------------------------------------------------- route


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


@check("route", hidden=True)
def test_route_missing_is_impossible(submission, provider, random):
    """A department that no candidate speaks for has no probability."""
    for name in random.sample(DEPARTMENTS, 3):
        provider.script(first_token({"I": 0.9, "Sorry": 0.05, f" {name}": 0.004}, text="I"))
        found = submission.route(client(submission, provider), "Hello?", DEPARTMENTS)
        assert_equal(found.department, name, "Only one department was among the candidates. The others have probability "
                     "0: their log-probability is minus infinity, not 0.")
        assert_close(found.confidence, 1.0, "The only department that is seen has all of the departments' probability.")


@check("route", hidden=True)
def test_route_confidence_is_a_share(submission, provider, random):
    """The confidence is the winner's share of what all departments have together."""
    for _ in range(4):
        names, parts = random.sample(DEPARTMENTS, 4), sorted((random.uniform(0.01, 0.2) for _ in range(4)), reverse=True)
        provider.script(first_token(dict(zip(names, parts)) | {"I": 0.1}, text=names[0]))
        found = submission.route(client(submission, provider), "Hello?", DEPARTMENTS)
        assert_close(found.confidence, parts[0] / sum(parts), f"The departments had {[round(p, 3) for p in parts]}.")


@check("route", hidden=True)
def test_route_ambiguous_beginnings(submission, provider, random):
    """A beginning that fits several departments, or none, speaks for nobody."""
    names = ["return", "refund", "account", "accessories"]
    for winner, shared in (("return", "re"), ("refund", "Re"), ("account", "acc"), ("accessories", " acc")):
        rest = random.choice([name for name in names if name[0] != winner[0]])
        candidates = {shared: 0.4, winner[:4].title(): 0.06, rest: 0.09, winner: 0.05, " ": 0.1, "turn": 0.2, "count": 0.05}
        provider.script(first_token(candidates, text="re"))
        found = submission.route(client(submission, provider), "Hello?", names)
        assert_equal(found.department, winner, f"{shared!r} may become two of {names}: it must not count.")
        assert_close(found.confidence, 0.11 / 0.2, f"With {candidates} only the unambiguous candidates count.")


@check("route", hidden=True)
def test_route_hands_over(submission, provider, random):
    """Without any candidate for a department it hands over instead of guessing."""
    provider.respond(lambda request: first_token({"I": 0.6, "Sorry": 0.3, "\n": 0.05}, text="I"))
    with raises("HandOver", "No candidate is a department: a guess would look like knowledge."):
        submission.route(client(submission, provider), "???", DEPARTMENTS)


@check("route", points=2, hidden=True, seconds=120)
def test_route_on_held_out_tickets(submission, model):
    """With the real model, at least 9 of 12 held-out tickets reach their department."""
    wrong = 0
    for ticket, department, _ in HELD_OUT:
        wrong += submission.route(submission.Model(model.url), ticket, DEPARTMENTS).department != department
        assert_that(wrong <= 3, "Too many held-out tickets do not reach their department. (Whoever reads the text that the model "
                    "writes instead of its log-probabilities gets about 7 of 12.)", "at most 3 wrong", f"{wrong} wrong so far")


# -------------------------------------------------------------------------------------------------------- extract


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


@check("extract", hidden=True)
def test_extract_whole_numbers_only(submission, provider, random):
    """A part of a longer number is not the order number."""
    order = random.randrange(10_000, 99_999)
    for part in (order // 10, order // 100, order % 1000 + 10**6):
        provider.script(record_reply({"order": part, "product": "lamp"}))
        with raises("HandOver", f"{part} does not stand in the ticket: {order} does, which is another number."):
            submission.extract(client(submission, provider), f"Where is the lamp from order {order}?")
    provider.script(record_reply({"order": order, "product": "lamp"}))
    found = submission.extract(client(submission, provider), f"lamp (order #{order}, not 123): where is it?")
    assert_equal(found.order, order, "Next to brackets, commas and signs a number is still a number of its own.")


@check("extract", hidden=True)
def test_extract_an_unfinished_answer(submission, provider, random):
    """An answer that was not finished is handed over, even if it happens to be JSON."""
    order = random.randrange(10_000, 99_999)
    for reason in ("length", "content_filter"):
        provider.script(record_reply({"order": order, "product": "lamp"}, finish_reason=reason))
        with raises("HandOver", f"The provider says finish_reason={reason!r}: this answer is not all of it."):
            submission.extract(client(submission, provider), f"Where is the lamp, order {order}?")


@check("extract", hidden=True)
def test_extract_foreign_forms(submission, provider, random):
    """JSON of another form, which a provider without schemas sends, is handed over."""
    forms = [{"order": 48213}, {"product": "lamp"}, {"order": "48213", "product": "lamp"}, [48213, "lamp"], 48213, None,
             {"order": 48213, "product": "lamp", "note": "urgent"}, {"order": 48213, "product": None},
             {"order": True, "product": "lamp"}]
    for form in forms:
        provider.script(record_reply(json.dumps(form)))
        with raises("HandOver", f"The model answered {json.dumps(form)}: that is not the form of the schema."):
            submission.extract(client(submission, provider), "Where is the lamp, order 48213? True story!")


@check("extract", hidden=True)
def test_extract_no_invented_product(submission, provider, random):
    """A product that the ticket does not mention becomes None; upper and lower case do not matter."""
    for written, expected in (("red bicycle", None), ("", None), ("  ", None), (" lamp ", "lamp"), ("LAMP", "LAMP"), ("lamp", "lamp")):
        provider.script(record_reply({"order": 48213, "product": written}))
        found = submission.extract(client(submission, provider), "My Lamp from order 48213 is late.")
        assert_equal(found.product, expected, f"The model wrote {written!r}; the ticket is about 'My Lamp'.")


# --------------------------------------------------------------------------------------------------------- answer


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


@check("answer", hidden=True)
def test_answer_blank_section(submission, provider, random):
    """A blank section is no section."""
    provider.respond(lambda request: chat("Of course!"))
    for blank in ("", "  \n"):
        with raises("HandOver", f"The section is {blank!r}: nothing to answer from."):
            submission.answer(client(submission, provider), "Hello?", "return", random_policy(random) | {"return": blank})
    assert_equal(len(provider.requests), 0, "The model should not be asked without a section.")


@check("answer", hidden=True)
def test_answer_unfinished(submission, provider, random):
    """An answer that was cut off is handed over."""
    for reason in ("length", "content_filter"):
        provider.script(chat("An item can be sent back unless", finish_reason=reason))
        with raises("HandOver", f"finish_reason={reason!r}: half of a sentence may say the opposite of the whole."):
            submission.answer(client(submission, provider), "When?", "return", random_policy(random))


@check("answer", hidden=True)
def test_answer_empty(submission, provider, random):
    """An empty answer is handed over."""
    for text in ("", " \n"):
        provider.script(chat(text))
        with raises("HandOver", f"The model answered {text!r}: nobody should get an empty letter."):
            submission.answer(client(submission, provider), "When?", "return", random_policy(random))


# ---------------------------------------------------------------------------------------------- verify_and_repair


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


@check("verify_and_repair", hidden=True)
def test_repair_judges_the_last_one(submission, provider, random):
    """The last repair counts, too: if it is good, it is returned."""
    for repairs in (1, 2, 4):
        judge = Judge("It takes 5 days.")
        provider.script(*[chat(f"It takes {number} years.") for number in range(repairs - 1)], chat("It takes 5 days."))
        found = submission.verify_and_repair(client(submission, provider), QUESTION, "Never.", lambda text: judge(text), repairs)
        assert_equal(found, "It takes 5 days.", f"With repairs={repairs}, the last repair was a good one.")


@check("verify_and_repair", hidden=True)
def test_repair_conversation_grows(submission, provider, random):
    """The second repair sees both rejected texts, each followed by the complaint about it."""
    texts = ["Soon.", "In a year or two.", "In 5 days."]
    judge, fresh = Judge(texts[2]), Judge()
    provider.script(chat(texts[1]), chat(texts[2]))
    submission.verify_and_repair(client(submission, provider), QUESTION, texts[0], lambda text: judge(text), 3)
    messages = asked(provider)[-1]
    assert_equal([message["role"] for message in messages], ["system", "user", "assistant", "user", "assistant", "user"],
                 "The roles in the second repair's conversation.")
    assert_equal([messages[2]["content"], messages[4]["content"]], texts[:2], "The rejected texts, in their order.")
    for text, message in zip(texts, messages[3::2]):
        complaint = fresh(text)
        assert_that(complaint in message["content"], "Each rejected text should be followed by the complaint about it.",
                    complaint, message["content"])


@check("verify_and_repair", hidden=True)
def test_repair_leaves_messages_alone(submission, provider, random):
    """The caller's list of messages is left as it was."""
    judge = Judge("In 5 days.")
    provider.script(chat("In a year."), chat("In 5 days."))
    args, _ = inputs_after(submission.verify_and_repair, client(submission, provider), QUESTION, "Soon.",
                           lambda text: judge(text), 3)
    assert_equal(args[1], QUESTION, "The list that the caller gave has changed; the caller may want to use it again.")


# ----------------------------------------------------------------------------------------------------------- vote

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


@check("vote", hidden=True)
def test_vote_tie(submission, provider, random):
    """Of equally frequent answers the one that was given first wins."""
    for one, two in (sorted(random.sample(PRODUCTS, 2)) for _ in range(3)):
        for first, second in ((one, two), (two, one)):
            answers = [first, second, "tie", second, first, "tie"]
            provider.script(*map(chat, answers))
            found = submission.vote(client(submission, provider), ASK, 6, 0.7)
            assert_equal(found.winner, first, f"The answers were {answers}.")


@check("vote", hidden=True)
def test_vote_only_finished_answers(submission, provider, random):
    """A cut-off or empty answer is no vote, but it is a sample."""
    for unusable in (chat("kettle", finish_reason="length"), chat(" . ")):
        replies = [unusable] * 3 + [chat("lamp")] * 2 + [chat("tent")]
        provider.script(*random.sample(replies, 6))
        found = submission.vote(client(submission, provider), ASK, 6, 0.7)
        assert_equal(found.winner, "lamp", "Three samples were cut off or empty, two said lamp, one said tent.")
        assert_close(found.share, 2 / 6, "Two of six samples voted for lamp.")


@check("vote", hidden=True)
def test_vote_nobody(submission, provider, random):
    """Without a single vote it hands over."""
    provider.respond(lambda request: random.choice([chat("I would say that", finish_reason="length"), chat("")]))
    with raises("HandOver", "No sample was usable: there is no winner."):
        submission.vote(client(submission, provider), ASK, 4, 0.7)


# ----------------------------------------------------------------------------------------------- summarize_thread


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


@check("summarize_thread", hidden=True)
def test_summary_pieces_are_full(submission, provider, random):
    """Each piece takes as many messages as fit, exactly; the blank lines count, and every round is in order."""
    for count in (7, 25):
        thread = random_thread(random, count)
        exact = len("\n\n".join(thread[:3]))
        for limit in (exact, exact - 1):
            before = len(provider.requests)
            provider.respond(lambda request: chat(short(request.json["messages"][-1]["content"])))
            submission.summarize_thread(client(submission, provider), thread, limit)
            seen = asked(provider)[before:]
            expected = [submission.summary_messages(piece) for piece in expected_pieces(submission, thread, limit)]
            first = next((i for i, (one, two) in enumerate(zip(expected, seen)) if one != two), None)
            assert_that(first is None, f"With limit={limit}, call {0 if first is None else first + 1} got another piece.",
                        expected[first or 0][-1]["content"][:250], seen[first or 0][-1]["content"][:250])
            assert_equal(len(seen), len(expected), f"The number of calls for {count} messages with limit={limit}.")


def short(prompt):
    return f"<{len(prompt)} letters, {sum(map(ord, prompt)) % 1000}>"


def expected_pieces(submission, thread, limit):
    pieces, start = [], 0
    while start < len(thread):
        end = start + 1
        while end < len(thread) and sum(map(len, thread[start : end + 1])) + 2 * (end - start) <= limit:
            end += 1
        pieces.append("\n\n".join(thread[start:end]))
        start = end
    summaries = [short(submission.summary_messages(piece)[-1]["content"]) for piece in pieces]
    return pieces + (expected_pieces(submission, summaries, limit) if len(pieces) > 1 else [])


@check("summarize_thread", hidden=True)
def test_summary_long_message(submission, provider, random):
    """A message that is longer than the limit is a piece of its own, whole, wherever it stands."""
    for place in (0, 2, 4):
        thread = random_thread(random, 5)
        thread[place] = "long: " + "abc " * 60
        before = len(provider.requests)
        provider.respond(lambda request: chat("s"))
        submission.summarize_thread(client(submission, provider), thread, 100)
        seen = asked(provider)[before:]
        assert_that(submission.summary_messages(thread[place]) in seen, f"Message {place} has more than limit=100 characters: "
                    "it should be sent alone and whole.", "a call with this message only", f"{len(seen)} calls without it")
        assert_that(submission.summary_messages("") not in seen, "An empty piece was sent to the model.")
    provider.respond(lambda request: chat("Short."))
    found = submission.summarize_thread(client(submission, provider), ["a" * 120, "b" * 130, "c" * 140], 100)
    assert_equal(found, "Short.", "Three messages, each longer than limit=100, became three short summaries, which fit.")


@check("summarize_thread", hidden=True)
def test_summary_ends(submission, provider, random):
    """If the summaries of several pieces are not shorter than the messages, it hands over instead of going on."""
    thread = random_thread(random, 4, 30, 31)
    for longer in (0, 1, 20):
        text = "y" * (len(thread[0]) + longer)
        before = len(provider.requests)
        provider.respond(lambda request: chat(text) if len(provider.requests) < before + 40 else error(500))
        with raises("HandOver", "The summaries are as long as the messages: this would go on for ever."):
            submission.summarize_thread(client(submission, provider), thread, len(thread[0]) + 3)
        assert_equal(len(provider.requests) - before, 4, "One round shows that it does not get shorter.")


# --------------------------------------------------------------------------------------------------------- Budget


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


@check("Budget", hidden=True)
def test_budget_of_tokens(submission, provider, random):
    """A call may start while a token is left, and overdraw; the next one is refused before it is made."""
    for left, allowed in ((1, 3), (0, 2), (-7, 2)):
        before = len(provider.requests)
        provider.script(chat("a", usage=(30, 10)), chat("b", usage=(40, 20)), chat("c", usage=(20, 5)))
        budget = submission.Budget(client(submission, provider), 50, 100 + left)
        for _ in range(allowed):
            budget.ask(ASK)
        with raises("BudgetExceeded", f"Of {100 + left} tokens, {budget.tokens_left} are left."):
            budget.ask(ASK)
        assert_equal(len(provider.requests) - before, allowed, f"The answers cost 40, 60 and 25 tokens, the budget is {100 + left}.")
        provider._script.clear()


@check("Budget", hidden=True)
def test_budget_failed_calls(submission, provider, random):
    """A failed call is charged as a call, and costs no tokens; the failure passes through."""
    provider.respond(lambda request: error(500))
    budget = submission.Budget(client(submission, provider), 2, 1000)
    for left in (1, 0):
        with raises("HTTPError", "The provider failed: whoever called should know."):
            budget.ask(ASK)
        assert_equal([budget.calls_left, budget.tokens_left], [left, 1000], "calls_left and tokens_left after a failed call.")
    with raises("BudgetExceeded", "Two failed calls have used up two calls: a broken provider must not be asked for ever."):
        budget.ask(ASK)


@check("Budget", hidden=True)
def test_budget_refusal_costs_nothing(submission, provider, random):
    """A refused call changes nothing, and two budgets do not share their counts."""
    answers_costing(random, provider)
    model = client(submission, provider)
    empty, other = submission.Budget(model, 0, 100), submission.Budget(model, 3, 5000)
    for _ in range(3):
        with raises("BudgetExceeded"):
            empty.ask(ASK)
    assert_equal([empty.calls_left, empty.tokens_left], [0, 100], "calls_left and tokens_left after refused calls.")
    other.ask(ASK)
    assert_equal([empty.calls_left, other.calls_left], [0, 2], "calls_left of two budgets of the same model.")


# ---------------------------------------------------------------------------------------------------------- Cache


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


@check("Cache", hidden=True)
def test_cache_shared_store(submission, provider, random):
    """Caches with one store know each other's answers, but never those of another model."""
    numbered(provider)
    store = submission.Store()
    one, two = (submission.Cache(client(submission, provider, "small"), store) for _ in range(2))
    large = submission.Cache(client(submission, provider, "large"), store)
    alone = submission.Cache(client(submission, provider, "small"))
    texts = [one.ask(ASK).text, two.ask(ASK).text, large.ask(ASK).text, large.ask(ASK).text, alone.ask(ASK).text]
    assert_equal(texts[:2], ["Answer 1"] * 2, "The second cache was made with the store of the first one.")
    assert_equal(texts[2:4], ["Answer 2"] * 2, "The model 'large' shares the store, not the answers, of the model 'small'.")
    assert_equal(texts[4], "Answer 3", "A cache that was made without a store knows nothing of the others.")


@check("Cache", hidden=True)
def test_cache_no_failures(submission, provider, random):
    """A failure is not remembered: the next try asks again."""
    cache = submission.Cache(client(submission, provider))
    provider.script(error(500), error(429), chat("At last."))
    for _ in range(2):
        with raises("HTTPError", "The provider failed: whoever called should know."):
            cache.ask(ASK)
    assert_equal(cache.ask(ASK).text, "At last.", "The provider has recovered; the cache should ask it again.")
    assert_equal([cache.ask(ASK).text, cache.hits, len(cache.store)], ["At last.", 1, 1], "The answer, hits and stored answers.")


@check("Cache", hidden=True)
def test_cache_answers_are_copies(submission, provider, random):
    """Whatever a caller does to an answer, the next caller gets the original."""
    provider.respond(lambda request: chat("Original."))
    cache = submission.Cache(client(submission, provider))
    for number in range(3):
        found = cache.ask(ASK)
        assert_equal([found.text, found.tokens], ["Original.", 15], f"Answer {number + 1} to the same request, after each "
                     "earlier caller has written into their own.")
        found.text, found.tokens = f"Scribble {number}", 0


# ------------------------------------------------------------------------------------------------------- Workflow


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


@check("Workflow", hidden=True)
def test_workflow_second_opinion(submission, provider, random):
    """An unsure route is put to the vote; a winner that is no department goes to a person."""
    shop = Shop(provider, sure=False, votes=["return", "return", "banana"])
    outcome = submission.Workflow(client(submission, provider), SHOP_POLICY).handle_ticket(["The lamp, order 48213?"])
    assert_equal([*found_in(outcome), outcome.handed_over], ["return", 48213, "It takes 5 days.", ""],
                 "Most votes were for 'return': department, order, reply and handed_over.")
    assert_equal(shop.steps.count("vote"), 5, "The number of samples.")
    votes = [request.json for request in provider.requests if request.json.get("temperature")]
    assert_equal([votes[0]["messages"], votes[0]["temperature"]], [submission.routing_messages("The lamp, order 48213?"), 0.8],
                 "The messages and the temperature of the vote.")
    Shop(provider, sure=False, votes=["banana"])
    outcome = submission.Workflow(client(submission, provider), SHOP_POLICY).handle_ticket(["A lamp, order 48213?"])
    assert_that(outcome.handed_over, "'banana' won the vote, and is no department.", "a reason", "handed_over=''")
    assert_equal(found_in(outcome), ["", None, ""], "Nobody knows the department: it stays empty.")


@check("Workflow", hidden=True)
def test_workflow_budget(submission, provider, random):
    """The budget is each thread's own, and when it is spent a person gets what was found."""
    Shop(provider)
    model = client(submission, provider)
    workflow = submission.Workflow(model, SHOP_POLICY, calls=3, tokens=1000)
    for number in range(3):
        outcome = workflow.handle_ticket([f"Question {number}: where is the lamp, order 48213?"])
        assert_equal([*found_in(outcome), outcome.handed_over], ["delivery", 48213, "It takes 5 days.", ""],
                     f"Thread {number + 1} of three, each of which may cost three calls.")
    for limits, order in (({"calls": 2}, 48213), ({"tokens": 1}, None)):
        outcome = submission.Workflow(model, SHOP_POLICY, **limits).handle_ticket(["Where is the lamp, order 48213?"])
        assert_that(outcome.handed_over, f"The budget ({limits}) is spent: a person should take over.", "a reason", "handed_over=''")
        assert_equal(found_in(outcome), ["delivery", order, ""], f"What was found with {limits}, at 15 tokens a call.")


@check("Workflow", hidden=True)
def test_workflow_cache(submission, provider, random):
    """The same thread again costs nothing: no call is made, and no budget needed."""
    shop = Shop(provider)
    workflow = submission.Workflow(client(submission, provider), SHOP_POLICY)
    thread = [f"Where is the lamp, order 48213? {random.random()}"]
    workflow.handle_ticket(thread)
    before = list(shop.steps)
    again = workflow.handle_ticket(thread)
    assert_equal(shop.steps[len(before):], [], "Calls for a thread that was handled before.")
    assert_equal([*found_in(again), again.handed_over], ["delivery", 48213, "It takes 5 days.", ""], "The outcome from the store.")
    workflow.calls = 0
    again = workflow.handle_ticket(thread)
    assert_equal([*found_in(again), again.handed_over], ["delivery", 48213, "It takes 5 days.", ""],
                 "With workflow.calls = 0, but every answer in the store: a remembered answer should cost nothing.")


@check("Workflow", hidden=True)
def test_workflow_long_thread(submission, provider, random):
    """A long thread is summarised for routing and answering; the order comes from the first message."""
    shop = Shop(provider)
    thread = ["Where is the lamp, order 48213?", *(f"Message {n}: " + "and so on " * random.randrange(20, 40) for n in range(8))]
    outcome = submission.Workflow(client(submission, provider), SHOP_POLICY).handle_ticket(thread)
    assert_equal([*found_in(outcome), outcome.handed_over], ["delivery", 48213, "It takes 5 days.", ""],
                 "department, order, reply and handed_over")
    bodies = [request.json for request in provider.requests if "Sum up" not in request.json["messages"][-1]["content"]]
    assert_that("summary" in shop.steps, "The thread has more than LONGEST characters: it should be summarised.")
    summary = "The parcel is lost."
    assert_equal([body["messages"] for body in bodies],
                 [submission.routing_messages(summary), submission.record_messages(thread[0]),
                  submission.answer_messages(summary, SHOP_POLICY["delivery"])],
                 "What route, extract and answer were asked: the summary, the first message, the summary.")
    shop = Shop(provider)
    provider.requests.clear()
    submission.Workflow(client(submission, provider), SHOP_POLICY).handle_ticket(thread[:1] + ["Hello? Anybody there?"])
    assert_equal(shop.steps, ["route", "extract", "answer"], "A short thread of two messages needs no summary.")
    assert_equal(asked(provider)[0], submission.routing_messages("\n\n".join([thread[0], "Hello? Anybody there?"])),
                 "A short thread is joined by blank lines.")


@check("Workflow", hidden=True)
def test_workflow_provider_trouble(submission, provider, random):
    """A failing provider is not the ticket's fault: the exception passes through."""
    provider.respond(lambda request: error(500))
    with raises("HTTPError", "Only HandOver and BudgetExceeded mean that a person takes over this thread."):
        submission.Workflow(client(submission, provider), SHOP_POLICY).handle_ticket(["Where is the lamp, order 48213?"])


@check("Workflow", points=2, hidden=True, seconds=240)
def test_workflow_on_held_out_tickets(submission, model):
    """With the real model, at least 5 of 8 held-out tickets are solved: department, order and answer."""
    policy = {"delivery": "A parcel arrives within 5 working days.", "return": "An item can be sent back within 30 days.",
              "payment": "A wrong charge is paid back within 8 days.", "account": "A new password is sent within 24 hours."}
    workflow = submission.Workflow(submission.Model(model.url), policy)
    unsolved = 0
    for ticket, department, order in HELD_OUT[:8]:
        outcome = workflow.handle_ticket([ticket])
        number = "".join(filter(str.isdigit, policy[department]))
        solved = found_in(outcome)[:2] == [department, order] and number in outcome.reply.replace(str(order), "")
        unsolved += not solved
        assert_that(unsolved <= 3, "Too many held-out tickets are not solved. (A single prompt solves about 2 of 8.)",
                    "at most 3 unsolved", f"{unsolved} unsolved so far")


HELD_OUT = [
    ("The electric shaver, order 39470, has not been delivered yet. How many days does a parcel take?", "delivery", 39470),
    ("I bought the wrong bed sheets, order 73581. How long do I have to return them?", "return", 73581),
    ("The invoice for the vacuum cleaner, order 25317, is too high. When is the charge paid back?", "payment", 25317),
    ("I cannot log in with my password to see order 57428, a skateboard. When is a new one sent?", "account", 57428),
    ("The courier has not come with the floor lamp, order 88205. When will it arrive?", "delivery", 88205),
    ("I do not want the picture frame from order 21849 any more. Can I still send it back?", "return", 21849),
    ("There is a wrong charge on my card for the monitor, order 16640. When is it paid back?", "payment", 16640),
    ("My password does not work and I cannot see order 62574, a sandbox. How long does a new password take?", "account", 62574),
    ("My parcel has not come yet. It is order 42093, a rice cooker. How long does it take?", "delivery", 42093),
    ("The swimming goggles from order 30916 are too tight. How long can I send them back?", "return", 30916),
    ("My card was charged the wrong amount for the juicer, order 49762. How long until I get it back?", "payment", 49762),
    ("Please help me log in again, I need to see order 98142, a telescope. When is my new password sent?", "account", 98142),
]
