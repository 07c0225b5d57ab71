"""Publishes with confirms, as pika's examples show it: python amqp_publish.py <url> <queue> <channel> <count> <per second>"""

import sys
import time

import pika

url, queue, channel_name, count, rate = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])


def open_channel():
    while True:
        try:
            channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
            channel.queue_declare(queue=queue, durable=True)
            channel.confirm_delivery()
            return channel
        except pika.exceptions.AMQPError:
            time.sleep(0.2)


channel = open_channel()
started = time.monotonic()
number = 1
while number <= count:
    properties = pika.BasicProperties(
        delivery_mode=2,
        message_id=f"{channel_name}-{number}",
        headers={"channel": channel_name},
    )
    try:
        channel.basic_publish(exchange="", routing_key=queue, body=str(number), properties=properties)
        number += 1
    except pika.exceptions.AMQPError:
        channel = open_channel()
    ahead = number / rate - (time.monotonic() - started)
    if ahead > 0:
        time.sleep(ahead)
