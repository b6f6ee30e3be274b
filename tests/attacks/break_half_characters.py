# tries: write half characters
# deserves: 4

def broken(notebook, text):
    notebook["metadata"]["\ud800"] = "\udfff"
    return notebook
