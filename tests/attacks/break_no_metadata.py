# tries: lose the metadata of all cells
# deserves: 4

def broken(notebook, text):
    for cell in notebook["cells"]:
        cell.pop("metadata")
    return notebook
