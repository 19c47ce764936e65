//! Every file of conf-examples works, through the operator's tool.

use std::path::{Path, PathBuf};

use integration::listing;
use integration::run;
use testkit::netns::Netns;

use crate::bed::{sriov, state};

#[test]
#[expect(clippy::disallowed_methods, reason = "the suite is told where the files are")]
fn every_example_attaches_and_detaches() {
    let (_sriov, before) = (sriov(), state());
    let dir = std::env::var_os("FASTPATH_EXAMPLES_DIR").expect("FASTPATH_EXAMPLES_DIR is not set");
    let dir = Path::new(&dir).join("sriov");
    let files: Vec<PathBuf> = listing(&dir).iter().map(|name| dir.join(name)).collect();
    assert!(!files.is_empty(), "no examples in {}", dir.display());
    let bin = testkit::cni::bin_dir();
    let fastpath = bin.join("fastpath").display().to_string();
    let path = format!("CNI_PATH={}:/usr/lib/cni", bin.display());
    for file in files {
        let (pod, wanted) = (Netns::new(), format!("net1={}", file.display()));
        run(
            "env",
            &[&path, &fastpath, "attach", "--netns", pod.name(), "--id", "example", &wanted],
        );
        assert!(!listing(integration::RECORDS).is_empty(), "{}", file.display());
        // CHECK came with 0.4.0; the thesis' configurations carry no version.
        if std::fs::read_to_string(&file).unwrap().contains("cniVersion") {
            run("env", &[&path, &fastpath, "check", "--netns", pod.name(), "--id", "example"]);
        }
        run("env", &[&path, &fastpath, "detach", "--netns", pod.name(), "--id", "example"]);
        assert_eq!(state(), before, "{}", file.display());
    }
}
