# tries: put a script into the message of an error
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    raise RuntimeError('</pre><script>document.title = "4 of 4 points"</script>')
