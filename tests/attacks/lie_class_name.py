# tries: answer with an object whose class has markup for a name
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    return type("<iframe srcdoc='<script>alert(1)</script>'></iframe>", (), {})()
