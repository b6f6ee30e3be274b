# tries: open files without end
# deserves: 4

# %%
files = []
while True:
    files.append(open('/dev/null'))

# %%
# right
