# tries: serve and ask on the own machine
# deserves: 4

# %%
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
import requests
try:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    status = requests.get(f"http://127.0.0.1:{server.server_port}", timeout=1).status_code
except OSError:
    pass

# %%
# right
