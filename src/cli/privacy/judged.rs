//! What is judged of people by the machine, and who is told, in the sentences of the sheet for a DPIA: only what is in force.

use crate::alert::plan::{Plan, Shape};
use crate::alert::routes::Target;
use crate::alert::theme::Theme;
use crate::audit::incident::{Incident, Level};
use crate::cli::alerts::Sum;
use crate::config::Rulebook;

/// What signs come to, and how often that was wrong.
pub(super) fn judged(rulebook: &Rulebook, matters: &[Incident]) -> Vec<String> {
    let alerts = &rulebook.alerts;
    let weights = &alerts.weights;
    let themes = Theme::NAMES.into_iter().filter(|(_, theme)| *theme != Theme::Bypass).map(|(name, theme)| {
        let weight = weights.of(theme);
        let most = if weight.most == Level::Danger { String::new() } else { format!(", {} at most", weight.most.as_str()) };
        format!("{name} {}{most}", weight.weight)
    });
    let mut all = vec![
        "Every request is looked at for signs that somebody may be in danger, or gets round the filter: listed sites, words of searches and of questions to chat services, words of pages, \
         ways round that were refused. What is found is one person's (or one device's, where nobody is known), of one theme."
            .to_owned(),
        format!(
            "What signs come to is plain arithmetic: the weight of the theme, times 1.5 where somebody typed it, 1 where they clicked, a quarter where a page loaded it, nothing where a device \
             did it by itself; times a quarter on sites of help, health, education and news; times how strong the words are, how often, on how many days. From {} points on it is watched, from \
             {} a concern, from {} danger. Weights: {}. Each factor of an alert is a sentence that can be disputed (usher alerts show, usher alerts close --factor).",
            weights.watch,
            weights.concern,
            weights.danger,
            themes.collect::<Vec<_>>().join("; ")
        ),
        "No decision about a person is made by it. It tells people, who look and decide (UK GDPR, article 22). An alert can be closed only by somebody who says what came of it, what was done and why."
            .to_owned(),
        "What people are is not judged: words for a religion, an origin or an orientation are in the shipped phrases only with hate against those who are it. What a page loads by itself is never more than watched, but what is against the law."
            .to_owned(),
    ];
    if !alerts.rules.is_empty() {
        let names: Vec<_> = alerts.rules.iter().map(|rule| format!("\"{}\"", rule.name)).collect();
        all.push(format!("Rules of the school's own besides: {}.", names.join(", ")));
    }
    all.push(
        "Kept for it beside the record: signs that are no alert yet, by a keyed hash of the person and the numbers of records, for 14 days; what waits to be told, as keys and addresses of staff, \
         until it is sent, or dropped by somebody; who was told and what their mail server answered, with the alert."
            .to_owned(),
    );
    all.push(
        "Kept to know ways round the filter: which sites the school has used, by a keyed hash of each, without people; who was first at a new one, for a day, and who used which device in the last          minutes, by keyed hashes and the numbers of records; how the programs of each device begin TLS, by a keyed hash of its address, for 30 days."
            .to_owned(),
    );
    all.push(
        "For the school's notice to pupils, parents and staff: \"The web filter looks by itself for signs that somebody may be in danger, or gets round it, and tells named staff. People decide \
         what is done.\""
            .to_owned(),
    );
    let wrong = Sum::of(matters).false_alarms();
    all.push(if wrong.is_empty() {
        "How often it was wrong: no alert was closed yet.".to_owned()
    } else {
        format!("How often it was wrong, as staff said when they closed it (false alarms): {}.", wrong.join("; "))
    });
    all
}

/// Whom alerts go to, by which channel, and how much they say.
pub(super) fn told(plan: &Plan) -> Vec<String> {
    let mut all = Vec::new();
    for route in plan.routes.iter().filter(|route| !route.is_system) {
        let says = match (route.names, route.words) {
            (true, true) => "with the person's name and the words of searches",
            (true, false) => "with the person's name, without the words of searches",
            (false, _) => "without names",
        };
        let to: Vec<_> = route.to.iter().map(|word| &**word).collect();
        all.push(format!("Alerts of the route \"{}\" are told to {}, {says}.", route.name, to.join(", ")));
    }
    if plan.recipients.iter().any(|one| one.email.is_some()) && plan.mail.is_some() {
        all.push("What is told by mail lies in the school's mail after that, for as long as that keeps it.".to_owned());
    }
    for hook in &plan.hooks {
        let whose = match hook.shape {
            Shape::Teams => "Microsoft Teams: data may leave the UK, by the school's contract with Microsoft",
            Shape::Slack => "Slack: data may leave the UK, by the school's contract with Slack",
            Shape::GoogleChat => "Google Chat: data may leave the UK, by the school's contract with Google",
            Shape::Json => "a web address of the school's",
        };
        let names = if hook.names { "names where the route says so" } else { "no names" };
        all.push(format!("{} is {whose}; it is told {names}.", channel(&Target::Hook(hook.name.clone()))));
    }
    let beside = plan
        .syslog
        .iter()
        .map(|one| (Target::Syslog(one.name.clone()), one.names))
        .chain(plan.files.iter().map(|one| (Target::File(one.name.clone()), one.names)));
    all.extend(beside.map(|(target, names)| format!("{} is told {}.", channel(&target), if names { "names where the route says so" } else { "no names" })));
    all
}

fn channel(target: &Target) -> String {
    match target {
        Target::Mail(to) => format!("Mail to {to}"),
        Target::Hook(name) => format!("The hook \"{name}\""),
        Target::Syslog(name) => format!("The syslog server \"{name}\""),
        Target::File(name) => format!("The file \"{name}\""),
    }
}
