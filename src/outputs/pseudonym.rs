//! People by another name: the same person has the same one, and only who has the installation's secret can tell whose it is. Pure.

use crate::audit::query::Row;

/// How people are called.
#[derive(Clone)]
pub enum Names {
    /// By their names.
    Plain,
    /// By a keyed hash.
    Keyed([u8; 32]),
}

/// Bytes of a hash that are shown: no two of a school's people have the same.
const SHOWN: usize = 8;

impl Names {
    /// Names by a hash keyed with what is derived from a secret.
    #[must_use]
    pub fn keyed(secret: &[u8; 32]) -> Self {
        Self::Keyed(blake3::derive_key("usher outputs 2026-11-23 pseudonyms of people and devices", secret))
    }

    /// A record as it is sent: user and client address by their other names.
    #[must_use]
    pub fn of(&self, row: Row) -> Row {
        match self {
            Self::Plain => row,
            Self::Keyed(key) => Row { user: row.user.map(|user| other(key, "p", &user.to_lowercase())), client: other(key, "d", &row.client), ..row },
        }
    }
}

fn other(key: &[u8; 32], before: &str, name: &str) -> String {
    let hash = blake3::keyed_hash(key, format!("{before}:{name}").as_bytes());
    format!("{before}-{}", &hash.to_hex()[..2 * SHOWN])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_person_has_the_same_other_name_here_and_another_elsewhere() {
        let (Names::Keyed(ours), Names::Keyed(theirs)) = (Names::keyed(&[1; 32]), Names::keyed(&[2; 32])) else { panic!("keyed") };
        let anna = other(&ours, "p", "anna");
        assert_eq!(anna, other(&ours, "p", "anna"));
        assert!(anna.len() == 18 && !anna.contains("anna"), "{anna}");
        assert_ne!(anna, other(&ours, "p", "annb"));
        assert_ne!(anna, other(&theirs, "p", "anna"));
        assert_ne!(anna[2..], other(&ours, "d", "anna")[2..]);
    }
}
