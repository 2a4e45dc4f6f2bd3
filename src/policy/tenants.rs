//! Tenant restriction: at Google and Microsoft, only accounts of the school are let in. Pure.
//!
//! The school's names are told to the two with every request, in fields that the client's own copies give way to, and to no other host. It takes
//! requests that are seen: hosts where people log in are looked into for such a group unless its `inspect` is "none", which is refused at load.

use crate::host::Host;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// support.google.com/a/answer/1668854: with every request to google.com and all below it.
const GOOGLE_FIELD: HeaderName = HeaderName::from_static("x-googapps-allowed-domains");
/// learn.microsoft.com/entra/identity/enterprise-apps/tenant-restrictions: with every request to these three.
const MICROSOFT_FIELD: HeaderName = HeaderName::from_static("restrict-access-to-tenants");
const MICROSOFT_CONTEXT: HeaderName = HeaderName::from_static("restrict-access-context");
const MICROSOFT_HOSTS: [&str; 3] = ["login.microsoftonline.com", "login.microsoft.com", "login.windows.net"];
/// The same page: no accounts of private people, with every request to this host.
const PERSONAL_FIELD: HeaderName = HeaderName::from_static("sec-restrict-tenant-access-policy");
const PERSONAL_HOST: &str = "login.live.com";
const NO_PERSONAL: HeaderValue = HeaderValue::from_static("restrict-msa");

/// Whose accounts are let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenants {
    /// At Google: the domains, as the field names them. Nothing: any.
    pub google: Option<HeaderValue>,
    /// At Microsoft. Nothing: any.
    pub microsoft: Option<Microsoft>,
}

/// Whose accounts are let in at Microsoft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Microsoft {
    /// The tenants, as the field names them.
    pub tenants: HeaderValue,
    /// The directory that sets the restriction, by its id.
    pub directory: HeaderValue,
    /// Whether accounts of private people are let in.
    pub personal: bool,
}

impl Tenants {
    /// Whether anybody is kept out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.google.is_none() && self.microsoft.is_none()
    }

    /// The fields for a host, with their values.
    #[must_use]
    pub fn fields(&self, host: &Host) -> Vec<(HeaderName, HeaderValue)> {
        let mut fields = Vec::new();
        if let Some(domains) = self.google.as_ref().filter(|_| host.suffixes().any(|suffix| suffix == "google.com")) {
            fields.push((GOOGLE_FIELD, domains.clone()));
        }
        if let Some(Microsoft { tenants, directory, personal }) = &self.microsoft {
            if MICROSOFT_HOSTS.contains(&host.as_str()) {
                fields.extend([(MICROSOFT_FIELD, tenants.clone()), (MICROSOFT_CONTEXT, directory.clone())]);
            }
            if !personal && host.as_str() == PERSONAL_HOST {
                fields.push((PERSONAL_FIELD, NO_PERSONAL));
            }
        }
        fields
    }

    /// Whether requests to a host carry any field.
    #[must_use]
    pub fn concern(&self, host: &Host) -> bool {
        !self.is_empty() && !self.fields(host).is_empty()
    }

    /// Puts the fields for a host in place of the client's.
    pub fn apply(&self, host: &Host, fields: &mut HeaderMap) {
        for (name, value) in self.fields(host) {
            fields.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants() -> Tenants {
        let value = HeaderValue::from_static;
        let microsoft = Microsoft { tenants: value("school.example,trust.example"), directory: value("0a1b"), personal: false };
        Tenants { google: Some(value("school.example")), microsoft: Some(microsoft) }
    }

    #[test]
    fn each_host_is_told_what_is_meant_for_it_and_no_other_is_told_anything() {
        let google = "x-googapps-allowed-domains: school.example";
        let microsoft = "restrict-access-to-tenants: school.example,trust.example restrict-access-context: 0a1b";
        for (host, told) in [
            ("google.com", google),
            ("accounts.google.com", google),
            ("mail.google.com", google),
            ("www.google.co.uk", ""),
            ("google.com.evil.example", ""),
            ("notgoogle.com", ""),
            ("login.microsoftonline.com", microsoft),
            ("login.microsoft.com", microsoft),
            ("login.windows.net", microsoft),
            ("device.login.microsoftonline.com", ""),
            ("www.microsoft.com", ""),
            ("login.live.com", "sec-restrict-tenant-access-policy: restrict-msa"),
            ("outlook.live.com", ""),
            ("news.example", ""),
        ] {
            let host = Host::parse(host).expect("a host");
            // The client's own copies give way where there is something to say.
            let mut fields = HeaderMap::new();
            for name in [GOOGLE_FIELD, MICROSOFT_FIELD, MICROSOFT_CONTEXT, PERSONAL_FIELD] {
                fields.append(&name, HeaderValue::from_static("anybody"));
                fields.append(&name, HeaderValue::from_static("nobody"));
            }
            tenants().apply(&host, &mut fields);
            let said: Vec<_> = [MICROSOFT_FIELD, MICROSOFT_CONTEXT, GOOGLE_FIELD, PERSONAL_FIELD]
                .iter()
                .flat_map(|name| fields.get_all(name).iter().map(move |value| (name, value)))
                .filter(|(_, value)| *value != "anybody" && *value != "nobody")
                .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
                .collect();
            assert_eq!(said.join(" "), told, "{host}");
            assert_eq!(fields.len(), 8 - said.len(), "{host}: what is told is told once");
            assert_eq!(tenants().concern(&host), !told.is_empty(), "{host}");
        }
        let personal = Tenants { microsoft: tenants().microsoft.map(|microsoft| Microsoft { personal: true, ..microsoft }), google: None };
        assert!(!personal.concern(&Host::parse("login.live.com").expect("a host")));
        assert!(!Tenants::default().concern(&Host::parse("google.com").expect("a host")));
    }
}
