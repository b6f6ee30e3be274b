# tries: answer with an object in place of a number
# deserves: at most 1

# %%
class Answer:
    real = 1.0
    def __iter__(self):
        while True:
            yield 1.0


def perplexity(log_probabilities):
    return Answer()
