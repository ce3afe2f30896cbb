//! Writes the man pages and the shell completions, from the command line as clap reads it.
//!
//! usage: `cargo run --example manual -- DIRECTORY`

use std::{env, fs, io, io::Write, path::PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;
use fanfare::cli::Cli;

fn main() -> io::Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).expect("the directory to write to"));
    fs::create_dir_all(&directory)?;
    clap_mangen::generate_to(Cli::command(), &directory)?;
    let mut page = fs::OpenOptions::new().append(true).open(directory.join("fanfare.1"))?;
    page.write_all(include_bytes!("beyond.roff"))?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "fanfare", &directory)?;
    }
    Ok(())
}
