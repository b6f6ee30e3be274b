# tries: draw a plot
# deserves: 4

# %%
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])
plt.title('loss')
plt.savefig('loss.png')
plt.show()

# %%
# right
