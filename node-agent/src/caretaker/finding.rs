//! What a pass found, and what became of it.

use anyhow::Result;
use serde::Serialize;

/// One pass of the caretaker.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pass {
    /// Nothing was done, only told.
    pub(crate) dry_run: bool,
    /// What was found; empty where everything is in order.
    pub(crate) findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    /// Of what kind.
    pub(crate) kind: Kind,
    /// Of what: an attachment as `PLUGIN CONTAINER:INTERFACE`, a port, a device.
    pub(crate) object: String,
    /// What is wrong with it.
    pub(crate) found: String,
    /// What puts it right.
    pub(crate) action: String,
    /// What became of that.
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// An attachment that no pod has.
    LeftOver,
    /// An attachment whose namespace cannot be seen from here.
    Unseen,
    /// A record that cannot be read.
    Unreadable,
    /// The beginning of a record.
    Temporary,
    /// The switch has lost the port of an attachment that is in use.
    LostPort,
    /// A port in the switch without a record.
    StrayPort,
    /// A switch that does not answer, although attachments are on it.
    Switch,
    /// The VF of an attachment that is in use does not exist any more.
    LostVf,
    /// A VF that somebody else has given to a container.
    ForeignVf,
}

/// What became of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub(crate) enum Outcome {
    /// It was put right.
    Done,
    /// It would have been.
    Would,
    /// It is not for the caretaker to do.
    Left,
    /// It could not be put right, for this reason.
    Failed(String),
}

impl Kind {
    /// As metrics and JSON name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LeftOver => "left-over",
            Self::Unseen => "unseen",
            Self::Unreadable => "unreadable",
            Self::Temporary => "temporary",
            Self::LostPort => "lost-port",
            Self::StrayPort => "stray-port",
            Self::Switch => "switch",
            Self::LostVf => "lost-vf",
            Self::ForeignVf => "foreign-vf",
        }
    }
}

impl Outcome {
    /// As metrics and JSON name it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Would => "would",
            Self::Left => "left",
            Self::Failed(_) => "failed",
        }
    }
}

impl Finding {
    pub(super) fn new(
        kind: Kind,
        object: impl Into<String>,
        found: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        let (object, found, action) = (object.into(), found.into(), action.into());
        Self { kind, object, found, action, outcome: Outcome::Would }
    }
}

impl Pass {
    pub(super) fn new(dry_run: bool) -> Self {
        Self { dry_run, findings: Vec::new() }
    }

    /// Whether nothing was found that could not be put right.
    pub(crate) fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| !matches!(finding.outcome, Outcome::Failed(_)))
    }

    /// Remembers a finding and, unless this pass only tells, does what puts it right.
    pub(super) fn act(&mut self, finding: Finding, act: impl FnOnce() -> Result<()>) {
        let outcome = if self.dry_run {
            Outcome::Would
        } else {
            act().map_or_else(|e| Outcome::Failed(format!("{e:#}")), |()| Outcome::Done)
        };
        self.findings.push(Finding { outcome, ..finding });
    }

    /// Remembers a finding that is not for the caretaker to put right.
    pub(super) fn leave(&mut self, finding: Finding) {
        self.findings.push(Finding { outcome: Outcome::Left, ..finding });
    }

    /// Remembers a finding that cannot be put right.
    pub(super) fn fail(&mut self, finding: Finding, why: impl Into<String>) {
        self.findings.push(Finding { outcome: Outcome::Failed(why.into()), ..finding });
    }
}
