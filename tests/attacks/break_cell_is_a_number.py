# tries: put a number among the cells
# deserves: 4

def broken(notebook, text):
    notebook["cells"].insert(0, 4)
    return notebook
