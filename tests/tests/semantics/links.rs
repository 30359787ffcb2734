//! Links: their nature (process 3.1), the cells of the protocol (3.4), `unlink` (3.5).
//!
//! Which cell of the table a test is about stands above it: my state, then the event. All of them
//! in all orders are walked through in `small_worlds`.

use std::time::Duration;

use runtime::prelude::*;
use tests::puppet::drain;
use tests::{Puppet, down, everywhere, exit_of, nothing, settle, worlds};

/// Two puppets that trap exits.
fn pair() -> (Puppet, Puppet) {
    (Puppet::trapping(), Puppet::trapping())
}

async fn linked(a: Puppet, b: Puppet) -> bool {
    let (one, other) = (a.links().await, b.links().await);
    let (one, other) = (one.contains(&b.pid.into()), other.contains(&a.pid.into()));
    assert_eq!(one, other, "L-10: the ends disagree");
    one
}

async fn link_from(a: Puppet, b: Puppet) {
    a.does(async move { link(b.pid) })
        .await
        .expect("b is alive");
}

/// 3.1; cells none/I call link, none/LINK in, active/I call link: a link is one, whoever made it.
#[test]
fn linking_twice_is_linking_once() {
    worlds(20, || async {
        let (a, b) = pair();
        link_from(a, b).await;
        link_from(a, b).await;
        link_from(b, a).await;
        assert!(linked(a, b).await);
        b.does(async move { unlink(a.pid) }).await;
        assert!(!linked(a, b).await);
        link_from(a, b).await;
        link_from(b, a).await;
        b.ends("boom");
        settle().await;
        assert_eq!(a.exits().await.len(), 1, "two links give one signal");
    });
}

/// Cell active/LINK in: both link at once.
#[test]
fn links_that_cross_are_one() {
    worlds(30, || async {
        let (a, b) = pair();
        a.told(async move { link(b.pid).unwrap() });
        b.told(async move { link(a.pid).unwrap() });
        settle().await;
        assert!(linked(a, b).await);
        b.does(async move { unlink(a.pid) }).await;
        assert!(!linked(a, b).await);
    });
}

/// 3.1: a link to oneself is nothing.
#[test]
fn a_link_to_oneself_is_nothing() {
    everywhere(|| async {
        link(self_pid()).unwrap();
        assert!(links().is_empty());
        unlink(self_pid());
        let (child, watch) = spawn_monitor(async { link(self_pid()).unwrap() });
        assert_eq!(down(watch).await, Reason::Normal);
        assert!(!is_alive(child).await);
    });
}

/// 3.5; cell none/I call unlink: without a link, or with nobody there, nothing happens.
#[test]
fn unlinking_what_is_not_linked_does_nothing() {
    worlds(20, || async {
        let (a, b) = pair();
        a.does(async move { unlink(b.pid) }).await;
        assert!(!linked(a, b).await);
        link_from(a, b).await;
        assert!(linked(a, b).await);
        exit_signal(b.pid, "kill");
        settle().await;
        a.does(async move { unlink(b.pid) }).await;
        assert!(a.links().await.is_empty());
    });
}

/// Cells inactive/UNLINK in and inactive/UNLINK_ACK in: both unlink at once.
#[test]
fn unlinks_that_cross_leave_no_link() {
    worlds(30, || async {
        let (a, b) = pair();
        link_from(a, b).await;
        a.told(async move { unlink(b.pid) });
        b.told(async move { unlink(a.pid) });
        settle().await;
        assert!(!linked(a, b).await);
        link_from(b, a).await;
        assert!(linked(a, b).await, "what was outstanding is forgotten");
    });
}

/// Cell inactive/LINK in, L-8: the peer's link was sent before it saw the unlink, which removes it.
#[test]
fn a_link_that_crosses_an_unlink_is_gone() {
    worlds(50, || async {
        let (a, b) = pair();
        link_from(a, b).await;
        a.told(async move { unlink(b.pid) });
        // b may see the unlink before or after this; either way both ends agree.
        b.told(async move { link(a.pid).unwrap() });
        settle().await;
        linked(a, b).await;
    });
}

/// Cells inactive/I call link and active/UNLINK_ACK in: a link made while the acknowledgement is
/// under way is a new one, and the late acknowledgement does not end it.
#[test]
fn linking_again_while_an_unlink_is_under_way() {
    worlds(30, || async {
        let (a, b) = pair();
        link_from(a, b).await;
        a.does(async move {
            unlink(b.pid);
            link(b.pid).unwrap();
        })
        .await;
        settle().await;
        assert!(linked(a, b).await);
        b.ends("boom");
        assert_eq!(a.does(exit_of(b.pid)).await, Reason::from("boom"));
    });
}

/// L-9: the acknowledgement of an older unlink does not end a newer one.
#[test]
fn acknowledgements_belong_to_their_unlink() {
    worlds(30, || async {
        let (a, b) = pair();
        for _ in 0..3 {
            link_from(a, b).await;
            a.does(async move {
                unlink(b.pid);
                link(b.pid).unwrap();
                unlink(b.pid);
            })
            .await;
            settle().await;
            assert!(!linked(a, b).await);
        }
    });
}

/// Cells active/UNLINK in and none/EXIT in: one whose link was taken away is not told of the end.
#[test]
fn the_other_end_may_unlink() {
    worlds(20, || async {
        let (a, b) = pair();
        link_from(a, b).await;
        b.told(async move {
            unlink(a.pid);
            exit("boom").await
        });
        settle().await;
        assert!(a.exits().await.is_empty());
        assert!(a.links().await.is_empty());
    });
}

/// 3.5: a message that kills X, then an unlink of X, never kills the caller: two thousand times.
#[test]
fn a_death_that_crosses_an_unlink_does_no_harm() {
    everywhere(|| async {
        for _ in 0..200 {
            let target = Puppet::with(Spawn::new().link());
            target.ends("boom");
            unlink(target.pid);
        }
    });
}

/// 3.5: on real workers, where the death and the unlink are at the same time.
#[test]
fn a_death_at_the_same_time_as_an_unlink_does_no_harm() {
    tests::real(4, async {
        for _ in 0..2000 {
            let target = spawn_link(async { exit("boom").await });
            unlink(target);
        }
    });
}

/// L-11: `unlink_flush` leaves neither link nor exit message, whenever the death was.
#[test]
fn l_11_unlink_flush_leaves_nothing() {
    worlds(100, || async {
        trap_exit(true);
        let target = Puppet::with(Spawn::new().link());
        target.ends("boom");
        yield_now().await;
        let flushed = unlink_flush(target.pid);
        if let Some(exit) = flushed {
            assert_eq!(exit.reason, Reason::from("boom"));
        }
        nothing::<Exit>().await;
        assert!(links().is_empty());
    });
}

/// L-11: only the message of that actor goes, and only one.
#[test]
fn l_11_unlink_flush_takes_only_what_is_its() {
    worlds(10, || async {
        trap_exit(true);
        let (a, b) = (
            Puppet::with(Spawn::new().link()),
            Puppet::with(Spawn::new().link()),
        );
        a.ends("a");
        b.ends("b");
        settle().await;
        let flushed = unlink_flush(a.pid).expect("a has ended");
        assert_eq!(
            (flushed.from, flushed.reason),
            (a.pid.into(), Reason::from("a"))
        );
        let left = drain::<Exit>().await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].from, b.pid);
        assert_eq!(unlink_flush(a.pid), None);
    });
}

/// 3.5: an exit message that is in the mailbox stays there when only `unlink` is called.
#[test]
fn unlink_leaves_what_is_in_the_mailbox() {
    worlds(10, || async {
        trap_exit(true);
        let child = spawn_link(async {});
        settle().await;
        assert!(
            links().is_empty(),
            "3.1: a link goes with the end, also with a normal one"
        );
        unlink(child);
        let exit = receive_timeout::<Exit>(Duration::ZERO).await;
        assert_eq!(exit.map(|exit| exit.from), Some(child.into()));
    });
}

/// M-10, P-13 step 6: links are told in the order in which they were made.
#[test]
fn links_are_told_in_the_order_of_linking() {
    worlds(10, || async {
        trap_exit(true);
        let center = Puppet::trapping();
        let rim: Vec<Puppet> = (0..40).map(|_| Puppet::trapping()).collect();
        for puppet in &rim {
            let center = center.pid;
            puppet.does(async move { link(center) }).await.unwrap();
        }
        let removed = rim[7].pid;
        center.does(async move { unlink(removed) }).await;
        let expected: Vec<ActorId> = rim
            .iter()
            .filter(|p| p.pid != removed)
            .map(|p| p.pid.into())
            .collect();
        assert_eq!(center.links().await, expected);
    });
}

/// P-8: the link is there before the child's first instruction, and before the parent goes on.
#[test]
fn p_8_spawn_link_is_one_step() {
    everywhere(|| async {
        trap_exit(true);
        let me = self_pid();
        let child = spawn_link(async move { send(me, links()) });
        let seen: Vec<ActorId> = tests::next().await;
        assert_eq!(seen, [ActorId::from(me)]);
        assert_eq!(exit_of(child).await, Reason::Normal);
        for _ in 0..50 {
            let child = spawn_link(async { exit("soon").await });
            assert_eq!(exit_of(child).await, Reason::from("soon"));
        }
    });
}

/// P-8: a parent that is killed right behind the spawn takes its child along, at whatever moment.
#[test]
fn p_8_no_child_outlives_a_killed_parent() {
    worlds(200, || async {
        let parent = Puppet::new();
        let me = self_pid();
        parent.told(async move {
            for _ in 0..3 {
                send(me, spawn_link(std::future::pending::<()>()));
                yield_now().await;
            }
        });
        yield_now().await;
        exit_signal(parent.pid, "kill");
        settle().await;
        for child in drain::<Pid>().await {
            assert!(!is_alive(child).await);
        }
    });
}
