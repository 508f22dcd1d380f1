//! A certificate authority for trying things out, on this machine alone.
//!
//! Makes `ca.pem` once and a server certificate beside it, which it renews at start when it
//! runs out within a month or lacks a wanted name. Refuses to replace a CA silently, even one
//! that has run out: people have pinned it. Invariant: private keys are files of mode 0600,
//! and key and certificate on disk belong together, whenever the process was killed.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::{Clock, Timestamp};

const DAY_SECONDS: i64 = 24 * 3600;
/// The longest that common platforms accept from a private root.
const CA_DAYS: i64 = 825;
const SERVER_DAYS: i64 = 90;
const RENEW_DAYS: i64 = 30;
/// Clocks of other devices may be a little behind.
const BACKDATE_SECONDS: i64 = 3600;

/// Names that always lead to this machine.
const LOCAL: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The root to trust, PEM.
    pub ca: PathBuf,
    /// The server's certificate, PEM.
    pub certificate: PathBuf,
    /// The server's key, PEM, mode 0600.
    pub key: PathBuf,
}

/// Why there is no development certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is there but not as this program writes it.
    #[error(
        "{path}: damaged. Remove the folder to make a new development CA, and give its ca.pem to everybody who trusted the old one"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The CA has run out.
    #[error(
        "{folder}: the development CA has run out. Remove the folder to make a new one, and give its ca.pem to everybody who trusted the old one"
    )]
    Expired {
        /// The CA's folder.
        folder: PathBuf,
    },
    /// A name that no certificate can carry.
    #[error("no certificate can be made for these names: {0}")]
    Name(String),
}

/// What the certificates beside it say, so that they need not be parsed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    ca_until: Timestamp,
    server_until: Timestamp,
    names: Vec<String>,
}

/// Sees that `folder` holds a CA and a server certificate for this machine and for `hosts`
/// (names or addresses), good for at least another month.
pub fn ensure(folder: &Path, hosts: &[String], clock: &Clock) -> Result<Files, Error> {
    let files = Files {
        ca: folder.join("ca.pem"),
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
    };
    let (ca_key_path, state_path) = (folder.join("ca.key"), folder.join("state.json"));
    fs::create_dir_all(folder).map_err(|e| file(folder, e))?;
    let mut names: Vec<String> =
        LOCAL.iter().map(|s| (*s).to_owned()).chain(hosts.iter().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    let now = clock.now();
    let mut state = match fs::read(&state_path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|_| Error::Damaged { path: state_path.clone() })?,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !files.ca.exists() => State {
            ca_until: now.plus_secs(CA_DAYS * DAY_SECONDS),
            server_until: Timestamp::EPOCH,
            names: Vec::new(),
        },
        Err(e) => return Err(file(&state_path, e)),
    };
    if state.ca_until <= now.plus_secs(DAY_SECONDS) {
        return Err(Error::Expired { folder: folder.to_owned() });
    }
    if state.server_until > now.plus_secs(RENEW_DAYS * DAY_SECONDS)
        && names.iter().all(|name| state.names.contains(name))
        && [&files.ca, &files.certificate, &files.key].iter().all(|path| path.exists())
    {
        return Ok(files);
    }
    let ca_key = match fs::read_to_string(&ca_key_path) {
        Ok(pem) => KeyPair::from_pem(&zeroize::Zeroizing::new(pem))
            .map_err(|_| Error::Damaged { path: ca_key_path.clone() })?,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !files.ca.exists() => {
            let key = KeyPair::generate().map_err(name)?;
            write(&ca_key_path, zeroize::Zeroizing::new(key.serialize_pem()).as_bytes(), 0o600)?;
            key
        }
        Err(e) => return Err(file(&ca_key_path, e)),
    };
    // Until its last write the state says that the server's pair is to be made anew, so a
    // kill in between mixes nothing.
    state.server_until = Timestamp::EPOCH;
    state.write(&state_path)?;
    let params = ca_params(&ca_key, now, state.ca_until);
    if !files.ca.exists() {
        let certificate = params.self_signed(&ca_key).map_err(name)?;
        write(&files.ca, certificate.pem().as_bytes(), 0o644)?;
    }
    let until = state.ca_until.min(now.plus_secs(SERVER_DAYS * DAY_SECONDS));
    let (certificate, key) = server(&Issuer::new(params, ca_key), &names, now, until)?;
    write(&files.key, key.as_bytes(), 0o600)?;
    write(&files.certificate, certificate.as_bytes(), 0o644)?;
    (state.server_until, state.names) = (until, names);
    state.write(&state_path)?;
    Ok(files)
}

impl State {
    fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).expect("plain values");
        write(path, &text, 0o644)
    }
}

fn ca_params(key: &KeyPair, now: Timestamp, until: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    // The name tells two development CAs apart in a trust store, and is the same whenever
    // the parameters are made again from the key.
    let mark = hex::encode(&Sha256::digest(key.public_key_raw())[..4]);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Strongroom development CA {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now.plus_secs(-BACKDATE_SECONDS).to_utc();
    params.not_after = until.to_utc();
    params
}

fn server(
    issuer: &Issuer<'_, KeyPair>,
    names: &[String],
    now: Timestamp,
    until: Timestamp,
) -> Result<(String, zeroize::Zeroizing<String>), Error> {
    let mut params = CertificateParams::new(names).map_err(name)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Strongroom development server");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now.plus_secs(-BACKDATE_SECONDS).to_utc();
    params.not_after = until.to_utc();
    let key = KeyPair::generate().map_err(name)?;
    let certificate = params.signed_by(&key, issuer).map_err(name)?;
    Ok((certificate.pem(), zeroize::Zeroizing::new(key.serialize_pem())))
}

/// Writes a file whole or not at all, with `mode` from its first byte on.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let fresh = path.with_extension("new");
    let whole = || {
        match fs::remove_file(&fresh) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut out =
            fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        out.set_permissions(fs::Permissions::from_mode(mode))?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&fresh, path)
    };
    whole().map_err(|e| file(path, e))
}

fn file(path: &Path, source: io::Error) -> Error {
    Error::File { path: path.to_owned(), source }
}

fn name(error: rcgen::Error) -> Error {
    Error::Name(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_ca_is_made_once_and_its_server_certificate_renewed_in_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("certs");
        let clock = Clock::fixed("2026-11-24T00:00:00.000Z".parse().expect("a time"));
        let files = ensure(&folder, &[], &clock).expect("made");
        assert_eq!(mode(&files.key), 0o600);
        assert_eq!(mode(&folder.join("ca.key")), 0o600);
        let ca = fs::read(&files.ca).expect("there");
        let server = fs::read(&files.certificate).expect("there");
        clock.advance_ms(59 * DAY_SECONDS * 1000);
        ensure(&folder, &[], &clock).expect("kept");
        assert_eq!(fs::read(&files.certificate).expect("there"), server);
        clock.advance_ms(2 * DAY_SECONDS * 1000);
        ensure(&folder, &[], &clock).expect("renewed");
        assert_ne!(fs::read(&files.certificate).expect("there"), server);
        let server = fs::read(&files.certificate).expect("there");
        ensure(&folder, &["files.example.cn".into()], &clock).expect("renewed");
        assert_ne!(fs::read(&files.certificate).expect("there"), server);
        assert_eq!(fs::read(&files.ca).expect("there"), ca);
    }

    #[test]
    fn an_expired_or_damaged_ca_is_never_replaced_silently() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::fixed("2026-11-24T00:00:00.000Z".parse().expect("a time"));
        let files = ensure(folder.path(), &[], &clock).expect("made");
        clock.advance_ms(825 * DAY_SECONDS * 1000);
        assert!(matches!(ensure(folder.path(), &[], &clock), Err(Error::Expired { .. })));
        clock.advance_ms(-100 * DAY_SECONDS * 1000);
        fs::write(folder.path().join("ca.key"), "not a key").expect("written");
        assert!(matches!(ensure(folder.path(), &[], &clock), Err(Error::Damaged { .. })));
        fs::remove_file(folder.path().join("ca.key")).expect("removed");
        assert!(matches!(ensure(folder.path(), &[], &clock), Err(Error::File { .. })));
        fs::remove_file(folder.path().join("state.json")).expect("removed");
        assert!(matches!(ensure(folder.path(), &[], &clock), Err(Error::File { .. })));
        assert!(files.ca.exists());
    }

    #[test]
    fn a_name_no_certificate_can_carry_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let bad = ensure(folder.path(), &["机构".into()], &Clock::System);
        assert!(matches!(bad, Err(Error::Name(_))));
    }
}
