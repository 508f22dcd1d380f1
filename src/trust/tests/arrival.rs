//! What the gateway signs itself counts only where a lead ever allowed it to.

use super::*;

fn arrived(seal: SealLevel, direction: Direction, of: u8) -> Note {
    let manifest = Manifest { client: client(of), seal, direction, ..manifest(8) };
    Note::sign(&manifest, &[&key(8)])
}

#[test]
fn the_gateway_signs_only_what_arrives_where_a_lead_ever_allowed_it() {
    let mut notes = firm();
    notes.push(Note::sign(&card(8, Role::GatewayArrival), &[&key(8), &key(0)]));
    let (on_arrival, inward) = (SealLevel::OnArrival, Direction::In);
    let signed = |notes: &[Note], seal, direction, of| {
        let directory = verify(notes).expect("a firm");
        directory.verify_manifest(&arrived(seal, direction, of)).map(|(_, signer)| signer.kind)
    };
    assert_eq!(signed(&notes, on_arrival, inward, 1), Err(Error::NotAuthorised), "nobody said so");
    let allowed = client_policy(YesNo::Yes, &[], None);
    notes.push(Note::sign(&allowed, &[&key(1)]));
    assert_eq!(signed(&notes, on_arrival, inward, 1), Ok(SignerKind::Gateway));
    assert_eq!(signed(&notes, on_arrival, inward, 2), Err(Error::NotAuthorised), "another client");
    for (seal, direction) in [
        (SealLevel::EndToEnd, inward),
        (on_arrival, Direction::Out),
        (SealLevel::EndToEnd, Direction::Out),
    ] {
        assert_eq!(signed(&notes, seal, direction, 1), Err(Error::NotAuthorised));
    }
    // What arrived while it was allowed stays.
    notes.push(Note::sign(&client_policy(YesNo::No, &[], Some(&allowed)), &[&key(1)]));
    assert_eq!(signed(&notes, on_arrival, inward, 1), Ok(SignerKind::Gateway));
}
