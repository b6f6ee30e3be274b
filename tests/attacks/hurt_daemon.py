# tries: leave a process behind: fork twice, with a session of its own
# deserves: 4

# %%
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)

# %%
# right
