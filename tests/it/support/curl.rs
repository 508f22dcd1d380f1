//! The real `curl` against a demo, and what becomes of what it sends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::demo::{Demo, Ran, text};

/// What curl was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answered {
    /// Its body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The one document that was taken.
    pub(crate) fn document(&self) -> String {
        assert_eq!(self.status, 201, "{self:?}");
        self.json()["document"].as_str().expect("an id").to_owned()
    }
}

/// curl with `arguments`, its status in the last line.
pub(crate) fn curl_command(demo: &Demo, arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command
        .args(["-sS", "--cacert", demo.record["ca"].as_str().expect("a CA")])
        .args(["-w", "\n%{http_code}"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Runs curl with `input` on standard input.
pub(crate) fn curl_with(demo: &Demo, arguments: &[&str], input: &[u8]) -> Answered {
    let mut child = curl_command(demo, arguments).spawn().expect("curl runs");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    let _ = writing.join().expect("no panic");
    let shown = String::from_utf8(output.stdout).expect("text");
    let (body, status) = shown.rsplit_once('\n').expect("a status");
    Answered { status: status.parse().expect("digits"), body: body.to_owned() }
}

/// Runs curl.
pub(crate) fn curl(demo: &Demo, arguments: &[&str]) -> Answered {
    curl_with(demo, arguments, b"")
}

/// The demo's address for its first client.
pub(crate) fn door(demo: &Demo) -> String {
    demo.record["on_arrival_url"].as_str().expect("an address").to_owned()
}

/// The rows of an answer.
pub(crate) fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What `who` sees of one document.
pub(crate) fn listed(demo: &Demo, who: &str, document: &str) -> Value {
    let listed = demo.run(who, &["list"]).ok();
    let row = rows(&listed).iter().find(|row| row["document"] == document);
    row.unwrap_or_else(|| panic!("{document} is not in {listed}")).clone()
}

/// Pulls one document into a folder of `who`.
pub(crate) fn pull(demo: &Demo, who: &str, document: &str) -> Ran {
    let to = text(&demo.place(&format!("inbox of {who}")));
    demo.run(who, &["pull", document, "--to", &to])
}

/// The bytes of the one document that was pulled, and what was said of it.
pub(crate) fn pulled(demo: &Demo, who: &str, document: &str) -> (Vec<u8>, Value) {
    let row = rows(&pull(demo, who, document).ok())[0].clone();
    let path = row["path"].as_str().expect("a path").to_owned();
    (std::fs::read(path).expect("there"), row)
}

/// Every file of the gateway's own below `folder`.
pub(crate) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("listed") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true if path.ends_with("profiles") => {}
            true => files(&path, found),
            false if path.ends_with("demo.json") => {}
            false => found.push(path),
        }
    }
}
