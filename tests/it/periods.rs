//! Closed accounting periods, from outside: who closes them, what opening a document of one
//! asks for, and what the client reads afterwards.

use serde_json::Value;

use crate::support::curl::rows;
use crate::support::demo::{Demo, text};

/// The rows of `who-saw` of one action, as the client reads them.
fn seen(demo: &Demo, action: &str) -> Vec<Value> {
    let all = demo.run("principal", &["who-saw"]).ok();
    rows(&all).iter().filter(|row| row["action"] == action).cloned().collect()
}

#[test]
fn opening_a_document_of_a_closed_period_asks_for_a_reason_that_the_client_reads() {
    let demo = Demo::start();
    let file = demo.place("工资表.txt");
    std::fs::write(&file, "十月").expect("written");
    let file = text(&file);
    let sent = demo.run("principal", &["send", &file, "--period", "2026-10"]).ok();
    let document = sent[0]["document"].as_str().expect("an id").to_owned();
    let client = demo.record["clients"]["principal"].as_str().expect("an id").to_owned();
    let to = |who: &str| text(&demo.place(&format!("inbox of {who}")));

    // Whoever does not keep this client's books closes nothing.
    let close = ["period", "close", "2026-10", "--client", &client];
    assert_eq!(demo.run("accountant2", &close).status, 3);
    assert_eq!(demo.run("principal", &close).status, 3);
    let closed = demo.run("accountant", &close).ok();
    assert_eq!(closed[0]["period"], "2026-10");
    assert_eq!(demo.run("accountant", &close).ok(), closed, "again changes nothing");
    assert_eq!(demo.run("principal", &["period", "list"]).ok(), closed, "the client sees it");
    assert_eq!(seen(&demo, "period.close").len(), 1);

    // Without a reason nothing is opened, whichever way.
    let opened = seen(&demo, "document.open").len();
    let inbox = to("accountant");
    let refused = demo.run("accountant", &["pull", &document, "--to", &inbox]);
    assert_eq!(
        (refused.status, refused.json[0]["error"]["code"].as_str()),
        (3, Some("reason_required"))
    );
    let raw = text(&demo.place("raw.age"));
    let refused = demo.run("accountant", &["fetch", &document, "--raw", &raw]);
    assert_eq!((refused.status, refused.code()), (3, "reason_required".into()));
    assert!(!demo.place("raw.age").exists());
    assert_eq!(seen(&demo, "document.open").len(), opened);
    for blank in ["  ", "\u{200b}", "\u{3164}", "…", "a\u{202e}b"] {
        let blank = ["pull", &document, "--to", &inbox, "--reason", blank];
        assert_eq!(demo.run("accountant", &blank).status, 3, "a reason says something");
    }

    // With one it is, and the client reads it with the opening.
    let reason = "税务核查：复核个税申报";
    let pulled = demo.run("accountant", &["pull", &document, "--to", &inbox, "--reason", reason]);
    assert_eq!(pulled.ok()[0]["verified"], true);
    let openings = seen(&demo, "document.open");
    assert_eq!((openings.len(), openings[0]["purpose"].as_str()), (opened + 1, Some(reason)));
    assert_eq!(seen(&demo, "document.reason")[0]["purpose"], reason);

    // It is the firm that is asked, not the client; and one reason is one person's.
    let own = demo.run("principal", &["pull", &document, "--to", &to("principal")]);
    assert_eq!(own.status, 0, "{own:?}");
    let other = sent_also_to_a_colleague(&demo, &client, &document);
    assert_eq!(other, "reason_required");

    // Opened again, it is as before; that too needs a reason and is seen.
    let reopen = ["period", "reopen", "2026-10", "--client", &client, "--reason", "更正"];
    assert_eq!(demo.run("accountant", &reopen).ok(), serde_json::json!([]));
    assert_eq!(seen(&demo, "period.reopen")[0]["purpose"], "更正");
    let fetched = demo.run("accountant", &["fetch", &document, "--raw", &raw]);
    assert_eq!(fetched.status, 0, "{fetched:?}");
}

/// A second accountant is assigned, can open the document, and is asked for a reason of their own.
fn sent_also_to_a_colleague(demo: &Demo, client: &str, document: &str) -> String {
    let colleague = demo.run("accountant2", &["whoami"]).ok();
    let colleague = colleague["member"].as_str().expect("an id");
    demo.run("lead", &["assign", "--client", client, "--to", colleague]).ok();
    demo.run("accountant", &["rewrap"]).ok();
    let to = text(&demo.place("inbox of a colleague"));
    let pulled = demo.run("accountant2", &["pull", document, "--to", &to]);
    pulled.json[0]["error"]["code"].as_str().unwrap_or_default().to_owned()
}
