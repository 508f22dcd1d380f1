//! A person's command, run as that person would run it: this very program in a process of its
//! own. `init` and `demo` make their people so, over TLS, by the front door.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::error::Error;
use crate::cli::Exit;

/// Somebody with a profile folder.
#[derive(Clone, Debug)]
pub(super) struct Person {
    profile: PathBuf,
    ca: PathBuf,
}

impl Person {
    /// The person whose profile is in `profile`, trusting `ca` for the gateway.
    pub(super) fn new(profile: &Path, ca: &Path) -> Self {
        Self { profile: profile.to_owned(), ca: ca.to_owned() }
    }

    /// The profile folder.
    pub(super) fn profile(&self) -> &Path {
        &self.profile
    }

    /// Runs one command with `--json`; gives what it prints. A secret goes in by `input`,
    /// never by the arguments, which other people of the machine can see.
    pub(super) async fn run(
        &self,
        arguments: &[&OsStr],
        input: Option<&str>,
    ) -> Result<Value, Error> {
        let what = ("运行客户端命令失败", "a person's command failed");
        let failed = |e: std::io::Error| Error::because("internal", what, &e);
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .arg("--profile")
            .arg(&self.profile)
            .arg("--ca")
            .arg(&self.ca)
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.unwrap_or_default().as_bytes()).await.map_err(failed)?;
        }
        let output = child.wait_with_output().await.map_err(failed)?;
        if !output.status.success() {
            let told: Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
            let message = told["message"].as_str().unwrap_or("no reason given").to_owned();
            let command = arguments.first().map(|a| a.to_string_lossy()).unwrap_or_default();
            return Err(Error::new(
                "person_failed",
                format!("{command}：{message}"),
                format!("{command}: {message}"),
            )
            .exiting(Exit::Failed));
        }
        serde_json::from_slice(&output.stdout).map_err(|e| Error::because("internal", what, &e))
    }
}

/// A field of a command's result that must be text.
pub(super) fn text(value: &Value, field: &str) -> Result<String, Error> {
    value[field].as_str().map(str::to_owned).ok_or_else(|| {
        Error::new("internal", format!("结果缺少字段 {field}"), format!("the result lacks {field}"))
    })
}
