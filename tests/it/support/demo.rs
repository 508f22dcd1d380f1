//! The real program as a gateway of its own on this machine, with the demo's ready-made people,
//! driven by their commands.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A running demo.
pub(crate) struct Demo {
    pub(crate) folder: TempDir,
    pub(crate) record: Value,
    child: Option<Child>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The result of a command that did what it was asked.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 0, "{} {}", self.json, self.stderr);
        self.json
    }

    /// The code of the one error on stderr.
    pub(crate) fn code(&self) -> String {
        let error: Value = serde_json::from_str(self.stderr.trim())
            .unwrap_or_else(|e| panic!("one JSON object on stderr: {e}: {}", self.stderr));
        error["code"].as_str().expect("a code").to_owned()
    }
}

/// The program with `arguments`.
pub(crate) fn strongroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command
        .args(arguments)
        .env_remove("STRONGROOM_PROFILE")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null());
    command
}

/// A free port of this machine, given back at once.
pub(crate) fn free_address() -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("its address")
}

impl Demo {
    /// Founds the demo's firm in a new folder and serves it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut demo = Self { folder, record: Value::Null, child: None };
        demo.serve(free_address());
        demo
    }

    /// Serves what is in the folder on `listen`.
    pub(crate) fn serve(&mut self, listen: SocketAddr) {
        let data = self.data().display().to_string();
        let listen = listen.to_string();
        let mut child = strongroom(&["demo", "--data", &data, "--listen", &listen, "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        self.record = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(self.record["ready"], true);
        self.child = Some(child);
    }

    /// The demo's folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("demo")
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let url = self.record["url"].as_str().expect("an address");
        url.trim_start_matches("https://").parse().expect("an address")
    }

    /// A place for a test's own files.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of a test's own.
    pub(crate) fn file(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.place(name);
        std::fs::write(&path, contents).expect("written");
        path
    }

    /// The profile of somebody in the demo, or of somebody new.
    pub(crate) fn profile(&self, who: &str) -> PathBuf {
        match self.record["profiles"][who].as_str() {
            Some(path) => path.into(),
            None => self.place(who),
        }
    }

    /// A client's id by the name of its principal.
    pub(crate) fn client(&self, who: &str) -> String {
        self.record["clients"][who].as_str().expect("a client").to_owned()
    }

    /// A command of `who`, ready to run.
    pub(crate) fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = strongroom(&["--json"]);
        command
            .arg("--profile")
            .arg(self.profile(who))
            .arg("--ca")
            .arg(self.record["ca"].as_str().expect("a CA"))
            .args(arguments);
        command
    }

    /// Runs a command of `who`.
    pub(crate) fn run(&self, who: &str, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(who, arguments).output().expect("the program runs"))
    }

    /// Runs a command of `who` with `input` on standard input.
    pub(crate) fn run_with(&self, who: &str, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(who, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stdin = child.stdin.take().expect("piped");
        let input = input.to_vec();
        let writing = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().expect("it ends");
        let _ = writing.join().expect("no panic");
        Ran::of(&output)
    }

    /// Kills the gateway as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    /// Asks the gateway to stop and waits for its exit status.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a process"), rustix::process::Signal::TERM)
            .expect("signalled");
        child.wait().expect("it ends").code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The text of a path.
pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Bytes that no compressor or cache makes short, the same for the same `seed`.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    out
}
