# tries: answer with too much
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    return 'x' * 10**8
