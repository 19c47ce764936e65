//! Values of columns (RFC 7047 5.1): sets, maps and UUIDs have notations of their own.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// A value on its way to the database.
pub type Datum = Value;

/// Identity of a row, `["uuid", "..."]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(String);

impl Uuid {
    /// Where the protocol writes only the text.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element("uuid")?;
        pair.serialize_element(&self.0)?;
        pair.end()
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (tag, text) = <(String, String)>::deserialize(deserializer)?;
        if tag == "uuid" { Ok(Self(text)) } else { Err(D::Error::custom("it is not a UUID")) }
    }
}

/// Any number of values: `["set", [...]]`, or one value as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T>(pub Vec<T>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let elements = match value {
            Value::Array(mut pair) if pair.len() == 2 && pair[0] == "set" => pair.swap_remove(1),
            one => Value::Array(vec![one]),
        };
        serde_json::from_value(elements).map(Self).map_err(D::Error::custom)
    }
}

/// At most one value: the empty set, or the value as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Optional<T>(pub Option<T>);

impl<T> Default for Optional<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Optional<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Set(mut values) = Set::deserialize(deserializer)?;
        match values.len() {
            0 | 1 => Ok(Self(values.pop())),
            _ => Err(D::Error::custom("it has several values, one was expected")),
        }
    }
}

/// A map of texts, `["map", [[key, value], ...]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map(pub BTreeMap<String, String>);

impl Map {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (tag, pairs) = <(String, Vec<(String, String)>)>::deserialize(deserializer)?;
        if tag != "map" {
            return Err(D::Error::custom("it is not a map"));
        }
        Ok(Self(pairs.into_iter().collect()))
    }
}

/// The notation of a set.
pub fn set<T: Serialize>(values: impl IntoIterator<Item = T>) -> Datum {
    json!(["set", values.into_iter().map(|value| json!(value)).collect::<Vec<_>>()])
}

/// The notation of a map.
pub fn map<'a, V: Serialize>(pairs: impl IntoIterator<Item = (&'a str, V)>) -> Datum {
    json!(["map", pairs.into_iter().map(|(key, value)| json!([key, value])).collect::<Vec<_>>()])
}

/// The row that this transaction inserts under that name.
#[must_use]
pub fn named(name: &str) -> Datum {
    json!(["named-uuid", name])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_set_of_one_may_be_written_without_its_brackets() {
        assert_eq!(read::<Set<u16>>("7").unwrap().0, [7]);
        assert_eq!(read::<Set<u16>>(r#"["set",[1,2]]"#).unwrap().0, [1, 2]);
        let uuid: Set<Uuid> = read(r#"["uuid","u1"]"#).unwrap();
        assert_eq!(uuid.0, [Uuid("u1".to_owned())]);
        let uuids: Set<Uuid> = read(r#"["set",[["uuid","u1"],["uuid","u2"]]]"#).unwrap();
        assert_eq!(uuids.0.len(), 2);
    }

    #[test]
    fn an_optional_value_is_a_set_of_at_most_one() {
        assert_eq!(read::<Optional<String>>(r#""up""#).unwrap().0.as_deref(), Some("up"));
        assert_eq!(read::<Optional<i64>>(r#"["set",[]]"#).unwrap().0, None);
        assert!(read::<Optional<i64>>(r#"["set",[1,2]]"#).is_err());
    }

    #[test]
    fn what_is_written_reads_back() {
        let written = map([("a", "1"), ("b", "2")]);
        let Map(read) = serde_json::from_value(written).unwrap();
        assert_eq!(
            read.into_iter().collect::<Vec<_>>(),
            [("a".into(), "1".into()), ("b".into(), "2".into())]
        );
        let Set(read): Set<u16> = serde_json::from_value(set([3, 4])).unwrap();
        assert_eq!(read, [3, 4]);
        let uuid = Uuid("u".to_owned());
        assert_eq!(serde_json::from_value::<Uuid>(json!(uuid)).unwrap(), uuid);
    }

    #[test]
    fn other_notations_are_refused() {
        for text in [r#"["map",[["a"]]]"#, r#"["set",[]]"#, r#""a""#, r#"["map",{}]"#, "[]"] {
            assert!(read::<Map>(text).is_err(), "{text}");
        }
        for text in [r#"["named-uuid","x"]"#, r#""u""#, r#"["uuid"]"#] {
            assert!(read::<Uuid>(text).is_err(), "{text}");
        }
    }
}
