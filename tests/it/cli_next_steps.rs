//! What a person types wrongly is refused on their device with the field and its limit, and what
//! only the gateway knows comes with the next step.

use crate::support::demo::{Demo, text};

#[test]
fn ordinary_mistakes_are_named_with_their_limit() {
    let demo = Demo::start();
    let (ours, theirs) = (demo.client("principal"), demo.client("principal2"));
    let member = |who: &str| {
        let me = demo.run(who, &["whoami"]).ok();
        me["member"].as_str().expect("an id").to_owned()
    };
    let (principal, accountant) = (member("principal"), member("accountant"));
    let nobody = "0".repeat(32);
    let root = text(&demo.place("root.age"));
    for (who, words, status, code) in [
        ("lead", &["client", "add", " "][..], 2, "bad_name"),
        ("lead", &["invite", "--role", "auditor", "--expires", "90d"], 2, "too_long"),
        ("lead", &["assign", "--client", &ours, "--to", &nobody], 3, "not_an_accountant"),
        ("lead", &["assign", "--client", &ours, "--to", &principal], 3, "not_an_accountant"),
        ("lead", &["root", "export", "--to", &accountant, "--out", &root], 3, "not_a_lead"),
        ("lead", &["handover", "--from", &accountant, "--to", &accountant], 2, "same_person"),
        ("accountant2", &["request", "--client", &theirs, "--on-arrival"], 3, "arrival_off"),
        ("accountant", &["request", "--client", &ours, "--expires", "400d"], 2, "too_long"),
        ("principal2", &["policy", "--client", &theirs, "--on-arrival", "yes"], 3, "policy_wider"),
        ("principal", &["who-saw", "--since", "yesterday"], 2, "bad_since"),
        ("lead", &["list", "--client", &nobody], 3, "not_found"),
    ] {
        let refused = demo.run(who, words);
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{words:?}");
    }
    let shown = demo.run("principal2", &["policy", "--client", &theirs]).ok();
    assert_eq!(shown["on_arrival"], "no", "shown, not changed");

    let invited = demo.run("lead", &["invite", "--role", "auditor"]).ok();
    let url = invited["url"].as_str().expect("a link");
    let spaced = demo.run("new", &["join", url, "--login", "wang li"]);
    assert_eq!((spaced.status, spaced.code().as_str()), (2, "bad_login"));
    demo.run("new", &["join", url, "--login", "wang.li"]).ok();
    let used = demo.run("newer", &["join", url, "--login", "li.wang"]);
    assert_eq!((used.status, used.code().as_str()), (3, "not_found"));
    assert!(used.stderr.contains("ask your firm for a new one"), "{}", used.stderr);
}

#[test]
fn the_first_digits_of_an_id_and_times_as_people_say_them_are_enough() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let file = text(&demo.file("对账单.txt", b"statement"));
    let sent = demo.run("principal", &["send", &file, "--client", &client[..8]]).ok();
    let document = sent[0]["document"].as_str().expect("an id").to_owned();
    let to = text(&demo.place("in"));
    let pulled = demo.run("accountant", &["pull", &document[..10], "--to", &to]).ok();
    assert_eq!(pulled[0]["document"], document.as_str());
    let unknown = demo.run("accountant", &["pull", "0000000", "--to", &to]);
    assert_eq!((unknown.status, unknown.code().as_str()), (2, "usage"));

    let seen = demo.run("principal", &["who-saw", "--since", "1h", "--names"]).ok();
    let rows = seen.as_array().expect("rows");
    let opened = rows.iter().find(|row| row["action"] == "document.open").expect("it was opened");
    assert_eq!(opened["file"], "对账单.txt");
    let mut plain = demo.command("principal", &["who-saw", "--lang", "zh"]);
    let plain = plain_of(&mut plain);
    assert!(plain.contains("取走文件内容") && plain.contains("对账单.txt"), "{plain}");
    assert!(!plain.contains("document.list") && plain.contains("--full"), "{plain}");

    let mut listed = demo.command("principal", &["list", "--lang", "zh"]);
    let listed = plain_of(&mut listed);
    let line = listed.lines().find(|line| line.contains("对账单.txt")).expect("listed");
    assert!(line.starts_with(&document[..8]) && line.contains("本人"), "{listed}");
}

/// What a command says to people: the same one without `--json`.
fn plain_of(command: &mut std::process::Command) -> String {
    let words: Vec<_> =
        command.get_args().filter(|word| *word != "--json").map(ToOwned::to_owned).collect();
    let output = std::process::Command::new(command.get_program())
        .args(words)
        .env_remove("LC_ALL")
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
