# tries: compute a number without end
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    return 9**9**9
