//! Names that stand for people where nobody has said why they look.
//!
//! A pseudonym is a keyed hash of the name: the same person has the same one as long as the installation keeps its secret, so that a listing can be
//! followed, and nobody without the secret can tell whose it is or try names against it. With a reason it is resolved by trying every name the log
//! knows. What people themselves typed into addresses and searches is not covered.

use super::query::Row;

/// Before the pseudonym of a user.
const PERSON: &str = "person-";
/// Before the pseudonym of a device.
const DEVICE: &str = "device-";
/// Characters of a pseudonym: 30 bits, so that of two thousand people no two share one but once in five hundred schools.
const LENGTH: usize = 6;
/// Crockford's base 32 in small letters: nothing that could be read as something else.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Makes pseudonyms.
pub struct Pseudonyms {
    key: [u8; 32],
}

impl Pseudonyms {
    /// Those of the installation with this secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { key: blake3::derive_key("usher 2026 the pseudonyms of people in the log", secret) }
    }

    fn digits(&self, kind: &str, name: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(kind.as_bytes()).update(name.to_lowercase().as_bytes());
        hasher.finalize().as_bytes().iter().take(LENGTH).map(|byte| char::from(DIGITS[usize::from(byte & 31)])).collect()
    }

    /// The pseudonym of a user.
    #[must_use]
    pub fn of_user(&self, name: &str) -> String {
        format!("{PERSON}{}", self.digits(PERSON, name))
    }

    /// The pseudonym of a device, by its address.
    #[must_use]
    pub fn of_client(&self, address: &str) -> String {
        format!("{DEVICE}{}", self.digits(DEVICE, address))
    }

    /// Puts pseudonyms in the place of a record's names.
    pub fn cover(&self, row: &mut Row) {
        row.user = row.user.as_deref().map(|user| self.of_user(user));
        row.client = self.of_client(&row.client);
    }

    /// Which of these users has this pseudonym.
    pub fn resolve<'n>(&self, pseudonym: &str, mut users: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        let wanted = pseudonym.to_lowercase();
        users.find(|user| self.of_user(user) == wanted)
    }
}

/// Whether a text has the form of a user's pseudonym.
#[must_use]
pub fn is_one(text: &str) -> bool {
    let text = text.to_lowercase();
    text.strip_prefix(PERSON).is_some_and(|digits| digits.len() == LENGTH && digits.bytes().all(|digit| DIGITS.contains(&digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_one_persons_and_says_nothing_without_the_secret() {
        let (here, elsewhere) = (Pseudonyms::new(&[1; 32]), Pseudonyms::new(&[2; 32]));
        let anna = here.of_user("7-anna");
        assert!(is_one(&anna), "{anna}");
        assert_eq!(here.of_user("7-ANNA"), anna);
        assert_ne!(here.of_user("7-bela"), anna);
        assert_ne!(elsewhere.of_user("7-anna"), anna);
        assert_ne!(here.of_client("7-anna").split_once('-').map(|(_, digits)| digits.to_owned()), anna.split_once('-').map(|(_, digits)| digits.to_owned()));
        assert_eq!(here.resolve(&anna.to_uppercase(), ["7-bela", "7-anna"].into_iter()), Some("7-anna"));
        assert_eq!(here.resolve(&anna, ["7-bela"].into_iter()), None);
        for other in ["person-", "person-12345", "person-1234567", "person-12345u", "j.smith", "device-123456"] {
            assert!(!is_one(other), "{other}");
        }
    }

    #[test]
    fn two_thousand_people_have_two_thousand_pseudonyms() {
        let pseudonyms = Pseudonyms::new(&[7; 32]);
        let all: std::collections::HashSet<_> = (0..2000).map(|number| pseudonyms.of_user(&format!("pupil{number}"))).collect();
        assert_eq!(all.len(), 2000);
    }
}
