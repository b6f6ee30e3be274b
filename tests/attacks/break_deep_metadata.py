# tries: nest metadata until a reader gives up
# deserves: no grade

def broken(notebook, text):
    return text.replace('"nbformat": 4', '"x": ' + "[" * 50_000 + "]" * 50_000 + ', "nbformat": 4')
