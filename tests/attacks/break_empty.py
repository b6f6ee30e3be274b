# tries: hand in nothing
# deserves: no grade

def broken(notebook, text):
    return ""
