//! Access tokens (JWT, RFC 7519, signed with EdDSA) and refresh tokens.
//!
//! An access token names a session and nothing else. Its header is one fixed text, so there
//! is no algorithm to choose, no key to point at and nothing to parse before the signature
//! has been checked. A refresh token is derived from its session and number: the same
//! successor can be given again without ever having been stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, SigningKey};
use crate::ids::SessionId;
use crate::secrets::Secret;

use super::mac;

/// How long an access token is good for, in seconds.
pub const ACCESS_TOKEN_SECS: i64 = 600;

const ISSUER: &str = "strongroom/v1/gateway";
const AUDIENCE: &str = "strongroom/v1/api";

/// RFC 8410: the PKCS #8 frame around the 32 bytes of an Ed25519 seed.
const PKCS8_FRAME: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sid: SessionId,
    exp: i64,
}

/// Signs and checks access tokens.
pub(super) struct AccessKeys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    // The first segment of every token there is, with its dot.
    header: String,
}

impl AccessKeys {
    pub(super) fn new(seed: &Secret<32>) -> Self {
        let der = Zeroizing::new([PKCS8_FRAME.as_slice(), seed.expose()].concat());
        let public = SigningKey::from_seed(seed).public();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        // The library reads the machine's clock; `session` compares with the injected one.
        validation.validate_exp = false;
        let header = serde_json::to_string(&Header::new(Algorithm::EdDSA))
            .expect("a header of constants is JSON");
        Self {
            encoding: EncodingKey::from_ed_der(&der),
            decoding: DecodingKey::from_ed_der(&public.0),
            validation,
            header: format!("{}.", URL_SAFE_NO_PAD.encode(header)),
        }
    }

    /// A token for `session`, and when it ends.
    pub(super) fn issue(&self, session: SessionId, now: Timestamp) -> (String, Timestamp) {
        let exp = now.as_secs() + ACCESS_TOKEN_SECS;
        let claims = Claims { iss: ISSUER.into(), aud: AUDIENCE.into(), sid: session, exp };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.encoding)
            .expect("an Ed25519 key signs");
        (token, Timestamp::from_ms(exp.saturating_mul(1000)))
    }

    /// The session that a token names; `None` for everything that this gateway did not sign,
    /// or that has ended.
    pub(super) fn session(&self, token: &str, now: Timestamp) -> Option<SessionId> {
        if !token.starts_with(&self.header) {
            return None;
        }
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        (claims.exp > now.as_secs()).then_some(claims.sid)
    }
}

/// A refresh token that this gateway made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RefreshToken {
    pub(super) session: SessionId,
    pub(super) generation: u64,
}

/// Derives refresh tokens.
pub(super) struct RefreshKey(Secret<32>);

const SESSION_BYTES: usize = 16;
const GENERATION_BYTES: usize = 8;

impl RefreshKey {
    pub(super) fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    fn bytes(&self, token: RefreshToken) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(56));
        bytes.extend_from_slice(token.session.as_bytes());
        bytes.extend_from_slice(&token.generation.to_be_bytes());
        // Fixed lengths: nothing needs to stand between the parts.
        let tag = mac(&self.0, &[b"strongroom/v1/refresh", &bytes]);
        bytes.extend_from_slice(&tag);
        bytes
    }

    /// The token's text.
    pub(super) fn text(&self, token: RefreshToken) -> String {
        URL_SAFE_NO_PAD.encode(&*self.bytes(token))
    }

    /// What is stored of a token.
    pub(super) fn hash(&self, token: RefreshToken) -> Hash {
        Hash::of(&self.bytes(token))
    }

    /// Reads a token. Its tag is checked before anything in it is used, so a forged one can
    /// end nobody's session.
    pub(super) fn read(&self, text: &str) -> Option<RefreshToken> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (session, rest) = bytes.split_first_chunk::<SESSION_BYTES>()?;
        let (generation, _) = rest.split_first_chunk::<GENERATION_BYTES>()?;
        let token = RefreshToken {
            session: SessionId::from_bytes(*session),
            generation: u64::from_be_bytes(*generation),
        };
        bool::from(self.bytes(token).ct_eq(&bytes)).then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    #[test]
    fn an_access_token_names_its_session_for_ten_minutes() {
        let keys = AccessKeys::new(&Secret::random());
        let session = SessionId::random();
        let (token, ends) = keys.issue(session, NOW);
        assert_eq!(ends, NOW.plus_secs(ACCESS_TOKEN_SECS));
        assert_eq!(keys.session(&token, NOW), Some(session));
        assert_eq!(keys.session(&token, ends.plus_secs(-1)), Some(session));
        assert_eq!(keys.session(&token, ends), None);
        assert_eq!(AccessKeys::new(&Secret::random()).session(&token, NOW), None);
    }

    #[test]
    fn every_changed_character_of_a_refresh_token_breaks_it() {
        let key = RefreshKey::new(Secret::random());
        let token = RefreshToken { session: SessionId::random(), generation: 7 };
        let text = key.text(token);
        assert_eq!(key.read(&text), Some(token));
        for at in 0..text.len() {
            for other in ["A", "b", "-", "9", "="] {
                let mut wrong = text.clone();
                wrong.replace_range(at..=at, other);
                assert_eq!(key.read(&wrong).is_some(), wrong == text, "{at} {other}");
            }
        }
        for wrong in ["", "AAAA", &text[1..], &format!("{text}A")] {
            assert_eq!(key.read(wrong), None);
        }
        assert_eq!(RefreshKey::new(Secret::random()).read(&text), None);
    }
}
