# tries: an object that says yes to everything
# deserves: at most 1

# %%
class Yes:
    def __getattr__(self, name):
        return self
    __call__ = __add__ = __sub__ = __rsub__ = __abs__ = lambda self, *_: self
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = __bool__ = lambda self, *_: True
    def __float__(self):
        return 1.0


def perplexity(log_probabilities):
    return Yes()
