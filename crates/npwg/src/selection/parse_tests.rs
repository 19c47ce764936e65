use super::*;

fn read(annotation: &str) -> Vec<Selection> {
    selections(annotation, "pods").unwrap_or_else(|error| panic!("{annotation}: {error}"))
}

fn refused(annotation: &str) -> String {
    match selections(annotation, "pods") {
        Ok(list) => panic!("{annotation}: {list:?}"),
        Err(error) => error.to_string(),
    }
}

/// Namespace, name and interface of each.
fn networks(annotation: &str) -> Vec<String> {
    let text = |selection: Selection| {
        let interface = selection.interface.map(|name| format!("@{name}")).unwrap_or_default();
        format!("{}/{}{interface}", selection.namespace, selection.name)
    };
    read(annotation).into_iter().map(text).collect()
}

#[test]
fn npwg_07_both_forms_say_the_same() {
    let expected = ["pods/net-a", "prod/net-b", "prod/net-c@fast0", "pods/net-d@eth1.100"];
    let comma = "net-a, prod/net-b,\n\tprod/net-c@fast0 ,net-d@eth1.100";
    let json = r#" [{"name":"net-a"}, {"name":"net-b","namespace":"prod"},
        {"name":"net-c","namespace":"prod","interface":"fast0"},
        {"name":"net-d","namespace":"","interface":"eth1.100"}] "#;
    assert_eq!(networks(comma), expected);
    assert_eq!(networks(json), expected);
    assert_eq!(read(comma), read(json));
}

#[test]
fn npwg_07_white_space_around_the_parts_does_not_matter() {
    assert_eq!(networks(" prod / net-a @ fast0 "), ["prod/net-a@fast0"]);
}

#[test]
fn npwg_07_a_blank_annotation_selects_nothing() {
    for blank in ["", " ", "\n\t", "[]", " [ ] "] {
        assert_eq!(read(blank), []);
    }
}

#[test]
fn npwg_07_what_is_neither_form_is_refused() {
    for text in ["a,,b", "a,", ",", "a b", "a@", "/a", "prod/", "a/b/c", "a@b@c", "@b", "null"] {
        let message = match selections(text, "pods") {
            Err(error) => error.to_string(),
            Ok(list) => {
                assert_eq!((text, list.len()), ("null", 1), "null is a good name");
                continue;
            }
        };
        assert!(message.starts_with("network selection ["), "{message}");
    }
    for text in ["[", "{\"name\":\"a\"", "\"a", "a,[b]"] {
        assert!(matches!(selections(text, "pods"), Err(Error::Json { .. })), "{text}");
    }
    assert_eq!(
        refused(r#"{"name":"a"}"#),
        r#"the network selections are {"name":"a"}, not a JSON list of objects"#
    );
    assert_eq!(
        refused(r#"[{"name":"a"},"b"]"#),
        r#"network selection [1] "(without a name)": invalid element "b": it must be an object such as {"name": "net-a"}"#
    );
}

#[test]
fn npwg_03_names_that_are_not_of_kubernetes_objects_are_refused() {
    let names =
        ["..", ".", "../a", "-a", "a-", "A", "a_b", "ä", "a\\", "a;b", "a\0b", &"a".repeat(254)];
    for name in names {
        let comma = refused(name);
        assert!(comma.contains("invalid name") || comma.contains("invalid namespace"), "{comma}");
        for key in ["name", "namespace"] {
            let mut element = serde_json::json!([{"name": "net-a"}]);
            element[0][key] = name.into();
            let message = refused(&element.to_string());
            assert!(message.contains(&format!("invalid {key} ")), "{message}");
        }
    }
}

#[test]
fn npwg_03_dots_are_for_the_json_form() {
    assert_eq!(networks(r#"[{"name":"a.b-c.0"}]"#), ["pods/a.b-c.0"]);
    assert!(refused("a.b").contains("invalid name \"a.b\""));
}

#[test]
fn npwg_03_namespaces_are_at_most_63_long() {
    let long = "a".repeat(64);
    assert!(refused(&format!("{long}/net")).contains("invalid namespace"));
    assert!(
        refused(&format!(r#"[{{"name":"net","namespace":"{long}"}}]"#))
            .contains("invalid namespace")
    );
    assert_eq!(read(&long).len(), 1);
}

#[test]
fn the_namespace_filled_in_is_checked_as_well() {
    for annotation in ["net-a", r#"[{"name":"net-a"}]"#] {
        let error = selections(annotation, "../etc").unwrap_err().to_string();
        assert!(error.contains("invalid namespace \"../etc\""), "{error}");
    }
}

#[test]
fn npwg_11_no_two_attachments_have_the_same_interface() {
    let expected = "network selections [0] and [2] both ask for interface \"fast0\"; every interface of a pod has its own name";
    assert_eq!(refused("net-a@fast0,net-a,net-b@fast0"), expected);
    assert_eq!(read("net-a@fast0,net-a@fast1").len(), 2);
}

#[test]
fn npwg_15_only_one_attachment_has_the_default_route() {
    let message = refused(
        r#"[{"name":"a","default-route":[]},{"name":"b"},{"name":"c","default-route":["192.0.2.1"]}]"#,
    );
    assert_eq!(
        message,
        "network selections [0] and [2] both have \"default-route\"; only one may have it"
    );
}

#[test]
fn npwg_18_the_same_network_twice_is_two_attachments() {
    assert_eq!(networks("net-a,net-a"), ["pods/net-a", "pods/net-a"]);
    assert_eq!(networks(r#"[{"name":"net-a"},{"name":"net-a"}]"#), ["pods/net-a", "pods/net-a"]);
}

#[test]
fn errors_name_the_element_the_key_the_value_and_what_is_valid() {
    assert_eq!(
        refused("net-a,net-b@a/b"),
        "network selection [1] \"net-b@a/b\": invalid interface \"a/b\": it must be 1 to 15 bytes without '/', ':', white space and control characters"
    );
    assert_eq!(
        refused(r#"[{"name":"net-a"},{"name":"net-b","mac":"zz"}]"#),
        "network selection [1] \"net-b\": invalid mac \"zz\": it must be 6 bytes such as 02:00:00:00:00:01"
    );
}

#[test]
fn errors_do_not_repeat_what_is_endless() {
    for text in [
        "x".repeat(100_000),
        format!("a@{}", "é".repeat(100_000)),
        format!(r#"[{{"name":"{}"}}]"#, "x".repeat(100_000)),
        format!(r#"[{{"name":"a","mac":"{}"}}]"#, "\u{7}".repeat(100_000)),
        format!(r#"{{"a":"{}"}}"#, "x".repeat(100_000)),
    ] {
        let message = refused(&text);
        assert!(message.len() < 1000, "{}", message.len());
    }
}

#[test]
fn depth_is_limited() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(selections(&deep, "pods"), Err(Error::Json { .. })));
}
