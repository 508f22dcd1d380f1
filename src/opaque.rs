//! OPAQUE (RFC 9807), both sides: a passphrase that never leaves the device.
//!
//! The suite is fixed: OPRF over Ristretto255, TripleDh over Ristretto255 with SHA-512, and
//! Argon2id (t = 3, 64 MiB, p = 4) on the client's side alone. The stretching is compiled
//! in and never taken from a gateway, which could otherwise ask for a cheap one. Messages
//! are bytes; every error is the same one. The older generation of crates that `opaque-ke`
//! brings along stays inside this file.

use std::fmt;

use opaque_ke::argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::key_exchange::tripledh::TripleDh;
use opaque_ke::ksf::{Identity, Ksf};
use opaque_ke::rand::{CryptoRng, RngCore};
use opaque_ke::{
    CipherSuite, ClientLoginFinishParameters, ClientRegistrationFinishParameters,
    CredentialFinalization, CredentialRequest, CredentialResponse, RegistrationRequest,
    RegistrationResponse, RegistrationUpload, Ristretto255, ServerLoginParameters,
    ServerRegistration, ServerSetup,
};
use zeroize::{Zeroize, Zeroizing};

use crate::ids::MemberId;
use crate::secrets::{Secret, fill_random};

// Bytes of each message (RFC 9807, sections 5.1 and 6.1). `opaque-ke` reads a prefix and
// passes over what follows; here one message has one text.
const REGISTRATION_REQUEST_BYTES: usize = 32;
const REGISTRATION_RESPONSE_BYTES: usize = 64;
const REGISTRATION_UPLOAD_BYTES: usize = 192;
const KE1_BYTES: usize = 96;
const KE2_BYTES: usize = 320;
const KE3_BYTES: usize = 64;

/// A message that cannot be read, or that does not prove what it should. Which of the two
/// is not said: a wrong passphrase and a broken message look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase could not be confirmed")]
pub struct Error;

/// What the passphrase unlocks on the device: the 64-byte export key.
pub type ExportKey = Secret<64>;

/// The client's stretching: Argon2id version 1.3, t = 3, 64 MiB, p = 4.
struct Stretch(Argon2<'static>);

impl Default for Stretch {
    fn default() -> Self {
        let params = Params::new(64 * 1024, 3, 4, None).expect("these parameters are in range");
        Self(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Ksf for Stretch {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, opaque_ke::errors::InternalError> {
        self.0.hash(input)
    }
}

/// The suite as a client runs it.
struct Client;

impl CipherSuite for Client {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_old::Sha512>;
    type Ksf = Stretch;
}

/// The suite as the gateway runs it: it never stretches anything.
struct Gateway;

impl CipherSuite for Gateway {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_old::Sha512>;
    type Ksf = Identity;
}

/// The one source of randomness, in the shape of the older generation.
struct Random;

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        fill_random(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        fill_random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), opaque_ke::rand::Error> {
        fill_random(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}

fn opaque<T, E>(result: Result<T, E>) -> Result<T, Error> {
    result.map_err(|_| Error)
}

fn exactly(bytes: &[u8], length: usize) -> Result<&[u8], Error> {
    if bytes.len() == length { Ok(bytes) } else { Err(Error) }
}

fn export_key(mut bytes: impl AsMut<[u8]>) -> Result<ExportKey, Error> {
    let key = ExportKey::from_slice(bytes.as_mut()).ok_or(Error);
    bytes.as_mut().zeroize();
    key
}

/// The gateway's long-lived OPAQUE keys: whoever has them and the password files can guess
/// at passphrases off line.
#[derive(Clone)]
pub struct Setup(ServerSetup<Gateway>);

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setup(…)")
    }
}

impl Setup {
    /// New keys.
    pub fn random() -> Self {
        Self(ServerSetup::new(&mut Random))
    }

    /// The keys as bytes, for the gateway's file of secrets.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    /// Reads [`Setup::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        opaque(ServerSetup::deserialize(bytes)).map(Self)
    }
}

/// The device's side between the two messages of a registration.
pub struct ClientRegistration(opaque_ke::ClientRegistration<Client>);

/// The device's side between the messages of a login.
pub struct ClientLogin(opaque_ke::ClientLogin<Client>);

/// Begins a registration on the device: gives the registration request.
pub fn client_register_start(passphrase: &[u8]) -> Result<(ClientRegistration, Vec<u8>), Error> {
    let started = opaque(opaque_ke::ClientRegistration::start(&mut Random, passphrase))?;
    Ok((ClientRegistration(started.state), started.message.serialize().to_vec()))
}

/// Ends a registration on the device: gives the registration upload and the export key.
/// Takes some tenths of a second and 64 MiB.
pub fn client_register_finish(
    state: ClientRegistration,
    passphrase: &[u8],
    response: &[u8],
) -> Result<(Vec<u8>, ExportKey), Error> {
    let response =
        opaque(RegistrationResponse::deserialize(exactly(response, REGISTRATION_RESPONSE_BYTES)?))?;
    let done = opaque(state.0.finish(
        &mut Random,
        passphrase,
        response,
        ClientRegistrationFinishParameters::default(),
    ))?;
    Ok((done.message.serialize().to_vec(), export_key(done.export_key)?))
}

/// Begins a login on the device: gives KE1.
pub fn client_login_start(passphrase: &[u8]) -> Result<(ClientLogin, Vec<u8>), Error> {
    let started = opaque(opaque_ke::ClientLogin::start(&mut Random, passphrase))?;
    Ok((ClientLogin(started.state), started.message.serialize().to_vec()))
}

/// Ends a login on the device: gives KE3 and the export key. An error here is a wrong
/// passphrase, an unknown name or a gateway that is not the one registered with. Takes
/// some tenths of a second and 64 MiB.
pub fn client_login_finish(
    state: ClientLogin,
    passphrase: &[u8],
    response: &[u8],
) -> Result<(Vec<u8>, ExportKey), Error> {
    let response = opaque(CredentialResponse::deserialize(exactly(response, KE2_BYTES)?))?;
    let done = opaque(state.0.finish(
        &mut Random,
        passphrase,
        response,
        ClientLoginFinishParameters::default(),
    ))?;
    Ok((done.message.serialize().to_vec(), export_key(done.export_key)?))
}

/// Answers a registration request for this member. Keeps no state.
pub fn server_register_start(
    setup: &Setup,
    member: MemberId,
    request: &[u8],
) -> Result<Vec<u8>, Error> {
    let request =
        opaque(RegistrationRequest::deserialize(exactly(request, REGISTRATION_REQUEST_BYTES)?))?;
    let started = opaque(ServerRegistration::start(&setup.0, request, member.as_bytes()))?;
    Ok(started.message.serialize().to_vec())
}

/// Checks a registration upload; gives the password file to store.
pub fn server_register_finish(upload: &[u8]) -> Result<Vec<u8>, Error> {
    let upload = opaque(RegistrationUpload::<Gateway>::deserialize(exactly(
        upload,
        REGISTRATION_UPLOAD_BYTES,
    )?))?;
    Ok(ServerRegistration::finish(upload).serialize().to_vec())
}

/// Answers KE1: gives the state to keep for [`server_login_finish`] and KE2. Without a
/// password file the answer is one for a record made up on the spot, which looks the same
/// and which no passphrase opens (RFC 9807, section 10.9).
pub fn server_login_start(
    setup: &Setup,
    member: MemberId,
    password_file: Option<&[u8]>,
    request: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Error> {
    let request = opaque(CredentialRequest::deserialize(exactly(request, KE1_BYTES)?))?;
    let file = password_file.map(ServerRegistration::deserialize).transpose();
    let started = opaque(opaque_ke::ServerLogin::<Gateway>::start(
        &mut Random,
        &setup.0,
        opaque(file)?,
        request,
        member.as_bytes(),
        ServerLoginParameters::default(),
    ))?;
    let state = Zeroizing::new(started.state.serialize().to_vec());
    Ok((state, started.message.serialize().to_vec()))
}

/// Checks KE3 against the state of [`server_login_start`].
pub fn server_login_finish(state: &[u8], finalization: &[u8]) -> Result<(), Error> {
    let state = opaque(opaque_ke::ServerLogin::<Gateway>::deserialize(state))?;
    let message = opaque(CredentialFinalization::deserialize(exactly(finalization, KE3_BYTES)?))?;
    opaque(state.finish(message, ServerLoginParameters::default())).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(setup: &Setup, member: MemberId, passphrase: &[u8]) -> (Vec<u8>, ExportKey) {
        let (state, request) = client_register_start(passphrase).expect("a request");
        assert_eq!(request.len(), REGISTRATION_REQUEST_BYTES);
        let response = server_register_start(setup, member, &request).expect("a response");
        let (upload, key) = client_register_finish(state, passphrase, &response).expect("done");
        assert_eq!(upload.len(), REGISTRATION_UPLOAD_BYTES);
        (server_register_finish(&upload).expect("a password file"), key)
    }

    fn login(
        setup: &Setup,
        member: MemberId,
        file: Option<&[u8]>,
        passphrase: &[u8],
    ) -> Result<ExportKey, Error> {
        let (state, request) = client_login_start(passphrase)?;
        let (kept, response) = server_login_start(setup, member, file, &request)?;
        let (finalization, key) = client_login_finish(state, passphrase, &response)?;
        let mut wrong = finalization.clone();
        wrong[0] ^= 1;
        assert_eq!(server_login_finish(&kept, &wrong), Err(Error));
        wrong.clone_from(&finalization);
        wrong.push(0);
        assert_eq!(server_login_finish(&kept, &wrong), Err(Error));
        server_login_finish(&kept, &finalization)?;
        Ok(key)
    }

    #[test]
    fn the_right_passphrase_gives_the_same_export_key_each_time() {
        let setup = Setup::from_bytes(&Setup::random().to_bytes()).expect("a setup");
        let member = MemberId::random();
        let (file, key) = register(&setup, member, b"correct horse");
        assert_eq!(login(&setup, member, Some(&file), b"correct horse"), Ok(key));
        assert_eq!(login(&setup, member, Some(&file), b"wrong horse"), Err(Error));
        assert_eq!(login(&setup, MemberId::random(), Some(&file), b"correct horse"), Err(Error));
        assert_eq!(login(&setup, member, None, b"correct horse"), Err(Error), "unknown name");
    }

    #[test]
    fn unknown_names_are_answered_in_the_same_shape() {
        let setup = Setup::random();
        let member = MemberId::random();
        let (file, _) = register(&setup, member, b"p");
        let (_, request) = client_login_start(b"p").expect("a request");
        let (state, known) =
            server_login_start(&setup, member, Some(&file), &request).expect("known");
        let (other, unknown) =
            server_login_start(&setup, MemberId::random(), None, &request).expect("unknown");
        assert_eq!((state.len(), known.len()), (other.len(), unknown.len()));
    }

    #[test]
    fn what_is_not_a_message_is_refused() {
        let setup = Setup::random();
        let member = MemberId::random();
        for bytes in [&[][..], &[0; 31], &[0xff; 32], &[0; 96], &[7; 192], &[1; 400]] {
            assert_eq!(server_register_start(&setup, member, bytes), Err(Error));
            assert!(server_login_start(&setup, member, None, bytes).is_err());
            assert_eq!(server_login_finish(&[1; 192], bytes), Err(Error));
        }
        for bytes in [&[][..], &[0; 191], &[0xff; 192], &[0; 193]] {
            assert_eq!(server_register_finish(bytes), Err(Error));
        }
    }
}
