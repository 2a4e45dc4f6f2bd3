//! Every limit of the proxy, in one place: sizes, counts and waits. Those a school may need to change are in `usher.toml` under `[limits]`.

use crate::body::coding;
use std::num::NonZeroU32;
use std::time::Duration;

/// The limits in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest head of a request, in bytes.
    pub head_bytes: usize,
    /// The most fields in a head.
    pub head_fields: usize,
    /// Connections open in all.
    pub connections: usize,
    /// Connections open from one client.
    pub connections_per_client: usize,
    /// Requests a second from one client, over time; `None` for no limit.
    pub requests_per_second: Option<NonZeroU32>,
    /// Requests one client may make at once beyond that.
    pub request_burst: NonZeroU32,
    /// From the first byte of a head to its last.
    pub head_time: Duration,
    /// Between requests on one connection.
    pub idle_time: Duration,
    /// Without a byte of a body, either way, or of a client reading an answer.
    pub stall_time: Duration,
    /// For a name to be resolved and a connection made.
    pub connect_time: Duration,
    /// For an origin to begin its answer.
    pub answer_time: Duration,
    /// Without a byte in a tunnel, either way.
    pub tunnel_idle_time: Duration,
    /// For open requests to finish when Usher stops.
    pub drain_time: Duration,
    /// What held files may take of the disk in all, in bytes.
    pub held_files: u64,
    /// What they leave free of it, in bytes.
    pub free_disk: u64,
    /// How far bodies are read for their words.
    pub scan: ScanLimits,
}

/// How far bodies are read for their words; `[scan]` in `usher.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    /// The most of a body that is held back until it is judged, in bytes, decoded.
    pub held: usize,
    /// How long more of a held body is waited for, each time.
    pub pause: Duration,
    /// How far content codings are undone.
    pub decode: coding::Limits,
    /// The most memory that undoing them takes, of all bodies together, in MiB.
    pub memory_mib: usize,
}

impl ScanLimits {
    /// The least memory with which a body in any coding can be read by two readers, and somebody else's beside it, in MiB.
    pub const LEAST_MEMORY_MIB: usize = 128;
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self { held: 64 << 10, pause: Duration::from_secs(2), decode: coding::Limits::default(), memory_mib: 256 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 64 * 1024,
            head_fields: 128,
            connections: 20_000,
            connections_per_client: 512,
            requests_per_second: NonZeroU32::new(200),
            request_burst: NonZeroU32::new(2000).unwrap_or(NonZeroU32::MIN),
            head_time: Duration::from_secs(15),
            idle_time: Duration::from_secs(75),
            stall_time: Duration::from_secs(60),
            connect_time: Duration::from_secs(10),
            answer_time: Duration::from_secs(120),
            tunnel_idle_time: Duration::from_secs(600),
            drain_time: Duration::from_secs(20),
            held_files: 4 << 30,
            free_disk: 1 << 30,
            scan: ScanLimits::default(),
        }
    }
}

/// The most extension bytes of one chunk (RFC 9112 section 7.1.1 asks for a limit).
pub const CHUNK_EXTENSION: usize = 256;
/// The most bytes of a trailer section.
pub const TRAILERS: usize = 16 * 1024;
/// The most bytes read from a client at a time, but for a body of known length.
pub const READ_BUFFER: usize = 8 * 1024;
/// The most bytes of a body of known length that are read at a time. One less than what hyper doubles its buffer at, which it never makes smaller again:
/// it keeps 16 KiB for each connection, where 128 KiB would be once something large was sent.
pub const BODY_READ: usize = 16 * 1024 - 1;
/// About how many bytes are kept that a client sends before its tunnel is open.
pub const EARLY_BYTES: usize = 64 * 1024;
/// Room for a hello as browsers send it, so that it is read at once.
pub const HELLO: usize = 2048;
/// For the last word to a client that is turned away at the gate.
pub const FAREWELL: Duration = Duration::from_secs(5);
/// A client that goes away so soon after our certificate, and has asked for nothing, went away from it.
pub const AT_ONCE: Duration = Duration::from_secs(1);
/// Between two times that what is new of programs that turn away is written.
pub const SAVES: Duration = Duration::from_secs(1);
/// Bytes moved at a time through a tunnel, each way. Held only while bytes move.
pub const TUNNEL_BUFFER: usize = 64 * 1024;
/// The most of one message of a WebSocket that is held back until it is whole and judged, in bytes as they came. A longer one passes as it is judged.
pub const SOCKET_HELD: usize = 16 * 1024;
/// The most that is kept of a longer one while what was read may be too much yet.
pub const SOCKET_AHEAD: usize = 64 * 1024;
/// How long a WebSocket that is ended is waited for to end its side.
pub const SOCKET_ENDS: Duration = Duration::from_secs(2);
/// Between attempts to connect to the next address of a host (RFC 8305 section 5).
pub const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// The most addresses of a host that are tried.
pub const ADDRESSES: usize = 8;
/// Names whose addresses are kept.
pub const NAMES_KEPT: usize = 50_000;
/// The least and the most time the addresses of a name are kept, whatever its records say.
pub const NAME_KEPT_LEAST: Duration = Duration::from_secs(10);
/// See [`NAME_KEPT_LEAST`].
pub const NAME_KEPT_MOST: Duration = Duration::from_secs(3600);
/// How long it is kept that a name leads nowhere.
pub const NO_NAME_KEPT: Duration = Duration::from_secs(5);
/// The largest read from an origin, and the largest head of its answer, in bytes.
pub const ORIGIN_BUFFER: usize = 48 * 1024;
/// Bytes of interim answers that wait for a client to read them: one of the largest head fits.
pub const INTERIM: usize = 64 * 1024;
/// How long an idle connection to an origin is kept.
pub const ORIGIN_IDLE: Duration = Duration::from_secs(30);
/// Idle connections kept to one origin, by a worker. A class that opens one page has more than thirty at once, and to make one anew costs more
/// with TLS, some 250 µs, than a hundred requests on it.
pub const IDLE_PER_ORIGIN: usize = 256;
/// Idle connections kept to the parent proxy, which all of them lead to.
pub const IDLE_TO_PARENT: usize = 512;
/// Idle connections kept in all.
pub const IDLE_IN_ALL: usize = 2048;
/// Requests a client may have under way on one HTTP/2 connection; and on all of them, for each connection it may have.
pub const CLIENT_STREAMS: u32 = 100;
/// See [`CLIENT_STREAMS`].
pub const STREAMS_A_CONNECTION: usize = 2;
/// Bytes of one body, and of all of them, that an HTTP/2 client may send before they are passed on.
pub const CLIENT_STREAM_WINDOW: u32 = 128 * 1024;
/// See [`CLIENT_STREAM_WINDOW`].
pub const CLIENT_CONNECTION_WINDOW: u32 = 512 * 1024;
/// The largest frame of HTTP/2 that is taken, in bytes; no smaller limit may be set (RFC 9113 section 6.5.2).
pub const FRAME: u32 = 16 * 1024;
/// Frames that are read of an HTTP/2 origin at a time, before what they brought is taken: in frames of full size 4 MiB.
pub const FRAMES_A_TURN: usize = 256;
/// Bytes of one body that are kept for a slow reader of HTTP/2.
pub const STREAM_SEND_BUFFER: usize = 64 * 1024;
/// How many times a head may be as large as `head_bytes` before it is not even read to its end.
pub const HEAD_LISTS: usize = 4;
/// Requests a client may take back before they are looked at, and such that we have reset for being wrong, before its connection ends.
pub const PENDING_RESETS: usize = 20;
/// See [`PENDING_RESETS`].
pub const RESETS_BY_US: usize = 1024;
/// Bytes of one answer, and of all of them, that an HTTP/2 origin may send before they are passed on.
pub const ORIGIN_STREAM_WINDOW: u32 = 128 * 1024;
/// See [`ORIGIN_STREAM_WINDOW`]. As much as all requests of a connection may have: those whose clients do not read hold up nobody else's.
pub const ORIGIN_CONNECTION_WINDOW: u32 = 100 * ORIGIN_STREAM_WINDOW;
/// Requests under way at once on one HTTP/2 connection to an origin, if it takes so many.
pub const SHARED_STREAMS: usize = 100;
const _: () = assert!(ORIGIN_CONNECTION_WINDOW as usize >= SHARED_STREAMS * ORIGIN_STREAM_WINDOW as usize);
/// HTTP/2 connections to one origin that requests share.
pub const SHARED_PER_ORIGIN: usize = 8;
/// Origins that are known to speak HTTP/1.1 alone, and for how long.
pub const HTTP1_KNOWN: usize = 4096;
/// See [`HTTP1_KNOWN`].
pub const HTTP1_KNOWN_FOR: Duration = Duration::from_secs(600);
/// Bytes of a body that are kept until its request is answered, to be sent again.
pub const REPLAYED: usize = 64 * 1024;
/// How often a request is sent, all in all, if its origin says that it has not looked at it.
pub const TRIES: usize = 3;
/// How long a body waits for the origin's `100 Continue` before it is sent all the same (RFC 9110 section 10.1.1).
pub const CONTINUE_WAIT: Duration = Duration::from_secs(1);
/// Passwords hashed for one client a minute. One that was right is believed for a while and not hashed again.
pub const PASSWORD_CHECKS_PER_MINUTE: u32 = 60;
/// The largest form Usher's own pages take, in bytes.
pub const OWN_FORM: usize = 16 * 1024;
/// Sites one person has gone on to past a warning, kept at a time.
pub const CONTINUED_EACH: usize = 256;
/// People of whom it is kept which sites they have gone on to past a warning.
pub const CONTINUED: usize = 50_000;
