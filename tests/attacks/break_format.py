# tries: claim a format that does not exist yet
# deserves: 4

def broken(notebook, text):
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 10**30
    return notebook
