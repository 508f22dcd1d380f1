//! What has ended: what it said before still counts, and what it says later does not.

use super::*;
use crate::envelope::statement::{Link, Revocation, RevocationKind};
use crate::ids::LinkId;

fn with(more: impl IntoIterator<Item = Note>) -> Result<Directory, Error> {
    let mut notes = firm();
    notes.extend(more);
    verify(&notes)
}

/// A lead ends something a minute after the beginning.
fn end(kind: RevocationKind, subject: impl ToString) -> Note {
    let subject = subject.to_string().parse().expect("a word");
    let time = TIME.plus_secs(60);
    Note::sign(&Revocation { root: key(0).key_id(), kind, subject, prev: None, time }, &[&key(1)])
}

/// As what `by` signed a manifest after so many seconds.
fn sent(directory: &Directory, by: u8, secs: i64) -> Result<SignerKind, Error> {
    let sent = Manifest { time: TIME.plus_secs(secs), ..manifest(by) };
    directory.verify_manifest(&Note::sign(&sent, &[&key(by)])).map(|(_, signer)| signer.kind)
}

#[test]
fn what_somebody_sent_outlives_their_role() {
    let grant = RoleGrant {
        root: key(0).key_id(),
        member: member(2),
        role: Role::Accountant,
        client: None,
        from: TIME,
        until: Some(TIME.plus_secs(60)),
        prev: None,
        time: TIME.plus_secs(60),
    };
    let directory = with([Note::sign(&grant, &[&key(1)])]).expect("the firm stands");
    assert!(!directory.holds(member(2), Role::Accountant, None));
    assert_eq!(sent(&directory, 2, 59), Ok(SignerKind::Staff));
    assert_eq!(sent(&directory, 2, 60), Err(Error::NotAuthorised));
}

#[test]
fn whoever_was_ended_sends_nothing_more() {
    for (by, kind) in [(2, SignerKind::Staff), (3, SignerKind::ClientSide)] {
        let directory = with([end(RevocationKind::Member, member(by))]).expect("the firm stands");
        assert_eq!(sent(&directory, by, 59), Ok(kind), "{by}");
        assert_eq!(sent(&directory, by, 60), Err(Error::NotAuthorised), "{by}");
    }
}

#[test]
fn nobody_of_the_firm_sends_for_a_client_whom_they_never_looked_after() {
    let directory = with(joined(8, Role::Accountant, None, 1)).expect("the firm stands");
    assert_eq!(sent(&directory, 2, 1), Ok(SignerKind::Staff));
    assert_eq!(sent(&directory, 8, 1), Err(Error::NotAuthorised));
    assert_eq!(sent(&directory, 1, 1), Err(Error::NotAuthorised), "nor a lead");
}

#[test]
fn a_link_that_was_ended_takes_nothing_more() {
    let link = Link {
        root: key(0).key_id(),
        link: LinkId::from_bytes([7; 16]),
        client: client(1),
        public: key(70).public(),
        expires: TIME.plus_secs(600),
        max_files: 1,
        max_bytes: 1,
        time: TIME,
    };
    let open = Note::sign(&link, &[&key(2)]);
    let directory = with([open.clone()]).expect("the firm stands");
    assert_eq!(sent(&directory, 70, 60), Ok(SignerKind::Link));
    let directory = with([open, end(RevocationKind::Link, link.link)]).expect("the firm stands");
    assert_eq!(sent(&directory, 70, 59), Ok(SignerKind::Link));
    assert_eq!(sent(&directory, 70, 60), Err(Error::NotAuthorised));
}

#[test]
fn an_invitation_makes_one_member_in_its_time_and_none_once_it_was_ended() {
    let [invitation, first] = joined(8, Role::Clerk, Some(client(1)), 1);
    let by = |n: u8, secs| {
        let card = Card { time: TIME.plus_secs(secs), ..card(n, Role::Clerk) };
        Note::sign(&card, &[&key(n), &key(108)])
    };
    with([invitation.clone(), first.clone()]).expect("joined");
    with([invitation.clone(), by(7, 0)]).expect("whoever had the link first");
    let twice = with([invitation.clone(), first.clone(), by(7, 0)]);
    assert_eq!(twice.err(), Some(Error::NotAuthorised), "a second member");
    let late = with([invitation.clone(), by(7, 1)]);
    assert_eq!(late.err(), Some(Error::NotAuthorised), "after its end");
    let ended = end(RevocationKind::Invitation, InvitationId::from_bytes([8; 16]));
    with([invitation.clone(), ended.clone()]).expect("ended unused");
    let ended = with([invitation, first, ended]);
    assert_eq!(ended.err(), Some(Error::NotAuthorised), "taken up although it was ended");
}
