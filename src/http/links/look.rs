//! `GET /link`

use axum::extract::State;
use http::HeaderMap;

use crate::api::LinkSeen;
use crate::documents::Documents;
use crate::http::{Json, Problem};

pub(super) async fn look(
    State(documents): State<Documents>,
    headers: HeaderMap,
) -> Result<Json<LinkSeen>, Problem> {
    let holder = super::holder(&documents, &headers).await?;
    Ok(Json(documents.look_through(holder).await?))
}
