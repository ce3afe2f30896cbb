//! Opening: the directory, the lock, recovery; then the handle and the writer.

use std::{
    collections::BTreeMap,
    error::Error,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing::warn;

use super::{
    Config, DatabaseError, Journal, Quotas, Recovery, Writer,
    dead::{Reconciled, Store, reconcile},
    disk::{Disk, RealDisk},
    frame::VERSION,
    handle::Shared,
    log::Log,
    meta::{Found, Meta},
    recent::Recent,
    recover::{CheckpointFound, DeadLettersFound, dense, recover},
    reserve::Reserve,
    room::{Room, is_full},
    segment::Layout,
    writer::Accounts,
};

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made.
    #[error("cannot create {}", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "journal {} is held by process {pid}; stop it, or give this one its own `journal.directory`",
        path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The holder; 0 if it has not said yet.
        pid: u32,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A segment cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The segment.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory cannot be made durable, a torn tail not be cut off, or the reserve not be used.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A later program wrote it.
    #[error(
        "{} has format {version} and this program reads {VERSION}; start the newer fanfare",
        path.display()
    )]
    Version {
        /// The segment.
        path: PathBuf,
        /// The format that it names.
        version: u16,
    },
    /// The database of the small things, or that of the dead letters, cannot be used.
    #[error(transparent)]
    Database(DatabaseError),
}

/// Opens the journal, making it if there is none, and recovers what the last process left.
///
/// Reads the whole log after the last checkpoint, so it takes a moment. The writer must run on a
/// thread of its own before the handle is of use.
pub fn open(config: &Config) -> Result<(Journal, Writer, Recovery), OpenError> {
    open_with_quotas(config, Quotas::default())
}

/// Opens the journal as `open` does; appends for a lane that has its quota pending are refused.
pub fn open_with_quotas(
    config: &Config,
    quotas: Quotas,
) -> Result<(Journal, Writer, Recovery), OpenError> {
    open_on(config, Arc::new(RealDisk), quotas)
}

pub(super) fn open_on(
    config: &Config,
    disk: Arc<dyn Disk>,
    quotas: Quotas,
) -> Result<(Journal, Writer, Recovery), OpenError> {
    let layout = Layout { root: config.directory.as_path().into() };
    make_directories(&layout, &*disk)?;
    let lock = lock(&layout)?;
    let mut reserve =
        Reserve::open(Arc::clone(&disk), &layout.reserve(), config.size_limit.as_u64())
            .map_err(|source| OpenError::Write { path: layout.reserve(), source })?;
    let found = open_on_reserve(&mut reserve, || {
        Meta::open(Arc::clone(&disk), layout.meta(), &layout.corrupt())
    })?;
    let limit = config.dead_letters_limit.as_u64();
    let (dead, moved_to) = open_on_reserve(&mut reserve, || {
        Store::open(Arc::clone(&disk), layout.dead_letters(), &layout.corrupt(), limit)
    })?;
    sync_directory(&*disk, &layout.root)?;
    let recent = recent(config, &found);
    let mut recovered = recover(&layout, &*disk, (found.checkpoint, recent))?;
    if recovered.recent.is_none() || recovered.report.checkpoint != CheckpointFound::Valid {
        open_on_reserve(&mut reserve, || found.meta.forget_recent())?;
    }
    if found.lost {
        recovered.report.checkpoint = CheckpointFound::Lost { moved_to: found.moved_to };
    }
    let mut report = recovered.report.clone();
    report.dead_letters.moved_to = moved_to;
    let last = recovered.end.segment;
    let file = (!recovered.sealed).then(|| reopen(&layout, last)).transpose()?;
    let log = Log {
        ticked: disk.uptime(),
        disk,
        layout: layout.clone(),
        journal: recovered.journal,
        bytes: recovered.segments.values().map(|segment| segment.bytes).sum(),
        segments: std::mem::take(&mut recovered.segments),
        file,
        end: recovered.end,
        segment_bytes: config.segment_bytes(),
        time: recovered.time,
    };
    let mut accounts = Accounts {
        ledgers: dense(recovered.lanes),
        next_seq: recovered.next_seq,
        acks: BTreeMap::new(),
        recent: recovered.recent,
    };
    settle(&dead, &log, &mut accounts, &mut report.dead_letters)?;
    let shared = Shared::new(config, layout, lock, (found.meta, dead), recovered.journal);
    let room = Room::new(config.size_limit.as_u64(), reserve, quotas);
    let (journal, writer) = super::writer::pair(config, shared, log, room, accounts);
    Ok((journal, writer, report))
}

/// The directories, each durable before anything in it. Only the owner may look into them: what a
/// store sent may hold its client's credentials.
fn make_directories(layout: &Layout, disk: &dyn Disk) -> Result<(), OpenError> {
    for path in [&layout.root, &*layout.segments(), &*layout.corrupt()] {
        make(path, 0o700, disk)?;
    }
    Ok(())
}

fn make(path: &Path, mode: u32, disk: &dyn Disk) -> Result<(), OpenError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    };
    if parent != path {
        make(parent, 0o777, disk)?;
    }
    let made = DirBuilder::new().mode(mode).create(path);
    made.map_err(|source| OpenError::Create { path: path.into(), source })?;
    sync_directory(disk, parent)
}

fn sync_directory(disk: &dyn Disk, path: &Path) -> Result<(), OpenError> {
    disk.sync_directory(path).map_err(|source| OpenError::Write { path: path.into(), source })
}

/// The ids that were accepted lately, as far as the checkpoint goes.
fn recent(config: &Config, found: &Found) -> Option<Recent> {
    let mut recent = Recent::new(config.dedupe_window?);
    if let Some(checkpoint) = &found.checkpoint {
        match found.meta.recent() {
            Ok(chunks) => recent.load(chunks, checkpoint.time),
            Err(error) => warn!(
                error = &error as &dyn Error,
                "cannot read which events were accepted lately; their copies will be accepted"
            ),
        }
    }
    Some(recent)
}

/// Even to open it, a database needs some space.
fn open_on_reserve<T>(
    reserve: &mut Reserve,
    open: impl Fn() -> Result<T, DatabaseError>,
) -> Result<T, OpenError> {
    loop {
        match open() {
            Err(error) if is_full(error.kind()) && reserve.lend() => {}
            opened => return opened.map_err(OpenError::Database),
        }
    }
}

/// Brings the dead letters and the log to say the same. That reads more of the file than opening
/// it did, so corruption may show only now.
fn settle(
    dead: &Store,
    log: &Log,
    accounts: &mut Accounts,
    report: &mut DeadLettersFound,
) -> Result<(), OpenError> {
    let reconciled = match reconcile(dead, log, &mut accounts.ledgers) {
        Err(DatabaseError::Corrupt { .. }) => {
            let moved = dead.abandon(&log.layout.corrupt()).map_err(OpenError::Database)?;
            report.moved_to = Some(moved);
            reconcile(dead, log, &mut accounts.ledgers)
        }
        reconciled => reconciled,
    };
    let reconciled = reconciled.map_err(OpenError::Database)?;
    let Reconciled { acks, end_seq, lost, found } = reconciled;
    accounts.next_seq = accounts.next_seq.max(end_seq);
    (accounts.acks, report.missing, report.unknown) = (acks, lost, found);
    Ok(())
}

fn reopen(layout: &Layout, segment: u64) -> Result<File, OpenError> {
    let path = layout.segment(segment);
    let opened = OpenOptions::new().write(true).open(&path);
    opened.map_err(|source| OpenError::Write { path, source })
}

/// The lock lives as long as the file is open.
fn lock(layout: &Layout) -> Result<File, OpenError> {
    let path = layout.lock();
    let failed = |source| OpenError::Lock { path: path.clone(), source };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            // Over the earlier number, which takes no space. It is for people: a full disk must not
            // keep the journal closed for it.
            let named = write!(file, "{:<10}", std::process::id());
            if let Err(cause) = named {
                warn!(path = %path.display(), %cause, "the lock does not name this process");
            }
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(failed)?;
            let pid = holder.trim().parse().unwrap_or(0);
            Err(OpenError::Locked { path: layout.root.to_path_buf(), pid })
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
