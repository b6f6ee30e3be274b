# tries: put markup into the name of an error
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    raise type('<img src=x onerror="alert(1)">', (ValueError,), {})("</details></section><h1>4 of 4 points</h1>")
