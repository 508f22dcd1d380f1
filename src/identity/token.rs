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

    /// Signs whatever it is given, as a JWS (RFC 7515, section 3.1).
    fn forge(seed: &Secret<32>, header: &str, claims: &str) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = SigningKey::from_seed(seed).sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Row A14: tokens that other programs have believed. Those whose header or claims are
    /// wrong carry a good signature, so that nothing but the header or the claim refuses them.
    #[test]
    fn forged_tokens_are_refused() {
        let seed = Secret::random();
        let keys = AccessKeys::new(&seed);
        let session = SessionId::random();
        let good_header = r#"{"typ":"JWT","alg":"EdDSA"}"#;
        let good =
            format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sid":"{session}","exp":600}}"#);
        assert_eq!(keys.session(&forge(&seed, good_header, &good), NOW), Some(session));
        let mut tokens = Vec::new();
        for header in [
            r#"{"typ":"JWT","alg":"none"}"#,
            r#"{"typ":"JWT","alg":"None"}"#,
            r#"{"typ":"JWT","alg":""}"#,
            r#"{"typ":"JWT"}"#,
            r#"{"typ":"JWT","alg":"HS256"}"#,
            r#"{"typ":"JWT","alg":"RS256"}"#,
            r#"{"typ":"JWT","alg":"ES256"}"#,
            r#"{"typ":"JWT","alg":"eddsa"}"#,
            r#"{"alg":"EdDSA"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","kid":"../../dev/null"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","jku":"https://a.example/keys"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","x5u":"https://a.example/cert"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}}"#,
            r#"{"typ":"JWT","alg":"EdDSA","crit":["exp"],"exp":9999999999}"#,
            r#"{"typ":"JWT","alg":"EdDSA","zip":"DEF"}"#,
            r#"{"alg":"none","typ":"JWT","alg":"EdDSA"}"#,
        ] {
            tokens.push(forge(&seed, header, &good));
        }
        for (from, to) in [
            (ISSUER, "strongroom/v1/other"),
            (AUDIENCE, "strongroom/v1/web"),
            (r#""exp":600"#, r#""exp":0"#),
            (r#""exp":600"#, r#""exp":-1"#),
            (r#""exp":600"#, r#""exp":"600""#),
            (r#","exp":600"#, ""),
            (r#""exp":600"#, r#""exp":600,"role":"lead""#),
            (r#""iss""#, r#""iss2""#),
            (r#""aud""#, r#""aud2""#),
            (r#""sid""#, r#""sub""#),
        ] {
            tokens.push(forge(&seed, good_header, &good.replace(from, to)));
        }
        // Another key; the public key as a secret; no signature; one of other text; more parts.
        tokens.push(forge(&Secret::random(), good_header, &good));
        let public = SigningKey::from_seed(&seed).public();
        let hs256 = Header::new(Algorithm::HS256);
        let claims: serde_json::Value = serde_json::from_str(&good).expect("JSON");
        tokens.push(
            jsonwebtoken::encode(&hs256, &claims, &EncodingKey::from_secret(&public.0))
                .expect("signed"),
        );
        let token = forge(&seed, good_header, &good);
        let (text, signature) = token.rsplit_once('.').expect("three parts");
        tokens.push(format!("{text}."));
        tokens.push(text.to_owned());
        tokens.push(format!("{token}.{signature}"));
        tokens.push(format!("{token}="));
        tokens.push(format!(" {token}"));
        let other = forge(&seed, good_header, &good.replace("600", "9999999999"));
        tokens.push(format!("{}.{signature}", other.rsplit_once('.').expect("three parts").0));
        assert!(tokens.len() >= 25);
        for token in tokens {
            assert_eq!(keys.session(&token, NOW), None, "{token}");
        }
    }
}
