//! Nothing that a gateway says steers the terminal of whoever reads it.

use http::StatusCode;

use crate::support::demo::{Demo, strongroom, text};
use crate::support::liar::Liar;

/// Colours, a title, a cleared screen (with a C1 introducer too) and text that runs backwards.
const EVIL: &str = "x\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}2J\r\u{202e}y";

/// What a command of `who` writes for people, to both streams.
fn said(demo: &Demo, who: &str, words: &[&str]) -> String {
    let profile = text(&demo.profile(who));
    let ca = demo.record["ca"].as_str().expect("a CA");
    let mut command = strongroom(&["--profile", &profile, "--ca", ca]);
    let output = command.args(words).output().expect("the program runs");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn is_harmless(said: &str) -> bool {
    !said.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}')
}

#[test]
fn words_of_a_gateway_do_not_steer_the_terminal() {
    let (_demo, seen, liar) = Liar::before(&["lead"]);
    liar.lie(|e| {
        if e.is(http::Method::GET, "/members") {
            e.rewrite(|members| {
                for member in members.as_array_mut().expect("members") {
                    member["login"] = EVIL.into();
                }
            });
        }
    });
    let list = said(&seen, "lead", &["member", "list"]);
    assert!(list.contains("2J") && is_harmless(&list), "{list:?}");
    // A name that is not the one of the card is not shown at all.
    liar.lie(|e| {
        if e.is(http::Method::GET, "/members") {
            e.rewrite(|members| members[0]["name"] = EVIL.into());
        }
    });
    let list = said(&seen, "lead", &["member", "list"]);
    assert!(!list.contains("2J") && list.contains("row_differs"), "{list:?}");
    liar.lie(|e| e.refuse(StatusCode::UNPROCESSABLE_ENTITY, EVIL));
    let refused = said(&seen, "lead", &["member", "list"]);
    assert!(refused.contains("2J") && is_harmless(&refused), "{refused:?}");
}
