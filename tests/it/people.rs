//! Joining, logging in, assigning: a firm's people by the commands they run.

use serde_json::Value;

use crate::support::demo::{Demo, Ran, strongroom, text};

fn field(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

fn invite(demo: &Demo, arguments: &[&str]) -> String {
    let mut words = vec!["invite"];
    words.extend(arguments);
    field(&demo.run("lead", &words).ok(), "url")
}

fn login(demo: &Demo, profile: &str, login: &str, secret: &[&str]) -> Ran {
    let gateway = field(&demo.record, "url");
    let mut words = vec!["login", "--gateway", &gateway, "--login", login];
    words.extend(secret);
    demo.run(profile, &words)
}

#[test]
fn somebody_new_joins_reads_and_comes_back_on_another_device() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let passphrase = text(&demo.file("pass", "正确的马电池订书钉\n".as_bytes()));
    let url = invite(&demo, &["--role", "accountant"]);
    let joined = demo
        .run(
            "new",
            &[
                "join",
                &url,
                "--login",
                "zhou",
                "--name",
                "周会计",
                "--passphrase-file",
                &passphrase,
            ],
        )
        .ok();
    assert!(field(&joined, "recipient").starts_with("age1"));
    assert_eq!(field(&joined, "fingerprint").len(), 64);
    let kit = field(&joined, "kit");
    let used = demo.run("late", &["join", &url]);
    assert_eq!((used.status, used.code()), (3, "not_found".into()), "an invitation is for one");
    let me = demo.run("new", &["whoami"]).ok();
    assert_eq!((&me["role"], &me["clients"]), (&"accountant".into(), &Value::Array(vec![])));

    let file = text(&demo.file("before.pdf", b"sent before"));
    let sent = demo.run("principal", &["send", &file]).ok();
    let before = field(&sent[0], "document");
    let member = field(&joined, "member");
    let assigned = demo.run("lead", &["assign", "--client", &client, "--to", &member]).ok();
    let accountants = assigned["accountants"].as_array().expect("a list");
    assert!(accountants.contains(&member.clone().into()));
    assert!(assigned["pending"].as_u64() > Some(0), "a lead opens nothing: {assigned}");
    let recipients = demo.run("principal", &["recipients", "--client", &client]).ok();
    let found =
        recipients.as_array().expect("a list").iter().find(|r| r["member"] == member.as_str());
    assert_eq!(found.expect("named")["fingerprint"], joined["fingerprint"]);
    // What the one reads aloud is what the others see, on paper too.
    assert_eq!(found.expect("named")["words"], joined["words"]);
    assert_eq!(demo.run("new", &["whoami"]).ok()["words"], joined["words"]);
    let page = std::fs::read_to_string(&kit).expect("a page");
    for (lang, count) in [("en", 8), ("zh", 8)] {
        let words = field(&joined["words"], lang);
        assert_eq!(words.split(' ').count(), count);
        assert!(page.contains(&words), "{words}");
    }

    // New documents at once, old ones after a colleague has re-wrapped them.
    let to = text(&demo.place("in"));
    let after = text(&demo.file("after.pdf", b"sent after"));
    let sent = demo.run("principal", &["send", &after]).ok();
    demo.run("new", &["pull", &field(&sent[0], "document"), "--to", &to]).ok();
    assert_ne!(demo.run("new", &["pull", &before, "--to", &to]).status, 0);
    let rewrapped = demo.run("accountant", &["rewrap", "--client", &client]).ok();
    assert!(rewrapped["rewrapped"].as_u64() > Some(0) && rewrapped["pending"] == 0, "{rewrapped}");
    demo.run("new", &["pull", &before, "--to", &to]).ok();

    // Other devices: by passphrase, by kit, and not by a wrong one.
    login(&demo, "second", "zhou", &["--passphrase-file", &passphrase]).ok();
    // Somebody else's guesses close the door for passphrases, not the one for the kit.
    let wrong = text(&demo.file("wrong", b"not the passphrase\n"));
    let guess = || login(&demo, "guesser", "zhou", &["--passphrase-file", &wrong]).code();
    assert!((0..12).any(|_| guess() == "too_many_requests"));
    login(&demo, "third", "zhou", &["--kit", &kit]).ok();
    // A page that names another root key than the gateway does.
    let page = std::fs::read_to_string(&kit).expect("a page");
    let root = field(&demo.run("third", &["whoami"]).ok(), "root");
    let foreign = text(&demo.file(
        "foreign-kit",
        page.replace(&root, &root.replace(|c: char| c.is_ascii_digit(), "a")).as_bytes(),
    ));
    let refused = login(&demo, "fifth", "zhou", &["--kit", &foreign]);
    assert_eq!((refused.status, refused.code()), (4, "foreign_root".into()));
    for device in ["second", "third"] {
        demo.run(device, &["pull", &before, "--to", &text(&demo.place(device).join("in"))]).ok();
    }
    let refused = login(&demo, "fourth", "zhou", &["--passphrase-file", &wrong]);
    let unknown = login(&demo, "fourth", "nobody", &["--passphrase-file", &wrong]);
    assert_eq!((refused.status, refused.code()), (3, "unauthorized".into()));
    assert_eq!((unknown.status, &unknown.stderr), (3, &refused.stderr));
    assert!(!demo.place("fourth").join("profile.json").exists());

    let sessions = demo.run("third", &["sessions"]).ok();
    let sessions = sessions.as_array().expect("a list");
    assert_eq!(sessions.len(), 3);
    let second = demo.run("second", &["whoami"]).ok();
    demo.run("third", &["sessions", "end", &field(&second, "session")]).ok();
    assert_eq!(demo.run("second", &["whoami"]).code(), "unauthorized");
    demo.run("third", &["logout"]).ok();
    assert_eq!(demo.run("third", &["whoami"]).status, 3);
    login(&demo, "third", "zhou", &["--passphrase-file", &passphrase]).ok();

    let taken = invite(&demo, &["--role", "auditor"]);
    let same = demo.run("other", &["join", &taken, "--login", "zhou"]);
    assert_eq!((same.status, same.code()), (3, "login_taken".into()));

    // The end of an assignment, then of a member.
    demo.run("lead", &["unassign", "--client", &client, "--to", &member]).ok();
    assert_eq!(demo.run("new", &["pull", &before, "--to", &to]).status, 3);
    let ended = demo.run("lead", &["member", "suspend", &member]).ok();
    assert_eq!(ended["state"], "suspended");
    assert_eq!(demo.run("new", &["whoami"]).code(), "unauthorized");
}

#[test]
fn a_foreign_or_changed_invitation_is_refused_before_anything_is_made() {
    let demo = Demo::start();
    let url = invite(&demo, &["--role", "auditor"]);
    let (address, fragment) = url.split_once('#').expect("a fragment");
    // The root key's fingerprint is in the last sixteen bytes of the fragment.
    let mut bytes = {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(fragment).expect("base64url")
    };
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let foreign = {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes)
    };
    let ran = demo.run("x", &["join", &format!("{address}#{foreign}")]);
    assert_eq!((ran.status, ran.code()), (4, "foreign_root".into()));
    bytes[last] ^= 1;
    bytes[5] ^= 1;
    let other = {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes)
    };
    let ran = demo.run("x", &["join", &format!("{address}#{other}")]);
    assert_eq!((ran.status, ran.code()), (3, "not_found".into()));
    assert!(!demo.place("x").join("profile.json").exists());
    assert!(!demo.place("x").join("recovery-kit.txt").exists());
    demo.run("x", &["join", &url]).ok();
    let again = demo.run("x", &["join", &url]);
    assert_eq!((again.status, again.code()), (1, "profile_exists".into()));
}

#[test]
fn only_a_lead_governs() {
    let demo = Demo::start();
    let client = demo.client("principal");
    for who in ["accountant", "principal", "clerk", "auditor", "admin"] {
        for words in [
            &["client", "add", "x"][..],
            &["invite", "--role", "auditor"],
            &["assign", "--client", &client, "--to", &client],
            &["member", "suspend", &client],
        ] {
            let ran = demo.run(who, words);
            assert_eq!(ran.status, 3, "{who} {words:?} {}", ran.stderr);
        }
    }
}

#[test]
fn a_second_officer_holds_the_root_key_too() {
    let demo = Demo::start();
    let url = invite(&demo, &["--role", "lead"]);
    let officer = field(&demo.run("officer", &["join", &url, "--login", "shen"]).ok(), "member");
    let without = demo.run("officer", &["invite", "--role", "lead"]);
    assert_eq!((without.status, without.code()), (1, "no_such_file".into()));

    let copy = text(&demo.place("root.age"));
    demo.run("lead", &["root", "export", "--to", &officer, "--out", &copy]).ok();
    let again = demo.run("lead", &["root", "export", "--to", &officer, "--out", &copy]);
    assert_eq!(again.code(), "file_exists");
    let stranger = demo.run("accountant", &["root", "import", &copy]);
    assert_eq!(stranger.code(), "profile_damaged", "it is sealed to somebody else");
    demo.run("officer", &["root", "import", &copy]).ok();
    let third = field(&demo.run("officer", &["invite", "--role", "lead"]).ok(), "url");
    demo.run("third", &["join", &third, "--login", "third"]).ok();

    let principal = field(&demo.run("principal", &["whoami"]).ok(), "member");
    let outside = demo.place("outside.age");
    let refused =
        demo.run("lead", &["root", "export", "--to", &principal, "--out", &text(&outside)]);
    assert_eq!((refused.status, refused.code()), (3, "no_such_member".into()));
    assert!(!outside.exists());
}

#[test]
fn a_founders_kit_names_the_address_that_people_type() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, profile) = (folder.path().join("srv"), folder.path().join("lead"));
    let url = "https://files.example.cn:8443";
    let words = ["--json", "--profile", &text(&profile), "init", "--data", &text(&data)];
    let mut command = strongroom(&words);
    let founded = Ran::of(&command.args(["--firm", "所", "--url", url]).output().expect("runs"));
    let kit = std::fs::read_to_string(field(&founded.ok(), "kit")).expect("a page");
    assert!(kit.contains(&format!(": {url}\n")), "{kit}");
    assert!(!kit.contains("127.0.0.1"), "{kit}");
}
