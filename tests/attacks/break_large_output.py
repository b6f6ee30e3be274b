# tries: carry an output of megabytes
# deserves: 4

def broken(notebook, text):
    notebook["cells"].insert(0, {"cell_type": "code", "source": "", "metadata": {}, "execution_count": 1, "outputs": [
        {"output_type": "stream", "name": "stdout", "text": "flood " * 10**6}]})
    return notebook
