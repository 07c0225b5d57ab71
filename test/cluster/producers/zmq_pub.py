"""PUB, as pyzmq's guide shows it: python zmq_pub.py <address> <channel> <count> <per second>"""

import struct
import sys
import time

import zmq

address, channel, count, rate = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3]), int(sys.argv[4])
socket = zmq.Context().socket(zmq.PUB)
socket.setsockopt(zmq.SNDHWM, 0)
socket.setsockopt(zmq.LINGER, 5000)
socket.connect(address)
time.sleep(1)
started = time.monotonic()
for number in range(1, count + 1):
    socket.send_multipart([channel, str(number).encode(), struct.pack(">Q", number)])
    ahead = number / rate - (time.monotonic() - started)
    if ahead > 0:
        time.sleep(ahead)
