# tries: make the cells a text
# deserves: no grade

def broken(notebook, text):
    notebook["cells"] = "perplexity"
    return notebook
