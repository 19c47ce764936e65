//! What a pod wants of a node, as admission left it.

use crate::budget::found;
use crate::{Budget, Datapath, Error};

/// Annotation with the path that admission chose.
pub const PATH: &str = "fastpath.dev/path";

/// Annotation with the number of interfaces; 1 when it is absent.
pub const INTERFACES: &str = "fastpath.dev/interfaces";

/// Annotation `"true"`: a node without a figure will not do.
pub const REQUIRE_MEASURED: &str = "fastpath.dev/require-measured";

/// The most interfaces that a pod may ask for.
const MOST_INTERFACES: u64 = 64;

/// What a pod wants of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// How slow it may be.
    pub budget: Budget,
    /// The path it gets.
    pub path: Datapath,
    /// How many of it.
    pub interfaces: u64,
    /// Whether a node has to have a figure.
    pub require_measured: bool,
}

impl Demand {
    /// The demand of a pod with these annotations; none when it has no budget. The path is the one that
    /// was stamped at admission: it is not chosen again.
    ///
    /// # Errors
    /// What is wrong with the budget; [`Error::NotAdmitted`] when it has no stamp; [`Error::Annotation`].
    pub fn from_annotations<'a>(
        annotation: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Self>, Error> {
        let Some(budget) = Budget::from_annotations(&annotation)? else { return Ok(None) };
        let stamp = annotation(PATH).ok_or(Error::NotAdmitted)?;
        let path = Datapath::try_from(stamp.to_owned())
            .map_err(|_unknown| invalid(PATH, stamp, "vf, ovs-dpdk, ovn or kernel"))?;
        let interfaces = interfaces(&annotation)?;
        let require_measured = require_measured(&annotation)?;
        Ok(Some(Self { budget, path, interfaces, require_measured }))
    }
}

/// How many interfaces a pod with these annotations wants.
///
/// # Errors
/// [`Error::Annotation`] when it is no number from 1 to 64.
pub fn interfaces<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> Result<u64, Error> {
    let Some(text) = annotation(INTERFACES) else { return Ok(1) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number =
        text.parse().ok().filter(|number| digits && (1..=MOST_INTERFACES).contains(number));
    number.ok_or_else(|| invalid(INTERFACES, text, "a whole number from 1 to 64"))
}

/// Whether a pod with these annotations wants a node with a figure.
///
/// # Errors
/// [`Error::Annotation`] when it is neither `true` nor `false`.
pub fn require_measured<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> Result<bool, Error> {
    match annotation(REQUIRE_MEASURED) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(text) => Err(invalid(REQUIRE_MEASURED, text, "\"true\" or \"false\"")),
    }
}

fn invalid(annotation: &'static str, text: &str, want: &'static str) -> Error {
    Error::Annotation { annotation, found: found(text), want }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(pairs: &[(&str, &str)]) -> Result<Option<Demand>, String> {
        let get = |key: &str| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        Demand::from_annotations(get).map_err(|error| error.to_string())
    }

    #[test]
    fn a_pod_without_a_budget_demands_nothing() {
        assert_eq!(demand(&[("fastpath.dev/path", "dpdk")]), Ok(None));
    }

    #[test]
    fn a_budget_without_a_stamp_tells_that_admission_did_not_run() {
        let message = demand(&[("latency", "5000")]).unwrap_err();
        assert!(message.contains("admission did not run"), "{message}");
    }

    #[test]
    fn the_stamp_decides_not_the_budget() {
        let demand = demand(&[("latency", "9000"), ("fastpath.dev/path", "vf")]).unwrap().unwrap();
        assert_eq!((demand.path, demand.budget.us()), (Datapath::Vf, 9000));
        assert_eq!((demand.interfaces, demand.require_measured), (1, false));
    }

    #[test]
    fn nonsense_beside_the_budget_is_refused_by_its_name() {
        for (key, value) in [
            ("fastpath.dev/path", "dpdk"),
            ("fastpath.dev/interfaces", "0"),
            ("fastpath.dev/interfaces", "+1"),
            ("fastpath.dev/interfaces", "65"),
            ("fastpath.dev/require-measured", "yes"),
        ] {
            let message = demand(&[(key, value), ("latency", "900"), ("fastpath.dev/path", "vf")]);
            assert!(message.unwrap_err().contains(key), "{key}");
        }
    }
}
