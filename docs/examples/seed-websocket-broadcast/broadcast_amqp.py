"""Broadcasts over RabbitMQ. The cluster reads it when it is started with FANFARE_AMQP_URL=amqp://guest:guest@127.0.0.1

/usr/bin/python3 broadcast_amqp.py [channel]     (Debian: python3-pika)
"""

import json
import os
import sys
import uuid

import pika

channel_name = sys.argv[1] if len(sys.argv) > 1 else "public:lobby"
url = os.environ.get("FANFARE_AMQP_URL", "amqp://guest:guest@127.0.0.1")
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.queue_declare(queue="fanfare", durable=True)
channel.basic_publish(
    exchange="",
    routing_key="fanfare",
    body=json.dumps("hello by AMQP"),
    properties=pika.BasicProperties(
        delivery_mode=2, message_id=str(uuid.uuid4()), headers={"channel": channel_name}
    ),
)
connection.close()
