//! Row C3 with keys that were stolen: a gateway and a thief who holds an old key make cards that
//! verify. Nothing is sealed to them, and nothing that a lead or a member has said is unsaid.

use http::Method;
use serde_json::Value;
use strongroom::cli::profile::Profile;
use strongroom::clock::Clock;
use strongroom::envelope::MemberKeys;
use strongroom::envelope::statement::{Card, Note, Recipient, Revocation, Statement, peek_kind};
use strongroom::ids::MemberId;
use strongroom::secrets::Secret;

use crate::hostile_keys;
use crate::support::demo::{Demo, Ran, text};
use crate::support::liar::Liar;

fn field(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// The accountant's keys as a thief copied them, and the card that goes with them.
struct Stolen {
    keys: MemberKeys,
    card: Card,
}

impl Stolen {
    fn from(demo: &Demo) -> Self {
        let profile = Profile::open(&demo.profile("accountant")).expect("a profile");
        let card = profile.card().expect("a card").decode().expect("a card");
        Self { keys: profile.keys().expect("its keys"), card }
    }

    fn member(&self) -> MemberId {
        self.card.member
    }

    /// A rotation of the thief's own, signed by the stolen key.
    fn rotation(&self) -> Note {
        let mine = MemberKeys::from_seed(&Secret::new([0xA5; 32]));
        let card = Card {
            epoch: self.card.epoch + 1,
            sign: mine.sign.public(),
            recipient: Some(Recipient::from(&mine.recipient())),
            recipient_pq: Some(Recipient::from(&mine.recipient_post_quantum())),
            prev: Some(self.card.hash()),
            // Later than anything that the stolen key has signed, or nothing verifies.
            time: Clock::System.now(),
            ..self.card.clone()
        };
        Note::sign(&card, &[&mine.sign, &self.keys.sign])
    }
}

fn is_of(note: &Note, kind: &str) -> bool {
    peek_kind(note.text()).is_ok_and(|found| found == kind)
}

/// Changes the statements of every directory that is asked for from now on.
fn directories(liar: &Liar, change: impl Fn(&mut Vec<Note>) + Send + 'static) {
    liar.lie(move |exchange| hostile_keys::directories(exchange, |notes| change(notes)));
}

/// Puts the thief's card in the place of what the member made of the same one.
fn with_the_thiefs(notes: &mut Vec<Note>, stolen: MemberId, forged: &Note) {
    notes.retain(|note| {
        !is_of(note, Card::KIND)
            || note.decode::<Card>().is_ok_and(|card| card.member != stolen || card.prev.is_none())
    });
    notes.push(forged.clone());
}

#[track_caller]
fn stopped(liar: &Liar, ran: &Ran, code: &str) {
    assert_eq!((ran.status, ran.code().as_str()), (4, code), "{} {}", ran.json, ran.stderr);
    assert!(liar.uploads().is_empty(), "something left");
    liar.forget();
}

fn rotate(demo: &Demo) -> Value {
    let passphrase = field(&demo.record["accounts"]["accountant"], "passphrase");
    let file = text(&demo.file("passphrase", passphrase.as_bytes()));
    demo.run("accountant", &["key", "rotate", "--passphrase-file", &file]).ok()
}

/// Somebody of the client whose device has met nobody of the firm yet.
fn somebody_new(demo: &Demo, liar: &Liar, name: &str) -> Demo {
    let client = demo.client("principal");
    let invited = demo.run("lead", &["invite", "--role", "clerk", "--client", &client]).ok();
    demo.run(name, &["join", &field(&invited, "url")]).ok();
    liar.people_of(demo, &[name])
}

#[test]
fn a_thiefs_rotation_that_verifies_gets_nothing_from_anybody() {
    let (demo, seen, liar) = Liar::before(&["principal", "clerk"]);
    let file = text(&demo.file("a.bin", b"for my accountant alone"));
    let send = ["send", file.as_str()];
    seen.run("principal", &send).ok();
    seen.run("clerk", &send).ok();
    let stolen = Stolen::from(&demo);
    let (member, forged) = (stolen.member(), stolen.rotation());
    liar.forget();
    {
        let forged = forged.clone();
        directories(&liar, move |notes| notes.push(forged.clone()));
    }
    stopped(&liar, &seen.run("principal", &send), "key_changed");
    // Nor from somebody who never knew the old one.
    let newcomer = somebody_new(&demo, &liar, "new");
    liar.forget();
    stopped(&liar, &newcomer.run("new", &send), "key_changed");
    // Whoever was shown such a card keeps it as evidence.
    liar.be_honest();
    stopped(&liar, &seen.run("principal", &send), "directory_rolled_back");

    // The member makes new keys, and a lead vouches for them: the thief's stay what they are.
    let rotated = rotate(&demo);
    let words = field(&rotated["words"], "en");
    let id = member.to_string();
    demo.run("lead", &["recipients", "confirm", &id, "--fingerprint", &words]).ok();
    seen.run("clerk", &send).ok();
    liar.forget();
    {
        let forged = forged.clone();
        directories(&liar, move |notes| with_the_thiefs(notes, member, &forged));
    }
    stopped(&liar, &seen.run("clerk", &send), "directory_rolled_back");
    let newcomer = somebody_new(&demo, &liar, "newer");
    liar.forget();
    stopped(&liar, &newcomer.run("newer", &send), "key_changed");
    // Both at once are a fork.
    directories(&liar, move |notes| notes.push(forged.clone()));
    stopped(&liar, &seen.run("clerk", &send), "bad_directory");
    liar.be_honest();
    seen.run("clerk", &send).ok();
    assert!(!liar.uploads().is_empty(), "what was sent went past the liar");
}

#[test]
fn a_revocation_and_a_leads_word_cannot_be_hidden_again() {
    let (demo, seen, liar) = Liar::before(&["principal", "lead"]);
    let file = text(&demo.file("a.bin", b"for my accountant alone"));
    let client = demo.client("principal");
    seen.run("principal", &["send", &file]).ok();
    let id = Stolen::from(&demo).member().to_string();
    seen.run("lead", &["member", "revoke-key", &id]).ok();
    let refused = seen.run("principal", &["send", &file]);
    assert_eq!(refused.code(), "no_accountant");
    seen.run("lead", &["member", "list"]).ok();
    liar.forget();
    directories(&liar, |notes| notes.retain(|note| !is_of(note, Revocation::KIND)));
    stopped(&liar, &seen.run("principal", &["send", &file]), "directory_rolled_back");
    // The lead knows it from the list of everybody; the client's directory is new to them.
    let recipients = ["recipients", "--client", &client];
    stopped(&liar, &seen.run("lead", &recipients), "directory_rolled_back");
    let assign = ["assign", "--client", &client, "--to", &id];
    stopped(&liar, &seen.run("lead", &assign), "directory_rolled_back");
}

#[test]
fn a_confirmation_counts_only_once_the_gateway_has_it() {
    let (demo, seen, liar) = Liar::before(&["principal"]);
    let file = text(&demo.file("a.bin", b"for my accountant alone"));
    seen.run("principal", &["send", &file]).ok();
    let rotated = rotate(&demo);
    let (id, words) = (field(&rotated, "member"), field(&rotated["words"], "en"));
    let confirm = ["recipients", "confirm", &id, "--fingerprint", &words];
    liar.lie(|exchange| {
        if exchange.is(Method::POST, "/key-confirmations") {
            exchange.refuse(http::StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        }
    });
    assert_eq!(seen.run("principal", &confirm).status, 5);
    liar.forget();
    stopped(&liar, &seen.run("principal", &["send", &file]), "key_changed");
    liar.be_honest();
    seen.run("principal", &confirm).ok();
    seen.run("principal", &["send", &file]).ok();
}
