"""What a gRPC client does with the server beside it; one line for each thing, and what came of it. The proxy is in its environment.

Arguments: the server, the certificate that is trusted.
"""

import queue
import sys

import grpc

address, authority = sys.argv[1:3]
credentials = grpc.ssl_channel_credentials(open(authority, "rb").read())
channel = grpc.secure_channel(address, credentials)
service = "/school.Talk/"
patience = 30


def unary(name):
    return channel.unary_unary(service + name)


def beside(name, message):
    """Over the same connection, beside what is under way."""
    return unary(name)(message, timeout=patience)


answer, call = unary("Echo").with_call(b"hello", timeout=patience, metadata=(("class", "7a"),))
print("unary:", answer, dict(call.initial_metadata())["begun"], dict(call.trailing_metadata()), call.code().name)

large = bytes(range(256)) * 1024
print("large:", unary("Large")(large, timeout=patience) == large * 3)

taken = []
for message in channel.unary_stream(service + "Count")(b"5", timeout=patience):
    taken.append(message.decode())
    beside("Tell", b"taken " + message)
print("server streaming:", *taken)


def numbered():
    for number in range(5):
        yield b"part-%d" % number
        # The server has it before there is another.
        assert beside("Ask", b"gathered %d" % number) == b"yes", number


print("client streaming:", channel.stream_unary(service + "Gather")(numbered(), timeout=patience).decode())

outbox = queue.Queue()
talk = channel.stream_stream(service + "Chat")(iter(outbox.get, None), timeout=patience)
heard = []
for word in (b"one", b"two", b"three"):
    outbox.put(word)
    heard.append(next(talk).decode())
outbox.put(None)
assert next(talk, None) is None
print("both ways:", ", ".join(heard), talk.code().name)

try:
    beside("Refuse", b"")
except grpc.RpcError as error:
    print("status:", error.code().name, error.details(), dict(error.trailing_metadata())["because"])

try:
    beside("Nothing", b"")
except grpc.RpcError as error:
    print("no such method:", error.code().name)

hanging = channel.unary_stream(service + "Hang")(b"late", timeout=1)
print("deadline known:", next(hanging).decode())
try:
    next(hanging)
except grpc.RpcError as error:
    print("deadline:", error.code().name, beside("Ask", b"gone late").decode())

hanging = channel.unary_stream(service + "Hang")(b"off")
first = next(hanging).decode()
hanging.cancel()
print("cancelled:", first, beside("Ask", b"gone off").decode(), hanging.code().name)

channel.close()
stranger = grpc.secure_channel(address, grpc.ssl_channel_credentials())
try:
    stranger.unary_unary(service + "Echo")(b"hello", timeout=3)
except grpc.RpcError as error:
    print("without the certificate:", error.code().name)
stranger.close()
