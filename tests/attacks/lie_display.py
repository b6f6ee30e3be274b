# tries: show a script as a cell's output
# deserves: 4

# %%
from IPython.display import HTML, Javascript, display
display(HTML("<script>document.title = '4 of 4 points'</script>"), Javascript("alert(1)"))

# %%
# right
