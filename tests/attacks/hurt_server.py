# tries: leave a server behind that others can reach
# deserves: 4

# %%
import socket
left = socket.socket()
left.bind(("0.0.0.0", @FREE@))
left.listen()

# %%
# right
