use serde_json::json;

use super::*;

fn conf(dir: &Path) -> Conf {
    let conf = json!({"name": "all", "type": "multus", "clusterNetwork": "x", "confDir": dir});
    Conf::of(&cni::NetConf::parse(conf.to_string().as_bytes()).unwrap()).unwrap()
}

fn write(dir: &Path, file: &str, content: &serde_json::Value) {
    fs::write(dir.join(file), content.to_string()).unwrap();
}

fn types(list: &NetworkList) -> Vec<&str> {
    list.plugins.iter().map(|plugin| plugin.plugin_type.as_str()).collect()
}

/// Multi-net-spec 3.4.1: lists by name come before single configurations by name, else it fails.
#[test]
fn npwg_04_lists_come_before_single_configurations_and_nothing_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "10-a.conf", &json!({"name": "a", "type": "single"}));
    write(dir.path(), "20-a.conflist", &json!({"name": "a", "plugins": [{"type": "listed"}]}));
    write(dir.path(), "30-b.json", &json!({"name": "b", "type": "other"}));
    fs::write(dir.path().join("00-broken.conflist"), "{").unwrap();
    fs::write(dir.path().join("00-note.txt"), r#"{"name":"b","type":"no"}"#).unwrap();
    let conf = conf(dir.path());
    assert_eq!(types(&named(&conf, "a").unwrap()), ["listed"]);
    assert_eq!(types(&named(&conf, "b").unwrap()), ["other"]);
    let error = cni::Error::from(named(&conf, "c").unwrap_err());
    assert_eq!(error.code, crate::error::NETWORK);
    assert!(error.details.contains("a, a, b"), "{error}");
}

#[test]
fn the_cluster_network_is_a_name_a_file_or_the_first_of_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "00-multus.conf",
        &json!({"name": "m", "type": "multus", "clusterNetwork": "x"}),
    );
    write(dir.path(), "10-a.conf", &json!({"name": "a", "type": "first"}));
    write(dir.path(), "20-b.conf", &json!({"name": "b", "type": "second"}));
    let conf = conf(dir.path());
    let cluster = |text: &str| types(&cluster(&conf, text).unwrap()).join(",");
    assert_eq!(cluster("b"), "second");
    assert_eq!(cluster(dir.path().join("20-b.conf").to_str().unwrap()), "second");
    assert_eq!(cluster(dir.path().to_str().unwrap()), "first");
    let error = super::cluster(&conf, "/no/such/file.conf").unwrap_err();
    assert!(cni::Error::from(error).to_string().contains("/no/such/file.conf"));
}

#[test]
fn a_directory_that_does_not_exist_has_no_networks() {
    let error = named(&conf(Path::new("/no/such/dir")), "a").unwrap_err();
    assert!(cni::Error::from(error).to_string().contains("/no/such/dir"));
}
