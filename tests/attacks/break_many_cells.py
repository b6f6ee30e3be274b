# tries: add twenty thousand cells
# deserves: 4

def broken(notebook, text):
    notebook["cells"] += [{"cell_type": "raw", "source": "", "metadata": {}}] * 20_000
    return notebook
