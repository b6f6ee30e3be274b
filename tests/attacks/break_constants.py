# tries: use constants that JSON does not have
# deserves: 4

def broken(notebook, text):
    notebook["metadata"]["x"] = [float("nan"), float("-inf")]
    return notebook
