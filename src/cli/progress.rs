//! How far a long run has come: a bar on a terminal, nothing anywhere else.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of so many steps, on stderr.
pub(super) fn bar(steps: u64, what: &'static str) -> ProgressBar {
    // It hides itself where stderr is no terminal.
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len}, {eta} left");
    bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
    bar.set_message(what);
    bar
}

/// A bar of the time that lies behind, on stderr: how many events are left nobody knows.
pub(super) fn share_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(SHARES), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("[{bar:40}] {percent}% of the time asked for, {msg}");
    bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
    bar
}

/// The steps of such a bar.
pub(super) const SHARES: u64 = 1000;

/// A bar of so many bytes on stderr, or where nobody knows how many there will be, only what was.
pub(super) fn bytes_bar(bytes: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(match bytes {
        Some(_) => "[{bar:40}] {bytes}/{total_bytes}{msg}, {eta} left",
        None => "{bytes}{msg}",
    });
    bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
    bar
}
