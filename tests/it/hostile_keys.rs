//! Row C3: a gateway that hands out other keys, names other accountants, adds a reader or takes
//! one away. The sender stops before a byte of a document leaves.

use http::Method;
use serde_json::Value;
use strongroom::cli::profile::Profile;
use strongroom::envelope::MemberKeys;
use strongroom::envelope::statement::{
    Assignment, Card, Category, Invitation, Note, Role, SigningKey, Statement, peek_kind,
};
use strongroom::ids::{ClientId, InvitationId, MemberId};
use strongroom::secrets::Secret;

use crate::hostile_chains::carry;
use crate::support::demo::{Demo, free_address, text};
use crate::support::liar::{Exchange, Liar};

/// How often a key is swapped; `STRONGROOM_SWAPS` makes it more.
fn swaps() -> usize {
    std::env::var("STRONGROOM_SWAPS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

/// The keys of somebody whom the firm never invited.
fn stranger(number: usize) -> MemberKeys {
    let mut seed = [0xA5; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    MemberKeys::from_seed(&Secret::new(seed))
}

fn member(demo: &Demo, who: &str) -> MemberId {
    let me = demo.run(who, &["whoami"]).ok();
    me["member"].as_str().expect("an id").parse().expect("an id")
}

fn client(demo: &Demo, who: &str) -> ClientId {
    demo.client(who).parse().expect("an id")
}

fn sign_of(demo: &Demo, who: &str) -> SigningKey {
    Profile::open(&demo.profile(who)).expect("a profile").keys().expect("its keys").sign.clone()
}

/// Changes the statements of every directory that is asked for.
pub(crate) fn directories(exchange: &mut Exchange, change: impl FnOnce(&mut Vec<Note>)) {
    if !exchange.is(Method::GET, "/directory") {
        return;
    }
    exchange.rewrite(|json| {
        let mut notes: Vec<Note> =
            serde_json::from_value(json["statements"].take()).expect("statements");
        change(&mut notes);
        json["statements"] = serde_json::to_value(notes).expect("JSON");
    });
}

fn is_of(note: &Note, kind: &str) -> bool {
    peek_kind(note.text()).is_ok_and(|found| found == kind)
}

fn place_of_card(notes: &[Note], member: MemberId) -> usize {
    let found = notes.iter().rposition(|note| {
        is_of(note, Card::KIND) && note.decode::<Card>().is_ok_and(|card| card.member == member)
    });
    found.expect("a card")
}

/// `note` with another text under the signatures that it had.
fn under_the_same_signatures(note: &Note, from: &str, to: &str) -> Note {
    assert!(note.text().contains(from), "{from}");
    Note::parse(&note.to_string().replacen(from, to, 1)).expect("a note")
}

/// The ways in which a gateway puts a key of its own in the place of `victim`'s.
fn swap_key(notes: &mut Vec<Note>, victim: MemberId, number: usize) {
    let mine = stranger(number);
    let at = place_of_card(notes, victim);
    let old = notes[at].clone();
    let mut card: Card = old.decode().expect("a card");
    let (theirs, mine_text) =
        (card.recipient.clone().expect("a key").0, mine.recipient().to_string());
    if number.is_multiple_of(6) {
        notes[at] = under_the_same_signatures(&old, &theirs, &mine_text);
        return;
    }
    card.recipient = Some(strongroom::envelope::statement::Recipient(mine_text));
    if number % 6 == 1 {
        notes[at] = Note::sign(&card, &[&mine.sign]);
        return;
    }
    card.sign = mine.sign.public();
    let forged = match number % 6 {
        2 => Note::sign(&card, &[&mine.sign]),
        3 => {
            // As if it had been rotated.
            (card.epoch, card.prev) = (card.epoch + 1, Some(old.hash()));
            let rotated = Note::sign(&card, &[&mine.sign]);
            notes.push(rotated);
            return;
        }
        _ => {
            let derived = stranger(number + 1_000_000).sign;
            let invitation = Invitation {
                root: card.root,
                invitation: InvitationId::random(),
                role: card.role,
                client: None,
                public: derived.public(),
                expires: card.time.plus_secs(86_400),
                time: card.time,
            };
            notes.push(Note::sign(&invitation, &[&mine.sign]));
            Note::sign(&card, &[&mine.sign, &derived])
        }
    };
    if number % 6 == 4 { notes.push(forged) } else { notes[at] = forged }
}

/// Nothing of a document leaves the device of `who`, and the command ends with status 4.
#[track_caller]
fn stopped(seen: &Demo, liar: &Liar, who: &str, words: &[&str], what: &str) -> String {
    liar.forget();
    let ran = seen.run(who, words);
    assert_eq!(ran.status, 4, "{what}: {} {}", ran.json, ran.stderr);
    assert!(liar.uploads().is_empty(), "{what}: something left");
    assert!(!liar.seen().is_empty(), "{what}: nobody asked the liar");
    ran.code()
}

/// The same way is open while nobody lies.
#[track_caller]
fn passes(seen: &Demo, liar: &Liar, who: &str, words: &[&str]) -> Value {
    liar.be_honest();
    let done = seen.run(who, words).ok();
    assert!(!liar.uploads().is_empty(), "what was sent went past the liar");
    done
}

#[test]
fn a_swapped_key_stops_the_sender_every_time() {
    let (demo, seen, liar) = Liar::before(&["principal", "accountant"]);
    let file = text(&demo.file("a.bin", b"for my accountant alone"));
    let client = demo.client("principal");
    let (accountant, principal) = (member(&seen, "accountant"), member(&seen, "principal"));
    passes(&seen, &liar, "principal", &["send", &file]);
    passes(&seen, &liar, "accountant", &["deliver", &file, "--client", &client]);
    for number in 0..swaps() {
        liar.lie(move |e| directories(e, |notes| swap_key(notes, accountant, number)));
        stopped(&seen, &liar, "principal", &["send", &file], &format!("swap {number}"));
    }
    for number in 0..6 {
        liar.lie(move |e| directories(e, |notes| swap_key(notes, principal, number)));
        let deliver = ["deliver", &file, "--client", &client];
        stopped(&seen, &liar, "accountant", &deliver, &format!("swap of the client's {number}"));
    }
    passes(&seen, &liar, "principal", &["send", &file]);
}

#[test]
fn a_swapped_key_stops_a_sender_who_has_never_sent_before() {
    let (demo, seen, liar) = Liar::before(&["principal2"]);
    let file = text(&demo.file("a.bin", b"for my accountant alone"));
    let accountant = member(&demo, "accountant2");
    for number in 0..6 {
        liar.lie(move |e| directories(e, |notes| swap_key(notes, accountant, number)));
        stopped(&seen, &liar, "principal2", &["send", &file], &format!("swap {number}"));
    }
    passes(&seen, &liar, "principal2", &["send", &file]);
}

#[test]
fn an_accountant_whom_no_lead_assigned_is_sealed_nothing() {
    let (demo, seen, liar) = Liar::before(&["principal", "lead"]);
    let file = text(&demo.file("a.bin", b"for my accountant alone"));
    let other = member(&demo, "accountant2");
    let own = client(&demo, "principal");
    let colluding = sign_of(&demo, "accountant2");
    passes(&seen, &liar, "principal", &["send", &file]);
    // The other accountant has a real card, which the gateway shows.
    liar.forget();
    seen.run("lead", &["recipients", "--client", &demo.client("principal2")]).ok();
    let told = liar.seen().into_iter().find(|e| e.is(Method::GET, "/directory")).expect("asked");
    let json = told.json();
    let foreign: Vec<Note> = serde_json::from_value(json["statements"].clone()).expect("notes");
    let real: Vec<Note> = foreign
        .iter()
        .filter(|note| !note.text().contains(&format!("client {}", demo.client("principal2"))))
        .filter(|note| !is_of(note, Assignment::KIND))
        .cloned()
        .collect();
    type Forgery = fn(&Note, &SigningKey, MemberId, ClientId) -> Vec<Note>;
    let forgeries: [(&str, Forgery); 4] = [
        ("edited", |note, _, other, _| {
            let said: Assignment = note.decode().expect("one");
            let first = format!("accountants {}", said.accountants[0]);
            vec![under_the_same_signatures(note, &first, &format!("accountants {other}"))]
        }),
        ("signed by the accountant", |note, key, other, _| {
            let mut said: Assignment = note.decode().expect("one");
            said.accountants.push(other);
            said.accountants.sort_unstable();
            vec![Note::sign(&said, &[key])]
        }),
        ("a later one", |note, key, other, _| {
            let mut said: Assignment = note.decode().expect("one");
            (said.accountants, said.prev) = (vec![other], Some(note.hash()));
            vec![note.clone(), Note::sign(&said, &[key])]
        }),
        ("of a category", |note, key, other, client| {
            let mut said: Assignment = note.decode().expect("one");
            (said.accountants, said.prev) = (vec![other], None);
            (said.client, said.category) = (client, Some(Category::Other));
            vec![note.clone(), Note::sign(&said, &[key])]
        }),
    ];
    for (what, forge) in forgeries {
        let (real, colluding) = (real.clone(), colluding.clone());
        liar.lie(move |e| {
            directories(e, |notes| {
                for note in &real {
                    if !notes.contains(note) {
                        notes.push(note.clone());
                    }
                }
                let at = notes.iter().position(|note| is_of(note, Assignment::KIND));
                let note = notes.remove(at.expect("an assignment"));
                notes.extend(forge(&note, &colluding, other, own));
            });
        });
        stopped(&seen, &liar, "principal", &["send", &file], what);
    }
    // An assignment of somebody else's client says nothing about this one.
    let elsewhere: Vec<Note> =
        foreign.iter().filter(|note| is_of(note, Assignment::KIND)).cloned().collect();
    assert!(!elsewhere.is_empty());
    liar.lie(move |e| {
        directories(e, |notes| {
            notes.retain(|note| !is_of(note, Assignment::KIND));
            notes.extend(elsewhere.clone());
            for note in &real {
                if !notes.contains(note) {
                    notes.push(note.clone());
                }
            }
        });
    });
    stopped(&seen, &liar, "principal", &["send", &file], "an assignment of another client");
    passes(&seen, &liar, "principal", &["send", &file]);
}

/// A card for `role` that the root did not sign, and what should vouch for it.
fn intruder(like: &Card, role: Role, client: Option<ClientId>) -> Vec<Note> {
    let (mine, derived) = (stranger(1), stranger(2).sign);
    let text = mine.recipient().to_string();
    let card = Card {
        member: MemberId::random(),
        role,
        sign: mine.sign.public(),
        recipient: Some(strongroom::envelope::statement::Recipient(text)),
        prev: None,
        ..like.clone()
    };
    let invitation = Invitation {
        root: like.root,
        invitation: InvitationId::random(),
        role,
        client,
        public: derived.public(),
        expires: like.time.plus_secs(86_400),
        time: like.time,
    };
    vec![Note::sign(&invitation, &[&mine.sign]), Note::sign(&card, &[&mine.sign, &derived])]
}

#[test]
fn a_reader_more_stops_the_sender() {
    let (demo, seen, liar) = Liar::before(&["principal"]);
    let file = text(&demo.file("a.bin", b"for my accountant alone"));
    let own = client(&demo, "principal");
    passes(&seen, &liar, "principal", &["send", &file]);
    let own_member = member(&seen, "principal");
    for (role, client) in [
        (Role::Principal, Some(own)),
        (Role::Clerk, Some(own)),
        (Role::Recovery, None),
        (Role::Lead, None),
    ] {
        let principal = own_member;
        liar.lie(move |e| {
            directories(e, |notes| {
                let card = notes[place_of_card(notes, principal)].decode().expect("a card");
                notes.extend(intruder(&card, role, client));
            });
        });
        stopped(&seen, &liar, "principal", &["send", &file], role.as_str());
    }
    passes(&seen, &liar, "principal", &["send", &file]);
}

#[test]
fn without_the_recovery_key_nothing_leaves() {
    let (demo, seen, liar) = Liar::before(&["principal"]);
    let file = text(&demo.file("a.bin", b"must be recoverable"));
    let without = |e: &mut Exchange| {
        directories(e, |notes| {
            notes.retain(|note| {
                !is_of(note, Card::KIND)
                    || note.decode::<Card>().is_ok_and(|card| card.role != Role::Recovery)
            });
        });
    };
    liar.lie(without);
    // Whether this device has sent before, and knows the key, or has not.
    let code = stopped(&seen, &liar, "principal", &["send", &file], "before it was seen");
    assert_eq!(code, "no_recovery_key");
    passes(&seen, &liar, "principal", &["send", &file]);
    liar.lie(without);
    let code = stopped(&seen, &liar, "principal", &["send", &file], "after it was seen");
    assert_eq!(code, "directory_rolled_back");
    passes(&seen, &liar, "principal", &["send", &file]);
}

#[test]
fn an_assignment_that_ended_is_not_sealed_to_again() {
    let (demo, seen, liar) = Liar::before(&["principal"]);
    let file = text(&demo.file("a.bin", b"not for the leaver"));
    let client = demo.client("principal");
    let leaver = member(&demo, "accountant2").to_string();
    demo.run("lead", &["assign", "--client", &client, "--to", &leaver]).ok();
    passes(&seen, &liar, "principal", &["send", &file]);
    let of_directory = |e: &Exchange| e.is(Method::GET, "/directory");
    let old = liar.seen().into_iter().find(of_directory).expect("asked").body;
    demo.run("lead", &["unassign", "--client", &client, "--to", &leaver]).ok();
    passes(&seen, &liar, "principal", &["send", &file]);
    liar.lie(move |e| {
        if of_directory(e) {
            e.answer(old.clone());
        }
    });
    let code = stopped(&seen, &liar, "principal", &["send", &file], "an older directory");
    assert_eq!(code, "directory_rolled_back");
    passes(&seen, &liar, "principal", &["send", &file]);
}

#[test]
fn an_older_keyring_is_refused() {
    let mut demo = Demo::start();
    let account = demo.record["accounts"]["accountant"].clone();
    let word = |name: &str| account[name].as_str().expect("text").to_owned();
    let passphrase = text(&demo.file("passphrase", word("passphrase").as_bytes()));
    let log_in = |demo: &Demo| {
        let url = demo.record["url"].as_str().expect("a URL").to_owned();
        let words = ["login", "--gateway", &url, "--login", &word("login")];
        demo.run("accountant", &[&words[..], &["--passphrase-file", &passphrase]].concat())
    };
    log_in(&demo).ok();
    let away = demo.place("away");
    let newer = demo.place("newer");
    for folder in [&away, &newer] {
        std::fs::create_dir(folder).expect("a folder");
    }
    assert_eq!(demo.stop(), Some(0));
    carry(&demo.data(), &away);
    demo.serve(free_address());
    let rotate = ["key", "rotate", "--passphrase-file", &passphrase];
    assert_eq!(demo.run("accountant", &rotate).ok()["epoch"], 2);
    assert_eq!(demo.stop(), Some(0));
    carry(&demo.data(), &newer);
    // The gateway goes back to what it had: the old passphrase opens the old keyring there.
    carry(&away, &demo.data());
    demo.serve(free_address());
    let ran = log_in(&demo);
    assert_eq!(ran.status, 4, "{ran:?}");
    assert!(["bad_keyring", "directory_rolled_back"].contains(&ran.code().as_str()), "{ran:?}");
    assert_eq!(demo.stop(), Some(0));
    carry(&newer, &demo.data());
    demo.serve(free_address());
    log_in(&demo).ok();
}
