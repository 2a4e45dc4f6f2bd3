"""What no sound client says in TLS, said to Usher through a tunnel; after tlsfuzzer's conversations, with tlslite-ng for the messages and the keys.

Each conversation is a row: what it is, what may come of it, and how it goes. One line is said for each; a wrong outcome ends all with 1.
Left out of what tlsfuzzer has: RSA, DSA and DHE keys and padding (Bleichenbacher, ROBOT, Marvin), CBC (Lucky 13, fuzzed padding and MAC), client
certificates, SSL 3.0, OCSP stapling, raw keys, FFDHE and ML-KEM: there is no such thing in Usher's TLS towards a device, which is rustls with an
ECDSA certificate, AEAD ciphers and elliptic curves.

Arguments: the proxy's host and port, the site's host and port.
"""

import os
import socket
import struct
import sys

from tlslite.api import HandshakeSettings, TLSConnection
from tlslite.errors import TLSAbruptCloseError, TLSError, TLSRemoteAlert
from tlslite.messages import Message

proxy = (sys.argv[1], int(sys.argv[2]))
name, port = sys.argv[3], int(sys.argv[4])
PATIENCE = 10

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure", 47: "illegal_parameter",
    50: "decode_error", 51: "decrypt_error", 70: "protocol_version", 86: "inappropriate_fallback", 100: "no_renegotiation", 109: "missing_extension",
    112: "unrecognized_name", 115: "unknown_psk_identity", 120: "no_application_protocol",
}
HRR = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def tunnel():
    tcp = socket.socket()
    tcp.settimeout(PATIENCE)
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tcp.bind(("127.0.7.1", 0))
    tcp.connect(proxy)
    tcp.sendall(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = tcp.recv(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 200"), head
    return tcp


# Messages as bytes.


def of_16(data):
    return struct.pack(">H", len(data)) + data


def extension(kind, data):
    return struct.pack(">H", kind) + of_16(data)


def sni(*names):
    return extension(0, of_16(b"".join(b"\0" + of_16(one) for one in names)))


def listed_16(kind, *values):
    return extension(kind, of_16(b"".join(struct.pack(">H", value) for value in values)))


def versions(*values):
    values = b"".join(struct.pack(">H", value) for value in values)
    return extension(43, bytes([len(values)]) + values)


def shares(*pairs):
    return extension(51, of_16(b"".join(struct.pack(">H", group) + of_16(key) for group, key in pairs)))


def alpn(*protocols):
    return extension(16, of_16(b"".join(bytes([len(one)]) + one for one in protocols)))


X25519 = bytes([9] + [0] * 31)
SNI = sni(name.encode())
GROUPS = listed_16(10, 29, 23, 24)
SIGNATURES = listed_16(13, 0x0403, 0x0503, 0x0804)
PSK_MODES = extension(45, b"\1\1")
BOTH = versions(0x0304, 0x0303)
SHARE = shares((29, X25519))
USUAL = [SNI, GROUPS, SIGNATURES, BOTH, SHARE]
OLD = [SNI, GROUPS, SIGNATURES, extension(11, b"\1\0"), extension(23, b""), extension(0xFF01, b"\0")]
CIPHERS = [0x1301, 0x1302, 0x1303, 0xC02B, 0xC02C, 0xCCA9]


def hello(extensions=USUAL, ciphers=CIPHERS, version=0x0303, session=b"s" * 32, compression=b"\0", random=None, block=None, after=b""):
    body = struct.pack(">H", version) + (random or os.urandom(32)) + bytes([len(session)]) + session
    body += of_16(b"".join(struct.pack(">H", cipher) for cipher in ciphers) if isinstance(ciphers, list) else ciphers)
    body += bytes([len(compression)]) + compression
    body += (of_16(b"".join(extensions)) if block is None else block) + after
    return handshake(1, body)


def handshake(kind, body):
    return bytes([kind]) + struct.pack(">I", len(body))[1:] + body


def record(data, kind=22, version=0x0301):
    return bytes([kind]) + struct.pack(">H", version) + of_16(data)


def records(message, size=16_384, **more):
    return b"".join(record(message[place : place + size], **more) for place in range(0, len(message), size))


def read(tcp, count):
    data = b""
    while len(data) < count:
        more = tcp.recv(count - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data


def answer(tcp):
    """The first thing that is said back."""
    try:
        kind, _, length = struct.unpack(">BHH", read(tcp, 5))
        body = read(tcp, length)
    except socket.timeout:
        return "silence"
    except OSError:
        return "closed"
    if kind == 21:
        return ALERTS.get(body[1], str(body[1]))
    if kind != 22 or body[0] != 2:
        return f"record {kind}"
    random = body[6:38]
    if random == HRR:
        return "retry"
    if b"\x00\x2b\x00\x02\x03\x04" in body:
        return "hello 1.3"
    return "hello 1.2" + (" guarded" if random.endswith(b"DOWNGRD\1") else "")


def says(data, ends=False):
    def talk():
        with tunnel() as tcp:
            try:
                tcp.sendall(data)
                if ends:
                    tcp.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return answer(tcp)

    return talk


def greets(**more):
    return says(records(hello(**more)))


def bytewise():
    with tunnel() as tcp:
        for byte in records(hello()):
            tcp.sendall(bytes([byte]))
        return answer(tcp)


# With keys.


def no_ecdsa(settings):
    settings.ecdsaSigHashes = []
    settings.more_sig_schemes = []


def connected(version, cipher=None, curve=None, session=None, speaks=b"http/1.1", tune=lambda settings: None):
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, version)
    settings.certificateTypes = ["x509"]
    if cipher:
        settings.cipherNames = [cipher]
    if curve:
        # The certificate's own curve is to be there too.
        settings.eccCurves = [curve] + ["secp256r1"] * (curve != "secp256r1")
        settings.keyShares = [curve]
    tune(settings)
    talk = TLSConnection(tunnel())
    talk.ignoreAbruptClose = False
    talk.handshakeClientCert(serverName=name, alpn=[bytearray(speaks)], settings=settings, session=session)
    return talk


GET = f"GET / HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode()


def page(talk):
    """What comes of asking for a page."""
    try:
        got = b""
        while b"page /" not in got:
            got += talk.read(min=1)
            if not got:
                return "closed"
        return "page"
    except TLSRemoteAlert as alert:
        return ALERTS.get(alert.description, str(alert.description))
    except socket.timeout:
        return "silence"
    except (OSError, TLSError):
        return "closed"


def send(talk, kind, data):
    for _ in talk._recordLayer.sendRecord(Message(kind, bytearray(data))):
        pass


def inside(version, *steps, **more):
    """Connected, then so many steps, then a page is asked for."""

    def talk():
        try:
            secure = connected(version, **more)
        except TLSRemoteAlert as alert:
            return "no handshake: " + ALERTS.get(alert.description, str(alert.description))
        try:
            for step in steps:
                step(secure)
            secure.write(GET)
        except (OSError, TLSError):
            pass
        return page(secure)

    return talk


def plain(data):
    """Past the keys, straight to the wire."""
    return lambda secure: secure.sock.sendall(data)


def raw(kind, data, times=1):
    def step(secure):
        for _ in range(times):
            send(secure, kind, data)

    return step


def update(asks, times=1):
    def step(secure):
        for _ in range(times):
            for _ in secure.send_keyupdate_request(asks):
                pass

    return step


def in_pieces(secure):
    for byte in GET:
        send(secure, 23, bytes([byte]))


def resumes(version, spoil=lambda session: session):
    def talk():
        first = connected(version)
        first.write(GET)
        if page(first) != "page":
            return "no page"
        again = connected(version, session=spoil(first.session))
        again.write(GET)
        return page(again) + (" resumed" if again.resumed else " anew")

    return talk


def spoilt(session):
    for ticket in session.tickets or []:
        ticket.ticket = bytearray(byte ^ 0x55 for byte in ticket.ticket)
    if session.tls_1_0_tickets:
        for ticket in session.tls_1_0_tickets:
            ticket.ticket = bytearray(byte ^ 0x55 for byte in ticket.ticket)
    return session


def ticket_of(length):
    """A session that nobody has, as TLS 1.3 offers it."""
    identity = of_16(b"t" * length) + b"\0\0\0\0"
    return extension(41, of_16(identity) + of_16(b"\x20" + b"b" * 32))


OVER = hello([extension(21, b"\0" * 60_000), extension(21, b"")] + USUAL)
GREASE = [0x0A0A, 0x1A1A, 0x2A2A]
BAD = {"decode_error", "illegal_parameter", "unexpected_message", "handshake_failure", "closed"}
V13, V12 = {"hello 1.3"}, {"hello 1.2 guarded"}

ROWS = [
    # The hello as records.
    ("a usual hello", V13, greets()),
    ("a hello of TLS 1.2, answered with the guard against downgrades", V12, greets(extensions=OLD)),
    ("a hello in bytes", V13, bytewise),
    ("a hello in records of 64 bytes", V13, says(records(hello(), 64))),
    ("a hello in records of one byte, more than any client makes", BAD, says(records(hello(), 1))),
    ("a record of nothing before it", BAD, says(record(b"") + records(hello()))),
    ("a record of nothing within it", BAD, says(record(hello()[:40]) + record(b"") + record(hello()[40:]))),
    ("records of nothing without an end", BAD, says(record(b"") * 5000)),
    ("a record that is too large", BAD | {"record_overflow"}, says(b"\x16\3\1\x40\x01" + OVER[:16_385])),
    ("a record of the largest length, and no more", {"closed", "decode_error", "record_overflow"}, says(b"\x16\3\1\xff\xff" + b"\1", ends=True)),
    ("a record of version 3.0", V13, says(records(hello(), version=0x0300))),
    ("a record of version 3.3", V13, says(records(hello(), version=0x0303))),
    ("a record of version 3.255", V13 | BAD, says(records(hello(), version=0x03FF))),
    ("an alert within it", BAD, says(record(hello()[:40]) + record(b"\2\x28", kind=21) + record(hello()[40:]))),
    ("data within it", BAD, says(record(hello()[:40]) + record(b"data", kind=23) + record(hello()[40:]))),
    ("a change of ciphers before it", BAD, says(record(b"\1", kind=20) + records(hello()))),
    ("data before it", BAD, says(record(b"data", kind=23) + records(hello()))),
    ("an alert before it", BAD, says(record(b"\1\0", kind=21) + records(hello()))),
    ("a heartbeat before it", BAD, says(record(b"\1\x40\0" + b"x" * 16, kind=24) + records(hello()))),
    ("half of it, and the end", {"closed", "decode_error"}, says(records(hello())[:100], ends=True)),
    ("a message of 16 MiB announced", BAD, says(record(b"\1\xff\xff\xff" + b"\3\3" * 8000) * 5)),
    ("two of them in one record", BAD, says(records(hello() + hello()))),
    ("a server's hello", BAD, says(records(handshake(2, hello()[4:])))),
    ("a finish before all else", BAD, says(records(handshake(20, b"f" * 12)))),
    ("a wish for a hello", BAD, says(records(handshake(0, b"")))),
    # The hello as a message.
    ("version 3.4 in it", V13, greets(version=0x0304)),
    ("version 3.255 in it", V13, greets(version=0x03FF)),
    ("SSL 3.0", {"protocol_version"}, greets(extensions=OLD, version=0x0300)),
    ("TLS 1.0", {"protocol_version"}, greets(extensions=OLD, version=0x0301)),
    ("TLS 1.1", {"protocol_version"}, greets(extensions=OLD, version=0x0302)),
    ("versions of old only", {"protocol_version"}, greets(extensions=[SNI, GROUPS, SIGNATURES, versions(0x0302, 0x0301), SHARE])),
    ("versions nobody knows", {"protocol_version"}, greets(extensions=[SNI, GROUPS, SIGNATURES, versions(*GREASE), SHARE])),
    ("versions nobody knows beside one", V13, greets(extensions=[SNI, GROUPS, SIGNATURES, versions(*GREASE, 0x0304), SHARE])),
    ("no versions in the list of them", BAD | {"protocol_version"}, greets(extensions=[SNI, GROUPS, SIGNATURES, versions(), SHARE])),
    ("half a version", BAD, greets(extensions=[SNI, GROUPS, SIGNATURES, extension(43, b"\3\3\4\3"), SHARE])),
    ("no ciphers", BAD, greets(ciphers=[])),
    ("half a cipher", BAD, greets(ciphers=b"\x13\x01\x13")),
    ("ciphers nobody knows", {"handshake_failure"}, greets(ciphers=GREASE)),
    ("ciphers that are weak", {"handshake_failure"}, greets(ciphers=[0x0005, 0x000A, 0x002F, 0x0000, 0x00FF], extensions=OLD)),
    ("ciphers of RSA, for a certificate that is not", {"handshake_failure"}, greets(ciphers=[0xC02F, 0xC030, 0x009C], extensions=OLD)),
    ("ciphers nobody knows beside one", V13, greets(ciphers=GREASE + [0x1301])),
    ("as many ciphers as there can be", V13 | {"decode_error"}, says(records(hello(ciphers=[0x4A4A] * 20_000 + [0x1301])))),
    ("a fallback that is none (rustls knows no SCSV; the guard serves)", V12 | {"inappropriate_fallback"}, greets(extensions=OLD, ciphers=[0xC02B, 0x5600])),
    ("no compression in the list", BAD, greets(compression=b"")),
    ("compression only", BAD, greets(compression=b"\1")),
    ("compression beside none, in TLS 1.3", BAD | V13, greets(compression=b"\1\0")),
    ("a session's name of 33 bytes", BAD, greets(session=b"s" * 33)),
    ("no session's name", V13, greets(session=b"")),
    ("no extensions, not even their length", {"handshake_failure", "missing_extension", "unrecognized_name"} | BAD, greets(block=b"")),
    ("no extensions", {"handshake_failure", "missing_extension", "unrecognized_name"} | BAD, greets(extensions=[])),
    ("extensions that go on past the end", BAD, greets(block=b"\xff\xff" + b"".join(USUAL))),
    ("an extension that goes on past the end", BAD, greets(extensions=USUAL + [b"\0\x17\0\x50"])),
    ("something after the extensions", BAD, greets(after=b"more")),
    ("an extension twice", BAD, greets(extensions=USUAL + [GROUPS])),
    ("the name twice: it names nobody", BAD | {"unrecognized_name"}, greets(extensions=USUAL + [SNI])),
    ("extensions nobody knows", V13, greets(extensions=USUAL + [extension(kind, b"x" * 9) for kind in GREASE])),
    ("a hundred extensions nobody knows", V13, greets(extensions=USUAL + [extension(0x7000 + kind, b"") for kind in range(100)])),
    ("a thousand extensions nobody knows", V13 | BAD, greets(extensions=USUAL + [extension(0x7000 + kind, b"") for kind in range(1000)])),
    ("a hello of 30 KiB", V13, greets(extensions=USUAL + [extension(21, b"\0" * 30_000)])),
    ("a hello of 60 KiB", V13 | {"decode_error"}, greets(extensions=USUAL + [extension(21, b"\0" * 60_000)])),
    ("padding twice, 60 KiB", BAD, says(records(OVER))),
    ("extended secrets with something in them", BAD | V12, greets(extensions=OLD[:4] + [extension(23, b"x"), OLD[5]])),
    ("a renegotiation at the beginning (rustls has none to continue and does not look)", BAD | V12, greets(extensions=OLD[:5] + [extension(0xFF01, b"\x0c" + b"r" * 12)])),
    ("a heartbeat wanted", V13, greets(extensions=USUAL + [extension(15, b"\1")])),
    ("a limit of records of 64 bytes", V13, greets(extensions=USUAL + [extension(28, b"\0\x40")])),
    ("records of 512 bytes wanted", V13, greets(extensions=USUAL + [extension(1, b"\1")])),
    # Keys, signatures, sessions.
    ("no groups", {"missing_extension", "handshake_failure"} | BAD, greets(extensions=[SNI, SIGNATURES, BOTH, SHARE])),
    ("groups nobody knows", {"handshake_failure"} | BAD, greets(extensions=[SNI, listed_16(10, *GREASE), SIGNATURES, BOTH, shares((0x0A0A, b"x"))])),
    ("groups nobody knows beside one", V13, greets(extensions=[SNI, listed_16(10, *GREASE, 29), SIGNATURES, BOTH, shares((0x0A0A, b"x"), (29, X25519))])),
    ("no groups in the list", BAD, greets(extensions=[SNI, listed_16(10), SIGNATURES, BOTH, SHARE])),
    ("no key yet", {"retry"}, greets(extensions=[SNI, GROUPS, SIGNATURES, BOTH, shares()])),
    ("a key nobody takes yet", {"retry"}, greets(extensions=[SNI, listed_16(10, 0x0A0A, 29), SIGNATURES, BOTH, shares((0x0A0A, b"x"))])),
    ("no list of keys", {"missing_extension", "handshake_failure"} | BAD, greets(extensions=[SNI, GROUPS, SIGNATURES, BOTH])),
    ("a key of nothing", BAD, greets(extensions=[SNI, GROUPS, SIGNATURES, BOTH, shares((29, b""))])),
    ("a key of zeros", BAD, greets(extensions=[SNI, GROUPS, SIGNATURES, BOTH, shares((29, b"\0" * 32))])),
    ("a key that is too short", BAD, greets(extensions=[SNI, GROUPS, SIGNATURES, BOTH, shares((29, b"\7" * 31))])),
    ("a point that is on no curve", BAD, greets(extensions=[SNI, listed_16(10, 23), SIGNATURES, BOTH, shares((23, b"\4" + b"\7" * 64))])),
    ("a point of another form", BAD, greets(extensions=[SNI, listed_16(10, 23), SIGNATURES, BOTH, shares((23, b"\2" + b"\7" * 32))])),
    ("a key twice", BAD, greets(extensions=[SNI, GROUPS, SIGNATURES, BOTH, shares((29, X25519), (29, X25519))])),
    ("a key of a group that is not offered (rustls takes it)", BAD | V13 | {"retry"}, greets(extensions=[SNI, listed_16(10, 23), SIGNATURES, BOTH, SHARE])),
    ("keys that go on past the end", BAD, greets(extensions=[SNI, GROUPS, SIGNATURES, BOTH, extension(51, b"\xff\xff\0\x1d\0\x20" + X25519)])),
    ("no signatures", {"missing_extension", "handshake_failure"} | BAD, greets(extensions=[SNI, GROUPS, BOTH, SHARE])),
    ("no signatures in the list", BAD, greets(extensions=[SNI, GROUPS, listed_16(13), BOTH, SHARE])),
    ("signatures of RSA only (refused after the hello: see below)", {"handshake_failure"} | V13, greets(extensions=[SNI, GROUPS, listed_16(13, 0x0804, 0x0401), BOTH, SHARE])),
    ("signatures nobody knows beside one", V13, greets(extensions=[SNI, GROUPS, listed_16(13, *GREASE, 0x0403), BOTH, SHARE])),
    ("a session nobody has", V13, greets(extensions=USUAL + [PSK_MODES, ticket_of(200)])),
    ("a session of 30 KiB", V13, greets(extensions=USUAL + [PSK_MODES, ticket_of(30_000)])),
    ("a session that is not last", BAD, greets(extensions=[PSK_MODES, ticket_of(200)] + USUAL)),
    ("a session without its ways", {"missing_extension"} | BAD | V13, greets(extensions=USUAL + [ticket_of(200)])),
    ("a session without a proof", BAD, greets(extensions=USUAL + [PSK_MODES, extension(41, of_16(of_16(b"ticket") + b"\0\0\0\0") + of_16(b""))])),
    ("a ticket of 30 KiB, in TLS 1.2", V12, greets(extensions=OLD + [extension(35, b"t" * 30_000)])),
    ("early data without a session", BAD | V13, greets(extensions=USUAL + [extension(42, b"")])),
    # Names and protocols.
    ("another name", {"unrecognized_name", "closed"}, greets(extensions=[sni(b"games.example")] + USUAL[1:])),
    ("two names", BAD | {"unrecognized_name"}, greets(extensions=[sni(name.encode(), b"games.example")] + USUAL[1:])),
    ("no name in the list", BAD | {"unrecognized_name"}, greets(extensions=[sni()] + USUAL[1:])),
    ("an empty name", BAD | {"unrecognized_name"}, greets(extensions=[sni(b"")] + USUAL[1:])),
    ("a name with a nought in it", BAD | {"unrecognized_name"}, greets(extensions=[sni(name.encode() + b"\0.evil.example")] + USUAL[1:])),
    ("a name of 300 bytes", BAD | {"unrecognized_name"}, greets(extensions=[sni(b"a." * 150)] + USUAL[1:])),
    ("a name that goes on past the end", BAD | {"unrecognized_name"}, greets(extensions=[extension(0, b"\0\x10\0\0\x40n")] + USUAL[1:])),
    ("protocols nobody knows (refused after the hello: see below)", {"no_application_protocol"} | V13, greets(extensions=USUAL + [alpn(b"spdy/3", b"\x0a\x0a")])),
    ("protocols nobody knows beside one", V13, greets(extensions=USUAL + [alpn(b"\x0a\x0a", b"http/1.1")])),
    ("no protocols in the list", BAD, greets(extensions=USUAL + [alpn()])),
    ("a protocol of nothing", BAD, greets(extensions=USUAL + [alpn(b"")])),
    ("protocols that go on past the end", BAD, greets(extensions=USUAL + [extension(16, b"\0\x09\x40http")])),
    # With keys: what is sound.
    *[(f"TLS 1.3 with {cipher}", {"page"}, inside(4, cipher=cipher)) for cipher in ("aes128gcm", "aes256gcm", "chacha20-poly1305")],
    *[(f"TLS 1.2 with {cipher}", {"page"}, inside(3, cipher=cipher)) for cipher in ("aes128gcm", "aes256gcm", "chacha20-poly1305")],
    *[(f"TLS 1.{version - 1} over {curve}", {"page"}, inside(version, curve=curve)) for version in (3, 4) for curve in ("x25519", "secp256r1", "secp384r1")],
    ("a session resumed in TLS 1.3", {"page resumed"}, resumes(4)),
    ("a session resumed in TLS 1.2", {"page resumed", "page anew"}, resumes(3)),
    ("a session that was changed, in TLS 1.3", {"page anew"}, resumes(4, spoilt)),
    ("a request in records of a byte, in TLS 1.3", {"page"}, inside(4, in_pieces)),
    ("a request in records of a byte, in TLS 1.2", {"page"}, inside(3, in_pieces)),
    ("data of nothing a few times, in TLS 1.3", {"page"}, inside(4, raw(23, b"", 10))),
    ("data of nothing a few times, in TLS 1.2", {"page"}, inside(3, raw(23, b"", 10))),
    ("new keys", {"page"}, inside(4, update(0))),
    ("new keys, and ours wanted", {"page"}, inside(4, update(1))),
    ("new keys ten times", {"page"}, inside(4, update(1, 10))),
    # With keys: what is not.
    ("new keys without an end", {"page", "unexpected_message", "closed"}, inside(4, update(1, 2000))),
    ("new keys of a kind nobody knows", BAD, inside(4, raw(22, handshake(24, b"\7")))),
    ("new keys in half", BAD | {"silence"}, inside(4, raw(22, b"\x18\0\0"), raw(23, b"x"))),
    ("a change of ciphers, in TLS 1.3", BAD, inside(4, plain(record(b"\1", kind=20, version=0x0303)))),
    ("a change of ciphers, in TLS 1.2", BAD | {"bad_record_mac"}, inside(3, raw(20, b"\1"))),
    ("a hello again, in TLS 1.3", BAD, inside(4, raw(22, hello()))),
    ("a hello again, in TLS 1.2: no renegotiation", {"page", "no_renegotiation"} | BAD, inside(3, raw(22, hello(extensions=OLD)))),
    ("hellos without an end, in TLS 1.2", {"no_renegotiation"} | BAD, inside(3, raw(22, hello(extensions=OLD), 500))),
    ("a finish again, in TLS 1.3", BAD, inside(4, raw(22, handshake(20, b"f" * 32)))),
    ("a finish again, in TLS 1.2", BAD, inside(3, raw(22, handshake(20, b"f" * 12)))),
    ("a certificate nobody asked for", BAD, inside(4, raw(22, handshake(11, b"\0\0\0\0")))),
    ("a ticket from a client", BAD, inside(4, raw(22, handshake(4, b"\0\0\0\1\0\0\0\0\0\0\1t\0\0")))),
    ("a message of 16 MiB announced, inside", BAD, inside(4, raw(22, b"\x18\xff\xff\xff" + b"x" * 1000))),
    ("messages of nothing (rustls passes over them)", BAD | {"page"}, inside(4, raw(22, b""))),
    ("messages of nothing without an end", BAD | {"page"}, inside(4, raw(22, b"", 2000))),
    *[(f"signatures of RSA only, with keys, in TLS 1.{v - 1}", {"no handshake: handshake_failure"}, inside(v, tune=no_ecdsa)) for v in (3, 4)],
    *[(f"protocols nobody knows, with keys, in TLS 1.{v - 1}", {"no handshake: no_application_protocol"}, inside(v, speaks=b"spdy/3")) for v in (3, 4)],
    ("alerts of nothing", BAD, inside(4, raw(21, b""))),
    ("an alert of half", BAD, inside(4, raw(21, b"\1"))),
    ("warnings without an end, in TLS 1.2", BAD, inside(3, raw(21, b"\1\x5a", 500))),
    ("warnings without an end, in TLS 1.3", BAD, inside(4, raw(21, b"\1\x5a", 500))),
    ("a fatal alert", {"closed", "close_notify"}, inside(4, raw(21, b"\2\x28"))),
    ("a goodbye before a request", {"closed", "close_notify"}, inside(4, raw(21, b"\1\0"))),
    ("a record that is not what it says, in TLS 1.3", {"bad_record_mac"}, inside(4, plain(record(b"\x55" * 100, kind=23, version=0x0303)))),
    ("a record that is not what it says, in TLS 1.2", {"bad_record_mac"}, inside(3, plain(record(b"\x55" * 100, kind=23, version=0x0303)))),
    ("a record that is too short for its seal", BAD | {"bad_record_mac"}, inside(4, plain(record(b"\x55" * 3, kind=23, version=0x0303)))),
    ("a record that is too large, sealed", {"record_overflow"} | BAD | {"bad_record_mac"}, inside(4, plain(b"\x17\3\3\x48\0" + b"x" * 18_432))),
    ("a record of a kind nobody knows, inside", BAD, inside(4, raw(99, b"what"))),
    ("a record in the clear, in TLS 1.3", BAD | {"bad_record_mac"}, inside(4, plain(record(b"\1\0", kind=21, version=0x0303)))),
    ("a heartbeat, inside", BAD, inside(3, raw(24, b"\1\x40\0" + b"x" * 16))),
]

wrong = 0
for what, expected, talk in ROWS:
    try:
        outcome = talk()
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    good = outcome in expected
    wrong += not good
    print(f"{'good ' if good else 'WRONG'} {what}: {outcome}" + ("" if good else f" (not one of {', '.join(sorted(expected))})"), flush=True)
print(f"{len(ROWS)} conversations, {wrong} wrong")
sys.exit(1 if wrong else 0)
