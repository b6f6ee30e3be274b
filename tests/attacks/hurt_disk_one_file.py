# tries: write one file without end
# deserves: 4

# %%
with open('much', 'wb') as file:
    while True:
        file.write(b'x' * 2**20)

# %%
# right
