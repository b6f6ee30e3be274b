# tries: leave a cell unfinished
# deserves: 4

# %%
for x in

# %%
# right
