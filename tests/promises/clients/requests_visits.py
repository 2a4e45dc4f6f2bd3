"""What a program with Python requests does through the proxy; one line for each thing, and what came of it.

Arguments: the proxy, the site, the school's certificate.
"""

import hashlib
import ssl
import sys

import requests
from requests.adapters import HTTPAdapter

proxy, site, authority = sys.argv[1:4]


class Through(HTTPAdapter):
    """Goes through the proxy as a pupil's device."""

    def __init__(self, **more):
        self.more = more
        super().__init__()

    def proxy_manager_for(self, address, **more):
        return super().proxy_manager_for(address, source_address=("127.0.7.1", 0), **self.more, **more)


class Resuming(ssl.SSLContext):
    """Remembers the last session."""

    kept = None

    def wrap_socket(self, *arguments, **more):
        return super().wrap_socket(*arguments, session=self.kept, **more)


def session(trusted, **more):
    made = requests.Session()
    made.trust_env = False
    made.proxies = {"https": proxy}
    made.verify = trusted
    made.mount("https://", Through(**more))
    return made


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def parts():
    for number in range(300):
        yield bytes([number % 256]) * 10_000


with session(authority) as talk:
    answer = talk.get(site + "/", timeout=20)
    print("page:", answer.status_code, answer.text)
    answer = talk.get(site + "/moved", timeout=20)
    print("moved:", [one.status_code for one in answer.history], answer.status_code, answer.text)
    answer = talk.get(site + "/play/chess", headers={"Accept": "text/html"}, timeout=20)
    print("blocked:", answer.status_code, answer.headers["Content-Type"], "This page is blocked" in answer.text)
    answer = talk.get(site + "/play/chess", headers={"Accept": "application/json"}, timeout=20)
    print("blocked for a program:", answer.status_code, answer.headers["Content-Type"], answer.json()["kind"])
    whole = hashlib.sha256()
    size = 0
    with talk.get(site + "/much", stream=True, timeout=20) as answer:
        for part in answer.iter_content(65_536):
            whole.update(part)
            size += len(part)
    print("much:", size, whole.hexdigest()[:16])
    sent = b"".join(parts())
    answer = talk.post(site + "/form", data=sent, timeout=20)
    print("form:", answer.text == f"{len(sent)} {digest(sent)}")
    answer = talk.post(site + "/chunks", data=parts(), timeout=20)
    print("form in chunks:", answer.text == f"{len(sent)} {digest(sent)}")
    answer = talk.post(site + "/file", files={"essay": ("essay.txt", b"My summer.", "text/plain")}, timeout=20)
    print("file:", answer.status_code)
    [manager] = talk.get_adapter(site).proxy_manager.values()
    [pool] = [manager.pools[key] for key in manager.pools.keys()]
    print("connections:", pool.num_connections, "requests:", pool.num_requests)

try:
    session(True).get(site + "/", timeout=20)
except requests.exceptions.SSLError as error:
    print("without the certificate:", "certificate verify failed" in str(error))

context = Resuming(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(authority)
reused = []
for number in range(3):
    with session(authority, ssl_context=context) as talk:
        with talk.get(site + "/again", stream=True, timeout=20) as answer:
            secure = answer.raw._connection.sock
            answer.content
            reused.append(secure.session_reused)
            context.kept = secure.session
print("resumed:", reused)
