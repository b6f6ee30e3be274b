# tries: hand in a script
# deserves: no grade

def broken(notebook, text):
    return "print('4 of 4 points')"
