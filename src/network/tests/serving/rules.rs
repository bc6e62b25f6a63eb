//! Rules that change while the program runs.

use crate::place::Start;
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
    let rules = json!({ "default": "deny", "list": [{ "verdict": "allow", "rule": "b.example" }] });
    place.say(&json!({ "rules": rules }));
    let line = place.line(|line| line.get("load").is_some());
    assert_eq!(line["load"], json!({ "rules": rules, "generation": 2 }));
    assert_eq!(line["names"][0]["names"], json!(["a.example"]));
    assert_eq!((ask("a.example"), ask("b.example")), (Rcode::NXDOMAIN, Rcode::NOERROR));
}
