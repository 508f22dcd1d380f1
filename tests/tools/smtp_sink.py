"""A mail server for tests: takes mail after STARTTLS alone, prints each as a line of JSON.

    smtp_sink.py CERTIFICATE KEY [--plain]

Prints {"port": N} when it listens. With --plain it offers no STARTTLS and takes everything.
"""
import asyncio
import json
import ssl
import sys

from aiosmtpd.controller import UnthreadedController


class Sink:
    async def handle_DATA(self, server, session, envelope):
        mail = {
            "tls": session.ssl is not None,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.content.decode("utf-8"),
        }
        print(json.dumps(mail), flush=True)
        return "250 OK"


async def main():
    plain = "--plain" in sys.argv
    context = None
    if not plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    controller = UnthreadedController(
        Sink(),
        hostname="127.0.0.1",
        port=0,
        loop=asyncio.get_running_loop(),
        tls_context=context,
        require_starttls=not plain,
    )
    server = await controller._create_server()
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
