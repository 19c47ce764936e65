//! What the log says; in a process of its own, because it has only one logger.
#![expect(clippy::unwrap_used, reason = "it is all test code")]

use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Lines;

impl Log for Lines {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        LINES.lock().unwrap().push(format!("{} {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

#[test]
fn npwg_08_only_reserved_keys_are_warned_of() {
    log::set_logger(&Lines).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let annotation = r#"[{"name": "net-a", "MAC": "02:00:00:00:00:01", "org.example.x": 1},
        {"name": "net-b", "ip": "192.0.2.1",
         "portMappings": [{"hostPort": 80, "containerPort": 80, "port\n": 1}]}]"#;
    npwg::selections(annotation, "pods").unwrap();
    let expected = [
        r#"WARN network selection [1] "net-b": unknown key "ip" is ignored"#,
        r#"WARN network selection [1] "net-b": unknown key "port\n" is ignored"#,
    ];
    assert_eq!(*LINES.lock().unwrap(), expected);
}
