//! Opening: the directory, the lock, recovery; then the handle and the writer.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::PathBuf,
    sync::Arc,
};

use super::{
    Config, Journal, MetaError, Recovery, Writer,
    disk::{Disk, RealDisk},
    frame::VERSION,
    handle::Shared,
    log::Log,
    meta::Meta,
    recover::{CheckpointFound, Recovered, dense, recover},
    segment::Layout,
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
    /// A torn tail cannot be cut off durably.
    #[error("cannot write {}", path.display())]
    Write {
        /// The segment or directory.
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
    /// The database of the small things cannot be used.
    #[error(transparent)]
    Meta(MetaError),
}

/// Opens the journal, making it if there is none, and recovers what the last process left.
///
/// Reads the whole log after the last checkpoint, so it takes a moment. The writer must run on a
/// thread of its own before the handle is of use.
pub fn open(config: &Config) -> Result<(Journal, Writer, Recovery), OpenError> {
    open_on(config, Arc::new(RealDisk))
}

pub(super) fn open_on(
    config: &Config,
    disk: Arc<dyn Disk>,
) -> Result<(Journal, Writer, Recovery), OpenError> {
    let layout = Layout { root: config.directory.as_path().into() };
    for path in [layout.segments(), layout.corrupt()] {
        fs::create_dir_all(&path).map_err(|source| OpenError::Create { path, source })?;
    }
    let lock = lock(&layout)?;
    let found = Meta::open(layout.meta(), &layout.corrupt()).map_err(OpenError::Meta)?;
    let mut recovered = recover(&layout, &*disk, found.checkpoint)?;
    if found.lost {
        recovered.report.checkpoint = CheckpointFound::Lost { moved_to: found.moved_to };
    }
    let report = recovered.report.clone();
    let last = recovered.end.segment;
    let file = (!recovered.sealed).then(|| reopen(&layout, last)).transpose()?;
    let log = Log {
        disk,
        layout: layout.clone(),
        journal: recovered.journal,
        bytes: recovered.segments.values().map(|segment| segment.bytes).sum(),
        segments: std::mem::take(&mut recovered.segments),
        file,
        end: recovered.end,
        segment_bytes: config.segment_bytes(),
    };
    let shared = Shared::new(config, layout, lock, found.meta, recovered.journal);
    let Recovered { lanes, next_seq, .. } = recovered;
    let (journal, writer) = super::writer::pair(config, shared, log, dense(lanes), next_seq);
    Ok((journal, writer, report))
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
            file.set_len(0).map_err(failed)?;
            write!(file, "{}", std::process::id()).map_err(failed)?;
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
