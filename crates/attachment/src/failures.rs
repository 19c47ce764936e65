//! Cleaning up does everything that it can; what it could not do is told at the end.

use cni::{Error, code};

/// Not everything could be put back (docs/errors.md).
pub const RESTORE: u32 = 104;

/// What could not be done.
#[derive(Debug, Default)]
pub struct Failures {
    texts: Vec<String>,
    /// Of the first one.
    code: Option<u32>,
}

impl Failures {
    /// Remembers and logs what failed. Whether it succeeded.
    pub fn note<E: Into<Error>>(&mut self, outcome: Result<(), E>) -> bool {
        match outcome {
            Ok(()) => true,
            Err(error) => {
                let error = error.into();
                log::error!("{error}");
                self.texts.push(error.to_string());
                self.code = self.code.or(Some(error.code));
                false
            }
        }
    }

    /// Adds what failed elsewhere.
    pub fn merge(&mut self, others: Self) {
        self.texts.extend(others.texts);
        self.code = self.code.or(others.code);
    }

    /// Whether nothing failed so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All failures as one error.
    ///
    /// # Errors
    /// Code 104, or 11 where trying again may do: the runtime acts on that.
    pub fn into_result(self) -> Result<(), Error> {
        let code = match self.code {
            None => return Ok(()),
            Some(code::TRY_AGAIN) => code::TRY_AGAIN,
            Some(_) => RESTORE,
        };
        let msg = format!("not everything could be put back: {}", self.texts.join("; "));
        Err(Error::new(code, msg, "the record stays; the next DEL or GC goes on from here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(codes: &[u32]) -> Failures {
        let mut failures = Failures::default();
        for code in codes {
            failures.note(Err(Error::new(*code, format!("m{code}"), "d")));
        }
        failures
    }

    #[test]
    fn nothing_failed_is_success() {
        let mut failures = failures(&[]);
        assert!(failures.note(Ok::<(), Error>(())) && failures.is_empty());
        failures.into_result().unwrap();
    }

    #[test]
    fn everything_that_failed_is_told() {
        let mut some = failures(&[5]);
        some.merge(failures(&[11]));
        let error = some.into_result().unwrap_err();
        assert_eq!(
            (error.code, error.msg.as_str()),
            (RESTORE, "not everything could be put back: m5: d; m11: d")
        );
    }

    #[test]
    fn try_again_is_kept() {
        assert_eq!(failures(&[11, 5]).into_result().unwrap_err().code, code::TRY_AGAIN);
    }
}
