# tries: turn the answer into raw text
# deserves: 4

def broken(notebook, text):
    for cell in notebook["cells"]:
        cell["cell_type"] = "raw"
    return notebook
