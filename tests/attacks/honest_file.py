# tries: save weights and load them again
# deserves: 4

# %%
import os, tempfile
import torch
torch.save({"w": torch.ones(3)}, "weights.pt")
assert torch.load("weights.pt")["w"].sum() == 3
with tempfile.TemporaryDirectory() as folder:
    open(os.path.join(folder, "note.txt"), "w").write("saved")
done = True

# %%
# right
assert done
