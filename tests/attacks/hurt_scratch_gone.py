# tries: remove the folder that it stands in
# deserves: 4

# %%
import os, shutil
shutil.rmtree(os.getcwd(), ignore_errors=True)
os.chdir('/')

# %%
# right
