//! Bars of documents on their way, several at once, where somebody looks.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::{Terminal, printable};

const TEMPLATE: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";

/// The bars of one command.
#[derive(Clone, Debug)]
pub(super) struct Bars(MultiProgress);

impl Bars {
    /// None yet; none are ever drawn where `terminal` does not draw.
    pub(super) fn new(terminal: &Terminal) -> Self {
        let target = if terminal.draws() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self(MultiProgress::with_draw_target(target))
    }

    /// A bar for `bytes` of something that a stranger named `name`.
    pub(super) fn add(&self, name: &str, bytes: u64) -> ProgressBar {
        let bar = self.0.add(ProgressBar::new(bytes));
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar.set_message(printable(name));
        bar
    }
}
