# tries: hand in bytes that are no text
# deserves: no grade

def broken(notebook, text):
    return b"\xff\xfe\xe9" + text.encode()
