# tries: use magics and shell lines
# deserves: 4

# %%
%matplotlib inline
%time 1 + 1

# %%
!pip install numpy

# %%
%%bash
ls

# %%
# right
