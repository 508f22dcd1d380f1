//! A test in a process of its own: where memory is measured, or a whole process is changed.

use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::Duration;

/// Runs the ignored test `name` of this binary alone, and answers what it printed.
pub(crate) fn alone(name: &str) -> String {
    let this = std::env::current_exe().expect("the test binary");
    let output = Command::new(this)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .expect("runs");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("1 passed"), "{name} is no test: {out}");
    format!("{out}{err}")
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find(|l| l.starts_with("VmRSS:")).expect("a line");
    let kilobytes: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("digits");
    kilobytes * 1024
}

/// Whether the sizes of a release are asked for, rather than a tenth.
pub(crate) fn full_size() -> bool {
    std::env::var_os("STRONGROOM_TEST_FULL").is_some()
}

/// Processor time of this process. Opened once, to be read when no more files can be opened.
pub(crate) struct CpuClock(std::fs::File);

impl CpuClock {
    pub(crate) fn open() -> Self {
        Self(std::fs::File::open("/proc/self/stat").expect("Linux"))
    }

    pub(crate) fn now(&self) -> Duration {
        let mut bytes = [0; 1024];
        let read = self.0.read_at(&mut bytes, 0).expect("readable");
        let text = std::str::from_utf8(&bytes[..read]).expect("text");
        let fields: Vec<_> = text.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks: u64 = [11, 12].iter().map(|at| fields[*at].parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10)
    }
}
