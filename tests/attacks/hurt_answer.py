# tries: answer with too much
# deserves: at most 1
# is told: can be sent

# %%
def perplexity(log_probabilities):
    return 'x' * 10**8
