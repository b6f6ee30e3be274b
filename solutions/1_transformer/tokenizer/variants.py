"""Right and wrong answers to the exercises of the lesson `tokenizer`."""

from grader.variants import Alternative, Mistake

VARIANTS = [
    # -------------------------------------------------------------------------------------------------------------- split
    Alternative("split", "finditer, contractions spelt out", other="""
        word = f"[{LETTER}]+"
        number = f"[{NUMBER}]+"
        other = f"[^{SPACE}{LETTER}{NUMBER}]+"
        space = f"[{SPACE}]"
        words = [f" ?{kind}" for kind in (word, number, other)]
        spaces = [f"{space}+(?![^{SPACE}])", f"{space}+"]
        pattern = re.compile("|".join(["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", *words, *spaces]))
        return [match.group() for match in pattern.finditer(text)]
    """),
    Alternative("split", "character by character", other="""
        def kind(character):
            if character.isspace() and character not in "\\x1c\\x1d\\x1e\\x1f":
                return "space"
            first = category(character)[0]
            return first if first in "LN" else "other"

        pieces = []
        start = 0
        while start < len(text):
            contraction = re.compile("'(?:[stmd]|re|ve|ll)").match(text, start)
            if contraction:
                end = contraction.end()
            else:
                body = start
                if text[start] == " " and start + 1 < len(text) and kind(text[start + 1]) != "space":
                    body = start + 1
                end = body
                while end < len(text) and kind(text[end]) == kind(text[body]):
                    end += 1
                if kind(text[body]) == "space" and end < len(text) and end - start > 1:
                    end -= 1
            pieces.append(text[start:end])
            start = end
        return pieces
    """),
    Mistake("split", "look-ahead forgotten",
        right="|[{SPACE}]+(?![^{SPACE}])", wrong="",
        hint="Your runs of white space swallow the last space, too, so that a word after two spaces loses the one that belongs to it. "
             "What does the look-ahead in GPT-2's expression leave over?",
        spoils=("Tokenizer",)),
    Mistake("split", "Python's own classes",
        wrong=r"""
        pattern = r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\w\s]|_)+|\s+(?!\S)|\s+"
        return re.findall(pattern, text)
        """,
        hint="For English your expression is right. But what Python calls \\w and \\d is not what Unicode calls letters and numbers: ², ½ "
             "and Ⅳ become letters. Use the classes that are given."),
    Mistake("split", "Python's white space",
        wrong=r"""
        pattern = (
            rf"'(?:s|t|re|ve|m|ll|d)| ?[{LETTER}]+| ?[{NUMBER}]+| ?[^\s{LETTER}{NUMBER}]+"
            r"|\s+(?!\S)|\s+"
        )
        return re.findall(pattern, text)
        """,
        hint="Letters and numbers are right. White space is Python's \\s, which takes the control characters U+001C to U+001F for white "
             "space. Unicode does not, and GPT-2's expression follows Unicode."),
    Mistake("split", "ASCII letters only",
        wrong=r"""
        pattern = (
            rf"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+| ?[^{SPACE}A-Za-z0-9]+"
            rf"|[{SPACE}]+(?![^{SPACE}])|[{SPACE}]+"
        )
        return re.findall(pattern, text)
        """,
        hint="Your letters are those of English. In `größer` or `привет` all characters are letters, too, and for you they are "
             "punctuation.",
        spoils=("train", "Tokenizer")),
    Mistake("split", "contractions in capitals",
        right="'(?:s|t|re|ve|m|ll|d)|", wrong="'(?i:s|t|re|ve|m|ll|d)|",
        hint="You cut off 'S and 'LL as well. That would be sensible, but GPT-2's expression has small letters only, and ids have to be the "
             "same as everybody's."),
    Mistake("split", "contractions tried last",
        wrong="""
        pattern = (
            rf" ?[{LETTER}]+| ?[{NUMBER}]+| ?[^{SPACE}{LETTER}{NUMBER}]+"
            rf"|[{SPACE}]+(?![^{SPACE}])|[{SPACE}]+|'(?:s|t|re|ve|m|ll|d)"
        )
        return re.findall(pattern, text)
        """,
        hint="Your contractions never get their turn: of several alternatives the first one that fits is taken, and the apostrophe fits "
             "the one for other characters.",
        spoils=("Tokenizer",)),
    Mistake("split", "a capturing group",
        right="'(?:s|t|re|ve|m|ll|d)|", wrong="'(s|t|re|ve|m|ll|d)|",
        hint="With a capturing group in the pattern, `re.findall` gives what the *group* has matched, not the whole match: mostly nothing. "
             "How is a group written that only groups?",
        spoils=("train", "Tokenizer", "encode_stream")),
    Mistake("split", "white space among the others",
        right="[^{SPACE}{LETTER}{NUMBER}]+", wrong="[^{LETTER}{NUMBER}]+",
        hint="Your 'other characters' are everything that is neither letter nor number: white space, too. So a comma takes the space "
             "after it along, and the word loses it.",
        spoils=("train", "Tokenizer")),
    Mistake("split", "space not taken along",
        wrong="""
        pattern = (
            rf"'(?:s|t|re|ve|m|ll|d)|[{LETTER}]+|[{NUMBER}]+|[^{SPACE}{LETTER}{NUMBER}]+"
            rf"|[{SPACE}]+(?![^{SPACE}])|[{SPACE}]+"
        )
        return re.findall(pattern, text)
        """,
        hint="You make each space a pre-token of its own. In GPT-2's expression a word may begin with one space: ` ?` stands before "
             "three of the alternatives. It saves nearly half of all tokens.",
        spoils=("train", "Tokenizer")),
    Mistake("split", "any white space taken along",
        wrong="""
        pattern = (
            rf"'(?:s|t|re|ve|m|ll|d)|[{SPACE}]?[{LETTER}]+|[{SPACE}]?[{NUMBER}]+|[{SPACE}]?[^{SPACE}{LETTER}{NUMBER}]+"
            rf"|[{SPACE}]+(?![^{SPACE}])|[{SPACE}]+"
        )
        return re.findall(pattern, text)
        """,
        hint="Your words take a line break or a tab along, too. Only the plain space goes with the word after it; other white space stands "
             "alone.",
        spoils=("train", "Tokenizer")),
    Mistake("split", "last alternative forgotten",
        right="(?![^{SPACE}])|[{SPACE}]+\"", wrong="(?![^{SPACE}])\"",
        hint="Characters get lost: a single line break before a word fits none of your alternatives, and `re.findall` silently skips what "
             "does not fit. What is the last alternative of GPT-2's expression for?",
        spoils=("Tokenizer", "encode_stream")),

    # -------------------------------------------------------------------------------------------------------- count_pairs
    Alternative("count_pairs", "zip and get", other="""
        counts = {}
        for word in words:
            for pair in zip(word, word[1:]):
                counts[pair] = counts.get(pair, 0) + words[word]
        return counts
    """),
    Alternative("count_pairs", "a Counter by index", other="""
        totals = Counter()
        for pieces, number in words.items():
            for i in range(len(pieces) - 1):
                totals[(pieces[i], pieces[i + 1])] += number
        return totals
    """),
    Alternative("count_pairs", "a defaultdict of sums", other="""
        counts = defaultdict(int)
        for pieces, n in words.items():
            for pair, places in Counter(pairwise(pieces)).items():
                counts[pair] += n * places
        return counts
    """),
    Mistake("count_pairs", "occurrences ignored",
        right="counts[pair] += occurrences", wrong="counts[pair] += 1",
        hint="You count each different word once, and not as often as it occurs. `the` stands in Shakespeare some 24,000 times, and each of "
             "them holds (h, e)."),
    Mistake("count_pairs", "once a word",
        right="for pair in pairwise(pieces):", wrong="for pair in set(pairwise(pieces)):",
        hint="A pair that stands in a word twice counts once with you: `banana` holds (a, n) twice. Each place counts."),
    Mistake("count_pairs", "overlaps left out",
        wrong="""
        counts = Counter()
        for pieces, occurrences in words.items():
            i = 0
            while i + 1 < len(pieces):
                counts[pieces[i], pieces[i + 1]] += occurrences
                i += 2 if pieces[i] == pieces[i + 1] else 1
        return dict(counts)
        """,
        hint="You count a·a·a as one (a, a), because only one merge fits in. That is thoughtful, but not the convention: each place where "
             "the pair stands counts, also when places overlap."),
    Mistake("count_pairs", "every other neighbour",
        right="for pair in pairwise(pieces):", wrong="for pair in zip(pieces[::2], pieces[1::2]):",
        hint="You cut the word into pairs: in l·o·w·e you see lo and we, but not ow. Each piece but the last has a right neighbour."),
    Mistake("count_pairs", "order ignored",
        right="counts[pair] += occurrences", wrong="counts[tuple(sorted(pair))] += occurrences",
        hint="You take (e, r) and (r, e) for the same pair. They make different tokens: left and right matter."),
    Mistake("count_pairs", "last pair forgotten",
        right="for pair in pairwise(pieces):", wrong="for pair in pairwise(pieces[:-1]):",
        hint="Your count ends one place too early: the last piece of each word is never the right one of a pair."),
    Mistake("count_pairs", "bytes instead of pieces",
        right="for pair in pairwise(pieces):", wrong="for pair in pairwise([b\"%c\" % byte for byte in b\"\".join(pieces)]):",
        hint="You count neighbouring bytes. At the beginning these are the pieces, but after a merge they are not: in l·o·w·e·st the "
             "neighbours of the last pair are e and st."),
    Mistake("count_pairs", "joined keys",
        right="counts[pair] += occurrences", wrong="counts[b\"\".join(pair)] += occurrences",
        hint="Your keys are joined bytes. From `abc` nobody can tell any more whether it is (a, bc) or (ab, c), and these are different "
             "pairs."),

    # -------------------------------------------------------------------------------------------------------------- merge
    Alternative("merge", "a stack and a flag", other="""
        merged = []
        may_join = False
        for piece in pieces:
            if may_join and (merged[-1], piece) == pair:
                merged[-1] += piece
                may_join = False
            else:
                merged.append(piece)
                may_join = True
        return tuple(merged)
    """),
    Alternative("merge", "an iterator", other="""
        left, right = pair
        rest = list(reversed(pieces))
        merged = ()
        while rest:
            piece = rest.pop()
            if piece == left and rest and rest[-1] == right:
                piece = piece + rest.pop()
            merged += (piece,)
        return merged
    """),
    Mistake("merge", "first occurrence only",
        wrong="""
        for i in range(len(pieces) - 1):
            if pieces[i : i + 2] == pair:
                return pieces[:i] + (pieces[i] + pieces[i + 1],) + pieces[i + 2 :]
        return pieces
        """,
        hint="You stop after the first occurrence. In b·a·n·a·n the pair (a, n) stands twice, and both become an.",
        spoils=("train",)),
    Mistake("merge", "from right to left",
        wrong="""
        merged = []
        i = len(pieces)
        while i > 0:
            if pieces[max(i - 2, 0) : i] == pair:
                merged.append(pieces[i - 2] + pieces[i - 1])
                i -= 2
            else:
                merged.append(pieces[i - 1])
                i -= 1
        return tuple(reversed(merged))
        """,
        hint="You go from right to left. It shows only where places overlap: a·a·a becomes a·aa with you. The convention is from left to "
             "right, aa·a.",
        spoils=("train", "encode_word")),
    Mistake("merge", "joined bytes compared",
        right="if pieces[i : i + 2] == pair:", wrong="if b\"\".join(pieces[i : i + 2]) == b\"\".join(pair) and i + 1 < len(pieces):",
        hint="You compare joined bytes: for the pair (a, bc) you also merge ab·c. It gives the same letters, but it is another pair, which "
             "may never have been learnt."),
    Mistake("merge", "right piece used twice",
        right="            i += 2\n", wrong="            i += 1\n",
        hint="After a merge you move on by one piece only, so the right half of the pair turns up again behind it: bytes are doubled.",
        spoils=("train", "encode_word", "Tokenizer")),
    Mistake("merge", "last piece lost",
        right="while i < len(pieces):", wrong="while i < len(pieces) - 1:",
        hint="Your loop ends when only one piece is left, and that piece gets lost. It has no right neighbour, but it belongs to the word.",
        spoils=("train", "encode_word", "Tokenizer")),
    Mistake("merge", "overlaps share a piece",
        wrong="""
        merged = []
        for i in range(len(pieces)):
            if pieces[i : i + 2] == pair:
                merged.append(pieces[i] + pieces[i + 1])
            elif i == 0 or pieces[i - 1 : i + 1] != pair:
                merged.append(pieces[i])
        return tuple(merged)
        """,
        hint="Where places overlap you merge both: a·a·a becomes aa·aa, with a byte too many. What is merged is used up.",
        spoils=("train", "encode_word", "Tokenizer")),
    Mistake("merge", "a list",
        wrong="""
        merged = []
        i = 0
        while i < len(pieces):
            step = 2 if tuple(pieces[i : i + 2]) == pair else 1
            merged.append(b"".join(pieces[i : i + step]))
            i += step
        return merged
        """,
        hint="You give a list. The pieces of a word are the key of a dict, and a list cannot be one. And a slice of a list never equals a "
             "pair, which is a tuple.",
        spoils=("encode_word",)),

    # -------------------------------------------------------------------------------------------------------------- train
    Alternative("train", "max instead of a heap", other="""
        frequency = Counter(split(text))
        words = [(n, tuple(bytes([b]) for b in word.encode("utf-8"))) for word, n in frequency.items()]
        counts, places = {}, {}
        for number, (n, pieces) in enumerate(words):
            for pair in zip(pieces, pieces[1:]):
                counts[pair] = counts.get(pair, 0) + n
                places.setdefault(pair, set()).add(number)
        result = []
        while len(result) < merges and counts:
            best = max(counts, key=lambda pair: (counts[pair], pair))
            result.append(best)
            for number in list(places[best]):
                n, old = words[number]
                new = merge(old, best)
                words[number] = (n, new)
                for pair in zip(old, old[1:]):
                    counts[pair] -= n
                    places[pair].discard(number)
                    if counts[pair] == 0:
                        del counts[pair]
                for pair in zip(new, new[1:]):
                    counts[pair] = counts.get(pair, 0) + n
                    places.setdefault(pair, set()).add(number)
            if progress:
                progress()
        return result
    """),
    Alternative("train", "an entry for each change", other="""
        words = Counter(split(text))
        now = {word: [bytes((b,)) for b in word.encode()] for word in words}
        counts, index, heap, made = defaultdict(int), defaultdict(list), [], []

        def change(pair, by):
            counts[pair] += by
            heapq.heappush(heap, Candidate(counts[pair], pair))

        for word, n in words.items():
            for pair in pairwise(now[word]):
                counts[pair] += n
                index[pair].append(word)
        for pair, count in counts.items():
            heapq.heappush(heap, Candidate(count, pair))
        while len(made) < merges and heap:
            candidate = heapq.heappop(heap)
            best = candidate.pair
            if candidate.count <= 0 or candidate.count != counts[best]:
                continue
            made += [best]
            for word in set(index[best]):
                old = now[word]
                now[word] = new = list(merge(tuple(old), best))
                before, after = Counter(pairwise(old)), Counter(pairwise(new))
                for pair in before | after:
                    if after[pair] != before[pair]:
                        change(pair, words[word] * (after[pair] - before[pair]))
                        index[pair].append(word)
            if progress is not None:
                progress()
        return made
    """),
    Mistake("train", "ties to the smaller pair",
        wrong="""
        words = Counter(split(text))
        pieces = {word: tuple(bytes([byte]) for byte in word.encode()) for word in words}
        counts = Counter()
        holders = defaultdict(set)
        for word, occurrences in words.items():
            for pair in pairwise(pieces[word]):
                counts[pair] += occurrences
                holders[pair].add(word)
        heap = [(-count, pair) for pair, count in counts.items()]
        heapq.heapify(heap)
        made = []
        while heap and len(made) < merges:
            count, best = heapq.heappop(heap)
            if -count != counts[best]:
                continue
            made.append(best)
            changed = set()
            for word in holders.pop(best):
                before = pieces[word]
                after = pieces[word] = merge(before, best)
                for pair in pairwise(before):
                    counts[pair] -= words[word]
                for pair in pairwise(after):
                    counts[pair] += words[word]
                    holders[pair].add(word)
                changed.update(pairwise(before), pairwise(after))
            for pair in changed:
                if counts[pair] > 0:
                    heapq.heappush(heap, (-counts[pair], pair))
            if progress is not None:
                progress()
        return made
        """,
        hint="With minus the count in the heap, the largest count comes out first, but of two equal ones the *smaller* pair. The "
             "convention is the larger one."),
    Mistake("train", "a prefix taken for larger",
        wrong="""
        def entry(count, pair):
            return (-count, [[-byte for byte in piece] for piece in pair], pair)

        words = Counter(split(text))
        pieces = {word: tuple(bytes([byte]) for byte in word.encode()) for word in words}
        counts = Counter()
        holders = defaultdict(set)
        for word, occurrences in words.items():
            for pair in pairwise(pieces[word]):
                counts[pair] += occurrences
                holders[pair].add(word)
        heap = [entry(count, pair) for pair, count in counts.items()]
        heapq.heapify(heap)
        made = []
        while heap and len(made) < merges:
            count, _, best = heapq.heappop(heap)
            if -count != counts[best]:
                continue
            made.append(best)
            changed = set()
            for word in holders.pop(best):
                before = pieces[word]
                after = pieces[word] = merge(before, best)
                for pair in pairwise(before):
                    counts[pair] -= words[word]
                for pair in pairwise(after):
                    counts[pair] += words[word]
                    holders[pair].add(word)
                changed.update(pairwise(before), pairwise(after))
            for pair in changed:
                if counts[pair] > 0:
                    heapq.heappush(heap, entry(counts[pair], pair))
            if progress is not None:
                progress()
        return made
        """,
        hint="You turn the order of byte strings round by making each byte negative. That is right until one string is the beginning of "
             "another: b'a' is smaller than b'ab', and with your trick it still is."),
    Mistake("train", "ties to the first seen",
        wrong="""
        words = Counter(split(text))
        pieces = {word: tuple(bytes([byte]) for byte in word.encode()) for word in words}
        counts = Counter()
        holders = defaultdict(set)
        for word, occurrences in words.items():
            for pair in pairwise(pieces[word]):
                counts[pair] += occurrences
                holders[pair].add(word)
        made = []
        for _ in range(merges):
            best = max(counts, key=counts.get, default=None)
            if best is None or counts[best] == 0:
                break
            made.append(best)
            for word in holders.pop(best):
                before = pieces[word]
                after = pieces[word] = merge(before, best)
                for pair in pairwise(before):
                    counts[pair] -= words[word]
                for pair in pairwise(after):
                    counts[pair] += words[word]
                    holders[pair].add(word)
            if progress is not None:
                progress()
        return made
        """,
        hint="You look for the largest count only. Of several pairs with the same count, `max` takes the one that it meets first; the "
             "convention is the largest pair. What can the key give besides the count?"),
    Mistake("train", "ties by joined bytes",
        wrong="""
        words = Counter(split(text))
        pieces = {word: tuple(bytes([byte]) for byte in word.encode()) for word in words}
        counts = Counter()
        holders = defaultdict(set)
        for word, occurrences in words.items():
            for pair in pairwise(pieces[word]):
                counts[pair] += occurrences
                holders[pair].add(word)
        made = []
        for _ in range(merges):
            best = max(counts, key=lambda pair: (counts[pair], pair[0] + pair[1]), default=None)
            if best is None or counts[best] == 0:
                break
            made.append(best)
            for word in holders.pop(best):
                before = pieces[word]
                after = pieces[word] = merge(before, best)
                for pair in pairwise(before):
                    counts[pair] -= words[word]
                for pair in pairwise(after):
                    counts[pair] += words[word]
                    holders[pair].add(word)
            if progress is not None:
                progress()
        return made
        """,
        hint="You decide ties by the joined bytes, the token that would be made. The convention compares the pairs: first the left pieces, and "
             "only if these are equal the right ones. (a, z) is smaller than (ab, c), though az is larger than abc."),
    Mistake("train", "ties by visible characters",
        wrong="""
        visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
        shown = {byte: chr(byte) for byte in visible}
        shown |= {byte: chr(256 + byte) for byte in range(256) if byte not in shown}
        words = Counter(split(text))
        pieces = {word: tuple(bytes([byte]) for byte in word.encode()) for word in words}
        counts = Counter()
        holders = defaultdict(set)
        for word, occurrences in words.items():
            for pair in pairwise(pieces[word]):
                counts[pair] += occurrences
                holders[pair].add(word)
        made = []
        for _ in range(merges):
            best = max(counts, default=None, key=lambda pair: (
                counts[pair], [[shown[byte] for byte in piece] for piece in pair]))
            if best is None or counts[best] == 0:
                break
            made.append(best)
            for word in holders.pop(best):
                before = pieces[word]
                after = pieces[word] = merge(before, best)
                for pair in pairwise(before):
                    counts[pair] -= words[word]
                for pair in pairwise(after):
                    counts[pair] += words[word]
                    holders[pair].add(word)
            if progress is not None:
                progress()
        return made
        """,
        hint="You decide ties by GPT-2's visible characters, in which the space is Ġ and larger than all letters. As a byte it is 32, smaller "
             "than they. Ties go by the bytes."),
    Mistake("train", "every word counts once",
        right="words = Counter(split(text))", wrong="words = dict.fromkeys(split(text), 1)",
        hint="You have thrown away how often each word occurs: a word that stands there once weighs as much as `the`."),
    Mistake("train", "outdated entries believed",
        right="if count != counts[best]:  # out of date", wrong="if best not in holders:",
        hint="You take what comes out of the heap at its word. But the counts have changed since it was pushed: with other merges, "
             "occurrences of this pair have gone. Compare with what `counts` says now."),
    Mistake("train", "new counts not pushed",
        right="            if counts[pair] > 0:\n", wrong="            if counts[pair] > 0 and best[0] + best[1] in pair:\n",
        hint="You push the new pairs, but not the old ones whose count has *fallen*. Their entry in the heap is out of date and gets "
             "thrown away, and then they are forgotten altogether."),
    Mistake("train", "index not kept",
        right="                holders[pair].add(word)\n        ", wrong="                holders[pair]\n        ",
        hint="Your new pairs are counted, but not entered in the index: when such a pair is merged, it has no holders, and no word changes."),
    Mistake("train", "old pairs not taken off",
        right="counts[pair] -= words[word]", wrong="counts[pair] -= words[word] * (pair == best)",
        hint="You take only the merged pair off the counts. Its neighbours are gone, too: when s·t becomes st, the word holds e·s no "
             "longer."),
    Mistake("train", "all words counted anew",
        wrong="""
        words = {}
        for word, n in Counter(split(text)).items():
            words[tuple(bytes([byte]) for byte in word.encode())] = n
        made = []
        for _ in range(merges):
            counts = count_pairs(words)
            if not counts:
                break
            best = max(counts, key=lambda pair: (counts[pair], pair))
            made.append(best)
            words = {merge(pieces, best): n for pieces, n in words.items()}
            if progress is not None:
                progress()
        return made
        """,
        hint="Your merges are right, but you count all words anew for each of them: minutes for Shakespeare, days for a real corpus. Which "
             "counts can a merge change? Keep an index of the words that hold each pair."),
    Mistake("train", "every occurrence handled",
        wrong="""
        words = split(text)
        pieces = [tuple(bytes([byte]) for byte in word.encode()) for word in words]
        counts = Counter()
        holders = defaultdict(set)
        for number, word in enumerate(pieces):
            for pair in pairwise(word):
                counts[pair] += 1
                holders[pair].add(number)
        heap = [Candidate(count, pair) for pair, count in counts.items()]
        heapq.heapify(heap)
        made = []
        while heap and len(made) < merges:
            count, best = heapq.heappop(heap)
            if count != counts[best]:
                continue
            made.append(best)
            changed = set()
            for number in holders.pop(best):
                before = pieces[number]
                after = pieces[number] = merge(before, best)
                for pair in pairwise(before):
                    counts[pair] -= 1
                for pair in pairwise(after):
                    counts[pair] += 1
                    holders[pair].add(number)
                changed.update(pairwise(before), pairwise(after))
            for pair in changed:
                if counts[pair] > 0:
                    heapq.heappush(heap, Candidate(counts[pair], pair))
            if progress is not None:
                progress()
        return made
        """,
        hint="You keep the books, but for each occurrence of a word by itself: ` the` is merged 24,000 times instead of once. Count the "
             "different words first."),
    Mistake("train", "cut at spaces",
        right="words = Counter(split(text))", wrong="words = Counter(re.findall(r\"\\s?\\S+|\\s+\", text))",
        hint="You cut the text at white space only. `dog.` and `dog!` are words with you, and merges reach across the border of letters and "
             "punctuation. Which function makes pre-tokens?"),
    Mistake("train", "single occurrences left out",
        right="if count != counts[best]:  # out of date", wrong="if count != counts[best] or count < 2:",
        hint="You leave out pairs that occur only once. Some libraries do, but the docstring says: one occurrence is enough."),
    Mistake("train", "characters instead of bytes",
        right="tuple(bytes([byte]) for byte in word.encode())", wrong="tuple(character.encode() for character in word)",
        hint="You begin with characters. For English they are bytes, but é is two bytes and 猫 is three, and each of them has to be a piece "
             "of its own at the start."),
    Mistake("train", "progress not reported",
        right="            progress()", wrong="            pass",
        hint="You make the merges, but never call `progress`. Whoever waits for a long computation wants to see that it moves."),

    # -------------------------------------------------------------------------------------------------------- encode_word
    Alternative("encode_word", "the merges one after the other", other="""
        pieces = tuple(word[i : i + 1] for i in range(len(word)))
        for pair in sorted(ranks, key=lambda pair: ranks[pair]):
            pieces = merge(pieces, pair)
        return pieces
    """),
    Alternative("encode_word", "one place at a time", other="""
        pieces = [word[i : i + 1] for i in range(len(word))]
        while len(pieces) > 1:
            places = [(ranks.get((pieces[i], pieces[i + 1]), float("inf")), i) for i in range(len(pieces) - 1)]
            rank, i = min(places)
            if rank == float("inf"):
                break
            pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
        return tuple(pieces)
    """),
    Mistake("encode_word", "leftmost pair first",
        right="min(ranked, key=ranks.get)", wrong="ranked[0]",
        hint="You merge the leftmost pair that has a rank. Training did not go from left to right: it made the merge of rank 0 in all words "
             "before that of rank 1."),
    Mistake("encode_word", "longest match",
        wrong="""
        known = {left + right for left, right in ranks}
        pieces = []
        start = 0
        while start < len(word):
            end = len(word)
            while end > start + 1 and word[start:end] not in known:
                end -= 1
            pieces.append(word[start:end])
            start = end
        return tuple(pieces)
        """,
        hint="You take the longest known token at each place, as WordPiece does. BPE never looks for the longest: it repeats the merges "
             "in the order of training, and that may end in shorter tokens."),
    Mistake("encode_word", "highest rank first",
        right="min(ranked, key=ranks.get)", wrong="max(ranked, key=ranks.get)",
        hint="You merge the pair with the highest rank first: the one that training made last. Rank 0 was first."),
    Mistake("encode_word", "new pairs wait",
        wrong="""
        pieces = tuple(bytes([byte]) for byte in word)
        while ranked := sorted((pair for pair in pairwise(pieces) if pair in ranks), key=ranks.get):
            for pair in ranked:
                pieces = merge(pieces, pair)
        return pieces
        """,
        hint="You work off a whole list of pairs before you look again. But a merge makes new pairs, and one of these may have a lower "
             "rank than the next on your list. Look again after each merge."),
    Mistake("encode_word", "order of the dict",
        wrong="""
        pieces = tuple(bytes([byte]) for byte in word)
        for pair in ranks:
            pieces = merge(pieces, pair)
        return pieces
        """,
        hint="You go through the dict in its own order. It often is that of the ranks, but nothing says so: the rank is the value."),
    Mistake("encode_word", "a single merge",
        right="while ranked := [pair for pair in pairwise(pieces) if pair in ranks]:",
        wrong="if ranked := [pair for pair in pairwise(pieces) if pair in ranks]:",
        hint="You merge once. After that there are new neighbours, and some of them may have a rank, too: go on until none has.",
        spoils=("Tokenizer",)),
    Mistake("encode_word", "the most frequent in the word",
        right="min(ranked, key=ranks.get)", wrong="max(ranked, key=lambda pair: (ranked.count(pair), -ranks[pair]))",
        hint="You merge the pair that is most frequent in *this word*. Frequencies were a matter of training; what is left of them now is "
             "the rank."),
    Mistake("encode_word", "numbers instead of bytes",
        right="tuple(bytes([byte]) for byte in word)", wrong="tuple(word)",
        hint="Going through a byte string gives whole numbers, not byte strings of length one. So no pair is ever found in `ranks`.",
        spoils=("Tokenizer", "encode_stream")),

    # ------------------------------------------------------------------------------------------------------ split_special
    Alternative("split_special", "finditer", other="""
        if not special_tokens:
            return [text] * bool(text)
        pattern = re.compile("|".join(re.escape(t) for t in sorted(special_tokens, key=lambda t: -len(t))))
        parts, end = [], 0
        for match in pattern.finditer(text):
            if match.start() > end:
                parts.append(text[end : match.start()])
            parts.append(match.group())
            end = match.end()
        if end < len(text):
            parts.append(text[end:])
        return parts
    """),
    Alternative("split_special", "find the first, the longest", other="""
        parts = []
        while text:
            found = [(text.find(token), -len(token), token) for token in special_tokens if token in text]
            if not found:
                parts.append(text)
                break
            start, _, token = min(found)
            parts += [text[:start], token] if start else [token]
            text = text[start + len(token) :]
        return parts
    """),
    Mistake("split_special", "not escaped",
        right="re.escape(token) for token", wrong="token for token",
        hint="Your special tokens are read as regular expressions: the | in <|end|> means 'or', so that `<`, `end` and `>` become special.",
        spoils=("Tokenizer",)),
    Mistake("split_special", "not the longest first",
        right="sorted(special_tokens, key=len, reverse=True)", wrong="list(special_tokens)",
        hint="Of several alternatives a regular expression takes the first that fits, not the longest. If <a> stands before <a><b> in your "
             "pattern, the longer one is never found.",
        spoils=("Tokenizer",)),
    Mistake("split_special", "sorted by the alphabet",
        right="sorted(special_tokens, key=len, reverse=True)", wrong="sorted(special_tokens)",
        hint="You sort by the alphabet, and there the beginning of a word comes before the word: <a> before <a><b>. Then the shorter one "
             "always wins.",
        spoils=("Tokenizer",)),
    Mistake("split_special", "separators lost",
        right='re.split(f"({pattern})", text)', wrong='re.split(pattern, text)',
        hint="`re.split` throws the separators away, and these are your special tokens. What must the pattern have, so that it keeps them?",
        spoils=("Tokenizer", "encode_stream")),
    Mistake("split_special", "empty parts",
        right="[part for part in re.split(f\"({pattern})\", text) if part]", wrong="re.split(f\"({pattern})\", text)",
        hint="Between two neighbouring special tokens, and at the ends, `re.split` gives empty strings. No part may be empty."),
    Mistake("split_special", "no special tokens forgotten",
        right="    if not special_tokens:\n        return [text] if text else []\n", wrong="",
        hint="Without special tokens your pattern is empty, and an empty pattern fits between any two characters: the text falls into single "
             "letters.",
        spoils=("Tokenizer",)),
    Mistake("split_special", "one token after the other",
        wrong="""
        parts = [text]
        for token in sorted(special_tokens, key=len, reverse=True):
            parts = [
                piece
                for part in parts
                for piece in ([part] if part in special_tokens else re.split(f"({re.escape(token)})", part))
                if piece
            ]
        return [part for part in parts if part]
        """,
        hint="You cut out the longest special token everywhere, then the next one. When two overlap, the longer wins with you, even if the "
             "other one begins first. The search goes from left to right."),
    Mistake("split_special", "capitals ignored",
        right='re.split(f"({pattern})", text)', wrong='re.split(f"({pattern})", text, flags=re.IGNORECASE)',
        hint="You take <A> for <a>. A special token is one exact string."),

    # ---------------------------------------------------------------------------------------------------------- Tokenizer
    Alternative("Tokenizer", "nothing remembered",
        right="""                if word not in self.encoded:
                    tokens = encode_word(word.encode(), self.ranks)
                    self.encoded[word] = [self.ids[token] for token in tokens]
                ids += self.encoded[word]
""", other="""                ids.extend(self.ids[token] for token in encode_word(word.encode("utf-8"), self.ranks))
"""),
    Alternative("Tokenizer", "a dict to look ids up",
        right="""        tokens = []
        for i in ids:
            if not 0 <= i < len(self.vocabulary):
                raise ValueError(f"the id {i} is not in the vocabulary of {len(self.vocabulary)}")
            tokens.append(self.vocabulary[i])
        return b"".join(tokens).decode("utf-8", errors="replace")
""", other="""        by_id = dict(enumerate(self.vocabulary))
        text = bytearray()
        try:
            for i in ids:
                text += by_id[i]
        except KeyError as unknown:
            raise ValueError(f"no such id: {unknown}") from None
        return str(text, "utf-8", "replace")
"""),
    Alternative("Tokenizer", "special tokens looked up by bytes",
        right="            if part in self.special_ids:\n                ids.append(self.special_ids[part])\n",
        other="            if part in self.special_tokens:\n"
              "                ids.append(256 + len(self.merges) + self.special_tokens.index(part))\n"),
    Mistake("Tokenizer", "ids in another order",
        right="plain += [left + right for left, right in self.merges]", wrong="plain += sorted(left + right for left, right in self.merges)",
        hint="Your tokens are sorted. The id of what merge i makes is 256 + i: the order of the merges is the order of the ids. With any "
             "other, a model that was trained with the ids reads nonsense."),
    Mistake("Tokenizer", "special tokens first",
        right="""        self.ids = {token: i for i, token in enumerate(plain)}
        self.special_ids = {t: len(plain) + i for i, t in enumerate(self.special_tokens)}
        self.vocabulary = plain + [token.encode() for token in self.special_tokens]
""", wrong="""        self.special_ids = {t: i for i, t in enumerate(self.special_tokens)}
        self.ids = {token: len(self.special_ids) + i for i, token in enumerate(plain)}
        self.vocabulary = [token.encode() for token in self.special_tokens] + plain
""",
        hint="You put the special tokens in front, as SmolLM2 does. Then all other ids move when a special token is added. Ours come last."),
    Mistake("Tokenizer", "special tokens sorted by length",
        right="""        self.special_ids = {t: len(plain) + i for i, t in enumerate(self.special_tokens)}
        self.vocabulary = plain + [token.encode() for token in self.special_tokens]
""", wrong="""        self.special_tokens.sort(key=len, reverse=True)
        self.special_ids = {t: len(plain) + i for i, t in enumerate(self.special_tokens)}
        self.vocabulary = plain + [token.encode() for token in self.special_tokens]
""",
        hint="You number the special tokens by their length. The longest first is right for the *search*, but their ids follow the order in "
             "which they were given."),
    Mistake("Tokenizer", "special tokens taken for text",
        right="split_special(text, self.special_tokens):", wrong="[text]:",
        hint="Special tokens go through pre-tokens and merges with you, as if they were text: <|end|> becomes a handful of tokens.",
        spoils=("encode_stream",)),
    Mistake("Tokenizer", "pre-tokens before special tokens",
        right="""        for part in split_special(text, self.special_tokens):
            if part in self.special_ids:
                ids.append(self.special_ids[part])
                continue
            for word in split(part):
""", wrong="""        for word in split(text):
            if word in self.special_ids:
                ids.append(self.special_ids[word])
            else:
""",
        hint="You cut the text into pre-tokens first, and that tears special tokens to pieces: <|, end, |>. They must be cut out before "
             "anything else.",
        spoils=("encode_stream",)),
    Mistake("Tokenizer", "no pre-tokens",
        right="for word in split(part):", wrong="for word in [part]:",
        hint="You merge across the whole text. No token may reach across the border of pre-tokens: training has never seen that, and so has "
             "no model.",
        spoils=("encode_stream",)),
    Mistake("Tokenizer", "each token decoded by itself",
        right='return b"".join(tokens).decode("utf-8", errors="replace")',
        wrong='return "".join(token.decode("utf-8", errors="replace") for token in tokens)',
        hint="You decode each token by itself. The bytes of one character may be spread over several tokens, and none of these is valid UTF-8 "
             "alone: join the bytes first."),
    Mistake("Tokenizer", "decoding crashes",
        right='.decode("utf-8", errors="replace")', wrong='.decode("utf-8")',
        hint="A model may say any sequence of ids, also half a character. Your decoder raises UnicodeDecodeError then, in front of the user. "
             "How does `decode` replace what is invalid?"),
    Mistake("Tokenizer", "invalid bytes dropped",
        right='decode("utf-8", errors="replace")', wrong='decode("utf-8", errors="ignore")',
        hint="You drop invalid bytes in silence. Nobody sees then that something is missing; the docstring asks for U+FFFD."),
    Mistake("Tokenizer", "negative ids accepted",
        right="if not 0 <= i < len(self.vocabulary):", wrong="if i >= len(self.vocabulary):",
        hint="A negative index counts from the end in Python: with -1 you give the last token. But -100, say, is what many libraries put where "
             "there is no label, and it must not become text."),
    Mistake("Tokenizer", "unknown ids unchecked",
        right="""            if not 0 <= i < len(self.vocabulary):
                raise ValueError(f"the id {i} is not in the vocabulary of {len(self.vocabulary)}")
""", wrong="",
        hint="You leave unknown ids to the list: a large one raises IndexError, and a negative one silently gives a token from the end. The "
             "docstring asks for ValueError."),
    Mistake("Tokenizer", "ids gone through twice",
        right="        tokens = []\n        for i in ids:\n", wrong="        tokens = []\n        max(ids, default=0)\n        for i in ids:\n",
        hint="You go through `ids` twice. A list allows that, but a stream of ids is empty the second time, and your text too."),
    Mistake("Tokenizer", "memory shared by all",
        right="self.encoded = {}  #", wrong="self.encoded = self.__init__.__func__.__dict__.setdefault(\"encoded\", {})  #",
        hint="Your store of encoded words belongs to the class, so all tokenizers share it: the second one gives the ids of the first one's "
             "merges."),
    Mistake("Tokenizer", "special tokens left out of text",
        right="            tokens.append(self.vocabulary[i])\n", wrong="            if i < 256 + len(self.merges):\n"
              "                tokens.append(self.vocabulary[i])\n",
        hint="You leave special tokens out when decoding. Often one wants that, but it is for the caller to decide: here the text comes "
             "back complete."),

    # ------------------------------------------------------------------------------------------------------ encode_stream
    Alternative("encode_stream", "a fixed number of characters kept", other="""
        special = list(tokenizer.special_tokens)
        keep = max([len(token) for token in special] + [0])
        buffer = ""
        for chunk in chunks:
            buffer = buffer + chunk
            pieces, end = [], 0
            for part in split_special(buffer, special):
                pieces.extend([part] if part in special else split(part))
            certain = []
            for piece in pieces:
                end += len(piece)
                if end <= len(buffer) - keep:
                    certain.append(piece)
            for piece in certain[: max(0, len(certain) - 2)]:
                for i in tokenizer.encode(piece):
                    yield i
                buffer = buffer[len(piece) :]
        for i in tokenizer.encode(buffer):
            yield i
    """),
    Alternative("encode_stream", "a queue of pieces", other="""
        def pieces_of(text):
            for part in split_special(text, tokenizer.special_tokens):
                if part in tokenizer.special_tokens:
                    yield part
                else:
                    yield from split(part)

        def open_end(text):
            for start in range(max(0, len(text) - max(map(len, tokenizer.special_tokens), default=0)), len(text)):
                if any(token.startswith(text[start:]) for token in tokenizer.special_tokens):
                    return start
            return len(text)

        rest = ""
        for chunk in chunks:
            rest += chunk
            cut = open_end(rest)
            queue = list(pieces_of(rest[:cut]))
            rest = "".join(queue[-2:]) + rest[cut:]
            while len(queue) > 2:
                yield from tokenizer.encode(queue.pop(0))
        yield from tokenizer.encode(rest)
    """),
    Mistake("encode_stream", "everything read first",
        wrong="""
        yield from tokenizer.encode("".join(chunks))
        """,
        hint="Your ids are right, but you read the whole text before you give the first one. With a file of a terabyte, or a chat that is "
             "still going on, that is never. What is certain after a few chunks?"),
    Mistake("encode_stream", "a list at once",
        wrong="""
        return iter(tokenizer.encode("".join(chunks)))
        """,
        hint="You encode everything when the function is called, before anybody has asked for an id. A function with `yield` in it begins to "
             "work when the first id is asked for, and goes on only as far as it must."),
    Mistake("encode_stream", "each chunk by itself",
        wrong="""
        for chunk in chunks:
            yield from tokenizer.encode(chunk)
        """,
        hint="You encode each chunk by itself: a word that is cut by chunks becomes two. Keep back what may still change, and put the next "
             "chunk behind it."),
    Mistake("encode_stream", "only one piece kept",
        right="certain = pieces[:-2]", wrong="certain = pieces[:-1]",
        hint="You keep back the last pre-token only. Nearly always that is enough; but of `I'l` the last two are ' and l, and with one more "
             "letter they become one."),
    Mistake("encode_stream", "cut special tokens missed",
        right="        for start in range(max(0, end - longest), end):\n"
              "            if any(token.startswith(text[start:]) for token in special_tokens):\n"
              "                end = start\n                break\n",
        wrong="",
        hint="Special tokens that are cut by chunks come out as text: what stands at the end may be the beginning of one, and you take it for "
             "pre-tokens."),
    Mistake("encode_stream", "shorter special token too early",
        right="        for start in range(max(0, end - longest), end):\n"
              "            if any(token.startswith(text[start:]) for token in special_tokens):\n"
              "                end = start\n                break\n",
        wrong="        for start in range(max(0, end - longest), end):\n"
              "            rest = text[start:]\n"
              "            if rest in special_tokens:\n"
              "                yield from tokenizer.encode(text)\n"
              "                text, end = \"\", 0\n"
              "                break\n"
              "            if any(token.startswith(rest) for token in special_tokens):\n"
              "                end = start\n                break\n",
        hint="As soon as a special token is complete you give it out. But it may be the beginning of a longer one, and the longest counts."),
    Mistake("encode_stream", "the rest forgotten",
        right="    yield from tokenizer.encode(text)\n", wrong="",
        hint="What you keep back at the end never comes out: when there are no more chunks, everything is certain."),
    Mistake("encode_stream", "certain text cut anew",
        right="        for piece in certain:\n            yield from encode(piece)\n",
        wrong="        yield from encode(\"\".join(certain))\n",
        hint="You join the certain pre-tokens and have them cut again. White space at the end of that text is a single pre-token now, because "
             "the word that followed it is not there: the two line breaks in `so\\n\\nbe` become one token. Encode each by itself."),
    Mistake("encode_stream", "waits for much text",
        right="        text += chunk\n", wrong="        text += chunk\n        if len(text) < 100:\n            continue\n",
        hint="You wait until a hundred characters have come together. For a file that is fine, but in a chat nothing happens for a long "
             "time: give what is certain before you take the next chunk."),
    Mistake("encode_stream", "a chunk ahead",
        wrong="""
        special_tokens = tokenizer.special_tokens
        encode = lru_cache(100_000)(tokenizer.encode)
        longest = max(map(len, special_tokens), default=0)
        text = held = ""
        for chunk in chunks:
            text += held
            held = chunk
            end = len(text)
            for start in range(max(0, end - longest), end):
                if any(token.startswith(text[start:]) for token in special_tokens):
                    end = start
                    break
            pieces = []
            for part in split_special(text[:end], special_tokens):
                pieces += [part] if part in special_tokens else split(part)
            certain = pieces[:-2]
            text = text[sum(map(len, certain)) :]
            for piece in certain:
                yield from encode(piece)
        yield from tokenizer.encode(text + held)
        """,
        hint="You read one chunk ahead: what a chunk makes certain comes out only when the next one is there. If that one takes an hour to "
             "come, so do your ids."),
    Mistake("encode_stream", "the whole text again and again",
        wrong="""
        special_tokens = tokenizer.special_tokens
        longest = max(map(len, special_tokens), default=0)
        text, given = "", 0
        for chunk in chunks:
            text += chunk
            end = len(text)
            for start in range(max(0, end - longest), end):
                if any(token.startswith(text[start:]) for token in special_tokens):
                    end = start
                    break
            pieces = []
            for part in split_special(text[:end], special_tokens):
                pieces += [part] if part in special_tokens else split(part)
            ids = [i for piece in pieces[:-2] for i in tokenizer.encode(piece)]
            yield from ids[given:]
            given = len(ids)
        yield from tokenizer.encode(text)[given:]
        """,
        hint="Your ids are right, but with each chunk you encode the whole text from its beginning, and keep all of it. What has been given "
             "out is not needed any more: cut it off."),
]
