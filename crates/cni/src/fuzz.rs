//! What holds for any bytes whatever: the targets of the fuzzer in `fuzz/`, run by `tests/corpus.rs`
//! over the committed corpus and mutations of it as well. Each panics when its invariant breaks.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use serde_json::{Map, Value};

use crate::delegate::answer::Answer;
use crate::env::is_identifier;
use crate::plugin::Verb;
use crate::runtime::NetworkList;
use crate::{AddResult, Args, ContainerId, Error, IfName, NetConf, Version, code};

/// A configuration that is accepted is safe to use: its names are file names, its bytes are kept.
///
/// # Panics
/// When that does not hold.
pub fn conf(bytes: &[u8]) {
    match NetConf::parse(bytes) {
        Ok(conf) => accepted(&conf, bytes),
        Err(error) => {
            let expected = [code::INCOMPATIBLE_VERSION, code::DECODE, code::CONFIG];
            assert!(expected.contains(&error.code), "{error:?}");
            assert!(!error.msg.is_empty());
        }
    }
    if let Ok(list) = NetworkList::load(bytes) {
        assert!(is_identifier(&list.name));
    }
}

fn accepted(conf: &NetConf, bytes: &[u8]) {
    assert_eq!(conf.raw(), bytes);
    assert!(is_identifier(&conf.name));
    let ipam = conf.ipam.as_ref().map(|ipam| &ipam.plugin_type);
    for file in [&conf.plugin_type].into_iter().chain(ipam) {
        assert!(!file.is_empty() && !file.contains('/') && file != "..");
    }
    let known = ["vlan", "mac", "deviceID"];
    let fields: Map<String, Value> = conf.plugin_fields(&known).unwrap_or_default();
    assert!(fields.iter().all(|(key, value)| known.contains(&key.as_str()) && !value.is_null()));
    let unknown = conf.unknown_keys(&known);
    assert!(!unknown.iter().any(|key| key.eq_ignore_ascii_case("vlan")));
    if let Some(result) = &conf.prev_result {
        reads_back(result);
    }
}

/// Arguments and names that are accepted read back as themselves.
///
/// # Panics
/// When that does not hold.
pub fn args(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(args) = Args::parse(text) {
        assert_eq!(Args::parse(&args.to_string()), Ok(args.clone()));
        assert!(args.iter().all(|(key, _)| args.get(key).is_some()));
    }
    if let Ok(name) = text.parse::<IfName>() {
        assert_eq!(name.to_string().parse(), Ok(name.clone()));
        assert!(name.as_str().len() <= 15 && !name.as_str().contains('/'));
    }
    if let Ok(id) = text.parse::<ContainerId>() {
        assert!(id.to_string() == text && is_identifier(text));
    }
}

/// A result that is accepted reads back equal in 1.1.0; converting it twice changes nothing more.
///
/// # Panics
/// When that does not hold.
pub fn result(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    for default in [Version::V0_2_0, Version::V0_4_0, Version::LATEST] {
        if let Ok(result) = AddResult::from_json(&value, default) {
            reads_back(&result);
        }
    }
}

/// Whatever a plugin prints and however it ends: a result that reads back, or an error that says so.
///
/// # Panics
/// When that does not hold.
pub fn delegate_output(bytes: &[u8]) {
    const ENDS: [i32; 3] = [0, 1 << 8, 9]; // exit status 0, exit status 1, SIGKILL
    for status in ENDS.map(ExitStatus::from_raw) {
        let answer = |verb| Answer { plugin: "fuzz", verb, status, stdout: bytes.to_vec() };
        for version in [Version::V0_2_0, Version::V0_4_0, Version::LATEST] {
            match answer(Verb::Add).result(version) {
                Ok(result) => {
                    assert!(status.success());
                    reads_back(&result);
                }
                Err(error) => says_something(&error),
            }
        }
        match answer(Verb::Del).done() {
            Ok(()) => assert!(status.success()),
            Err(error) => says_something(&error),
        }
    }
}

fn says_something(error: &Error) {
    assert!(error.code != 0 && !error.msg.is_empty(), "{error:?}");
    assert!(error.to_string().contains("fuzz"), "the plugin is not named: {error:?}");
}

fn reads_back(result: &AddResult) {
    let newest = result.to_json(Version::LATEST).map(|value| read(&value));
    assert_eq!(newest.as_ref(), Ok(result));
    for version in Version::ALL {
        let once = result.to_json(version);
        let twice = once.as_ref().map(read).map(|result| result.to_json(version));
        assert_eq!(twice, Ok(once.clone()), "{version}");
    }
}

fn read(value: &Value) -> AddResult {
    match AddResult::from_json(value, Version::LATEST) {
        Ok(result) => result,
        Err(error) => panic!("{error}: {value}"),
    }
}
