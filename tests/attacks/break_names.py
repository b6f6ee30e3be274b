# tries: give every cell the name of the exercise
# deserves: 4

def broken(notebook, text):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "def perplexity" not in "".join(cell["source"]):
            cell["metadata"] = {"nbgrader": {"grade_id": "perplexity", "grade": True, "points": 4}}
    return notebook
