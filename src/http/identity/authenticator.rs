//! Proves a session from `Authorization: Bearer` (RFC 6750), anew on every request.

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::audit::{self, Refusal};
use crate::clock::Clock;
use crate::http::{Authenticator, Caller, Named, Problem};
use crate::identity::Identity;
use crate::store::Store;

/// Knows the sessions in the database.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Checks tokens.
    pub identity: Identity,
    /// Holds sessions and rights.
    pub store: Store,
    /// Says what time it is.
    pub clock: Clock,
}

#[async_trait]
impl Authenticator for Sessions {
    async fn authenticate(&self, head: &Parts) -> Result<Caller, Problem> {
        let token = bearer(head).ok_or_else(Problem::unauthorized)?;
        let proven = self.identity.prove(&self.store, token, self.clock.now()).await?;
        Ok(Caller {
            member: proven.member,
            session: proven.session,
            role: proven.role,
            key_revoked: proven.key_revoked,
        })
    }

    async fn refused(&self, caller: Caller, tried: &str, named: Named) -> Result<(), Problem> {
        if named == Named::default() {
            return Ok(());
        }
        let refusal = Refusal {
            member: caller.member,
            role: caller.role,
            tried: tried.to_owned(),
            document: named.document,
            share: named.share,
            client: named.client,
        };
        Ok(audit::refuse(&self.store, self.clock.now(), &refusal).await?)
    }
}

/// The one bearer token of a request; two `Authorization` headers are none.
fn bearer(head: &Parts) -> Option<&str> {
    let mut values = head.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
