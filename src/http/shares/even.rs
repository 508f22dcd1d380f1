//! One answer for everything that is refused to a partner, and at one pace: a wrong code costs
//! a write that an unknown link does not, and nobody may tell the two apart by a clock.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use tokio::time::Instant;

use crate::api::{LEASE_HEADER, OpenShare};
use crate::http::Problem;
use crate::ids::LeaseId;
use crate::secrets::Secret;
use crate::shares::{Error, LeaseProof, Proofs};

/// Refusals leave at whole multiples of this after the request came.
const BEAT: Duration = Duration::from_millis(100);

/// What `work` answers; what it refuses as not found leaves on the beat.
pub(super) async fn evenly<T: IntoResponse>(
    work: impl Future<Output = Result<T, Error>>,
) -> Result<Response, Problem> {
    let began = Instant::now();
    match work.await {
        Ok(answer) => Ok(answer.into_response()),
        Err(Error::NotFound) => {
            let beats = began.elapsed().as_millis() / BEAT.as_millis() + 1;
            let beats = u32::try_from(beats).unwrap_or(u32::MAX);
            tokio::time::sleep_until(began + BEAT * beats).await;
            Err(Problem::not_found())
        }
        Err(error) => Err(error.into()),
    }
}

/// The proofs in a body; what cannot be one proves nothing.
pub(super) fn proofs(body: &OpenShare) -> Result<Proofs, Error> {
    Ok(Proofs {
        find: Secret::from_base64url(&body.find).ok_or(Error::NotFound)?,
        open: Secret::from_base64url(&body.open).ok_or(Error::NotFound)?,
        lease: body.lease,
    })
}

/// The lease that a request is under.
pub(super) fn lease(headers: &HeaderMap) -> Result<LeaseProof, Error> {
    let mut values = headers.get_all(LEASE_HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Error::NotFound) };
    let mut bytes = zeroize::Zeroizing::new([0_u8; 48]);
    let read = URL_SAFE_NO_PAD.decode_slice(value.as_bytes(), &mut *bytes);
    if read != Ok(48) {
        return Err(Error::NotFound);
    }
    let (lease, open) = bytes.split_at(16);
    Ok(LeaseProof {
        lease: LeaseId::from_bytes(lease.try_into().map_err(|_| Error::NotFound)?),
        open: Secret::from_slice(open).ok_or(Error::NotFound)?,
    })
}
