//! Aliases (process 4.4): what ends each kind, and every row of the table of facts.

use runtime::prelude::*;
use runtime::{DemonitorOptions, demonitor_with};
use tests::puppet::drain;
use tests::{Puppet, down, everywhere, next, nothing, settle, worlds};

/// Has somebody else send these through the alias, and waits until they have arrived.
async fn sent_by_another(to: Ref, words: &'static [&'static str]) {
    let other = Puppet::new();
    other
        .does(async move {
            for word in words {
                send(to, *word);
            }
        })
        .await;
}

/// 4.4: an explicit alias lets in what comes until `unalias`.
#[test]
fn an_explicit_alias_lasts_until_unalias() {
    everywhere(|| async {
        let to = alias(AliasMode::ExplicitUnalias);
        sent_by_another(to, &["one", "two"]).await;
        assert_eq!(next::<&str>().await, "one");
        assert_eq!(next::<&str>().await, "two");
        assert!(unalias(to), "it was active");
        assert!(!unalias(to), "it is not any more");
        sent_by_another(to, &["three"]).await;
        send(self_pid(), "last");
        assert_eq!(next::<&str>().await, "last");
    });
}

/// 4.4: of two messages to a `reply` alias the second is dropped.
#[test]
fn a_reply_alias_lets_in_one_message() {
    everywhere(|| async {
        let to = alias(AliasMode::Reply);
        sent_by_another(to, &["first", "second"]).await;
        assert_eq!(next::<&str>().await, "first");
        assert!(!unalias(to), "the first message has ended it");
        send(self_pid(), "last");
        assert_eq!(next::<&str>().await, "last");
    });
}

/// 4.4: `unalias` of what is not active, not mine, or no alias.
#[test]
fn unalias_of_what_is_no_alias_of_mine() {
    worlds(10, || async {
        assert!(!unalias(make_ref()));
        assert!(!unalias(monitor(self_pid())));
        let theirs = Puppet::new()
            .does(async { alias(AliasMode::ExplicitUnalias) })
            .await;
        // Mine of the same number must not be taken for it.
        let mine: Vec<Ref> = (0..20).map(|_| alias(AliasMode::Reply)).collect();
        assert!(!unalias(theirs));
        for to in mine {
            assert!(unalias(to));
        }
    });
}

/// 4.4, M-13: what was received before the alias ended stays; what is under way is dropped.
#[test]
fn m_13_the_alias_is_looked_at_when_the_message_is_received() {
    worlds(20, || async {
        let to = alias(AliasMode::ExplicitUnalias);
        send(to, "received");
        settle().await;
        send(to, "under way");
        assert!(unalias(to));
        assert_eq!(next::<&str>().await, "received");
        nothing::<&str>().await;
    });
}

/// 4.4: an alias of a dead process, and a reference that is none: sending succeeds.
#[test]
fn what_is_sent_to_no_alias_is_dropped() {
    worlds(10, || async {
        let other = Puppet::new();
        let theirs = other
            .does(async { alias(AliasMode::ExplicitUnalias) })
            .await;
        other.ends("normal");
        settle().await;
        send(theirs, "to the dead");
        assert_eq!(runtime::try_send(theirs, "to the dead"), Ok(()));
        send(make_ref(), "to nobody");
        nothing::<&str>().await;
    });
}

/// S-1: by pid, by alias, by name, by pid: all in the order of sending.
#[test]
fn s_1_an_alias_keeps_the_order_of_its_sender() {
    everywhere(|| async {
        let (me, to) = (self_pid(), alias(AliasMode::ExplicitUnalias));
        register("receiver", me).unwrap();
        let other = Puppet::new();
        other.told(async move {
            for n in 0..100u32 {
                match n % 3 {
                    0 => send(me, n),
                    1 => send(to, n),
                    _ => send("receiver", n).unwrap(),
                }
            }
            exit_signal(me, "normal");
        });
        trap_exit(true);
        for n in 0..100u32 {
            assert_eq!(next::<u32>().await, n);
        }
        tests::exit_of(other.pid).await;
        unregister("receiver");
    });
}

/// What ends an alias that is a monitor's.
#[derive(Clone, Copy, Debug)]
enum End {
    Nothing,
    Demonitor,
    Down,
    Unalias,
}

/// 4.4: each kind of monitor alias, and what ends it; and whether a first message ends the monitor.
#[test]
fn monitor_aliases_table_4_4() {
    use End::{Demonitor, Down, Nothing, Unalias};
    // Kind, what happens, whether a message gets through after that.
    let rows = [
        (MonitorAlias::ExplicitUnalias, Nothing, true),
        (MonitorAlias::ExplicitUnalias, Demonitor, true),
        (MonitorAlias::ExplicitUnalias, Down, true),
        (MonitorAlias::ExplicitUnalias, Unalias, false),
        (MonitorAlias::Demonitor, Nothing, true),
        (MonitorAlias::Demonitor, Demonitor, false),
        (MonitorAlias::Demonitor, Down, false),
        (MonitorAlias::Demonitor, Unalias, false),
        (MonitorAlias::ReplyDemonitor, Nothing, true),
        (MonitorAlias::ReplyDemonitor, Demonitor, false),
        (MonitorAlias::ReplyDemonitor, Down, false),
        (MonitorAlias::ReplyDemonitor, Unalias, false),
    ];
    for (mode, end, through) in rows {
        worlds(10, move || async move {
            let target = Puppet::new();
            let both = monitor_with(target.pid, MonitorOptions::new().alias(mode));
            match end {
                Nothing => {}
                Demonitor => assert!(demonitor(both)),
                Down => {
                    target.ends("boom");
                    assert_eq!(down(both).await, Reason::from("boom"));
                }
                Unalias => assert!(unalias(both)),
            }
            sent_by_another(both, &["word"]).await;
            settle().await;
            let came = !drain::<&str>().await.is_empty();
            assert_eq!(came, through, "{mode:?} after {end:?}");
        });
    }
}

/// 4.4: `unalias` leaves the monitor; the first message of `ReplyDemonitor` ends it, of others not.
#[test]
fn what_becomes_of_the_monitor() {
    let rows = [
        (MonitorAlias::ExplicitUnalias, false, true),
        (MonitorAlias::Demonitor, false, true),
        (MonitorAlias::ReplyDemonitor, false, false),
        (MonitorAlias::ExplicitUnalias, true, true),
        (MonitorAlias::Demonitor, true, true),
        (MonitorAlias::ReplyDemonitor, true, true),
    ];
    for (mode, unaliased, fires) in rows {
        worlds(10, move || async move {
            let target = Puppet::new();
            let both = monitor_with(target.pid, MonitorOptions::new().alias(mode));
            if unaliased {
                assert!(unalias(both));
            } else {
                sent_by_another(both, &["word"]).await;
                assert_eq!(next::<&str>().await, "word");
            }
            let info = process_info(target.pid).await.expect("it is alive");
            assert_eq!(info.monitored_by.len(), usize::from(fires), "{mode:?}");
            target.ends("boom");
            settle().await;
            let downs = drain::<runtime::Down>().await;
            assert_eq!(downs.len(), usize::from(fires), "{mode:?} {unaliased}");
        });
    }
}

/// 4.4 (suite, gh5310): after `demonitor` of a `reply_demonitor` monitor no message gets through,
/// also while one is under way.
#[test]
fn gh5310_nothing_gets_through_after_demonitor() {
    let race = || async {
        for _ in 0..100 {
            let target = spawn(async { receive::<()>().await });
            let options = MonitorOptions::new().alias(MonitorAlias::ReplyDemonitor);
            let both = monitor_with(target, options);
            let other = spawn(async move {
                send(both, 1u8);
                send(both, 2u8);
            });
            yield_now().await;
            let active = demonitor(both);
            // Whatever came had ended the monitor by coming.
            let came = receive_timeout::<u8>(std::time::Duration::ZERO).await;
            assert_eq!(came, (!active).then_some(1));
            assert!(!unalias(both));
            let watch = monitor(other);
            down(watch).await;
            assert_eq!(receive_timeout::<u8>(std::time::Duration::ZERO).await, None);
            exit_signal(target, "kill");
        }
    };
    worlds(20, race);
    tests::real(3, race());
}

/// 4.4: an alias works also where the target was dead from the start, or is oneself.
#[test]
fn an_alias_on_a_monitor_of_nobody() {
    worlds(10, || async {
        let (gone, watch) = spawn_monitor(async {});
        down(watch).await;
        let lasting = MonitorOptions::new().alias(MonitorAlias::ExplicitUnalias);
        let both = monitor_with(gone, lasting.clone());
        assert_eq!(down(both).await, Reason::NoProc);
        send(both, "through");
        assert_eq!(next::<&str>().await, "through");
        let own = monitor_with(self_pid(), lasting);
        send(own, "own");
        assert_eq!(next::<&str>().await, "own");
        assert!(unalias(own));
    });
}

/// 1.3: `spawn_opt(.., [{monitor, [{alias, Mode}]}])`: the child has the alias of its own monitor.
#[test]
fn a_spawn_gives_an_alias() {
    everywhere(|| async {
        let options = MonitorOptions::new().alias(MonitorAlias::ReplyDemonitor);
        let child = Spawn::new().monitor_with(options);
        let (pid, both) = child
            .spawn(async {
                let to: Ref = receive().await;
                send(to, "done");
            })
            .expect("there is room");
        send(pid, both);
        assert_eq!(next::<&str>().await, "done");
        // The reply has ended the monitor.
        assert!(!demonitor_flush(both));
    });
}

/// 4.2: a tag replaces `Down`; it is flushed like one.
#[test]
fn a_tag_replaces_the_down() {
    everywhere(|| async {
        let target = Puppet::new();
        let tagged = monitor_with(target.pid, MonitorOptions::new().tag(("session", 7)));
        let plain = monitor(target.pid);
        target.ends("boom");
        let gone: TaggedDown = next().await;
        assert_eq!(gone.tag(), Some(&("session", 7)));
        assert_eq!(gone.tag::<u8>(), None);
        assert_eq!(
            (gone.down.monitor, gone.down.reason),
            (tagged, "boom".into())
        );
        assert_eq!(next::<Down>().await.monitor, plain);
        let (child, _) = spawn_monitor(async {});
        let again = monitor_with(child, MonitorOptions::new().tag("again"));
        next::<Down>().await;
        let active = demonitor_flush(again);
        assert!(
            active || drain::<TaggedDown>().await.is_empty(),
            "a flush has left the message"
        );
    });
}

/// 4.3: the four forms of `demonitor`.
#[test]
fn demonitor_with_options() {
    worlds(10, || async {
        // Options, the answer where it is active, where it has fired, messages left of one that
        // fired.
        let rows = [
            (false, false, true, true, 1),
            (true, false, true, true, 0),
            (false, true, true, false, 1),
            (true, true, true, false, 0),
        ];
        for (flush, info, active, fired, left) in rows {
            let options = DemonitorOptions { flush, info };
            let target = Puppet::new();
            let watch = monitor(target.pid);
            assert_eq!(demonitor_with(watch, options), active, "{options:?}");
            let watch = monitor(target.pid);
            target.ends("boom");
            settle().await;
            assert_eq!(demonitor_with(watch, options), fired, "{options:?}");
            assert_eq!(drain::<Down>().await.len(), left, "{options:?}");
        }
        let default = DemonitorOptions::default();
        assert!(
            demonitor_with(make_ref(), default),
            "true for whatever it is"
        );
    });
}
