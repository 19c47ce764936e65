//! The decision: from what is known of an attachment, whether anybody still has it.

use std::fmt;
use std::time::Duration;

use journal::Stage;

use super::namespace::Namespace;

/// What is known of an attachment on whose record nobody works.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The record was written since the machine was started.
    pub(super) this_boot: bool,
    /// The namespace that it was made for.
    pub(super) namespace: Namespace,
    /// How far ADD or DEL came.
    pub(super) stage: Stage,
    /// Another attachment took its device, which happens to those of dead pods only.
    pub(super) claim_given_up: bool,
    /// Since the record was last written to.
    pub(super) age: Duration,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A pod has it.
    InUse,
    /// It was interrupted a moment ago: the runtime may be about to finish it by itself.
    Wait,
    /// Nobody has it.
    LeftOver(Reason),
    /// Nothing can be said, because the namespace cannot be seen.
    Unseen(String),
}

/// Why nobody has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    EarlierBoot,
    NamespaceGone,
    AnotherNamespace,
    ClaimGivenUp,
    KilledAdd,
    KilledDel,
    LostPod,
}

/// Judges. `has_lost_pod` is asked last, since it costs most: a runtime makes the namespace and attaches
/// before the pod's first process is there, so that a young attachment is not judged by it.
pub(super) fn judge(facts: Facts, grace: Duration, has_lost_pod: impl FnOnce() -> bool) -> Verdict {
    if !facts.this_boot {
        return Verdict::LeftOver(Reason::EarlierBoot);
    }
    match facts.namespace {
        Namespace::Gone => return Verdict::LeftOver(Reason::NamespaceGone),
        Namespace::Another => return Verdict::LeftOver(Reason::AnotherNamespace),
        Namespace::Unseen(reason) => return Verdict::Unseen(reason),
        Namespace::Lives => {}
    }
    if facts.claim_given_up {
        return Verdict::LeftOver(Reason::ClaimGivenUp);
    }
    let young = facts.age < grace;
    match facts.stage {
        Stage::Attached if young || !has_lost_pod() => Verdict::InUse,
        Stage::Attached => Verdict::LeftOver(Reason::LostPod),
        _ if young => Verdict::Wait,
        Stage::Adding => Verdict::LeftOver(Reason::KilledAdd),
        Stage::Removing => Verdict::LeftOver(Reason::KilledDel),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EarlierBoot => "it was attached before the machine was started",
            Self::NamespaceGone => "its network namespace is gone",
            Self::AnotherNamespace => "its path stands for another network namespace now",
            Self::ClaimGivenUp => "another attachment has its device",
            Self::KilledAdd => "its ADD was interrupted",
            Self::KilledDel => "its DEL was interrupted",
            Self::LostPod => "kubelet does not know its pod and nobody is in its network namespace",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_mins(1);

    /// A complete attachment of a pod that lives, older than the grace.
    fn attached() -> Facts {
        Facts {
            this_boot: true,
            namespace: Namespace::Lives,
            stage: Stage::Attached,
            claim_given_up: false,
            age: GRACE,
        }
    }

    #[test]
    fn what_nobody_has_is_left_over_for_one_reason() {
        use Reason::*;
        let young = Duration::from_secs(1);
        for (facts, reason) in [
            (Facts { this_boot: false, ..attached() }, EarlierBoot),
            (
                Facts { this_boot: false, stage: Stage::Adding, age: young, ..attached() },
                EarlierBoot,
            ),
            (Facts { this_boot: false, namespace: Namespace::Gone, ..attached() }, EarlierBoot),
            (Facts { namespace: Namespace::Gone, ..attached() }, NamespaceGone),
            (Facts { namespace: Namespace::Gone, age: young, ..attached() }, NamespaceGone),
            (Facts { namespace: Namespace::Another, ..attached() }, AnotherNamespace),
            (Facts { claim_given_up: true, ..attached() }, ClaimGivenUp),
            (Facts { stage: Stage::Adding, ..attached() }, KilledAdd),
            (Facts { stage: Stage::Removing, ..attached() }, KilledDel),
        ] {
            let verdict = judge(facts.clone(), GRACE, || panic!("kubelet is asked"));
            assert_eq!(verdict, Verdict::LeftOver(reason), "{facts:?}");
        }
        assert_eq!(judge(attached(), GRACE, || true), Verdict::LeftOver(LostPod));
    }

    #[test]
    fn what_is_in_use_or_may_be_is_left_alone() {
        let young = Duration::from_secs(59);
        let unseen = Namespace::Unseen("x".to_owned());
        for (facts, lost, verdict) in [
            (attached(), false, Verdict::InUse),
            (Facts { age: young, ..attached() }, true, Verdict::InUse),
            (Facts { stage: Stage::Adding, age: young, ..attached() }, true, Verdict::Wait),
            (Facts { stage: Stage::Removing, age: young, ..attached() }, true, Verdict::Wait),
            (Facts { namespace: unseen, ..attached() }, true, Verdict::Unseen("x".to_owned())),
        ] {
            assert_eq!(judge(facts.clone(), GRACE, || lost), verdict, "{facts:?}");
        }
    }
}
