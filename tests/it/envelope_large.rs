//! A stream of 5 GiB through `seal` and `open`, with little memory. With the release binary that
//! `make test` builds; without it, the debug one gets a twentieth.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use strongroom::envelope::Identity;

const GIB: u64 = 1 << 30;
/// Not a divisor of any chunk or piece.
const BLOCK: usize = 1_000_003;
const MEMORY_KIB: u64 = 32 * 1024;

/// Every block begins with its number, so that no two are alike.
struct Pattern {
    block: Vec<u8>,
    number: u64,
    left: u64,
}

impl Pattern {
    fn new(len: u64) -> Self {
        let block = (0..BLOCK).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        Self { block, number: 0, left: len }
    }

    fn next(&mut self) -> Option<&[u8]> {
        if self.left == 0 {
            return None;
        }
        self.block[..8].copy_from_slice(&self.number.to_le_bytes());
        self.number += 1;
        let len = self.left.min(BLOCK as u64);
        self.left -= len;
        self.block.get(..usize::try_from(len).expect("at most a block"))
    }
}

fn peak_kib(child: &Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let status = std::fs::read_to_string(path).expect("the child runs");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).expect("a number").parse().expect("KiB")
}

#[test]
fn five_gib_pass_through_pipes() {
    let release = std::env::var_os("STRONGROOM_RELEASE_BINARY");
    let len = if release.is_some() { 5 * GIB + 1 } else { GIB / 4 + 1 };
    let program = release.unwrap_or_else(|| env!("CARGO_BIN_EXE_strongroom").into());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let identity = Identity::random();
    let key = folder.path().join("key.txt");
    std::fs::write(&key, identity.to_secret_string().as_bytes()).expect("writable");

    let mut seal = Command::new(&program)
        .args(["seal", "-r", &identity.recipient().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("seal starts");
    let mut open = Command::new(&program)
        .args(["open", "-i"])
        .arg(&key)
        .stdin(Stdio::from(seal.stdout.take().expect("piped")))
        .stdout(Stdio::piped())
        .spawn()
        .expect("open starts");
    let mut input = seal.stdin.take().expect("piped");
    let mut output = open.stdout.take().expect("piped");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut pattern = Pattern::new(len);
            while let Some(block) = pattern.next() {
                input.write_all(block).expect("seal reads to the end");
            }
        });
        let mut pattern = Pattern::new(len);
        let mut read = vec![0; BLOCK];
        let middle = len / BLOCK as u64 / 2;
        while let Some(block) = pattern.next() {
            let read = &mut read[..block.len()];
            output.read_exact(read).expect("open writes to the end");
            assert!(read == block, "block {} came back changed", pattern.number);
            if pattern.number == middle {
                for (name, child) in [("seal", &seal), ("open", &open)] {
                    let peak = peak_kib(child);
                    assert!(peak <= MEMORY_KIB, "{name} took {peak} KiB");
                }
            }
        }
        assert_eq!(output.read(&mut read).expect("open ends"), 0, "nothing follows");
    });
    assert!(seal.wait().expect("seal ends").success());
    assert!(open.wait().expect("open ends").success());
}
