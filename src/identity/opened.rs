//! What a device gets when a session opens.

use crate::api::{Base64, Firm, KeyringHeader, KeyringSealed, SessionOpened};
use crate::clock::Timestamp;
use crate::envelope::keyring::Unlock;
use crate::envelope::statement::{Card, Statement};
use crate::store::{MemberRow, Tx};

use super::{Error, Identity};

impl Identity {
    /// Opens a session of `member` and gathers what their device needs: the sealed keyring,
    /// the one header that fits how they proved themselves, their card, the firm.
    pub(super) async fn open(
        &self,
        tx: &mut Tx,
        member: MemberRow,
        device: String,
        unlock: Option<Unlock>,
        now: Timestamp,
    ) -> Result<SessionOpened, Error> {
        let (session, tokens) = self.open_session(tx, member.id, device, now).await?;
        let mut headers = Vec::new();
        if let Some(unlock) = unlock {
            let kind = unlock.as_str();
            if let Some(header) = tx.keyring_header(member.id, kind).await? {
                headers.push(KeyringHeader { kind: kind.to_owned(), header: Base64(header) });
            }
        }
        let firm = tx.firm().await?;
        Ok(SessionOpened {
            member: member.id,
            role: member.role,
            session,
            tokens,
            keyring: KeyringSealed { payload: Base64(member.keyring), headers },
            card: tx.statement(Card::KIND, &member.id.to_string()).await?,
            firm: Firm { name: firm.name, root: firm.root, url: firm.url },
        })
    }
}
