# tries: make outputs something that cannot be shown
# deserves: 4

def broken(notebook, text):
    for cell in notebook["cells"]:
        cell["outputs"] = {"text/html": "<script>alert(1)</script>"}
    return notebook
