//! `GET /documents/{document}/pieces`

use axum::extract::State;

use crate::documents::Documents;
use crate::http::{Caller, Path, Problem};
use crate::ids::DocumentId;

pub(super) async fn pieces(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
) -> Result<Vec<u8>, Problem> {
    Ok(documents.piece_hashes(caller.into(), document).await?)
}
