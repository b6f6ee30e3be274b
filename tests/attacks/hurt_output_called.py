# tries: print without end when called
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    while True:
        print('flood ' * 10**5)
