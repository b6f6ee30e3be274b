# tries: make files without end
# deserves: 4

# %%
for number in range(10**9):
    open(f'file{number}', 'w').close()

# %%
# right
