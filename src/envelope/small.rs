//! Small secrets: what fits in memory twice, sealed and opened at once.
//!
//! The root key of a lead, the canary of a recovery, a list of names: an age file or an age
//! payload of a few kilobytes. Documents never pass here; they stream.

use zeroize::Zeroizing;

use crate::envelope::{
    Error, FileKey, Header, Identity, Nonce, PayloadOpener, PayloadSealer, Recipient, payload_len,
};

/// `secret` as a complete age file to `recipients`, under a new file key.
///
/// # Errors
/// [`Error::RecipientCount`], [`Error::MixedRecipients`].
pub fn seal_small(secret: &[u8], recipients: &[Recipient]) -> Result<Vec<u8>, Error> {
    let key = FileKey::random();
    let mut file = Header::seal(&key, recipients)?.as_bytes().to_vec();
    file.append(&mut seal_payload(&key, secret));
    Ok(file)
}

/// Opens what [`seal_small`] sealed, with the first of `identities` that can.
///
/// # Errors
/// Those of [`Header::parse`] and [`Header::open`]; [`Error::Payload`] for a payload that is not
/// authentic.
pub fn open_small(file: &[u8], identities: &[Identity]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (header, length) = Header::parse(file)?;
    open_payload(header.open(identities)?, &file[length..])
}

/// `secret` as an age payload under `key`, with a new nonce.
pub(super) fn seal_payload(key: &FileKey, secret: &[u8]) -> Vec<u8> {
    let capacity = payload_len(secret.len() as u64).and_then(|n| usize::try_from(n).ok());
    let mut payload = Vec::with_capacity(capacity.unwrap_or_default());
    let mut sealer = PayloadSealer::new(key, &Nonce::random());
    sealer.push(secret, &mut payload);
    sealer.finish(&mut payload);
    payload
}

/// Opens what [`seal_payload`] sealed. Room is taken for all of it first, so that no copy of
/// the plaintext is left behind by a growing buffer.
pub(super) fn open_payload(key: FileKey, payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut secret = Zeroizing::new(Vec::with_capacity(payload.len()));
    let mut opener = PayloadOpener::new(key);
    opener.push(payload, &mut secret)?;
    opener.finish(&mut secret)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::MemberKeys;
    use crate::secrets::Secret;

    #[test]
    fn a_small_secret_opens_for_its_recipient_and_for_nobody_when_damaged() {
        let keys = MemberKeys::from_seed(&Secret::random());
        let stranger = MemberKeys::from_seed(&Secret::random());
        let mut file = seal_small(b"thirty-two bytes or a few more", &[keys.recipient()])
            .expect("one recipient");
        let opened = open_small(&file, &keys.identities()).expect("opens");
        assert_eq!(&opened[..], b"thirty-two bytes or a few more");
        assert!(open_small(&file, &stranger.identities()).is_err());
        *file.last_mut().expect("bytes") ^= 1;
        assert!(open_small(&file, &keys.identities()).is_err());
        assert!(seal_small(b"x", &[]).is_err());
    }
}
