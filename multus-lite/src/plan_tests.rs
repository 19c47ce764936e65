use serde_json::json;

use super::*;

/// A call of the runtime for container c1, eth0.
fn request(keys: &Value) -> Request {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "all", "type": "multus"});
    for (key, value) in keys.as_object().unwrap() {
        conf[key] = value.clone();
    }
    Request {
        container_id: "c1".try_into().unwrap(),
        ifname: "eth0".try_into().unwrap(),
        netns: None,
        args: Args::parse("IgnoreUnknown=1;K8S_POD_NAME=p;K8S_POD_NAMESPACE=n;IP=10.0.0.9;X=y=z")
            .unwrap(),
        path: Vec::new(),
        conf: cni::NetConf::parse(conf.to_string().as_bytes()).unwrap(),
    }
}

fn network(keys: &Value) -> Wanted {
    let mut network = json!({"cniVersion": "1.0.0", "name": "net", "type": "x"});
    for (key, value) in keys.as_object().unwrap() {
        network[key] = value.clone();
    }
    Wanted::of(network.as_object().unwrap().clone())
}

/// A network that a pod selects with these keys.
fn selected(keys: &Value, wanted: Wanted) -> Wanted {
    let mut element = json!({"name": "net"});
    for (key, value) in keys.as_object().unwrap() {
        element[key] = value.clone();
    }
    let mut selections = npwg::selections(&json!([element]).to_string(), "n").unwrap();
    Wanted { selection: selections.pop(), ..wanted }
}

/// Plans these networks one after the other.
fn plan_all(request: &Request, wanted: Vec<Wanted>) -> Result<Vec<Planned>, MultusError> {
    let mut planner = Planner::new(request, Path::new("/devinfo"));
    wanted.into_iter().map(|wanted| planner.plan(wanted, None)).collect()
}

/// The second network, after a default one of which nothing is asked.
fn second(wanted: Wanted) -> Result<Planned, MultusError> {
    let request = request(&json!({"runtimeConfig": {"portMappings": [], "bandwidth": {}}}));
    plan_all(&request, vec![network(&json!({})), wanted]).map(|mut planned| planned.remove(1))
}

fn conf(planned: &Planned) -> Value {
    serde_json::from_str(&planned.attachment.conf).unwrap()
}

#[test]
fn interfaces_are_named_by_position_unless_they_name_themselves() {
    let named = Wanted { ifname: Some("if0".try_into().unwrap()), ..network(&json!({})) };
    let chosen = selected(&json!({"interface": "data0"}), network(&json!({})));
    let request = request(&json!({}));
    let wanted = vec![named.clone(), network(&json!({})), named, chosen, network(&json!({}))];
    let planned = plan_all(&request, wanted).unwrap();
    let ifnames: Vec<_> = planned.iter().map(|one| one.attachment.ifname.as_str()).collect();
    assert_eq!(ifnames, ["eth0", "net1", "if0", "data0", "net4"]);
}

/// Multi-net-spec 4.2: the same network twice is two attachments; an interface has one.
#[test]
fn npwg_18_the_same_network_twice_is_two_attachments_of_different_names() {
    let request = request(&json!({}));
    let planned = plan_all(&request, vec![network(&json!({})); 3]).unwrap();
    assert_eq!(planned.len(), 3);
    let taken = |name: &str| selected(&json!({ "interface": name }), network(&json!({})));
    for (one, two) in [("a", "a"), ("b", "eth0"), ("net2", "")] {
        let two = if two.is_empty() { network(&json!({})) } else { taken(two) };
        let error = plan_all(&request, vec![network(&json!({})), taken(one), two]).unwrap_err();
        assert!(matches!(error, MultusError::SameIfName { .. }), "{error}");
    }
}

/// Multi-net-spec 7.5.
#[test]
fn npwg_29_what_the_runtime_sets_reaches_the_default_network_only() {
    let keys = json!({"capabilities": {"portMappings": true, "bandwidth": true, "mac": false}});
    let ports = json!([{"hostPort": 80, "containerPort": 80}]);
    let request =
        request(&json!({"runtimeConfig": {"portMappings": ports, "mac": "m", "dns": {}}}));
    let planned = plan_all(&request, vec![network(&keys), network(&keys)]).unwrap();
    let capability_args = |index: usize| &planned[index].attachment.capability_args;
    assert_eq!(capability_args(0)["portMappings"], ports);
    assert_eq!(capability_args(0).get("mac"), None);
    assert_eq!(capability_args(0).get("dns"), None);
    assert_eq!(capability_args(1).get("portMappings"), None);
    assert_eq!(
        planned[0].attachment.args,
        "IgnoreUnknown=1;K8S_POD_NAME=p;K8S_POD_NAMESPACE=n;IP=10.0.0.9;X=y=z"
    );
    assert_eq!(planned[1].attachment.args, "IgnoreUnknown=1;K8S_POD_NAME=p;K8S_POD_NAMESPACE=n");
}

/// Multi-net-spec 4.1.2.1, "cni-args".
#[test]
fn npwg_12_cni_args_go_over_the_args_of_the_network_into_every_plugin() {
    let plugins = json!({"plugins": [
        {"type": "a", "args": {"cni": {"k": "network", "keep": 1}, "other": 2}},
        {"type": "b", "args": "rubbish"}, {"type": "c"}]});
    let asked = selected(&json!({"cni-args": {"k": "pod", "new": [1]}}), network(&plugins));
    let conf = conf(&second(asked).unwrap());
    assert_eq!(
        conf["plugins"][0]["args"],
        json!({"cni": {"k": "pod", "keep": 1, "new": [1]}, "other": 2})
    );
    for index in [1, 2] {
        assert_eq!(conf["plugins"][index]["args"], json!({"cni": {"k": "pod", "new": [1]}}));
    }
}

#[test]
fn npwg_17_an_ipam_claim_reference_reaches_the_plugins_as_an_argument() {
    let asked = selected(&json!({"ipam-claim-reference": "vm1.net"}), network(&json!({})));
    let conf = conf(&second(asked).unwrap());
    assert_eq!(conf["args"]["cni"]["ipam-claim-reference"], "vm1.net");
}

/// Multi-net-spec 4.1.2.1: through the capability where it is declared.
#[test]
fn npwg_09_10_13_14_16_requests_go_through_the_capability_where_one_declares_it() {
    let capabilities = json!({"mac": true, "ips": true, "portMappings": true, "bandwidth": true,
                              "infinibandGUID": true});
    let plugins = json!({"plugins": [{"type": "a"}, {"type": "b", "capabilities": capabilities}]});
    let keys = json!({"mac": "02:00:00:00:00:01", "ips": ["10.1.0.5/24"],
        "portMappings": [{"hostPort": 80, "containerPort": 8080}],
        "bandwidth": {"ingressRate": 1000, "ingressBurst": 2000},
        "infiniband-guid": "02:00:00:00:00:00:00:01"});
    let planned = second(selected(&keys, network(&plugins))).unwrap();
    let given = &planned.attachment.capability_args;
    for key in ["mac", "ips", "portMappings", "bandwidth", "infinibandGUID"] {
        assert!(given.contains_key(key), "{key}: {given:?}");
    }
    assert!(!planned.attachment.args.contains("MAC="), "{}", planned.attachment.args);
    planned.requested.verify(&cni::AddResult::default(), "net").unwrap();
}

#[test]
fn npwg_09_10_without_the_capability_mac_and_ips_go_as_arguments_and_must_come_back() {
    let keys = json!({"mac": "02:00:00:00:00:0A", "ips": ["10.1.0.5/24", "fd00::5"]});
    let planned = second(selected(&keys, network(&json!({})))).unwrap();
    let args = &planned.attachment.args;
    assert!(args.ends_with(";MAC=02:00:00:00:00:0a;IP=10.1.0.5/24,fd00::5"), "{args}");
    let result = |mac: &str, ips: &[&str]| {
        let ips: Vec<_> = ips.iter().map(|ip| json!({"address": ip, "interface": 0})).collect();
        let result =
            json!({"interfaces": [{"name": "net1", "mac": mac, "sandbox": "/x"}], "ips": ips});
        cni::AddResult::from_json(&result, cni::Version::LATEST).unwrap()
    };
    let both = ["10.1.0.5/16", "fd00:0::5/64"];
    let verify = |result| planned.requested.verify(&result, "n/net");
    verify(result("02:00:00:00:00:0A", &both)).unwrap();
    for (result, capability) in [
        (result("02:00:00:00:00:0b", &both), "mac"),
        (result("02:00:00:00:00:0a", &both[..1]), "ips"),
        (cni::AddResult::default(), "mac"),
    ] {
        let error = cni::Error::from(verify(result).unwrap_err());
        assert_eq!(error.code, crate::error::CAPABILITY);
        let entry = format!("\"capabilities\": {{\"{capability}\": true}}");
        assert!(error.details.contains(&entry) && error.msg.contains("n/net"), "{error}");
    }
}

#[test]
fn npwg_13_14_16_what_only_a_capability_can_do_is_refused_at_once() {
    for (keys, capability) in [
        (json!({"portMappings": [{"hostPort": 80, "containerPort": 80}]}), "portMappings"),
        (json!({"bandwidth": {"ingressRate": 1}}), "bandwidth"),
        (json!({"infiniband-guid": "02:00:00:00:00:00:00:01"}), "infinibandGUID"),
    ] {
        let error = cni::Error::from(second(selected(&keys, network(&json!({})))).unwrap_err());
        assert_eq!(error.code, crate::error::CAPABILITY);
        assert!(error.details.contains(capability), "{error}");
    }
}

#[test]
fn a_device_that_the_pod_names_is_in_every_plugins_configuration() {
    let plugins =
        json!({"plugins": [{"type": "a"}, {"type": "b", "capabilities": {"deviceID": true}}]});
    let planned =
        second(selected(&json!({"deviceID": "0000:01:10.0"}), network(&plugins))).unwrap();
    let conf = conf(&planned);
    for plugin in conf["plugins"].as_array().unwrap() {
        assert_eq!(
            (&plugin["deviceID"], &plugin["pciBusID"]),
            (&json!("0000:01:10.0"), &json!("0000:01:10.0"))
        );
    }
    assert_eq!(planned.attachment.capability_args["deviceID"], "0000:01:10.0");
}

#[test]
fn every_attachment_has_a_device_info_file_of_its_own() {
    let planned = plan_all(&request(&json!({})), vec![network(&json!({})); 2]).unwrap();
    let files: Vec<_> = planned.iter().map(|one| one.attachment.device_info.clone()).collect();
    assert_ne!(files[0], files[1]);
    assert_eq!(
        planned[1].attachment.capability_args["CNIDeviceInfoFile"],
        json!(files[1].as_ref().unwrap())
    );
}

#[test]
fn a_meta_plugin_is_no_delegate() {
    for plugin in on_disk::META_PLUGINS {
        let error = second(network(&json!({"type": plugin}))).unwrap_err();
        assert!(matches!(error, MultusError::MetaDelegate(_)), "{error}");
    }
}
