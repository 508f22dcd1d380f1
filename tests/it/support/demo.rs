//! The real program as a gateway of its own on this machine, with the demo's ready-made people,
//! driven by their commands.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use tempfile::TempDir;

use super::small::Small;

/// A running demo.
pub(crate) struct Demo {
    /// The disk that its data lies on, where that is one of its own; unmounted first.
    pub(crate) disk: Option<Small>,
    pub(crate) folder: Arc<TempDir>,
    pub(crate) record: Value,
    child: Option<Child>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) json: Value,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            stdout: output.stdout.clone(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Of `command`, with `input` on standard input.
    pub(crate) fn with_input(mut command: Command, input: &[u8]) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stdin = child.stdin.take().expect("piped");
        let input = input.to_vec();
        let writing = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().expect("it ends");
        // Whoever reads nothing of it hangs up.
        let _ = writing.join().expect("no panic");
        Self::of(&output)
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

/// A free port of this machine, given back at once. Below those that the system hands out, so
/// that nobody takes it while its gateway is away.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let mut addresses = std::iter::repeat_with(|| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(7);
        let start = (std::process::id() as u16).wrapping_mul(101);
        SocketAddr::from(([127, 0, 0, 1], 10_000 + start.wrapping_add(step) % 22_000))
    });
    let free = |address: &SocketAddr| std::net::TcpListener::bind(address).is_ok();
    addresses.by_ref().take(22_000).find(free).expect("a free port")
}

/// How a gateway is started, beyond the usual.
#[derive(Clone, Debug, Default)]
pub(crate) struct Serving {
    environment: Vec<(String, String)>,
    wrapped: Vec<String>,
    log: bool,
}

impl Serving {
    /// With `variable` set.
    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// Without a protection: a switch of debug builds.
    pub(crate) fn fault(self, name: &str) -> Self {
        self.with(&format!("STRONGROOM_FAULT_{name}"), "1")
    }

    /// Run by another program, which `words` begin.
    pub(crate) fn wrapped(mut self, words: &[&str]) -> Self {
        self.wrapped = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// With everything that it says kept in [`Demo::log`].
    pub(crate) fn logged(mut self) -> Self {
        self.log = true;
        self
    }
}

/// The demo's firm, founded once for all tests of this process: founding takes seconds, and a
/// copy of the folder is a firm of its own.
fn founded() -> &'static Path {
    static FOUNDED: OnceLock<PathBuf> = OnceLock::new();
    FOUNDED.get_or_init(|| {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Statics are never dropped: what earlier runs left goes now.
        for entry in std::fs::read_dir(tmp).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(pid) = name.strip_prefix("firm-") else { continue };
            if !Path::new("/proc").join(pid).exists() {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let folder = tmp.join(format!("firm-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let data = folder.join("demo");
        let mut demo = Demo::of(tempfile::tempdir().expect("a folder"));
        demo.serve_data(&data, free_address(), &Serving::default());
        assert_eq!(demo.stop(), Some(0));
        data
    })
}

/// Copies a folder, permissions and all.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("listed") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
    let mode = std::fs::metadata(from).expect("there").permissions();
    std::fs::set_permissions(to, mode).expect("set");
}

impl Demo {
    fn of(folder: TempDir) -> Self {
        Self { disk: None, folder: Arc::new(folder), record: Value::Null, child: None }
    }

    /// The same firm without its gateway, for another thread that runs commands.
    pub(crate) fn handle(&self) -> Self {
        let (folder, record) = (self.folder.clone(), self.record.clone());
        Self { disk: None, folder, record, child: None }
    }

    /// The demo's firm in a folder of its own, served.
    pub(crate) fn start() -> Self {
        Self::start_as(&Serving::default())
    }

    /// The same, started in an unusual way.
    pub(crate) fn start_as(serving: &Serving) -> Self {
        let mut demo = Self::of(tempfile::tempdir().expect("a folder"));
        copy(founded(), &demo.data());
        demo.serve_as(free_address(), serving);
        demo
    }

    /// The same on a disk of so many bytes; none where none can be mounted.
    pub(crate) fn start_on_disk(bytes: u64, serving: &Serving) -> Option<Self> {
        let mut demo = Self::of(tempfile::tempdir().expect("a folder"));
        demo.disk = Some(Small::mount(&demo.data(), bytes)?);
        copy(founded(), &demo.data());
        demo.serve_as(free_address(), serving);
        Some(demo)
    }

    /// Serves what is in the folder on `listen`.
    pub(crate) fn serve(&mut self, listen: SocketAddr) {
        self.serve_as(listen, &Serving::default());
    }

    /// Serves what is in the folder on `listen`, in an unusual way.
    pub(crate) fn serve_as(&mut self, listen: SocketAddr, serving: &Serving) {
        let data = self.data();
        self.serve_data(&data, listen, serving);
    }

    /// What gateways that were started with [`Serving::logged`] have said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.place("gateway.log")).unwrap_or_default()
    }

    /// The gateway's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    fn serve_data(&mut self, data: &Path, listen: SocketAddr, serving: &Serving) {
        let data = data.display().to_string();
        let listen = listen.to_string();
        let arguments = ["demo", "--data", &data, "--listen", &listen, "--json"];
        let mut command = match serving.wrapped.split_first() {
            None => strongroom(&arguments),
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words).arg(env!("CARGO_BIN_EXE_strongroom")).args(arguments);
                command
            }
        };
        // Many run at once: none takes the usual port of metrics.
        command.env("STRONGROOM_GATEWAY__METRICS_LISTEN", "127.0.0.1:0");
        command.envs(serving.environment.iter().map(|(name, value)| (name, value)));
        if serving.log {
            let mut options = std::fs::File::options();
            let log = options.create(true).append(true).open(self.place("gateway.log"));
            command.stderr(log.expect("a log"));
        }
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program runs");
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

    /// Somebody's access token.
    pub(crate) fn token(&self, who: &str) -> String {
        self.one_token(who, "access_token")
    }

    /// Somebody's refresh token.
    pub(crate) fn refresh_token(&self, who: &str) -> String {
        self.one_token(who, "refresh_token")
    }

    fn one_token(&self, who: &str, which: &str) -> String {
        let path = self.profile(who).join("tokens.json");
        let tokens: Value =
            serde_json::from_slice(&std::fs::read(path).expect("read")).expect("JSON");
        tokens["tokens"][which].as_str().expect("a token").to_owned()
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
        Ran::with_input(self.command(who, arguments), input)
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
