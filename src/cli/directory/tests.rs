//! Chains that a gateway shortens, forks or hides, and keys that it swaps.

use super::*;
use crate::clock::Timestamp;
use crate::envelope::MemberKeys;
use crate::envelope::statement::{Category, Invitation, Link, Recipient, Role, SigningKey, YesNo};
use crate::ids::{InvitationId, LinkId};
use crate::secrets::Secret;
use crate::trust::card_subject;

const TIME: Timestamp = Timestamp::EPOCH;
/// The client of the tests, and another.
const OWN: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

fn root() -> SigningKey {
    SigningKey::from_seed(&Secret::new([200; 32]))
}

fn keys(n: u8) -> MemberKeys {
    MemberKeys::from_seed(&Secret::new([n; 32]))
}

fn member(n: u8) -> MemberId {
    MemberId::from_bytes([n; 16])
}

fn card(n: u8, role: Role) -> Card {
    let keys = keys(n);
    Card {
        root: root().key_id(),
        member: member(n),
        role,
        name_hash: Card::hash_name(member(n), "name"),
        epoch: 1,
        sign: keys.sign.public(),
        recipient: Some(Recipient::from(&keys.recipient())),
        recipient_pq: Some(Recipient::from(&keys.recipient_post_quantum())),
        prev: None,
        time: TIME,
    }
}

/// The next card of `n`, whose keys are those of `by`, signed by its old key too.
fn rotation(before: &Card, n: u8, by: u8, more: &[&SigningKey]) -> (Card, Note) {
    let new = keys(by);
    let card = Card {
        epoch: before.epoch + 1,
        sign: new.sign.public(),
        recipient: Some(Recipient::from(&new.recipient())),
        recipient_pq: Some(Recipient::from(&new.recipient_post_quantum())),
        prev: Some(before.hash()),
        time: before.time.plus_secs(60),
        ..before.clone()
    };
    let mut note = Note::sign(&card, &[&new.sign, &keys(n).sign]);
    for key in more {
        note.add_signature(key);
    }
    (card, note)
}

fn joined(n: u8, role: Role, client: Option<ClientId>) -> [Note; 2] {
    let invited = SigningKey::from_seed(&Secret::new([n + 100; 32]));
    let by = if role == Role::Lead { root() } else { keys(1).sign };
    let invitation = Invitation {
        root: root().key_id(),
        invitation: InvitationId::from_bytes([n; 16]),
        role,
        client,
        public: invited.public(),
        expires: TIME,
        time: TIME,
    };
    [Note::sign(&invitation, &[&by]), Note::sign(&card(n, role), &[&keys(n).sign, &invited])]
}

fn assignment(client: [u8; 16], accountants: &[u8], prev: Option<Hash>) -> Note {
    let assignment = Assignment {
        root: root().key_id(),
        client: ClientId::from_bytes(client),
        category: None,
        accountants: accountants.iter().map(|n| member(*n)).collect(),
        prev,
        time: TIME,
    };
    Note::sign(&assignment, &[&keys(1).sign])
}

fn policy(client: Option<[u8; 16]>, post_quantum: YesNo) -> Note {
    let policy = Policy {
        root: root().key_id(),
        client: client.map(ClientId::from_bytes),
        on_arrival: YesNo::No,
        post_quantum,
        reader_categories: Category::clerk_default(),
        prev: None,
        time: TIME,
    };
    Note::sign(&policy, &[&keys(1).sign])
}

fn revocation(kind: RevocationKind, subject: &str) -> Note {
    let revocation = Revocation {
        root: root().key_id(),
        kind,
        subject: subject.parse().expect("a word"),
        prev: None,
        time: TIME.plus_secs(600),
    };
    Note::sign(&revocation, &[&keys(1).sign])
}

fn role_end(n: u8) -> Note {
    let grant = RoleGrant {
        root: root().key_id(),
        member: member(n),
        role: Role::Accountant,
        client: None,
        from: TIME,
        until: Some(TIME.plus_secs(600)),
        prev: None,
        time: TIME,
    };
    Note::sign(&grant, &[&keys(1).sign])
}

/// Lead 1, accountants 2 and 3, recovery key 9, and the assignment of `client` to both.
fn firm(client: [u8; 16]) -> Vec<Note> {
    let mut notes = vec![Note::sign(&card(9, Role::Recovery), &[&keys(9).sign, &root()])];
    notes.extend(joined(1, Role::Lead, None));
    notes.extend(joined(2, Role::Accountant, None));
    notes.extend(joined(3, Role::Accountant, None));
    notes.push(assignment(client, &[2, 3], None));
    notes
}

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn desk(&self) -> Desk {
        Desk::at(self.folder.path().to_owned())
    }

    /// What a command says that is shown `notes` as the directory of `client`.
    fn shown(&self, client: [u8; 16], notes: &[Note]) -> Result<Directory, String> {
        let desk = self.desk();
        let scope = ClientId::from_bytes(client).to_string();
        let before = desk.memory(&scope).expect("read");
        let own = Some(member(50));
        believed(&desk, &scope, before, root().public(), own, notes)
            .map_err(|e| e.code().to_owned())
    }

    #[track_caller]
    fn rolled_back(&self, client: [u8; 16], notes: &[Note], what: &str) {
        let path = self.folder.path().join("people/known.json");
        let before = std::fs::read(&path).ok();
        assert_eq!(
            self.shown(client, notes).map(drop),
            Err("directory_rolled_back".into()),
            "{what}"
        );
        assert_eq!(std::fs::read(&path).ok(), before, "{what}: nothing is learned of a lie");
    }
}

#[test]
fn what_was_seen_of_each_kind_must_be_seen_again() {
    let first = assignment(OWN, &[2, 3], None);
    let (_, rotated) = rotation(&card(2, Role::Accountant), 2, 22, &[]);
    for (what, note) in [
        ("card", rotated),
        ("role", role_end(3)),
        ("assignment", assignment(OWN, &[2], Some(first.hash()))),
        ("policy of the client", policy(Some(OWN), YesNo::Yes)),
        ("policy of the firm", policy(None, YesNo::Yes)),
        ("end of a member", revocation(RevocationKind::Member, &member(3).to_string())),
        ("end of a card", revocation(RevocationKind::Card, &card_subject(member(3), 1))),
    ] {
        let world = World::new();
        let older = firm(OWN);
        let mut newer = older.clone();
        newer.push(note);
        world.shown(OWN, &older).expect(what);
        world.shown(OWN, &newer).expect(what);
        world.rolled_back(OWN, &older, what);
        world.shown(OWN, &newer).expect(what);
    }
}

#[test]
fn a_fork_is_refused_even_where_it_alone_would_verify() {
    let first = assignment(OWN, &[2, 3], None);
    let world = World::new();
    let mut seen = firm(OWN);
    seen.push(assignment(OWN, &[2], Some(first.hash())));
    world.shown(OWN, &seen).expect("seen");
    let mut fork = firm(OWN);
    fork.push(assignment(OWN, &[3], Some(first.hash())));
    world.rolled_back(OWN, &fork, "assignments");
    let world = World::new();
    let (_, one) = rotation(&card(2, Role::Accountant), 2, 22, &[]);
    let (_, other) = rotation(&card(2, Role::Accountant), 2, 23, &[&keys(1).sign]);
    let chain = |note: &Note| [firm(OWN), vec![note.clone()]].concat();
    world.shown(OWN, &chain(&one)).expect("seen");
    world.rolled_back(OWN, &chain(&other), "cards, vouched for or not");
}

#[test]
fn what_was_said_about_somebody_is_demanded_wherever_they_are_met() {
    let (_, rotated) = rotation(&card(2, Role::Accountant), 2, 22, &[]);
    for (what, note) in [
        ("card", rotated),
        ("role", role_end(2)),
        ("end of a member", revocation(RevocationKind::Member, &member(2).to_string())),
        ("end of a card", revocation(RevocationKind::Card, &card_subject(member(2), 1))),
        ("policy of the firm", policy(None, YesNo::Yes)),
    ] {
        let world = World::new();
        world.shown(OWN, &[firm(OWN), vec![note.clone()]].concat()).expect(what);
        // Never seen here before, and shorter than what is known from the other client.
        world.rolled_back(OTHER, &firm(OTHER), what);
        world.shown(OTHER, &[firm(OTHER), vec![note]].concat()).expect(what);
    }
}

#[test]
fn directories_grow_and_people_come_and_go_without_alarm() {
    let world = World::new();
    world.shown(OWN, &firm(OWN)).expect("seen");
    // Another client, with a person whom the first one does not have.
    let mut other = firm(OTHER);
    other.extend(joined(4, Role::Clerk, Some(ClientId::from_bytes(OTHER))));
    world.shown(OTHER, &other).expect("another client");
    // What concerns one client only, its policy or a clerk's end, is not demanded of the other.
    other.push(policy(Some(OTHER), YesNo::Yes));
    other.push(revocation(RevocationKind::Member, &member(4).to_string()));
    world.shown(OTHER, &other).expect("another client");
    world.shown(OWN, &firm(OWN)).expect("the first one");
    // Links and invitations come and go.
    let link = Link {
        root: root().key_id(),
        link: LinkId::from_bytes([5; 16]),
        client: ClientId::from_bytes(OWN),
        public: keys(60).sign.public(),
        expires: TIME,
        max_files: 1,
        max_bytes: 1,
        time: TIME,
    };
    let link = Note::sign(&link, &[&keys(2).sign]);
    world.shown(OWN, &[firm(OWN), vec![link]].concat()).expect("a link");
    world.shown(OWN, &firm(OWN)).expect("a link that is gone");
}

#[test]
fn two_commands_at_once_do_not_alarm_each_other() {
    let world = World::new();
    let (desk, scope) = (world.desk(), ClientId::from_bytes(OWN).to_string());
    let older = firm(OWN);
    let newer = [older.clone(), vec![policy(Some(OWN), YesNo::Yes)]].concat();
    // One command has asked and waits; the other asks later and is answered first.
    let slow = desk.memory(&scope).expect("read");
    world.shown(OWN, &newer).expect("the fast one");
    believed(&desk, &scope, slow, root().public(), None, &older).expect("the slow one");
    // What the fast one learned is not forgotten over it.
    world.rolled_back(OWN, &older, "afterwards");
}

#[test]
fn a_changed_key_waits_for_a_person_or_for_a_lead_who_vouches() {
    let world = World::new();
    world.shown(OWN, &firm(OWN)).expect("met");
    let before = card(2, Role::Accountant);
    let (after, rotated) = rotation(&before, 2, 22, &[]);
    let chain = |note: &Note| [firm(OWN), vec![note.clone()]].concat();
    let print = |card: &Card| card.recipient.as_ref().expect("one").fingerprint();
    let change = KeyChange { member: member(2), was: print(&before), now: print(&after) };
    for _ in 0..2 {
        let directory = world.shown(OWN, &chain(&rotated)).expect("verifies");
        assert_eq!(directory.held_back(member(2)), Some(change), "however often one looks");
        assert_eq!(directory.held_back(member(3)), None);
    }
    let error = is_confirmed(&world.shown(OWN, &chain(&rotated)).expect("verifies"), member(2))
        .expect_err("held back");
    assert_eq!((error.code(), error.exit() as u8), ("key_changed", 4));
    for lang in [crate::cli::Lang::En, crate::cli::Lang::Zh] {
        let message = error.message(lang);
        for words in [change.was, change.now].map(|print| trust::spoken(&print)) {
            assert!(message.contains(lang.spoken(&words)), "{message}");
        }
        let command = format!("strongroom recipients confirm {}", member(2));
        assert!(message.contains(&command), "{message}");
    }
    // A lead's signature is a person's word; the next look has nothing more to tell.
    let (_, vouched) = rotation(&before, 2, 22, &[&keys(1).sign]);
    let directory = world.shown(OWN, &chain(&vouched)).expect("verifies");
    assert_eq!((directory.held_back(member(2)), directory.told_changes()), (None, &[change][..]));
    let directory = world.shown(OWN, &chain(&vouched)).expect("verifies");
    assert!(directory.told_changes().is_empty());
    // Nor does it matter then that somebody strips the signature off again.
    let directory = world.shown(OWN, &chain(&rotated)).expect("verifies");
    assert_eq!(directory.held_back(member(2)), None);

    // A device that never knew the one before takes it no easier: a thief with the old key
    // could have made a second one.
    let world = World::new();
    let directory = world.shown(OWN, &chain(&rotated)).expect("verifies");
    assert_eq!(directory.held_back(member(2)), Some(change));
    let directory = world.shown(OWN, &chain(&vouched)).expect("verifies");
    assert_eq!(directory.held_back(member(2)), None);

    let world = World::new();
    world.shown(OWN, &firm(OWN)).expect("met");
    let pin = Pin { confirmed: true, ..pin_of(&after).expect("a recipient") };
    world.desk().pin(member(2), pin).expect("confirmed");
    let directory = world.shown(OWN, &chain(&rotated)).expect("verifies");
    assert_eq!(directory.held_back(member(2)), None);
    world.rolled_back(OWN, &firm(OWN), "the old card after a confirmation");
    // The pin alone is enough for that.
    let world = World::new();
    world.desk().pin(member(2), pin).expect("confirmed");
    world.rolled_back(OWN, &firm(OWN), "an older card than the pinned one");
    let (_, fork) = rotation(&before, 2, 23, &[&keys(1).sign]);
    world.rolled_back(OWN, &chain(&fork), "another card of the pinned epoch");
}
