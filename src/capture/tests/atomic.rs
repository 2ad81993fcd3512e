//! Files that are whole or not there.

use std::fs;
use std::io::{ErrorKind, Write};

use crate::capture::AtomicFile;

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_has_its_name_only_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcapng");
    let mut file = AtomicFile::create(&path, false).unwrap();
    file.write_all(b"half").unwrap();
    file.flush().unwrap();
    assert!(!path.exists() && names(folder.path()).len() == 1);
    file.write_all(b" and half").unwrap();
    file.commit().unwrap();
    assert_eq!(names(folder.path()), ["a.pcapng"]);
    assert_eq!(fs::read(&path).unwrap(), b"half and half");
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777,
        0o600
    );
}

#[test]
fn what_is_given_up_vanishes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, b"old").unwrap();
    let mut file = AtomicFile::create(&path, true).unwrap();
    file.write_all(b"new").unwrap();
    drop(file);
    assert_eq!((names(folder.path()), fs::read(&path).unwrap()), (vec!["a".to_owned()], b"old".to_vec()));
    let mut file = AtomicFile::create(&path, true).unwrap();
    file.write_all(b"new").unwrap();
    file.commit().unwrap();
    assert_eq!((names(folder.path()), fs::read(&path).unwrap()), (vec!["a".to_owned()], b"new".to_vec()));
}

#[test]
fn a_file_that_is_there_stays_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let late = AtomicFile::create(&path, false).unwrap();
    fs::write(&path, b"old").unwrap();
    assert_eq!(AtomicFile::create(&path, false).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(late.commit().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!((names(folder.path()), fs::read(&path).unwrap()), (vec!["a".to_owned()], b"old".to_vec()));
    assert!(AtomicFile::create(std::path::Path::new("/"), false).is_err());
}

#[test]
fn leftovers_are_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, b"kept").unwrap();
    fs::write(folder.path().join(".hidden"), b"kept").unwrap();
    std::mem::forget(AtomicFile::create(&path, true).unwrap());
    assert_eq!(names(folder.path()).len(), 3);
    AtomicFile::clean(folder.path()).unwrap();
    assert_eq!(names(folder.path()), [".hidden", "a"]);
}
