//! What a firm is founded on: root key, recovery key in three shares, the cards of the
//! gateway's keys, the invitation of the first lead, and the canary.
//!
//! Made once, on the device of the first lead. Root and recovery seed leave this module only
//! as what their holders keep: the root key sealed to the lead, the shares as files. The
//! gateway gets public statements.

use crate::clock::Timestamp;
use crate::envelope::statement::{
    Card, Hash, Invitation, Note, Recipient as RecipientText, Role, SigningKey,
};
use crate::envelope::{MemberKeys, open_small, seal_small};
use crate::identity::GatewaySecrets;
use crate::ids::{InvitationId, MemberId, RootId};
use crate::secrets::Secret;
use crate::trust::fragment::{Fragment, Purpose, token_hash};
use crate::trust::recovery::{self, Share};

/// A new firm, before anything of it is stored.
pub(super) struct Founding {
    /// Seed of the root key.
    pub(super) root_seed: Secret<32>,
    /// The root key.
    pub(super) root: SigningKey,
    /// Three shares of the recovery key's seed.
    pub(super) shares: [Share; 3],
    /// Root-signed statements: cards of the recovery key and the gateway's keys, and the
    /// first lead's invitation.
    pub(super) statements: Vec<Note>,
    /// An age file to the recovery key.
    pub(super) canary: Vec<u8>,
    /// H of what the canary holds.
    pub(super) canary_proof: Hash,
    /// The first lead's invitation.
    pub(super) invitation: InvitationId,
    /// The secret of its link.
    pub(super) fragment: Fragment,
    /// What the gateway keeps of its token.
    pub(super) token_hash: Hash,
}

/// The first lead joins at once; an hour is for slow hands.
const INVITATION_SECS: i64 = 3600;

/// Makes everything. The root vouches for the gateway's signing keys.
pub(super) fn found(gateway: &GatewaySecrets, now: Timestamp) -> Founding {
    let root_seed = Secret::random();
    let root = SigningKey::from_seed(&root_seed);
    let recovery_seed = Secret::random();
    let recovery = MemberKeys::from_seed(&recovery_seed);
    let mut statements = vec![Note::sign(
        &card(&root, &recovery.sign, Role::Recovery, now, Some(&recovery)),
        &[&recovery.sign, &root],
    )];
    for (key, role) in [
        (gateway.receipt_key(), Role::GatewayReceipt),
        (gateway.arrival_key(), Role::GatewayArrival),
        (gateway.log_key(), Role::GatewayLog),
    ] {
        statements.push(Note::sign(&card(&root, &key, role, now, None), &[&key, &root]));
    }
    let fragment = Fragment::new(root.key_id());
    let id = InvitationId::random();
    let invitation = Invitation {
        root: root.key_id(),
        invitation: id,
        role: Role::Lead,
        client: None,
        public: fragment.signing_key(Purpose::Invitation, id.as_bytes()).public(),
        expires: now.plus_secs(INVITATION_SECS),
        time: now,
    };
    statements.push(Note::sign(&invitation, &[&root]));
    let proof = Secret::<32>::random();
    Founding {
        shares: recovery::split(&recovery_seed, root.key_id()),
        statements,
        canary: seal_small(proof.expose(), &[recovery.recipient()])
            .expect("one recipient fits a header"),
        canary_proof: Hash::of(proof.expose()),
        token_hash: token_hash(&fragment.token(Purpose::Invitation, id.as_bytes())),
        invitation: id,
        fragment,
        root,
        root_seed,
    }
}

fn card(
    root: &SigningKey,
    sign: &SigningKey,
    role: Role,
    now: Timestamp,
    keys: Option<&MemberKeys>,
) -> Card {
    let member = MemberId::random();
    let text = |recipient: String| recipient.parse::<RecipientText>().ok();
    Card {
        root: root.key_id(),
        member,
        role,
        name_hash: Card::hash_name(member, role.as_str()),
        epoch: 1,
        sign: sign.public(),
        recipient: keys.and_then(|k| text(k.recipient().to_string())),
        recipient_pq: keys.and_then(|k| text(k.recipient_post_quantum().to_string())),
        prev: None,
        time: now,
    }
}

/// Joins two shares and opens the canary with the key they give.
pub(super) fn rehearse(
    shares: [&Share; 2],
    root: RootId,
    published: &Card,
    canary: &[u8],
) -> Result<zeroize::Zeroizing<Vec<u8>>, RehearsalError> {
    let keys = recovered(shares, root, published)?;
    open_small(canary, std::slice::from_ref(&keys.x25519)).map_err(|_| RehearsalError::Canary)
}

/// The recovery key that two shares give, when it is the one that `published` names.
pub(super) fn recovered(
    shares: [&Share; 2],
    root: RootId,
    published: &Card,
) -> Result<MemberKeys, RehearsalError> {
    if shares.iter().any(|share| share.root() != root) {
        return Err(RehearsalError::Shares(recovery::ShareError::Strangers));
    }
    let keys = MemberKeys::from_seed(&recovery::join(shares[0], shares[1])?);
    let recipient = |text: &Option<RecipientText>| text.as_ref().map(ToString::to_string);
    let agrees = recipient(&published.recipient) == Some(keys.recipient().to_string())
        && recipient(&published.recipient_pq) == Some(keys.recipient_post_quantum().to_string())
        && published.sign == keys.sign.public();
    if agrees { Ok(keys) } else { Err(RehearsalError::AnotherKey) }
}

/// Why a rehearsal failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RehearsalError {
    /// The shares do not fit together.
    #[error(transparent)]
    Shares(#[from] recovery::ShareError),
    /// They give a key that is not the published one.
    #[error("the two shares give another key than the published recovery key")]
    AnotherKey,
    /// The key does not open the canary.
    #[error("the recovered key does not open the canary")]
    Canary,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Directory;

    fn firm() -> (Founding, Card) {
        let founding = found(&GatewaySecrets::random(), Timestamp::EPOCH);
        let directory =
            Directory::verify(founding.root.public(), &founding.statements).expect("verifies");
        let card = directory.cards().find(|c| c.role == Role::Recovery).cloned().expect("a card");
        (founding, card)
    }

    #[test]
    fn two_shares_open_the_canary_and_nothing_less_does() {
        let (founding, card) = firm();
        let [a, b, c] = &founding.shares;
        let root = founding.root.key_id();
        for pair in [[a, b], [b, c], [c, a]] {
            let proof = rehearse(pair, root, &card, &founding.canary).expect("opened");
            assert_eq!(Hash::of(&proof), founding.canary_proof);
        }
        assert!(rehearse([a, a], root, &card, &founding.canary).is_err());
        let (other, other_card) = firm();
        assert!(rehearse([a, &other.shares[1]], root, &card, &founding.canary).is_err());
        assert!(rehearse([a, b], root, &other_card, &founding.canary).is_err());
        assert!(rehearse([a, b], root, &card, &other.canary).is_err());
        let mut damaged = founding.canary.clone();
        *damaged.last_mut().expect("bytes") ^= 1;
        assert!(rehearse([a, b], root, &card, &damaged).is_err());
    }
}
