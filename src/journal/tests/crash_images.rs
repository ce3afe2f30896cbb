//! Power cuts: any part of the pages that the last commit changed may have reached the disk.
//!
//! Each image keeps some of them. In each, every earlier commit is whole, the last one is there
//! or not at all, the journal opens, and what is appended then survives a restart.

use std::collections::BTreeSet;

use super::*;

type Files = BTreeMap<PathBuf, Vec<u8>>;

const VARIANTS: usize = 60;

/// A journal before and after its last commit of ten records.
async fn around_a_commit(earlier: usize, last_bytes: usize) -> (Files, Files) {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for n in 0..earlier {
        append(&running.journal, &["a"], &[&body(n, 700)]).await;
    }
    // With nothing due, the only change that follows is the commit's.
    let mut reader = running.journal.reader(&lane("other")).await.unwrap();
    assert!(reader.fetch(1, 1).await.unwrap().is_empty());
    let before = files_in(directory.path());
    let last: Vec<_> = (earlier..earlier + 10).map(|n| body(n, last_bytes)).collect();
    append(&running.journal, &["a"], &last.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut after = files_in(directory.path());
    after.insert("meta.redb".into(), before[Path::new("meta.redb")].clone());
    (before, after)
}

fn body(n: usize, bytes: usize) -> String {
    format!("{n}:{}", "x".repeat(bytes))
}

/// Where the files differ: file and index of the block.
fn changed_blocks(before: &Files, after: &Files, block: usize) -> Vec<(PathBuf, usize)> {
    let mut changed = Vec::new();
    for (name, new) in after {
        let old = before.get(name).map_or(&[][..], Vec::as_slice);
        for index in 0..new.len().div_ceil(block) {
            let of = |file: &[u8]| file.chunks(block).nth(index).map(<[u8]>::to_vec);
            if of(old) != of(new) {
                changed.push((name.clone(), index));
            }
        }
    }
    changed
}

/// The files before the commit, with some of the changed blocks as after it. What was not written
/// of a longer file reads as zeros.
fn image(before: &Files, after: &Files, block: usize, kept: &[(PathBuf, usize)]) -> Files {
    let mut files = before.clone();
    for (name, index) in kept {
        let file = files.entry(name.clone()).or_default();
        let new = &after[name];
        let (from, to) = (index * block, new.len().min((index + 1) * block));
        file.resize(file.len().max(to), 0);
        file[from..to].copy_from_slice(&new[from..to]);
    }
    files
}

/// Subsets, prefixes, all but one, only one.
fn choose(changed: &[(PathBuf, usize)], variant: usize) -> Vec<(PathBuf, usize)> {
    let mut random = fastrand::Rng::with_seed(variant as u64);
    let one = random.usize(..changed.len());
    let keep: Box<dyn FnMut(usize) -> bool> = match variant % 4 {
        0 => Box::new(move |_| random.bool()),
        1 => Box::new(move |index| index < one),
        2 => Box::new(move |index| index != one),
        _ => Box::new(move |index| index == one),
    };
    let flags: Vec<bool> = (0..changed.len()).map(keep).collect();
    changed.iter().zip(flags).filter(|(_, kept)| *kept).map(|(block, _)| block.clone()).collect()
}

async fn survives(files: &Files, earlier: usize, what: &str) {
    let directory = tempfile::tempdir().unwrap();
    write_files(directory.path(), files);
    let running = start(directory.path());
    assert!(running.recovery.corrupt.is_empty(), "{what}: {:?}", running.recovery);
    let found = pending_bodies(&running.journal, "a").await;
    let numbers: BTreeSet<usize> =
        found.iter().map(|body| body.split(':').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers.len(), found.len(), "{what}");
    assert!((0..earlier).all(|n| numbers.contains(&n)), "{what}: an earlier record is lost");
    assert!([earlier, earlier + 10].contains(&found.len()), "{what}: {} records", found.len());
    append(&running.journal, &["a"], &["999:"]).await;
    running.stop().unwrap();
    let again = start(directory.path());
    assert_eq!(pending_bodies(&again.journal, "a").await.len(), found.len() + 1, "{what}");
}

async fn all_variants_survive(earlier: usize, last_bytes: usize) {
    let (before, after) = around_a_commit(earlier, last_bytes).await;
    for block in [4096, 512] {
        let changed = changed_blocks(&before, &after, block);
        assert!(changed.len() > 1);
        for variant in 0..VARIANTS {
            let kept = choose(&changed, variant);
            let files = image(&before, &after, block, &kept);
            let what = format!("variant {variant} of {} blocks of {block}", changed.len());
            survives(&files, earlier, &what).await;
        }
    }
}

#[tokio::test]
async fn a_power_cut_in_a_commit_loses_nothing_answered() {
    all_variants_survive(6, 4000).await;
}

#[tokio::test]
async fn a_power_cut_in_the_first_commit_of_a_segment_loses_nothing_answered() {
    all_variants_survive(16, 2000).await;
}

#[tokio::test]
async fn a_power_cut_in_a_checkpoint_loses_nothing_answered() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(directory.path());
    for n in 0..6 {
        append(&running.journal, &["a"], &[&body(n, 700)]).await;
    }
    let mut before = files_in(directory.path());
    running.stop().unwrap();
    let after = files_in(directory.path());
    for (name, bytes) in &after {
        if name.starts_with("segments") {
            before.insert(name.clone(), bytes.clone());
        }
    }
    for block in [4096, 512] {
        let changed = changed_blocks(&before, &after, block);
        for variant in 0..VARIANTS {
            let files = image(&before, &after, block, &choose(&changed, variant));
            survives(&files, 6, &format!("variant {variant} of {} blocks", changed.len())).await;
        }
    }
}
