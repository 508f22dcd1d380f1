//! The command line as somebody meets it: help, messages, exit statuses, languages. Everything
//! here needs no gateway; what needs one is in `cli_main_job.rs`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use strongroom::clock::Timestamp;
use strongroom::envelope::statement::{Card, Note, Recipient, Role};
use strongroom::envelope::{Keyring, keyring};
use strongroom::ids::{MemberId, SessionId};

use strongroom::cli::profile::{DeviceKeyring, NewProfile, Profile, ProfileInfo};

fn strongroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command
        .args(arguments)
        .env_remove("STRONGROOM_PROFILE")
        .env("LC_ALL", "C.UTF-8")
        .stdin(std::process::Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    strongroom(arguments).output().expect("the program runs")
}

fn status(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn error(output: &Output) -> Value {
    serde_json::from_slice(&output.stderr).unwrap_or_else(|e| {
        panic!("one JSON object on stderr: {e}: {}", String::from_utf8_lossy(&output.stderr))
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A complete profile of somebody whose gateway is at `gateway`.
fn profile(dir: &Path, gateway: &str) -> Profile {
    let keyring = Keyring::random(MemberId::random());
    let keys = keyring.keys();
    let card = Card {
        root: keys.key_id(),
        member: keyring.member,
        role: Role::Clerk,
        name_hash: Card::hash_name(keyring.member, "王莉"),
        epoch: 1,
        sign: keys.sign.public(),
        recipient: Some(Recipient::from(&keys.recipient())),
        recipient_pq: Some(Recipient::from(&keys.recipient_post_quantum())),
        prev: None,
        time: Timestamp::EPOCH,
    };
    let (payload, key) = keyring::seal(&keyring);
    let note = Note::sign(&card, &[&keys.sign]);
    let device = DeviceKeyring::wrap(&key, payload, keyring.member, note);
    let info = ProfileInfo {
        version: ProfileInfo::VERSION,
        gateway: gateway.into(),
        firm: "云杉代理记账".into(),
        root: keys.sign.public(),
        member: keyring.member,
        role: Role::Clerk,
        login: "wang.li".into(),
        name: "王莉".into(),
        session: SessionId::random(),
        epoch: 1,
    };
    Profile::create(dir, NewProfile { info, ca: None, keyring: &device, tokens: None })
        .expect("a profile")
}

/// Every subcommand, down to the last.
fn commands(prefix: &[&str], found: &mut Vec<Vec<String>>) {
    let mut arguments = prefix.to_vec();
    arguments.push("--help");
    let help = text(&run(&arguments).stdout);
    let Some((_, list)) = help.split_once("Commands:\n") else {
        found.push(prefix.iter().map(|p| (*p).to_owned()).collect());
        return;
    };
    for line in list.lines().take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap_or_default();
        // A line that goes on is indented further.
        if line.starts_with("   ") || name == "help" {
            continue;
        }
        let mut deeper = prefix.to_vec();
        deeper.push(name);
        commands(&deeper, found);
    }
}

#[test]
fn help_shows_an_example_for_each_command_in_both_languages() {
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 20, "{found:?}");
    for command in &found {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = text(&run(&arguments).stdout);
        let (_, example) = help.split_once("Example").unwrap_or_default();
        assert!(example.contains("示例"), "{command:?} shows no example");
        let name = command.first().expect("a command");
        let shown = example.lines().any(|l| l.contains("strongroom ") && l.contains(name.as_str()));
        assert!(shown, "{command:?}: {example}");
    }
}

#[test]
fn a_wrong_command_line_is_usage() {
    for arguments in [&["nonsense"][..], &["send"], &["pull", "--all"], &["list", "--period", "03"]]
    {
        let output = run(arguments);
        assert_eq!(status(&output), 2, "{arguments:?}");
        let mut json = vec!["--json"];
        json.extend(arguments);
        let output = run(&json);
        assert_eq!(status(&output), 2, "{arguments:?}");
        assert_eq!(error(&output)["code"], "usage");
        assert!(error(&output)["message"].as_str().is_some_and(|m| !m.is_empty()));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn messages_follow_the_locale_and_codes_do_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let missing = dir.path().join("none").display().to_string();
    let said = |locale: &str, more: &[&str]| {
        let mut arguments = vec!["--json", "--profile", &missing, "whoami"];
        arguments.extend(more);
        let output =
            strongroom(&arguments).env("LC_ALL", locale).output().expect("the program runs");
        assert_eq!(status(&output), 1);
        let error = error(&output);
        assert_eq!(error["code"], "no_profile");
        error["message"].as_str().expect("text").to_owned()
    };
    assert!(said("zh_CN.UTF-8", &[]).contains("用户档案"));
    assert!(said("en_US.UTF-8", &[]).contains("there is no profile"));
    assert!(said("en_US.UTF-8", &["--lang", "zh"]).contains("用户档案"));
    assert!(said("zh_CN.UTF-8", &["--lang", "en"]).contains("there is no profile"));
}

#[test]
fn a_gateway_that_is_not_there_is_status_5() {
    let dir = tempfile::tempdir().expect("a folder");
    // Nobody listens on a port that was given back.
    let port = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        socket.local_addr().expect("its address").port()
    };
    let gateway = format!("https://127.0.0.1:{port}");
    let at = dir.path().join("p");
    let profile = profile(&at, &gateway);
    let tokens = serde_json::json!({
        "tokens": {
            "access_token": "a.b.c",
            "access_expires_at": "2026-01-01T00:00:00.000Z",
            "refresh_token": "r",
        },
        "obtained_at": "2026-01-01T00:00:00.000Z",
    });
    std::fs::write(at.join("tokens.json"), tokens.to_string()).expect("written");
    let place = profile.dir().display().to_string();
    let file = dir.path().join("对账单 2026年3月.pdf");
    std::fs::write(&file, b"%PDF").expect("written");
    let file = file.display().to_string();
    let client = "00112233445566778899aabbccddeeff";
    for command in
        [&["whoami"][..], &["list"], &["send", &file, "--client", client, "--retry-for", "0"]]
    {
        let mut arguments = vec!["--json", "--profile", &place];
        arguments.extend(command);
        let output = run(&arguments);
        assert_eq!(status(&output), 5, "{command:?}");
        assert_eq!(error(&output)["code"], "unreachable", "{command:?}");
    }
    let login = ["--json", "--profile", "/nonexistent/p", "login", "--gateway", &gateway];
    let mut login = login.to_vec();
    let passphrase = dir.path().join("pass").display().to_string();
    std::fs::write(&passphrase, "correct horse battery\n").expect("written");
    login.extend(["--login", "x", "--passphrase-file", &passphrase]);
    assert_eq!(status(&run(&login)), 5);
}

#[test]
fn a_damaged_profile_is_reported_and_never_a_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, bytes) in [
        ("profile.json", &b""[..]),
        ("profile.json", b"{\"version\":99}"),
        ("profile.json", b"\0\0\0\0"),
        ("keyring.json", b"[]"),
        ("device.key", b"\xff"),
    ] {
        let at = dir.path().join(hex::encode(name.as_bytes())).join(bytes.len().to_string());
        profile(&at, "https://127.0.0.1:1");
        std::fs::write(at.join(name), bytes).expect("damaged");
        let place = at.display().to_string();
        let key = dir.path().join("key.txt").display().to_string();
        let output = run(&["--json", "--profile", &place, "key", "export", "--to", &key]);
        assert_eq!(status(&output), 1, "{name}");
        assert_eq!(error(&output)["code"], "profile_damaged", "{name}");
        assert!(error(&output)["message"].as_str().is_some_and(|m| m.contains("log in again")));
    }
}

#[test]
fn an_exported_key_is_an_identity_and_kept_from_others() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path().join("p");
    let keys = profile(&at, "https://127.0.0.1:1").keys().expect("unlocks");
    let place = at.display().to_string();
    for (flag, recipient, prefix) in [
        (None, keys.recipient(), "AGE-SECRET-KEY-1"),
        (Some("--post-quantum"), keys.recipient_post_quantum(), "AGE-SECRET-KEY-PQ-1"),
    ] {
        let to = dir.path().join(prefix);
        let shown = to.display().to_string();
        let mut arguments = vec!["--json", "--profile", &place, "key", "export", "--to", &shown];
        arguments.extend(flag);
        let output = run(&arguments);
        assert_eq!(status(&output), 0);
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(told["recipient"], recipient.to_string());
        let file = std::fs::read_to_string(&to).expect("written");
        assert!(file.lines().any(|line| line.starts_with(prefix)));
        assert!(file.lines().any(|line| line.starts_with("# public key: age1")));
        let identities = strongroom::envelope::Identity::parse_file(&file).expect("identities");
        assert_eq!(identities[0].recipient(), recipient);
        let mode = std::fs::metadata(&to).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = run(&arguments);
        assert_eq!((status(&again), error(&again)["code"].clone()), (1, "file_exists".into()));
    }
}

#[test]
fn a_link_without_its_secret_asks_nobody_anything() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path().join("p").display().to_string();
    let url = "https://127.0.0.1:1/i/00112233445566778899aabbccddeeff";
    let output = run(&["--json", "--profile", &at, "join", url]);
    assert_eq!((status(&output), error(&output)["code"].clone()), (2, "bad_link".into()));
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        assert_eq!(status(&output), 0);
        let script = text(&output.stdout);
        assert!(script.contains("strongroom") && script.contains("deliver"), "{shell}");
    }
}
