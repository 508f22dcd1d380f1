//! Faults for negative controls: with a protection switched off, the test of that protection
//! must fail.
//!
//! Refuses to exist in a release: there every question is answered `false` by the compiler
//! and the names are not in the binary. Debug builds read environment variables, so a fault
//! holds for one process and never for a neighbour's tests.

/// A protection that a debug build can be told to leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Files and folders of the object store are not synced.
    SkipFsync,
    /// A document is acknowledged before its transaction is committed.
    AckBeforeCommit,
    /// What was done is not written into the audit log.
    SkipAudit,
    /// Every second answer to a request that changed something is lost, the first of them too.
    LoseAnswer,
    /// The folder says that it is full.
    DiskFull,
    /// Every request that changes something ends in a panic that quotes it.
    Panic,
}

impl Fault {
    #[cfg(debug_assertions)]
    const fn variable(self) -> &'static str {
        match self {
            Self::SkipFsync => "STRONGROOM_FAULT_SKIP_FSYNC",
            Self::AckBeforeCommit => "STRONGROOM_FAULT_ACK_BEFORE_COMMIT",
            Self::SkipAudit => "STRONGROOM_FAULT_SKIP_AUDIT",
            Self::LoseAnswer => "STRONGROOM_FAULT_LOSE_ANSWER",
            Self::DiskFull => "STRONGROOM_FAULT_DISK_FULL",
            Self::Panic => "STRONGROOM_FAULT_PANIC",
        }
    }

    /// Whether this process was told to leave the protection out.
    #[cfg(debug_assertions)]
    pub fn is_on(self) -> bool {
        std::env::var_os(self.variable()).is_some_and(|value| value == "1")
    }

    /// Never in a release.
    #[cfg(not(debug_assertions))]
    pub const fn is_on(self) -> bool {
        false
    }
}
