//! A victim for the tests of the kill harness: two threads and a child, all of which change
//! something in the directory given as the argument.

#![expect(clippy::unwrap_used, reason = "part of a test")]
#![expect(clippy::disallowed_methods, reason = "starts the child that the harness must follow")]

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, thread};

fn main() {
    let dir = PathBuf::from(env::args_os().nth(1).expect("usage: victim DIR"));
    fs::create_dir(dir.join("made")).unwrap();
    let inner = dir.clone();
    thread::spawn(move || {
        fs::write(inner.join("made/by-thread"), "thread").unwrap();
        let second = thread::spawn(move || {
            fs::rename(inner.join("made/by-thread"), inner.join("made/renamed")).unwrap();
        });
        second.join().unwrap();
    })
    .join()
    .unwrap();
    let child = Command::new("/bin/mkdir").arg(dir.join("made/by-child")).status().unwrap();
    assert!(child.success());
    fs::write(dir.join("last"), "end").unwrap();
}
