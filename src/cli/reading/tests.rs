use super::*;
use crate::api::DocumentState;

#[test]
fn a_query_holds_what_was_asked_and_nothing_of_the_gateways_unescaped() {
    let none = Query::default();
    assert_eq!(none.path(None), "/documents");
    let client = ClientId::from_bytes([1; 16]);
    let all = Query {
        client: Some(client),
        period: Some("2026-03".parse().expect("a period")),
        state: Some(DocumentState::Received),
    };
    assert_eq!(
        all.path(Some("a&b=c #")),
        format!("/documents?client={client}&period=2026-03&state=received&after=a%26b%3Dc%20%23")
    );
}

#[test]
fn faults_of_the_envelope_are_told_apart() {
    let document = DocumentId::random();
    for (error, code) in [
        (EnvelopeError::NoMatch, "not_opened"),
        (EnvelopeError::Commitment, "commitment"),
        (EnvelopeError::SealedPart, "sealed_part"),
        (EnvelopeError::Piece(3), "damaged"),
        (EnvelopeError::HeaderMac, "damaged"),
        (EnvelopeError::Plaintext, "damaged"),
    ] {
        let error = envelope_error(error, document);
        assert_eq!((error.code(), error.exit()), (code, crate::cli::error::Exit::Unverified));
    }
}
