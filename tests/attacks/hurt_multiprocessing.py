# tries: start workers
# deserves: 4

# %%
import multiprocessing
multiprocessing.get_context('fork').Process(target=__import__('time').sleep, args=(1000,)).start()

# %%
# right
