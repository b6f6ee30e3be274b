# tries: answer with markup in the keys of what comes back
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    return {"<script src='http://127.0.0.1/x.js'></script>": {("'-alert(1)-'",): ["{{ 7 * 7 }}", "{% include 'x' %}"]}}
