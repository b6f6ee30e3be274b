# tries: begin with a byte order mark
# deserves: 4

def broken(notebook, text):
    return "\ufeff" + text
