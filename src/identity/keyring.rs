//! The sealed keyring: what is taken, and the header a device adds for itself.

use crate::api::{KeyringHeader, KeyringSealed};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::Header;
use crate::envelope::keyring::{Unlock, unlock_of};
use crate::ids::{MemberId, SessionId};
use crate::store::Tx;

use super::{Error, Identity};

/// A keyring's payload is about 200 bytes and 67 more for each rotation, a header of it about 300.
const MAX_PAYLOAD_BYTES: usize = 8192;
const MAX_HEADER_BYTES: usize = 2048;

const REFUSED: Error = Error::Unacceptable("The keyring is not a sealed keyring.");

/// The way of unlocking that a header is for, when it is what it says it is.
pub(super) fn checked(header: &KeyringHeader) -> Result<Unlock, Error> {
    if header.header.0.len() > MAX_HEADER_BYTES {
        return Err(REFUSED);
    }
    let parsed = Header::parse_detached(&header.header.0).map_err(|_| REFUSED)?;
    unlock_of(&parsed).filter(|unlock| unlock.as_str() == header.kind).ok_or(REFUSED)
}

/// The ways to unlock a whole keyring: each at most once, the recovery kit always.
pub(super) fn checked_keyring(keyring: &KeyringSealed) -> Result<Vec<Unlock>, Error> {
    let length = keyring.payload.0.len();
    if length == 0 || length > MAX_PAYLOAD_BYTES || keyring.headers.len() > 4 {
        return Err(REFUSED);
    }
    let mut ways = Vec::with_capacity(keyring.headers.len());
    for header in &keyring.headers {
        let unlock = checked(header)?;
        if ways.contains(&unlock) || unlock == Unlock::Prf {
            return Err(REFUSED);
        }
        ways.push(unlock);
    }
    if ways.contains(&Unlock::Kit) { Ok(ways) } else { Err(REFUSED) }
}

impl Identity {
    /// Keeps the header by which the device of `session` unlocks the keyring, until the
    /// session ends.
    pub async fn put_device_header(
        &self,
        tx: &mut Tx,
        member: MemberId,
        session: SessionId,
        header: &KeyringHeader,
        now: Timestamp,
    ) -> Result<(), Error> {
        if checked(header)? != Unlock::Device {
            return Err(Error::Unacceptable("Only a device's header is taken here."));
        }
        let kind = Unlock::Device.as_str();
        tx.put_keyring_header(member, kind, Some(session), &header.header.0, now).await?;
        audit::append(tx, now, Event::new("keyring.device").by(member).object(session)).await?;
        Ok(())
    }
}
