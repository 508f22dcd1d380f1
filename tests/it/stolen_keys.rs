//! What somebody with a revoked key, or without a place in the firm any more, can no longer do at
//! the gateway: end people, decide about shares, fetch what they shared.

use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use serde_json::Value;

use crate::shares::{open_share, seen, sent, share};
use crate::support::demo::{Demo, Ran, strongroom, text};
use crate::support::liar::Liar;

fn field(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

fn member(demo: &Demo, who: &str) -> String {
    field(&demo.run(who, &["whoami"]).ok(), "member")
}

/// Whoever found the kit of `login` logs in as them, into the profile `thief`.
fn steal(demo: &Demo, login: &str) {
    let kit = text(&demo.profile(login).join("recovery-kit.txt"));
    let url = field(&demo.record, "url");
    demo.run("thief", &["login", "--gateway", &url, "--login", login, "--kit", &kit]).ok();
}

#[test]
fn a_revoked_key_of_a_lead_ends_nobody_and_breaks_no_directory() {
    let demo = Demo::start();
    let invited = demo.run("lead", &["invite", "--role", "lead"]).ok();
    demo.run("lead2", &["join", &field(&invited, "url"), "--login", "lead2"]).ok();
    let clerk = member(&demo, "clerk");
    let lead = member(&demo, "lead");
    demo.run("lead2", &["member", "revoke-key", &lead]).ok();
    steal(&demo, "lead");
    let tried = demo.run("thief", &["member", "suspend", &clerk]);
    assert_ne!(tried.status, 0, "{}", tried.json);
    // The clerk is still in, and everybody's directory still verifies.
    demo.run("clerk", &["whoami"]).ok();
    let client = demo.client("principal");
    for who in ["accountant", "principal", "clerk"] {
        demo.run(who, &["recipients", "--client", &client]).ok();
    }
    demo.run("lead2", &["member", "list"]).ok();
    let config = text(&demo.data().join("strongroom.toml"));
    let checks =
        Ran::of(&strongroom(&["--json", "doctor", "--config", &config]).output().expect("runs"));
    let chain = checks.json.as_array().expect("checks").iter().find(|c| c["check"] == "key chain");
    assert_eq!(chain.expect("a line")["ok"], true);
    // Whose key is good still can.
    demo.run("lead2", &["member", "suspend", &clerk]).ok();
    demo.run("principal", &["recipients", "--client", &client]).ok();
}

#[test]
fn a_revoked_key_of_a_principal_authorises_nothing() {
    let demo = Demo::start();
    let documents = sent(&demo, "contract", &[("a.pdf", b"a")]);
    let share = share(&demo, &documents, &[]);
    let principal = member(&demo, "principal");
    demo.run("lead", &["member", "revoke-key", &principal]).ok();
    steal(&demo, "principal");
    let tried = demo.run("thief", &["authorise", &share.id, "--basis", "no_personal_data"]);
    assert_ne!(tried.status, 0, "{}", tried.json);
    assert_eq!(seen(&demo, "accountant", &share.id)["state"], "waiting");
    // Nor with a key that the revoked one made.
    let rotated = demo.run("thief", &["key", "rotate"]);
    let tried = demo.run("thief", &["authorise", &share.id, "--basis", "no_personal_data"]);
    assert_ne!(tried.status, 0, "{} after {}", tried.json, rotated.stderr);
    assert_eq!(share.receive(&demo, "in").code(), "share_not_open");
}

#[test]
fn a_share_ends_when_whoever_made_it_leaves_the_client() {
    let demo = Demo::start();
    let documents = sent(&demo, "contract", &[("a.pdf", b"a"), ("b.pdf", b"b")]);
    let open = open_share(&demo, &documents[..1], &["--max-downloads", "3"]);
    let waiting = share(&demo, &documents[1..], &[]);
    open.receive(&demo, "before").ok();
    let accountant = member(&demo, "accountant");
    let client = demo.client("principal");
    let other = member(&demo, "accountant2");
    demo.run("lead", &["assign", "--client", &client, "--to", &other]).ok();
    demo.run("lead", &["unassign", "--client", &client, "--to", &accountant]).ok();
    for share in [&open, &waiting] {
        assert_eq!(seen(&demo, "lead", &share.id)["state"], "revoked");
    }
    let late = ["authorise", &waiting.id, "--basis", "no_personal_data"];
    assert_eq!(demo.run("principal", &late).status, 3);
    assert_eq!(open.receive(&demo, "after").code(), "share_not_open");
    assert_eq!(waiting.receive(&demo, "after").code(), "share_not_open");
}

/// The gateway says from when on somebody can be ended who dated ahead; the command signs again.
#[test]
fn an_end_is_dated_after_what_was_dated_ahead() {
    let (demo, seen, liar) = Liar::before(&["lead"]);
    let clerk = member(&demo, "clerk");
    let later = "2036-01-01T00:00:00.000Z";
    let tried = Arc::new(Mutex::new(Vec::<String>::new()));
    let kept = tried.clone();
    liar.lie(move |e| {
        if !e.is(Method::POST, "/revocations") {
            return;
        }
        let mut tried = kept.lock().expect("no panic");
        tried.push(String::from_utf8_lossy(&e.sent).into_owned());
        e.refuse(StatusCode::CONFLICT, "too_early");
        e.rewrite(|problem| problem["not_before"] = later.into());
    });
    let ran = seen.run("lead", &["member", "suspend", &clerk]);
    assert_eq!((ran.status, ran.code()), (3, "too_early".into()), "{}", ran.json);
    let tried = tried.lock().expect("no panic");
    assert_eq!(tried.len(), 2, "once more, and not for ever");
    assert!(!tried[0].contains(later) && tried[1].contains(&format!("time {later}")));
}

/// Their device was stolen and nobody else leads: they end the key, and make another with the root.
#[test]
fn a_lead_who_ends_their_own_key_goes_on_with_the_next() {
    let demo = Demo::start();
    let lead = member(&demo, "lead");
    let client = demo.client("principal");
    demo.run("lead", &["member", "revoke-key", &lead]).ok();
    let account = &demo.record["accounts"]["lead"];
    let passphrase = text(&demo.file("passphrase", field(account, "passphrase").as_bytes()));
    let (url, login) = (field(&demo.record, "url"), field(account, "login"));
    let by = ["--passphrase-file", &passphrase];
    let log_in = [&["login", "--gateway", &url, "--login", &login][..], &by].concat();
    demo.run("lead", &log_in).ok();
    // Until then the session alone changes nothing of the firm.
    let tried = demo.run("lead", &["client", "add", "丙公司"]);
    assert_eq!((tried.status, tried.code()), (3, "key_revoked".into()), "{}", tried.stderr);
    let rotate = [&["key", "rotate"][..], &by].concat();
    assert_eq!(demo.run("lead", &rotate).ok()["epoch"], 2);
    demo.run("lead", &["client", "add", "丙公司"]).ok();
    let accountant2 = member(&demo, "accountant2");
    demo.run("lead", &["assign", "--client", &client, "--to", &accountant2]).ok();
    demo.run("principal", &["recipients", "--client", &client]).ok();
    // The client sees who looks after them, and whose key is good no more.
    demo.run("lead", &["member", "revoke-key", &accountant2]).ok();
    let seen = demo.run("principal", &["who-saw"]).ok();
    let newest = |action: &str| {
        let row = seen.as_array().expect("rows").iter().find(|row| row["action"] == action);
        row.unwrap_or_else(|| panic!("{action} in {seen}")).clone()
    };
    let accountants = newest("assignment.set")["detail"]["accountants"].clone();
    assert!(accountants.as_array().is_some_and(|all| all.contains(&accountant2.clone().into())));
    let revoked = newest("card.revoke");
    assert_eq!(
        (&revoked["object"], &revoked["role"]),
        (&format!("{accountant2}.1").into(), &"lead".into())
    );
}
