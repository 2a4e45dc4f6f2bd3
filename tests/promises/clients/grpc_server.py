"""A gRPC server that a client can ask what it has seen. Arguments: its certificate and key. It says its port, and runs until it is ended."""

import sys
import threading
from concurrent import futures

import grpc

certificate, key = (open(path, "rb").read() for path in sys.argv[1:3])
patience = 15


class Facts:
    """What has happened."""

    def __init__(self):
        self.changed = threading.Condition()
        self.known = set()

    def say(self, fact):
        with self.changed:
            self.known.add(fact)
            self.changed.notify_all()

    def wait(self, fact):
        with self.changed:
            return self.changed.wait_for(lambda: fact in self.known, patience)


facts = Facts()


def echo(request, context):
    """Says the same again, with what it was asked beside it."""
    asked = dict(context.invocation_metadata())
    context.send_initial_metadata((("begun", asked.get("class", "nobody")),))
    context.set_trailing_metadata((("ended", "well"), ("proof-bin", b"\0\xff\1")))
    return request


def tell(request, context):
    """The client has seen this."""
    facts.say(request)
    return b""


def ask(request, context):
    """Waits until this has happened."""
    return b"yes" if facts.wait(request) else b"no"


def count(request, context):
    """Each message only once the client has the one before."""
    for number in range(1, int(request) + 1):
        yield b"%d" % number
        if not facts.wait(b"taken %d" % number):
            context.abort(grpc.StatusCode.ABORTED, f"{number} was not taken")


def gather(requests, context):
    """Says of each message that it is there."""
    all_of_them = []
    for number, message in enumerate(requests):
        all_of_them.append(message)
        facts.say(b"gathered %d" % number)
    return b" ".join(all_of_them)


def chat(requests, context):
    for message in requests:
        yield b"you said " + message


def refuse(request, context):
    context.set_trailing_metadata((("because", "of the rules"),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not now: 100 % später")


def hang(request, context):
    """Until the client has gone, whose deadline is known here."""
    context.add_callback(lambda: facts.say(b"gone " + request))
    left = context.time_remaining()
    facts.say(b"begun " + request)
    yield b"no end" if left is None or left > 100_000 else b"an end"
    facts.wait(b"gone " + request)


def large(request, context):
    return request * 3


talk = grpc.method_handlers_generic_handler(
    "school.Talk",
    {
        "Echo": grpc.unary_unary_rpc_method_handler(echo),
        "Tell": grpc.unary_unary_rpc_method_handler(tell),
        "Ask": grpc.unary_unary_rpc_method_handler(ask),
        "Large": grpc.unary_unary_rpc_method_handler(large),
        "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
        "Count": grpc.unary_stream_rpc_method_handler(count),
        "Hang": grpc.unary_stream_rpc_method_handler(hang),
        "Gather": grpc.stream_unary_rpc_method_handler(gather),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
    },
)
server = grpc.server(futures.ThreadPoolExecutor(max_workers=20))
server.add_generic_rpc_handlers((talk,))
port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
server.start()
print(port, flush=True)
server.wait_for_termination()
