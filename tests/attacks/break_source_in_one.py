# tries: keep every source as one text, as other programs do
# deserves: 4

def broken(notebook, text):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook
