use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

/// Directories of plugins; the fakes note every call in `log`.
struct Fixture {
    dir: TempDir,
}

/// Notes verb and stdin; the rest of the script answers.
const NOTE: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
input=$(cat)
echo "$CNI_COMMAND" >>log
printf '%s' "$input" >stdin
env | grep '^CNI_' | sort >env
"#;

impl Fixture {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn plugin(self, name: &str, answer: &str) -> Self {
        let file = self.dir.path().join(name);
        fs::write(&file, format!("{NOTE}{answer}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    fn path(&self) -> Vec<PathBuf> {
        vec![self.dir.path().join("missing"), self.dir.path().to_owned()]
    }

    fn request(&self, version: &str, ipam: &str) -> Request {
        Request {
            container_id: "c1".parse().unwrap(),
            ifname: "eth0".parse().unwrap(),
            netns: Some("/run/netns/a".into()),
            args: Args::parse("A=b=c").unwrap(),
            path: self.path(),
            conf: conf(version, ipam),
        }
    }

    fn gc(&self, version: &str) -> GcRequest {
        GcRequest { path: self.path(), conf: conf(version, r#"{"type":"fake"}"#) }
    }

    fn status(&self) -> StatusRequest {
        StatusRequest { path: self.path(), conf: conf("1.1.0", r#"{"type":"fake"}"#) }
    }
}

fn conf(version: &str, ipam: &str) -> NetConf {
    let raw =
        format!(r#"{{ "cniVersion": "{version}", "name": "n", "type": "t", "ipam": {ipam} }}"#);
    NetConf::parse(raw.as_bytes()).unwrap()
}

const FAKE: &str = r#"{"type":"fake"}"#;
const ANSWER: &str =
    r#"[ $CNI_COMMAND = ADD ] && echo '{"ips":[{"address":"10.0.0.5/24"}]}'; exit 0"#;

#[test]
fn without_ipam_nothing_is_called() {
    let fixture = Fixture::new();
    let request = fixture.request("1.1.0", "{}");
    assert_eq!(ipam_add(&request), Ok(AddResult::default()));
    assert_eq!(ipam_del(&request), Ok(()));
    assert_eq!(ipam_check(&request), Ok(()));
    let (path, conf) = (vec![], request.conf);
    assert_eq!(ipam_gc(&GcRequest { path: path.clone(), conf: conf.clone() }), Ok(()));
    assert_eq!(ipam_status(&StatusRequest { path, conf }), Ok(()));
}

#[test]
fn the_plugin_gets_our_variables_and_the_original_bytes() {
    let fixture = Fixture::new().plugin("fake", ANSWER);
    let request = fixture.request("1.0.0", FAKE);
    assert_eq!(ipam_add(&request).unwrap().ips.len(), 1);
    assert_eq!(fixture.read("stdin").as_bytes(), request.conf.raw());
    let dir = fixture.dir.path().display();
    let env = format!(
        "CNI_ARGS=A=b=c\nCNI_COMMAND=ADD\nCNI_CONTAINERID=c1\nCNI_IFNAME=eth0\nCNI_NETNS=/run/netns/a\nCNI_PATH={dir}/missing:{dir}\n"
    );
    assert_eq!(fixture.read("env"), env);
}

#[test]
fn gc_and_status_carry_no_attachment() {
    let fixture = Fixture::new().plugin("fake", ANSWER);
    ipam_gc(&fixture.gc("1.1.0")).unwrap();
    ipam_status(&fixture.status()).unwrap();
    assert_eq!(fixture.read("log"), "GC\nSTATUS\n");
    assert!(!fixture.read("env").contains("CNI_CONTAINERID"));
    assert_eq!(fixture.read("stdin").as_bytes(), fixture.status().conf.raw());
}

#[test]
fn every_verb_is_passed_on() {
    let fixture = Fixture::new().plugin("fake", ANSWER);
    let request = fixture.request("0.4.0", FAKE);
    ipam_add(&request).unwrap();
    ipam_check(&request).unwrap();
    ipam_del(&request).unwrap();
    assert_eq!(fixture.read("log"), "ADD\nCHECK\nDEL\n");
}

#[test]
fn check_is_not_passed_on_before_0_4_0() {
    let fixture = Fixture::new().plugin("fake", ANSWER);
    ipam_check(&fixture.request("0.3.1", FAKE)).unwrap();
    assert_eq!(fixture.read("log"), "");
}

#[test]
fn a_failed_add_is_followed_by_del_and_keeps_the_error() {
    let error = r#"echo '{"code":11,"msg":"pool is full","details":"10.0.0.0/24"}'; exit 1"#;
    let fixture = Fixture::new().plugin("fake", error);
    let error = ipam_add(&fixture.request("1.0.0", FAKE)).unwrap_err();
    assert_eq!((error.code, error.msg.as_str()), (11, "pool is full"));
    assert_eq!(error.details, "10.0.0.0/24; from ADD of plugin \"fake\"");
    assert_eq!(fixture.read("log"), "ADD\nDEL\n");
}

#[test]
fn an_unreadable_result_is_followed_by_del() {
    for (answer, words) in
        [("echo junk", "decode"), ("echo '{\"ips\":3}'", "decode"), ("true", "decode")]
    {
        let fixture = Fixture::new().plugin("fake", answer);
        let error = ipam_add(&fixture.request("1.0.0", FAKE)).unwrap_err();
        assert!(error.code == code::DECODE && error.msg.contains(words), "{error}");
        assert_eq!(fixture.read("log"), "ADD\nDEL\n");
    }
}

#[test]
fn a_plugin_that_dies_without_an_error_object_is_code_5() {
    let fixture = Fixture::new().plugin("fake", "echo oops; exit 3");
    let error = ipam_del(&fixture.request("1.0.0", FAKE)).unwrap_err();
    assert_eq!(error.code, code::IO);
    assert!(error.details.contains("exit status: 3") && error.details.contains("oops"), "{error}");
}

#[test]
fn a_missing_executable_is_code_7_and_names_type_and_directories() {
    let fixture = Fixture::new();
    fs::write(fixture.dir.path().join("fake"), "not executable").unwrap();
    let error = ipam_add(&fixture.request("1.0.0", FAKE)).unwrap_err();
    assert_eq!((error.code, error.msg.as_str()), (code::CONFIG, "plugin \"fake\" not found"));
    assert!(error.details.contains(&fixture.dir.path().display().to_string()), "{error}");
    assert!(error.details.contains("CNI_PATH"), "{error}");
}

#[test]
fn an_empty_search_path_names_the_variable() {
    let mut request = Fixture::new().request("1.0.0", FAKE);
    request.path.clear();
    let error = ipam_del(&request).unwrap_err();
    assert!(error.code == code::CONFIG && error.details.contains("CNI_PATH"), "{error}");
}

#[test]
fn gc_and_status_forgive_plugins_too_old_to_know_them() {
    for code in [code::ENVIRONMENT, code::INCOMPATIBLE_VERSION] {
        let answer = format!(r#"echo '{{"code":{code},"msg":"unknown"}}'; exit 1"#);
        let fixture = Fixture::new().plugin("fake", &answer);
        assert_eq!(ipam_gc(&fixture.gc("1.1.0")), Ok(()));
        assert_eq!(ipam_status(&fixture.status()), Ok(()));
    }
    let fixture = Fixture::new().plugin("fake", r#"echo '{"code":50,"msg":"down"}'; exit 1"#);
    assert_eq!(ipam_status(&fixture.status()).unwrap_err().code, code::NOT_AVAILABLE);
}

#[test]
fn path_separators_never_reach_the_file_system() {
    for name in ["../sh", "/bin/sh", "", "..", "a/b"] {
        let path = ["/bin".into()];
        let error = run(name, &Call::network(Verb::Status, &path), b"").unwrap_err();
        assert_eq!(error.code, code::CONFIG, "{name}");
    }
}
