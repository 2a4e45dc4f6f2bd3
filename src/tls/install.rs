//! How devices are told to trust the school's authority: a guide for each system, and the files it needs. Pure.
//!
//! Sources are named at each guide. What menus are called changes; the place in the system does so less often.

use super::ca::{Authorities, Certificate};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use std::fmt::Write as _;

/// A system that devices run, or that devices are managed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Windows, by group policy.
    WindowsGpo,
    /// Microsoft Intune.
    Intune,
    /// Chromebooks, by Google's Admin console.
    ChromeOs,
    /// iPhone and iPad.
    Ios,
    /// Mac.
    Macos,
    /// Android.
    Android,
    /// Linux.
    Linux,
    /// Firefox, which keeps certificates of its own.
    Firefox,
}

impl System {
    /// The systems by name.
    pub const NAMES: [(&str, Self); 8] = [
        ("windows-gpo", Self::WindowsGpo),
        ("intune", Self::Intune),
        ("chromeos", Self::ChromeOs),
        ("ios", Self::Ios),
        ("macos", Self::Macos),
        ("android", Self::Android),
        ("linux", Self::Linux),
        ("firefox", Self::Firefox),
    ];
}

/// A form the certificate is handed out in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The certificate's bytes: `.cer`, `.crt`.
    Der,
    /// The same in base64: `.pem`.
    Pem,
    /// A configuration profile of Apple's.
    Profile,
    /// A policy of Firefox's.
    Policies,
}

/// A file for devices. There is nothing secret in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// What it is called.
    pub name: &'static str,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// One step of a guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something to do.
    Do(String),
    /// A command to run.
    Run(String),
}

/// How one system is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guide {
    /// Of what system, in a few words.
    pub heading: &'static str,
    /// The forms it needs.
    pub forms: &'static [Form],
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// What is good to know.
    pub know: Vec<&'static str>,
}

/// The certificates that devices should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Of the authority that signs.
    pub signing: Certificate,
    /// Of the one that will.
    pub next: Option<Certificate>,
    /// The name under which devices reach Usher's own pages.
    pub own_name: String,
}

impl Offered {
    /// What is to be offered at a time. `None` if there is no authority.
    #[must_use]
    pub fn of(authorities: &Authorities, own_name: &str, now: Timestamp) -> Option<Self> {
        let mut offered = authorities.offered(now).map(|kept| kept.trusted().clone());
        let signing = offered.next()?;
        // Two authorities below one root are trusted by the same certificate.
        let next = offered.next().filter(|next| *next != signing);
        Some(Self { signing, next, own_name: own_name.to_owned() })
    }

    /// The certificates, the one that signs first.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.signing).chain(&self.next)
    }

    /// The files of a form: one, or one for each certificate where a file takes one only.
    #[must_use]
    pub fn files(&self, form: Form) -> Vec<Artifact> {
        let each = |names: [&'static str; 2], bytes: fn(&Certificate) -> Vec<u8>| {
            names.into_iter().zip(self.certificates()).map(|(name, certificate)| Artifact { name, bytes: bytes(certificate) }).collect()
        };
        match form {
            Form::Der => each(["usher.cer", "usher-next.cer"], |certificate| certificate.der().to_vec()),
            Form::Pem => each(["usher.pem", "usher-next.pem"], |certificate| certificate.pem().into_bytes()),
            Form::Profile => vec![Artifact { name: "usher.mobileconfig", bytes: self.profile().into_bytes() }],
            Form::Policies => vec![Artifact { name: "policies.json", bytes: self.policies().into_bytes() }],
        }
    }

    /// A configuration profile with a payload `com.apple.security.root` for each certificate. Keys: Apple, "Profile-Specific Payload Keys", `TopLevel` and
    /// `CertificateRoot` (github.com/apple/device-management, mdm/profiles). Identifiers are made from the certificate, so that installing the profile
    /// again replaces it.
    fn profile(&self) -> String {
        let mut payloads = String::new();
        for certificate in self.certificates() {
            let print = certificate.sha256().replace(':', "").to_lowercase();
            let lines: Vec<_> = certificate.der().chunks(39).map(|line| format!("\t\t\t{}\n", STANDARD.encode(line))).collect();
            let _ = write!(
                payloads,
                "\t\t<dict>\n\t\t\t<key>PayloadCertificateFileName</key>\n\t\t\t<string>{}.cer</string>\n\t\t\t<key>PayloadContent</key>\n\t\t\t<data>\n{}\t\t\t</data>\n",
                &print[..16],
                lines.concat()
            );
            let about = "Lets this device accept what the school's web filter shows over https.";
            payloads += &common(3, &certificate.name, about, &format!("usher.ca.{}.root", &print[..16]), "com.apple.security.root", &uuid("root", &print));
            payloads += "\t\t</dict>\n";
        }
        let prints: Vec<_> = self.certificates().map(Certificate::sha256).collect();
        let first = self.signing.sha256().replace(':', "").to_lowercase();
        let about = "Lets this device accept what the school's web filter shows over https. Remove it when the device leaves the school.";
        let whole = common(1, &self.signing.name, about, &format!("usher.ca.{}", &first[..16]), "Configuration", &uuid("profile", &prints.concat()));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n\t<key>PayloadContent</key>\n\t<array>\n{payloads}\t</array>\n{whole}</dict>\n</plist>\n"
        )
    }

    /// A policy that has Firefox trust the certificates, by itself and through the system. Keys: Mozilla, "Certificates", `Install` and `ImportEnterpriseRoots`
    /// (firefox-admin-docs.mozilla.org; github.com/mozilla/policy-templates).
    fn policies(&self) -> String {
        let names: Vec<_> = self.files(Form::Pem).iter().map(|file| file.name).collect();
        let policy = serde_json::json!({ "policies": { "Certificates": { "ImportEnterpriseRoots": true, "Install": names } } });
        format!("{policy:#}\n")
    }

    /// What the certificates are called.
    fn names(&self) -> String {
        self.certificates().map(|certificate| format!("\"{}\"", certificate.name)).collect::<Vec<_>>().join(" and ")
    }

    /// How one system is told.
    #[must_use]
    pub fn guide(&self, system: System) -> Guide {
        match system {
            // Microsoft, "Distribute certificates to Windows devices by using Group Policy"; certutil's reference.
            System::WindowsGpo => Guide {
                heading: "Windows, by group policy",
                forms: &[Form::Der],
                steps: vec![
                    does("In Group Policy Management, edit a policy that holds for the school's computers."),
                    does(
                        "Go to Computer Configuration > Policies > Windows Settings > Security Settings > Public Key Policies > Trusted Root Certification Authorities.",
                    ),
                    does("Right-click, choose Import, and take usher.cer."),
                    does("On a computer of the school, take the policy up at once and see that the certificate is there:"),
                    runs("gpupdate /force"),
                    runs(&format!("certutil -store Root {}", self.signing.sha1().replace(':', ""))),
                    does("A single computer, without a policy (as an administrator):"),
                    runs("certutil -addstore -f Root usher.cer"),
                ],
                know: vec!["Edge and Chrome trust what Windows trusts. Firefox has a guide of its own."],
            },
            // Microsoft, "Trusted root certificate profiles for Microsoft Intune".
            System::Intune => Guide {
                heading: "Microsoft Intune",
                forms: &[Form::Der],
                steps: vec![
                    does("In the Intune admin center: Devices > Configuration > Create > New policy."),
                    does("Platform: Windows 10 and later. Profile type: Templates > Trusted certificate."),
                    does("Upload usher.cer. Destination store: Computer certificate store - Root."),
                    does("Assign it to the groups of the school's devices."),
                    does("Do the same once for each other platform: iOS/iPadOS, macOS, Android Enterprise."),
                ],
                know: vec!["A profile takes one certificate: for usher-next.cer make another.", "Firefox has a guide of its own."],
            },
            // Google, "Set up TLS (or SSL) inspection on Chrome devices" (support.google.com/chrome/a/answer/3504942): PEM only, no transparent proxy.
            System::ChromeOs => Guide {
                heading: "Chromebooks, by Google's Admin console",
                forms: &[Form::Pem],
                steps: vec![
                    does("In the Admin console: Devices > Networks. Choose the organisational unit, then Certificates > Add certificate."),
                    does("Give it a name and upload usher.pem. Google takes PEM only, not DER."),
                    does("Under Certificate Authority, enable it for Chromebooks, and for Android and iOS where you manage those there too."),
                    does("On a Chromebook: sign out and in, open chrome://policy and choose Reload policies; then open any https page."),
                ],
                know: vec![
                    "The proxy must be set by policy: Google does not support transparent proxies for this.",
                    "Users cannot sign in to several accounts at once while https is inspected.",
                ],
            },
            // Apple, "Trust manually installed certificate profiles in iOS, iPadOS and visionOS" (support.apple.com/102390). A certificate without a common name does
            // not come up in the list of the last step; ours has one.
            System::Ios => Guide {
                heading: "iPhone and iPad",
                forms: &[Form::Profile],
                steps: vec![
                    does("Managed devices: add usher.mobileconfig, or usher.cer as a certificate, to your device management. It is trusted at once."),
                    does(&format!("One device by hand: open http://{}/ca in Safari, take usher.mobileconfig, and allow it.", self.own_name)),
                    does("Settings > General > VPN & Device Management: choose the profile, then Install."),
                    does(&format!("Settings > General > About > Certificate Trust Settings: switch on {}. Without this step nothing works.", self.names())),
                ],
                know: vec!["The profile is not signed, and the device says so. Compare the fingerprint."],
            },
            // security(1), add-trusted-cert; Apple, "Certificates MDM payload settings".
            System::Macos => Guide {
                heading: "Mac",
                forms: &[Form::Profile, Form::Der],
                steps: vec![
                    does("Managed devices: add usher.mobileconfig to your device management. It is trusted at once."),
                    does("One Mac by hand (as an administrator):"),
                    runs("sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain usher.cer"),
                    does(&format!(
                        "Without a terminal: open usher.cer, add it to the System keychain, open {} there, and under Trust choose Always Trust.",
                        self.names()
                    )),
                ],
                know: vec!["Safari and Chrome trust what macOS trusts. Firefox has a guide of its own."],
            },
            // Android, "Changes to Trusted Certificate Authorities in Android Nougat"; Android 11, behaviour changes.
            System::Android => Guide {
                heading: "Android",
                forms: &[Form::Der],
                steps: vec![
                    does("Managed devices: add usher.cer as a CA certificate to your device management (Intune: Trusted certificate, Android Enterprise)."),
                    does(&format!("One device by hand: open http://{}/ca and take usher.cer.", self.own_name)),
                    does(
                        "Settings: search for \"CA certificate\" (Security > More security settings > Encryption & credentials > Install a certificate). Choose Install anyway, and the file.",
                    ),
                ],
                know: vec![
                    "Since Android 7 an app trusts what was installed so only if its maker wrote that it should. Browsers do; many other apps do not, and fail where their https is inspected.",
                    "Android then warns that the network may be monitored, which is so.",
                ],
            },
            // update-ca-certificates(8), update-ca-trust(8), trust(1); Chromium, "Linux Cert Management".
            System::Linux => Guide {
                heading: "Linux",
                forms: &[Form::Pem],
                steps: vec![
                    does("Debian, Ubuntu (the name must end in .crt, though it is PEM):"),
                    runs("sudo cp usher.pem /usr/local/share/ca-certificates/usher.crt && sudo update-ca-certificates"),
                    does("Fedora, Red Hat:"),
                    runs("sudo cp usher.pem /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust"),
                    does("openSUSE:"),
                    runs("sudo cp usher.pem /etc/pki/trust/anchors/ && sudo update-ca-certificates"),
                    does("Chrome and Chromium keep their own, for each user (certutil is in libnss3-tools):"),
                    runs("certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Usher -i usher.pem"),
                ],
                know: vec![
                    "Node reads NODE_EXTRA_CA_CERTS, Python's requests REQUESTS_CA_BUNDLE, Java its own store (keytool -importcert -cacerts).",
                    "Firefox has a guide of its own.",
                ],
            },
            // Mozilla, "Certificates" (firefox-admin-docs.mozilla.org): where a bare file name is looked for.
            System::Firefox => Guide {
                heading: "Firefox",
                forms: &[Form::Policies, Form::Pem],
                steps: vec![
                    does(
                        "Put usher.pem where Firefox looks for certificates. Linux: /usr/lib/mozilla/certificates. macOS: /Library/Application Support/Mozilla/Certificates. Windows: %USERPROFILE%\\AppData\\Local\\Mozilla\\Certificates.",
                    ),
                    does(
                        "Put policies.json where Firefox looks for policies. Linux: /etc/firefox/policies. macOS: Firefox.app/Contents/Resources/distribution. Windows: the folder distribution beside firefox.exe.",
                    ),
                    does("Start Firefox anew and open about:policies: Certificates must be listed, and no error."),
                    does(
                        "One browser by hand: Settings > Privacy & Security > View Certificates > Authorities > Import, take usher.pem, and tick \"Trust this CA to identify websites\".",
                    ),
                ],
                know: vec![
                    "Where Windows or macOS trusts the certificate already, ImportEnterpriseRoots in policies.json is enough, and usher.pem need not be copied.",
                    "By group policy or Intune: Mozilla's policy templates have the same settings.",
                ],
            },
        }
    }
}

fn does(text: &str) -> Step {
    Step::Do(text.to_owned())
}

fn runs(command: &str) -> Step {
    Step::Run(command.to_owned())
}

/// The keys every payload has.
fn common(depth: usize, name: &str, about: &str, identifier: &str, kind: &str, uuid: &str) -> String {
    let tabs = "\t".repeat(depth);
    let strings =
        [("PayloadDescription", about), ("PayloadDisplayName", name), ("PayloadIdentifier", identifier), ("PayloadType", kind), ("PayloadUUID", uuid)];
    let mut text: String = strings.iter().map(|(key, value)| format!("{tabs}<key>{key}</key>\n{tabs}<string>{}</string>\n", escaped(value))).collect();
    let _ = write!(text, "{tabs}<key>PayloadVersion</key>\n{tabs}<integer>1</integer>\n");
    text
}

/// A text as XML holds it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A UUID of version 8 (RFC 9562 section 5.8), the same for the same text.
fn uuid(what_for: &str, text: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(format!("{what_for} {text}").as_bytes()).as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::super::ca::{Folder, Kept, Place, Plan};
    use super::*;

    fn offered(name: &str, with_next: bool) -> Offered {
        let folder = tempfile::tempdir().expect("a folder");
        let (folder, now) = (Folder::at(folder.path().join("ca")), Timestamp::now());
        let made = |name: &str| Kept::create(&Plan { name: name.to_owned(), years: 1, never: Vec::new() }, now).expect("an authority");
        folder.keep(Place::Current, &made(name), now).expect("kept");
        if with_next {
            let mut next = made("the next");
            next.signs_from = Some(Timestamp::MAX);
            folder.keep(Place::Next, &next, now).expect("kept");
        }
        Offered::of(&folder.load().expect("loaded"), "usher.internal", now).expect("something")
    }

    #[test]
    fn every_system_has_a_guide_and_the_files_it_speaks_of() {
        let offered = offered("Example School", true);
        for (name, system) in System::NAMES {
            let guide = offered.guide(system);
            assert!(!guide.steps.is_empty() && !guide.forms.is_empty(), "{name}");
            let text = format!("{:?}", guide.steps);
            for form in guide.forms {
                let files = offered.files(*form);
                assert!(text.contains(files[0].name), "{name} speaks of {}", files[0].name);
            }
        }
    }

    #[test]
    fn a_profile_holds_the_certificates_and_no_markup_but_its_own() {
        let offered = offered("Fish & <b>Chips</b> School", true);
        let profile = String::from_utf8(offered.files(Form::Profile).remove(0).bytes).expect("text");
        assert_eq!(profile.matches("com.apple.security.root").count(), 2);
        assert_eq!(profile.matches("<string>Fish &amp; &lt;b&gt;Chips&lt;/b&gt; School</string>").count(), 2);
        let squeezed: String = profile.chars().filter(|c| !c.is_whitespace()).collect();
        for certificate in offered.certificates() {
            assert!(squeezed.contains(&STANDARD.encode(certificate.der())), "{}", certificate.name);
        }
        let ids: std::collections::BTreeSet<_> = profile.lines().skip_while(|line| !line.contains("PayloadUUID")).filter(|line| line.contains('-')).collect();
        assert!(ids.len() >= 3, "{profile}");
        assert_eq!(offered.files(Form::Profile)[0].bytes, profile.as_bytes(), "the same each time");
    }

    #[test]
    fn a_policy_of_firefox_names_each_file() {
        for (with_next, names) in [(false, &["usher.pem"][..]), (true, &["usher.pem", "usher-next.pem"])] {
            let policy = offered("Example School", with_next).files(Form::Policies).remove(0).bytes;
            let policy: serde_json::Value = serde_json::from_slice(&policy).expect("JSON");
            assert_eq!(policy["policies"]["Certificates"], serde_json::json!({ "ImportEnterpriseRoots": true, "Install": names }));
        }
    }
}
