//! What processes do, as events of the `tracing` crate, seen by a subscriber (B-17).
//!
//! Built with the feature `tracing` alone: `cargo test -p runtime --features tracing`.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use runtime::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down what the runtime says: the name of each event, and its other fields.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<(String, String)>>>);

#[derive(Default)]
struct Line {
    name: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => self.name = value.into(),
            name => self.fields += &format!("{name}={value} "),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields += &format!("{}={value:?} ", field.name());
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "runtime"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let mut notes = self.0.lock().expect("nobody panics with them in hand");
        notes.push((line.name, line.fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Greeting;

/// B-17: everything that a process does is told, in the order in which it does it.
#[test]
fn b_17_what_a_process_does_is_told() {
    let notes = Notes::default();
    let (mut pid, mut child) = (None, None);
    tracing::subscriber::with_default(notes.clone(), || {
        runtime::sim::run(1, |world| {
            let (tell, told) = std::sync::mpsc::channel();
            pid = Some(world.spawn(async move {
                let child = spawn(async {
                    receive::<Greeting>().await;
                    exit("done").await
                });
                tell.send(child).expect("the test listens");
                trap_exit(true);
                register("main", self_pid()).expect("it is free");
                link(child).expect("it lives");
                unlink(child);
                link(child).expect("it lives");
                send(child, Greeting);
                receive::<Exit>().await;
                unregister("main");
            }));
            world.run();
            child = told.try_recv().ok();
        });
    });
    let (pid, child) = (pid.expect("it was spawned"), child.expect("it was spawned"));
    let notes = notes.0.lock().expect("nobody panics with them in hand");
    let of = |pid: Pid| -> Vec<&str> {
        let (mine, named) = (format!("pid={pid} "), format!("actor={pid} "));
        let is_mine = |fields: &str| fields.contains(&mine) || fields.contains(&named);
        notes
            .iter()
            .filter(|note| is_mine(&note.1))
            .map(|note| &note.0[..])
            .collect()
    };
    let main = [
        "spawn",
        "register",
        "link",
        "unlink",
        "link",
        "send",
        "unregister",
        "exit",
    ];
    assert_eq!(of(pid), main);
    assert_eq!(of(child), ["spawn", "receive", "exit"]);
    let fields = |name: &str| {
        let found = notes.iter().rfind(|note| note.0 == name);
        found.map(|note| note.1.clone()).expect("it was told")
    };
    assert!(fields("send").contains(&format!("to={child} ")));
    assert!(fields("receive").contains("Greeting"));
    assert!(
        notes
            .iter()
            .any(|note| note.0 == "exit" && note.1.contains("reason=done"))
    );
    let parent = format!("parent={pid} ");
    assert!(
        notes
            .iter()
            .any(|note| note.0 == "spawn" && note.1.contains(&parent))
    );
}
