# tries: make the page load something from outside
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    raise RuntimeError('<img src="http://127.0.0.1:@PORT@/seen"><link rel=stylesheet href=//127.0.0.1:@PORT@/seen>')
