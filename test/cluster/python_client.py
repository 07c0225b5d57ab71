"""A stock python-socketio client that says what happens to it, one JSON line each.

usage: python_client.py URL TRANSPORTS CHANNEL     TRANSPORTS is polling, websocket or both
"""

import json
import sys
import threading

import socketio

url, transports, channel = sys.argv[1:]
client = socketio.Client(reconnection_delay=0.2, reconnection_delay_max=1)


# Handlers run in threads of their own, and print writes a line's end apart from the line.
lock = threading.Lock()


def say(**fields):
    with lock:
        print(json.dumps(fields), flush=True)


@client.event
def connect():
    say(what="connect", transport=client.transport())


@client.event
def disconnect():
    say(what="disconnect")


@client.on("*")
def anything(event, *args):
    if event == "message":
        data, context, _position = args
        say(what="message", data=data, offset=context["offset"])
    else:
        say(what=event, data=args[0] if args else None)


client.connect(
    url,
    auth={"channels": [channel]},
    transports=None if transports == "both" else [transports],
    wait_timeout=10,
)
say(what="echo", answer=client.call("echo", {"n": [1, None, "ü"]}, timeout=10))
client.wait()
