//! The foundation: what `init` leaves for the gateway.

use crate::api;
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Invitation, Note, PublicKey, Statement, peek_kind};
use crate::store::{FirmRow, Tx};
use crate::trust::Directory;

use super::Error;

/// Everything public about a new firm.
#[derive(Debug)]
pub struct Foundation {
    /// The root key.
    pub root: PublicKey,
    /// The firm's name.
    pub name: String,
    /// The gateway's public address.
    pub url: String,
    /// Root-signed cards and the first lead's invitation.
    pub statements: Vec<Note>,
    /// H of the token of that invitation.
    pub token_hash: Hash,
    /// An age file to the recovery key.
    pub canary: Vec<u8>,
    /// H of what the canary holds.
    pub canary_proof: Hash,
}

/// Founds the firm; [`Error::Taken`] where the database has one.
pub async fn found(tx: &mut Tx, foundation: Foundation, now: Timestamp) -> Result<(), Error> {
    let Foundation { root, name, url, statements, token_hash, canary, canary_proof } = foundation;
    if tx.firm().await.is_ok() {
        return Err(Error::Taken);
    }
    Directory::verify(root, &statements).map_err(Error::Directory)?;
    let firm = FirmRow { root, name, url, canary, canary_proof, rehearsed_at: None };
    tx.insert_firm(&firm, now).await?;
    for note in &statements {
        if peek_kind(note.text()) == Ok(Invitation::KIND) {
            let invitation: Invitation = note.verify(&root).map_err(|_| Error::StatementRefused)?;
            tx.insert_invitation(&invitation, token_hash, None, now).await?;
        }
        tx.insert_statement(note, now).await?;
    }
    audit::append(tx, now, Event::new("firm.found").object(root.key_id())).await?;
    Ok(())
}

/// Moves the gateway to another public address.
pub async fn move_to(tx: &mut Tx, url: &str, now: Timestamp) -> Result<(), Error> {
    if tx.firm().await?.url == url {
        return Ok(());
    }
    tx.set_firm_url(url).await?;
    audit::append(tx, now, Event::new("firm.move")).await?;
    Ok(())
}

/// The firm as everybody who belongs to it sees it.
pub async fn summary(tx: &mut Tx) -> Result<api::Firm, Error> {
    let firm = tx.firm().await?;
    Ok(api::Firm { name: firm.name, root: firm.root, url: firm.url })
}
