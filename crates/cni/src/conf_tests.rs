use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn parse(text: &str) -> NetConf {
    NetConf::parse(text.as_bytes()).unwrap()
}

fn with(member: &str) -> NetConf {
    parse(&format!(r#"{{"cniVersion":"1.1.0","name":"n","type":"sriov",{member}}}"#))
}

fn refused(text: &str) -> Error {
    NetConf::parse(text.as_bytes()).unwrap_err()
}

#[derive(Debug, PartialEq, Deserialize)]
struct Fields {
    vlan: Option<u16>,
    mac: Option<String>,
    #[serde(default)]
    trunk: Vec<BTreeMap<String, u16>>,
}

fn fields(member: &str) -> Fields {
    with(member).plugin_fields(&["vlan", "mac", "trunk"]).unwrap()
}

/// Compatibility trap 1: Go matches keys in any case and takes the last duplicate.
#[test]
fn trap_keys_match_in_any_case_and_the_last_in_the_document_wins() {
    assert_eq!(fields(r#""VLAN":1,"Mac":"a""#).vlan, Some(1));
    assert_eq!(fields(r#""vlan":1,"VLAN":2"#).vlan, Some(2));
    assert_eq!(fields(r#""VLAN":2,"vlan":1"#).vlan, Some(1));
    assert_eq!(fields(r#""vlan":1,"vlan":2"#).vlan, Some(2));

    let conf =
        parse(r#"{"CNIVERSION":"0.4.0","Name":"n","TYPE":"a","type":"b","IPAM":{"Type":"dhcp"}}"#);
    assert_eq!((conf.cni_version, conf.name.as_str()), (Version::V0_4_0, "n"));
    assert_eq!(conf.plugin_type, "b");
    assert_eq!(conf.ipam, Some(Ipam { plugin_type: "dhcp".to_owned() }));
}

/// Keys of nested objects belong to the plugin's types, which decide for themselves.
#[test]
fn nested_objects_are_left_as_they_are() {
    let trunk = fields(r#""trunk":[{"minID":1,"MaxID":2}]"#).trunk;
    assert_eq!(trunk, [BTreeMap::from([("minID".to_owned(), 1), ("MaxID".to_owned(), 2)])]);
}

/// Compatibility trap 2.
#[test]
fn trap_null_is_unset_and_zero_is_zero() {
    assert_eq!(fields(r#""vlan":null"#).vlan, None);
    assert_eq!(fields(r#""vlan":0"#).vlan, Some(0));
    assert_eq!(fields(r#""vlan":5,"Vlan":null"#).vlan, None);
    assert_eq!(fields(r#""trunk":null"#).trunk, []);
    let conf = with(r#""ipam":null,"prevResult":null,"dns":null,"runtimeConfig":null,"args":null"#);
    assert_eq!((&conf.ipam, &conf.prev_result), (&None, &None));
    assert_eq!(conf.args_cni("a"), None);
}

/// Compatibility trap 3, the first half.
#[test]
fn trap_an_empty_or_absent_version_is_0_1_0() {
    for version in ["", r#""cniVersion":"","#, r#""cniVersion":null,"#] {
        let conf = parse(&format!(r#"{{{version}"name":"n","type":"t"}}"#));
        assert_eq!(conf.cni_version, Version::V0_1_0, "{version}");
    }
}

/// Compatibility trap 6: absent means unknown, empty means none.
#[test]
fn trap_gc_without_a_list_collects_nothing_and_with_an_empty_list_everything() {
    assert_eq!(with(r#""a":1"#).valid_attachments, None);
    assert_eq!(with(r#""cni.dev/valid-attachments":null"#).valid_attachments, None);
    assert_eq!(with(r#""cni.dev/valid-attachments":[]"#).valid_attachments, Some(vec![]));
}

/// Compatibility trap 6: the library sends the list under two names.
#[test]
fn trap_gc_reads_the_list_under_its_old_name_too() {
    let id = |container_id: &str| AttachmentId {
        container_id: container_id.to_owned(),
        ifname: "eth0".to_owned(),
    };
    let old = r#""cni.dev/attachments":[{"containerID":"old","ifname":"eth0"}]"#;
    let new = r#""cni.dev/valid-attachments":[{"containerID":"new","ifname":"eth0"}]"#;
    assert_eq!(with(old).valid_attachments, Some(vec![id("old")]));
    assert_eq!(with(new).valid_attachments, Some(vec![id("new")]));
    assert_eq!(with(&format!("{old},{new}")).valid_attachments, Some(vec![id("new")]));
}

#[test]
fn every_version_is_understood() {
    for version in Version::ALL {
        let conf = parse(&format!(r#"{{"cniVersion":"{version}","name":"n","type":"t"}}"#));
        assert_eq!(conf.cni_version, version);
    }
}

#[test]
fn broken_configurations_are_refused_with_a_code_and_the_key() {
    let cases = [
        ("", code::DECODE, "decode"),
        ("[]", code::DECODE, "decode"),
        (r#"{"name":"n""#, code::DECODE, "decode"),
        (r#"{"name":"n","type":"t"} x"#, code::DECODE, "decode"),
        (r#"{"cniVersion":1,"name":"n","type":"t"}"#, code::DECODE, "cniVersion"),
        (r#"{"cniVersion":"1.2.0","name":"n","type":"t"}"#, code::INCOMPATIBLE_VERSION, "1.2.0"),
        (r#"{"type":"t"}"#, code::CONFIG, "name"),
        (r#"{"name":"-n","type":"t"}"#, code::CONFIG, "-n"),
        (r#"{"name":"a/b","type":"t"}"#, code::CONFIG, "a/b"),
        (r#"{"name":7,"type":"t"}"#, code::DECODE, "name"),
        (r#"{"name":"n"}"#, code::CONFIG, "type"),
        (r#"{"name":"n","type":"../t"}"#, code::CONFIG, "type"),
        (r#"{"name":"n","type":".."}"#, code::CONFIG, "type"),
        (r#"{"name":"n","type":"t","ipam":{"type":"a/b"}}"#, code::CONFIG, "ipam.type"),
        (r#"{"name":"n","type":"t","ipam":[]}"#, code::DECODE, "ipam"),
        (r#"{"name":"n","type":"t","ipam":{"type":1}}"#, code::DECODE, "ipam"),
        (r#"{"name":"n","type":"t","dns":1}"#, code::DECODE, "dns"),
        (
            r#"{"name":"n","type":"t","cni.dev/attachments":{}}"#,
            code::DECODE,
            "cni.dev/attachments",
        ),
        (
            r#"{"cniVersion":"1.0.0","name":"n","type":"t","prevResult":{"ips":1}}"#,
            code::DECODE,
            "result",
        ),
    ];
    for (text, code, words) in cases {
        let error = refused(text);
        assert_eq!(error.code, code, "{text}: {error}");
        assert!(error.msg.contains(words), "{text}: {error}");
    }
}

#[test]
fn an_ipam_without_a_type_is_none() {
    for ipam in ["{}", r#"{"type":""}"#, r#"{"type":null}"#, r#"{"subnet":"10.0.0.0/24"}"#] {
        assert_eq!(with(&format!(r#""ipam":{ipam}"#)).ipam, None, "{ipam}");
    }
}

#[test]
fn a_wrong_type_is_refused_with_code_7_naming_the_key() {
    let error = with(r#""Vlan":"five""#).plugin_fields::<Fields>(&["vlan", "mac"]).unwrap_err();
    assert_eq!(error.code, code::CONFIG);
    assert!(error.msg.contains("\"vlan\""), "{error}");
    let range = with(r#""vlan":70000"#).plugin_fields::<Fields>(&["vlan"]).unwrap_err();
    assert!(range.msg.contains("\"vlan\"") && range.msg.contains("70000"), "{range}");
}

#[test]
fn a_missing_required_field_is_named() {
    #[derive(Debug, Deserialize)]
    struct Required {
        #[expect(dead_code, reason = "only its absence matters")]
        master: String,
    }
    let error = with(r#""a":1"#).plugin_fields::<Required>(&["master"]).unwrap_err();
    assert!(error.code == code::CONFIG && error.msg.contains("master"), "{error}");
}

#[test]
fn unknown_keys_are_the_mistyped_ones() {
    let conf = with(
        r#""vlna":1,"VLAN":2,"dns":{},"ipMasq":true,"cni.dev/x":1,"disableGC":true,"Foo":null"#,
    );
    assert_eq!(conf.unknown_keys(&["vlan"]), ["vlna", "Foo"]);
}

#[test]
fn capabilities_arrive_in_runtime_config() {
    let conf = with(r#""runtimeConfig":{"deviceID":"0000:af:06.0","MAC":null,"mac":"m"}"#);
    assert_eq!(conf.runtime_config("deviceID"), Ok(Some("0000:af:06.0".to_owned())));
    assert_eq!(conf.runtime_config("deviceid"), Ok(Some("0000:af:06.0".to_owned())));
    assert_eq!(conf.runtime_config::<String>("bandwidth"), Ok(None));
    let error = conf.runtime_config::<u32>("deviceID").unwrap_err();
    assert!(error.code == code::CONFIG && error.msg.contains("runtimeConfig.deviceID"), "{error}");
}

#[test]
fn arguments_of_the_configuration_are_text() {
    let conf = with(r#""args":{"cni":{"ip":"10.0.0.1","mtu":9000,"none":null}}"#);
    assert_eq!(conf.args_cni("ip").as_deref(), Some("10.0.0.1"));
    assert_eq!(conf.args_cni("mtu").as_deref(), Some("9000"));
    assert_eq!(conf.args_cni("none"), None);
    assert_eq!(with(r#""args":{"cni":[]}"#).args_cni("ip"), None);
}

#[test]
fn the_previous_result_has_the_version_of_the_configuration() {
    let old = parse(
        r#"{"cniVersion":"0.2.0","name":"n","type":"t","prevResult":{"ip4":{"ip":"10.0.0.5/24"}}}"#,
    );
    let new = with(r#""prevResult":{"ips":[{"address":"10.0.0.5/24"}]}"#);
    assert_eq!(old.prev_result, new.prev_result);
    assert_eq!(new.prev_result.unwrap().ips.len(), 1);
}

#[test]
fn del_ignores_a_broken_previous_result() {
    let raw = br#"{"cniVersion":"1.0.0","name":"n","type":"t","prevResult":{"ips":1}}"#;
    assert_eq!(NetConf::parse_for_del(raw).unwrap().prev_result, None);
}

#[test]
fn the_original_bytes_are_kept_and_not_shown() {
    let raw = json!({"name": "n", "type": "t", "password": "secret"}).to_string();
    let conf = parse(&raw);
    assert_eq!(conf.raw(), raw.as_bytes());
    assert!(!format!("{conf:?}").contains("secret"));
}
