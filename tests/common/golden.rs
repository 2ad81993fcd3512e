//! Outputs that are kept, and compared with.

use std::path::PathBuf;

/// A path in the project.
pub fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares with a file of the project. `RDPWHY_BLESS=1 cargo test` rewrites the files instead.
pub fn golden(path: &str, actual: &str) {
    let file = project(path);
    if std::env::var_os("RDPWHY_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    let line = actual.lines().zip(expected.lines()).position(|(a, e)| a != e);
    let line = line.unwrap_or_else(|| actual.lines().count().min(expected.lines().count()));
    assert!(
        actual == expected,
        "{path} differs from line {}:\n  expected: {:?}\n  actual:   {:?}\nIf the change is meant: RDPWHY_BLESS=1 cargo test",
        line + 1,
        expected.lines().nth(line),
        actual.lines().nth(line),
    );
}
