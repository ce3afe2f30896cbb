//! Opens every stage, in the order in which one needs another, and runs them.

use std::{convert::Infallible, io, net::SocketAddr};

use jiff::Timestamp;
use tokio::task::JoinError;
use tracing::{info, warn};

use super::{
    Daemon,
    answers::{self, Known},
    delivery,
    journal::open_journal,
    metrics,
    overview::Overview,
};
use crate::{
    admin, config,
    config::Config,
    control, ingest, journal,
    payload::Renderer,
    publish::Aws,
    reload::Reload,
    replay, route,
    serve::Port,
    stop::{Stop, stopper},
    tail,
    telemetry::{
        self,
        systemd::{self, Sockets},
    },
    tls, trace,
    vitals::Vitals,
};

/// Why a daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings contradict themselves.
    #[error(transparent)]
    Config(#[from] config::LoadError),
    /// Metrics cannot be recorded.
    #[error(transparent)]
    Metrics(#[from] telemetry::InstallError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    /// The notification documents cannot be loaded.
    #[error(transparent)]
    Documents(#[from] control::OpenError),
    /// The events port cannot be opened.
    #[error(transparent)]
    Events(#[from] ingest::BindError),
    /// A socket that was handed over has no address.
    #[error("cannot use the socket that was handed over for {listener}")]
    Inherited {
        /// For which listener.
        listener: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The S3 port cannot be opened.
    #[error(transparent)]
    S3(#[from] control::BindError),
    /// The replays cannot be read.
    #[error(transparent)]
    Replays(#[from] replay::OpenError),
    /// The admin port cannot be opened.
    #[error(transparent)]
    Admin(#[from] admin::BindError),
    /// The admin port would let anybody in.
    #[error(transparent)]
    Guard(#[from] admin::GuardError),
    /// A certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::FilesError),
    /// Spans cannot be exported.
    #[error(transparent)]
    Traces(#[from] trace::OpenError),
    /// The journal's thread cannot be started.
    #[error("cannot start the journal's thread")]
    Thread(#[source] io::Error),
    /// Opening the journal panicked, which is a bug.
    #[error("opening the journal panicked")]
    Panicked(#[source] JoinError),
}

impl StartError {
    /// Whether the settings are to blame, so that starting again cannot help.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Config(_)
                | Self::Documents(control::OpenError::Directory { .. })
                | Self::Guard(_)
                | Self::Tls(_)
                | Self::Traces(_)
        )
    }
}

impl Daemon {
    /// Recovers the journal, loads the documents, opens the ports that were not handed over, and
    /// starts every stage.
    pub async fn start(reload: &Reload, mut sockets: Sockets) -> Result<Self, StartError> {
        let (config, started) = (reload.config(), Timestamp::now());
        let metrics = metrics::install()?;
        let (tls, certificates) = tls::load(&config.tls).await?;
        let traces = trace::Traces::open(&config.telemetry)?;
        let (journal, writer) = open_journal(config).await?;
        let (routes, scope) = (route::Shared::default(), scope(config)?);
        let (store, requests) =
            control::Store::open(&config.notifications, scope.clone(), routes.clone())?;
        let (documents, hub) = (store.status(), tail::Hub::default());
        let loaded = documents.borrow().loaded;
        let acceptor = ingest::Acceptor::new(routes.clone(), journal.clone()).watched(hub.clone());
        let (token, takes) = (reload.events_token(), acceptor.clone());
        let of_events = port("events", config.listen.events, &mut sockets)?;
        let events = ingest::Listener::bind(of_events, &config.events, token, takes).await?;
        let aws = aws(config).await;
        let renderer = Renderer::new(config.region.clone(), config.owners(), &config.payload);
        let probe = delivery::probe(aws.clone(), renderer.clone(), config.destinations());
        let api = api(reload, &scope, &requests, probe);
        let s3 = control::Server::bind(port("s3", config.listen.s3, &mut sockets)?, api).await?;
        let (spans, tables) = (traces.spans(), config.destinations());
        let lanes = delivery::lanes(
            (aws, spans.clone()),
            renderer,
            journal.clone(),
            tables,
            routes.clone(),
        )
        .watched(hub.clone());
        let directory = &config.journal.directory;
        let is_named = answers::is_named(store.destinations());
        let (replays, replayer) =
            replay::open(directory, journal.clone(), routes.clone(), is_named)?;
        let overview = Overview {
            journal: journal.clone(),
            lanes: lanes.status(),
            documents: documents.clone(),
            routes,
            reloads: reload.status(),
            explainer: control::Explainer::new(scope, requests, store.status()),
            started,
        };
        let quarantine = ingest::Quarantine::new(journal.clone(), acceptor);
        let known = Known { overview, metrics: metrics.clone(), quarantine, replays, hub };
        let admin =
            admin::Server::bind(port("admin", config.listen.admin, &mut sockets)?, known.sources())
                .await?;
        let guard = admin.guard(&config.admin, reload.admin_token())?;
        let vitals = Vitals {
            journal,
            lanes: lanes.pulse(),
            statuses: lanes.status(),
            documents,
            reload: reload.status(),
        };
        log_addresses([events.address(), s3.address(), admin.address()]);

        let (stopper, stop) = stopper();
        let mut daemon = Self::new(stopper, config.shutdown_grace, traces, loaded);
        daemon.run_writer(writer)?;
        daemon.run("lanes", lanes.run(store.destinations(), store.status(), stop.clone()));
        daemon.run("document watch", store.run(stop.clone()));
        daemon.run("replays", replayer.run(stop.clone()));
        daemon.run("certificates", certificates.run(stop.clone()));
        daemon.run("events listener", events.traced(spans).run(tls.events, stop.clone()));
        daemon.run("s3 listener", s3.run(tls.s3, stop.clone()));
        daemon.run("admin listener", admin.run(guard, tls.admin, stop.clone()));
        daemon.run("metrics", keep_small(metrics, stop.clone()));
        daemon.run("service manager", attend(vitals, stop));
        Ok(daemon)
    }
}

/// The listener's port: the one that was handed over, or else that of the settings.
fn port(
    listener: &'static str,
    address: SocketAddr,
    sockets: &mut Sockets,
) -> Result<Port, StartError> {
    let Some(inherited) = sockets.take(listener) else { return Ok(Port::new(address)) };
    let port =
        Port::inherited(inherited).map_err(|source| StartError::Inherited { listener, source })?;
    if port.address() != address {
        let (settings, socket) = (address, port.address());
        warn!(listener, %settings, %socket, "the socket that was handed over counts, not the settings");
    }
    Ok(port)
}

/// Tells the service manager how the daemon is doing.
async fn attend(vitals: Vitals, stop: Stop) -> Result<(), Infallible> {
    let asked = vitals.clone();
    let moves = move |patience| {
        let vitals = asked.clone();
        async move { vitals.check(patience).await }
    };
    tokio::select! {
        biased;
        () = stop.requested() => {}
        () = systemd::attend(|| vitals.sentence(), moves) => {}
    }
    Ok(())
}

/// Keeps what metrics take small, also where nobody asks for them.
async fn keep_small(metrics: telemetry::Metrics, stop: Stop) -> Result<(), Infallible> {
    tokio::select! {
        biased;
        () = stop.requested() => Ok(()),
        never = metrics.keep_small() => match never {},
    }
}

fn api(
    reload: &Reload,
    scope: &control::Scope,
    documents: &control::Requests,
    probe: control::Probe,
) -> control::Api {
    let config = reload.config();
    control::Api {
        config: config.s3.clone(),
        credentials: reload.credentials(),
        buckets: config.buckets.clone(),
        owners: config.owners(),
        scope: scope.clone(),
        documents: documents.clone(),
        probe,
    }
}

async fn aws(config: &Config) -> Aws {
    let destinations = config.destinations();
    // On the heap: what the SDK does to find its settings would be most of this future.
    Box::pin(Aws::new(&config.region, &config.aws, &config.event_bridge, destinations.roles()))
        .await
}

fn scope(config: &Config) -> Result<control::Scope, StartError> {
    let (region, rules) = (config.region.clone(), config.rules.clone());
    Ok(control::Scope { region, bus: config.bus()?, rules })
}

fn log_addresses(addresses: [io::Result<SocketAddr>; 3]) {
    for (listener, address) in ["events", "s3", "admin"].into_iter().zip(addresses) {
        match address {
            Ok(address) => info!(listener, %address, "listening"),
            Err(cause) => warn!(listener, %cause, "listening at an unknown address"),
        }
    }
}
