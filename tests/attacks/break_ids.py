# tries: give all cells one id
# deserves: 4

def broken(notebook, text):
    for cell in notebook["cells"]:
        cell["id"] = "same"
    return notebook
