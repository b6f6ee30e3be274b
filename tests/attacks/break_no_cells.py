# tries: lose all cells
# deserves: no grade

def broken(notebook, text):
    del notebook["cells"]
    return notebook
