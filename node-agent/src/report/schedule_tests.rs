use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn labels(vf: &str) -> Labels {
    Labels::from([("fastpath.dev/vf-p99-us".to_owned(), vf.to_owned())])
}

/// Asks every second for so long, as `told` says which labels there are at that second; the seconds
/// at which was written. Each write succeeds.
fn run(schedule: &mut Schedule, time: Duration, told: impl Fn(u64) -> Labels) -> Vec<u64> {
    let start = Instant::now();
    let mut writes = Vec::new();
    for second in 0..=time.as_secs() {
        let now = start + Duration::from_secs(second);
        if schedule.wait(now, &told(second)).is_zero() {
            schedule.written(now, told(second));
            writes.push(second);
        }
    }
    writes
}

#[test]
fn what_does_not_change_is_not_written_in_five_minutes_and_renewed_once_in_31() {
    for node in ["node-1", "node-2", "worker-a.example.org", ""] {
        let mut schedule = Schedule::new(node);
        assert_eq!(run(&mut schedule, 5 * MINUTE, |_| labels("20")), [0], "{node}");
        let writes = run(&mut Schedule::new(node), 31 * MINUTE, |_| labels("20"));
        assert_eq!((writes.len(), writes[0]), (2, 0), "{node}: {writes:?}");
        assert!((25 * 60..=30 * 60).contains(&writes[1]), "{node}: {writes:?}");
    }
}

#[test]
fn nodes_that_start_together_do_not_renew_together() {
    let renewal = |node: u32| Schedule::new(&format!("node-{node}")).renewal;
    let mut renewals: Vec<_> = (0..1000).map(renewal).collect();
    renewals.sort();
    renewals.dedup();
    assert!(renewals.len() > 250, "{}", renewals.len());
    assert_eq!(renewal(7), renewal(7));
}

#[test]
fn a_change_is_written_at_once_when_the_last_write_was_a_minute_ago() {
    let mut schedule = Schedule::new("n");
    let told = |second| labels(if second < 90 { "20" } else { "22" });
    assert_eq!(run(&mut schedule, 10 * MINUTE, told), [0, 90]);
}

#[test]
fn a_change_within_a_minute_waits_and_one_that_is_undone_is_none() {
    let told = |second| labels(if second < 10 { "20" } else { "22" });
    assert_eq!(run(&mut Schedule::new("n"), 10 * MINUTE, told), [0, 60]);
    let told = |second| labels(if (10..40).contains(&second) { "22" } else { "20" });
    assert_eq!(run(&mut Schedule::new("n"), 10 * MINUTE, told), [0]);
}

#[test]
fn labels_that_change_all_the_time_are_written_once_a_minute() {
    let writes = run(&mut Schedule::new("n"), 10 * MINUTE, |second| labels(&second.to_string()));
    assert_eq!(writes, [0, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600]);
}

#[test]
fn a_failure_is_tried_again_later_and_later() {
    let (mut schedule, start) = (Schedule::new("n"), Instant::now());
    let mut now = start;
    let mut waits = Vec::new();
    for _ in 0..8 {
        schedule.failed(now);
        // Not even a change makes it earlier.
        let wait = schedule.wait(now, &labels("22"));
        let just_before = now + wait.saturating_sub(Duration::from_millis(1));
        assert!(!schedule.wait(just_before, &labels("20")).is_zero());
        now += wait;
        waits.push(wait.as_secs());
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    schedule.written(now, labels("20"));
    schedule.failed(now + 30 * MINUTE);
    assert_eq!(schedule.wait(now + 30 * MINUTE, &labels("20")).as_secs(), 10);
}

#[test]
fn failures_do_not_make_a_server_be_asked_more_often_than_a_change() {
    let (mut schedule, now) = (Schedule::new("n"), Instant::now());
    schedule.written(now, labels("20"));
    assert_eq!(schedule.wait(now, &labels("22")), MINUTE);
    schedule.failed(now + MINUTE);
    let wait = schedule.wait(now + MINUTE, &labels("22"));
    assert_eq!(wait.as_secs(), 10);
    schedule.written(now + MINUTE + wait, labels("22"));
    assert_eq!(schedule.wait(now + MINUTE + wait, &labels("25")), MINUTE);
}
