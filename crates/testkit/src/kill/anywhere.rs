//! The harness: one death for each point, and the host must come back every time.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Outcome, Point, Run, Victim};

/// What [`killed_anywhere`] found.
#[derive(Debug)]
#[must_use = "a report with failures is not yet a failed test: call assert_clean"]
pub struct Report {
    /// What the caller called the scenario.
    pub name: String,
    /// The points of an unharmed run.
    pub points: Vec<Point>,
    /// At how many of them the victim was killed.
    pub tried: usize,
    /// Those after which the host was not what it had been, or that went wrong otherwise.
    pub failed: Vec<Failure>,
}

/// A death that was not recovered from.
#[derive(Debug)]
pub struct Failure {
    /// The index of the point; none for the unharmed run.
    pub at: Option<usize>,
    /// The call that did not happen any more.
    pub point: String,
    /// What was wrong afterwards.
    pub what: String,
}

/// Kills a victim at every selected point and sees whether the host recovers.
///
/// `state()` is read once, before everything else: that is what the host must come back to. Then
/// the victim runs unharmed, to see its points, and once for each of them that `select` wants, to
/// be killed there. Each time `setup()` goes before, `recover()` after, and `state()` must be what
/// it was at first. So `setup` may be an ADD when the victim is a DEL; what it makes besides,
/// `recover` must take away, or it must stand before `killed_anywhere` is called. After a failure
/// `setup` finds what was left: unless it begins by cleaning that up, later failures may be echoes.
///
/// The report is printed and returned; [`Report::assert_clean`] makes a test of it.
pub fn killed_anywhere(
    name: &str,
    select: impl Fn(&Point) -> bool,
    setup: impl Fn(),
    victim: impl Fn() -> Victim,
    recover: impl Fn(),
    state: impl Fn() -> String,
) -> Report {
    let before = state();
    let round = |run: &dyn Fn(&Victim) -> Run| {
        setup();
        let run = run(&victim());
        let after = catch_unwind(AssertUnwindSafe(|| {
            recover();
            state()
        }));
        let wrong = match after {
            Ok(after) if after == before => None,
            Ok(after) => Some(format!("the state is not what it was:\n{}", diff(&before, &after))),
            Err(panic) => Some(format!("recovery panicked: {}", message(&*panic))),
        };
        (run, wrong)
    };

    let (unharmed, wrong) = round(&Victim::observe);
    let mut report = Report { name: name.into(), points: Vec::new(), tried: 0, failed: Vec::new() };
    report.failed.extend(wrong.map(|what| Failure {
        at: None,
        point: "unharmed".into(),
        what: format!("{what}\n{unharmed}"),
    }));
    report.points = unharmed.points;
    for (n, point) in report.points.iter().enumerate().filter(|(_, point)| select(point)) {
        report.tried += 1;
        let (run, wrong) = round(&|victim| victim.kill_at(n));
        let killed = run.outcome == Outcome::KilledAt(n);
        let alive = (!killed).then(|| format!("was not killed: {run}"));
        let what: Vec<String> = alive.into_iter().chain(wrong).collect();
        if !what.is_empty() {
            // Where threads race, this run's point may be another than the first run's.
            let point = run.points.get(n).unwrap_or(point).to_string();
            report.failed.push(Failure { at: Some(n), point, what: what.join("\n") });
        }
    }
    print(&report);
    report
}

impl Report {
    /// Panics unless every death was recovered from, and there was one at all.
    pub fn assert_clean(&self) {
        assert!(self.tried > 0, "{self}nothing was tried: no point was selected");
        assert!(self.failed.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, points, tried, failed } = self;
        let count = points.len();
        writeln!(
            f,
            "killed anywhere: {name}: {count} points, {tried} tried, {} failed",
            failed.len()
        )?;
        for failure in failed {
            match failure.at {
                Some(n) => writeln!(f, "  killed at #{n} {}:", failure.point)?,
                None => writeln!(f, "  {}:", failure.point)?,
            }
            for line in failure.what.lines() {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "libtest shows it when the test fails")]
fn print(report: &Report) {
    print!("{report}");
}

/// The lines that only one of two texts has; enough to see what was left.
fn diff(before: &str, after: &str) -> String {
    let only = |sign: &str, one: &str, other: &str| -> String {
        let lines = one.lines().filter(|line| !other.lines().any(|same| same == *line));
        lines.flat_map(|line| [sign, " ", line, "\n"]).collect()
    };
    let lines = only("-", before, after) + &only("+", after, before);
    if lines.is_empty() { format!("- {before:?}\n+ {after:?}") } else { lines }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("(not text)")
}
