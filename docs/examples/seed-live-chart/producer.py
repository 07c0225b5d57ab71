"""A live graph's data, one point every 50 ms, for ever.

/usr/bin/python3 producer.py [address]     (Debian: python3-zmq)
"""

import math
import sys
import time

import zmq

address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5000"
socket = zmq.Context().socket(zmq.PUB)
socket.connect(address)

x = 0
while True:
    socket.send_json({"x": x, "y": 2.5 * (1 + math.sin(x / 10))})
    x += 1
    time.sleep(0.05)
