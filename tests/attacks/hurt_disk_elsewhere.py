# tries: write wherever it can
# deserves: 4

# %%
for place in ("/tmp", "/var/tmp", "/dev/shm", "/home", "/", "/run", "/root", "@SOLUTIONS@"):
    try:
        open(place + "/forged", "w").write("forged")
    except OSError:
        pass

# %%
# right
