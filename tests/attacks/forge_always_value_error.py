# tries: raise what one check expects
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    raise ValueError
