//! Row U4: full disks, at the gateway and on people's devices. Nothing is acknowledged that is
//! not kept, nothing half-written stays, reading goes on, and room is all it takes to go on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::books::files;
use crate::support::demo::{Demo, Ran, Serving, copy, noise, text};
use crate::support::proxy::{Break, Cut, Proxy, Way};
use crate::support::small::Small;

const MIB: u64 = 1 << 20;
/// What the gateway keeps free.
const FLOOR: u64 = 256 * MIB;

fn document(sent: &Value) -> String {
    sent[0]["document"].as_str().unwrap_or_else(|| panic!("{sent}")).to_owned()
}

fn pull(demo: &Demo, document: &str, to: &str) -> Ran {
    demo.run("accountant", &["pull", document, "--to", &text(&demo.place(to))])
}

/// Refused for want of room, and nothing acknowledged.
fn no_room(ran: &Ran) {
    assert_eq!(ran.status, 5, "{} {}", ran.json, ran.stderr);
    assert_eq!(ran.json[0]["error"]["code"], "insufficient_storage", "{}", ran.json);
    assert_eq!(ran.json[0]["document"], Value::Null);
}

#[test]
fn a_gateway_whose_disk_fills_refuses_reads_on_and_recovers() {
    let proxy = Proxy::start();
    let Some(demo) = Demo::start_on_disk(FLOOR + 64 * MIB, &proxy.serving()) else { return };
    proxy.lead(&demo, &["clerk"]);
    let disk = demo.disk.as_ref().expect("its own");
    let small = text(&demo.file("small.bin", &noise(50_000, 1)));
    let contents = noise(24 << 20, 2);
    let big = text(&demo.file("big.bin", &contents));
    let kept = document(&demo.run("principal", &["send", &small]).ok());

    // It fills in the middle of an upload, to the last byte.
    proxy.cut([Cut { way: Way::Up, after: 12 * MIB, how: Break::Hold }]);
    let mut sending = demo.command("clerk", &["send", &big, "--retry-for", "0"]);
    let sending = sending.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    proxy.wait_for_cuts();
    disk.fill(0);
    proxy.go_on();
    let output = sending.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(5));
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(rows[0]["error"]["code"], "insufficient_storage", "{rows}");
    no_room(&demo.run("principal", &["send", &small, "--retry-for", "0"]));
    assert_eq!(demo.run("principal", &["list"]).ok().as_array().expect("rows").len(), 1);
    demo.run("accountant", &["whoami"]).ok();
    // An opening that cannot be recorded does not happen. (The database may have room of its own
    // for a few more entries.)
    let opened = pull(&demo, &kept, "opened");
    let entry = ("document.open".to_owned(), kept.clone());
    assert_eq!(opened.status == 0, demo.books().entries.contains(&entry), "{}", opened.stderr);
    assert_eq!(opened.status == 0, !files(&demo.place("opened")).is_empty());

    // Below the floor it takes nothing and gives everything.
    disk.clear();
    disk.fill(FLOOR - MIB);
    no_room(&demo.run("principal", &["send", &small, "--retry-for", "0"]));
    assert_eq!(pull(&demo, &kept, "in").ok()[0]["verified"], true);

    // Room is all it takes.
    disk.clear();
    let sent = demo.run("clerk", &["send", &big]).ok();
    assert_eq!(sent[0]["resumed"], true);
    let path = pull(&demo, &document(&sent), "in").ok()[0]["path"].clone();
    assert!(std::fs::read(path.as_str().expect("a path")).expect("there") == contents);
    demo.run("principal", &["send", &small]).ok();
    let books = demo.books();
    assert_eq!(books.unrecorded(), Vec::<String>::new());
    assert_eq!(books.referenced, demo.stored(), "what broke off left nothing");
    assert!(files(&demo.data().join("objects/incoming")).is_empty());
}

#[test]
fn a_gateway_that_is_told_that_its_disk_is_full_reads_on() {
    let mut demo = Demo::start();
    let small = text(&demo.file("small.bin", &noise(50_000, 3)));
    let big = text(&demo.file("big.bin", &noise(9 << 20, 4)));
    let kept = document(&demo.run("principal", &["send", &small]).ok());
    demo.kill();
    let address = demo.address();
    demo.serve_as(address, &Serving::default().fault("DISK_FULL"));
    let before = demo.books();
    for file in [&small, &big] {
        no_room(&demo.run("principal", &["send", file, "--retry-for", "0"]));
    }
    assert_eq!(pull(&demo, &kept, "in").ok()[0]["verified"], true);
    let after = demo.books();
    assert!(after.documents.keys().eq(before.documents.keys()));
    assert_eq!(after.referenced, before.referenced);
}

#[test]
fn a_limit_on_the_size_of_files_is_no_end_of_the_gateway() {
    let limited = Serving::default().wrapped(&["prlimit", "--fsize=6291456"]);
    let demo = Demo::start_as(&limited);
    let small = text(&demo.file("small.bin", &noise(2 << 20, 5)));
    let big = text(&demo.file("big.bin", &noise(20 << 20, 6)));
    no_room(&demo.run("principal", &["send", &big, "--retry-for", "0"]));
    let sent = demo.run("principal", &["send", &small]).ok();
    assert_eq!(pull(&demo, &document(&sent), "in").ok()[0]["verified"], true);
    assert!(files(&demo.data().join("objects/incoming")).is_empty());
}

/// Everything that a person's command writes, with too little room for it: `run` runs a command
/// of the clerk's, whose profile and whose targets lie below `disk`.
fn nothing_half_written(demo: &Demo, disk: &Path, run: &dyn Fn(&[&str], &[u8]) -> Ran) {
    let contents = noise(5 << 20, 7);
    let file = text(&demo.file("five.bin", &contents));
    let sent = document(&demo.run("clerk", &["send", &file]).ok());
    let key = text(&demo.place("key.txt"));
    demo.run("clerk", &["key", "export", "--to", &key]).ok();
    let recipients = demo.run("clerk", &["recipients", "--client", &demo.client("principal")]).ok();
    let recipient = recipients[0]["recipient"].as_str().expect("a recipient").to_owned();
    let sealed = text(&demo.place("sealed.age"));
    let raw = ["fetch", &sent, "--raw", &sealed];
    demo.run("clerk", &raw).ok();
    let below = |name: &str| text(&disk.join(name));
    let (to, out) = (below("in"), below("out"));
    let commands: [(&[&str], &[u8]); 5] = [
        (&["pull", &sent, "--to", &to], b""),
        (&["fetch", &sent, "--raw", &out], b""),
        (&["seal", "-r", &recipient, "-o", &out, &file], b""),
        (&["open", "-i", &key, "-o", &out, &sealed], b""),
        (&["send", "-", "--name", "spooled.bin"], &contents),
    ];
    let before = files(disk);
    for (words, input) in commands {
        let ran = run(words, input);
        assert_eq!(ran.status, 1, "{words:?}: {} {}", ran.json, ran.stderr);
        let code = ran.code();
        assert!(["disk_full", "cannot_write"].contains(&code.as_str()), "{words:?}: {code}");
        // Locks are no halves of anything; what was learnt of the firm is kept whole.
        let half = |path: &PathBuf| {
            let learnt = ["directories", "chains", "people"];
            let learnt = path.components().any(|p| learnt.iter().any(|l| p.as_os_str() == *l));
            !learnt && !before.contains(path) && std::fs::metadata(path).is_ok_and(|m| m.len() > 0)
        };
        let left: Vec<PathBuf> = files(disk).into_iter().filter(half).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "{words:?}");
    }
}

#[test]
fn a_full_disk_on_a_device_is_said_and_leaves_nothing_half_written() {
    let demo = Demo::start();
    let place = demo.place("disk");
    let Some(disk) = Small::mount(&place, 4 * MIB) else { return };
    copy(&demo.profile("clerk"), &place.join("clerk"));
    let run = |words: &[&str], input: &[u8]| {
        let ran = demo.run_with("disk/clerk", words, input);
        assert_eq!(ran.code(), "disk_full", "{words:?}");
        ran
    };
    nothing_half_written(&demo, &place, &run);

    // The journal of an upload that must be able to go on.
    let file = text(&demo.file("nine.bin", &noise(9 << 20, 8)));
    disk.fill(0);
    let send = ["send", &file];
    let ran = demo.run("disk/clerk", &send);
    assert_eq!((ran.status, &ran.json[0]["error"]["code"]), (1, &"disk_full".into()));
    disk.clear();
    let sent = demo.run("disk/clerk", &send).ok();
    assert_eq!(pull(&demo, &document(&sent), "in").ok()[0]["verified"], true);
}

#[test]
fn a_limit_on_the_size_of_files_on_a_device_leaves_nothing_half_written() {
    let demo = Demo::start();
    let place = demo.place("limited");
    copy(&demo.profile("clerk"), &place.join("clerk"));
    let run = |words: &[&str], input: &[u8]| {
        let usual = demo.command("limited/clerk", words);
        let mut limited = Command::new("sh");
        limited
            .args(["-c", "trap '' XFSZ; exec prlimit --fsize=2097152 \"$@\"", "sh"])
            .arg(usual.get_program())
            .args(usual.get_args());
        Ran::with_input(limited, input)
    };
    nothing_half_written(&demo, &place, &run);
}
