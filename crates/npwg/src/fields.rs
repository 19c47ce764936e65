//! JSON objects read as Go's `encoding/json` reads them, because users' annotations were written for
//! it: keys match without regard to case, null is absent, an empty string is none.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::Invalid;
use crate::error::shown;

/// The known members of an object.
pub(crate) struct Fields<'a> {
    found: BTreeMap<&'static str, &'a Value>,
    what: &'a str,
}

impl<'a> Fields<'a> {
    /// Takes the members in `known` out of `object`, which is (part of) `what`. Unknown keys without
    /// a dot are reserved by the specification and most likely mistyped: a warning. Those with a dot
    /// belong to somebody else. One key in two spellings is refused: whoever checked the annotation
    /// before us may have read the other one.
    pub(crate) fn read(
        object: &'a Map<String, Value>,
        known: &[&'static str],
        what: &'a str,
    ) -> Result<Self, Invalid> {
        let mut found = BTreeMap::new();
        for (spelt, value) in object {
            match known.iter().find(|key| key.eq_ignore_ascii_case(spelt)) {
                Some(key) => {
                    if found.insert(*key, value).is_some() {
                        return Err(Invalid::new(key, value, "given once, in one spelling"));
                    }
                }
                None if spelt.contains('.') => {}
                None => log::warn!("{what}: unknown key {:?} is ignored", shown(spelt)),
            }
        }
        found.retain(|_, value| !value.is_null());
        Ok(Self { found, what })
    }

    /// The value of `key`.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.found.get(key).copied()
    }

    /// A text.
    pub(crate) fn text(&self, key: &str, want: &'static str) -> Result<Option<&'a str>, Invalid> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Invalid::new(key, value, want))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A text that is a `T`.
    pub(crate) fn parsed<T: FromStr>(
        &self,
        key: &str,
        want: &'static str,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(key, want)? else { return Ok(None) };
        text.parse().map(Some).or(Err(Invalid::new(key, &text.into(), want)))
    }

    /// A text that passes `check`.
    pub(crate) fn checked(
        &self,
        key: &str,
        check: fn(&str) -> bool,
        want: &'static str,
    ) -> Result<Option<String>, Invalid> {
        let Some(text) = self.text(key, want)? else { return Ok(None) };
        let valid = check(text).then(|| text.to_owned());
        valid.map(Some).ok_or_else(|| Invalid::new(key, &text.into(), want))
    }

    /// A number other than 0.
    pub(crate) fn number<T: TryFrom<NonZeroU64>>(
        &self,
        key: &str,
        want: &'static str,
    ) -> Result<Option<T>, Invalid> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = value.as_u64().and_then(NonZeroU64::new);
        let number = number.and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| Invalid::new(key, value, want))
    }

    /// A list whose elements `read` accepts; `want` is said of the list, `item` of an element.
    pub(crate) fn list<T>(
        &self,
        key: &str,
        want: &'static str,
        item: &'static str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Invalid> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let list = value.as_array().ok_or_else(|| Invalid::new(key, value, want))?;
        let element = |(index, value): (usize, &'a Value)| {
            read(value).ok_or_else(|| Invalid::new(&format!("{key}[{index}]"), value, item))
        };
        list.iter().enumerate().map(element).collect::<Result<_, _>>().map(Some)
    }

    /// An object.
    pub(crate) fn object(&self, key: &str) -> Result<Option<&'a Map<String, Value>>, Invalid> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.as_object().map(Some).ok_or_else(|| Invalid::new(key, value, "an object"))
    }

    /// The known members of an object inside this one, at `path`.
    pub(crate) fn nested(
        &self,
        path: &str,
        object: &'a Map<String, Value>,
        known: &[&'static str],
    ) -> Result<Self, Invalid> {
        Self::read(object, known, self.what).map_err(|invalid| invalid.within(path))
    }
}
