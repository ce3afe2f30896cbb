//! The life of the process.
//!
//! Its exit codes are an interface: 0 done or stopped, 1 failed, 2 wrong usage, 78 a
//! configuration that no restart will mend.

use std::{io, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use fanfare::{
    cli::{
        Asked, Cli, Command, Ended, Findings, Settings, Signals, check, dead_letters, explain,
        replay,
    },
    config::{Config, LoadError},
    control::{OpenError, SecretError},
    daemon::{Daemon, StageEnded, StartError, Stopped},
    failpoint,
    model::OneLine,
    reload::Reload,
    telemetry::{self, systemd},
};
use mimalloc::MiMalloc;
use tokio::runtime::Runtime;
use tracing::{error, info, warn};

/// The SDK makes and frees many small things on several threads; glibc's allocator takes up to a
/// quarter of the delivery rate for that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `EX_CONFIG` of sysexits.h.
const CONFIGURATION: u8 = 78;

fn main() -> ExitCode {
    failpoint::arm();
    let ended = match Cli::parse().command {
        Command::Serve { settings } => serve(&settings).map(|()| ExitCode::SUCCESS),
        Command::Check { settings, files } => Config::load(&settings.path)
            .map_err(Into::into)
            .and_then(|config| check(&config, files, &mut io::stdout().lock()))
            .map(found),
        Command::Explain(asked) => explain(&asked, &mut io::stdout().lock()).map(found),
        Command::DeadLetters(asked) => {
            dead_letters(&asked, &mut io::stdout().lock()).map(exit_code_of)
        }
        Command::Replay(asked) => replay(&asked, &mut io::stdout().lock()).map(exit_code_of),
    };
    ended.unwrap_or_else(|cause| {
        if nobody_reads(&cause) {
            return ExitCode::SUCCESS;
        }
        report(&cause);
        exit_code(&cause).into()
    })
}

fn serve(settings: &Settings) -> anyhow::Result<()> {
    let runtime = Runtime::new().context("cannot start the threads")?;
    let served = runtime.block_on(live(settings));
    // Nothing is owed any more, and what hangs at a disk or a name server must not keep the process.
    runtime.shutdown_background();
    served
}

async fn live(settings: &Settings) -> anyhow::Result<()> {
    let config = Config::load(&settings.path)?;
    let log = telemetry::init(&config.log)?;
    let sockets = systemd::Sockets::inherit()?;

    // Before anything opens, so that a stop during a long recovery is not lost.
    let mut signals = Signals::watch().context("cannot watch for signals")?;
    let reload = Reload::new(settings.path.clone(), config, log).context("cannot start")?;
    let mut daemon = Daemon::start(&reload, sockets).await.context("cannot start")?;
    let config = reload.config();
    let (documents, directory) = (daemon.documents(), config.notifications.directory.display());
    let directory = OneLine(directory);
    info!(version = env!("CARGO_PKG_VERSION"), documents, %directory, "ready");
    systemd::ready();

    let grace = config.shutdown_grace;
    let signal = until_stop(&mut signals, &mut daemon, reload).await?;
    info!(signal, ?grace, "stopping; a second signal does not wait");
    systemd::stopping();
    tokio::select! {
        stopped = daemon.stop() => match stopped {
            Stopped::Finished => info!("stopped"),
            Stopped::Expired => warn!("the grace ended; the journal has the rest"),
        },
        signal = signals.next_stop() => warn!(signal, "not waiting; the journal has the rest"),
    }
    Ok(())
}

/// The signal that asks for the stop; until then, reloads.
async fn until_stop(
    signals: &mut Signals,
    daemon: &mut Daemon,
    mut reload: Reload,
) -> Result<&'static str, StageEnded> {
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop(signal) => return Ok(signal),
                Asked::Reload => {
                    systemd::reloading();
                    reload.run();
                    systemd::ready();
                }
            },
            ended = daemon.stage_ended() => return Err(ended),
        }
    }
}

fn found(findings: Findings) -> ExitCode {
    match findings {
        Findings::None => ExitCode::SUCCESS,
        Findings::Problems => CONFIGURATION.into(),
    }
}

fn exit_code_of(ended: Ended) -> ExitCode {
    match ended {
        Ended::Done => ExitCode::SUCCESS,
        Ended::Unfinished => ExitCode::FAILURE,
    }
}

/// Whoever read what is printed has seen enough, as `head` does.
fn nobody_reads(cause: &anyhow::Error) -> bool {
    let io = cause.downcast_ref::<io::Error>();
    io.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Before the log is set up, and for people at a terminal, the error goes to stderr as it is.
#[expect(clippy::print_stderr, reason = "the one place where the process says why it ends")]
fn report(cause: &anyhow::Error) {
    if tracing::enabled!(tracing::Level::ERROR) {
        error!("{cause:#}");
    } else {
        eprintln!("fanfare: {cause:#}");
    }
}

fn exit_code(cause: &anyhow::Error) -> u8 {
    let started = cause.downcast_ref::<StartError>();
    if cause.is::<LoadError>()
        || cause.is::<OpenError>()
        || cause.is::<SecretError>()
        || cause.is::<systemd::SocketError>()
        || cause.is::<telemetry::InitError>()
        || started.is_some_and(StartError::is_configuration)
    {
        CONFIGURATION
    } else {
        1
    }
}
