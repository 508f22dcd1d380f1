//! The scrypt recipient type (C2SP age): files sealed under a passphrase.

use zeroize::Zeroizing;

use crate::envelope::stanza::Stanza;
use crate::envelope::{Error, FileKey};
use crate::secrets::{Secret, random_bytes};

const LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
const ZERO_NONCE: [u8; 12] = [0; 12];
/// 2¹⁸: 256 MiB and about a second, as other age tools choose.
const SEAL_LOG_N: u8 = 18;
/// Beyond 2²² (4 GiB) a file would only be a way of exhausting the machine.
const MAX_LOG_N: u8 = 22;

/// A passphrase; zeroized on drop, never shown.
#[derive(Clone)]
pub struct Passphrase {
    text: Zeroizing<String>,
    log_n: u8,
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Passphrase {
    /// Takes over `text`.
    pub fn new(text: String) -> Self {
        Self { text: Zeroizing::new(text), log_n: SEAL_LOG_N }
    }

    /// Seals with the work factor 2^`log_n` (1 to 22) instead of the default; for tests.
    pub fn with_work_factor(mut self, log_n: u8) -> Self {
        self.log_n = log_n.clamp(1, MAX_LOG_N);
        self
    }

    fn wrap_key(&self, salt: &[u8; 16], log_n: u8) -> Secret<32> {
        let params = scrypt::Params::new(log_n, 8, 1)
            .expect("r = 8, p = 1 and work factors up to 2^22 are valid");
        let mut key = Zeroizing::new([0_u8; 32]);
        let salt = [LABEL, salt.as_slice()].concat();
        scrypt::scrypt(self.text.as_bytes(), &salt, &params, key.as_mut())
            .expect("32 bytes are a valid output length");
        Secret::new(*key)
    }

    pub(super) fn wrap(&self, key: &FileKey) -> Stanza {
        let salt = random_bytes();
        let body = key.wrap(&self.wrap_key(&salt, self.log_n), &ZERO_NONCE);
        Stanza::Scrypt { salt, log_n: self.log_n, body }
    }

    pub(super) fn unwrap(&self, stanza: &Stanza) -> Result<Option<FileKey>, Error> {
        let Stanza::Scrypt { salt, log_n, body } = stanza else {
            return Ok(None);
        };
        if *log_n > MAX_LOG_N {
            return Err(Error::HeaderMalformed("scrypt work factor beyond 2^22"));
        }
        Ok(FileKey::unwrap(&self.wrap_key(salt, *log_n), &ZERO_NONCE, body))
    }
}
