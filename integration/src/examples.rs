//! Files of conf-examples, run through the operator's tool.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::netns::Netns;

use crate::{listing, run};

/// Their directory, `$FASTPATH_EXAMPLES_DIR`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "where they are is told by the environment")]
pub fn dir() -> PathBuf {
    let dir = std::env::var_os("FASTPATH_EXAMPLES_DIR");
    dir.unwrap_or_else(|| panic!("FASTPATH_EXAMPLES_DIR is not set")).into()
}

/// One of them.
#[must_use]
pub fn read(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The configuration in one that is a `NetworkAttachmentDefinition`.
#[must_use]
pub fn read_definition(name: &str) -> Value {
    let definition: Value =
        serde_saphyr::from_str(&text(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let conf = definition["spec"]["config"].as_str().unwrap_or_else(|| panic!("{name}: no config"));
    serde_json::from_str(conf).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// One of them as it is written.
#[must_use]
pub fn text(name: &str) -> String {
    let file = dir().join(name);
    fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The configurations of a folder.
#[must_use]
pub fn files(folder: &str) -> Vec<PathBuf> {
    let dir = dir().join(folder);
    let files = listing(&dir).into_iter().map(|name| dir.join(name));
    let is_conf = |file: &PathBuf| {
        file.extension().is_some_and(|extension| extension == "conf" || extension == "conflist")
    };
    let files: Vec<_> = files.filter(is_conf).collect();
    assert!(!files.is_empty(), "no examples in {}", dir.display());
    files
}

/// Attaches one pod and detaches it; everything is as before, and there was something meanwhile. Further
/// plugins are in `plugins`, separated by colons.
pub fn works(ifname: &str, file: &Path, plugins: &str, state: impl Fn() -> String) {
    let bin = testkit::cni::bin_dir();
    let fastpath = bin.join("fastpath").display().to_string();
    let path = format!("CNI_PATH={}:{plugins}", bin.display());
    let (pod, before) = (Netns::new(), state());
    let call = |verb: &str, args: &[&str]| {
        let on = [&path, &fastpath, verb, "--netns", pod.name(), "--id", "example"];
        run("env", &[&on, args].concat());
    };
    call("attach", &[&format!("{ifname}={}", file.display())]);
    assert_ne!(state(), before, "{}", file.display());
    // CHECK came with 0.4.0; some examples carry an older version, or none.
    let text = fs::read_to_string(file).unwrap();
    if text.contains("cniVersion") && !text.contains("0.3.1") {
        call("check", &[]);
    }
    call("detach", &[]);
    assert_eq!(state(), before, "{}", file.display());
}
