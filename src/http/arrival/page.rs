//! `GET /in/{token}` and `GET /i/{invitation}`

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use crate::documents::Documents;
use crate::http::pages::{arrival as arrival_page, invitation as invitation_page};
use crate::http::{Path, Problem, SecurityContact};
use crate::secrets::Secret;
use crate::trust::fragment::token_hash;

pub(super) async fn arrival(
    State(documents): State<Documents>,
    State(site): State<SecurityContact>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let secret = Secret::<32>::from_base64url(&token).ok_or_else(Problem::not_found)?;
    let recipients = documents.arrival_recipients(token_hash(&secret)).await?;
    let url = format!("{}/in/{token}", site.origin.trim_end_matches('/'));
    let address = arrival_page::Address { url: &url, recipients: &recipients };
    Ok(arrival_page::page(&address).answer(&headers))
}

pub(super) async fn invitation(headers: HeaderMap) -> Response {
    invitation_page::page().answer(&headers)
}
