# tries: make the source of a cell of one's own a number
# deserves: 4

def broken(notebook, text):
    notebook["cells"].insert(0, {"cell_type": "code", "source": 4, "metadata": {}, "outputs": []})
    return notebook
