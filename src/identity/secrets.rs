//! The gateway's secrets: one file of mode 0600, made once. Different keys for different
//! promises; none of them opens a document.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::envelope::statement::SigningKey;
use crate::opaque::Setup;
use crate::secrets::Secret;

/// Why there are no secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there but not as this program writes it.
    #[error("{path}: damaged; restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others could have read the file.
    #[error("{path}: others can read it; make it private (chmod 600) and consider it stolen")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
}

/// Every secret of a gateway.
#[derive(Clone)]
pub struct GatewaySecrets {
    /// Seed of the key that signs access tokens.
    pub(super) access: Secret<32>,
    /// Derives refresh tokens.
    pub(super) refresh: Secret<32>,
    /// Invents members for names that do not exist.
    pub(super) invented: Secret<32>,
    /// Hides what throttles count.
    pub(super) throttle: Secret<32>,
    /// The OPAQUE keys.
    pub(super) opaque: Setup,
    receipt: Secret<32>,
    arrival: Secret<32>,
    log: Secret<32>,
}

impl fmt::Debug for GatewaySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatewaySecrets(…)")
    }
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u8,
    access: String,
    refresh: String,
    invented: String,
    throttle: String,
    opaque: String,
    receipt: String,
    arrival: String,
    log: String,
}

const VERSION: u8 = 1;

impl GatewaySecrets {
    /// New secrets.
    pub fn random() -> Self {
        Self {
            access: Secret::random(),
            refresh: Secret::random(),
            invented: Secret::random(),
            throttle: Secret::random(),
            opaque: Setup::random(),
            receipt: Secret::random(),
            arrival: Secret::random(),
            log: Secret::random(),
        }
    }

    /// The key that signs receipts.
    pub fn receipt_key(&self) -> SigningKey {
        SigningKey::from_seed(&self.receipt)
    }

    /// The key that signs manifests of what was sealed on arrival.
    pub fn arrival_key(&self) -> SigningKey {
        SigningKey::from_seed(&self.arrival)
    }

    /// The key that signs checkpoints of the audit log.
    pub fn log_key(&self) -> SigningKey {
        SigningKey::from_seed(&self.log)
    }

    fn to_json(&self) -> Zeroizing<String> {
        let text = |secret: &Secret<32>| (*secret.to_base64url()).clone();
        let written = Written {
            version: VERSION,
            access: text(&self.access),
            refresh: text(&self.refresh),
            invented: text(&self.invented),
            throttle: text(&self.throttle),
            opaque: URL_SAFE_NO_PAD.encode(&*self.opaque.to_bytes()),
            receipt: text(&self.receipt),
            arrival: text(&self.arrival),
            log: text(&self.log),
        };
        Zeroizing::new(serde_json::to_string(&written).expect("plain fields are JSON"))
    }

    fn from_json(json: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(json).ok()?;
        if written.version != VERSION {
            return None;
        }
        let opaque = Zeroizing::new(URL_SAFE_NO_PAD.decode(&written.opaque).ok()?);
        Some(Self {
            access: Secret::from_base64url(&written.access)?,
            refresh: Secret::from_base64url(&written.refresh)?,
            invented: Secret::from_base64url(&written.invented)?,
            throttle: Secret::from_base64url(&written.throttle)?,
            opaque: Setup::from_bytes(&opaque).ok()?,
            receipt: Secret::from_base64url(&written.receipt)?,
            arrival: Secret::from_base64url(&written.arrival)?,
            log: Secret::from_base64url(&written.log)?,
        })
    }

    /// Writes the secrets to a new file of mode 0600, durably. Refuses to replace one: with
    /// other OPAQUE keys every login by passphrase would be lost.
    pub fn create(&self, path: &Path) -> Result<(), SecretsError> {
        let write = || {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(self.to_json().as_bytes())?;
            file.sync_all()?;
            match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                Some(folder) => File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        };
        write().map_err(|source| SecretsError::File { path: path.to_owned(), source })
    }

    /// Reads the secrets that [`GatewaySecrets::create`] wrote.
    pub fn load(path: &Path) -> Result<Self, SecretsError> {
        let file = |source| SecretsError::File { path: path.to_owned(), source };
        if fs::metadata(path).map_err(file)?.permissions().mode() & 0o077 != 0 {
            return Err(SecretsError::Exposed { path: path.to_owned() });
        }
        let json = Zeroizing::new(fs::read(path).map_err(file)?);
        Self::from_json(&json).ok_or_else(|| SecretsError::Damaged { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_back_from_a_private_file_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.json");
        let secrets = GatewaySecrets::random();
        secrets.create(&path).expect("written");
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let read = GatewaySecrets::load(&path).expect("read");
        assert_eq!(*read.to_json(), *secrets.to_json());
        assert_eq!(read.receipt_key().public(), secrets.receipt_key().public());
        assert!(matches!(secrets.create(&path), Err(SecretsError::File { .. })));
        mode(0o640).expect("changed");
        assert!(matches!(GatewaySecrets::load(&path), Err(SecretsError::Exposed { .. })));
        mode(0o600).expect("changed");
        fs::write(&path, "{}").expect("written");
        assert!(matches!(GatewaySecrets::load(&path), Err(SecretsError::Damaged { .. })));
    }

    #[test]
    fn no_two_keys_are_the_same() {
        let secrets = GatewaySecrets::random();
        let json: serde_json::Value = serde_json::from_str(&secrets.to_json()).expect("JSON");
        let values: std::collections::BTreeSet<_> =
            json.as_object().expect("fields").values().map(ToString::to_string).collect();
        assert_eq!(values.len(), json.as_object().expect("fields").len());
    }
}
