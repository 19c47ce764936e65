//! Every key with good and bad values.

use super::*;

fn parse(keys: &str) -> Result<Conf, ConfError> {
    let json =
        format!(r#"{{"name":"n","type":"sriov"{}{keys}}}"#, if keys.is_empty() { "" } else { "," });
    Conf::of_network(&NetConf::parse(json.as_bytes()).unwrap())
}

#[test]
fn the_thesis_configuration_is_understood() {
    let conf = parse(
        r#""if0":"enp1s0f1","if0name":"if0","dpdk":{"kernel_driver":"ixgbevf","dpdk_driver":"vfio-pci","dpdk_tool":"/x.py"}"#,
    )
    .unwrap();
    assert_eq!(conf.device, Some(Device::AnyOf("enp1s0f1".to_owned())));
    assert_eq!(conf.if0name.as_deref(), Some("if0"));
    assert_eq!(conf.dpdk.unwrap().kernel_driver.as_deref(), Some("ixgbevf"));
    assert!(conf.warnings[0].contains("dpdk_tool"), "{:?}", conf.warnings);
}

#[test]
fn runtime_config_goes_before_the_configuration() {
    let conf = parse(
        r#""deviceID":"0000:01:10.0","mac":"02:00:00:00:00:01","runtimeConfig":{"deviceID":"0000:01:10.2","mac":"02:00:00:00:00:02"}"#,
    )
    .unwrap();
    assert_eq!(conf.device, Some(Device::Vf("0000:01:10.2".parse().unwrap())));
    assert_eq!(conf.mac.unwrap().to_string(), "02:00:00:00:00:02");
}

#[test]
fn empty_runtime_values_do_not_hide_the_configurations() {
    let conf = parse(
        r#""deviceID":"0000:01:10.0","mac":"02:00:00:00:00:01","runtimeConfig":{"deviceID":"","mac":""}"#,
    )
    .unwrap();
    assert!(conf.device.is_some() && conf.mac.is_some());
}

#[test]
fn bad_values_name_their_key() {
    for (keys, key) in [
        (r#""deviceID":"../x""#, "deviceID"),
        (r#""deviceID":"0000:01:10.0","if0":"p""#, "if0"),
        (r#""vlan":4095"#, "vlan"),
        (r#""vlan":-1"#, "vlan"),
        (r#""vlan":1,"vlanQoS":8"#, "vlanQoS"),
        (r#""vlanQoS":1"#, "vlanQoS"),
        (r#""vlan":0,"vlanQoS":1"#, "vlanQoS"),
        (r#""vlan":1,"vlanProto":"802.1x""#, "vlanProto"),
        (r#""vlan":0,"vlanProto":"802.1ad""#, "vlanProto"),
        (r#""min_tx_rate":20,"max_tx_rate":10"#, "min_tx_rate"),
        (r#""max_tx_rate":-1"#, "max_tx_rate"),
        (r#""spoofchk":"On""#, "spoofchk"),
        (r#""trust":"yes""#, "trust"),
        (r#""link_state":"up""#, "link_state"),
        (r#""mac":"01:00:5e:00:00:01""#, "mac"),
        (r#""mac":"00:00:00:00:00:00""#, "mac"),
        (r#""mtu":67"#, "mtu"),
        (r#""if0name":"eth0""#, "if0name"),
        (r#""if0name":"a/b""#, "if0name"),
        (r#""dpdk":{"dpdk_driver":"evil"}"#, "dpdk_driver"),
        (r#""dpdk":{"kernel_driver":"igbvf"}"#, "dpdk_driver"),
        (r#""dpdk":{"dpdk_driver":"vfio-pci","kernel_driver":"nvme"}"#, "kernel_driver"),
        (r#""vlan":"7""#, "vlan"),
        (r#""dpdk":{"dpdk_drvier":"vfio-pci"}"#, "dpdk_driver"),
    ] {
        let error: cni::Error = crate::error::SriovError::from(parse(keys).unwrap_err()).into();
        assert_eq!(error.code, cni::code::CONFIG, "{keys}");
        assert!(format!("{} {}", error.msg, error.details).contains(key), "{keys}: {error:?}");
    }
}

#[test]
fn null_is_unset_and_zero_is_zero() {
    assert_eq!(parse(r#""vlan":null"#).unwrap().vlan, None);
    assert_eq!(parse(r#""vlan":0"#).unwrap().vlan.unwrap().id, 0);
}

#[test]
fn keys_match_in_any_case_as_in_go() {
    assert_eq!(parse(r#""VLAN":5"#).unwrap().vlan.unwrap().id, 5);
}

#[test]
fn an_unknown_key_is_a_warning() {
    let conf = parse(r#""vlna":5"#).unwrap();
    assert_eq!(conf.warnings, ["unknown key \"vlna\" is ignored"]);
}

#[test]
fn an_empty_dpdk_object_asks_for_nothing() {
    assert_eq!(parse(r#""dpdk":{}"#).unwrap().dpdk, None);
}
