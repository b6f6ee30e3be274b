# tries: hand in two notebooks in one file
# deserves: no grade

def broken(notebook, text):
    return text + text
