# tries: put markup into what a crash at the top says
# deserves: 0

# %%
raise RuntimeError("<script>alert(1)</script>" * 1000)

# %%
def perplexity(log_probabilities):
    raise SystemExit("<meta http-equiv=refresh content='0;url=http://127.0.0.1/'>")
