# tries: print without end
# deserves: 4

# %%
while True:
    print('flood ' * 10**5)

# %%
# right
