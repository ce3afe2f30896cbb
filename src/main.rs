//! The life of the process. What its end is called is in [`fanfare::cli::failed`].

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use fanfare::{
    cli::{Asked, Cli, Settings, Signals, failed},
    config::Config,
    daemon::{Daemon, StageEnded, Stopped},
    failpoint,
    model::OneLine,
    reload::Reload,
    telemetry::{self, systemd},
};
use mimalloc::MiMalloc;
use tokio::runtime::Runtime;
use tracing::{info, warn};

/// The SDK makes and frees many small things on several threads; glibc's allocator takes up to a
/// quarter of the delivery rate for that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    failpoint::arm();
    Cli::parse().command.run(serve).unwrap_or_else(|cause| failed(&cause))
}

fn serve(settings: &Settings) -> anyhow::Result<()> {
    let runtime = Runtime::new().context("cannot start the threads")?;
    let served = runtime.block_on(live(settings));
    // Nothing is owed any more, and what hangs at a disk or a name server must not keep the process.
    runtime.shutdown_background();
    served
}

async fn live(settings: &Settings) -> anyhow::Result<()> {
    // Before all else: a reload that is asked for too early must not end the process, and what is
    // asked for during a long start must not be lost.
    let mut signals = Signals::watch().context("cannot watch for signals")?;
    let config = Config::load(&settings.path)?;
    let log = telemetry::init(&config.log)?;
    let sockets = systemd::Sockets::inherit()?;
    let reload = Reload::new(settings.path.clone(), config, log).context("cannot start")?;
    systemd::starting();
    let mut daemon = tokio::select! {
        started = Daemon::start(&reload, sockets) => started.context("cannot start")?,
        signal = signals.next_stop() => {
            info!(signal, "stopped before it was ready");
            return Ok(());
        }
    };
    let config = reload.config();
    let (documents, directory) = (daemon.documents(), config.notifications.directory.display());
    let directory = OneLine(directory);
    info!(version = env!("CARGO_PKG_VERSION"), documents, %directory, "ready");
    systemd::ready();

    let grace = config.shutdown_grace;
    let signal = until_stop(&mut signals, &mut daemon, reload).await?;
    info!(signal, ?grace, "stopping; a second signal does not wait");
    systemd::stopping(daemon.stop_max());
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
