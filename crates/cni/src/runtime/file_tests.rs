use tempfile::TempDir;

use super::*;

const LIST: &str = r#"{"cniVersion":"1.1.0","Name":"other","name":"net","plugins":[{"type":"a"}]}"#;

/// The file `list.conflist`, and those in `net/` beside it.
fn host(list: &str, plugins: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("list.conflist");
    fs::write(&file, list).unwrap();
    for (name, text) in plugins {
        fs::create_dir_all(dir.path().join("net")).unwrap();
        fs::write(dir.path().join("net").join(name), text).unwrap();
    }
    (dir, file)
}

fn types(list: &NetworkList) -> Vec<&str> {
    list.plugins.iter().map(|plugin| plugin.plugin_type.as_str()).collect()
}

fn error(list: &str, plugins: &[(&str, &str)]) -> Error {
    let (_dir, file) = host(list, plugins);
    NetworkList::load_file(&file).unwrap_err()
}

#[test]
fn cni11_plugins_beside_the_list_are_added_in_the_order_of_their_names() {
    let (dir, file) = host(
        LIST,
        &[
            ("20-c.conf", r#"{"type":"c","keep":{"Me":[1,2]}}"#),
            ("10-b.conf", r#"{"type":"b","name":"ignored"}"#),
            ("15-x.json", r#"{"type":"x"}"#),
            ("16-y.conf.bak", r#"{"type":"y"}"#),
        ],
    );
    fs::create_dir(dir.path().join("net/00-dir.conf")).unwrap();
    let list = NetworkList::load_file(&file).unwrap();
    assert_eq!((types(&list), list.name.as_str()), (vec!["a", "b", "c"], "net"));
}

#[test]
fn cni11_the_bytes_of_the_list_hold_all_its_plugins() {
    let (dir, file) = host(LIST, &[("b.conf", r#"{"type":"b","keep":{"Me":[1,2]}}"#)]);
    let list = NetworkList::load_file(&file).unwrap();
    fs::remove_dir_all(dir.path()).unwrap();
    let again = NetworkList::load(list.raw()).unwrap();
    assert_eq!((types(&again), again.name.as_str()), (vec!["a", "b"], "net"));
    let value: Value = serde_json::from_slice(again.raw()).unwrap();
    assert_eq!(value["plugins"][1]["keep"]["Me"][1], 2);

    // Neither does reading them from a file add the plugins twice.
    let (_dir, file) = host("", &[("b.conf", r#"{"type":"b"}"#)]);
    fs::write(&file, list.raw()).unwrap();
    assert_eq!(types(&NetworkList::load_file(&file).unwrap()), ["a", "b"]);
}

#[test]
fn cni11_only_inlined_plugins_on_request() {
    for flag in ["true", "\"True\""] {
        let list = LIST.replace("{\"cni", &format!("{{\"LoadOnlyInlinedPlugins\":{flag},\"cni"));
        let (_dir, file) = host(&list, &[("b.conf", "junk")]);
        let loaded = NetworkList::load_file(&file).unwrap();
        assert_eq!((types(&loaded), loaded.raw()), (vec!["a"], list.as_bytes()));
    }
}

#[test]
fn cni11_a_list_may_have_all_its_plugins_beside_it() {
    for list in [r#"{"name":"net"}"#, r#"{"name":"net","plugins":[]}"#] {
        let (_dir, file) = host(list, &[("b.conf", r#"{"type":"b"}"#)]);
        assert_eq!(types(&NetworkList::load_file(&file).unwrap()), ["b"]);
        assert!(error(list, &[]).msg.contains("no plugins"));
    }
}

#[test]
fn a_list_or_a_single_configuration_alone_keeps_its_bytes() {
    for text in [LIST, r#"{"name":"net","type":"a"}"#] {
        let (_dir, file) = host(text, &[]);
        assert_eq!(NetworkList::load_file(&file).unwrap().raw(), text.as_bytes());
    }
    let (_dir, file) = host(r#"{"name":"net","type":"a"}"#, &[("b.conf", "junk")]);
    assert_eq!(types(&NetworkList::load_file(&file).unwrap()), ["a"]);
}

#[test]
fn an_error_names_the_file() {
    for (plugin, code) in [("junk", code::DECODE), ("[]", code::DECODE), ("{}", code::CONFIG)] {
        let error = error(LIST, &[("b.conf", plugin)]);
        assert!(error.code == code && error.details.contains("net/b.conf"), "{error}");
    }
    for (list, code) in [("junk", code::DECODE), (r#"{"name":"../net"}"#, code::CONFIG)] {
        let error = error(list, &[("b.conf", r#"{"type":"b"}"#)]);
        assert!(error.code == code && error.details.contains("list.conflist"), "{error}");
    }
    let error = NetworkList::load_file(Path::new("/no/such/file.conf")).unwrap_err();
    assert!(error.code == code::IO && error.msg.contains("/no/such/file.conf"), "{error}");
}

#[test]
fn too_large_files_and_networks_are_refused() {
    let half = format!(r#"{{"type":"b","pad":"{}"}}"#, " ".repeat(600_000));
    let twice = half.repeat(2);
    for plugins in [&[("b.conf", twice.as_str())][..], &[("b.conf", &half), ("c.conf", &half)]] {
        let error = error(LIST, plugins);
        assert!(error.code == code::CONFIG && error.msg.contains(".conf is too large"), "{error}");
    }
    assert_eq!(error(&twice, &[]).code, code::CONFIG);
}
