# tries: start other programs
# deserves: 4

# %%
import subprocess
subprocess.Popen(['sleep', '1000'], start_new_session=True)

# %%
# right
