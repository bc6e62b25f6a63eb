//! Rules that change while the program runs.

use crate::place::{Start, Walls};
use crate::upstream::{Upstream, address, question, told};
use domain::base::iana::{Rcode, Rtype};
use serde_json::json;

#[test]
fn other_rules_hold_for_the_next_question_and_are_enforced_with_what_is_known() {
    let server =
        Upstream::of(vec![address("a.example", "8.8.8.1"), address("b.example", "8.8.8.2")]);
    let place = Start::new(&[server.at], &[("allow", "a.example")]).go();
    let ask = |name| told(&place.ask(&question(name, Rtype::A, 0))).rcode;
    assert_eq!((ask("a.example"), ask("b.example")), (Rcode::NOERROR, Rcode::NXDOMAIN));
    let allow = |rule: &str| json!([{ "verdict": "allow", "rule": rule }]);
    let rules = json!({ "default": "deny", "list": allow("b.example") });
    let done = place.change(&json!({ "add": allow("b.example"), "remove": allow("a.example") }));
    assert_eq!(done["done"], true, "{done}");
    let line = place.line(|line| line.get("load").is_some());
    assert_eq!(line["load"], json!({ "rules": rules, "generation": 2 }));
    assert_eq!(line["names"][0]["names"], json!(["a.example"]));
    assert_eq!((ask("a.example"), ask("b.example")), (Rcode::NXDOMAIN, Rcode::NOERROR));
}

#[test]
fn a_change_that_cannot_be_made_changes_nothing_and_says_why() {
    let server = Upstream::of(vec![address("a.example", "8.8.8.1")]);
    let place = Start::new(&[server.at], &[("allow", "a.example")]).walls(Walls::Refused).go();
    let rule = |rule: &str| json!([{ "verdict": "allow", "rule": rule }]);
    let done = place.change(&json!({ "add": rule("c.example"), "remove": rule("b.example") }));
    assert_eq!((&done["done"], &done["missing"]), (&json!(false), &json!("b.example")));
    for wrong in [json!({ "add": rule("host") }), json!({ "more": 1 }), json!("x")] {
        let done = place.change(&wrong);
        assert!(done["done"] == false && done["why"].is_string(), "{done}");
    }
    assert_eq!(place.rules(), ["allow a.example", "deny"]);
    // Those who enforce it do not.
    let done = place.change(&json!({ "add": rule("b.example") }));
    assert!(done["done"] == false && done["why"].is_string(), "{done}");
}

#[test]
fn any_number_of_rules_is_told_and_changed() {
    let server = Upstream::of(vec![]);
    let place = Start::new(&[server.at], &[]).go();
    assert_eq!(place.rules(), ["deny"]);
    let nth = |n: u32| format!("n{n}.example:443/tcp");
    let all: Vec<_> = (0..10_000).map(|n| json!({ "verdict": "ask", "rule": nth(n) })).collect();
    assert_eq!(place.change(&json!({ "default": "allow", "add": all }))["done"], true);
    let told = place.rules();
    let wanted = (0..10_000).map(|n| format!("ask {}", nth(n)));
    assert!(told.iter().eq(&wanted.chain(["allow".to_owned()]).collect::<Vec<_>>()));
}
