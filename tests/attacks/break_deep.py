# tries: nest lists until a reader gives up
# deserves: no grade

def broken(notebook, text):
    return "[" * 200_000
