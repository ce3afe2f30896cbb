//! The disk is full, becomes read-only, or has lost some of what was written.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use regex::Regex;

use super::{Scene, drains, skipped};
use crate::harness::{SOON, until};

/// A file system of its own; it is taken away when this is dropped.
struct Mount(PathBuf);

impl Mount {
    /// Needs root; without it, and where there is no such file system, there is none.
    fn new(arguments: &[&str], at: PathBuf) -> Option<Self> {
        run("mount", &[arguments, &[path_of(&at)]].concat()).then_some(Self(at))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A lazy one also takes away what a failed test still has open.
        run("umount", &["--lazy", path_of(&self.0)]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

fn path_of(path: &Path) -> &str {
    path.to_str().expect("a home has a plain name")
}

#[test]
fn a_disk_may_be_full() {
    let scene = Scene::new().set("journal", "size_limit", "64MiB");
    let journal = scene.home.path("journal");
    let Some(disk) = Mount::new(&["-t", "tmpfs", "-o", "size=12m", "tmpfs"], journal) else {
        return skipped("full disk", "this user may not mount a tmpfs");
    };
    scene.live(|scene, daemon| {
        scene.take_more(100);
        scene.aws.refuse();
        // Somebody else fills the disk, while nothing can be delivered.
        fill(&disk.0.join("somebody-else"));
        until("events are refused", SOON, || (daemon.readyz().status == 503).then_some(()));
        scene.aws.listen().expect("the port is ours");
        // What is delivered frees what is needed to say so.
        until("the backlog goes out all the same", SOON, || {
            (daemon.metric("fanfare_pending", &[]) < 0.5).then_some(())
        });
        fs::remove_file(disk.0.join("somebody-else")).expect("it is there");
        scene.take_more(100);
    });
    // The next life begins on a full disk.
    let daemon = scene.start();
    scene.under_load(|| {
        fill(&disk.0.join("somebody-else"));
        until("events are refused", SOON, || (daemon.readyz().status == 503).then_some(()));
        daemon.signal("KILL");
    });
    daemon.ended(SOON);
    scene.count_fault();
    fs::remove_file(disk.0.join("somebody-else")).expect("it is there");
    scene.ends_well("full disk");
}

/// Writes until the disk has no more.
fn fill(file: &Path) {
    let mut file = File::create(file).expect("a file takes no space yet");
    let written = io::copy(&mut io::repeat(0), &mut file);
    assert_eq!(written.expect_err("the disk ends").kind(), ErrorKind::StorageFull);
}

#[test]
fn a_disk_may_become_read_only() {
    let scene = Scene::new();
    let image = scene.home.path("image");
    let file = File::create(&image).and_then(|file| file.set_len(64 << 20));
    file.expect("the home is writable");
    let mounted = || {
        let options = ["-o", "loop,errors=remount-ro", path_of(&image)];
        Mount::new(&options, scene.home.path("journal"))
    };
    let made = run("mkfs.ext4", &["-q", path_of(&image)]);
    let Some(disk) = made.then(mounted).flatten() else {
        return skipped("read-only disk", "this user may not mount an ext4 of a file");
    };
    let daemon = scene.start();
    scene.under_load(|| scene.take_more(200));
    // What ext4 does by itself when it finds an error of the device. Nothing is posted meanwhile:
    // Linux 6.18 sometimes lets an fdatasync succeed that is on its way then, of bytes that are lost.
    assert!(run("mount", &["-o", "remount,abort", path_of(&disk.0)]), "ext4 can be told to");
    scene.count_fault();
    let before = scene.stores.accepted();
    scene.under_load(|| {
        until("events are posted", SOON, || {
            (scene.stores.told().unanswered.len() > 20).then_some(())
        });
    });
    assert_eq!(scene.stores.accepted(), before, "no event is taken");
    daemon.signal("KILL");
    daemon.ended(SOON);
    drop(disk);
    until("nothing holds the image", SOON, || {
        let held = Command::new("losetup").args(["--associated", path_of(&image)]).output();
        held.is_ok_and(|held| held.stdout.is_empty()).then_some(())
    });
    until("the image is whole", SOON, || run("e2fsck", &["-fy", path_of(&image)]).then_some(()));
    let _disk = mounted().expect("it was mounted before");
    scene.ends_well("read-only disk");
}

/// The files of the log, in its order.
fn segments(scene: &Scene) -> Vec<PathBuf> {
    let files = fs::read_dir(scene.home.path("journal").join("segments"));
    let files = files.expect("there are segments");
    let mut files: Vec<_> =
        files.map(|file| file.expect("the directory is readable").path()).collect();
    files.sort();
    files
}

/// A life in which nothing is delivered, ended without a warning.
fn leave_a_backlog(scene: &Scene) {
    scene.aws.refuse();
    let daemon = scene.start();
    scene.under_load(|| {
        scene.take_more(300);
        daemon.signal("KILL");
    });
    daemon.ended(SOON);
}

#[test]
fn a_write_may_be_torn() {
    let scene = Scene::new();
    for _ in 0..5 {
        leave_a_backlog(&scene);
        let segments = segments(&scene);
        // Half a frame, which was never answered: the beginning of one that is valid elsewhere.
        let [first, .., last] = segments.as_slice() else { panic!("a backlog of segments") };
        let mut torn = fs::read(first).expect("a segment is readable").split_off(4096);
        torn.truncate(fastrand::usize(1..8192));
        let mut last = File::options().append(true).open(last).expect("it is there");
        last.write_all(&torn).expect("a segment is writable");
        scene.count_fault();
    }
    scene.ends_well("torn writes");
}

#[test]
fn a_byte_of_the_log_may_flip() {
    let mut scene = Scene::new();
    for _ in 0..5 {
        leave_a_backlog(&scene);
        // Behind what flips something is valid, or it would look like a torn write.
        let segments = segments(&scene);
        let segment = &segments[fastrand::usize(..segments.len() - 1)];
        flip_a_byte(segment);
        scene.count_fault();
    }
    // To be put aside they have to be found; what is behind them arrives.
    scene.aws.listen().expect("the port is ours");
    let daemon = scene.start();
    drains(&daemon);
    daemon.stop();
    scene.aside = put_aside(&scene);
    scene.ends_well("flipped bytes of the log");
}

#[test]
fn a_byte_of_the_checkpoint_may_flip() {
    let scene = Scene::new();
    for _ in 0..5 {
        leave_a_backlog(&scene);
        flip_a_byte(&scene.home.path("journal").join("meta.redb"));
        scene.count_fault();
    }
    scene.ends_well("flipped bytes of the checkpoint");
}

fn flip_a_byte(path: &Path) {
    let file = File::options().read(true).write(true).open(path).expect("it is there");
    let length = file.metadata().expect("it is a file").len();
    let (place, mut byte) = (fastrand::u64(..length), [0]);
    file.read_exact_at(&mut byte, place).expect("the place is in the file");
    byte[0] ^= 1 << fastrand::u32(..8);
    file.write_all_at(&byte, place).expect("the place is in the file");
}

/// The events in what fanfare has found corrupt and kept for a look.
fn put_aside(scene: &Scene) -> BTreeSet<u64> {
    let sequencer = Regex::new(r#""sequencer":"([0-9A-F]{18})""#).expect("the pattern is fixed");
    let files = fs::read_dir(scene.home.path("journal").join("corrupt"));
    let files = files.expect("there is a place for what is corrupt");
    let mut numbers = BTreeSet::new();
    for file in files {
        let bytes = fs::read(file.expect("the directory is readable").path());
        let text = String::from_utf8_lossy(&bytes.expect("a copy is readable")).into_owned();
        let found = sequencer.captures_iter(&text);
        numbers.extend(found.filter_map(|found| u64::from_str_radix(&found[1], 16).ok()));
    }
    numbers
}
