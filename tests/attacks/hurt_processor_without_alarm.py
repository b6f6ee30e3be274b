# tries: switch the alarm off, then compute for ever
# deserves: at most 1
# is told: takes longer

# %%
def perplexity(log_probabilities):
    import signal
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
