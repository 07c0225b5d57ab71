"""PUB, as pyzmq's guide shows it: python zmq_pub.py <address> <channel> <count> <per second> [<held>]

So many of the last are held until standard input ends.
"""

import struct
import sys
import time

import zmq

address, channel, count, rate = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3]), int(sys.argv[4])
held = int(sys.argv[5]) if len(sys.argv) > 5 else 0
socket = zmq.Context().socket(zmq.PUB)
socket.setsockopt(zmq.SNDHWM, 0)
socket.setsockopt(zmq.LINGER, 5000)
socket.connect(address)
time.sleep(1)
started = time.monotonic()
for number in range(1, count + 1):
    if held > 0 and number == count - held + 1:
        sys.stdin.read()
        started = time.monotonic() - number / rate
    socket.send_multipart([channel, str(number).encode(), struct.pack(">Q", number)])
    ahead = number / rate - (time.monotonic() - started)
    if ahead > 0:
        time.sleep(ahead)
