//! The users of this installation: names, groups and Argon2id hashes in one file, `users.toml` in the data folder.
//!
//! A password is checked off the async threads and the answer kept for a while, so that a page of eighty requests costs one hash, also
//! when all eighty arrive at once. What is kept is a keyed digest, never the password.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io};
use tokio::sync::{OnceCell, Semaphore};

/// How long a checked password is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(300);
/// How many checked passwords are kept.
const MOST_KEPT: usize = 10_000;
/// How many passwords are hashed at once. Each takes 19 MiB and some tens of milliseconds of a core.
const HASHED_AT_ONCE: usize = 2;
/// Verified when no such user exists, so that time does not tell. Of random bytes nobody kept; to match it would prove nobody all the same.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$tvCmV+9R+ZVXfBWUm4MGCw$CzNm+/iOmuJCntlLJ6iluCru7ZQtvIMa1jHbU1nN2qM";
/// The longest user name, in bytes.
const LONGEST_NAME: usize = 64;

/// One user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The group they were put in, if the policy does not name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The password's Argon2id hash, in PHC form.
    pub hash: String,
}

/// The file of users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// By name, in lower case.
    #[serde(default)]
    pub users: BTreeMap<String, User>,
}

/// Why the users cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {error}; check that the data folder is yours to write", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is not a users file.
    #[error("{} is not a users file: {error}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// There is such a user already.
    #[error("there is a user \"{0}\" already; change the password with: usher users passwd {0}")]
    Exists(String),
    /// There is no such user.
    #[error("there is no user \"{0}\"; see: usher users list")]
    NoSuchUser(String),
    /// The name cannot be used.
    #[error("\"{0}\" cannot be a user name: use letters, digits, and . _ - @, at most {LONGEST_NAME}")]
    BadName(String),
    /// The password is empty.
    #[error("the password is empty")]
    EmptyPassword,
    /// Hashing failed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

impl Users {
    /// Reads the file; a missing one holds no users.
    pub fn load(path: &Path) -> Result<Self, UsersError> {
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| UsersError::Malformed { path: path.into(), error: error.message().to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(UsersError::Unreadable { path: path.into(), error }),
        }
    }

    /// Writes the file whole: to a new file beside it, readable by its owner only, then renamed.
    pub fn save(&self, path: &Path) -> Result<(), UsersError> {
        let text = toml::to_string(self).map_err(|error| UsersError::Malformed { path: path.into(), error: error.to_string() })?;
        crate::files::replace(path, text.as_bytes()).map_err(|error| UsersError::Unwritable { path: path.into(), error })
    }

    /// The spelling of a new user's name; an error unless it can be added.
    pub fn expect_new(&self, name: &str) -> Result<String, UsersError> {
        let name = spelling(name)?;
        if self.users.contains_key(&name) { Err(UsersError::Exists(name)) } else { Ok(name) }
    }

    /// The spelling of a user's name; an error unless there is such a user.
    pub fn expect_known(&self, name: &str) -> Result<String, UsersError> {
        let name = spelling(name)?;
        if self.users.contains_key(&name) { Ok(name) } else { Err(UsersError::NoSuchUser(name)) }
    }

    /// Adds a user.
    pub fn add(&mut self, name: &str, group: Option<String>, password: &str) -> Result<(), UsersError> {
        let name = self.expect_new(name)?;
        let hash = hash(password)?;
        self.users.insert(name, User { group, hash });
        Ok(())
    }

    /// Changes a password.
    pub fn set_password(&mut self, name: &str, password: &str) -> Result<(), UsersError> {
        let name = spelling(name)?;
        let user = self.users.get_mut(&name).ok_or(UsersError::NoSuchUser(name))?;
        user.hash = hash(password)?;
        Ok(())
    }

    /// Removes a user.
    pub fn remove(&mut self, name: &str) -> Result<(), UsersError> {
        let name = self.expect_known(name)?;
        self.users.remove(&name);
        Ok(())
    }
}

/// The one spelling of a user name: lower case.
fn spelling(name: &str) -> Result<String, UsersError> {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fine) {
        return Err(UsersError::BadName(name.to_owned()));
    }
    Ok(name.to_lowercase())
}

/// Argon2id with 19 MiB, two passes and one lane: the first choice of OWASP's password storage guidance.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash(password: &str) -> Result<String, UsersError> {
    if password.is_empty() {
        return Err(UsersError::EmptyPassword);
    }
    let hash = hasher().hash_password(password.as_bytes()).map_err(|error| UsersError::Hash(error.to_string()))?;
    Ok(hash.to_string())
}

fn verifies(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok())
}

/// A user who gave the right password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// The name, in its one spelling.
    pub name: Arc<str>,
    /// The group in the users file, if one is there.
    pub group: Option<String>,
}

/// What a password check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is theirs.
    Proved(Proved),
    /// Wrong name or wrong password; which of them is not told.
    Wrong,
}

type Cell = Arc<OnceCell<Check>>;

/// Checks passwords against the users in force.
#[derive(Debug)]
pub struct Checker {
    users: arc_swap::ArcSwap<Users>,
    key: [u8; 32],
    kept: Mutex<HashMap<[u8; 32], (Instant, Cell)>>,
    at_once: Semaphore,
    hashes: std::sync::atomic::AtomicU64,
}

impl Checker {
    /// A checker of these users. `key` is secret and drawn anew at each start.
    #[must_use]
    pub fn new(users: Users, key: [u8; 32]) -> Self {
        Self {
            users: arc_swap::ArcSwap::from_pointee(users),
            key,
            kept: Mutex::new(HashMap::new()),
            at_once: Semaphore::new(HASHED_AT_ONCE),
            hashes: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Puts other users in force and forgets every checked password.
    pub fn replace(&self, users: Users) {
        self.users.store(Arc::new(users));
        self.kept.lock().clear();
    }

    /// The group a user is put in by the users file, if one is: outside, whether there is such a user.
    #[must_use]
    pub fn listed_group(&self, name: &str) -> Option<Option<String>> {
        self.users.load().users.get(name).map(|user| user.group.clone())
    }

    /// How many passwords were hashed so far.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.hashes.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The answer, if this very name and password were checked a short while ago.
    #[must_use]
    pub fn known(&self, name: &str, password: &str) -> Option<Check> {
        let digest = self.digest(name, password);
        let kept = self.kept.lock();
        kept.get(&digest).filter(|(since, _)| since.elapsed() < BELIEVED_FOR).and_then(|(_, cell)| cell.get().cloned())
    }

    /// Whether this very name and password are being checked, so that one more question costs no hash.
    #[must_use]
    pub fn is_checking(&self, name: &str, password: &str) -> bool {
        self.kept.lock().contains_key(&self.digest(name, password))
    }

    /// Checks a name and a password.
    pub async fn check(&self, name: &str, password: &str) -> Check {
        let cell = self.cell(self.digest(name, password));
        cell.get_or_init(|| self.verify(name, password)).await.clone()
    }

    fn digest(&self, name: &str, password: &str) -> [u8; 32] {
        let mut digest = blake3::Hasher::new_keyed(&self.key);
        digest.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(password.as_bytes());
        *digest.finalize().as_bytes()
    }

    fn cell(&self, digest: [u8; 32]) -> Cell {
        let mut kept = self.kept.lock();
        if let Some((since, cell)) = kept.get(&digest)
            && since.elapsed() < BELIEVED_FOR
        {
            return cell.clone();
        }
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, (since, _)| since.elapsed() < BELIEVED_FOR);
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        let cell = Cell::default();
        kept.insert(digest, (Instant::now(), cell.clone()));
        cell
    }

    async fn verify(&self, name: &str, password: &str) -> Check {
        let Ok(name) = spelling(name) else { return Check::Wrong };
        let Ok(_permit) = self.at_once.acquire().await else { return Check::Wrong };
        let user = self.users.load().users.get(&name).cloned();
        let (hash, group) = user.map_or((DECOY.to_owned(), None), |user| (user.hash, Some(user.group)));
        let password = password.to_owned();
        self.hashes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let right = tokio::task::spawn_blocking(move || verifies(&hash, &password)).await.unwrap_or(false);
        match group {
            Some(group) if right => Check::Proved(Proved { name: name.into(), group }),
            Some(_) | None => Check::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let mut users = Users::default();
        users.add("J.Smith", Some("staff".into()), "correct horse").expect("added");
        users
    }

    #[test]
    fn the_file_keeps_users_and_no_passwords() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("users.toml");
        assert_eq!(Users::load(&path).expect("none yet"), Users::default());
        users().save(&path).expect("saved");
        let text = fs::read_to_string(&path).expect("read");
        assert!(text.contains("$argon2id$v=19$m=19456,t=2,p=1$") && !text.contains("correct"), "{text}");
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(verifies(&Users::load(&path).expect("read").users["j.smith"].hash, "correct horse"));
    }

    #[test]
    fn the_decoy_takes_as_long_as_a_users_hash() {
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(DECOY), cost(&hash("x").expect("hashed")));
        assert!(PasswordHash::new(DECOY).is_ok_and(|decoy| decoy.hash.is_some_and(|bytes| bytes.len() == 32)));
    }

    #[test]
    fn names_are_checked() {
        let mut users = users();
        assert!(matches!(users.add("j.smith", None, "x"), Err(UsersError::Exists(_))));
        for name in ["", "a b", "a:b", "a/b", &"x".repeat(65)] {
            assert!(matches!(users.add(name, None, "x"), Err(UsersError::BadName(_))), "{name}");
        }
        assert!(matches!(users.add("k", None, ""), Err(UsersError::EmptyPassword)));
        assert!(matches!(users.remove("nobody"), Err(UsersError::NoSuchUser(_))));
    }

    #[tokio::test]
    async fn a_page_of_eighty_requests_costs_one_hash() {
        let checker = Arc::new(Checker::new(users(), [3; 32]));
        let ask = |password: &'static str| {
            let checker = checker.clone();
            tokio::spawn(async move { checker.check("J.Smith", password).await })
        };
        let page: Vec<_> = (0..80).map(|_| ask("correct horse")).collect();
        for request in page {
            let proved = Proved { name: "j.smith".into(), group: Some("staff".into()) };
            assert_eq!(request.await.expect("answered"), Check::Proved(proved));
        }
        assert_eq!(checker.hashes(), 1);
        assert_eq!(ask("wrong").await.expect("answered"), Check::Wrong);
        assert_eq!(checker.check("nobody", "x").await, Check::Wrong);
        assert!(checker.known("J.Smith", "correct horse").is_some() && checker.known("J.Smith", "other").is_none());
        checker.replace(Users::default());
        assert_eq!(checker.known("J.Smith", "correct horse"), None, "a change of users forgets what was checked");
        assert_eq!(checker.check("J.Smith", "correct horse").await, Check::Wrong);
    }
}
