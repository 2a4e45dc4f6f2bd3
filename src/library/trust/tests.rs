//! Known answers: RFC 8032, FIPS 180, and signatures made by minisign 0.11 and OpenSSL 3.0.

use super::*;
use std::io::Write;

const LIST: &[u8] = b"games.example\nplay.example\n";
const LIST_SUM: &str = "3b663fd5f439a5c2f359dcde2bb382087e70fb39014b70a9eb32ac509f013859";
const KEY: &str = "RWSQNkK8xL6dca5r8bgDMwT2J1KyM1xXtpzZm6GOn4OQmua1fdysvpqf";
const OTHER_KEY: &str = "RWSHniVR/FylIW98ziE+r+mifw1bkA/eluPjCQNmqATKMmk7n56uz0Nn";
const PREHASHED: &str = "untrusted comment: signature from minisign secret key
RUSQNkK8xL6dcQrAnPRFVMK34LXsYQSt6367fjZ23S/TamxDLkaRgbDBKP3INPfm7cjDTPlyjhwMXTNdOTF4TrQ1j8aEogPMlgg=
trusted comment: games list, 22 November 2026
4g9wNEue6f4WlTe7XJCYgLMDo+JitcPEJ2Mdehnd4DaEkyQUfBqR0RjyEqsSq3bns5lGX4m5zU3FqNmv74MeBQ==
";
const LEGACY: &str = "untrusted comment: signature from minisign secret key
RWSQNkK8xL6dcb7nR+1q7iZQQ3g/szvx/VeVun0qosuFgrw9OeTPntXbPLl+FH60pKa582iWhW/CbxtnOxz512vc4TrHYbYndgU=
trusted comment: games list, legacy
ccL9LZKh26gJiyK8QREbBk2l8+jektwin5NuJg2Nmhn8P3gh1obvTHFAjWj1SXvJ9x4iVyKfUm9Ap2MypCpkAw==
";
const OPENSSL_KEY: &str = "QdYXQVsC/ujiFNPcuVHvmHX635PdQTJ08wx9xnsj56w=";
const OPENSSL_SIGNATURE: &str = "RUZjl7bt2hzxeZyUnAbNGO96cHZJh0iwbVpiiawuaSldYrlREnntQ7SrMoy8eK1N0WGQh4n/yYy+2WC3J0Z6Aw==\n";

fn check(text: &str) -> Check {
    Check::parse(text, Path::new("/etc/usher")).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What a check says of a file that holds this.
fn verify(setting: &str, bytes: &[u8], proof: &[u8]) -> Result<(), String> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    check(setting).verify(file.path(), "games.txt", proof).map_err(|error| error.to_string())
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn a_digest_is_that_of_fips_180() {
    for (bytes, sum) in [
        (&b""[..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        (LIST, LIST_SUM),
    ] {
        assert_eq!(verify(&format!("sha256:{sum}"), bytes, b""), Ok(()));
    }
    let said = verify(&format!("sha256:{LIST_SUM}"), b"games.example\n", b"").expect_err("another list");
    assert!(said.contains("games.txt is not what its publisher says") && said.contains(LIST_SUM), "{said}");
}

#[test]
fn a_sum_is_found_beside_its_name() {
    let other = "0".repeat(64);
    for (sums, fine) in [
        (format!("{LIST_SUM}  games.txt\n"), true),
        (format!("{LIST_SUM} *games.txt\r\n"), true),
        (format!("# sums\n{other}  other.txt\n{LIST_SUM}  ./lists/games.txt\n"), true),
        (format!("SHA256 (games.txt) = {LIST_SUM}\n"), true),
        (format!("{LIST_SUM}\n"), true),
        (format!("{LIST_SUM}  games.txt\n{LIST_SUM}  old/games.txt\n"), true),
        (format!("{LIST_SUM}  games.txt\n{other}  games.txt\n"), false),
        (format!("{other}  games.txt\n"), false),
        (format!("{LIST_SUM}  more-games.txt\n"), false),
        (format!("{LIST_SUM}  games.txt.old\n{other}  x\n"), false),
        ("games.txt\n".to_owned(), false),
        (String::new(), false),
    ] {
        assert_eq!(verify("sha256:https://lists.example/SHA256SUMS", LIST, sums.as_bytes()).is_ok(), fine, "{sums}");
    }
}

#[test]
fn minisign_signatures_of_both_kinds_are_checked() {
    let key = format!("minisign:{KEY}");
    for signature in [PREHASHED, LEGACY] {
        assert_eq!(verify(&key, LIST, signature.as_bytes()), Ok(()));
        assert_eq!(verify(&key, LIST, signature.replace('\n', "\r\n").as_bytes()), Ok(()));
        let forged = [(&b"games.example\nevil.example\n"[..], signature.to_owned()), (LIST, signature.replace("games list", "other list"))];
        for (bytes, signature) in forged {
            assert!(verify(&key, bytes, signature.as_bytes()).expect_err("forged").contains("does not match its publisher's signature"));
        }
        let said = verify(&format!("minisign:{OTHER_KEY}"), LIST, signature.as_bytes()).expect_err("another key");
        assert!(said.contains("was signed with another key"), "{said}");
    }
    for nonsense in [&b""[..], b"nonsense", b"\xff\xfe", b"a\nb\nc\nd\n", b"untrusted comment: x\nRUSQ\n\n\n"] {
        assert!(verify(&key, LIST, nonsense).expect_err("no signature").contains("signature cannot be read"));
    }
}

#[test]
fn plain_ed25519_signatures_are_those_of_rfc_8032() {
    // Section 7.1, tests 1 to 3.
    for (key, message, signature) in [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            &b""[..],
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            b"\x72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            b"\xaf\x82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let check = format!("ed25519:{key}");
        assert_eq!(verify(&check, message, &hex(signature)), Ok(()));
        assert_eq!(verify(&check, message, STANDARD.encode(hex(signature)).as_bytes()), Ok(()));
        assert!(verify(&check, b"other", &hex(signature)).is_err());
        let mut changed = hex(signature);
        changed[0] ^= 1;
        assert!(verify(&check, message, &changed).expect_err("forged").contains("does not match"));
    }
    assert_eq!(verify(&format!("ed25519:{OPENSSL_KEY}"), LIST, OPENSSL_SIGNATURE.as_bytes()), Ok(()));
    assert!(verify(&format!("ed25519:{OPENSSL_KEY}"), LIST, b"short").expect_err("no signature").contains("64 bytes"));
}

#[test]
fn what_must_be_held_in_memory_may_not_be_huge() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    file.as_file().set_len(WHOLE + 1).expect("a file of holes");
    let said = check(&format!("minisign:{KEY}")).verify(file.path(), "games.txt", LEGACY.as_bytes()).expect_err("too large").to_string();
    assert!(said.contains("prehashed"), "{said}");
    let said = check(&format!("minisign:{KEY}")).verify(file.path(), "games.txt", PREHASHED.as_bytes()).expect_err("another file").to_string();
    assert!(said.contains("does not match"), "a prehashed signature has no such limit: {said}");
}

#[test]
fn a_setting_that_is_no_check_says_what_would_be() {
    for (text, says) in [
        ("", "says no way to check"),
        ("md5:d41d8cd98f00b204e9800998ecf8427e", "says no way to check"),
        ("sha256:abcdef0123456789", "64 hex digits, and this has 16"),
        ("sha256:ftp://lists.example/sums", "no way to fetch"),
        ("sha256:", "the address is empty"),
        ("minisign:RWQ", "no minisign public key: it is the second line"),
        ("minisign:QdYXQVsC/ujiFNPcuVHvmHX635PdQTJ08wx9xnsj56w=", "no minisign public key"),
        ("ed25519:short", "no Ed25519 public key: it is 32 bytes"),
        ("ed25519:d75a98 https://lists.example/", "no Ed25519 public key"),
        ("minisign:RWSQNkK8xL6dca5r8bgDMwT2J1KyM1xXtpzZm6GOn4OQmua1fdysvpqf https://u:p@lists.example/", "a name or a password"),
    ] {
        let said = Check::parse(text, Path::new("/")).expect_err(text).to_string();
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn where_the_proof_lies_is_known() {
    let of = Address::parse("https://lists.example/games.txt", Path::new("/")).expect("an address");
    for (setting, proof) in [
        (format!("sha256:{LIST_SUM}"), None),
        ("sha256:sums.txt".to_owned(), Some("/etc/usher/sums.txt")),
        (format!("minisign: {KEY}"), Some("https://lists.example/games.txt.minisig")),
        (format!("minisign:{KEY} https://keys.example/g.minisig"), Some("https://keys.example/g.minisig")),
        (format!("ED25519:{OPENSSL_KEY}"), Some("https://lists.example/games.txt.sig")),
    ] {
        assert_eq!(check(&setting).proof_of(&of).map(|address| address.to_string()).as_deref(), proof, "{setting}");
    }
}
