//! `GET` and `POST /clients/{client}/periods`, `POST /documents/{document}/reason`.

use axum::extract::State;
use http::StatusCode;

use crate::api::{ClosedPeriod, GiveReason, SetPeriod};
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::{ClientId, DocumentId};

pub(super) async fn list(
    State(documents): State<Documents>,
    caller: Caller,
    Path(client): Path<ClientId>,
) -> Result<Json<Vec<ClosedPeriod>>, Problem> {
    Ok(Json(documents.closed_periods(caller.into(), client).await?))
}

pub(super) async fn set(
    State(documents): State<Documents>,
    caller: Caller,
    Path(client): Path<ClientId>,
    Json(set): Json<SetPeriod>,
) -> Result<Json<Vec<ClosedPeriod>>, Problem> {
    Ok(Json(documents.set_period(caller.into(), client, &set).await?))
}

pub(super) async fn give_reason(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
    Json(given): Json<GiveReason>,
) -> Result<StatusCode, Problem> {
    documents.give_reason(caller.into(), document, &given).await?;
    Ok(StatusCode::NO_CONTENT)
}
