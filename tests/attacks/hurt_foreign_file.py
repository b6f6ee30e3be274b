# tries: change, empty and remove a file of somebody else's
# deserves: 4

# %%
import os, shutil
path = "@CANARY@"
for harm in (lambda: open(path, "a").write("x"), lambda: os.truncate(path, 0), lambda: os.chmod(path, 0),
             lambda: os.utime(path, (0, 0)), lambda: os.setxattr(path, "user.x", b"x"), lambda: os.rename(path, path + "x"),
             lambda: os.unlink(path), lambda: shutil.rmtree(os.path.dirname(path))):
    try:
        harm()
    except OSError:
        pass

# %%
# right
