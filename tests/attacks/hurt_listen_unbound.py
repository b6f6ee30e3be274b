# tries: listen without asking for a port
# deserves: 4

# %%
import socket
left = socket.socket()
left.listen()

# %%
# right
