//! The `rdpwhy` command.

fn main() {}
