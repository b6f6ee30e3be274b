from grader.variants import Alternative, Mistake

MEANT = "meant = [name for name in departments if beginning and name.startswith(beginning)]"
MATCH = '''\
        match json.loads(answer.text):
            case {"order": int(order), "product": str(product), **others} if not others and not isinstance(order, bool):
                pass
            case _:
                raise HandOver("The record does not have the form that was asked for.")
    except ValueError:
        raise HandOver("The record is no JSON.") from None
'''
UNFINISHED = '''\
    if answer.finish_reason != "stop":
        raise HandOver("The record was not finished.")
'''
NO_SECTION = '''\
    section = policy.get(department, "")
    if not section.strip():
        raise HandOver(f"The policy has no section for {department!r}.")
'''
REPAIR = '''\
        messages += [{"role": "assistant", "content": text}, {"role": "user", "content": f"{trouble} Answer again."}]
        text = model.ask(messages, max_tokens=60).text
'''
REPAIR_LOOP = '''\
    messages, text = list(messages), draft
    while trouble := complaint(text):
        if repairs == 0:
            raise HandOver(f"No acceptable answer: {trouble}")
        repairs -= 1
''' + REPAIR
PIECES = '''\
    pieces = [thread[0]]
    for message in thread[1:]:
        longer = f"{pieces[-1]}\\n\\n{message}"
        if len(longer) <= limit:
            pieces[-1] = longer
        else:
            pieces.append(message)
'''
ENDLESS = '''\
    if len("\\n\\n".join(summaries)) >= len("\\n\\n".join(thread)):
        raise HandOver("The summaries are not shorter than the thread.")
'''
REFUSE = '''\
        if self.calls_left < 1 or self.tokens_left < 1:
            raise BudgetExceeded(f"{self.calls_left} calls and {self.tokens_left} tokens are left.")
'''
CHARGE = '''\
        self.calls_left -= 1
        answer = self.model.ask(messages, **settings)
        self.tokens_left -= answer.tokens
        return answer
'''
LOOKED_UP = '''\
        if settings.get("temperature", 0) > 0 and settings.get("seed") is None:
            return self.model.ask(messages, **settings)
'''
REMEMBER = '''\
        if key in self.store:
            self.hits += 1
        else:
            self.store[key] = self.model.ask(messages, **settings)
        return deepcopy(self.store[key])
'''
STACK = "model = Cache(Budget(self.model, self.calls, self.tokens), self.store)"
VERIFIED = '''\
            outcome.reply = verify_and_repair(model, answer_messages(text, section), draft,
                                              lambda reply: number_complaint(reply, section), repairs=2)
'''
SECOND_OPINION = '''\
        if winner not in self.policy:
            raise HandOver(f"Unsure of the department: {found.department} or {winner}?")
        return winner
'''

VARIANTS = [
    # ------------------------------------------------------------------------------------------------------ route
    Alternative("route", "log-sum-exp with numpy", other="""
        import numpy

        asked = model.ask(messages=routing_messages(ticket), temperature=0.0, max_tokens=1, top_logprobs=20)
        scores = {name: -numpy.inf for name in departments}
        for token, logprob in asked.candidates.items():
            token = token.strip().casefold()
            fitting = {name for name in departments if token and name[: len(token)] == token}
            if len(fitting) == 1:
                name = fitting.pop()
                scores[name] = numpy.logaddexp(scores[name], logprob)
        best = max(scores, key=scores.get)
        if scores[best] == -numpy.inf:
            raise HandOver("no department")
        return Route(best, float(numpy.exp(scores[best] - numpy.logaddexp.reduce(list(scores.values())))))
    """),
    Alternative("route", "one department at a time", other="""
        candidates = model.ask(routing_messages(ticket), max_tokens=1, top_logprobs=20).candidates

        def speaks_for(token, department):
            text = token.strip().lower()
            return text != "" and [name for name in departments if name.startswith(text)] == [department]

        shares = [sum(math.exp(p) for token, p in candidates.items() if speaks_for(token, name)) for name in departments]
        if not any(shares):
            raise HandOver(f"{ticket!r} fits no department")
        place = shares.index(max(shares))
        return Route(department=departments[place], confidence=shares[place] / sum(shares))
    """),
    Mistake("route", "reads the text", wrong="""
        text = model.ask(routing_messages(ticket), max_tokens=5).text.lower()
        for name in departments:
            if name in text:
                return Route(name, 1.0)
        raise HandOver("The model names none of the departments.")
    """, hint="You let the model write, and read its text. That shows only its likeliest words, often polite ones; what it thinks "
         "of the departments stands in `candidates`.", spoils=("Workflow",)),
    Mistake("route", "likeliest token of all", wrong="""
        candidates = model.ask(routing_messages(ticket), max_tokens=1, top_logprobs=20).candidates
        token = max(candidates, key=candidates.get).strip().lower()
        meant = [name for name in departments if token and name.startswith(token)]
        if len(meant) != 1:
            raise HandOver("The model names none of the departments.")
        return Route(meant[0], 1.0)
    """, hint="You take the likeliest of all candidates and ask then which department it is. Ask the other way round: of the "
         "departments, which one has the largest probability?", spoils=("Workflow",)),
    Mistake("route", "exact tokens only", right=MEANT, wrong="meant = [name for name in departments if token == name]",
            hint="You count a candidate only if it is spelled exactly like the department. A leading blank, a capital letter or "
                 "a label cut into two tokens makes you miss it."),
    Mistake("route", "whole labels only", right=MEANT, wrong="meant = [name for name in departments if name == beginning]",
            hint="You wait for the whole name. The first token may be only the beginning of one: 'Pay' is all you will ever "
                 "see of 'Payment'."),
    Mistake("route", "case matters", right="token.strip().lower()", wrong="token.strip()",
            hint="You compare upper and lower case as they are: 'Delivery' and 'delivery' are two tokens, and mean one department."),
    Mistake("route", "blanks matter", right="token.strip().lower()", wrong="token.lower()",
            hint="Many tokens begin with a blank, which belongs to the token: ' delivery' means delivery, too."),
    Mistake("route", "largest instead of sum", right="probability[meant[0]] += math.exp(logprob)",
            wrong="probability[meant[0]] = max(probability[meant[0]], math.exp(logprob))",
            hint="You keep only a department's likeliest spelling. Its spellings exclude each other, so their probabilities add up."),
    Mistake("route", "log-probabilities added", wrong="""
        candidates = model.ask(routing_messages(ticket), max_tokens=1, top_logprobs=20).candidates
        score = {}
        for token, logprob in candidates.items():
            beginning = token.strip().lower()
            meant = [name for name in departments if beginning and name.startswith(beginning)]
            if len(meant) == 1:
                score[meant[0]] = score.get(meant[0], 0.0) + logprob
        if not score:
            raise HandOver("The model names none of the departments.")
        best = max(score, key=score.get)
        return Route(best, math.exp(score[best]) / sum(math.exp(s) for s in score.values()))
    """, hint="You add log-probabilities, which multiplies probabilities: each further spelling makes the department less "
         "likely instead of more.", spoils=("Workflow",)),
    Mistake("route", "missing counts as certain", wrong="""
        candidates = model.ask(routing_messages(ticket), max_tokens=1, top_logprobs=20).candidates
        score = {}
        for token, logprob in candidates.items():
            beginning = token.strip().lower()
            meant = [name for name in departments if beginning and name.startswith(beginning)]
            if len(meant) == 1:
                score[meant[0]] = math.log(math.exp(score.get(meant[0], -math.inf)) + math.exp(logprob))
        if not score:
            raise HandOver("The model names none of the departments.")
        probability = {name: math.exp(score.get(name, 0.0)) for name in departments}
        best = max(departments, key=probability.get)
        return Route(best, probability[best] / sum(probability.values()))
    """, hint="A department that is not among the candidates gets the log-probability 0 from you. That is probability 1: "
         "what was never mentioned wins."),
    Mistake("route", "shared beginnings count", right="        if len(meant) == 1:\n            probability[meant[0]] += math.exp(logprob)",
            wrong="        for name in meant:\n            probability[name] += math.exp(logprob)",
            hint="A beginning that several departments share is counted for each of them. It says nothing about which one is meant."),
    Mistake("route", "raw confidence", right="Route(best, probability[best] / total)", wrong="Route(best, probability[best])",
            hint="Your confidence is the probability among all tokens. Asked for is the share among the departments: divide by "
                 "what they have together."),
    Mistake("route", "guesses the first", right='raise HandOver("The model names none of the departments.")',
            wrong="return Route(departments[0], 0.0)",
            hint="When no candidate is a department, you return the first one. Downstream, nobody can tell this guess from "
                 "knowledge."),
    # ---------------------------------------------------------------------------------------------------- extract
    Alternative("extract", "step by step", other=r"""
        schema = {"type": "object", "additionalProperties": False, "required": ["product", "order"],
                  "properties": {"product": {"type": "string"}, "order": {"type": "integer"}}}
        reply = model.ask(record_messages(ticket), temperature=0, max_tokens=60, schema=schema)
        try:
            data = json.loads(reply.text)
        except json.JSONDecodeError as trouble:
            raise HandOver(str(trouble))
        if reply.finish_reason != "stop" or not isinstance(data, dict) or set(data) != {"order", "product"}:
            raise HandOver("wrong form")
        if type(data["order"]) is not int or type(data["product"]) is not str:
            raise HandOver("wrong types")
        if not re.search(rf"(?<!\d){data['order']}(?!\d)", ticket):
            raise HandOver("invented order")
        name = data["product"].strip()
        return Record(order=data["order"], product=name if name and name.casefold() in ticket.casefold() else None)
    """),
    Alternative("extract", "jsonschema validates", other=r"""
        import jsonschema

        schema = {"type": "object", "properties": {"order": {"type": "integer", "minimum": 0}, "product": {"type": "string"}},
                  "required": ["order", "product"], "additionalProperties": False}
        answer = model.ask(record_messages(ticket), schema=schema, max_tokens=60)
        if not answer.finish_reason == "stop":
            raise HandOver(answer.finish_reason)
        try:
            record = json.loads(answer.text)
            jsonschema.validate(record, schema)
        except (ValueError, jsonschema.ValidationError):
            raise HandOver("not a record") from None
        if record["order"] not in map(int, re.findall("[0-9]+", ticket)):
            raise HandOver("not in the ticket")
        product = record["product"].strip()
        if not product or product.lower() not in ticket.lower():
            product = None
        return Record(record["order"], product)
    """),
    Mistake("extract", "no schema sent", right="max_tokens=60, schema=schema)", wrong="max_tokens=60)",
            hint="You wrote a schema and did not send it. The model is free to chat, and your parser will fail at random.", spoils=("Workflow",)),
    Mistake("extract", "additional properties allowed", right='        "additionalProperties": False,\n', wrong="",
            hint="A JSON schema allows additional properties unless `additionalProperties` is false: the model may go on "
                 "writing properties that nobody asked for."),
    Mistake("extract", "properties not required", right='        "required": ["order", "product"],\n', wrong="",
            hint="Without `required`, the empty object {} satisfies your schema."),
    Mistake("extract", "order as text", right='{"order": {"type": "integer"}', wrong='{"order": {"type": "string"}',
            hint="Your schema asks for the order as a string. Asked for is a number, in the schema and in the record.", spoils=("Workflow",)),
    Mistake("extract", "a dictionary returned", right="return Record(order, product if known else None)",
            wrong='return {"order": order, "product": product if known else None}',
            hint="You return a dictionary. A typed Record is the point of the step: the next one should not have to look up and "
                 "check keys again.", spoils=("Workflow",)),
    Mistake("extract", "decode error escapes", right='    except ValueError:\n        raise HandOver("The record is no JSON.") from None',
            wrong="    except KeyError:\n        raise",
            hint="Text that is no JSON makes `json.loads` raise its own exception, which leaves your function. The workflow "
                 "only knows HandOver."),
    Mistake("extract", "finish reason ignored", right=UNFINISHED, wrong="",
            hint="You do not look at `finish_reason`. An answer that was cut off can still be JSON by accident, and lack a "
                 "part of what was meant."),
    Mistake("extract", "trusts the order", right="if str(order) not in re.findall(r\"\\d+\", ticket):", wrong="if order < 0:",
            hint="You believe the order number because it is in form. The schema forces the model to write some number, also when "
                 "there is none.", spoils=("Workflow",)),
    Mistake("extract", "order inside a number", right='re.findall(r"\\d+", ticket)', wrong="ticket",
            hint="You look for the digits anywhere in the text, so 4821 is found in 48213, which is somebody else's order."),
    Mistake("extract", "trusts the form", right=MATCH, wrong='''\
        record = json.loads(answer.text)
        order, product = int(record["order"]), str(record["product"])
    except (ValueError, KeyError, TypeError):
        raise HandOver("The record is no JSON.") from None
''', hint="You convert whatever comes (`int(...)`, `str(...)`): a text or `true` becomes a number, null becomes 'None', and "
         "additional properties go unnoticed. Check the types instead."),
    Mistake("extract", "keeps invented products", right="product if known else None", wrong="product",
            hint="The small model likes the products of its examples. A product that the ticket does not mention was invented."),
    Mistake("extract", "product case matters", right="product.lower() in ticket.lower()", wrong="product in ticket",
            hint="You compare upper and lower case: a 'lamp' at the beginning of a sentence is a 'Lamp'."),
    Mistake("extract", "empty product kept", right="known = product and product.lower()", wrong="known = product.lower()",
            hint="The empty text occurs in every text, so an empty product passes your test. It means: not known."),
    # ----------------------------------------------------------------------------------------------------- answer
    Alternative("answer", "guard clauses", other="""
        if department not in policy or policy[department].strip() == "":
            raise HandOver(f"nothing about {department}")
        reply = model.ask(answer_messages(section=policy[department], ticket=ticket), temperature=0.0, max_tokens=60)
        if reply.finish_reason != "stop":
            raise HandOver(f"cut off: {reply.text}")
        if not reply.text.strip():
            raise HandOver("empty")
        return reply.text.strip()
    """),
    Alternative("answer", "exceptions translated", other="""
        try:
            section = policy[department]
        except KeyError as missing:
            raise HandOver(f"no section {missing}") from missing
        if section.isspace() or not section:
            raise HandOver("blank section")
        answered = model.ask(answer_messages(ticket, section))
        match answered.finish_reason, answered.text.strip():
            case "stop", text if text:
                return text
        raise HandOver("no complete answer")
    """),
    Mistake("answer", "the whole policy", right="answer_messages(ticket, section), max",
            wrong='answer_messages(ticket, " ".join(policy.values())), max',
            hint="You put the whole policy into the prompt. Then the model must find the right rule as well, and the routing was "
                 "for nothing.", spoils=("Workflow",)),
    Mistake("answer", "asks without a section", right=NO_SECTION, wrong='    section = policy.get(department, "")\n',
            hint="Without a section you ask all the same. The model will answer from what it remembers of other shops."),
    Mistake("answer", "falls back to another section", right='policy.get(department, "")',
            wrong="policy.get(department, next(iter(policy.values())))",
            hint="For an unknown department you answer from some other section: a true rule, about something else."),
    Mistake("answer", "KeyError for unknown departments", right='policy.get(department, "")', wrong="policy[department]",
            hint="An unknown department raises KeyError in your code. The workflow hands a thread over on HandOver only."),
    Mistake("answer", "blank section accepted", right="not section.strip()", wrong="department not in policy",
            hint="Your section is there, but blank: the prompt then says 'Policy:' and nothing else."),
    Mistake("answer", "cut-off accepted", right='reply.finish_reason != "stop" or not text', wrong="not text",
            hint="You do not look at `finish_reason`: half a sentence may be sent to a customer."),
    Mistake("answer", "empty answer accepted", right='reply.finish_reason != "stop" or not text', wrong='reply.finish_reason != "stop"',
            hint="An empty answer, or one of white space, is passed on as if it were one."),
    Mistake("answer", "white space kept", right="text = reply.text.strip()", wrong="text = reply.text if reply.text.strip() else ''",
            hint="The white space around the model's text goes out to the customer."),
    Mistake("answer", "placeholders filled twice", right="answer_messages(ticket, section), max",
            wrong='answer_messages(ticket.replace("{policy}", section), section), max',
            hint="You replace something inside the ticket. What a customer writes is data: it must reach the prompt as it is."),
    # ----------------------------------------------------------------------------------------- verify_and_repair
    Alternative("verify_and_repair", "a bounded for loop", other="""
        conversation, text = [*messages], draft
        for number in range(repairs + 1):
            trouble = complaint(text)
            if trouble == "":
                return text
            if number < repairs:
                conversation = conversation + [{"role": "assistant", "content": text}, {"role": "user", "content": trouble}]
                text = model.ask(conversation, temperature=0, max_tokens=60).text
        raise HandOver(trouble)
    """),
    Alternative("verify_and_repair", "recursion", other="""
        wrong = complaint(draft)
        if not wrong:
            return draft
        if repairs < 1:
            raise HandOver("given up: " + wrong)
        longer = messages + [dict(role="assistant", content=draft), dict(role="user", content="Please mend this. " + wrong)]
        return verify_and_repair(model, longer, model.ask(longer).text, complaint, repairs - 1)
    """),
    Mistake("verify_and_repair", "one repair too many", right="if repairs == 0:", wrong="if repairs < 0:",
            hint="You make one call more than `repairs` allows. Count the calls for repairs=0: the draft alone must do."),
    Mistake("verify_and_repair", "last repair not judged", right=REPAIR_LOOP, wrong='''\
    messages, text = list(messages), draft
    for _ in range(repairs):
        trouble = complaint(text)
        if not trouble:
            return text
''' + REPAIR + '''\
    raise HandOver(f"No acceptable answer: {complaint(draft)}")
''', hint="The text of the last repair is never judged: you pay for it and throw it away.", spoils=("Workflow",)),
    Mistake("verify_and_repair", "returns the last bad one", right='raise HandOver(f"No acceptable answer: {trouble}")', wrong="return text",
            hint="At the bound you return the last text, though the rule has just rejected it. The caller cannot tell.", spoils=("Workflow",)),
    Mistake("verify_and_repair", "complaint not told", right='f"{trouble} Answer again."', wrong='"That is wrong. Answer again."',
            hint="The model is told that it was wrong, and not what was wrong: it can only guess again."),
    Mistake("verify_and_repair", "rejected text not shown", right='{"role": "assistant", "content": text}, ', wrong="",
            hint="The rejected text is missing from the conversation: 'the answer must not state 3' refers to nothing."),
    Mistake("verify_and_repair", "conversation forgotten", right=REPAIR, wrong='''\
        asked = messages + [{"role": "assistant", "content": text}, {"role": "user", "content": f"{trouble} Answer again."}]
        text = model.ask(asked, max_tokens=60).text
''', hint="Every repair starts from the original messages, so the model can make the mistake of the time before last again. "
         "Let the conversation grow."),
    Mistake("verify_and_repair", "the first complaint again", right=REPAIR_LOOP, wrong='''\
    messages, text, trouble = list(messages), draft, complaint(draft)
    while trouble and complaint(text) if text != draft else trouble:
        if repairs == 0:
            raise HandOver(f"No acceptable answer: {complaint(text)}")
        repairs -= 1
''' + REPAIR, hint="You go on complaining about the draft. Each text has faults of its own: judge it, and pass on what is wrong "
         "with that one."),
    Mistake("verify_and_repair", "caller's list grows", right="messages, text = list(messages), draft", wrong="text = draft",
            hint="`+=` on a list changes the list itself, here the caller's. Work on a copy."),
    Mistake("verify_and_repair", "draft asked for again", right="messages, text = list(messages), draft",
            wrong="messages, text = list(messages), model.ask(messages, max_tokens=60).text",
            hint="You throw the draft away and ask for a new one first: one call more for each ticket, also when nothing was wrong."),
    # ------------------------------------------------------------------------------------------------------- vote
    Alternative("vote", "first of the most frequent", other=r"""
        given = []
        for seed in range(samples):
            answer = model.ask(messages, seed=seed, max_tokens=10, temperature=temperature)
            normal = re.sub(r"\s+", " ", answer.text).strip(" .").lower()
            if answer.finish_reason == "stop" and normal != "":
                given.append(normal)
        if given == []:
            raise HandOver("nobody voted")
        return Vote(max(given, key=given.count), given.count(max(given, key=given.count)) / samples)
    """),
    Alternative("vote", "ask first, count then", other=r"""
        answers = [model.ask(messages, temperature=temperature, max_tokens=10, seed=n) for n in range(samples)]
        forms = [re.sub(r"^[\s.]+|[\s.]+$", "", " ".join(a.text.split())).lower() for a in answers if a.finish_reason == "stop"]
        counts = {}
        for form in filter(None, forms):
            counts[form] = counts.get(form, 0) + 1
        if not counts:
            raise HandOver("no usable sample")
        most = max(counts.values())
        winner = next(form for form in counts if counts[form] == most)
        return Vote(winner=winner, share=most / samples)
    """),
    Mistake("vote", "one seed for all", right="max_tokens=10, seed=seed)", wrong="max_tokens=10, seed=0)",
            hint="Every call has the same seed, so every call draws the same answer: a vote of one.", spoils=("Workflow",)),
    Mistake("vote", "no seed", right="max_tokens=10, seed=seed)", wrong="max_tokens=10)",
            hint="Without seeds the draws differ, but never repeat: tomorrow's result cannot be compared with today's, and nothing "
                 "can be cached."),
    Mistake("vote", "temperature 0", right="model.ask(messages, temperature=temperature, max_tokens=10", wrong="model.ask(messages, max_tokens=10",
            hint="You do not pass the temperature on. At 0 the model always gives its likeliest answer: all samples are one.", spoils=("Workflow",)),
    Mistake("vote", "answers as they come", right='normal = " ".join(answer.text.lower().split()).strip(" .")', wrong="normal = answer.text",
            hint="'Lamp.', 'lamp' and ' lamp' count as three answers, so the majority is split. Bring them into the normal form "
                 "before you count."),
    Mistake("vote", "white space inside kept", right='" ".join(answer.text.lower().split()).strip(" .")', wrong='answer.text.lower().strip().strip(" .")',
            hint="White space *inside* the answers is not unified: 'desk  lamp' and 'desk lamp' are two answers to you."),
    Mistake("vote", "stops in the wrong order", right='" ".join(answer.text.lower().split()).strip(" .")', wrong='" ".join(answer.text.lower().split()).strip(".")',
            hint="You strip the full stops but not the blanks that stood before them: 'lamp ...' becomes 'lamp ', which is not 'lamp'."),
    Mistake("vote", "cut-off answers vote", right='if answer.finish_reason == "stop" and normal:', wrong="if normal:",
            hint="You count answers that were cut off. What they were going to say is unknown."),
    Mistake("vote", "empty answers vote", right='if answer.finish_reason == "stop" and normal:', wrong='if answer.finish_reason == "stop":',
            hint="An empty answer is counted as if it were an opinion, and may win."),
    Mistake("vote", "tie by alphabet", right="winner, count = votes.most_common(1)[0]  # of equal counts, the one counted first",
            wrong="winner, count = max(sorted(votes.items()), key=lambda vote: vote[1])",
            hint="In a tie, the alphabet decides in your code. Asked for is the answer that was given first."),
    Mistake("vote", "tie to the last", right="winner, count = votes.most_common(1)[0]  # of equal counts, the one counted first",
            wrong="winner, count = sorted(votes.items(), key=lambda vote: vote[1])[-1]",
            hint="In a tie, the last of the equal answers wins in your code: sorting keeps their order and you take the end."),
    Mistake("vote", "share of the votes", right="count / samples", wrong="count / votes.total()",
            hint="You divide by the number of usable votes. One usable answer out of seven would then look like unanimity."),
    # ------------------------------------------------------------------------------------------- summarize_thread
    Alternative("summarize_thread", "a loop over rounds", other=r'''
        while thread:
            pieces, current = [], []
            for message in thread:
                if current and len("\n\n".join([*current, message])) > limit:
                    pieces.append("\n\n".join(current))
                    current = []
                current.append(message)
            pieces.append("\n\n".join(current))
            summaries = [model.ask(summary_messages(piece), temperature=0, max_tokens=60).text.strip() for piece in pieces]
            if len(pieces) == 1:
                return summaries[0]
            if len("\n\n".join(summaries)) >= len("\n\n".join(thread)):
                raise HandOver("not shorter")
            thread = summaries
        return ""
    '''),
    Alternative("summarize_thread", "counting sizes", other=r'''
        if len(thread) == 0:
            return ""
        starts, size = [0], len(thread[0])
        for place in range(1, len(thread)):
            size += 2 + len(thread[place])
            if size > limit:
                starts.append(place)
                size = len(thread[place])
        parts = [thread[a:b] for a, b in zip(starts, starts[1:] + [len(thread)])]
        shorter = []
        for part in parts:
            shorter.append(model.ask(summary_messages("\n\n".join(part))).text.strip())
        if len(parts) == 1:
            return shorter[0]
        before, after = (sum(map(len, texts)) + 2 * (len(texts) - 1) for texts in (thread, shorter))
        if after >= before:
            raise HandOver("this does not end")
        return summarize_thread(model, shorter, limit)
    '''),
    Mistake("summarize_thread", "last piece forgotten", right=PIECES, wrong='''\
    pieces, current = [], thread[0]
    for message in thread[1:]:
        longer = f"{current}\\n\\n{message}"
        if len(longer) <= limit:
            current = longer
        else:
            pieces.append(current)
            current = message
    pieces = pieces or [current]
''', hint="The piece that is being filled when the messages run out is never put with the others: the end of the thread is "
         "lost. That is where the customer says what they want."),
    Mistake("summarize_thread", "messages cut in two", right=PIECES, wrong='''\
    text = "\\n\\n".join(thread)
    pieces = [text[start : start + limit] for start in range(0, len(text), limit)]
''', hint="You cut the joined text every `limit` characters, through messages, words and order numbers. Messages stay whole."),
    Mistake("summarize_thread", "blank lines not counted", right="if len(longer) <= limit:",
            wrong="if len(longer.replace('\\n\\n', '')) <= limit:",
            hint="The blank lines between messages are characters, too: your pieces are a little longer than `limit`."),
    Mistake("summarize_thread", "exact fit refused", right="if len(longer) <= limit:", wrong="if len(longer) < limit:",
            hint="A piece may have `limit` characters; you stop one short."),
    Mistake("summarize_thread", "no second round", right="    return summarize_thread(model, summaries, limit)",
            wrong='    return model.ask(summary_messages("\\n\\n".join(summaries)), max_tokens=60).text.strip()',
            hint="The summaries go into one last call whatever their size. With a long thread they do not fit, and the provider "
                 "will refuse or cut them."),
    Mistake("summarize_thread", "summaries only joined", right="    return summarize_thread(model, summaries, limit)",
            wrong='    return "\\n\\n".join(summaries)',
            hint="You join the summaries and stop: that is the map without the reduce.", spoils=("Workflow",)),
    Mistake("summarize_thread", "may go on for ever", right=ENDLESS, wrong="",
            hint="If the model's summaries are as long as what it was given, your function never ends. Compare the sizes after "
                 "each round."),
    Mistake("summarize_thread", "order of the summaries turned", right="return summarize_thread(model, summaries, limit)",
            wrong="return summarize_thread(model, summaries[::-1], limit)",
            hint="The summaries go into the next round in another order than the messages they come from."),
    Mistake("summarize_thread", "long message makes an empty piece", right=PIECES, wrong='''\
    pieces = [""]
    for message in thread:
        longer = f"{pieces[-1]}\\n\\n{message}" if pieces[-1] else message
        if len(longer) <= limit:
            pieces[-1] = longer
        else:
            pieces.append(message)
''', hint="When the first message is longer than the limit, your first piece stays empty, and you pay for summarising nothing."),
    Mistake("summarize_thread", "long messages left out", right="            pieces.append(message)",
            wrong="            pieces.append(message[:limit])",
            hint="A message that is longer than the limit is cut off at it. It should be a piece of its own, whole."),
    Mistake("summarize_thread", "several long ones end it", right='if len("\\n\\n".join(summaries)) >= len("\\n\\n".join(thread)):',
            wrong="if len(summaries) >= len(thread):",
            hint="You compare the number of texts, not their length. When each message is a piece of its own, the number stays and the "
                 "text may still get much shorter."),
    # ----------------------------------------------------------------------------------------------------- Budget
    Alternative("Budget", "charged in finally", other="""
        if min(self.calls_left, self.tokens_left) <= 0:
            raise BudgetExceeded("nothing left")
        try:
            answer = self.model.ask(messages, **settings)
            self.tokens_left = self.tokens_left - answer.tokens
            return answer
        finally:
            self.calls_left = self.calls_left - 1
    """),
    Alternative("Budget", "two refusals", other="""
        if not self.calls_left > 0:
            raise BudgetExceeded("no calls left")
        if not self.tokens_left > 0:
            raise BudgetExceeded("no tokens left")
        self.calls_left -= 1
        result = self.model.ask(messages=messages, **settings)
        self.tokens_left -= result.tokens
        return result
    """),
    Mistake("Budget", "looks after the call", right=REFUSE + CHARGE, wrong='''\
        self.calls_left -= 1
        answer = self.model.ask(messages, **settings)
        self.tokens_left -= answer.tokens
        if self.calls_left < 0 or self.tokens_left < 0:
            raise BudgetExceeded(f"{self.calls_left} calls and {self.tokens_left} tokens are left.")
        return answer
''', hint="You look at the budget after the call: the money is gone, and the answer that it bought is thrown away.", spoils=("Workflow",)),
    Mistake("Budget", "one call too many", right="self.calls_left < 1 or", wrong="self.calls_left < 0 or",
            hint="With no call left, `calls_left` is 0, and your condition still lets one through.", spoils=("Workflow",)),
    Mistake("Budget", "zero tokens are enough", right="self.tokens_left < 1:", wrong="self.tokens_left < 0:",
            hint="When exactly no token is left, your condition allows another call."),
    Mistake("Budget", "charges max_tokens", right="self.tokens_left -= answer.tokens", wrong='self.tokens_left -= settings.get("max_tokens", 60)',
            hint="You charge what the answer was allowed to cost. The bill is in `answer.tokens`: it includes the prompt, and most "
                 "answers are shorter than their limit."),
    Mistake("Budget", "estimates the tokens", right="self.tokens_left -= answer.tokens",
            wrong='self.tokens_left -= (sum(len(m["content"]) for m in messages) + len(answer.text)) // 4',
            hint="You estimate the tokens from the length of the texts. The provider counts with its own tokenizer, and its count is "
                 "the bill."),
    Mistake("Budget", "failed calls are free", right=CHARGE, wrong='''\
        answer = self.model.ask(messages, **settings)
        self.calls_left -= 1
        self.tokens_left -= answer.tokens
        return answer
''', hint="When the call raises, the line that charges it is never reached: a broken provider can be asked for ever."),
    Mistake("Budget", "tokens never looked at", right="if self.calls_left < 1 or self.tokens_left < 1:", wrong="if self.calls_left < 1:",
            hint="You count the tokens, but only the calls can stop anything.", spoils=("Workflow",)),
    Mistake("Budget", "only both together", right="self.calls_left < 1 or self.tokens_left < 1", wrong="self.calls_left < 1 and self.tokens_left < 1",
            hint="You refuse only when calls *and* tokens are spent. Each of the two is a limit by itself.", spoils=("Workflow",)),
    Mistake("Budget", "settings dropped", right="self.model.ask(messages, **settings)", wrong="self.model.ask(messages)",
            hint="The settings do not reach the model: temperature, schema and seeds are lost without a sound.", spoils=("Workflow",)),
    Mistake("Budget", "reserves max_tokens", right="self.tokens_left < 1:", wrong='self.tokens_left < settings.get("max_tokens", 60):',
            hint="You refuse a call unless its `max_tokens` are left. That is a sensible rule, but not the one that was agreed: a "
                 "call may start while at least one token is left."),
    # ------------------------------------------------------------------------------------------------------ Cache
    Alternative("Cache", "a tuple key", right=REMEMBER, other='''\
        key = (self.name, repr(messages), json.dumps(settings, sort_keys=True))
        known = self.store.get(key)
        if known is not None:
            self.hits += 1
            return deepcopy(known)
        fresh = self.model.ask(messages, **settings)
        self.store[key] = deepcopy(fresh)
        return fresh
'''),
    Alternative("Cache", "answers stored as text", right=REMEMBER, other='''\
        try:
            stored = self.store[key]
        except KeyError:
            stored = self.store[key] = json.dumps(vars(self.model.ask(messages, **settings)))
        else:
            self.hits += 1
        return Answer(**json.loads(stored))
'''),
    Mistake("Cache", "temperature not in the key", right="[self.name, messages, settings]",
            wrong='[self.name, messages, {name: value for name, value in settings.items() if name != "temperature"}]',
            hint="The temperature changes the answer, and is not part of your key."),
    Mistake("Cache", "schema not in the key", right="[self.name, messages, settings]",
            wrong='[self.name, messages, {name: value for name, value in settings.items() if name != "schema"}]',
            hint="The schema is not part of your key: a caller that asks for a record may get prose, or another record's form."),
    Mistake("Cache", "only messages in the key", right="[self.name, messages, settings]", wrong="[self.name, messages]",
            hint="Your key holds the messages and no settings. An answer of one token would be served to who asked for sixty.", spoils=("Workflow",)),
    Mistake("Cache", "only the last message", right="[self.name, messages, settings]", wrong="[self.name, messages[-1], settings]",
            hint="Your key holds the last message only. The system prompt and the earlier turns change the answer, too."),
    Mistake("Cache", "model not in the key", right="[self.name, messages, settings]", wrong="[messages, settings]",
            hint="Two models may share a store, and your key does not say which one answered."),
    Mistake("Cache", "order of settings matters", right=", sort_keys=True)", wrong=")",
            hint="The same settings in another order give another key: you pay twice for one request."),
    Mistake("Cache", "samples remembered", right=LOOKED_UP, wrong="",
            hint="Samples without a seed are remembered: whoever asks five times for a draw gets one draw five times."),
    Mistake("Cache", "seeded samples not remembered", right=' and settings.get("seed") is None:', wrong=":",
            hint="With a seed the draw repeats, so it may be remembered, and you ask again each time."),
    Mistake("Cache", "seed None counts as one", right='settings.get("seed") is None', wrong='"seed" not in settings',
            hint="`seed=None` means no seed, and you take it for one because the setting is there."),
    Mistake("Cache", "first caller owns the store", right=REMEMBER, wrong='''\
        if key in self.store:
            self.hits += 1
            return deepcopy(self.store[key])
        self.store[key] = self.model.ask(messages, **settings)
        return self.store[key]
''', hint="The first caller gets the very object that you store. When it writes into its answer, it writes into your store."),
    Mistake("Cache", "later callers share one", right=REMEMBER, wrong='''\
        if key not in self.store:
            answer = self.model.ask(messages, **settings)
            self.store[key] = deepcopy(answer)
            return answer
        self.hits += 1
        return self.store[key]
''', hint="You copy when you store, but later callers get the stored object itself and may write into it."),
    Mistake("Cache", "failures remembered", right=REMEMBER, wrong='''\
        if key in self.store:
            self.hits += 1
        else:
            try:
                self.store[key] = self.model.ask(messages, **settings)
            except requests.RequestException as failure:
                self.store[key] = failure
        if isinstance(self.store[key], Exception):
            raise self.store[key]
        return deepcopy(self.store[key])
''', hint="You remember a failure: when the provider is well again, your users still get yesterday's error."),
    Mistake("Cache", "empty store not shared", right="Store() if store is None else store", wrong="store or Store()",
            hint="An empty store counts as false, so `or` replaces the caller's store by one of your own. Ask for None.", spoils=("Workflow",)),
    # --------------------------------------------------------------------------------------------------- Workflow
    Alternative("Workflow", "all in one method", other='''
        model = Cache(Budget(self.model, calls=self.calls, tokens=self.tokens), store=self.store)
        department, record = "", None
        try:
            joined = "\\n\\n".join(thread)
            text = joined if len(joined) <= LONGEST else summarize_thread(model, thread, LONGEST)
            found = route(model, text, [*self.policy])
            if found.confidence < SURE:
                second = vote(model, routing_messages(text), 5, 0.8).winner
                if second not in self.policy:
                    raise HandOver("no agreement")
                found = Route(second, 1.0)
            department = found.department
            record = extract(model, thread[0])
            section = self.policy[department]
            reply = verify_and_repair(model, answer_messages(text, section), answer(model, text, department, self.policy),
                                      lambda said: number_complaint(said, section), 2)
            return Outcome(department, record, reply)
        except HandOver as reason:
            return Outcome(department, record, handed_over=str(reason))
        except BudgetExceeded as reason:
            return Outcome(department, record, handed_over=str(reason))
    '''),
    Alternative("Workflow", "an inner function", other='''
        outcome, model = Outcome(), Cache(Budget(self.model, self.calls, self.tokens), self.store)

        def fill():
            whole = "\\n\\n".join(thread)
            text = summarize_thread(model, thread, LONGEST) if len(whole) > LONGEST else whole
            choice = route(model, text, list(self.policy.keys()))
            department = choice.department
            if not choice.confidence >= SURE:
                department = vote(model, routing_messages(text), samples=5, temperature=0.8).winner
            if department not in self.policy:
                raise HandOver(f"{department!r} is no department")
            outcome.department = department
            outcome.record = extract(model, thread[0])
            section = self.policy[department]
            draft = answer(model, text, department, self.policy)
            outcome.reply = verify_and_repair(model, answer_messages(text, section), draft,
                                              lambda said: number_complaint(said, section), 2)

        try:
            fill()
        except (BudgetExceeded, HandOver) as reason:
            outcome.handed_over = f"{reason}"
        return outcome
    '''),
    Mistake("Workflow", "cache inside the budget", right=STACK,
            wrong="model = Budget(Cache(self.model, self.store), self.calls, self.tokens)",
            hint="Your budget stands in front of the cache, so that remembered answers are charged. Turn the two round."),
    Mistake("Workflow", "cache forgotten each time", right=STACK, wrong="model = Cache(Budget(self.model, self.calls, self.tokens))",
            hint="Each thread gets a cache with a store of its own, which is empty. Hand `self.store` on."),
    Mistake("Workflow", "one budget for all threads", right=STACK,
            wrong='''if not hasattr(self, "budget"):
            self.budget = Budget(self.model, self.calls, self.tokens)
        model = Cache(self.budget, self.store)''',
            hint="All threads share one budget in your workflow: after the first few customers, everybody is handed over."),
    Mistake("Workflow", "no budget", right=STACK, wrong="model = Cache(self.model, self.store)",
            hint="The steps work on a model without a budget: nothing stops a ticket that needs many calls."),
    Mistake("Workflow", "budget exception escapes", right="except (HandOver, BudgetExceeded) as reason:", wrong="except HandOver as reason:",
            hint="BudgetExceeded leaves your workflow as an exception, and the customer's thread is lost with it."),
    Mistake("Workflow", "all exceptions swallowed", right="except (HandOver, BudgetExceeded) as reason:", wrong="except Exception as reason:",
            hint="You catch every exception, so that a broken provider, or a mistake in your own code, looks like a difficult ticket."),
    Mistake("Workflow", "forgets what was found", right="outcome.handed_over = str(reason)", wrong="outcome = Outcome(handed_over=str(reason))",
            hint="When a person takes over, department and record are gone, though they were found. Half of the work was done."),
    Mistake("Workflow", "not verified", right=VERIFIED, wrong="            outcome.reply = draft\n",
            hint="The draft goes out as it is: `verify_and_repair` is never called."),
    Mistake("Workflow", "one repair", right="repairs=2)", wrong="repairs=1)",
            hint="You allow one repair; two were agreed."),
    Mistake("Workflow", "no second opinion", right="if found.confidence >= SURE:", wrong="if True:",
            hint="You believe the route however unsure it is: the confidence is not looked at."),
    Mistake("Workflow", "any winner is a department", right=SECOND_OPINION, wrong="        return winner\n",
            hint="The winner of the vote is taken as it is, and 'banana' becomes a department."),
    Mistake("Workflow", "record from the summary", right="extract(model, thread[0])", wrong="extract(model, text)",
            hint="You look for the order number in the summary (or the whole thread). Summaries lose numbers; the first message is "
                 "the customer's own."),
    Mistake("Workflow", "never summarises", right="if len(text) > LONGEST:", wrong="if False:",
            hint="A long thread is never summarised: it may not fit into the model's context."),
    Mistake("Workflow", "always summarises", right="if len(text) > LONGEST:", wrong="if len(thread) > 1:",
            hint="You summarise every thread with more than one message: a call, and a loss, for nothing when it fits."),
]
