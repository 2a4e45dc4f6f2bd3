"""A mail server of aiosmtpd's on loopback: smtp_server.py starttls|tls CERTIFICATE KEY USER PASSWORD

Takes mail over TLS only, from who signs in. Says its port, then a line of JSON for each mail. Who is "nobody" has no mailbox.
"""

import asyncio
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# What it thinks of clients that do not trust it is no news here.
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")

mode, certificate, key, user, password = sys.argv[1:]


class Mailboxes:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "text": envelope.content.decode("utf-8"),
            "secured": session.ssl is not None or mode == "tls",
            "signed_in": session.authenticated,
        }
        print(json.dumps(mail), flush=True)
        return "250 2.0.0 Ok: queued as 4Xy1"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data.login == user.encode() and data.password == password.encode()
    # Not handled: the server itself is to answer 535.
    return AuthResult(success=right, handled=False)


async def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    settings = {"auth_required": True, "authenticator": authenticate, "hostname": "mail.school.example"}
    if mode == "starttls":
        settings |= {"tls_context": tls, "require_starttls": True}
    else:
        settings |= {"auth_require_tls": False}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Mailboxes(), **settings), "127.0.0.1", 0, ssl=tls if mode == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
