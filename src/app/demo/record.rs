//! `demo.json`: who is who in a demo, and its secrets (mode 0600).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::error::Error;
use crate::app::init::CERTS;
use crate::cli::profile::{Profile, replace_private};
use crate::ids::ClientId;

/// Its name in the demo's folder.
pub(super) const RECORD: &str = "demo.json";

/// How somebody logs in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) login: String,
    pub(super) passphrase: String,
}

/// What `demo` prints when it is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) ready: bool,
    pub(super) url: String,
    pub(super) ca: PathBuf,
    pub(super) metrics: String,
    pub(super) profiles: BTreeMap<String, PathBuf>,
    pub(super) clients: BTreeMap<String, ClientId>,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) recovery_shares: Vec<PathBuf>,
    pub(super) on_arrival_url: String,
    pub(super) partner: String,
    pub(super) request_link: String,
}

impl Record {
    pub(super) fn load(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let zh = format!("{shown} 无法使用；请换一个 --data 目录");
        let en = format!("{shown} cannot be used; choose another --data folder");
        let damaged = |e: &dyn std::error::Error| Error::because("demo_damaged", (&zh, &en), e);
        let bytes = std::fs::read(path).map_err(|e| damaged(&e))?;
        serde_json::from_slice(&bytes).map_err(|e| damaged(&e))
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), Error> {
        let what = ("无法写入 demo.json", "cannot write demo.json");
        let text =
            serde_json::to_vec_pretty(self).map_err(|e| Error::because("internal", what, &e))?;
        replace_private(path, &text).map_err(|e| Error::because("cannot_write", what, &e))
    }

    /// Everything that names the folder or the gateway names them as they are now.
    pub(super) fn move_to(&mut self, data: &Path, url: &str) -> Result<(), Error> {
        let person = |e: crate::cli::Error| Error::from_person(&e);
        for (name, profile) in &mut self.profiles {
            *profile = data.join("profiles").join(name);
            let opened = Profile::open(profile).map_err(person)?;
            if opened.info().gateway != url {
                opened.relocate(url).map_err(person)?;
            }
        }
        for share in &mut self.recovery_shares {
            if let Some(name) = share.file_name() {
                *share = data.join("profiles").join(super::people::LEAD).join(name);
            }
        }
        self.ca = data.join(CERTS).join("ca.pem");
        if let Some((_, path)) = self.on_arrival_url.split_once("/in/") {
            self.on_arrival_url = format!("{url}/in/{path}");
        }
        if let Some((_, path)) = self.request_link.split_once("/u/") {
            self.request_link = format!("{url}/u/{path}");
        }
        url.clone_into(&mut self.url);
        Ok(())
    }
}
