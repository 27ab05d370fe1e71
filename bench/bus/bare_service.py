"""The baseline of `rpc`: a loop that answers over a blocking pika connection, and nothing else. A program.

python -m bench.bus.bare_service AMQP_URL QUEUE
"""

from __future__ import annotations

import json
import sys

import pika


def main(url: str, queue: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url + "?heartbeat=0"))
    channel = connection.channel()
    channel.queue_declare(queue, exclusive=True, auto_delete=True)
    channel.basic_qos(prefetch_count=32)

    def answer(channel, method, properties, body):  # type: ignore[no-untyped-def]
        call = json.loads(body)
        reply = json.dumps({"result": {"text": call["kwargs"]["text"]}, "error": None}).encode()
        channel.basic_publish(
            "nameko-rpc", properties.reply_to, reply, pika.BasicProperties(correlation_id=properties.correlation_id)
        )
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, answer)
    print("ready", flush=True)
    channel.start_consuming()


if __name__ == "__main__":
    main(*sys.argv[1:3])
