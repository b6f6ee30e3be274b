# tries: make metadata a text
# deserves: 4

def broken(notebook, text):
    notebook["metadata"] = "none"
    for cell in notebook["cells"]:
        cell["metadata"] = "none"
    return notebook
