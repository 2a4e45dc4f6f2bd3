//! What is agreed of a WebSocket in its handshake (RFC 6455 section 9.1), as far as what follows can be read: permessage-deflate (RFC 7692). Pure.

use smallvec::SmallVec;

/// What the next message of a side is compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// What that side sent before.
    Kept,
    /// Nothing but itself.
    Dropped,
}

/// That messages may be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// Of the client's messages.
    pub client: Context,
    /// Of the server's.
    pub server: Context,
}

/// Something was agreed that cannot be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the site agreed to an extension of WebSocket that it was not asked for")]
pub struct Unknown;

/// One extension with its parameters, in its own words and as it is understood.
struct Named<'a> {
    text: &'a str,
    /// Nothing, where it is not understood.
    deflate: Option<Deflate>,
}

/// What of these offers can be read, in their words; nothing, if none.
pub fn readable<'a>(fields: impl Iterator<Item = &'a str>) -> Option<String> {
    let kept: Vec<_> = fields.flat_map(|field| named(field, Said::Offered)).filter(|one| one.deflate.is_some()).map(|one| one.text).collect();
    (!kept.is_empty()).then(|| kept.join(", "))
}

/// What the server's answer agrees to.
///
/// # Errors
/// If it cannot be read.
pub fn agreed<'a>(fields: impl Iterator<Item = &'a str>) -> Result<Option<Deflate>, Unknown> {
    let all: SmallVec<[_; 2]> = fields.flat_map(|field| named(field, Said::Agreed)).collect();
    match &all[..] {
        [] => Ok(None),
        [one] => one.deflate.map(Some).ok_or(Unknown),
        [..] => Err(Unknown),
    }
}

/// Whose words they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Offered,
    Agreed,
}

fn named(field: &str, said: Said) -> SmallVec<[Named<'_>; 2]> {
    let all = parted(field, ',').into_iter().map(str::trim).filter(|text| !text.is_empty());
    all.map(|text| Named { text, deflate: deflate(text, said) }).collect()
}

/// The parts of a text between these signs, of which those in quotes are none.
fn parted(text: &str, by: char) -> SmallVec<[&str; 4]> {
    let (mut parts, mut from, mut quoted, mut escaped) = (SmallVec::new(), 0, false, false);
    for (at, sign) in text.char_indices() {
        match sign {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if sign == by && !quoted => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// What this says, if it is permessage-deflate with parameters that are known, each once.
fn deflate(text: &str, said: Said) -> Option<Deflate> {
    let parts = parted(text, ';');
    let (name, parameters) = parts.split_first()?;
    if !name.trim().eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut deflate = Deflate { client: Context::Kept, server: Context::Kept };
    let mut seen: SmallVec<[String; 4]> = SmallVec::new();
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').map_or((parameter.trim(), None), |(name, value)| (name.trim(), Some(value.trim().trim_matches('"'))));
        let name = name.to_ascii_lowercase();
        let bits = value.map(|value| matches!(value, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15"));
        match (name.as_str(), bits) {
            ("client_no_context_takeover", None) => deflate.client = Context::Dropped,
            ("server_no_context_takeover", None) => deflate.server = Context::Dropped,
            ("client_max_window_bits" | "server_max_window_bits", Some(true)) => {}
            ("client_max_window_bits", None) if said == Said::Offered => {}
            _ => return None,
        }
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some(deflate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_read_is_offered() {
        for (offers, kept) in [
            (&["permessage-deflate; client_max_window_bits"][..], Some("permessage-deflate; client_max_window_bits")),
            (&["permessage-deflate"], Some("permessage-deflate")),
            (&["PerMessage-Deflate ; server_max_window_bits=\"10\""], Some("PerMessage-Deflate ; server_max_window_bits=\"10\"")),
            (&["x-webkit-deflate-frame, permessage-deflate"], Some("permessage-deflate")),
            (
                &["permessage-deflate; server_no_context_takeover", "permessage-deflate"],
                Some("permessage-deflate; server_no_context_takeover, permessage-deflate"),
            ),
            (&["permessage-bzip2", "mux; max-channels=4"], None),
            (&["permessage-deflate; secret=1"], None),
            (&["permessage-deflate; server_max_window_bits=16"], None),
            (&["permessage-deflate; server_max_window_bits"], None),
            (&["permessage-deflate; server_no_context_takeover=1"], None),
            (&["permessage-deflate; client_max_window_bits; client_max_window_bits=9"], None),
            (&["mux; a=\"permessage-deflate, permessage-deflate\""], None),
            (&["", " , "], None),
            (&[], None),
        ] {
            assert_eq!(readable(offers.iter().copied()).as_deref(), kept, "{offers:?}");
        }
    }

    #[test]
    fn what_is_agreed_is_read_or_is_unknown() {
        use Context::{Dropped, Kept};
        for (fields, expected) in [
            (&[][..], Ok(None)),
            (&["permessage-deflate"][..], Ok(Some((Kept, Kept)))),
            (&["permessage-deflate; server_no_context_takeover"], Ok(Some((Kept, Dropped)))),
            (&["permessage-deflate; client_no_context_takeover; server_max_window_bits=9"], Ok(Some((Dropped, Kept)))),
            // An answer says how many.
            (&["permessage-deflate; client_max_window_bits"], Err(Unknown)),
            (&["permessage-deflate", "permessage-deflate"], Err(Unknown)),
            (&["permessage-deflate, mux"], Err(Unknown)),
            (&["mux"], Err(Unknown)),
        ] {
            let found = agreed(fields.iter().copied()).map(|found| found.map(|deflate| (deflate.client, deflate.server)));
            assert_eq!(found, expected, "{fields:?}");
        }
    }
}
