use super::*;
use crate::alert::plan::{Hook, Ladder, LineFile, Shape};
use crate::alert::quiet::tests::{school, shipped};
use crate::audit::incident::Person;
use crate::audit::incident::fixture;
use crate::outputs::webhook::Secret;

pub(in crate::alert) fn recipient(role: &str, email: &str, user: Option<&str>) -> Recipient {
    Recipient { role: role.into(), name: format!("the {role}").into(), email: Some(email.into()), user: user.map(Into::into) }
}

/// A matter of somebody, or of a device.
pub(in crate::alert) fn matter(user: Option<&str>, is_staff: bool, theme: &str) -> Opened {
    Opened {
        who: user.map_or_else(|| Person::Device("10.7.0.1".into()), |user| Person::User(user.into())),
        group: if is_staff { "staff" } else { "year-9" }.into(),
        is_staff,
        ..fixture::opened(7, theme)
    }
}

fn route(name: &str, to: &[&str]) -> Route {
    Route {
        name: name.into(),
        is_system: false,
        themes: Vec::new(),
        at_least: Level::Concern,
        groups: Vec::new(),
        during: Vec::new(),
        about: About::Pupils,
        to: to.iter().map(|word| (*word).into()).collect(),
        names: true,
        words: false,
        ladder: None,
    }
}

/// A plan as the shipped one is, with everybody named.
fn plan() -> Plan {
    Plan {
        recipients: vec![
            recipient("officer", "dsl@s.example", Some("staff-bell")),
            recipient("deputy", "deputy@s.example", Some("staff-roe")),
            recipient("head", "head@s.example", Some("staff-head")),
            recipient("chair", "chair@s.example", None),
            recipient("technician", "it@s.example", Some("it-anna")),
        ],
        hooks: vec![Hook { name: "chat".into(), address: Secret("https://chat.example/x".into()), shape: Shape::Slack, names: false, secret: None }],
        files: vec![LineFile { name: "lines".into(), path: "lines.jsonl".into(), names: true }],
        routes: vec![
            Route { at_least: Level::Danger, ladder: Some("danger".into()), ..route("danger", &["officer"]) },
            route("concern", &["officer"]),
            Route { themes: vec![Theme::Illegal], ..route("illegal", &["officer", "head"]) },
            Route { themes: vec![Theme::Bypass], ..route("ways-round", &["technician", "chat", "lines"]) },
            Route { about: About::Staff, ..route("staff", &["head"]) },
            Route { about: About::Head, ..route("the-head", &["chair"]) },
            Route { is_system: true, ..route("usher-itself", &["technician"]) },
        ],
        ladders: vec![Ladder {
            name: "danger".into(),
            steps: [("deputy", 10), ("head", 20), ("head", 60)].into_iter().map(|(role, after)| (role.into(), Duration::from_secs(60 * after))).collect(),
        }],
        quiet: Some(shipped()),
        ..Plan::default()
    }
}

const LESSON: &str = "2026-11-25T10:00:00Z";
const NIGHT: &str = "2026-11-25T23:00:00Z";

fn told(plan: &Plan, opened: &Opened, level: Level, at: &str) -> Vec<Due> {
    due(plan, opened, level, at.parse().expect("a time"), &school())
}

/// Whom messages are for, in a line.
fn whom(due: &[Due]) -> String {
    let name = |due: &Due| match (&due.recipient, &due.target) {
        (Some(recipient), _) => recipient.role.to_string(),
        (None, Target::Mail(name) | Target::Hook(name) | Target::Syslog(name) | Target::File(name)) => name.to_string(),
    };
    due.iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_matter_goes_to_those_its_routes_name_each_once() {
    for (user, is_staff, theme, level, expected) in [
        (Some("k.smith"), false, "self-harm", Level::Danger, "officer"),
        (Some("k.smith"), false, "self-harm", Level::Watch, ""),
        (Some("k.smith"), false, "illegal", Level::Concern, "officer head"),
        (Some("k.smith"), false, "bypass", Level::Concern, "officer technician chat lines"),
        (Some("k.smith"), false, "of-a-later-version", Level::Concern, "officer"),
        (None, false, "drugs", Level::Concern, "officer"),
        (Some("staff-jones"), true, "adult", Level::Concern, "head"),
        (Some("staff-bell"), true, "adult", Level::Danger, "head"),
        (Some("staff-head"), true, "adult", Level::Danger, "chair"),
        (Some("it-anna"), true, "bypass", Level::Concern, "head"),
    ] {
        assert_eq!(whom(&told(&plan(), &matter(user, is_staff, theme), level, LESSON)), expected, "{user:?} {theme}");
    }
}

#[test]
fn a_message_says_who_it_is_as_far_as_its_route_and_its_channel_let_it() {
    let mut plan = plan();
    plan.routes[3].words = true;
    let due = told(&plan, &matter(Some("k.smith"), false, "bypass"), Level::Concern, LESSON);
    let says: Vec<_> = due.iter().map(|due| (due.names, due.words)).collect();
    assert_eq!(says, [(true, false), (true, true), (false, false), (true, true)], "officer, technician, a chat without names, a file");
    assert_eq!(due.iter().map(|due| &*due.route).collect::<Vec<_>>(), ["concern", "ways-round", "ways-round", "ways-round"]);
    // Two routes to one mailbox: one message, which says what either may.
    plan.routes[0].names = false;
    plan.routes[1].words = true;
    let due = told(&plan, &matter(Some("k.smith"), false, "hate"), Level::Danger, LESSON);
    assert_eq!((due.len(), due[0].names, due[0].words, &*due[0].route, due[0].ladder.as_deref()), (1, true, true, "danger", Some("danger")));
}

#[test]
fn concern_waits_out_the_night_and_danger_does_not() {
    let waits = |theme, level, at| told(&plan(), &matter(Some("k.smith"), false, theme), level, at)[0].not_before.map(|until| until.to_string());
    assert_eq!(waits("drugs", Level::Concern, NIGHT).as_deref(), Some("2026-11-26T08:00:00Z"));
    assert_eq!(waits("drugs", Level::Concern, LESSON), None);
    assert_eq!(waits("drugs", Level::Danger, NIGHT), None);
    assert_eq!(waits("illegal", Level::Concern, NIGHT), None);
    assert!(system(&plan(), NIGHT.parse().expect("a time"), &school()).iter().all(|due| due.not_before.is_none()));
}

#[test]
fn a_route_takes_what_all_that_is_said_of_it_holds_for() {
    let opened = matter(Some("k.smith"), false, "drugs");
    let one = |route: Route, at| told(&Plan { routes: vec![route], ..plan() }, &opened, Level::Concern, at).len();
    assert_eq!(one(Route { groups: vec!["year-9".into()], ..route("a", &["officer"]) }, LESSON), 1);
    assert_eq!(one(Route { groups: vec!["year-8".into()], ..route("a", &["officer"]) }, LESSON), 0);
    assert_eq!(one(Route { during: vec![During::School], ..route("a", &["officer"]) }, LESSON), 1);
    assert_eq!(one(Route { during: vec![During::School], ..route("a", &["officer"]) }, NIGHT), 0);
    assert_eq!(one(Route { themes: vec![Theme::Hate], ..route("a", &["officer"]) }, LESSON), 0);
    assert_eq!(one(Route { at_least: Level::Danger, ..route("a", &["officer"]) }, LESSON), 0);
    assert_eq!(one(route("a", &["nobody"]), LESSON), 0);
}

#[test]
fn the_ladder_goes_on_to_the_next_and_leaves_out_whom_it_is_about() {
    let steps = |user: &str| {
        let rungs = rungs(&plan(), &matter(Some(user), true, "self-harm"), "danger");
        rungs.iter().map(|rung| format!("{} {}: {}", rung.step, rung.after.as_secs() / 60, whom(&rung.due))).collect::<Vec<_>>()
    };
    assert_eq!(steps("k.smith"), ["1 10: deputy", "2 20: head", "3 60: head"]);
    assert_eq!(steps("staff-roe"), ["1 10: head", "2 20: head", "3 60: head"]);
    assert_eq!(steps("staff-head"), ["1 10: deputy", "2 20: deputy", "3 60: deputy"]);
    assert_eq!(rungs(&plan(), &matter(None, false, "hate"), "concern"), []);
    assert_eq!(rungs(&plan(), &matter(None, false, "hate"), "gone"), []);
    // A step to a role that nobody has is there, and empty.
    let nobody = Plan { recipients: vec![recipient("officer", "dsl@s.example", None)], ..plan() };
    assert!(rungs(&nobody, &matter(None, false, "hate"), "danger").iter().all(|rung| rung.due.is_empty()));
}

#[test]
fn where_the_only_one_of_a_role_is_whom_it_is_about_the_next_is_told() {
    // Staff's ways round go to the technician; this one's own go up.
    let mut plan = plan();
    plan.routes.push(Route { about: About::Staff, themes: vec![Theme::Bypass], ..route("staff-ways", &["technician"]) });
    plan.routes.retain(|route| &*route.name != "staff");
    let whom = |plan: &Plan, user| whom(&told(plan, &matter(Some(user), true, "bypass"), Level::Concern, LESSON));
    assert_eq!(whom(&plan, "staff-jones"), "technician");
    assert_eq!(whom(&plan, "it-anna"), "officer");
    plan.recipients.push(recipient("technician", "it2@s.example", Some("it-ben")));
    assert_eq!(whom(&plan, "it-anna"), "technician", "the other one");
}

const GROUPS: [Known<'static>; 3] = [("year-9", false), ("year-10", false), ("staff", true)];

#[test]
fn that_nobody_is_told_is_said() {
    let mut bare = Plan { recipients: Vec::new(), hooks: Vec::new(), files: Vec::new(), ..plan() };
    assert_eq!(red(&bare, &GROUPS).as_deref(), Some("Nobody is told of danger: no recipient with the role officer"));
    bare.routes.clear();
    assert_eq!(red(&bare, &GROUPS).as_deref(), Some("Nobody is told of danger: no route takes it"));
    assert_eq!((red(&plan(), &GROUPS), gaps(&plan(), &GROUPS)), (None, Vec::new()));
    let without = |remove: &dyn Fn(&mut Plan)| {
        let mut plan = plan();
        remove(&mut plan);
        assert_eq!(red(&plan, &GROUPS), None);
        gaps(&plan, &GROUPS)
    };
    assert_eq!(without(&|plan| plan.recipients.retain(|one| &*one.role != "chair")), ["Nobody is told of danger about the head"]);
    assert_eq!(without(&|plan| plan.routes.retain(|route| route.about != About::Staff)), ["Nobody is told of danger about staff"]);
    assert_eq!(
        without(&|plan| {
            plan.recipients.retain(|one| &*one.role != "officer");
            plan.routes[2].themes.push(Theme::SelfHarm);
        })
        .len(),
        8
    );
    let by_group = without(&|plan| {
        plan.routes[0].groups = vec!["year-9".into()];
        plan.routes[1].groups = vec!["year-9".into(), "unknown".into()];
    });
    assert!(by_group.contains(&"Nobody is told of danger by self-harm about pupils of year-10".to_owned()), "{by_group:?}");
    let in_lessons = |themes: Vec<Theme>| {
        without(&|plan| {
            plan.routes.retain(|route| &*route.name != "illegal" && &*route.name != "ways-round");
            for route in &mut plan.routes[..2] {
                route.during = vec![During::School];
                route.themes.clone_from(&themes);
            }
            plan.routes.push(Route { themes: vec![Theme::Hate], ..route("hate", &["officer"]) });
            if themes.is_empty() {
                plan.routes.pop();
            }
        })
    };
    assert_eq!(in_lessons(Vec::new()), ["At some hours nobody is told of danger about pupils"]);
    let some = in_lessons(vec![Theme::Drugs]);
    assert!(some.contains(&"Nobody is told, at some hours, of danger by drugs about pupils".to_owned()), "{some:?}");
    assert!(some.contains(&"Nobody is told of danger by crime about pupils".to_owned()) && some.len() == 10, "{some:?}");
}

#[test]
fn a_digest_goes_to_its_roles_and_never_names_anybody() {
    let due = regular(&plan(), "all-clear", &["officer".into(), "chat".into(), "nobody".into()]);
    assert_eq!((whom(&due).as_str(), due.iter().any(|due| due.names)), ("officer chat", false));
}

proptest::proptest! {
    #[test]
    fn a_route_never_tells_whom_it_is_about(who in 0usize..5, theme in 0usize..11, about in 0usize..3, to in proptest::collection::vec(0usize..5, 1..4), shared: bool, danger: bool) {
        let mut plan = plan();
        let mut users: Vec<_> = plan.recipients.iter().filter_map(|one| one.user.clone()).collect();
        users.push("k.smith".into());
        // Everybody may be told of everything, and two may share a mailbox.
        let about = [About::Pupils, About::Staff, About::Head][about];
        let to: Vec<_> = to.into_iter().map(|place| ROLES[place]).collect();
        plan.routes = [About::Pupils, About::Staff, About::Head].map(|one| Route { about: one, ladder: Some("danger".into()), ..route("all", if one == about { &to } else { &ROLES }) }).into();
        if shared {
            plan.recipients[1].email = plan.recipients[0].email.clone();
        }
        let user = &*users[who];
        let opened = matter(Some(user), true, Theme::NAMES[theme].0);
        let level = if danger { Level::Danger } else { Level::Concern };
        let mut all = told(&plan, &opened, level, LESSON);
        proptest::prop_assert!(!all.is_empty(), "somebody else is told");
        all.extend(rungs(&plan, &opened, "all").into_iter().flat_map(|rung| rung.due));
        let theirs: Vec<_> = plan.recipients.iter().filter(|one| one.user.as_deref() == Some(user)).filter_map(|one| one.email.clone()).collect();
        for due in all {
            if let Target::Mail(address) = &due.target {
                proptest::prop_assert!(!theirs.contains(address), "{user} would be told at {address}");
            }
        }
    }
}
