use std::os::unix::fs::symlink;

use serde_json::json;
use tempfile::TempDir;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A device plugin's file with `contents`, and where the attachment's is to be.
fn files(contents: &[u8]) -> (TempDir, PathBuf, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let dp = dp_file(root.path(), "fastpath.dev/vf", "0000:af:06.0");
    fs::create_dir(root.path().join("dp")).unwrap();
    fs::write(&dp, contents).unwrap();
    let cni = attachment(root.path(), "prod/fast");
    (root, dp, cni)
}

fn attachment(root: &Path, network: &str) -> PathBuf {
    cni_file(root, network, &"c0ffee".parse().unwrap(), &"net1".parse().unwrap())
}

#[test]
fn the_names_are_those_of_the_specification() {
    let root = Path::new(crate::devinfo::DEFAULT_ROOT);
    assert_eq!(
        dp_file(root, "fastpath.dev/vf", "0000:af:06.0").to_str().unwrap(),
        "/var/run/k8s.cni.cncf.io/devinfo/dp/fastpath.dev-vf-0000:af:06.0-device.json"
    );
    assert_eq!(
        attachment(root, "prod/fast").to_str().unwrap(),
        "/var/run/k8s.cni.cncf.io/devinfo/cni/prod-fast-c0ffee_net1-device.json"
    );
}

#[test]
fn no_name_leaves_its_directory() {
    let root = Path::new("/r");
    for text in ["..", "../..", "/etc/passwd", "a/../../b", ""] {
        for path in [dp_file(root, text, text), attachment(root, text)] {
            let parts: Vec<_> = path.components().collect();
            assert_eq!(parts.len(), 4, "{path:?}");
            assert!(parts.iter().all(|part| part.as_os_str() != ".."), "{path:?}");
        }
    }
}

#[test]
fn every_attachment_has_a_file_of_its_own_and_a_short_name() {
    let long = "x".repeat(253);
    let container = "f".repeat(64).parse().unwrap();
    let file =
        |ifname: &str| cni_file(Path::new("/r"), &long, &container, &ifname.parse().unwrap());
    assert_ne!(file("net1"), file("net2"));
    assert!(file("012345678901234").file_name().unwrap().len() < 255);
}

#[test]
fn the_attachment_gets_what_the_device_plugin_wrote() {
    let text = br#"{"type":"pci","version":"1.0.0","pci":{"pci-address":"0000:af:06.0"},"x":1}"#;
    let (_root, dp, cni) = files(text);
    assert!(copy_dp_to_cni(&dp, &cni).unwrap());
    assert_eq!(fs::read(&cni).unwrap(), text);
    assert_eq!((mode(&cni), mode(cni.parent().unwrap())), (0o444, 0o755));
    assert_eq!(read(&cni).unwrap().unwrap()["x"], 1);
}

#[test]
fn a_copy_replaces_what_an_earlier_call_left() {
    let (_root, dp, cni) = files(b"{}");
    fs::create_dir(cni.parent().unwrap()).unwrap();
    fs::write(&cni, b"old").unwrap();
    fs::write(cni.with_extension("tmp"), b"half").unwrap();
    assert!(copy_dp_to_cni(&dp, &cni).unwrap());
    let names: Vec<_> = fs::read_dir(cni.parent().unwrap()).unwrap().collect();
    assert_eq!((fs::read(&cni).unwrap(), names.len()), (b"{}".to_vec(), 1));
}

#[test]
fn a_copy_does_not_write_through_a_link() {
    let (root, dp, cni) = files(b"{}");
    let victim = root.path().join("victim");
    fs::write(&victim, b"precious").unwrap();
    fs::create_dir(cni.parent().unwrap()).unwrap();
    symlink(&victim, &cni).unwrap();
    symlink(&victim, cni.with_extension("tmp")).unwrap();
    assert!(copy_dp_to_cni(&dp, &cni).unwrap());
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_device_that_is_not_described_is_no_error() {
    let (root, dp, cni) = files(b"{}");
    fs::remove_file(&dp).unwrap();
    assert!(!copy_dp_to_cni(&dp, &cni).unwrap());
    assert!(!root.path().join("cni").exists());
    assert_eq!(read(&cni).unwrap(), None);
}

#[test]
fn a_copy_that_fails_leaves_nothing() {
    let (_root, dp, cni) = files(b"{}");
    fs::create_dir_all(cni.join("in the way")).unwrap();
    let error = copy_dp_to_cni(&dp, &cni).unwrap_err();
    assert!(error.to_string().starts_with("write /"), "{error}");
    assert!(!cni.with_extension("tmp").exists());
}

#[test]
fn files_are_read_up_to_a_limit() {
    let limit = usize::try_from(LIMIT).unwrap();
    let of = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    let (_root, dp, cni) = files(of(limit).as_bytes());
    assert!(copy_dp_to_cni(&dp, &cni).unwrap() && read(&cni).unwrap().is_some());
    fs::write(&dp, of(limit + 1)).unwrap();
    for error in [read(&dp).unwrap_err(), copy_dp_to_cni(&dp, &cni).unwrap_err()] {
        assert!(matches!(error, Error::FileSize { .. }));
        assert!(error.to_string().ends_with("is larger than 65536 bytes"), "{error}");
    }
}

#[test]
fn what_is_no_object_is_refused() {
    for contents in ["", "[]", "null", "{", "\"a\""] {
        let (_root, dp, _) = files(contents.as_bytes());
        assert!(matches!(read(&dp), Err(Error::FileJson { .. })), "{contents}");
    }
    let (_root, dp, _) = files(b"{}");
    assert_eq!(read(&dp).unwrap(), Some(json!({})));
}

#[test]
fn removing_may_be_repeated() {
    let (_root, dp, cni) = files(b"{}");
    copy_dp_to_cni(&dp, &cni).unwrap();
    remove(&cni).unwrap();
    remove(&cni).unwrap();
    assert!(!cni.exists());
    let error = remove(cni.parent().unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("remove /"), "{error}");
}
