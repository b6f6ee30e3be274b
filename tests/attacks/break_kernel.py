# tries: name a kernel that nobody has
# deserves: 4

def broken(notebook, text):
    notebook["metadata"]["kernelspec"] = {"name": "; rm -rf ~", "language": "R", "display_name": "<b>"}
    return notebook
