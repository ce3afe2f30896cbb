//! The command itself: asks once, or again and again.

use std::io::Write;

use serde_json::value::RawValue;

use super::{looks::Looks, report::report, screen::watch};
use crate::cli::{AdminPort, Ended, Form};

/// How the running daemon is doing.
#[derive(Debug, clap::Args)]
pub struct StatusCommand {
    /// Look again every second, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// How.
    #[command(flatten)]
    form: Form,
    /// Where.
    #[command(flatten)]
    admin: AdminPort,
}

/// Prints how it is doing. A daemon that answers is a success, whatever is wrong with it.
pub fn status(asked: &StatusCommand, looks: &Looks, out: &mut impl Write) -> anyhow::Result<Ended> {
    let client = asked.admin.client()?;
    if asked.watch {
        return watch(client, asked.form, looks, out);
    }
    let answer: Box<RawValue> = client.get("status", &[])?;
    if asked.form.json {
        writeln!(out, "{answer}")?;
    } else {
        let width = looks.size().map(|size| size.columns);
        out.write_all(looks.finish(&text_of(&answer, width)?).as_bytes())?;
    }
    Ok(Ended::Done)
}

/// The answer for people, in its colours.
pub(super) fn text_of(
    answer: &RawValue,
    width: Option<usize>,
) -> Result<String, serde_json::Error> {
    serde_json::from_str(answer.get()).map(|status| report(&status, width))
}
