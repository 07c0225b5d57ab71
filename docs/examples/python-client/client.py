"""Prints a channel's publications, going on where it was after a lost connection.

/usr/bin/python3 client.py [channel] [event]     (Debian: python3-socketio)
"""

import os
import sys

import socketio

channel = sys.argv[1] if len(sys.argv) > 1 else "demo:sine"
event = sys.argv[2] if len(sys.argv) > 2 else "point"
client = socketio.Client()
position = None


@client.on("connect")
def on_connect():
    request = {"channel": channel}
    if position is not None:
        request["since"] = position
    client.emit("subscribe", request, callback=on_answer)


def on_answer(answer):
    if answer["ok"]:
        print("subscribed, replayed", answer["replayed"], flush=True)
    else:
        print("refused:", answer["error"]["message"], flush=True)


@client.on(event)
def on_publication(data, context, _bookmark):
    global position
    position = {"epoch": context["epoch"], "offset": context["offset"]}
    print(context["offset"], data, flush=True)


client.connect(os.environ.get("FANFARE_URL", "http://127.0.0.1:8000"))
client.wait()
