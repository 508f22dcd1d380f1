//! Keys that change: what was sealed before stays readable, and nothing is sealed to a new key
//! before a person has said that it is right.

use serde_json::Value;
use strongroom::api::{Base64, KeyringHeader, KeyringSealed, Rotation};
use strongroom::cli::profile::{DeviceKeyring, PendingRotation, Profile};
use strongroom::clock::{Clock, Timestamp};
use strongroom::envelope::keyring::{self, Unlock};
use strongroom::envelope::statement::{Card, Note, Recipient, Statement};
use strongroom::secrets::Secret;
use strongroom::trust::fragment::{kit_token, token_hash};

use crate::support::demo::{Demo, Ran, copy, text};

fn rows(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn field(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

fn member(demo: &Demo, who: &str) -> String {
    field(&demo.run(who, &["whoami"]).ok(), "member")
}

fn send(demo: &Demo, who: &str, name: &str) -> Ran {
    let file = text(&demo.file(name, name.as_bytes()));
    demo.run(who, &["send", &file, "--category", "bank"])
}

fn document(ran: Ran) -> String {
    field(&rows(&ran.ok())[0], "document")
}

/// The accountant's passphrase, in a file.
fn passphrase(demo: &Demo) -> String {
    let passphrase = field(&demo.record["accounts"]["accountant"], "passphrase");
    text(&demo.file("passphrase", passphrase.as_bytes()))
}

fn rotate(demo: &Demo) -> Ran {
    demo.run("accountant", &["key", "rotate", "--passphrase-file", &passphrase(demo)])
}

fn confirm(demo: &Demo, who: &str, member: &str, words: &str) -> Ran {
    demo.run(who, &["recipients", "confirm", member, "--fingerprint", words])
}

fn log_in(demo: &Demo, device: &str, proof: &[&str]) -> Ran {
    let (url, login) =
        (field(&demo.record, "url"), field(&demo.record["accounts"]["accountant"], "login"));
    let mut words = vec!["login", "--gateway", &url, "--login", &login];
    words.extend(proof);
    demo.run(device, &words)
}

/// What `who` sees of the key of `member` among the recipients.
fn recipient(demo: &Demo, who: &str, member: &str) -> Value {
    let client = demo.client("principal");
    let found = demo.run(who, &["recipients", "--client", &client]).ok();
    rows(&found).iter().find(|row| row["member"] == member).expect("named").clone()
}

#[track_caller]
fn key_changed(ran: &Ran) {
    assert_eq!((ran.status, ran.code().as_str()), (4, "key_changed"), "{}", ran.stderr);
}

#[test]
fn a_new_key_reads_old_papers_and_gets_new_ones_once_a_person_has_confirmed_it() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let accountant = member(&demo, "accountant");
    let before = document(send(&demo, "principal", "before.txt"));
    document(send(&demo, "clerk", "clerk-before.txt"));
    demo.run("lead", &["member", "list"]).ok();
    let known = recipient(&demo, "principal", &accountant);
    assert_eq!((&known["assurance"], &known["was"]), (&"link".into(), &Value::Null));
    log_in(&demo, "second", &["--passphrase-file", &passphrase(&demo)]).ok();

    let without = demo.run("accountant", &["key", "rotate"]);
    assert_eq!((without.status, without.code().as_str()), (2, "secret_needed"));
    let rotated = rotate(&demo).ok();
    assert_eq!(rotated["epoch"], 2);
    assert_ne!(rotated["fingerprint"], known["fingerprint"]);
    assert_eq!(demo.run("accountant", &["whoami"]).ok()["words"], rotated["words"]);
    assert_eq!(demo.run("second", &["whoami"]).code(), "unauthorized");

    // Old papers open, with our program and with any other.
    let pull = |who: &str, document: &str| {
        demo.run(who, &["pull", document, "--to", &text(&demo.place(who).join("in"))])
    };
    assert_eq!(rows(&pull("accountant", &before).ok())[0]["verified"], true);
    let (raw, identity, opened) =
        (text(&demo.place("raw.age")), text(&demo.place("key.txt")), demo.place("opened"));
    demo.run("accountant", &["fetch", &before, "--raw", &raw]).ok();
    demo.run("accountant", &["key", "export", "--to", &identity]).ok();
    let ran = demo.run("accountant", &["open", "-i", &identity, "-o", &text(&opened), &raw]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(std::fs::read(&opened).expect("opened"), b"before.txt");

    // Nobody seals to the new key, whatever they run, and nothing has left.
    let listed = || rows(&demo.run("accountant", &["list", "--client", &client]).ok()).len();
    let count = listed();
    let refused = send(&demo, "principal", "after.txt");
    key_changed(&refused);
    for words in [&known["words"]["en"], &rotated["words"]["en"]] {
        assert!(refused.stderr.contains(words.as_str().expect("words")), "{}", refused.stderr);
    }
    key_changed(&send(&demo, "clerk", "after.txt"));
    let file = text(&demo.file("report.pdf", b"a report"));
    key_changed(&demo.run("lead", &["assign", "--client", &client, "--to", &accountant]));
    let from = member(&demo, "accountant2");
    let to = ["--from", &from, "--to", &accountant];
    let statement = text(&demo.place("handover.txt"));
    let handover = [&["handover"][..], &to, &["--statement", &statement]].concat();
    key_changed(&demo.run("lead", &handover));
    assert_eq!(listed(), count);
    let seen = recipient(&demo, "principal", &accountant);
    assert_eq!((&seen["assurance"], &seen["was"]), (&"changed".into(), &known["fingerprint"]));

    // A person who compared it: first with the wrong words, then in their own language.
    let old_words = field(&known["words"], "en");
    for wrong in [old_words.as_str(), "zoo zoo zoo zoo zoo zoo zoo zoo", ""] {
        let ran = confirm(&demo, "principal", &accountant, wrong);
        assert_eq!((ran.status, ran.code().as_str()), (4, "words_differ"), "{wrong}");
    }
    key_changed(&send(&demo, "principal", "after.txt"));
    let done = confirm(&demo, "principal", &accountant, &field(&rotated["words"], "zh")).ok();
    assert_eq!((&done["assurance"], &done["was"]), (&"in_person".into(), &known["fingerprint"]));
    let after = document(send(&demo, "principal", "after.txt"));
    assert_eq!(rows(&pull("accountant", &after).ok())[0]["verified"], true);
    assert_eq!(recipient(&demo, "principal", &accountant)["assurance"], "in_person");

    // The others have not compared anything, until a lead vouches for everybody.
    key_changed(&send(&demo, "clerk", "after.txt"));
    let done = confirm(&demo, "lead", &accountant, &field(&rotated["words"], "en")).ok();
    assert_eq!(done["countersigned"], true);
    let from_clerk = document(send(&demo, "clerk", "after.txt"));
    assert_eq!(recipient(&demo, "clerk", &accountant)["assurance"], "vouched");
    demo.run("lead", &["assign", "--client", &client, "--to", &accountant]).ok();
    demo.run("accountant", &["deliver", &file, "--client", &client]).ok();

    // The client reads of all of it.
    let saw = demo.run("principal", &["who-saw", "--client", &client]).ok();
    let count = |action: &str| rows(&saw).iter().filter(|row| row["action"] == action).count();
    assert_eq!((count("key.rotate"), count("key.confirm")), (1, 2));

    // Other devices come back with the passphrase or the new kit, and read everything.
    log_in(&demo, "second", &["--passphrase-file", &passphrase(&demo)]).ok();
    log_in(&demo, "third", &["--kit", &field(&rotated, "kit")]).ok();
    for device in ["second", "third"] {
        for document in [&before, &after, &from_clerk] {
            assert_eq!(rows(&pull(device, document).ok())[0]["verified"], true, "{device}");
        }
    }
    // What the old key sent is still its sender's.
    let listed = demo.run("principal", &["list", "--client", &client]).ok();
    assert!(rows(&listed).iter().all(|row| row["verified"] != false), "{listed}");
}

#[test]
fn words_and_assurance_stand_beside_every_member() {
    let demo = Demo::start();
    let listed = demo.run("lead", &["member", "list"]).ok();
    let me = demo.run("accountant", &["whoami"]).ok();
    let row = |listed: &Value, id: &Value| {
        rows(listed).iter().find(|row| row["member"] == *id).expect("listed").clone()
    };
    let accountant = row(&listed, &me["member"]);
    for name in ["fingerprint", "words"] {
        assert_eq!(accountant[name], me[name]);
    }
    assert_eq!(accountant["assurance"], "link");
    let lead = demo.run("lead", &["whoami"]).ok();
    assert_eq!(row(&listed, &lead["member"])["assurance"], "own");
    let id = field(&me, "member");
    let done = confirm(&demo, "lead", &id, &field(&me["words"], "en")).ok();
    assert_eq!(done["countersigned"], false, "an invitation needs nobody else's word");
    let listed = demo.run("lead", &["member", "list"]).ok();
    assert_eq!(row(&listed, &me["member"])["assurance"], "in_person");
    let own = confirm(&demo, "lead", &field(&lead, "member"), &field(&lead["words"], "en"));
    assert_eq!(own.code(), "no_such_member");
    // In Chinese output the words are Chinese.
    let mut command = demo.command("accountant", &["whoami"]);
    let output = command.env("LC_ALL", "zh_CN.UTF-8").output().expect("it runs");
    assert!(Ran::of(&output).json.is_object());
    let profile = text(&demo.profile("accountant"));
    let mut command = crate::support::demo::strongroom(&["--profile", &profile, "whoami"]);
    command.args(["--ca", demo.record["ca"].as_str().expect("a CA")]);
    let output = command.env("LC_ALL", "zh_CN.UTF-8").output().expect("it runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains(&field(&me["words"], "zh")), "{shown}");
    assert!(!shown.contains(&field(&me["words"], "en")), "{shown}");
}

/// Everything that a rotation leaves on the disk before it tells the gateway.
fn begin(demo: &Demo, profile: &Profile, time: Timestamp) -> PendingRotation {
    let old = profile.unlock().expect("unlocks");
    let next = old.rotated().expect("room");
    let keys = next.keys();
    let before: Card = profile.card().expect("a card").decode().expect("a card");
    let card = Card {
        epoch: next.epoch,
        sign: keys.sign.public(),
        recipient: Some(Recipient::from(&keys.recipient())),
        recipient_pq: Some(Recipient::from(&keys.recipient_post_quantum())),
        prev: Some(before.hash()),
        time,
        ..before
    };
    let card = Note::sign(&card, &[&keys.sign, &old.keys().sign]);
    let (payload, file_key) = keyring::seal(&next);
    let device = DeviceKeyring::wrap(&file_key, payload.clone(), next.member, card.clone());
    let kit = Secret::random();
    let wrapped = keyring::wrap(&file_key, Unlock::Kit, kit.expose(), next.member);
    let request = Rotation {
        card,
        registration: None,
        kit_token_hash: token_hash(&kit_token(&kit, next.member)),
        keyring: KeyringSealed {
            payload: Base64(payload),
            headers: vec![
                KeyringHeader { kind: "device".into(), header: device.stored.header.clone() },
                KeyringHeader { kind: "kit".into(), header: Base64(wrapped.as_bytes().to_vec()) },
            ],
        },
    };
    let kit = demo.file("new-kit.txt", b"a kit");
    PendingRotation::new(request, &device, next.epoch, kit)
}

#[test]
fn a_rotation_that_broke_off_is_finished_by_the_next_command() {
    let demo = Demo::start();
    // Somebody without a passphrase, so that a test can make the whole request.
    let invited = demo.run("lead", &["invite", "--role", "accountant"]).ok();
    let joined = demo.run("new", &["join", &field(&invited, "url")]).ok();
    let client = demo.client("principal");
    let id = field(&joined, "member");
    demo.run("lead", &["assign", "--client", &client, "--to", &id]).ok();
    let sent = document(send(&demo, "principal", "before.txt"));
    let profile = Profile::open(&demo.profile("new")).expect("a profile");
    let (old, stopped) = (demo.place("old"), demo.place("stopped"));
    copy(profile.dir(), &old);
    profile.keep_rotation(&begin(&demo, &profile, Clock::System.now())).expect("kept");
    copy(profile.dir(), &stopped);

    // Stopped before the gateway was told.
    let pull = |name: &str| {
        let to = text(&demo.place(name));
        assert_eq!(rows(&demo.run("new", &["pull", &sent, "--to", &to]).ok())[0]["verified"], true);
    };
    pull("a");
    let now = demo.run("new", &["whoami"]).ok();
    assert_ne!(now["fingerprint"], joined["fingerprint"]);
    assert!(profile.pending_rotation().expect("read").is_none());

    // Stopped after it had said yes, at every point of putting the new keyring in place.
    for done in [&[][..], &["device.key"], &["device.key", "keyring.json"]] {
        for file in ["device.key", "keyring.json", "profile.json"] {
            if !done.contains(&file) {
                std::fs::copy(old.join(file), profile.dir().join(file)).expect("put back");
            }
        }
        let pending = stopped.join("rotation.json");
        std::fs::copy(pending, profile.dir().join("rotation.json")).expect("put back");
        assert_eq!(demo.run("new", &["whoami"]).ok()["fingerprint"], now["fingerprint"]);
        pull(&format!("b{}", done.len()));
    }

    // Another rotation from the old card is another device's: given up, and said so.
    for file in ["device.key", "keyring.json", "profile.json"] {
        std::fs::copy(old.join(file), profile.dir().join(file)).expect("put back");
    }
    let late = Profile::open(profile.dir()).expect("a profile");
    late.keep_rotation(&begin(&demo, &late, Clock::System.now())).expect("kept");
    let refused = demo.run("new", &["whoami"]);
    assert_eq!((refused.status, refused.code().as_str()), (3, "chain_moved"));
    assert!(late.pending_rotation().expect("read").is_none());
    assert!(!demo.place("new-kit.txt").exists(), "a kit that opens nothing");
}

#[test]
fn a_card_dated_before_something_that_was_sent_is_refused() {
    let demo = Demo::start();
    let invited = demo.run("lead", &["invite", "--role", "accountant"]).ok();
    let joined = demo.run("new", &["join", &field(&invited, "url")]).ok();
    let client = demo.client("principal");
    demo.run("lead", &["assign", "--client", &client, "--to", &field(&joined, "member")]).ok();
    let profile = Profile::open(&demo.profile("new")).expect("a profile");
    let before = Clock::System.now();
    let file = text(&demo.file("report.pdf", b"a report"));
    document(demo.run("new", &["deliver", &file, "--client", &client]));
    // The document would lose its sender; the old keys stay, and work.
    profile.keep_rotation(&begin(&demo, &profile, before)).expect("kept");
    let refused = demo.run("new", &["whoami"]);
    assert_eq!((refused.status, refused.code().as_str()), (3, "statement_refused"));
    assert_eq!(demo.run("new", &["whoami"]).ok()["fingerprint"], joined["fingerprint"]);
    document(demo.run("new", &["deliver", &file, "--client", &client, "--name", "2.pdf"]));
}

#[test]
fn rotations_at_once_follow_each_other_and_another_device_is_too_late() {
    let demo = Demo::start();
    let words = ["--passphrase-file", &passphrase(&demo)];
    log_in(&demo, "second", &words).ok();
    let handles: Vec<_> = (0..2)
        .map(|n| {
            let demo = demo.handle();
            std::thread::spawn(move || {
                let kit = text(&demo.place(&format!("kit-{n}")));
                let file = text(&demo.place("passphrase"));
                let words = ["key", "rotate", "--passphrase-file", &file, "--kit", &kit];
                demo.run("accountant", &words).ok()["epoch"].as_u64()
            })
        })
        .collect();
    let mut epochs: Vec<_> = handles.into_iter().map(|h| h.join().expect("no panic")).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, [Some(2), Some(3)]);
    let late = demo.run("second", &[&["key", "rotate"][..], &words].concat());
    assert_eq!(late.status, 3, "{}", late.stderr);
    assert!(!demo.profile("second").join("rotation.json").exists());
    assert_eq!(demo.run("accountant", &["whoami"]).status, 0);
}

#[test]
fn a_stolen_key_is_revoked_and_its_successor_waits_for_a_lead() {
    let demo = Demo::start();
    let accountant = member(&demo, "accountant");
    let before = document(send(&demo, "principal", "before.txt"));
    demo.run("lead", &["member", "revoke-key", &accountant]).ok();
    let refused = send(&demo, "principal", "after.txt");
    assert_eq!((refused.status, refused.code().as_str()), (3, "no_accountant"));
    assert_eq!(demo.run("accountant", &["whoami"]).code(), "unauthorized", "the thief is out");

    log_in(&demo, "accountant", &["--passphrase-file", &passphrase(&demo)]).ok();
    let rotated = rotate(&demo).ok();
    assert_eq!(send(&demo, "principal", "after.txt").code(), "no_accountant");
    let listed = demo.run("lead", &["member", "list"]).ok();
    let row = rows(&listed).iter().find(|row| row["member"] == accountant.as_str());
    assert_eq!(row.expect("listed")["assurance"], "revoked");
    confirm(&demo, "lead", &accountant, &field(&rotated["words"], "en")).ok();
    let after = document(send(&demo, "principal", "after.txt"));
    let to = text(&demo.place("in"));
    let pulled = demo.run("accountant", &["pull", &before, &after, "--to", &to]).ok();
    assert!(rows(&pulled).iter().all(|row| row["verified"] == true), "{pulled}");
}

/// Keeps the words of everybody for `who` as they are now.
fn meet(demo: &Demo, who: &str) {
    let client = demo.client("principal");
    demo.run(who, &["recipients", "--client", &client]).ok();
}

#[test]
fn a_lead_rotates_and_everything_that_they_signed_stands() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let before = document(send(&demo, "principal", "before.txt"));
    meet(&demo, "principal");
    let passphrase = text(&demo.file("lead-passphrase", b"a new passphrase of the lead"));
    let rotated = demo.run("lead", &["key", "rotate", "--passphrase-file", &passphrase]).ok();
    // Invitations, assignments and policies of the old key; new ones of the new key.
    let after = document(send(&demo, "principal", "after.txt"));
    let to = text(&demo.place("in"));
    let pulled = demo.run("accountant", &["pull", &before, &after, "--to", &to]).ok();
    assert!(rows(&pulled).iter().all(|row| row["verified"] == true), "{pulled}");
    let second = member(&demo, "accountant2");
    demo.run("lead", &["assign", "--client", &client, "--to", &second]).ok();
    demo.run("lead", &["policy", "--client", &client, "--on-arrival", "no"]).ok();
    // The root key on that device opens with a former key.
    let url = field(&demo.run("lead", &["invite", "--role", "lead"]).ok(), "url");
    demo.run("officer", &["join", &url, "--login", "shen"]).ok();
    document(send(&demo, "principal", "later.txt"));
    // The root key vouches for whom nobody else could.
    let listed = demo.run("auditor", &["member", "list"]).ok();
    let row = rows(&listed).iter().find(|row| row["member"] == rotated["member"]);
    assert_eq!(row.expect("listed")["assurance"], "root");
}

#[test]
fn a_sender_rotates_and_begins_a_chain_of_their_own_again() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let mut sent = vec![document(send(&demo, "principal", "1.txt"))];
    sent.push(document(send(&demo, "principal", "2.txt")));
    demo.run("accountant", &["list", "--client", &client]).ok();
    let words = field(&demo.record["accounts"]["principal"], "passphrase");
    let file = text(&demo.file("principal-passphrase", words.as_bytes()));
    let rotated = demo.run("principal", &["key", "rotate", "--passphrase-file", &file]).ok();
    for name in ["3.txt", "4.txt"] {
        sent.push(document(send(&demo, "principal", name)));
    }
    let to = text(&demo.place("in"));
    let mut pull = vec!["pull"];
    pull.extend(sent.iter().map(String::as_str));
    let pulled = demo.run("accountant", &[&pull[..], &["--to", &to]].concat()).ok();
    assert_eq!(rows(&pulled).len(), 4);
    assert!(rows(&pulled).iter().all(|row| row["verified"] == true), "{pulled}");
    let report = text(&demo.file("report.pdf", b"a report"));
    let deliver = ["deliver", &report, "--client", &client];
    key_changed(&demo.run("accountant", &deliver));
    let partner = field(&demo.record, "partner");
    let share = ["share", &sent[0], "--partner", &partner, "--purpose", "audit", "--no-code"];
    key_changed(&demo.run("accountant", &share));
    let id = field(&rotated, "member");
    let confirm = ["recipients", "confirm", &id, "--client", &client, "--fingerprint"];
    let words = field(&rotated["words"], "en");
    demo.run("accountant", &[&confirm[..], &[&words]].concat()).ok();
    let delivered = document(demo.run("accountant", &deliver));
    demo.run("accountant", &share).ok();
    let mine = text(&demo.place("mine"));
    let pulled = demo.run("principal", &["pull", &delivered, "--to", &mine]).ok();
    assert_eq!(rows(&pulled)[0]["verified"], true);
}

#[test]
fn whoever_holds_a_link_is_not_led_to_another_key_either() {
    let demo = Demo::start();
    let link = field(&demo.record, "request_link");
    let file = text(&demo.file("scan.pdf", b"a scan"));
    let send = || demo.run("guest", &["send", &file, "--link", &link, "--from", "Li Si"]);
    send().ok();
    let rotated = rotate(&demo).ok();
    let refused = send();
    assert_eq!((refused.status, refused.code().as_str()), (4, "link_key_changed"));
    assert!(refused.stderr.contains(&field(&rotated["words"], "en")), "{}", refused.stderr);
    demo.run("lead", &["member", "list"]).ok();
    let id = field(&rotated, "member");
    confirm(&demo, "lead", &id, &field(&rotated["words"], "en")).ok();
    send().ok();
}

#[test]
fn somebody_who_reads_from_now_on_is_named_before_the_first_document() {
    let demo = Demo::start();
    let client = demo.client("principal");
    document(send(&demo, "principal", "before.txt"));
    let url = field(&demo.run("lead", &["invite", "--role", "accountant"]).ok(), "url");
    let joined = demo.run("new", &["join", &url]).ok();
    let id = field(&joined, "member");
    demo.run("lead", &["assign", "--client", &client, "--to", &id]).ok();
    let file = text(&demo.file("after.txt", b"after"));
    // Programs that see it first tell nobody: the next person is told all the same.
    demo.run("principal", &["recipients", "--client", &client]).ok();
    document(send(&demo, "principal", "by a program.txt"));
    let profile = text(&demo.profile("principal"));
    let spoken = || {
        let mut command = crate::support::demo::strongroom(&["--profile", &profile]);
        command.args(["--ca", demo.record["ca"].as_str().expect("a CA"), "send", &file]);
        let output = command.output().expect("it runs");
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let first = spoken();
    assert!(first.contains(&id) && first.contains(&field(&joined["words"], "en")), "{first}");
    assert!(!spoken().contains(&id), "once");
}

#[test]
fn a_gateway_that_forgets_statements_is_refused_by_every_command() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let sent = document(send(&demo, "principal", "before.txt"));
    let accountant = member(&demo, "accountant");
    let rotated = rotate(&demo).ok();
    let words = field(&rotated["words"], "en");
    for who in ["principal", "lead"] {
        demo.run(who, &["recipients", "--client", &client]).ok();
        confirm(&demo, who, &accountant, &words).ok();
    }
    demo.run("accountant", &["list", "--client", &client]).ok();
    // An older database, in which nobody has rotated.
    demo.sql("DELETE FROM statements WHERE kind = 'card' AND length(prev) > 0");
    let file = text(&demo.file("x.txt", b"x"));
    let to = text(&demo.place("in"));
    let commands: [(&str, &[&str]); 12] = [
        ("principal", &["send", &file]),
        ("principal", &["list"]),
        ("principal", &["pull", &sent, "--to", &to]),
        ("principal", &["recipients"]),
        ("principal", &["recipients", "confirm", &accountant, "--fingerprint", &words]),
        ("accountant", &["deliver", &file, "--client", &client]),
        ("accountant", &["list", "--client", &client]),
        ("accountant", &["pull", &sent, "--to", &to]),
        ("lead", &["member", "list"]),
        ("lead", &["assign", "--client", &client, "--to", &accountant]),
        ("lead", &["policy", "--client", &client, "--on-arrival", "no"]),
        ("lead", &["recipients", "--client", &client]),
    ];
    for (who, words) in commands {
        let ran = demo.run(who, words);
        let lists = words[0] == "list" || words[0] == "pull";
        let text = format!("{}{}", ran.json, ran.stderr);
        let told = text.contains("directory_rolled_back");
        assert!(told && (lists || ran.status == 4), "{who} {words:?}: {} {text}", ran.status);
    }
    assert!(!demo.place("in").exists() || std::fs::read_dir(&to).expect("listed").next().is_none());
    let refused = log_in(&demo, "accountant", &["--passphrase-file", &passphrase(&demo)]);
    assert_eq!(refused.status, 4, "{}", refused.stderr);
}
