//! The certificates in force: loaded at the start, exchanged when their files change.

use std::{convert::Infallible, error::Error, sync::Arc, time::Duration};

use ::metrics::Gauge;
use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tracing::{info, warn};

use super::{
    Acceptor, Config, FilesError,
    files::{Files, Identity, Look, Seen},
    metrics,
};
use crate::stop::Stop;

/// How often the files are looked at. Nothing tells of every way to replace one: certbot changes
/// symlinks, Kubernetes a symlink to the directory above.
const LOOK: Duration = Duration::from_secs(5);
/// How long a start waits before it looks again at files that it cannot use.
const SECOND_LOOK: Duration = Duration::from_secs(2);
/// From so long before a certificate expires, the log says so.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How often.
const WARN_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// What each listener accepts connections with; none for plain HTTP.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// `listen.events`.
    pub events: Option<Acceptor>,
    /// `listen.s3`.
    pub s3: Option<Acceptor>,
    /// `listen.admin`.
    pub admin: Option<Acceptor>,
}

/// Exchanges the certificates when their files change.
#[derive(Debug)]
pub struct Certificates {
    holders: Vec<Holder>,
}

/// The certificate of one listener.
#[derive(Debug)]
struct Holder {
    listener: &'static str,
    files: Files,
    current: watch::Sender<Arc<ServerConfig>>,
    /// What the files held when they were last used, or last complained of.
    known: Seen,
    /// What they held at the last look, if that could not be used and nobody was told yet.
    suspect: Option<Seen>,
    expires: Option<Timestamp>,
    warned: Option<Timestamp>,
    gauge: Gauge,
}

/// Reads the files of every listener that speaks TLS. A start may fall between the exchange of a
/// certificate and that of its key, so what is not usable is looked at once more.
pub async fn load(config: &Config) -> Result<(Listeners, Certificates), FilesError> {
    match look(config) {
        Ok(usable) => Ok(usable),
        Err(cause) => {
            let cause: &(dyn Error + 'static) = &cause;
            warn!(cause, "certificate not usable; looking again in {SECOND_LOOK:?}");
            sleep(SECOND_LOOK).await;
            look(config)
        }
    }
}

fn look(config: &Config) -> Result<(Listeners, Certificates), FilesError> {
    let mut holders = Vec::new();
    let mut hold = |listener, files: Option<Files>| {
        files.map(|files| {
            let (acceptor, holder) = Holder::load(listener, files)?;
            holders.push(holder);
            Ok(acceptor)
        })
    };
    let events = hold("events", config.events()).transpose()?;
    let s3 = hold("s3", config.s3()).transpose()?;
    let admin = hold("admin", config.admin()).transpose()?;
    Ok((Listeners { events, s3, admin }, Certificates { holders }))
}

impl Config {
    /// Checks what the settings themselves do not hold: whether the files can be used.
    pub fn check_files(&self) -> Result<(), FilesError> {
        let listeners = [self.events(), self.s3(), self.admin()];
        listeners.into_iter().flatten().try_for_each(|files| files.look().found.map(drop))
    }
}

impl Certificates {
    /// Looks at the files until the stop.
    pub async fn run(mut self, stop: Stop) -> Result<(), Infallible> {
        if self.holders.is_empty() {
            stop.requested().await;
            return Ok(());
        }
        loop {
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                () = self.look() => {}
            }
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                () = sleep(LOOK) => {}
            }
        }
    }

    /// Looks at the files of every listener once.
    async fn look(&mut self) {
        for holder in &mut self.holders {
            let files = holder.files.clone();
            // Only a panic while reading is an error, and the next look may go better.
            if let Ok(look) = spawn_blocking(move || files.look()).await {
                holder.take(look);
            }
            holder.warn_of_expiry(Timestamp::now());
        }
    }
}

impl Holder {
    fn load(listener: &'static str, files: Files) -> Result<(Acceptor, Self), FilesError> {
        let Look { seen, found } = files.look();
        let Identity { server, expires } = found?;
        let (current, receiver) = watch::channel(server);
        let gauge = metrics::expiry(listener);
        let (known, suspect, warned) = (seen, None, None);
        let holder = Self { listener, files, current, known, suspect, expires, warned, gauge };
        holder.show_expiry();
        Ok((Acceptor::new(listener, receiver), holder))
    }

    /// Uses what was found, if it is new and usable. Two files are not replaced at once, so what is
    /// not usable is reported only if the next look finds the same.
    fn take(&mut self, Look { seen, found }: Look) {
        if seen == self.known {
            self.suspect = None;
            return;
        }
        let listener = self.listener;
        match found {
            Ok(Identity { server, expires }) => {
                self.current.send_replace(server);
                (self.known, self.suspect) = (seen, None);
                (self.expires, self.warned) = (expires, None);
                self.show_expiry();
                let expires = expires.map(tracing::field::display);
                info!(listener, expires, "new certificate in force");
            }
            Err(cause) if self.suspect == Some(seen) => {
                (self.known, self.suspect) = (seen, None);
                let cause: &(dyn Error + 'static) = &cause;
                warn!(listener, cause, "new certificate not usable; the old one stays in force");
            }
            Err(_) => self.suspect = Some(seen),
        }
    }

    fn show_expiry(&self) {
        if let Some(expires) = self.expires {
            #[expect(clippy::cast_precision_loss, reason = "seconds of any century are exact")]
            self.gauge.set(expires.as_second() as f64);
        }
    }

    fn warn_of_expiry(&mut self, now: Timestamp) {
        let soon = |expires: &Timestamp| expires.duration_since(now) < EXPIRES_SOON;
        let Some(expires) = self.expires.filter(soon) else { return };
        if self.warned.is_some_and(|warned| now.duration_since(warned) < WARN_AGAIN) {
            return;
        }
        self.warned = Some(now);
        let (listener, file) = (self.listener, &self.files.certificate);
        if expires <= now {
            warn!(listener, %expires, "the certificate has expired; replace {file}");
        } else {
            warn!(listener, %expires, "the certificate expires soon; replace {file}");
        }
    }
}
