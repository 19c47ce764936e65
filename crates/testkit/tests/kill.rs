//! The kill harness on programs whose every call is known.

#![expect(clippy::unwrap_used, reason = "a test's helpers unwrap as its tests do")]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::kill::{Outcome, Victim, killed_anywhere};

/// A shell script with the directory as its `$1`.
fn script(text: &str, dir: &Path) -> Victim {
    let path = ("PATH".into(), "/usr/bin:/bin".into());
    let mut victim = Victim::new("/bin/sh").args(["-c", text, "script"]).args([dir]);
    victim.env.push(path);
    victim
}

/// examples/victim.rs, which `cargo test` builds next to the tests.
fn threads(dir: &Path) -> Victim {
    let test = std::env::current_exe().unwrap();
    let program: PathBuf = test.ancestors().nth(2).unwrap().join("examples/victim");
    assert!(program.exists(), "no {}: cargo build -p testkit --examples", program.display());
    Victim::new(program).args([dir])
}

/// Everything below a directory, one a line, in order.
fn listing(dir: &Path) -> String {
    let mut found: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let below = if path.is_dir() { listing(&path) } else { String::new() };
            format!("{}\n{below}", path.display())
        })
        .collect();
    found.sort();
    found.concat()
}

fn clear(dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
    fs::create_dir(dir).unwrap();
}

/// The points as text, with the directory left out.
fn seen(victim: &Victim, dir: &Path) -> Vec<String> {
    let run = victim.observe();
    assert_eq!(run.outcome, Outcome::Exited(0), "{run}");
    let dir = format!("{}/", dir.display());
    run.points.iter().map(|point| point.to_string().replace(&dir, "")).collect()
}

const SCRIPT: &str =
    "cd $1; mkdir a; echo text >a/f; mv a/f a/g; (ln -s g a/l); rm a/g; rm a/l; rmdir a; echo ok";

#[test]
fn lists_what_a_script_and_its_children_do() {
    let dir = TempDir::new().unwrap();
    let points = seen(&script(SCRIPT, dir.path()), dir.path());
    let points: Vec<&str> = points.iter().map(String::as_str).collect();
    assert_eq!(
        points,
        [
            "execve /usr/bin/mkdir",
            "mkdir a",
            "openat a/f",
            "write a/f",
            "execve /usr/bin/mv",
            "renameat2 a/f -> a/g",
            "execve /usr/bin/ln",
            "symlinkat g -> a/l",
            "execve /usr/bin/rm",
            "unlinkat a/g",
            "execve /usr/bin/rm",
            "unlinkat a/l",
            "execve /usr/bin/rmdir",
            "rmdir a",
            "write stdout",
        ]
    );
}

#[test]
fn passes_on_input_output_environment_and_code() {
    let text = r#"read line; echo "$line $NAME"; echo oops >&2; echo >/dev/null; exit 3"#;
    let mut victim = script(text, Path::new("/"));
    victim.env.push(("NAME".into(), "value".into()));
    victim.stdin = b"input\n".to_vec();
    let run = victim.observe();
    assert_eq!(run.outcome, Outcome::Exited(3));
    assert_eq!(run.stdout, b"input value\n");
    assert_eq!(run.stderr, b"oops\n");
    assert_eq!(run.points.len(), 1, "{run}");
}

#[test]
fn tells_a_strange_death() {
    let run = script("kill -SEGV $$", Path::new("/")).observe();
    assert_eq!(run.outcome, Outcome::Died(11));
}

#[test]
fn the_call_it_is_killed_at_does_not_happen() {
    let dir = TempDir::new().unwrap();
    let victim = script(SCRIPT, dir.path());
    let unharmed = victim.observe();
    for n in 0..unharmed.points.len() {
        clear(dir.path());
        let run = victim.kill_at(n);
        assert_eq!(run.outcome, Outcome::KilledAt(n));
        assert_eq!(run.points, unharmed.points[..=n], "{run}");
        assert_eq!(run.stdout, b"", "the last point writes it");
        let left = listing(dir.path());
        match run.points[n].call {
            "mkdir" | "openat" => assert!(!left.contains(&run.points[n].target), "{left}"),
            "renameat2" => assert!(left.ends_with("a/f\n"), "{left}"),
            "symlinkat" => assert!(!left.contains("a/l"), "{left}"),
            "unlinkat" | "rmdir" => assert!(left.contains(&run.points[n].target), "{left}"),
            _ => {}
        }
    }
    clear(dir.path());
    assert_eq!(victim.kill_at(unharmed.points.len()).outcome, Outcome::Exited(0));
}

#[test]
fn follows_threads_and_their_children() {
    let dir = TempDir::new().unwrap();
    let first = seen(&threads(dir.path()), dir.path());
    let expected = [
        "mkdir made",
        "openat made/by-thread",
        "write made/by-thread",
        "rename made/by-thread -> made/renamed",
        "execve /bin/mkdir",
        "mkdir made/by-child",
        "openat last",
        "write last",
    ];
    assert_eq!(first, expected);
    for _ in 0..5 {
        clear(dir.path());
        assert_eq!(seen(&threads(dir.path()), dir.path()), expected);
    }
    clear(dir.path());
    let report = killed_anywhere(
        "threads and a child",
        |_| true,
        || {},
        || threads(dir.path()),
        || clear(dir.path()),
        || listing(dir.path()),
    );
    report.assert_clean();
    assert_eq!(report.tried, expected.len());
}

#[test]
fn nothing_is_left_running() {
    let dir = TempDir::new().unwrap();
    // Two children in the background, one of which the shell no longer waits for.
    let text = "cd $1; sleep 1234567 & (sleep 1234567 &) ; touch a; wait";
    let run = script(text, dir.path()).kill_at(2);
    assert_eq!(run.outcome, Outcome::KilledAt(2), "{run}");
    for entry in fs::read_dir("/proc").unwrap() {
        let command = fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
        assert!(!command.ends_with(b"1234567\0"), "a sleep is still there");
    }
}

#[test]
fn a_hang_ends_at_the_deadline() {
    let dir = TempDir::new().unwrap();
    let mut victim = script("mkdir $1/a; sleep 1000 & wait", dir.path());
    victim.deadline = Duration::from_millis(500);
    let start = Instant::now();
    let run = victim.kill_at(99);
    assert_eq!(run.outcome, Outcome::Hung);
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(run.to_string().contains("mkdir"), "{run}");
}

/// What takes back a script's file by its record, if there is one.
fn recover(dir: &Path) {
    if dir.join("record").exists() {
        for name in ["file", "record"] {
            let gone = fs::remove_file(dir.join(name));
            assert!(gone.is_ok() || !dir.join(name).exists());
        }
    }
}

fn killed_everywhere(text: &str, dir: &Path) -> testkit::kill::Report {
    killed_anywhere(
        "file and record",
        |_| true,
        || clear(dir),
        || script(text, dir),
        || recover(dir),
        || listing(dir),
    )
}

#[test]
fn passes_who_records_first() {
    let dir = TempDir::new().unwrap();
    killed_everywhere("cd $1; : >record; echo text >file", dir.path()).assert_clean();
}

#[test]
fn catches_who_acts_without_a_record() {
    let dir = TempDir::new().unwrap();
    let report = killed_everywhere("cd $1; echo text >file; : >record", dir.path());
    // Once the file is there and the record is not: at the write, and at the record.
    assert_eq!(report.tried, 3, "{report}");
    assert_eq!(report.failed.iter().map(|f| f.at).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert!(report.to_string().contains("+ "), "{report}");
    assert!(report.failed[0].what.contains("/file"), "{report}");
}

#[test]
fn catches_who_has_fewer_points_the_next_time() {
    let dir = TempDir::new().unwrap();
    let runs = Cell::new(0);
    let victim = || {
        runs.set(runs.get() + 1);
        script(if runs.get() == 1 { ": >$1/a; : >$1/b" } else { ": >$1/a" }, dir.path())
    };
    let clear = || clear(dir.path());
    let report = killed_anywhere("fickle", |_| true, || {}, victim, clear, || listing(dir.path()));
    assert_eq!(report.failed.len(), 1, "{report}");
    assert_eq!(report.failed[0].at, Some(1));
    assert!(report.failed[0].what.contains("was not killed"), "{report}");
}

#[test]
#[should_panic(expected = "cannot execute /no/such/program")]
fn a_missing_program_is_told() {
    drop(Victim::new("/no/such/program").observe());
}
