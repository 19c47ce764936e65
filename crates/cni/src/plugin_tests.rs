use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::{Interface, IpConfig};

use super::*;

/// Records what it was called with and answers as told.
#[derive(Default)]
struct Fake {
    calls: RefCell<Vec<String>>,
    fails: Option<Error>,
}

impl Fake {
    fn note(&self, call: String) -> Result<(), Error> {
        self.calls.borrow_mut().push(call);
        self.fails.clone().map_or(Ok(()), Err)
    }
}

impl Plugin for Fake {
    fn add(&self, request: &Request) -> Result<AddResult, Error> {
        self.note(format!("add {} {}", request.container_id, request.ifname))?;
        let interface =
            Interface { name: "eth0".to_owned(), mtu: Some(9000), ..Interface::default() };
        let address = "10.0.0.5/24".parse().unwrap();
        let ip = IpConfig { address, gateway: None, interface: Some(0) };
        Ok(AddResult { interfaces: vec![interface], ips: vec![ip], ..AddResult::default() })
    }

    fn del(&self, request: &Request) -> Result<(), Error> {
        self.note(format!("del {} {:?}", request.container_id, request.netns))
    }

    fn check(&self, request: &Request) -> Result<(), Error> {
        self.note(format!("check {}", request.conf.name))
    }

    fn gc(&self, request: &GcRequest) -> Result<(), Error> {
        self.note(format!("gc {:?}", request.conf.valid_attachments.as_ref().map(Vec::len)))
    }

    fn status(&self, request: &StatusRequest) -> Result<(), Error> {
        self.note(format!("status {}", request.path.len()))
    }
}

/// One call of a plugin.
struct Call {
    env: BTreeMap<&'static str, String>,
    stdin: String,
    plugin: Fake,
}

/// What came of it.
struct Outcome {
    success: bool,
    stdout: String,
    calls: Vec<String>,
}

fn call(command: &str, version: &str) -> Call {
    let env = [
        ("CNI_COMMAND", command),
        ("CNI_CONTAINERID", "c1"),
        ("CNI_NETNS", "/run/netns/a"),
        ("CNI_IFNAME", "eth0"),
        ("CNI_PATH", "/opt/cni/bin"),
    ];
    Call {
        env: env.into_iter().map(|(name, value)| (name, value.to_owned())).collect(),
        stdin: format!(r#"{{"cniVersion":"{version}","name":"n","type":"fake"}}"#),
        plugin: Fake::default(),
    }
}

impl Call {
    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.env.insert(name, value.to_owned());
        self
    }

    fn unset(mut self, name: &'static str) -> Self {
        self.env.remove(name);
        self
    }

    fn stdin(mut self, stdin: &str) -> Self {
        stdin.clone_into(&mut self.stdin);
        self
    }

    fn failing(mut self, code: u32) -> Self {
        self.plugin.fails = Some(Error::new(code, "it failed", "try this"));
        self
    }

    fn serve(self) -> Outcome {
        let Self { env, stdin, plugin } = self;
        let mut stdout = Vec::new();
        let env = |name: &str| env.get(name).map(OsString::from);
        let exit = serve(env, &mut stdin.as_bytes(), &mut stdout, &plugin);
        Outcome {
            success: format!("{exit:?}") == format!("{:?}", ExitCode::SUCCESS),
            stdout: String::from_utf8(stdout).unwrap(),
            calls: plugin.calls.into_inner(),
        }
    }
}

impl Outcome {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The error object; there was no call of the plugin.
    fn refusal(&self) -> Value {
        assert!(!self.success && self.calls.is_empty(), "{} {:?}", self.stdout, self.calls);
        self.json()
    }
}

#[test]
fn add_prints_the_result_in_the_version_of_the_configuration() {
    for version in Version::ALL {
        let outcome = call("ADD", version.as_str()).serve();
        assert!(outcome.success);
        assert_eq!(outcome.calls, ["add c1 eth0"]);
        let result = outcome.json();
        assert_eq!(result["cniVersion"], json!(version));
        assert_eq!(result.get("ip4").is_some(), version <= Version::V0_2_0, "{version}");
        assert_eq!(result["interfaces"][0].get("mtu").is_some(), version == Version::V1_1_0);
    }
}

/// Compatibility trap 4, the first half.
#[test]
fn trap_success_of_the_other_verbs_prints_nothing() {
    for command in ["DEL", "CHECK", "GC", "STATUS"] {
        let outcome = call(command, "1.1.0").serve();
        assert!(outcome.success, "{command}: {}", outcome.stdout);
        assert_eq!((outcome.stdout.as_str(), outcome.calls.len()), ("", 1), "{command}");
    }
}

/// Compatibility trap 4, the second half.
#[test]
fn trap_failure_is_an_object_on_stdout_with_the_version_and_exit_status_1() {
    for command in ["ADD", "DEL", "CHECK", "GC", "STATUS"] {
        for code in [code::TRY_AGAIN, code::NOT_AVAILABLE, code::LIMITED, 102] {
            let outcome = call(command, "1.1.0").failing(code).serve();
            assert!(!outcome.success);
            let expected = json!({"cniVersion": "1.1.0", "code": code, "msg": "it failed", "details": "try this"});
            assert_eq!(outcome.json(), expected, "{command}");
        }
    }
    assert_eq!(call("ADD", "0.4.0").failing(7).serve().json()["cniVersion"], "0.4.0");
}

#[test]
fn version_lists_all_versions_whatever_stdin_holds() {
    for (stdin, version) in [
        ("", "1.1.0"),
        ("not json", "1.1.0"),
        (r#"{"cniVersion":"9.9.9"}"#, "1.1.0"),
        (r#"{"cniVersion":"0.4.0"}"#, "0.4.0"),
    ] {
        let outcome = call("VERSION", "").unset("CNI_CONTAINERID").stdin(stdin).serve();
        assert!(outcome.success);
        let all = json!(["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]);
        assert_eq!(outcome.json(), json!({"cniVersion": version, "supportedVersions": all}));
    }
}

#[test]
fn unknown_and_missing_commands_are_code_4() {
    for command in ["", "add", "UPDATE"] {
        let error = call(command, "1.1.0").serve().refusal();
        assert_eq!(error["code"], code::ENVIRONMENT);
        assert!(error["msg"].as_str().unwrap().contains("CNI_COMMAND"), "{error}");
    }
    assert_eq!(call("ADD", "1.1.0").unset("CNI_COMMAND").serve().refusal()["code"], 4);
}

#[test]
fn all_missing_variables_are_named_at_once() {
    let needed = [
        ("ADD", vec!["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]),
        ("CHECK", vec!["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]),
        ("DEL", vec!["CNI_CONTAINERID", "CNI_IFNAME"]),
    ];
    for (command, names) in needed {
        let bare = call(command, "1.1.0").unset("CNI_CONTAINERID").unset("CNI_NETNS");
        let error = bare.set("CNI_IFNAME", "").serve().refusal();
        assert_eq!(error["code"], code::ENVIRONMENT);
        for part in ["msg", "details"] {
            let text = error[part].as_str().unwrap();
            assert!(text.contains(&names.join(", ")), "{command}: {error}");
        }
    }
}

#[test]
fn del_comes_without_a_namespace() {
    for outcome in
        [call("DEL", "1.1.0").unset("CNI_NETNS"), call("DEL", "1.1.0").set("CNI_NETNS", "")]
    {
        assert_eq!(outcome.serve().calls, ["del c1 None"]);
    }
}

#[test]
fn gc_and_status_need_no_attachment() {
    for command in ["GC", "STATUS"] {
        let bare = call(command, "1.1.0").unset("CNI_CONTAINERID").unset("CNI_IFNAME");
        assert!(bare.unset("CNI_NETNS").unset("CNI_PATH").serve().success);
    }
}

#[test]
fn invalid_variables_are_code_4_and_named() {
    for (name, value) in [
        ("CNI_CONTAINERID", "../c"),
        ("CNI_IFNAME", "a/b"),
        ("CNI_IFNAME", ".."),
        ("CNI_ARGS", "x"),
    ] {
        let error = call("ADD", "1.1.0").set(name, value).serve().refusal();
        assert_eq!(error["code"], code::ENVIRONMENT);
        assert!(error["msg"].as_str().unwrap().contains(name), "{error}");
    }
}

#[test]
fn a_variable_that_is_not_utf_8_is_code_4() {
    use std::os::unix::ffi::OsStringExt as _;
    let env = |name: &str| match name {
        "CNI_COMMAND" => Some("ADD".into()),
        "CNI_IFNAME" => Some(OsString::from_vec(vec![0xff])),
        _ => Some("x".into()),
    };
    let mut stdout = Vec::new();
    serve(env, &mut io::empty(), &mut stdout, &Fake::default());
    let error: Value = serde_json::from_slice(&stdout).unwrap();
    assert!(error["code"] == 4 && error["msg"] == "invalid CNI_IFNAME", "{error}");
}

#[test]
fn configurations_are_refused_by_code() {
    let cases = [
        ("", code::DECODE),
        ("{", code::DECODE),
        (r#"{"cniVersion":"2.0.0","name":"n","type":"t"}"#, code::INCOMPATIBLE_VERSION),
        (r#"{"cniVersion":"1.1.0","type":"t"}"#, code::CONFIG),
        (r#"{"cniVersion":"1.1.0","name":"_","type":"t"}"#, code::CONFIG),
    ];
    for command in ["ADD", "DEL", "CHECK", "GC", "STATUS"] {
        for (stdin, code) in cases {
            let error = call(command, "").stdin(stdin).serve().refusal();
            assert_eq!(error["code"], code, "{command} {stdin}");
        }
    }
}

#[test]
fn verbs_newer_than_the_configuration_are_code_1() {
    for (command, since) in
        [("CHECK", Version::V0_4_0), ("GC", Version::V1_1_0), ("STATUS", Version::V1_1_0)]
    {
        for version in Version::ALL {
            let outcome = call(command, version.as_str()).serve();
            assert_eq!(outcome.success, version >= since, "{command} {version}");
            if !outcome.success {
                let error = outcome.refusal();
                assert_eq!(error["code"], code::INCOMPATIBLE_VERSION);
                assert_eq!(error["cniVersion"], json!(version));
            }
        }
    }
}

#[test]
fn del_goes_ahead_with_a_broken_previous_result_and_check_does_not() {
    let stdin = r#"{"cniVersion":"1.0.0","name":"n","type":"t","prevResult":{"ips":7}}"#;
    assert!(call("DEL", "").stdin(stdin).serve().success);
    assert_eq!(call("CHECK", "").stdin(stdin).serve().refusal()["code"], code::DECODE);
}

#[test]
fn a_closed_stdout_is_a_failure() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let env = |name: &str| (name == "CNI_COMMAND").then(|| "VERSION".into());
    let exit = serve(env, &mut io::empty(), &mut Closed, &Fake::default());
    assert_eq!(format!("{exit:?}"), format!("{:?}", ExitCode::FAILURE));
}
