//! Row A7 with a whole program killed: `receive` goes on in the same slot, and from the last
//! verified piece on this disk rather than from the beginning.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::shares::{Share, open_share, seen, sent};
use crate::support::alone::full_size;
use crate::support::demo::{Demo, Ran, noise, text};
use crate::support::proxy::{Break, Cut, Proxy, Way};

const PIECE: u64 = 1 << 20;

/// The demo with a share of a PDF, a photo and an archive of `size` bytes, for one download,
/// which the partner reaches through a line that may break.
fn shared(size: usize) -> (Demo, Proxy, Share, [(&'static str, Vec<u8>); 3]) {
    let (demo, proxy) = Proxy::behind(&[]);
    let files = [
        ("报告.pdf", b"%PDF-1.7 report".to_vec()),
        ("photo.jpg", noise(400_000, 3)),
        ("archive.zip", noise(size, 9)),
    ];
    let given: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, b.as_slice())).collect();
    let documents = sent(&demo, "bank", &given);
    let mut share = open_share(&demo, &documents, &["--max-downloads", "1"]);
    share.url = share.url.replace(&demo.address().to_string(), &proxy.address.to_string());
    (demo, proxy, share, files)
}

/// The hidden file of what is not finished.
fn part(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|ending| ending == "part"))
}

/// Begins to receive, and kills the program once so many bytes of the archive are here.
fn killed_at(demo: &Demo, share: &Share, to: &Path, bytes: u64) -> PathBuf {
    let to_text = text(to);
    let words = ["receive", &share.url, "--to", &to_text, "--code", &share.code];
    let mut command = demo.command("nobody", &words);
    let mut child: Child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    let until = Instant::now() + Duration::from_secs(120);
    let found = loop {
        assert!(Instant::now() < until, "nothing arrives");
        let there = part(to).filter(|path| path.metadata().is_ok_and(|m| m.len() >= bytes));
        if let Some(path) = there {
            break path;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    child.kill().expect("killed");
    child.wait().expect("gone");
    found
}

fn archive(ran: &Ran) -> &Value {
    let rows = ran.json.as_array().expect("rows");
    rows.iter().find(|row| row["name"] == "archive.zip").expect("listed")
}

#[test]
fn a_killed_receive_goes_on_from_its_last_verified_piece_in_the_same_slot() {
    let size = if full_size() { 1 << 30 } else { 48 << 20 };
    let (demo, proxy, share, files) = shared(size);
    let to = demo.place("received");
    // The line holds still behind the middle, so that the kill comes neither early nor late.
    let half = size as u64 / 2;
    proxy.cut([Cut { way: Way::Down, after: half + 8 * PIECE, how: Break::Hold }]);
    let unfinished = killed_at(&demo, &share, &to, half);
    proxy.go_on();
    assert!(!to.join("archive.zip").exists(), "nothing has its name before all of it is right");
    let kept = unfinished.metadata().expect("there").len();
    let before = proxy.bytes(Way::Down);
    // And once more cut on the way.
    proxy.cut([Cut { way: Way::Down, after: (size as u64 - kept) / 2, how: Break::Reset }]);
    let ran = share.receive(&demo, "received");
    assert_eq!((ran.status, proxy.cuts_left()), (0, 0), "{} {}", ran.json, ran.stderr);
    assert_eq!(archive(&ran)["resumed"], true);
    let fetched = proxy.bytes(Way::Down) - before;
    assert!(fetched < size as u64 - half + 12 * PIECE, "{fetched} of {size} fetched again");
    for (name, bytes) in &files {
        assert!(std::fs::read(to.join(name)).expect("written") == *bytes, "{name}");
    }
    assert!(part(&to).is_none(), "nothing is left over");
    let row = seen(&demo, "principal", &share.id);
    assert_eq!((&row["downloads_used"], &row["state"]), (&1.into(), &"used_up".into()));
    assert_eq!(row["fetched"].as_array().map(Vec::len), Some(3));
}

#[test]
fn what_changed_on_the_disk_meanwhile_is_fetched_again() {
    let (demo, proxy, share, files) = shared(24 << 20);
    let to = demo.place("received");
    proxy.cut([Cut { way: Way::Down, after: 14 * PIECE, how: Break::Hold }]);
    let unfinished = killed_at(&demo, &share, &to, 8 * PIECE);
    proxy.go_on();
    let mut bytes = std::fs::read(&unfinished).expect("read");
    bytes[3 * PIECE as usize + 17] ^= 1;
    std::fs::write(&unfinished, bytes).expect("changed");
    let before = proxy.bytes(Way::Down);
    let ran = share.receive(&demo, "received");
    assert_eq!((ran.status, &archive(&ran)["resumed"]), (0, &true.into()), "{}", ran.json);
    assert!(proxy.bytes(Way::Down) - before > 21 * PIECE, "all from the fourth piece on");
    assert!(std::fs::read(to.join("archive.zip")).expect("written") == files[2].1);
}

#[test]
fn a_share_that_ended_meanwhile_says_so_and_gives_no_more() {
    let (demo, proxy, share, _) = shared(24 << 20);
    let to = demo.place("received");
    proxy.cut([Cut { way: Way::Down, after: 14 * PIECE, how: Break::Hold }]);
    killed_at(&demo, &share, &to, 8 * PIECE);
    proxy.go_on();
    demo.run("principal", &["withdraw", &share.id]).ok();
    let late = share.receive(&demo, "received");
    assert_eq!((late.status, late.code()), (3, "share_not_open".into()));
    assert!(!to.join("archive.zip").exists());
}
