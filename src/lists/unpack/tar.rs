//! The members of a tar: one header after the other, each read into a block, never as much as it says it is.

use super::{BLOCK, Budget, Each, Found, LONGEST_NAME, RefusedMember, UnpackError, alias, checked, file};
use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use tar::{EntryType, Header, PaxExtensions};

/// Whether a block is a header of tar: its checksum is right. A block of zeros is none.
pub(super) fn is_header(head: &[u8]) -> bool {
    head.get(..BLOCK).is_some_and(|block| {
        let header = header(block);
        block[0] != 0 && header.cksum().is_ok_and(|sum| sum == checksum(block))
    })
}

fn header(block: &[u8]) -> Header {
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    header
}

/// The sum of a header's bytes, its own checksum taken as spaces.
fn checksum(block: &[u8]) -> u32 {
    block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum()
}

/// What extension headers say of the next member.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Gives every member to `each`.
pub(super) fn members<E: From<UnpackError>>(mut tar: impl BufRead, budget: &Budget, each: &mut Each<'_, E>) -> Result<(), E> {
    let mut extended = Extended::default();
    while let Some(header) = next_header(&mut tar, budget)? {
        budget.count_member()?;
        let kind = header.entry_type();
        let named = extended.size.filter(|_| !is_extension(kind));
        let size = named.map_or_else(|| header.entry_size(), Ok).map_err(|error| budget.meant(error))?;
        let whole = size.checked_next_multiple_of(BLOCK as u64).ok_or(UnpackError::Truncated)?;
        let mut content = (&mut tar).take(size);
        if is_extension(kind) {
            extend(&mut extended, kind, &mut content).map_err(|error| budget.meant(error))?;
        } else {
            let path = extended.path.take().unwrap_or_else(|| header.path_bytes().into_owned());
            let link = extended.link.take().or_else(|| header.link_name_bytes().map(Cow::into_owned));
            extended = Extended::default();
            member(kind, &path, link.as_deref(), &mut content, budget, each)?;
        }
        let left = content.limit() + (whole - size);
        skip(&mut tar, left).map_err(|error| budget.meant(error))?;
    }
    // To the very end, so that what is cut short or damaged there is found too.
    io::copy(&mut tar, &mut io::sink()).map_err(|error| budget.meant(error))?;
    Ok(())
}

/// The next header, or none at the block of zeros that ends an archive. An archive without that block was cut short.
fn next_header(tar: &mut impl Read, budget: &Budget) -> Result<Option<Header>, UnpackError> {
    let mut block = [0; BLOCK];
    tar.read_exact(&mut block).map_err(|error| budget.meant(error))?;
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    if !is_header(&block) {
        return Err(UnpackError::Corrupt("a header whose checksum is wrong".to_owned()));
    }
    Ok(Some(header(&block)))
}

fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_local_extensions() || kind.is_pax_global_extensions()
}

/// Reads an extension header. One that is longer than names are is left unread, and the name that stands in the header holds.
fn extend(extended: &mut Extended, kind: EntryType, content: &mut io::Take<impl Read>) -> io::Result<()> {
    if content.limit() > LONGEST_NAME || kind.is_pax_global_extensions() {
        return Ok(());
    }
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    let text = || bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
    if kind.is_gnu_longname() {
        extended.path = Some(text());
    } else if kind.is_gnu_longlink() {
        extended.link = Some(text());
    } else {
        for extension in PaxExtensions::new(&bytes).flatten() {
            match extension.key_bytes() {
                b"path" => extended.path = Some(extension.value_bytes().to_vec()),
                b"linkpath" => extended.link = Some(extension.value_bytes().to_vec()),
                b"size" => extended.size = extension.value().ok().and_then(|size| size.parse().ok()),
                _ => {}
            }
        }
    }
    Ok(())
}

fn member<E: From<UnpackError>>(
    kind: EntryType,
    path: &[u8],
    link: Option<&[u8]>,
    content: &mut io::Take<impl BufRead>,
    budget: &Budget,
    each: &mut Each<'_, E>,
) -> Result<(), E> {
    let shown = String::from_utf8_lossy(path);
    let path = match checked(path, budget.limits.depth) {
        Ok(path) => path,
        Err(refused) => return each(Found::Refused(&shown, refused)),
    };
    if kind.is_symlink() || kind.is_hard_link() {
        // A symbolic link is seen from its own folder, a hard one from the archive's root.
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let from = if kind.is_symlink() { folder.as_str() } else { "" };
        return alias(&path, from, link.unwrap_or_default(), each);
    }
    if kind.is_dir() || path.is_empty() {
        return Ok(());
    }
    if !(kind.is_file() || kind.is_contiguous()) {
        return each(Found::Refused(&shown, RefusedMember::Special));
    }
    if content.limit() > budget.limits.member {
        return Err(UnpackError::MemberTooLarge { name: path, limit: budget.limits.member }.into());
    }
    let size = content.limit();
    file(&path, Content { inner: content, left: size, budget }, budget, each)
}

/// A member's content. The archive's end within it is an error.
struct Content<'b, R> {
    inner: R,
    left: u64,
    budget: &'b Budget,
}

impl<R: BufRead> BufRead for Content<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.inner.fill_buf()?;
        if bytes.is_empty() && self.left > 0 { Err(self.budget.break_with(UnpackError::Truncated)) } else { Ok(bytes) }
    }

    fn consume(&mut self, amount: usize) {
        self.left -= amount as u64;
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Content<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

fn skip(tar: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut tar.take(bytes), &mut io::sink())?;
    if skipped < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
