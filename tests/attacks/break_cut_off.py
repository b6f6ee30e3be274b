# tries: hand in half a file
# deserves: no grade

def broken(notebook, text):
    return text[: len(text) // 2]
