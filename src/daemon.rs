//! Wiring: open every stage, run them, stop them. It holds no logic of its own.
//!
//! Everything that can fail on the world fails in [`Daemon::start`], before anything serves. A
//! stage that ends on its own ends the process: a restarted daemon beats a limping one, and the
//! journal has what is pending.

use std::{
    collections::HashMap, convert::Infallible, error::Error, io, net::SocketAddr, sync::Arc,
    thread, time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{oneshot, watch},
    task::{JoinError, JoinSet, spawn_blocking},
    time::{Instant, timeout},
};
use tracing::{error, info, warn};

use crate::{
    admin, config,
    config::Config,
    control, deliver, ingest, journal,
    model::{Destination, Service},
    payload::{Form, Renderer},
    publish::{self, Aws, Publisher, Traced},
    reload::Reload,
    replay, route,
    rules::Question,
    serve::Port,
    stop::{Stop, Stopper, stopper},
    telemetry::{
        self,
        systemd::{self, Sockets},
    },
    tls, trace,
    vitals::{Vitals, refusal},
};

type BoxError = Box<dyn Error + Send + Sync>;
type Outcome = Result<(), BoxError>;

/// How long the stages may take to let go once the grace has ended: enough for a disk that is busy
/// with the last writes, and no wait for one that hangs.
const LET_GO_MAX: Duration = Duration::from_secs(5);

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    stages: JoinSet<(&'static str, Outcome)>,
    stopper: Stopper,
    grace: Duration,
    traces: trace::Traces,
    documents: usize,
}

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
    /// The admin port would let anybody in, or its token cannot be read.
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

/// A stage ended although nobody asked for a stop.
#[derive(Debug, thiserror::Error)]
#[error("the {stage} ended on its own")]
pub struct StageEnded {
    /// Which.
    stage: &'static str,
    /// Why, if it said so.
    source: Option<BoxError>,
}

/// How a stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request on the wire was answered.
    Finished,
    /// The grace ended first. What was on the wire is still in the journal.
    Expired,
}

impl StartError {
    /// Whether the settings are to blame, so that starting again cannot help.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Config(_)
                | Self::Documents(control::OpenError::Directory { .. })
                | Self::Events(ingest::BindError::Token(_))
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
        let config = reload.config();
        let metrics = metrics()?;
        let (tls, certificates) = tls::load(&config.tls)?;
        let traces = trace::Traces::open(&config.telemetry)?;
        let (journal, writer) = open_journal(config).await?;
        let routes = route::Shared::default();
        let scope = scope(config)?;
        let (store, requests) =
            control::Store::open(&config.notifications, scope.clone(), routes.clone())?;
        let documents = store.status();
        let loaded = documents.borrow().loaded;
        let acceptor = ingest::Acceptor::new(routes.clone(), journal.clone());
        let port_of_events = port("events", config.listen.events, &mut sockets)?;
        let events = ingest::Listener::bind(port_of_events, &config.events, acceptor).await?;
        let aws = aws(config).await;
        let renderer = Renderer::new(config.region.clone(), config.owners(), &config.payload);
        let api = control::Api {
            config: config.s3.clone(),
            credentials: reload.credentials(),
            buckets: config.buckets.clone(),
            owners: config.owners(),
            scope: scope.clone(),
            documents: requests.clone(),
            probe: probe(aws.clone(), renderer.clone(), config.destinations()),
        };
        let s3 = control::Server::bind(port("s3", config.listen.s3, &mut sockets)?, api).await?;
        let (spans, tables) = (traces.spans(), config.destinations());
        let lanes = lanes((aws, spans.clone()), renderer, journal.clone(), tables, routes.clone());
        let directory = &config.journal.directory;
        let is_named = is_named(store.destinations());
        let (replays, replayer) = replay::open(directory, journal.clone(), routes, is_named)?;
        let explainer = control::Explainer::new(scope, requests, store.status());
        let sources = admin::Sources {
            health: Box::new(health(journal.clone(), documents.clone())),
            metrics: Box::new(exposition(journal.clone(), lanes.status(), metrics)),
            explain: Box::new(explanation(explainer)),
            destinations: Box::new(destinations(journal.clone(), lanes.status())),
            dead_letters: deliver::DeadLetters::new(journal.clone()),
            replays,
        };
        let admin =
            admin::Server::bind(port("admin", config.listen.admin, &mut sockets)?, sources).await?;
        let guard = admin.guard(&config.admin)?;
        let vitals = Vitals {
            journal,
            lanes: lanes.pulse(),
            statuses: lanes.status(),
            documents,
            reload: reload.problem(),
        };
        log_addresses([
            ("events", events.address()),
            ("s3", s3.address()),
            ("admin", admin.address()),
        ]);

        let (stopper, stop) = stopper();
        let (stages, grace) = (JoinSet::new(), config.shutdown_grace);
        let mut daemon = Self { stages, stopper, grace, traces, documents: loaded };
        daemon.run_writer(writer)?;
        daemon.run("lanes", lanes.run(store.destinations(), store.status(), stop.clone()));
        daemon.run("document watch", store.run(stop.clone()));
        daemon.run("replays", replayer.run(stop.clone()));
        daemon.run("certificates", certificates.run(stop.clone()));
        daemon.run("events listener", events.traced(spans).run(tls.events, stop.clone()));
        daemon.run("s3 listener", s3.run(tls.s3, stop.clone()));
        daemon.run("admin listener", admin.run(guard, tls.admin, stop.clone()));
        daemon.run("service manager", attend(vitals, stop));
        Ok(daemon)
    }

    /// How many documents were in force at the start.
    pub fn documents(&self) -> usize {
        self.documents
    }

    fn run<E>(
        &mut self,
        stage: &'static str,
        running: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: Into<BoxError>,
    {
        self.stages.spawn(async move { (stage, running.await.map_err(Into::into)) });
    }

    /// The writer is a thread, because it waits for the disk.
    fn run_writer(&mut self, writer: journal::Writer) -> Result<(), StartError> {
        let (ended, outcome) = oneshot::channel();
        thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                // Nobody listens any more only if the process is going away.
                drop(ended.send(writer.run()));
            })
            .map_err(StartError::Thread)?;
        self.run("journal", async move {
            match outcome.await {
                Ok(outcome) => outcome.map_err(BoxError::from),
                Err(cause) => Err(BoxError::from(cause)),
            }
        });
        Ok(())
    }

    /// Waits until a stage ends, which none does without a stop.
    pub async fn stage_ended(&mut self) -> StageEnded {
        match self.stages.join_next().await {
            Some(Ok((stage, outcome))) => StageEnded { stage, source: outcome.err() },
            Some(Err(panic)) => StageEnded { stage: "panicked stage", source: Some(panic.into()) },
            None => StageEnded { stage: "daemon", source: None },
        }
    }

    /// Takes nothing new, lets requests on the wire finish within the grace, and closes the
    /// journal, which keeps what is pending.
    pub async fn stop(mut self) -> Stopped {
        let begun = Instant::now();
        self.stopper.request();
        let finished = timeout(self.grace, self.join_all()).await;
        if finished.is_ok() {
            self.traces.end(self.grace.saturating_sub(begun.elapsed())).await;
            return Stopped::Finished;
        }
        self.stopper.expire();
        if timeout(LET_GO_MAX, self.join_all()).await.is_err() {
            error!(stages = self.stages.len(), "stages did not let go; the journal has the rest");
        }
        Stopped::Expired
    }

    async fn join_all(&mut self) {
        while let Some(ended) = self.stages.join_next().await {
            match ended {
                Ok((_, Ok(()))) => {}
                Ok((stage, Err(cause))) => warn!(stage, %cause, "stage failed during the stop"),
                Err(cause) => warn!(%cause, "stage panicked during the stop"),
            }
        }
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

fn metrics() -> Result<telemetry::Metrics, telemetry::InstallError> {
    let metrics = telemetry::Metrics::install()?;
    ingest::describe();
    deliver::describe();
    replay::describe();
    tls::describe();
    Ok(metrics)
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

async fn open_journal(config: &Config) -> Result<(journal::Journal, journal::Writer), StartError> {
    let quotas = quotas(config.destinations());
    let dedupe_window = config.events.dedupe_window;
    let config = journal::Config { dedupe_window, ..config.journal.clone() };
    let opened = spawn_blocking(move || journal::open_with_quotas(&config, quotas))
        .await
        .map_err(StartError::Panicked)?;
    let (journal, writer, recovery) = opened?;
    log_recovery(&recovery);
    Ok((journal, writer))
}

/// What a destination may have pending before new events for it are refused. Where its oldest give
/// way instead, nothing is refused: its lane sees to that.
fn quotas(destinations: config::Destinations) -> journal::Quotas {
    journal::Quotas::new(move |lane| {
        let destination: Destination = lane.parse().ok()?;
        let deliver::Config { quota, over_quota, .. } = destinations.deliver(&destination);
        match over_quota {
            deliver::OverQuota::Reject => quota.map(|quota| quota.as_u64()),
            deliver::OverQuota::DeadLetterOldest => None,
        }
    })
}

fn log_recovery(recovery: &journal::Recovery) {
    let journal::Recovery { records, bytes_scanned, torn_bytes, missing, .. } = *recovery;
    info!(records, bytes_scanned, checkpoint = %recovery.checkpoint, "journal open");
    if torn_bytes > 0 {
        info!(torn_bytes, "the journal ended in a write that was never answered; it is cut off");
    }
    for &journal::CorruptRegion { segment, offset, bytes } in &recovery.corrupt {
        error!(
            segment,
            offset,
            bytes,
            "part of the journal is corrupt; what could be copied of it is in corrupt/"
        );
    }
    if missing > 0 {
        error!(missing, "records that were pending are not in the journal any more");
    }
    let journal::DeadLettersFound { moved_to, missing, unknown } = &recovery.dead_letters;
    if let Some(kept) = moved_to {
        error!(kept = %kept.display(), "the dead letters are corrupt, and kept for a person to see");
    }
    if *missing > 0 {
        error!(missing, "dead letters are not there any more; the books count them as lost");
    }
    if *unknown > 0 {
        warn!(unknown, "dead letters are there that the journal did not know");
    }
}

fn lanes(
    (aws, spans): (Aws, trace::Spans),
    renderer: Renderer,
    journal: journal::Journal,
    destinations: config::Destinations,
    routes: route::Shared,
) -> deliver::Lanes<impl Fn(&Destination) -> deliver::Connection<Traced<Publisher>> + Send + use<>>
{
    let connect = move |destination: &Destination| {
        let form = match destination.service() {
            Service::Sqs | Service::Sns | Service::Lambda => Form::S3Event,
            Service::EventBridge => Form::EventBridge,
        };
        let publisher = aws.publisher(destination, &destinations.publish(destination));
        let publisher = Traced::new(publisher, destination, spans.clone());
        deliver::Connection { publisher, form, config: destinations.deliver(destination) }
    };
    deliver::Lanes::new(journal, renderer, connect, still_wanted(routes))
}

/// Whether the rules in force still ask for an event that waits. Of a bucket whose document was
/// never readable nobody can say, so what it once asked for stays.
fn still_wanted(routes: route::Shared) -> deliver::StillWanted {
    deliver::StillWanted::new(move |event, rule, destination| {
        match routes.reader().bucket(&event.bucket) {
            Some(route::Standing::Rules(bucket)) => bucket.names(rule, destination),
            Some(route::Standing::Undecided) => true,
            None => false,
        }
    })
}

/// How the S3 API asks a destination whether it would take events.
fn probe(aws: Aws, renderer: Renderer, destinations: config::Destinations) -> control::Probe {
    control::Probe::new(move |destination, event| {
        let (aws, renderer) = (aws.clone(), renderer.clone());
        let settings = destinations.publish(&destination);
        async move {
            let control::TestEvent { bucket, request_id, host_id } = &*event;
            let test = renderer.test_event(bucket, Timestamp::now(), request_id, host_id);
            aws.probe(&destination, &settings, &test).await.map_err(|unfit| {
                warn!(%bucket, %destination, request_id, cause = %unfit, "a destination is unfit for a new configuration");
                match unfit {
                    publish::Unfit::Missing(_) => control::Unfit::Missing,
                    publish::Unfit::Forbidden(_) => control::Unfit::Forbidden,
                    publish::Unfit::Unanswered(cause) => {
                        control::Unfit::Unanswered(cause.to_string())
                    }
                }
            })
        }
    })
}

fn health(
    journal: journal::Journal,
    documents: watch::Receiver<control::Status>,
) -> impl Fn() -> admin::Health + Send + Sync {
    move || {
        let refused = refusal(&journal.status());
        let documents = documents.borrow();
        let broken = documents.broken.iter().map(|broken| admin::Document {
            file: broken.file.clone(),
            problem: broken.problem.clone(),
            in_force: broken.in_force.words(),
        });
        admin::Health {
            ready: refused.is_none(),
            journal: refused,
            documents: documents.loaded,
            broken_documents: broken.collect(),
        }
    }
}

fn exposition(
    journal: journal::Journal,
    lanes: deliver::Statuses,
    metrics: telemetry::Metrics,
) -> impl Fn() -> String + Send + Sync {
    move || {
        deliver::observe(&journal, &lanes);
        metrics.render()
    }
}

fn explanation(
    explainer: control::Explainer,
) -> impl Fn(admin::Asked) -> admin::Answer + Send + Sync {
    move |asked| {
        let explainer = explainer.clone();
        Box::pin(async move {
            let question = Question::read(&asked.bucket, &asked.event, &asked.key);
            let question = question
                .map_err(|cause| admin::Refusal::parameter(cause.part(), cause.to_string()))?;
            let explanation = explainer.explain(&question).await;
            let unavailable =
                |cause: control::Stopped| admin::Refusal::unavailable(cause.to_string());
            Ok(explanation.map_err(unavailable)?.to_json())
        })
    }
}

/// Whether a rule in force names a destination.
fn is_named(
    destinations: watch::Receiver<HashMap<Arc<str>, Destination>>,
) -> impl Fn(&Destination) -> bool + Send + Sync {
    move |destination| destinations.borrow().contains_key(destination.as_str())
}

fn destinations(
    journal: journal::Journal,
    lanes: deliver::Statuses,
) -> impl Fn() -> Vec<admin::Destination> + Send + Sync {
    move || {
        let destinations = journal.lanes().into_iter().map(|books| admin::Destination {
            lane: lanes.of(&books.name).map(lane),
            destination: books.name.to_string(),
            books: admin::Books {
                accepted: books.accepted,
                delivered: books.delivered,
                dead: books.dead,
                discarded: books.discarded,
                lost: books.lost,
                pending: books.pending,
                pending_bytes: books.pending_bytes,
            },
        });
        destinations.collect()
    }
}

fn lane(status: deliver::LaneStatus) -> admin::Lane {
    let last_error = status.last_error.map(|error| admin::LastError {
        class: error.class.into(),
        code: error.code.into(),
        message: error.message.into(),
        time: error.time,
    });
    admin::Lane {
        state: status.state.name().into(),
        last_error,
        next_attempt: status.next_attempt,
        concurrency: status.concurrency,
        in_flight: status.in_flight,
    }
}

fn log_addresses(listeners: [(&str, io::Result<SocketAddr>); 3]) {
    for (listener, address) in listeners {
        match address {
            Ok(address) => info!(listener, %address, "listening"),
            Err(cause) => warn!(listener, %cause, "listening at an unknown address"),
        }
    }
}
