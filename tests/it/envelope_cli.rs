//! `strongroom seal` and `open` on files and pipes, and both ways between them and the `age`
//! command.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use strongroom::envelope::Identity;

const SIZES: [usize; 9] = [0, 1, 65_535, 65_536, 65_537, 131_072, 1_048_575, 1_048_576, 1_048_577];

struct Bench {
    folder: tempfile::TempDir,
    identity: Identity,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let identity = Identity::random();
        let key = format!("# a comment\n\n{}\n", &*identity.to_secret_string());
        fs::write(folder.path().join("key.txt"), key).expect("writable");
        Self { folder, identity }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn recipient(&self) -> String {
        self.identity.recipient().to_string()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a readable folder");
        let mut names: Vec<_> = entries
            .map(|e| e.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    fn strongroom(&self, args: &[&str]) -> Output {
        self.fed(Command::new(env!("CARGO_BIN_EXE_strongroom")).args(args), b"")
    }

    fn age(&self, args: &[&str]) -> Output {
        self.fed(Command::new("age").args(args), b"")
    }

    fn fed(&self, command: &mut Command, input: &[u8]) -> Output {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .current_dir(self.folder.path())
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}; run tests/setup.sh"));
        let mut stdin = child.stdin.take().expect("piped");
        std::thread::scope(|scope| {
            // The child may end before it has read everything.
            scope.spawn(move || drop(stdin.write_all(input)));
            child.wait_with_output().expect("the child runs")
        })
    }
}

fn sample(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as u8).collect()
}

#[track_caller]
fn ok(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn refused(output: &Output, status: i32, code: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert!(stderr.contains(code), "{code}: {stderr}");
}

#[test]
fn files_go_both_ways_between_us_and_age() {
    let bench = Bench::new();
    let recipient = bench.recipient();
    for len in SIZES {
        fs::write(bench.path("plain"), sample(len)).expect("writable");
        ok(&bench.strongroom(&["seal", "-r", &recipient, "-o", "ours.age", "--force", "plain"]));
        let theirs = bench.age(&["-d", "-i", "key.txt", "ours.age"]);
        ok(&theirs);
        assert!(theirs.stdout == sample(len), "age opened {len} bytes of ours");
        ok(&bench.age(&["-r", &recipient, "-o", "theirs.age", "plain"]));
        ok(&bench.strongroom(&["open", "-i", "key.txt", "-o", "back", "-f", "theirs.age"]));
        assert!(fs::read(bench.path("back")).expect("written") == sample(len), "{len} bytes");
        ok(&bench.age(&["-a", "-r", &recipient, "-o", "theirs.asc", "plain"]));
        let opened = bench.strongroom(&["open", "-i", "key.txt", "theirs.asc"]);
        ok(&opened);
        assert!(opened.stdout == sample(len), "{len} bytes, armored");
        ok(&bench.strongroom(&["seal", "-a", "-r", &recipient, "-o", "ours.asc", "-f", "plain"]));
        let theirs = bench.age(&["-d", "-i", "key.txt", "ours.asc"]);
        ok(&theirs);
        assert!(theirs.stdout == sample(len), "age opened {len} bytes of our armor");
    }
}

#[test]
fn pipes_carry_the_same_files() {
    let bench = Bench::new();
    let plaintext = sample(5 * 1_048_576 + 123);
    let mut seal = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    let sealed = bench.fed(seal.args(["seal", "-r", &bench.recipient()]), &plaintext);
    ok(&sealed);
    let mut age = Command::new("age");
    let theirs = bench.fed(age.args(["-d", "-i", "key.txt"]), &sealed.stdout);
    ok(&theirs);
    assert!(theirs.stdout == plaintext);
    let mut open = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    let ours = bench.fed(open.args(["open", "-i", "key.txt"]), &sealed.stdout);
    ok(&ours);
    assert!(ours.stdout == plaintext);
}

#[test]
fn post_quantum_passphrase_and_recipient_files() {
    let bench = Bench::new();
    fs::write(bench.path("plain"), sample(70_000)).expect("writable");
    let hybrid = Identity::random_post_quantum();
    fs::write(bench.path("pq.txt"), hybrid.to_secret_string().as_bytes()).expect("writable");
    let list = format!("# the firm\n{}\n", hybrid.recipient());
    fs::write(bench.path("list.txt"), list).expect("writable");
    ok(&bench.strongroom(&["seal", "-R", "list.txt", "-o", "pq.age", "plain"]));
    let opened = bench.strongroom(&["open", "-i", "pq.txt", "pq.age"]);
    ok(&opened);
    assert!(opened.stdout == sample(70_000));
    let mixed = bench.strongroom(&["seal", "-R", "list.txt", "-r", &bench.recipient(), "plain"]);
    refused(&mixed, 2, "mixed_recipients");

    fs::write(bench.path("phrase"), "correct horse battery staple\n").expect("writable");
    ok(&bench.strongroom(&["seal", "-p", "--passphrase-file", "phrase", "-o", "p.age", "plain"]));
    let opened = bench.strongroom(&["open", "--passphrase-file", "phrase", "p.age"]);
    ok(&opened);
    assert!(opened.stdout == sample(70_000));
    fs::write(bench.path("wrong"), "wrong horse\n").expect("writable");
    refused(&bench.strongroom(&["open", "--passphrase-file", "wrong", "p.age"]), 1, "no_match");
}

#[test]
fn a_sealed_file_of_identities_opens_too() {
    let bench = Bench::new();
    fs::write(bench.path("phrase"), "correct horse battery staple\n").expect("writable");
    let seal = ["seal", "-p", "-a", "--passphrase-file", "phrase", "-o", "key.age", "key.txt"];
    ok(&bench.strongroom(&seal));
    fs::write(bench.path("plain"), "receipt").expect("writable");
    ok(&bench.strongroom(&["seal", "-r", &bench.recipient(), "-o", "x.age", "plain"]));
    let opened =
        bench.strongroom(&["open", "-i", "key.age", "--passphrase-file", "phrase", "x.age"]);
    ok(&opened);
    assert_eq!(opened.stdout, b"receipt");
}

#[test]
fn nothing_half_written_stays_and_nothing_is_overwritten() {
    let bench = Bench::new();
    fs::write(bench.path("plain"), sample(3 * 1_048_576)).expect("writable");
    ok(&bench.strongroom(&["seal", "-r", &bench.recipient(), "-o", "x.age", "plain"]));
    let before = fs::read(bench.path("x.age")).expect("written");
    let again = bench.strongroom(&["seal", "-r", &bench.recipient(), "-o", "x.age", "plain"]);
    refused(&again, 1, "file_exists");
    assert!(fs::read(bench.path("x.age")).expect("still there") == before);

    let names = bench.names();
    let mut damaged = before.clone();
    damaged[2 * 1_048_576] ^= 1;
    fs::write(bench.path("x.age"), &damaged).expect("writable");
    refused(&bench.strongroom(&["open", "-i", "key.txt", "-o", "back", "x.age"]), 4, "damaged");
    fs::write(bench.path("x.age"), &before[..before.len() - 1]).expect("writable");
    refused(&bench.strongroom(&["open", "-i", "key.txt", "-o", "back", "x.age"]), 4, "damaged");
    assert_eq!(bench.names(), names, "no file, hidden or not, was left");

    fs::write(bench.path("x.age"), &damaged).expect("writable");
    let streamed = bench.strongroom(&["open", "-i", "key.txt", "x.age"]);
    refused(&streamed, 4, "damaged");
    assert!(sample(3 * 1_048_576).starts_with(&streamed.stdout), "only authentic bytes came out");
}

#[test]
fn a_stopped_seal_leaves_nothing() {
    let bench = Bench::new();
    let names = bench.names();
    for signal in ["INT", "TERM", "KILL"] {
        // A background job of a shell ignores interrupts, and so would whatever it starts.
        let mut child = Command::new("env")
            .args(["--default-signal=INT,TERM", env!("CARGO_BIN_EXE_strongroom")])
            .args(["seal", "-r", &bench.recipient(), "-o", "out.age"])
            .current_dir(bench.folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(&sample(4 * 1_048_576)).expect("it reads");
        let status = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        assert!(!child.wait().expect("it ends").success());
        assert_eq!(bench.names(), names, "after {signal}");
    }
}

#[test]
fn a_file_that_may_grow_no_further_is_an_error_like_a_full_disk() {
    let bench = Bench::new();
    fs::write(bench.path("plain"), sample(3 * 1_048_576)).expect("writable");
    let names = bench.names();
    let sealing = format!(
        "ulimit -f 1024; exec {} --json seal -r {} -o out.age plain",
        env!("CARGO_BIN_EXE_strongroom"),
        bench.recipient()
    );
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &sealing]).current_dir(bench.folder.path()).output();
    refused(&output.expect("the shell runs"), 1, "disk_full");
    assert_eq!(bench.names(), names);
}

#[test]
fn bad_input_is_refused_with_a_word_and_a_status() {
    let bench = Bench::new();
    let recipient = bench.recipient();
    fs::write(bench.path("plain"), "receipt").expect("writable");
    fs::create_dir(bench.path("folder")).expect("creatable");
    refused(&bench.strongroom(&["seal", "-r", &recipient, "missing"]), 1, "no_such_file");
    refused(&bench.strongroom(&["seal", "-r", &recipient, "folder"]), 1, "is_folder");
    refused(&bench.strongroom(&["seal", "-r", "age1nonsense", "plain"]), 2, "bad_recipient");
    refused(&bench.strongroom(&["seal", "plain"]), 2, "recipient_count");
    let plugin = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t";
    refused(&bench.strongroom(&["seal", "-r", plugin, "plain"]), 2, "plugin");
    refused(&bench.strongroom(&["open", "-i", "key.txt", "plain"]), 1, "not_age");
    refused(&bench.strongroom(&["open", "-i", "plain", "plain"]), 2, "bad_identity");
    ok(&bench.strongroom(&["seal", "-r", &recipient, "-o", "x.age", "plain"]));
    refused(&bench.strongroom(&["open", "x.age"]), 2, "identity_needed");
    let secret = bench.identity.to_secret_string();
    refused(&bench.strongroom(&["open", "-i", &secret, "x.age"]), 2, "identity_on_command_line");
    let other = Identity::random();
    fs::write(bench.path("other.txt"), other.to_secret_string().as_bytes()).expect("writable");
    refused(&bench.strongroom(&["open", "-i", "other.txt", "x.age"]), 1, "no_match");
    let nowhere = Path::new("no/such/folder/out").to_string_lossy().into_owned();
    let unwritable = bench.strongroom(&["seal", "-r", &recipient, "-o", &nowhere, "plain"]);
    refused(&unwritable, 1, "cannot_write");
    assert_eq!(bench.strongroom(&["seal", "--no-such-option"]).status.code(), Some(2));
}

#[test]
fn hostile_headers_are_refused_before_anything_is_done() {
    let bench = Bench::new();
    let many = format!("age-encryption.org/v1\n{}", "-> a\n\n".repeat(4000));
    let large = format!("age-encryption.org/v1\n-> {}", "a".repeat(1 << 20));
    for (name, header) in [("many.age", many), ("large.age", large)] {
        fs::write(bench.path(name), header).expect("writable");
        let refusal = bench.strongroom(&["open", "-i", "key.txt", "-o", "out", name]);
        refused(&refusal, 1, "malformed");
        assert!(!bench.path("out").exists());
    }
}
