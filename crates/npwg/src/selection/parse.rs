//! The annotation in its two forms (multi-net-spec 4.1.1 and 4.1.2).

use cni::IfName;
use serde_json::Value;

use super::Selection;
use super::element::{self, INTERFACE};
use crate::error::{shown, shown_json};
use crate::names::{self, is_label, is_namespace};
use crate::{Error, Invalid};

/// Reads the value of a pod's annotation [`crate::annotation::NETWORKS`]: a list of
/// `[namespace/]name[@interface]` separated by commas, or a JSON list of objects; JSON when there is
/// a `[`, `{` or `"` in it. Blank is no network. `pod_namespace` is the namespace of networks that
/// name none. The same network may be there more than once.
///
/// The specification has an implementation ignore an invalid annotation. We do not: a pod never runs
/// without a network it asked for, so what is invalid is an error, and the pod has to fail.
///
/// # Errors
/// [`Error::Json`], [`Error::NoList`], [`Error::Selection`] naming element, key and value,
/// [`Error::DefaultRoutes`] and [`Error::Interfaces`] naming the elements that exclude each other.
pub fn selections(annotation: &str, pod_namespace: &str) -> Result<Vec<Selection>, Error> {
    let annotation = annotation.trim();
    let list = if annotation.is_empty() {
        Vec::new()
    } else if annotation.contains(['[', '{', '"']) {
        json_form(annotation, pod_namespace)?
    } else {
        comma_form(annotation, pod_namespace)?
    };
    one_default_route(&list)?;
    distinct_interfaces(&list)?;
    Ok(list)
}

fn comma_form(annotation: &str, pod_namespace: &str) -> Result<Vec<Selection>, Error> {
    let elements = annotation.split(',').map(str::trim).enumerate();
    let read = |(index, text)| {
        let failed = |invalid| Error::Selection { index, name: shown(text), invalid };
        reference(text, pod_namespace).map_err(failed)
    };
    elements.map(read).collect()
}

/// `[namespace/]name[@interface]`.
fn reference(text: &str, pod_namespace: &str) -> Result<Selection, Invalid> {
    let (network, interface) = halves(text, '@');
    let (first, second) = halves(network, '/');
    let (namespace, name) = second.map_or((pod_namespace, first), |name| (first, name));
    check("namespace", namespace, is_namespace, names::NAMESPACE)?;
    check("name", name, is_label, names::LABEL)?;
    let interface = interface.map(|text| {
        let name = IfName::try_from(text).ok().filter(|_| !text.contains('@'));
        name.ok_or_else(|| Invalid::new("interface", &text.into(), INTERFACE))
    });
    let selection = Selection::of(namespace.to_owned(), name.to_owned());
    Ok(Selection { interface: interface.transpose()?, ..selection })
}

fn halves(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((first, second)) => (first.trim(), Some(second.trim())),
        None => (text, None),
    }
}

fn json_form(annotation: &str, pod_namespace: &str) -> Result<Vec<Selection>, Error> {
    let value = serde_json::from_str(annotation).map_err(|source| Error::Json { source })?;
    let Value::Array(list) = value else {
        return Err(Error::NoList { found: shown_json(&value) });
    };
    let read = |(index, value)| {
        let name = label(value);
        let what = format!("network selection [{index}] {name:?}");
        let failed = |invalid| Error::Selection { index, name: name.clone(), invalid };
        json_element(value, pod_namespace, &what).map_err(failed)
    };
    list.iter().enumerate().map(read).collect()
}

fn json_element(value: &Value, pod_namespace: &str, what: &str) -> Result<Selection, Invalid> {
    let want = "an object such as {\"name\": \"net-a\"}";
    let object = value.as_object().ok_or_else(|| Invalid::new("element", value, want))?;
    let selection = element::selection(object, pod_namespace, what)?;
    check("namespace", &selection.namespace, is_namespace, names::NAMESPACE)?;
    Ok(selection)
}

/// What to call an element in a message.
fn label(element: &Value) -> String {
    shown(element["name"].as_str().unwrap_or("(without a name)"))
}

fn check(
    key: &str,
    text: &str,
    valid: fn(&str) -> bool,
    want: &'static str,
) -> Result<(), Invalid> {
    if valid(text) { Ok(()) } else { Err(Invalid::new(key, &text.into(), want)) }
}

/// Only one attachment can have the default route (multi-net-spec 4.1.2.1).
fn one_default_route(list: &[Selection]) -> Result<(), Error> {
    let mut wanting = (0..list.len()).filter(|&index| list[index].default_route.is_some());
    match (wanting.next(), wanting.next()) {
        (Some(first), Some(second)) => Err(Error::DefaultRoutes { first, second }),
        _ => Ok(()),
    }
}

/// The second attachment would fail on the name; better before the first is made.
fn distinct_interfaces(list: &[Selection]) -> Result<(), Error> {
    for (second, selection) in list.iter().enumerate() {
        let Some(interface) = &selection.interface else { continue };
        let same = |other: &Selection| other.interface.as_ref() == Some(interface);
        if let Some(first) = list[..second].iter().position(same) {
            let interface = interface.to_string();
            return Err(Error::Interfaces { first, second, interface });
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
