//! JSON objects read as Go's `encoding/json` reads them, because every peer does: keys match
//! without regard to case, the last one wins, null is unset.

use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer, forward_to_deserialize_any};
use serde_json::{Map, Value};

/// The members of a JSON object in document order, duplicates included.
#[derive(Clone)]
pub(crate) struct Members(Vec<(String, Value)>);

impl Members {
    /// The last member called `key` in whatever case; none when that one is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let found = self.0.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// Every key in document order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// Replaces every member called `key` in whatever case.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.0.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
        self.0.push((key.to_owned(), value));
    }

    /// The members in `known`, under the spelling used there, as a `T`. The error names the key.
    pub(crate) fn fields<T: DeserializeOwned>(
        &self,
        known: &[&str],
    ) -> Result<T, serde_json::Error> {
        let fields = known.iter().filter_map(|key| Some((*key, self.get(key)?))).collect();
        T::deserialize(Fields { fields, value: None })
    }
}

/// In document order, duplicates included: it reads back as the same.
impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// The member `key` of a nested object: the exact spelling, or else another one.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let other = || object.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(key));
    let value = object.get(key).or_else(|| other().map(|(_, value)| value));
    value.filter(|value| !value.is_null())
}

/// Deserializes selected members and says in which one it failed.
struct Fields<'a> {
    fields: Vec<(&'a str, &'a Value)>,
    value: Option<(&'a str, &'a Value)>,
}

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Self::Error> {
        self.fields.reverse();
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        self.value = self.fields.pop();
        let Some((key, _)) = self.value else { return Ok(None) };
        seed.deserialize(de::value::StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        let (key, value) =
            self.value.take().ok_or_else(|| de::Error::custom("value before its key"))?;
        let named = |error| de::Error::custom(format!("key {key:?}: {error}"));
        seed.deserialize(value.clone()).map_err(named)
    }
}
