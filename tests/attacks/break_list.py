# tries: hand in a list
# deserves: no grade

def broken(notebook, text):
    return "[" + text + "]"
