//! Asking a Kubernetes API server.
//!
//! One process asks little: one TLS connection, one request per object or a watch of one list, no
//! discovery. Every call blocks until there is an answer or the time allowed is used up. No executable that a
//! kubeconfig names is ever run.
//!
//! A reader's way: `access` is how the server is reached, `session` what is asked, as whom and how
//! often, `list` what comes in pages, `connection` one request and its answer, `verdict` what an answer means.
#![forbid(unsafe_code)]

mod access;
mod connection;
mod credential;
mod error;
mod list;
mod runtime;
mod session;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod token;
mod verdict;

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub use access::{Access, token_warning};
pub use connection::Answer;
pub use error::{Error, Reason};
pub use http::StatusCode;
pub use list::is_token;
pub use session::Question;
pub use verdict::{Inquiry, is_object_name};

use access::Endpoint;
use runtime::Runtime;
use session::Session;

/// The API server of a cluster.
pub struct ApiServer {
    server: String,
    runtime: Runtime,
    session: Mutex<Session>,
}

impl ApiServer {
    /// Prepares to ask the server: reads how to reach it, certificates and the token included. The
    /// connection is made with the first question. `client` is who asks, for the server's log:
    /// `name/version`.
    ///
    /// All questions together may take the time there is until `deadline`. What passes between them
    /// does not count.
    ///
    /// # Errors
    /// [`Error::Access`] when it is not written, or not usable, how to reach the server.
    pub fn connect(
        access: &Access,
        client: &'static str,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let endpoint = Endpoint::read(access)?;
        let server = text::server(&endpoint.url);
        let runtime = Runtime::new().map_err(|error| Error::Failed {
            operation: "start an event loop".to_owned(),
            reason: Reason(error.to_string()),
        })?;
        let time = deadline.saturating_duration_since(Instant::now());
        let session = Mutex::new(Session::new(endpoint, client, time));
        Ok(Self { server, runtime, session })
    }

    /// Asks, and returns the answer if it is not a refusal.
    ///
    /// # Errors
    /// No answer, or what the refusal means.
    pub fn ask(&self, inquiry: &Inquiry, question: &Question) -> Result<Answer, Error> {
        let answer = self.ask_any(inquiry, question)?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.refused(inquiry, &answer)) }
    }

    /// Asks, and returns whatever is answered.
    ///
    /// # Errors
    /// No answer.
    pub fn ask_any(&self, inquiry: &Inquiry, question: &Question) -> Result<Answer, Error> {
        let mut session = self.session();
        self.runtime
            .block_on(session.ask(question))
            .map_err(|trouble| inquiry.unanswered(&self.server, trouble))
    }

    /// Asks for what has no end, and gives each line to `line` as it comes, until the server ends it or
    /// `line` says that it is enough.
    ///
    /// # Errors
    /// No answer, what the refusal means, or that the time allowed is used up.
    pub fn follow(
        &self,
        inquiry: &Inquiry,
        question: &Question,
        mut line: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let followed = self.runtime.block_on(self.session().follow(question, &mut line));
        match followed.map_err(|trouble| inquiry.unanswered(&self.server, trouble))? {
            Some(refusal) => Err(self.refused(inquiry, &refusal)),
            None => Ok(()),
        }
    }

    /// What an answer means that is a refusal.
    #[must_use]
    pub fn refused(&self, inquiry: &Inquiry, answer: &Answer) -> Error {
        inquiry.refused(&self.server, answer, self.session().credential())
    }

    /// The failure to make use of an answer.
    #[must_use]
    pub fn failed(&self, inquiry: &Inquiry, reason: &str) -> Error {
        inquiry.failed(&self.server, reason)
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        // A panic while asking leaves no half-used connection behind: it is put back when idle.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
