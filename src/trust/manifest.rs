//! Who signed a manifest, and whether they may.

use crate::envelope::statement::{Direction, Manifest, Note, Role, SealLevel};
use crate::ids::{LinkId, MemberId};

use super::directory::{Directory, Error};

/// As what somebody signed a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerKind {
    /// One of the client's own people.
    ClientSide,
    /// One of the firm's people.
    Staff,
    /// Somebody without an account, through a request link.
    Link,
    /// The gateway, which sealed the document on arrival.
    Gateway,
}

/// Who signed a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer {
    /// As what.
    pub kind: SignerKind,
    /// The member, unless it was a link.
    pub member: Option<MemberId>,
    /// The link, where it was one.
    pub link: Option<LinkId>,
}

impl Directory {
    /// Verifies the signature of a manifest and that its signer may send such a document.
    /// The chain (`seq`, `prev`) and the payload are for the caller to check.
    pub fn verify_manifest(&self, note: &Note) -> Result<(Manifest, Signer), Error> {
        let manifest: Manifest = note.decode()?;
        if manifest.root != self.root().key_id() {
            return Err(Error::ForeignRoot);
        }
        let (key, signer) = self.signer_of(&manifest)?;
        // A key that was rotated or revoked since spoke for what was signed before.
        let spoke = signer.member.is_none_or(|m| self.member_signed(m, note, manifest.time));
        let may = match signer.kind {
            SignerKind::Gateway => {
                manifest.seal == SealLevel::OnArrival
                    && manifest.direction == Direction::In
                    && self.ever_on_arrival(manifest.client)
            }
            SignerKind::Link | SignerKind::ClientSide => {
                manifest.seal == SealLevel::EndToEnd && manifest.direction == Direction::In
            }
            SignerKind::Staff => manifest.seal == SealLevel::EndToEnd,
        };
        if may && spoke && note.signed_by(&key) {
            Ok((manifest, signer))
        } else {
            Err(Error::NotAuthorised)
        }
    }

    fn signer_of(
        &self,
        manifest: &Manifest,
    ) -> Result<(crate::envelope::statement::PublicKey, Signer), Error> {
        if let Some(link) = self.link_by_key(manifest.signer) {
            let ended = self.link_had_ended(link.link, manifest.time);
            if link.client != manifest.client || manifest.time > link.expires || ended {
                return Err(Error::NotAuthorised);
            }
            let link_id = Some(link.link);
            return Ok((
                link.public,
                Signer { kind: SignerKind::Link, member: None, link: link_id },
            ));
        }
        let card = self.card_by_key(manifest.signer).ok_or(Error::NotAuthorised)?;
        // What was signed outlives the role of who signed it.
        let client = Some(manifest.client);
        let held = |role| self.held_at(card.member, role, client, manifest.time);
        let kind = if card.role == Role::GatewayArrival {
            SignerKind::Gateway
        } else if held(Role::Principal) || held(Role::Clerk) {
            SignerKind::ClientSide
        } else if self.was_ever_assigned(manifest.client, card.member)
            && self.kept_books_at(card.member, manifest.time)
        {
            SignerKind::Staff
        } else {
            return Err(Error::NotAuthorised);
        };
        Ok((card.sign, Signer { kind, member: Some(card.member), link: None }))
    }
}
