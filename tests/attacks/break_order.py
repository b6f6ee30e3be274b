# tries: turn the cells around
# deserves: 4

def broken(notebook, text):
    notebook["cells"].reverse()
    return notebook
