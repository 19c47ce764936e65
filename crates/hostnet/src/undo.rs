//! Undo as a value: inverses are pushed as things are done and run, last first, when nobody commits.

type Inverse<'a> = Box<dyn FnOnce() -> Result<(), String> + 'a>;

/// A stack of inverses. Dropping it without [`Undo::commit`] runs them in reverse order; all are
/// tried. What stands at the bottom (the record of the attachment) is undone only when everything
/// above it was, so that a later DEL still finds what is left to do.
#[must_use = "an undo stack that is dropped at once undoes at once"]
pub struct Undo<'a> {
    bottom: Option<Inverse<'a>>,
    steps: Vec<(&'static str, Inverse<'a>)>,
}

impl<'a> Undo<'a> {
    /// A stack whose bottom is `record_removal`.
    pub fn new(record_removal: impl FnOnce() -> Result<(), String> + 'a) -> Self {
        Self { bottom: Some(Box::new(record_removal)), steps: Vec::new() }
    }

    /// Remembers the inverse of a step; `what` names it in the log when it fails.
    pub fn push(&mut self, what: &'static str, inverse: impl FnOnce() -> Result<(), String> + 'a) {
        self.steps.push((what, Box::new(inverse)));
    }

    /// Everything succeeded: forget the inverses.
    pub fn commit(mut self) {
        self.bottom = None;
        self.steps.clear();
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        let mut clean = true;
        while let Some((what, inverse)) = self.steps.pop() {
            if let Err(cause) = inverse() {
                clean = false;
                log::error!("undo: {what}: {cause}; the next DEL tries again");
            }
        }
        if let Some(remove_record) = self.bottom.take().filter(|_| clean)
            && let Err(cause) = remove_record()
        {
            log::error!("undo: remove the record: {cause}; the next DEL tries again");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn stack<'a>(log: &'a RefCell<Vec<&'static str>>, second: Result<(), String>) -> Undo<'a> {
        let mut undo = Undo::new(|| {
            log.borrow_mut().push("record");
            Ok(())
        });
        undo.push("first", || {
            log.borrow_mut().push("first");
            Ok(())
        });
        undo.push("second", move || {
            log.borrow_mut().push("second");
            second
        });
        undo
    }

    #[test]
    fn dropping_runs_the_inverses_last_first() {
        let log = RefCell::default();
        drop(stack(&log, Ok(())));
        assert_eq!(*log.borrow(), ["second", "first", "record"]);
    }

    #[test]
    fn a_failed_inverse_keeps_the_record_and_does_not_stop_the_others() {
        let log = RefCell::default();
        drop(stack(&log, Err("no".to_owned())));
        assert_eq!(*log.borrow(), ["second", "first"]);
    }

    #[test]
    fn commit_forgets_them() {
        let log = RefCell::default();
        stack(&log, Ok(())).commit();
        assert!(log.borrow().is_empty());
    }
}
