# tries: a number that takes for ever to compare
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    return 10**5000
