//! Admission: what a pod with a latency budget is given before it is created, and that it keeps it.
//!
//! A pure function of an `AdmissionReview`, but for the networks that the API server is asked for: it
//! remembers and writes nothing, so that a dry run is a run.
//!
//! A reader's way: `review` is what is asked and answered, `pod` the pod in it; `mutate` is what becomes of it,
//! with `choice` for its path and `networks`, `affinity` for its nodes; `validate` is what holds afterwards;
//! `endpoint` is where the API server asks.

mod affinity;
mod choice;
pub(crate) mod endpoint;
mod mutate;
mod networks;
mod pod;
mod refusal;
mod review;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::Arc;

use policy::Table;
use serde_json::Value;

pub use networks::{Api, Network, Networks};
pub use refusal::Refusal;
pub use review::NoReview;

use pod::Pod;
use review::{Allowed, Request, Subject};

/// What the operator decides.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The path of each budget and resource.
    pub table: Arc<Table>,
    /// The namespace whose networks are for all pods, besides those of their own namespace.
    pub shared_namespace: Option<String>,
}

/// Answers `/mutate`: gives a pod that is created what its budget takes.
///
/// # Errors
/// [`NoReview`] when there is nothing to answer.
pub fn mutate(
    body: &[u8],
    settings: &Settings,
    networks: &dyn Networks,
) -> Result<Value, NoReview> {
    let mut request = Request::from_json(body)?;
    let verdict = match request.subject() {
        Subject::Created => mutated(&mut request, settings, networks),
        Subject::Updated | Subject::Other => Ok(Allowed::default()),
    };
    Ok(request.answer(verdict))
}

fn mutated(
    request: &mut Request,
    settings: &Settings,
    networks: &dyn Networks,
) -> Result<Allowed, Refusal> {
    let mut pod = Pod::new(request.object.take(), request.namespace())?;
    let warnings = mutate::mutate(&mut pod, settings, networks)?;
    Ok(Allowed { patch: pod.patch(), warnings })
}

/// Answers `/validate`: a pod that is created has what `/mutate` gave it, and keeps it.
///
/// # Errors
/// [`NoReview`] when there is nothing to answer.
pub fn validate(body: &[u8], settings: &Settings) -> Result<Value, NoReview> {
    let mut request = Request::from_json(body)?;
    let verdict = validated(&mut request, settings);
    Ok(request.answer(verdict.map(|()| Allowed::default())))
}

fn validated(request: &mut Request, settings: &Settings) -> Result<(), Refusal> {
    let subject = request.subject();
    if subject == Subject::Other {
        return Ok(());
    }
    let pod = Pod::new(request.object.take(), request.namespace())?;
    if subject == Subject::Created {
        return validate::created(&pod, settings);
    }
    let before = Pod::new(request.old_object.take(), request.namespace())?;
    validate::updated(&before, &pod)
}
