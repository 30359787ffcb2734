//! The link protocol, cell by cell (process 3.4): two processes in the middle of their slices, who
//! take in what the other sent only where the script says so.
//!
//! In a simulated world a slice is one step, and whoever begins one takes in all that was sent:
//! most cells of an unlink that is under way cannot come about there. Here both hold a worker each
//! and wait for their next act without an await, so that each row is that cell, every time.
//!
//! One cell is not here: an UNLINK that arrives where there is no link. Two that keep to the table
//! never come to it, because an end without a link has told or been told of it before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use runtime::prelude::*;
use tests::{Puppet, down, real};

const IDLE: u8 = 0;
const END: u8 = b'E';

/// Who acts: `a` or `b`; then what: `L`ink, `U`nlink, `T`ake in what has come, `D`ie.
struct Row {
    /// The cells that it goes through: the state, then the event.
    cells: &'static str,
    script: &'static str,
    /// Whether they are linked in the end; of one that died there is no link.
    linked: bool,
    /// What `a`, who traps exits, is told.
    exits: &'static [&'static str],
}

const fn row(
    cells: &'static str,
    script: &'static str,
    linked: bool,
    exits: &'static [&'static str],
) -> Row {
    Row {
        cells,
        script,
        linked,
        exits,
    }
}

const ROWS: [Row; 16] = [
    row("none/I call link", "aL bT", true, &[]),
    row("none/LINK in", "bL aT", true, &[]),
    row("none/I call unlink", "aU bL aT", true, &[]),
    row("active/I call link", "aL bT aL bT", true, &[]),
    row("active/LINK in", "aL bL aT bT", true, &[]),
    row(
        "active/I call unlink, active/UNLINK in, inactive/ACK in",
        "aL bT aU bT aT",
        false,
        &[],
    ),
    row("active/EXIT in", "aL bT bD aT", false, &["boom"]),
    row(
        "inactive/I call link, active/ACK in",
        "aL bT aU aL bT aT",
        true,
        &[],
    ),
    row("inactive/LINK in (L-8)", "aL aU bL aT bT aT", false, &[]),
    row("inactive/I call unlink", "aL bT aU aU bT aT", false, &[]),
    row("inactive/UNLINK in", "aL bT aU bU aT bT aT bT", false, &[]),
    row(
        "inactive/ACK in, of another unlink (L-9)",
        "aL bT aU bT aL aU bL aT bT aT",
        false,
        &[],
    ),
    row(
        "inactive/EXIT in, none/ACK in",
        "aL bT aU bD aT",
        false,
        &[],
    ),
    // The new link is to one that dies with the old one: it is told of the death once.
    row(
        "active/EXIT in, none/EXIT in",
        "aL bT aU aL bD aT",
        false,
        &["boom"],
    ),
    // b had not seen the link: it is refused, as by one that was dead.
    row("active/EXIT in with noproc", "aL bD aT", false, &["noproc"]),
    row("inactive/EXIT in with noproc", "aL aU bD aT", false, &[]),
];

/// Does what it is told, in one slice.
async fn acts(orders: Arc<AtomicU8>, other: Pid) {
    loop {
        match orders.load(Ordering::SeqCst) {
            b'L' => link(other).expect("it is alive, or exits are trapped"),
            b'U' => unlink(other),
            b'T' => drop(links()),
            b'D' => exit("boom").await,
            END => return orders.store(IDLE, Ordering::SeqCst),
            _ => {
                std::thread::yield_now();
                continue;
            }
        }
        orders.store(IDLE, Ordering::SeqCst);
    }
}

/// Has one act, and waits until it has, but for its death.
async fn tell(orders: &AtomicU8, act: u8) {
    orders.store(act, Ordering::SeqCst);
    while act != b'D' && orders.load(Ordering::SeqCst) != IDLE {
        yield_now().await;
    }
}

async fn run(row: &Row) {
    let (a, b) = (Puppet::trapping(), Puppet::trapping());
    let orders: [Arc<AtomicU8>; 2] = Default::default();
    a.told(acts(orders[0].clone(), b.pid));
    b.told(acts(orders[1].clone(), a.pid));
    let watch = monitor(b.pid);
    let mut died = false;
    // Both have begun, and took in nothing after that.
    for who in [0, 1] {
        tell(&orders[who], b'T').await;
    }
    for step in row.script.split(' ').map(str::as_bytes) {
        tell(&orders[usize::from(step[0] - b'a')], step[1]).await;
        if step[1] == b'D' {
            // Links are told before monitors (P-13).
            assert_eq!(down(watch).await, Reason::from("boom"), "{}", row.cells);
            died = true;
        }
    }
    tell(&orders[0], END).await;
    let exits: Vec<String> = a
        .exits()
        .await
        .iter()
        .map(|e| e.reason.to_string())
        .collect();
    assert_eq!(exits, row.exits, "{}: exits", row.cells);
    let mine = a.links().await.contains(&b.pid.into());
    assert_eq!(mine, row.linked, "{}: whether a is linked", row.cells);
    if !died {
        tell(&orders[1], END).await;
        assert!(b.exits().await.is_empty(), "{}: nobody died", row.cells);
        let theirs = b.links().await.contains(&a.pid.into());
        assert_eq!(theirs, mine, "{}: L-10", row.cells);
    }
    exit_signal(a.pid, "kill");
    exit_signal(b.pid, "kill");
}

/// 3.4, L-7 to L-10: every cell.
#[test]
fn every_cell_of_the_link_protocol() {
    real(4, async {
        for row in &ROWS {
            for _ in 0..10 {
                run(row).await;
            }
        }
    });
}
