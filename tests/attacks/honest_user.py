# tries: ask who and where one is
# deserves: 4

# %%
import getpass, os, pathlib, platform
getpass.getuser()
platform.platform()
os.cpu_count()
pathlib.Path.home()
done = True

# %%
# right
assert done
