//! The directory is durable before anything in it, and its owner's alone.

use std::{fs::File, io, os::unix::fs::PermissionsExt, sync::Mutex};

use super::*;

/// Remembers the directories whose names were made durable.
#[derive(Debug, Default)]
struct WatchedDisk(Mutex<Vec<PathBuf>>);

impl Disk for WatchedDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        RealDisk.truncate(file, length)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().push(path.into());
        RealDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

#[test]
fn every_directory_that_is_made_is_made_durable() {
    let above = tempfile::tempdir().unwrap();
    let (parent, root) = (above.path().join("new"), above.path().join("new/journal"));
    let disk = Arc::new(WatchedDisk::default());
    drop(open_on(&config_in(&root), Arc::<WatchedDisk>::clone(&disk)).unwrap());
    let synced = disk.0.lock().unwrap().clone();
    for path in [above.path(), &parent, &root, &root.join("segments")] {
        assert!(synced.iter().any(|synced| synced == path), "{} of {synced:?}", path.display());
    }
}

#[test]
fn only_the_owner_may_look_into_it() {
    let above = tempfile::tempdir().unwrap();
    let root = above.path().join("journal");
    drop(open_on(&config_in(&root), Arc::new(RealDisk)).unwrap());
    for name in ["", "segments", "corrupt"] {
        let mode = fs::metadata(root.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
}
