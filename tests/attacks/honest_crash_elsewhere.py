# tries: crash in a cell that answers nothing
# deserves: 4

# %%
1 / 0

# %%
# right

# %%
undefined_name
