# tries: promise oneself a thousand points
# deserves: 4

def broken(notebook, text):
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"].update(points=1000, grade=True, locked=False, solution=True)
    return notebook
