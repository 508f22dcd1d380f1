//! A share link with its access code, and what the two prove.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::api::OpenShare;
use crate::cli::error::Error;
use crate::cli::link_kind::LinkKind;
use crate::cli::shares::derive;
use crate::cli::words::Word;
use crate::ids::{LeaseId, ShareId};
use crate::trust::fragment::Fragment;
use crate::trust::share::{Code, ShareSecrets};

/// A link that was read, and everything derived from it.
pub(in crate::cli) struct ShareLink {
    pub(in crate::cli) id: ShareId,
    pub(in crate::cli) fragment: Fragment,
    pub(in crate::cli) secrets: ShareSecrets,
}

/// The id and the fragment of a share link.
fn parse(url: &str) -> Result<(ShareId, Fragment), Error> {
    let bad = || LinkKind::Share.missing_in(url.trim());
    let (address, fragment) = url.trim().split_once('#').ok_or_else(bad)?;
    let fragment = Fragment::decode(fragment).map_err(|_| bad())?;
    let (_, id) = address.trim_end_matches('/').rsplit_once("/s/").ok_or_else(bad)?;
    Ok((id.parse().map_err(|_| bad())?, fragment))
}

impl ShareLink {
    /// Whether `url` looks like a share link, rather than a request link.
    pub(in crate::cli) fn is_one(url: &str) -> bool {
        url.split_once('#').is_some_and(|(address, _)| address.contains("/s/"))
    }

    /// Reads `url` and stretches `code`, where there is one.
    ///
    /// # Errors
    /// [`Word::BadLink`], [`Word::BadCode`].
    pub(in crate::cli) async fn read(url: &str, code: Option<&str>) -> Result<Self, Error> {
        let (id, fragment) = parse(url)?;
        let code: Option<Code> =
            code.map(|code| code.parse().map_err(|_| Error::new(Word::BadCode))).transpose()?;
        let secrets = derive(&fragment, id, code.as_ref()).await?;
        Ok(Self { id, fragment, secrets })
    }

    /// What opens the share for `lease`.
    pub(super) fn opening(&self, lease: LeaseId) -> OpenShare {
        OpenShare {
            find: self.secrets.find.to_base64url().to_string(),
            open: self.secrets.open.to_base64url().to_string(),
            lease,
        }
    }

    /// What proves `lease` when something is fetched.
    ///
    /// # Errors
    /// [`Word::Internal`]: never, base64 is a header value.
    pub(super) fn proof(&self, lease: LeaseId) -> Result<HeaderValue, Error> {
        let mut bytes = Zeroizing::new([0_u8; 48]);
        bytes[..16].copy_from_slice(lease.as_bytes());
        bytes[16..].copy_from_slice(self.secrets.open.expose());
        let mut value = HeaderValue::try_from(URL_SAFE_NO_PAD.encode(*bytes))
            .map_err(|e| Error::new(Word::Internal).about("lease").because(e))?;
        value.set_sensitive(true);
        Ok(value)
    }
}
