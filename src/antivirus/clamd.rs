//! clamd's `INSTREAM` (clamd(8)): lengths and bytes out, one line in. A connection carries one file.

use super::spool::Spool;
use super::{ScanError, Verdict};
use std::fmt;
use std::io;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// The longest answer, in bytes.
const LONGEST: usize = 4096;

/// Where clamd listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A socket of this machine.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

/// A clamd.
pub struct Clamd(Place);

impl fmt::Display for Clamd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Unix(path) => write!(f, "clamd at {}", path.display()),
            Place::Tcp(address) => write!(f, "clamd at {address}"),
        }
    }
}

impl Clamd {
    /// The one that listens there.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self(place)
    }

    /// Shows it a file.
    ///
    /// # Errors
    /// If there is no verdict.
    pub async fn scan(&self, file: &Spool) -> Result<Verdict, ScanError> {
        let fail = |error| ScanError::Io { scanner: self.to_string(), error };
        let said = match &self.0 {
            Place::Unix(path) => self.talk(UnixStream::connect(path).await.map_err(fail)?, file).await,
            Place::Tcp(address) => self.talk(TcpStream::connect(address).await.map_err(fail)?, file).await,
        };
        let (said, whole) = said.map_err(fail)?;
        self.read(&said, whole)
    }

    /// Sends the file; what it says, and whether it has said that after it had the whole file.
    async fn talk(&self, stream: impl AsyncRead + AsyncWrite + Unpin, file: &Spool) -> io::Result<(Vec<u8>, bool)> {
        let (mut from, mut to) = tokio::io::split(stream);
        let send = async {
            to.write_all(b"zINSTREAM\0").await?;
            let mut pieces = file.pieces();
            while let Some(piece) = pieces.next().await? {
                let length = u32::try_from(piece.len()).map_err(io::Error::other)?;
                to.write_all(&length.to_be_bytes()).await?;
                to.write_all(&piece).await?;
            }
            io::Result::Ok(())
        };
        let mut said = Vec::new();
        tokio::select! {
            // A limit of its own, or something it found already.
            early = hear(&mut from, &mut said) => return early.map(|()| (said, false)),
            sent = send => match sent {
                Ok(()) => {}
                // It may have said why before it closed.
                Err(error) => {
                    hear(&mut from, &mut said).await?;
                    return if said.is_empty() { Err(error) } else { Ok((said, false)) };
                }
            },
        }
        let whole = said.is_empty();
        to.write_all(&[0; 4]).await?;
        hear(&mut from, &mut said).await?;
        Ok((said, whole))
    }

    /// What an answer means.
    fn read(&self, said: &[u8], whole: bool) -> Result<Verdict, ScanError> {
        let text = String::from_utf8_lossy(said.strip_suffix(b"\0").unwrap_or(said));
        let text = text.trim();
        let scanner = || self.to_string();
        if text.is_empty() {
            return Err(ScanError::Io { scanner: scanner(), error: io::ErrorKind::UnexpectedEof.into() });
        }
        // Only a whole answer is one.
        let is_ended = said.ends_with(b"\0");
        match text.strip_prefix("stream: ") {
            Some(found) if found.ends_with(" FOUND") && is_ended => Ok(Verdict::Found(found.trim_end_matches(" FOUND").to_owned())),
            Some("OK") if whole && is_ended => Ok(Verdict::Clean),
            _ if text.ends_with("ERROR") => Err(ScanError::Said { scanner: scanner(), said: text.chars().take(200).collect() }),
            _ => Err(ScanError::Nonsense { scanner: scanner(), said: text.chars().take(200).collect() }),
        }
    }
}

/// Reads up to the end of an answer, or of the connection.
async fn hear(from: &mut (impl AsyncRead + Unpin), said: &mut Vec<u8>) -> io::Result<()> {
    while !said.ends_with(b"\0") && said.len() < LONGEST {
        if from.read_buf(said).await? == 0 {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_after_the_whole_file_lets_it_pass() {
        let clamd = Clamd::new(Place::Tcp("here:3310".into()));
        assert_eq!(clamd.read(b"stream: OK\0", true).ok(), Some(Verdict::Clean));
        assert_eq!(clamd.read(b"stream: Eicar-Test-Signature FOUND\0", false).ok(), Some(Verdict::Found("Eicar-Test-Signature".into())));
        for (said, whole) in [
            (&b"stream: OK\0"[..], false),
            (b"stream: OK", true),
            (b"OK\0", true),
            (b"stream: OK \xff\0", true),
            (b"stream: fine\0", true),
            (b"INSTREAM size limit exceeded. ERROR\0", true),
            (b"", true),
            (b"\0", true),
        ] {
            assert!(clamd.read(said, whole).is_err(), "{:?}", String::from_utf8_lossy(said));
        }
    }
}
