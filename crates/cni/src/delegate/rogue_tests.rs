//! Plugins that hang, flood, die or talk nonsense: each a small shell script.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

const SOON: Duration = Duration::from_millis(300);
/// More than any of these tests needs, and less than what hangs in them would take.
const LONG: Duration = Duration::from_secs(8);

/// A directory with the plugin `rogue`.
struct Rogue {
    dir: TempDir,
    path: [PathBuf; 1],
    timeout: Duration,
}

impl Rogue {
    fn new(script: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("rogue");
        fs::write(&file, format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        Self { path: [dir.path().to_owned()], dir, timeout: TIMEOUT }
    }

    fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn call(&self, verb: Verb) -> Call<'_> {
        Call { timeout: self.timeout, ..Call::network(verb, &self.path) }
    }

    fn add(&self, stdin: &[u8]) -> Result<AddResult, Error> {
        add("rogue", &self.call(Verb::Add), stdin, Version::V1_0_0)
    }

    fn del(&self, stdin: &[u8]) -> Result<(), Error> {
        run("rogue", &self.call(Verb::Del), stdin)
    }

    /// The error of ADD, which names the plugin.
    fn error(&self) -> Error {
        let error = self.add(b"{}").unwrap_err();
        assert!(error.to_string().contains("\"rogue\""), "{error}");
        error
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default().trim().to_owned()
    }
}

/// ADD of a plugin that prints `text` and ends with `status`.
fn printing(text: &str, status: u8) -> Result<AddResult, Error> {
    let rogue = Rogue::new(&format!("cat stdout; exit {status}"));
    fs::write(rogue.dir.path().join("stdout"), text).unwrap();
    let result = rogue.add(b"{}");
    if let Err(error) = &result {
        assert!(error.to_string().contains("\"rogue\""), "{error}");
    }
    result
}

fn took(start: Instant) -> bool {
    (SOON..LONG).contains(&start.elapsed())
}

#[test]
fn a_hanging_plugin_is_killed_and_named() {
    let rogue = Rogue::new("echo $$ >pid; exec sleep 60").within(SOON);
    let start = Instant::now();
    let error = rogue.error();
    assert!(took(start), "{:?}", start.elapsed());
    assert_eq!(error.code, code::TRY_AGAIN);
    assert_eq!(error.msg, "plugin \"rogue\" did not finish ADD in 0.3 s");
    assert!(error.details.contains("tried again"), "{error}");
    assert!(!Path::new("/proc").join(rogue.read("pid")).exists());
}

#[test]
fn a_hanging_del_is_code_11_too() {
    let rogue = Rogue::new("exec sleep 60").within(SOON);
    let error = rogue.del(b"{}").unwrap_err();
    assert_eq!(error.code, code::TRY_AGAIN);
    assert!(error.msg.contains("DEL") && error.msg.contains("rogue"), "{error}");
}

#[test]
fn what_a_killed_plugin_started_holds_nobody_up_and_lives() {
    let rogue = Rogue::new("sleep 9 2>&- & echo $! >child; wait").within(SOON);
    let start = Instant::now();
    assert_eq!(rogue.error().code, code::TRY_AGAIN);
    assert!(took(start), "{:?}", start.elapsed());
    assert!(Path::new("/proc").join(rogue.read("child")).exists());
}

#[test]
fn a_daemon_that_keeps_the_pipes_open_does_not_delay_the_answer() {
    let rogue = Rogue::new("sleep 9 <&0 2>&- & echo '{\"dns\":{\"domain\":\"d\"}}'");
    let start = Instant::now();
    let result = rogue.add(&vec![b' '; 1 << 20]).unwrap();
    assert_eq!(result.dns.domain.as_deref(), Some("d"));
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
}

#[test]
fn a_plugin_that_closes_its_stdout_and_hangs_is_killed() {
    let rogue = Rogue::new("exec sleep 60 >&-").within(SOON);
    assert_eq!(rogue.error().code, code::TRY_AGAIN);
}

#[test]
fn a_plugin_that_prints_and_hangs_is_killed() {
    let rogue = Rogue::new("echo '{}'; exec sleep 60").within(SOON);
    assert_eq!(rogue.error().code, code::TRY_AGAIN);
}

#[test]
fn a_plugin_that_never_stops_printing_is_killed() {
    for script in
        ["echo $$ >pid; exec cat /dev/zero", "echo $$ >pid; exec head -c 10000000 /dev/zero"]
    {
        let rogue = Rogue::new(script);
        let error = rogue.error();
        assert_eq!(error.code, code::DECODE);
        assert!(error.msg.contains("1048576") && error.details.contains("killed"), "{error}");
        assert!(!Path::new("/proc").join(rogue.read("pid")).exists());
    }
}

#[test]
fn a_result_of_the_largest_size_is_read() {
    let script = "printf '{}'; head -c 1048574 /dev/zero | tr '\\0' ' '";
    assert_eq!(Rogue::new(script).add(b"{}"), Ok(AddResult::default()));
}

#[test]
fn a_plugin_that_closes_its_stdin_early_is_fine() {
    let rogue = Rogue::new("exec <&-; echo '{}'");
    for size in [0, 10, 4096, 4097, 1 << 16, 1 << 20] {
        assert_eq!(rogue.add(&vec![b' '; size]), Ok(AddResult::default()), "{size}");
    }
}

#[test]
fn a_plugin_that_does_not_read_a_large_stdin_is_fine() {
    let rogue = Rogue::new("echo '{}'");
    for size in [1, 4096, 1 << 16, 1 << 20] {
        assert_eq!(rogue.add(&vec![b' '; size]), Ok(AddResult::default()), "{size}");
    }
}

#[test]
fn stdin_of_any_size_arrives_whole() {
    let rogue = Rogue::new("wc -c >size");
    for size in [0, 1, 4095, 4096, 4097, (1 << 16) + 1, 1 << 20] {
        rogue.del(&vec![b' '; size]).unwrap();
        assert_eq!(rogue.read("size"), size.to_string());
    }
}

#[test]
fn a_large_answer_before_a_large_stdin_is_read_does_not_block() {
    let rogue = Rogue::new("head -c 1000000 /dev/zero | tr '\\0' ' '; wc -c >size; echo '{}'");
    assert_eq!(rogue.add(&vec![b' '; 1 << 20]), Ok(AddResult::default()));
    assert_eq!(rogue.read("size"), "1048576");
}

#[test]
fn stdin_is_sent_on_after_the_plugin_has_closed_its_stdout() {
    let rogue = Rogue::new("exec >&-; wc -c >size");
    rogue.del(&vec![b' '; 1 << 20]).unwrap();
    assert_eq!(rogue.read("size"), "1048576");
}

#[test]
fn death_by_a_signal_is_code_5_and_names_it() {
    let error = Rogue::new("echo '{}'; kill -9 $$").error();
    assert_eq!((error.code, error.msg.as_str()), (code::IO, "ADD of plugin \"rogue\" failed"));
    assert!(error.details.contains("signal: 9 (SIGKILL)"), "{error}");
}

#[test]
fn an_executable_that_cannot_run_is_code_5() {
    let rogue = Rogue::new("");
    fs::write(rogue.dir.path().join("rogue"), "#!/no/such/interpreter\n").unwrap();
    assert_eq!(rogue.error().code, code::IO);
}

#[test]
fn what_is_no_result_is_code_6_and_is_shown() {
    let deep = "[".repeat(1000);
    for (text, words) in [
        ("", "printed nothing"),
        (" \n", "printed nothing"),
        ("Usage: rogue", "Usage: rogue"),
        ("{}{}", "trailing characters"),
        ("{\"ips\":[]}\n{\"ips\":[]}\n", "trailing characters"),
        (&deep, "recursion limit"),
        ("[]", "not a JSON object"),
        ("\u{feff}\u{feff}{}", "expected value"),
        ("{\"ips\":[{\"address\":\"10.0.0.1\"}]", "EOF"),
    ] {
        let error = printing(text, 0).unwrap_err();
        assert_eq!(error.code, code::DECODE, "{error}");
        assert!(error.details.contains(words), "{words}: {error}");
        assert!(error.to_string().len() < 600, "{error}");
    }
}

#[test]
fn space_a_byte_order_mark_and_duplicate_keys_do_no_harm() {
    for text in [
        "\n\t {\"dns\":{\"domain\":\"d\"}} \r\n\n",
        "\u{feff}{\"dns\":{\"domain\":\"d\"}}",
        "{\"dns\":{\"domain\":\"first\"},\"dns\":{\"domain\":\"d\"}}",
    ] {
        assert_eq!(printing(text, 0).unwrap().dns.domain.as_deref(), Some("d"), "{text:?}");
    }
}

#[test]
fn an_error_object_counts_whatever_the_status() {
    let text = r#"{"cniVersion":"1.0.0","code":103,"msg":"no","details":"why"}"#;
    let error = printing(text, 1).unwrap_err();
    assert_eq!((error.code, error.msg.as_str()), (103, "no"));
    assert_eq!(error.details, "why; from ADD of plugin \"rogue\"");
    let error = printing(text, 0).unwrap_err();
    assert_eq!((error.code, error.msg.as_str()), (103, "no"));
    assert!(error.details.contains("although its exit status is 0"), "{error}");
}

#[test]
fn an_incomplete_error_object_is_completed() {
    for text in [r#"{"code":0}"#, r#"{"code":0,"msg":null,"details":[]}"#, r#"{"code":5,"code":0}"#]
    {
        let error = printing(text, 1).unwrap_err();
        assert_eq!((error.code, error.msg.as_str()), (code::IO, "ADD of plugin \"rogue\" failed"));
    }
}

#[test]
fn a_result_beside_a_failure_is_a_failure() {
    let error = printing(r#"{"ips":[{"address":"10.0.0.5/24"}]}"#, 1).unwrap_err();
    assert_eq!(error.code, code::IO);
    assert!(error.details.contains("exit status: 1") && error.details.contains("10.0.0.5"));
}

#[test]
fn a_result_of_another_known_version_is_read() {
    for text in [
        r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.5/24"}}"#,
        r#"{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.0.0.5/24"}]}"#,
        r#"{"cniVersion":"1.1.0","ips":[{"address":"10.0.0.5/24"}]}"#,
        r#"{"ips":[{"address":"10.0.0.5/24"}]}"#,
    ] {
        assert_eq!(printing(text, 0).unwrap().ips.len(), 1, "{text}");
    }
}

#[test]
fn a_result_of_an_unknown_version_is_code_1_and_names_both() {
    let error = printing(r#"{"cniVersion":"9.9.9"}"#, 0).unwrap_err();
    assert_eq!(error.code, code::INCOMPATIBLE_VERSION);
    assert!(error.msg.contains("9.9.9") && error.details.contains("called with 1.0.0"), "{error}");
}
