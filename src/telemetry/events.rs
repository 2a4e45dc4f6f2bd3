//! One struct an event. ERROR: a person must act. WARN: recovered. INFO: an administrator's action done. DEBUG: the rest.

use super::light::Light;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use tracing::{debug, error, info, warn};

/// The log cannot be written; requests are refused until it can.
pub struct LogFailed<'a> {
    /// The database.
    pub path: &'a Path,
    /// What the database said.
    pub error: &'a str,
}

impl LogFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(path = %self.path.display(), error = self.error, "the log cannot be written: requests are refused until it can be");
    }
}

/// The certificate authority cannot be used.
pub struct AuthorityUnusable<'a> {
    /// Why not.
    pub error: &'a str,
}

impl AuthorityUnusable<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = self.error, "the certificate authority cannot be used");
    }
}

/// What is known of programs that take no certificate but a site's own cannot be read or written.
pub struct PinsUnusable<'a> {
    /// Why not.
    pub error: &'a dyn std::fmt::Display,
}

impl PinsUnusable<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "what is known of programs that take no certificate but a site's own cannot be kept");
    }
}

/// What is remembered of the hellos of programs cannot be kept.
pub struct HellosNotKept<'a> {
    /// Why not.
    pub error: &'a std::io::Error,
}

impl HellosNotKept<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(error = %self.error, "what is known of how browsers connect cannot be kept in the data folder: after a start it is learnt anew, which takes days");
    }
}

/// A program was found that does not take the school's certificate at a site.
pub struct PinFound<'a> {
    /// The site.
    pub host: &'a dyn std::fmt::Display,
    /// The program.
    pub program: &'a dyn std::fmt::Display,
    /// What becomes of it.
    pub state: &'a str,
}

impl PinFound<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(host = %self.host, program = %self.program, "a program does not take the school's certificate: {}; see: usher tls pins", self.state);
    }
}

/// A file could not be scanned for viruses.
pub struct FileUnscanned<'a> {
    /// Why not.
    pub error: &'a str,
}

impl FileUnscanned<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = self.error, "a file could not be scanned for viruses: what [antivirus] says in on_error is done; this is told once a minute");
    }
}

/// Files cannot be held until they are judged: there is no room for them.
pub struct NoRoomToHold<'a> {
    /// Why not.
    pub error: &'a std::io::Error,
    /// What there is for them in all, in MiB.
    pub most_mib: u64,
    /// What is to stay free on the disk, in MiB.
    pub free_mib: u64,
}

impl NoRoomToHold<'_> {
    /// Says so.
    pub fn emit(&self) {
        let Self { error, most_mib, free_mib } = self;
        error!(%error, most_mib, free_mib, "a file cannot be held until it is judged, and is refused: make room on the disk of the data folder, or see \
            held_files_mib and free_disk_mib under [limits] in usher.toml; this is told once a minute");
    }
}

/// The log can be written again.
pub struct LogRecovered<'a> {
    /// The database.
    pub path: &'a Path,
    /// How many requests were refused meanwhile.
    pub refused: u64,
}

impl LogRecovered<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(path = %self.path.display(), refused = self.refused, "the log can be written again");
    }
}

/// A new live file could not be begun; the full one serves on.
pub struct LogNotTurned<'a> {
    /// The new file.
    pub path: &'a Path,
    /// Why not.
    pub error: &'a str,
}

impl LogNotTurned<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(path = %self.path.display(), error = self.error, "a new file of the log cannot be begun: the last one is gone on with");
    }
}

/// A full live file could not be sealed; it is tried again, at the latest in an hour.
pub struct LogNotSealed<'a> {
    /// The live file.
    pub path: &'a Path,
    /// Why not.
    pub error: &'a str,
}

impl LogNotSealed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(path = %self.path.display(), error = self.error, "a part of the log cannot be sealed: it stays readable, and is tried again later");
    }
}

/// Something could not be put on record.
pub struct LogNotStated<'a> {
    /// What.
    pub text: &'a str,
    /// Why not.
    pub error: &'a str,
}

impl LogNotStated<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(text = self.text, error = self.error, "this could not be put on record");
    }
}

/// A sealed part of the log is damaged or gone.
pub struct SegmentWrong<'a> {
    /// Which, what is wrong with it, and what to do.
    pub what: &'a str,
}

impl SegmentWrong<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(what = self.what, "a sealed part of the log cannot be read");
    }
}

/// A sealed part of the log that was damaged or gone can be read again.
pub struct SegmentMended<'a> {
    /// Which.
    pub what: &'a str,
}

impl SegmentMended<'_> {
    /// Says so.
    pub fn emit(&self) {
        info!(what = self.what, "a sealed part of the log can be read again");
    }
}

/// Records older than the school's rules were purged.
pub struct LogPurged {
    /// How many.
    pub records: u64,
    /// Bytes that were freed.
    pub bytes: u64,
    /// How many stay because they are held.
    pub held: u64,
}

impl LogPurged {
    /// Says so.
    pub fn emit(&self) {
        info!(records = self.records, bytes = self.bytes, held = self.held, "records older than the rules of [log.keep] were purged");
    }
}

/// Records could not be purged.
pub struct LogNotPurged<'a> {
    /// Why not.
    pub error: &'a str,
}

impl LogNotPurged<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = self.error, "the log could not be purged: records are kept for longer than the rules say; it is tried again in an hour");
    }
}

/// A day's segments were merged.
pub struct LogMerged {
    /// How many.
    pub from: usize,
    /// Into how many.
    pub into: usize,
    /// Records in them.
    pub records: u64,
}

impl LogMerged {
    /// Says so.
    pub fn emit(&self) {
        info!(from = self.from, into = self.into, records = self.records, "sealed segments of the log were merged");
    }
}

/// Segments could not be merged.
pub struct LogNotMerged<'a> {
    /// Why not.
    pub error: &'a str,
}

impl LogNotMerged<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(error = self.error, "segments of the log stay unmerged: searches take longer, nothing is lost");
    }
}

/// That suppressions of alerts are over could not be put on record.
pub struct SuppressionsNotEnded<'a> {
    /// Why not.
    pub error: &'a str,
}

impl SuppressionsNotEnded<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(error = self.error, "that suppressions of alerts are over could not be put on record; they hold nothing back");
    }
}

/// An erasure was carried out, wholly or in part.
pub struct LogErased {
    /// The number of the statement that asked for it.
    pub asked: u64,
    /// How many records went so far.
    pub records: u64,
    /// How many are left.
    pub left: u64,
}

impl LogErased {
    /// Says so.
    pub fn emit(&self) {
        info!(asked = self.asked, records = self.records, left = self.left, "records were erased");
    }
}

/// What was known beside the log of a person whose records are erased was taken out.
pub struct PersonTakenOut {
    /// The number of the statement that says that the erasure is finished.
    pub erasure: u64,
    /// How many signs of alerts.
    pub signs: usize,
    /// How many first visits to new sites.
    pub first_visits: usize,
    /// Of how many days the counts.
    pub days: usize,
}

impl PersonTakenOut {
    /// Says so.
    pub fn emit(&self) {
        info!(
            erasure = self.erasure,
            signs = self.signs,
            first_visits = self.first_visits,
            days = self.days,
            "what was known of an erased person was taken out"
        );
    }
}

/// An erasure could not be carried out.
pub struct LogNotErased<'a> {
    /// Why not.
    pub error: &'a str,
}

impl LogNotErased<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = self.error, "records that are to be erased could not be: it is tried again in an hour");
    }
}

/// Policy and lists were read anew.
pub struct Reloaded {
    /// The snapshot now in force.
    pub snapshot: String,
    /// How many entries its lists hold.
    pub entries: usize,
    /// How many milliseconds it took.
    pub took_ms: u128,
}

impl Reloaded {
    /// Says so.
    pub fn emit(&self) {
        info!(snapshot = self.snapshot, entries = self.entries, took_ms = self.took_ms, "policy and lists reloaded");
    }
}

/// Policy and lists were to be read anew and could not be.
pub struct ReloadRefused<'a> {
    /// Every problem.
    pub problems: &'a str,
}

impl ReloadRefused<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!("reload refused, what was in force stays in force: {}", self.problems);
    }
}

/// Lists that another program put in force were taken up.
pub struct ListsTaken {
    /// The snapshot now in force.
    pub snapshot: String,
    /// How many entries its lists hold.
    pub entries: usize,
}

impl ListsTaken {
    /// Says so.
    pub fn emit(&self) {
        info!(snapshot = self.snapshot, entries = self.entries, "lists taken up");
    }
}

/// Whose access is restricted has changed, and is in force.
pub struct RestrictionsTaken {
    /// How many restrictions there are.
    pub in_force: usize,
}

impl RestrictionsTaken {
    /// Says so.
    pub fn emit(&self) {
        info!(in_force = self.in_force, "restrictions taken up");
    }
}

/// Whose access is restricted cannot be read, or its end not be put on record. Somebody must act: what is new holds for nobody.
pub struct RestrictionsUnread<'a> {
    /// Why.
    pub error: &'a dyn std::error::Error,
}

impl RestrictionsUnread<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "restrictions cannot be read or ended; those in force stay, new ones do not hold until this is mended");
    }
}

/// How much everybody did on a day could not be counted. It is tried again.
pub struct VolumeUncounted<'a> {
    /// Why.
    pub error: &'a dyn std::error::Error,
}

impl VolumeUncounted<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(error = %self.error, "unusual activity of a day could not be counted; it is tried again");
    }
}

/// Whose access is restricted can be read again.
pub struct RestrictionsRead;

impl RestrictionsRead {
    /// Says so.
    pub fn emit(&self) {
        warn!("restrictions can be read again");
    }
}

/// A new generation of lists was compiled and judged, and is in force.
pub struct ListsUpdated {
    /// Its number.
    pub generation: u64,
    /// How many entries it holds.
    pub entries: usize,
    /// How many milliseconds compiling and judging took.
    pub took_ms: u64,
}

impl ListsUpdated {
    /// Says so.
    pub fn emit(&self) {
        info!(generation = self.generation, entries = self.entries, took_ms = self.took_ms, "lists updated");
    }
}

/// The lists could not be updated at all.
pub struct UpdateFailed<'a> {
    /// Why.
    pub problem: &'a str,
}

impl UpdateFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!("the lists could not be updated, what was in force stays in force: {}", self.problem);
    }
}

/// A publisher's list could not be fetched, or was refused; the last good one stays.
pub struct SourceFailed<'a> {
    /// The source.
    pub source: &'a str,
    /// Why.
    pub why: &'a str,
}

impl SourceFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(source = self.source, "a list was not updated, the last good one stays: {}", self.why);
    }
}

/// A source has become a worry, or is well again.
pub struct SourceLight<'a> {
    /// The source.
    pub source: &'a str,
    /// How it stands.
    pub light: Light,
    /// Why.
    pub why: &'a str,
}

impl SourceLight<'_> {
    /// Says so, as loudly as it matters.
    pub fn emit(&self) {
        match self.light {
            Light::Green => info!(source = self.source, light = "green", "{}", self.why),
            Light::Amber => warn!(source = self.source, light = "amber", "{}", self.why),
            Light::Red => error!(source = self.source, light = "red", "{}; see: usher lists status", self.why),
        }
    }
}

/// Something about the lists that a technician should know.
pub struct ListsRemark<'a> {
    /// What.
    pub remark: &'a str,
}

impl ListsRemark<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!("{}", self.remark);
    }
}

/// The parent proxy was asked for pages it must block.
pub struct ParentChecked<'a> {
    /// What came of it.
    pub line: &'a str,
    /// How it stands.
    pub light: Light,
}

impl ParentChecked<'_> {
    /// Says so, as loudly as it matters.
    pub fn emit(&self) {
        match self.light {
            Light::Green => info!("illegal-content lists: {}", self.line),
            Light::Amber => warn!("illegal-content lists: {}", self.line),
            Light::Red => error!(critical = true, "illegal-content lists: {}", self.line),
        }
    }
}

/// Something is wrong with the illegal-content lists. Critical: whoever answers for safeguarding must be told.
pub struct IllegalTierRed<'a> {
    /// What is wrong, and what to do.
    pub why: &'a str,
}

impl IllegalTierRed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(critical = true, "illegal-content lists: RED: {}", self.why);
    }
}

/// Something that was wrong with the illegal-content lists is so no more, or another feed is in force.
pub struct IllegalTierChanged<'a> {
    /// What is now.
    pub what: &'a str,
}

impl IllegalTierChanged<'_> {
    /// Says so.
    pub fn emit(&self) {
        info!("illegal-content lists: {}", self.what);
    }
}

/// An event could not be put on record; it is tried again.
pub struct EventUnrecorded<'a> {
    /// The event.
    pub event: &'a str,
    /// What the database said.
    pub error: &'a dyn std::fmt::Display,
}

impl EventUnrecorded<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, event = self.event, "an event is not on record");
    }
}

/// The record could not be sent to an output; it is tried again, and nothing is lost meanwhile.
pub struct OutputFailed<'a> {
    /// The output.
    pub output: &'a str,
    /// What happened.
    pub error: &'a str,
}

impl OutputFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(output = self.output, "the record is not sent on for now: {}; see: usher log outputs", self.error);
    }
}

/// An output takes records again.
pub struct OutputRecovered<'a> {
    /// The output.
    pub output: &'a str,
    /// How often it was tried in vain.
    pub tries: u32,
}

impl OutputRecovered<'_> {
    /// Says so.
    pub fn emit(&self) {
        info!(output = self.output, tries = self.tries, "the record is sent on again");
    }
}

/// Nobody can be told of anything for now: the journal or the outbox cannot be used.
pub struct TellingFailed<'a> {
    /// What is wrong.
    pub error: &'a dyn std::fmt::Display,
}

impl TellingFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "nobody can be told of alerts until this is mended; it is tried again each second");
    }
}

/// People can be told again.
pub struct TellingRecovered;

impl TellingRecovered {
    /// Says so.
    pub fn emit(&self) {
        info!("alerts are told again");
    }
}

/// A message was not taken. It is tried again.
pub struct AlertNotTaken<'a> {
    /// `mail`, `hook`, `syslog` or `file`.
    pub channel: &'a str,
    /// To whom.
    pub to: &'a str,
    /// Why not.
    pub error: &'a str,
}

impl AlertNotTaken<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(channel = self.channel, to = self.to, error = self.error, "a message about an alert was not taken; it is tried again, see: usher alerts outbox");
    }
}

/// What the link of an alert leads to cannot be found out, or its use not be put on record.
pub struct LinkFailed<'a> {
    /// Why not.
    pub error: &'a dyn std::fmt::Display,
}

impl LinkFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "the link of an alert does not work for now");
    }
}

/// The pages of links cannot be served where alerts.toml has them.
pub struct LinksUnserved<'a> {
    /// Where.
    pub address: SocketAddr,
    /// Why not.
    pub error: &'a std::io::Error,
}

impl LinksUnserved<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(address = %self.address, error = %self.error, "the links in messages are answered through the proxy only; check `listen` under [links] in alerts.toml");
    }
}

/// A message is given up.
pub struct AlertGivenUp<'a> {
    /// `mail`, `hook`, `syslog` or `file`.
    pub channel: &'a str,
    /// To whom.
    pub to: &'a str,
    /// How often it was tried.
    pub tries: u32,
    /// Why it was not taken.
    pub error: &'a str,
}

impl AlertGivenUp<'_> {
    /// Says so.
    pub fn emit(&self) {
        let Self { channel, to, tries, error } = self;
        error!(channel, to, tries, error, "a message about an alert is given up; see: usher alerts outbox");
    }
}

/// A client has more connections open than one may have, or there are too many in all.
pub struct ConnectionRefused {
    /// The client.
    pub client: IpAddr,
    /// Which limit.
    pub limit: &'static str,
}

impl ConnectionRefused {
    /// Says so.
    pub fn emit(&self) {
        warn!(client = %self.client, limit = self.limit, "connection refused");
    }
}

/// A client connection ended in an error.
pub struct ConnectionEnded<'a> {
    /// The client.
    pub client: SocketAddr,
    /// What happened.
    pub error: &'a dyn std::fmt::Display,
}

impl ConnectionEnded<'_> {
    /// Says so.
    pub fn emit(&self) {
        debug!(client = %self.client, error = %self.error, "connection ended");
    }
}

/// Connections cannot be accepted, as when no file descriptors are left.
pub struct AcceptFailed<'a> {
    /// What happened.
    pub error: &'a std::io::Error,
}

impl AcceptFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "connections cannot be accepted; raise the limit of open files (LimitNOFILE) if this goes on");
    }
}

/// A worker could not be started; the others serve on.
pub struct WorkerFailed<'a> {
    /// What happened.
    pub error: &'a std::io::Error,
}

impl WorkerFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "a worker cannot serve; check the limits of threads and open files, then restart");
    }
}

/// Usher was told to stop and finishes what is under way.
pub struct Draining {
    /// Requests and tunnels still open.
    pub connections: usize,
}

impl Draining {
    /// Says so.
    pub fn emit(&self) {
        info!(connections = self.connections, "stopping: no new connections, finishing those that are open");
    }
}

/// Matters that people are to act on cannot be put on record; it is tried again each second.
pub struct AlertsFailed<'a> {
    /// Why not.
    pub error: &'a dyn std::fmt::Display,
}

impl AlertsFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "alerts cannot be put on record, and nobody is told of new ones until they can be: nothing is lost, it is tried again each second");
    }
}

/// Alerts can be put on record again.
pub struct AlertsRecovered;

impl AlertsRecovered {
    /// Says so.
    pub fn emit(&self) {
        warn!("alerts can be put on record again");
    }
}

/// The record cannot be read to look for alerts; it is tried again each second.
pub struct AlertsUnread<'a> {
    /// Why not.
    pub error: &'a dyn std::fmt::Display,
}

impl AlertsUnread<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "the record cannot be read to look for alerts: it is tried again each second");
    }
}

/// What is known of people for alerts cannot be kept; after a start it is read from the record again.
pub struct AlertsNotKept<'a> {
    /// Why not.
    pub error: &'a std::io::Error,
}

impl AlertsNotKept<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(error = %self.error, "what is known for alerts cannot be kept in the data folder: a start takes longer, nothing is lost");
    }
}

/// Nobody is told of danger, or nobody confirms that messages come; or that is mended.
pub struct NobodyTold<'a> {
    /// What is so, or was.
    pub words: &'a str,
    /// Whether it is so.
    pub is_so: bool,
}

impl NobodyTold<'_> {
    /// Says so.
    pub fn emit(&self) {
        if self.is_so {
            error!("{}; see: usher alerts health", self.words);
        } else {
            warn!("{}", self.words);
        }
    }
}

/// A regular message could not be written; it is tried again.
pub struct DigestFailed<'a> {
    /// Why not.
    pub error: &'a dyn std::fmt::Display,
}

impl DigestFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "the morning message or the week's summary cannot be written: it is tried again each minute");
    }
}
