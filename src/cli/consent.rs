//! Asks back before something is removed for good.

use std::io::{self, BufRead, IsTerminal, Write};

/// Whether the operator has said that it may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    Given,
    Asked,
}

/// Why nothing is removed.
#[derive(Debug, thiserror::Error)]
#[error(
    "this would remove {} for good; say `--yes` to do it, or `--dry-run` to only count them",
    counted(*count, noun)
)]
struct Unconfirmed {
    count: u64,
    noun: &'static str,
}

/// Asks whoever sits at the terminal; without one, nobody has agreed.
pub(super) fn confirm(count: u64, noun: &'static str) -> anyhow::Result<()> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Unconfirmed { count, noun }.into());
    }
    write!(io::stderr(), "Remove {} for good? [y/N] ", counted(count, noun))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Unconfirmed { count, noun }.into()),
    }
}

/// So many of them, in words.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
