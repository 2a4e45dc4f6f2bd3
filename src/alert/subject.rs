//! Whom a matter is about: nobody is told of a matter about themselves. Pure.

use super::plan::{About, Plan, Recipient};
use crate::audit::incident::{Opened, Person};

/// The role whose users' matters are the chair's, beside those that `[subjects]` names.
const HEAD: &str = "head";

/// Whom a matter is about. Who is not known is taken for a pupil, unless the device is in a group of staff.
#[must_use]
pub fn about(plan: &Plan, opened: &Opened) -> About {
    let is_head = |user: &str| {
        let listed = plan.heads.iter().any(|head| is_same(head, user));
        listed || plan.recipients.iter().any(|recipient| &*recipient.role == HEAD && recipient.user.as_deref().is_some_and(|of| is_same(of, user)))
    };
    match &opened.who {
        Person::User(user) if is_head(user) => About::Head,
        Person::User(_) | Person::Device(_) if opened.is_staff => About::Staff,
        Person::User(_) | Person::Device(_) => About::Pupils,
    }
}

/// Whether a message to this recipient would be read by whom the matter is about: it is they, or it goes to an address of theirs. People may have several
/// roles, and share an address.
#[must_use]
pub fn would_be_told_of_themselves(plan: &Plan, recipient: &Recipient, opened: &Opened) -> bool {
    let Person::User(user) = &opened.who else { return false };
    let is_theirs = |one: &Recipient| one.user.as_deref().is_some_and(|of| is_same(of, user));
    let shares = |one: &Recipient| one.email.as_deref().zip(recipient.email.as_deref()).is_some_and(|(one, other)| is_same(one, other));
    is_theirs(recipient) || plan.recipients.iter().any(|one| is_theirs(one) && shares(one))
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::routes::tests::{matter, recipient};

    #[test]
    fn the_head_is_who_is_said_to_be_or_has_the_role_and_staff_is_a_group() {
        let plan = Plan { heads: vec!["Principal".into()], recipients: vec![recipient("head", "h@s.example", Some("Staff-Head"))], ..Plan::default() };
        for (user, is_staff, expected) in [
            (Some("principal"), true, About::Head),
            (Some("staff-head"), true, About::Head),
            (Some("staff-head"), false, About::Head),
            (Some("staff-bell"), true, About::Staff),
            (None, true, About::Staff),
            (Some("k.smith"), false, About::Pupils),
            (None, false, About::Pupils),
        ] {
            assert_eq!(about(&plan, &matter(user, is_staff, "hate")), expected, "{user:?}");
        }
    }

    #[test]
    fn who_shares_an_address_with_whom_it_is_about_is_not_told_either() {
        let bell = recipient("officer", "bell@s.example", Some("staff-bell"));
        let shared = recipient("deputy", "Bell@s.example", None);
        let roe = recipient("head", "roe@s.example", Some("staff-roe"));
        let plan = Plan { recipients: vec![bell.clone(), shared.clone(), roe.clone()], ..Plan::default() };
        let of_bell = matter(Some("staff-bell"), true, "adult");
        let told = |one: &Recipient| would_be_told_of_themselves(&plan, one, &of_bell);
        assert_eq!([told(&bell), told(&shared), told(&roe)], [true, true, false]);
        assert!(!would_be_told_of_themselves(&plan, &bell, &matter(None, true, "adult")));
    }
}
