//! Making documents recoverable beyond doubt: whoever of the firm verifies and opens one first
//! seals its file key to the recovery key, and the gateway notes it.
//!
//! A sender's manifest names the recovery key, but a stanza shows nobody what it holds. Once a
//! document, all of one command in one request.

use crate::api::{Base64, DocumentInfo, RecoveryHeader, RecoveryHeaders, RecoveryProven};
use crate::cli::error::Error;
use crate::cli::reading::{envelope_error, recipients_of};
use crate::envelope::statement::Role;
use crate::envelope::{FileKey, Header, Strength};

use super::Pulling;

impl Pulling<'_> {
    /// A header for the recovery key of a document whose `key` is what its sender signed; nothing
    /// where there is one already, or where this member is not of the firm.
    ///
    /// # Errors
    /// Those of the directory.
    pub(super) async fn recovery_header(
        &self,
        info: &DocumentInfo,
        key: &FileKey,
        strength: Strength,
    ) -> Result<Option<RecoveryHeader>, Error> {
        let role = self.reading.session().profile().info().role;
        if info.recovery_proven || !matches!(role, Role::Accountant | Role::Lead) {
            return Ok(None);
        }
        let directory = self.reading.directory(info.client).await?;
        let post_quantum = strength == Strength::PostQuantum;
        let recipients = recipients_of(
            &directory,
            directory.recovery_cards().map(|card| card.member),
            post_quantum,
        )?;
        let header =
            Header::seal(key, &recipients).map_err(|e| envelope_error(e, info.document))?;
        let header = Base64(header.as_bytes().to_vec());
        Ok(Some(RecoveryHeader { document: info.document, header }))
    }

    /// Hands over what was made for documents that are on this disk now. They are, whatever comes
    /// of it: `doctor` counts what is still unproven.
    ///
    /// # Errors
    /// Those of asking.
    pub(super) async fn prove_recovery(&self, headers: Vec<RecoveryHeader>) -> Result<(), Error> {
        let mut headers = headers.into_iter().peekable();
        while headers.peek().is_some() {
            let batch = headers.by_ref().take(RecoveryHeaders::MOST).collect();
            let sent = RecoveryHeaders { headers: batch };
            self.reading.session().post::<RecoveryProven>("/recovery-headers", &sent).await?;
        }
        Ok(())
    }
}
