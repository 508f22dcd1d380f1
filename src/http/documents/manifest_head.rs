//! `GET /clients/{client}/manifest-head`

use axum::extract::State;
use serde::Deserialize;

use crate::api::ManifestHead;
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem, Query as QueryOf};
use crate::ids::{ClientId, KeyId};

/// Whose chain.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Key id of the caller's card.
    signer: KeyId,
}

pub(super) async fn manifest_head(
    State(documents): State<Documents>,
    caller: Caller,
    Path(client): Path<ClientId>,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<ManifestHead>, Problem> {
    Ok(Json(documents.manifest_head(caller.into(), client, query.signer).await?))
}
