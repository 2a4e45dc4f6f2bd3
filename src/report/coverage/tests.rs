//! What a governor reads off the page.

use super::*;
use crate::category::{Page, Theme};
use jiff::civil::date;

fn info(id: &str, heading: Option<&str>) -> CategoryInfo {
    CategoryInfo {
        id: id.into(),
        name: id.replace('-', " "),
        covers: format!("All of {id}."),
        theme: Theme::Harm,
        severity: 1,
        heading: heading.map(str::to_owned),
        page: Page::Block,
    }
}

fn taxonomy() -> Taxonomy {
    let all = [
        info("child-sexual-abuse", Some("Illegal")),
        info("terrorism", Some("Illegal")),
        info("adult", Some("Pornography")),
        info("drugs", Some("Drugs/substance abuse")),
        info("alcohol", Some("Drugs/substance abuse")),
        info("violence", Some("Violence")),
        info("gambling", Some("Gambling")),
        info("games", None),
        info("typing", Some("Violance")),
    ];
    Taxonomy::new(all.into()).expect("sound categories")
}

fn list(list: &str, category: &str, entries: usize, phrases: usize) -> Counted {
    Counted { list: list.into(), category: category.into(), entries, phrases }
}

fn group(name: &str, actions: &[(&str, Action)]) -> Treatment {
    Treatment { group: name.into(), actions: actions.iter().map(|(id, action)| ((*id).to_owned(), *action)).collect() }
}

fn groups() -> Vec<Treatment> {
    use Action::{Allow, Block, Warn};
    let pupils = group("pupils", &[("adult", Block), ("drugs", Block), ("alcohol", Block), ("games", Block)]);
    let staff = group("staff", &[("adult", Block), ("drugs", Warn), ("gambling", Allow)]);
    vec![pupils, staff]
}

fn covered(counted: &[Counted], groups: &[Treatment], illegal: Option<&str>) -> Coverage {
    let in_force = InForce { school: "Example School", date: date(2026, 11, 22), generation: 12, counted, groups, illegal: illegal.map(str::to_owned) };
    Coverage::new(&taxonomy(), &in_force)
}

fn heading<'a>(coverage: &'a Coverage, name: &str) -> &'a Heading {
    coverage.headings.iter().find(|heading| heading.name == name).unwrap_or_else(|| panic!("{name} is on the page"))
}

#[test]
fn a_heading_says_honestly_how_it_stands() {
    let counted = [
        list("ut1/adult/domains", "adult", 4_600_370, 0),
        list("starter/adult/domains", "adult", 64, 0),
        list("starter/drugs/domains", "drugs", 38, 0),
        list("big/gambling", "gambling", 2_000, 0),
    ];
    let coverage = covered(&counted, &groups(), None);
    for (name, state, says) in [
        ("Pornography", State::Listed, "There are 4,600,434 entries in 2 lists. No list holds every site."),
        ("Drugs/substance abuse", State::Start, "There are only 38 entries: a start, not coverage. Nothing is listed for alcohol."),
        ("Violence", State::NoList, "No list holds anything on this."),
        ("Self-harm", State::NoList, "No category answers to this heading, and no list."),
        ("Gambling", State::Open, "There are 2,000 entries in 1 list, but no group blocks them or warns of them: this is open to everybody."),
        ("Illegal", State::Unmet, "No illegal-content list is in force. The school does not meet the Department for Education's filtering standard."),
    ] {
        let heading = heading(&coverage, name);
        assert_eq!((heading.state, heading.says.as_str()), (state, says), "{name}");
    }
}

#[test]
fn at_a_glance_shows_who_is_kept_from_what_and_counts_no_test_names_as_illegal_content() {
    let counted = [list("a", "adult", 5_000, 0), list("b", "drugs", 38, 0), list("c", "terrorism", 1, 0)];
    let markdown = covered(&counted, &groups(), None).markdown();
    for row in [
        "| Illegal | Standard not met | none licensed | Nothing is in force to block. |",
        "| Pornography | Lists in force | 5,000 | Blocked for everybody. |",
        "| Drugs/substance abuse | A start | 38 | It differs: see below. |",
        "| Violence | No list | 0 | Nothing is in force to block. |",
        "| Self-harm | No list | 0 | Nothing is in force to block. |",
    ] {
        assert!(markdown.contains(row), "{row} in {markdown}");
    }
}

#[test]
fn one_entry_is_one_entry() {
    let coverage = covered(&[list("a", "drugs", 1, 0)], &groups(), None);
    assert!(heading(&coverage, "Drugs/substance abuse").says.starts_with("There is only 1 entry: a start, not coverage."));
}

#[test]
fn phrases_are_no_cover_while_no_page_is_read() {
    let coverage = covered(&[list("county/violence", "violence", 0, 341)], &groups(), None);
    let heading = heading(&coverage, "Violence");
    assert_eq!(heading.state, State::NoList);
    assert_eq!(heading.says, "No list holds anything on this. 341 phrases are kept, and stop nothing: no page is read yet.");
    assert!(coverage.markdown().contains("county/violence (341 phrases)"));
}

#[test]
fn who_may_still_open_what_is_listed_is_said() {
    let coverage = covered(&[list("a", "alcohol", 5_000, 0), list("b", "drugs", 5_000, 0)], &groups(), None);
    let heading = heading(&coverage, "Drugs/substance abuse");
    assert!(heading.says.ends_with(" alcohol is open to staff."), "{}", heading.says);
    let said: Vec<_> = heading.categories.iter().map(|covered| covered.treated.sentence()).collect();
    assert_eq!(said, ["Blocked for pupils. A warning for staff.", "Blocked for pupils. Open to staff."]);
}

#[test]
fn a_licensed_list_meets_the_standard_and_ordinary_ones_do_not() {
    let test_names = [list("starter/terrorism/domains", "terrorism", 1, 0)];
    let without = covered(&test_names, &groups(), None);
    let illegal = heading(&without, ILLEGAL);
    assert_eq!(illegal.state, State::Unmet);
    assert!(illegal.says.ends_with("The 1 entry below is of ordinary lists, such as made-up names to test with. They are no substitute."), "{}", illegal.says);
    assert!(without.markdown().contains("> **No illegal-content list is in force."));
    assert!(without.html().contains("class=\"alarm\""));

    let with = covered(&[], &groups(), Some("The IWF's list is in force, 4 hours old."));
    assert_eq!((heading(&with, ILLEGAL).state, heading(&with, ILLEGAL).says.as_str()), (State::Licensed, "The IWF's list is in force, 4 hours old."));
    assert!(!with.markdown().contains("does not meet"));
    assert!(!with.html().contains("class=\"alarm\""));
}

#[test]
fn that_nobody_is_told_of_danger_stands_above_all_lists() {
    let told = covered(&[], &groups(), Some("The IWF's list is in force."));
    assert!(!told.markdown().contains("Nobody is told") && !told.html().contains("class=\"alarm\""));
    let red = told.with_red(Some("Nobody is told of danger: no recipient with the role <officer>".into()));
    assert!(red.markdown().contains("> **Nobody is told of danger: no recipient with the role &lt;officer&gt;.**"), "{}", red.markdown());
    let html = red.html();
    assert!(html.contains("class=\"alarm\"") && html.contains("Nobody is told of danger: no recipient with the role &#60;officer&#62;."), "{html}");
}

#[test]
fn every_heading_of_the_standard_is_on_the_page_though_no_category_claims_it() {
    let bare = Taxonomy::new(vec![info("child-sexual-abuse", None), info("terrorism", None)]).expect("sound categories");
    let in_force = InForce { school: "", date: date(2026, 11, 22), generation: 1, counted: &[], groups: &[], illegal: None };
    let coverage = Coverage::new(&bare, &in_force);
    let (markdown, html) = (coverage.markdown(), coverage.html());
    for (name, about) in HEADINGS {
        assert!(markdown.contains(&format!("## {name}\n\n{about}\n")), "{name} in Markdown");
        assert!(html.contains(&format!(">{name}</h3>\n<p class=\"about\">{about}</p>")), "{name} in HTML");
    }
}

#[test]
fn every_shipped_category_is_on_the_page_and_every_shipped_heading_is_one_of_the_standard() {
    let shipped: toml::Table = include_str!("../../../blocklists/categories.toml").parse().expect("categories");
    let tables = shipped["category"].as_array().expect("tables");
    let text = |table: &toml::Value, key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let infos = tables.iter().map(|table| info(&text(table, "id").expect("an id"), text(table, "heading").as_deref())).collect();
    let taxonomy = Taxonomy::new(infos).expect("sound categories");
    let in_force = InForce { school: "", date: date(2026, 11, 22), generation: 1, counted: &[], groups: &[], illegal: None };
    let coverage = Coverage::new(&taxonomy, &in_force);
    let (headed, others) = (coverage.headings.iter().map(|heading| heading.categories.len()).sum::<usize>(), coverage.others.len());
    assert_eq!(headed + others, tables.len());
    assert_eq!(coverage.headings.iter().filter(|heading| heading.categories.is_empty()).map(|heading| heading.name).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(coverage.others.iter().filter_map(|covered| covered.unknown_heading.as_deref()).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn nothing_is_left_off_the_page() {
    let coverage = covered(&[list("old/warez", "warez", 7, 0), list("starter/games", "games", 95, 12)], &groups(), None);
    let others: Vec<_> = coverage.others.iter().map(|covered| (covered.id.as_str(), covered.unknown_heading.as_deref())).collect();
    assert_eq!(others, [("games", None), ("typing", Some("Violance"))]);
    for (face, says) in [
        (
            coverage.markdown(),
            [
                "| games | 95 and 12 phrases | Blocked for pupils. Open to staff. |",
                "Its heading \"Violance\" is none of the standard's.",
                "used for nothing: old/warez (7)",
            ],
        ),
        (coverage.html(), ["95 and 12 phrases</td>", "Its heading “Violance” is none of the standard's.", "old/warez (7)"]),
    ] {
        for said in says {
            assert!(face.contains(said), "{said} in {face}");
        }
    }
}

#[test]
fn the_page_says_when_it_was_made_of_what_and_what_is_not_seen() {
    let coverage = covered(&[list("a", "adult", 5_000, 0)], &groups(), None);
    for face in [coverage.markdown(), coverage.html()] {
        for said in [
            "22 November 2026, generation 12 of the lists",
            "Example School",
            "Of 12 headings, 10 have no list at all and 1 has lists in force. The one for illegal content has no licensed list, which the standard requires.",
            "There Usher sees only the name of the site (such as www.bbc.co.uk), not the page, the search or the video.",
            "Phrases are kept for that, and do nothing yet.",
        ] {
            assert!(face.contains(said), "{said} in {face}");
        }
    }
}

#[test]
fn what_a_list_is_called_cannot_change_the_page() {
    let name = "<script>alert(1)</script>|**x**\n# head\u{202e}";
    let coverage = covered(&[list(name, "adult", 5_000, 0)], &[group("<b>pupils</b>", &[("adult", Action::Block)])], Some("<i>fresh</i>"));
    let (markdown, html) = (coverage.markdown(), coverage.html());
    for markup in ["<script>", "<b>pupils", "<i>fresh"] {
        assert!(!html.contains(markup) && !markdown.contains(markup), "{markup}");
    }
    assert!(html.contains("&#60;script&#62;alert(1)&#60;/<wbr>script&#62;|**x** # head"), "{html}");
    assert!(markdown.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\|\\*\\*x\\*\\* \\# head (5,000)"), "{markdown}");
}

#[test]
fn the_html_needs_and_runs_nothing_from_elsewhere() {
    let html = covered(&[list("a", "adult", 5_000, 0)], &groups(), None).html();
    for outside in ["<script", "<link", "<img", "@import", "url(", " src=", "http://", "https://"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.starts_with("<!doctype html>\n<html lang=\"en-GB\">"));
    assert_eq!(html.matches("<th ").count(), html.matches("<th scope=").count());
}

#[test]
fn the_value_can_be_printed_as_json() {
    let coverage = covered(&[list("a", "adult", 5_000, 3)], &groups(), None);
    let json = serde_json::to_value(&coverage).expect("JSON");
    assert_eq!(json["date"], "2026-11-22");
    assert_eq!(json["headings"][9]["name"], "Pornography");
    assert_eq!(json["headings"][9]["state"], "listed");
    assert_eq!(json["headings"][9]["categories"][0]["lists"][0], serde_json::json!({ "list": "a", "entries": 5_000, "phrases": 3 }));
    assert_eq!(
        json["headings"][9]["categories"][0]["treated"],
        serde_json::json!({ "kind": "groups", "blocked": ["pupils", "staff"], "warned": [], "open": [] })
    );
    assert_eq!(json["headings"][0]["categories"][0]["treated"], serde_json::json!({ "kind": "always" }));
}

#[test]
fn what_a_group_allows_it_does_not_block() {
    let taxonomy = taxonomy();
    let set = |ids: &[&str]| ids.iter().filter_map(|id| taxonomy.find(id)).collect();
    let group = Group {
        name: "year-7".into(),
        staff: false,
        allow: set(&["games"]),
        block: set(&["games", "adult"]),
        warn: set(&["adult", "drugs"]),
        inspect: crate::policy::Mode::None,
        gate: crate::policy::Gate::default(),
        ways: crate::policy::Ways::default(),
        safe_search: crate::policy::Level::Strict,
        tenants: std::sync::Arc::default(),
        phrases: None,
    };
    let Treatment { group, actions } = Treatment::of(&group, &taxonomy);
    assert_eq!(group, "year-7");
    assert_eq!(actions.into_iter().collect::<Vec<_>>(), [("adult".into(), Action::Block), ("drugs".into(), Action::Warn), ("games".into(), Action::Allow)]);
}

#[test]
fn numbers_are_written_as_people_write_them() {
    for (number, written) in [(0, "0"), (7, "7"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (4_600_370, "4,600,370")] {
        assert_eq!(words::thousands(number), written);
    }
}
