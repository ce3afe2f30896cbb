//! A database's file, through the same seam as the log, so that a disk that lies lies to both.
//!
//! It takes no lock: the journal's covers it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use redb::StorageBackend;

use super::disk::{Disk, write_all_at};

#[derive(Debug)]
pub(super) struct DatabaseFile {
    disk: Arc<dyn Disk>,
    file: File,
}

impl DatabaseFile {
    pub(super) fn open(disk: &Arc<dyn Disk>, path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { disk: Arc::clone(disk), file })
    }
}

impl StorageBackend for DatabaseFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.truncate(&self.file, length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync(&self.file)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&*self.disk, &self.file, bytes, offset)
    }
}
