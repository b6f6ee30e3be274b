# tries: ask for input
# deserves: 4

# %%
name = input('Who are you? ')

# %%
# right
