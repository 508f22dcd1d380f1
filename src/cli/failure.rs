//! Why `seal` or `open` failed: a stable code, an exit status, and what to do next in both
//! languages. Holds no contents and no secrets.

use std::path::Path;

use crate::envelope;

/// A failure, ready to be shown.
#[derive(Debug, thiserror::Error)]
#[error("{en}")]
pub struct Failure {
    code: &'static str,
    status: u8,
    en: String,
    zh: String,
}

impl Failure {
    /// It failed here: exit status 1.
    pub(super) fn failed(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { code, status: 1, en: en.into(), zh: zh.into() }
    }

    /// The command line makes no sense: exit status 2.
    pub(super) fn usage(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { code, status: 2, en: en.into(), zh: zh.into() }
    }

    /// Something does not verify: exit status 4.
    fn unverified(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { code, status: 4, en: en.into(), zh: zh.into() }
    }

    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The exit status of the program.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// What happened and what to do, in Chinese or in English.
    pub fn message(&self, chinese: bool) -> &str {
        if chinese { &self.zh } else { &self.en }
    }

    /// `path` cannot be read.
    pub(super) fn read(path: &Path, error: &std::io::Error) -> Self {
        let shown = path.display();
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::failed(
                "no_such_file",
                format!("there is no file {shown}: check the name"),
                format!("找不到文件 {shown}：请检查文件名"),
            ),
            std::io::ErrorKind::UnexpectedEof => Self::changed(path),
            _ => Self::failed(
                "cannot_read",
                format!("{shown} cannot be read ({error}): check that you may read it"),
                format!("无法读取 {shown}（{error}）：请确认您有读取权限"),
            ),
        }
    }

    /// `path` cannot be written.
    pub(super) fn write(path: &Path, error: &std::io::Error) -> Self {
        let shown = path.display();
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => Self::failed(
                "file_exists",
                format!("{shown} is there already: name another file, or add --force"),
                format!("{shown} 已存在：请换一个文件名，或加 --force"),
            ),
            _ if is_full(error) => Self::failed(
                "disk_full",
                format!("no room left for {shown}: free some and run the same command again"),
                format!("磁盘空间不足，无法写入 {shown}：请腾出空间后重新运行同一命令"),
            ),
            std::io::ErrorKind::BrokenPipe => Self::failed(
                "output",
                "whoever reads the output stopped reading",
                "输出的读取方已停止读取",
            ),
            _ => Self::failed(
                "cannot_write",
                format!(
                    "{shown} cannot be written ({error}): check the folder and its permissions"
                ),
                format!("无法写入 {shown}（{error}）：请检查文件夹及其权限"),
            ),
        }
    }

    /// `path` is a folder.
    pub(super) fn folder(path: &Path) -> Self {
        let shown = path.display();
        Self::failed(
            "is_folder",
            format!("{shown} is a folder: name a file, or pack it first (tar)"),
            format!("{shown} 是文件夹：请给出文件，或先打包（tar）"),
        )
    }

    /// `path` changed while it was read.
    pub(super) fn changed(path: &Path) -> Self {
        let shown = path.display();
        Self::failed(
            "file_changed",
            format!("{shown} changed while it was read, nothing was written: try again"),
            format!("{shown} 在读取过程中发生变化，未写出任何内容：请重试"),
        )
    }

    /// What the envelope refused while `input` became `output`.
    pub(super) fn envelope(error: &envelope::Error, input: &Path, output: &Path) -> Self {
        use envelope::Error as E;
        let shown = input.display();
        match error {
            E::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Self::changed(input)
            }
            E::Io(error) => Self::write(output, error),
            E::NoMatch => Self::failed(
                "no_match",
                format!("{shown} is sealed to none of these identities: try another with -i"),
                format!("{shown} 未封存给这些身份：请用 -i 换一个"),
            ),
            E::NotAge => Self::failed(
                "not_age",
                format!("{shown} is not an age file: check that it is the right one"),
                format!("{shown} 不是 age 文件：请确认文件无误"),
            ),
            error if error.is_verification() => Self::unverified(
                "damaged",
                format!(
                    "{shown} is damaged or was changed, nothing of the rest was opened: get it again"
                ),
                format!("{shown} 已损坏或被改动，其余内容未打开：请重新获取该文件"),
            ),
            E::HeaderMalformed(_) | E::HeaderTooLarge | E::HeaderTruncated | E::Armor => {
                Self::failed(
                    "malformed",
                    format!("{shown} cannot be opened: {error}; get the file again"),
                    format!("无法打开 {shown}：文件格式有误（{error}）；请重新获取该文件"),
                )
            }
            E::MixedRecipients => Self::usage(
                "mixed_recipients",
                "age1… and age1pq1… recipients cannot open one file together: choose one kind",
                "age1… 与 age1pq1… 接收者不能混用：请只选一种",
            ),
            E::RecipientCount => Self::usage(
                "recipient_count",
                "name 1 to 20 recipients with -r or -R",
                "请用 -r 或 -R 给出 1 到 20 个接收者",
            ),
            error => {
                Self::failed("failed", format!("{shown}: {error}"), format!("{shown}：{error}"))
            }
        }
    }
}

/// Whether a disk, a quota or a limit on the size of files is exhausted.
pub(super) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
