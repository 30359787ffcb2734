//! Mailbox limits, sends that see them, and the event for long queues.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{self, Either};
use runtime::prelude::*;
use runtime::{Event, SendError, set_mailbox_limit};
use tests::puppet::drain;
use tests::{LIMIT, Puppet, bell, down, everywhere, real, settle, worlds};

/// Shorter than a test waits.
const SLEEP: Duration = Duration::from_secs(20);

/// A process with this limit that sleeps, and then sends its spawner all numbers that it has.
fn sleeper(len_max: u32, overflow: Overflow) -> (Pid, Ref) {
    let me = self_pid();
    Spawn::new()
        .monitor()
        .trap_exit()
        .mailbox_limit(MailboxLimit::new(len_max, overflow))
        .spawn(async move {
            sleep(SLEEP).await;
            send(me, drain::<u32>().await);
        })
        .expect("there is room")
}

/// What the sleeper had, once it has woken up.
async fn found(watch: Ref) -> Vec<u32> {
    assert_eq!(down(watch).await, Reason::Normal);
    receive_timeout(Duration::ZERO).await.expect("it has told")
}

/// what a plain send does at the limit, by policy.
#[test]
fn r_15_send_at_the_limit() {
    let rows = [
        (Overflow::Refuse, vec![0, 1, 2]),
        (Overflow::DropNewest, vec![0, 1, 2]),
        (Overflow::DropOldest, vec![2, 3, 4]),
        (Overflow::Block, vec![0, 1, 2, 3, 4]),
    ];
    for (overflow, expected) in rows {
        worlds(10, || {
            let (overflow, expected) = (overflow.clone(), expected.clone());
            async move {
                let (pid, watch) = sleeper(3, overflow.clone());
                for n in 0..5u32 {
                    send(pid, n);
                }
                assert_eq!(found(watch).await, expected, "{overflow:?}");
            }
        });
    }
}

/// what has no room is given to the function, in the sender; what was sent beside `send` is
/// treated as by `Refuse`.
#[test]
fn r_15_callback() {
    worlds(10, || async {
        let me = self_pid();
        let given = Arc::new(Mutex::new(Vec::new()));
        let (gets, held) = (given.clone(), Arc::new(()));
        let (counted, in_callback) = (held.clone(), held);
        let callback = Overflow::callback(move |to, message| {
            let _ = &in_callback;
            // It may use the runtime, and knows who sends.
            send(me, "too much");
            gets.lock()
                .unwrap()
                .push((self_pid(), to, message.downcast::<u32>().unwrap()));
        });
        let (pid, watch) = sleeper(2, callback);
        let sender = Puppet::new();
        sender
            .does(async move {
                for n in 0..4u32 {
                    send(pid, n);
                }
                assert_eq!(try_send(pid, 4u32), Err(SendError::Full(4)));
            })
            .await;
        let by = sender.pid;
        assert_eq!(*given.lock().unwrap(), [(by, pid, 2), (by, pid, 3)]);
        assert_eq!(drain::<&str>().await.len(), 2);
        assert_eq!(found(watch).await, [0, 1]);
        settle().await;
        assert_eq!(Arc::strong_count(&counted), 1, "it went with the process");
    });
}

/// a function that ends its sender, or sends to the same full mailbox once more; one that
/// answers a call; one that is replaced while it is the limit.
#[test]
fn r_15_callbacks_may_do_anything() {
    everywhere(|| async {
        set_mailbox_limit(Some(MailboxLimit::new(
            0,
            Overflow::callback(|_, _| panic!("in the callback")),
        )));
        let me = self_pid();
        let (fails, watch) = spawn_monitor(async move { send(me, 1u32) });
        assert!(matches!(down(watch).await, Reason::Panic(_)), "{fails}");
        let deep = Arc::new(Mutex::new(0u32));
        let depth = deep.clone();
        let again = Overflow::callback(move |to, _| {
            let is_first = std::mem::replace(&mut *depth.lock().unwrap(), 1) == 0;
            if is_first {
                send(to, 2u32);
            }
        });
        set_mailbox_limit(Some(MailboxLimit::new(0, again.clone())));
        send(me, 1u32);
        assert_eq!(*deep.lock().unwrap(), 1);
        struct Double(u32);
        impl Request for Double {
            type Reply = u32;
        }
        let answers = Overflow::callback(|_, message| {
            if let Ok(Call { from, request }) = message.downcast::<Call<Double>>() {
                reply(from, 2 * request.0);
            }
        });
        let (server, _) = Spawn::new()
            .mailbox_limit(MailboxLimit::new(0, answers))
            .spawn(std::future::pending::<()>())
            .expect("there is room");
        let answered = call(server, Double(21), LIMIT).await;
        assert_eq!(answered, Ok(42));
        let old = set_mailbox_limit(None);
        assert_eq!(old, Some(MailboxLimit::new(0, again)));
    });
}

/// the policy `Kill` cannot be trapped.
#[test]
fn r_15_kill() {
    everywhere(|| async {
        let (pid, watch) = sleeper(3, Overflow::Kill);
        for n in 0..3u32 {
            send(pid, n);
        }
        assert!(is_alive(pid).await, "three may wait");
        for n in 0..100u32 {
            send(pid, n);
        }
        assert_eq!(down(watch).await, Reason::from("mailbox_overflow"));
    });
}

/// what `try_send` and `send_async` say at the limit, by policy; none of them kills.
#[test]
fn r_15_try_send_at_the_limit() {
    let rows = [
        (Overflow::Kill, Err(SendError::Full(9u32)), vec![0, 1]),
        (Overflow::Refuse, Err(SendError::Full(9)), vec![0, 1]),
        (Overflow::Block, Err(SendError::Full(9)), vec![0, 1]),
        (Overflow::DropNewest, Ok(()), vec![0, 1]),
        (Overflow::DropOldest, Ok(()), vec![9, 9]),
    ];
    for (overflow, answer, expected) in rows {
        worlds(10, || {
            let (overflow, expected) = (overflow.clone(), expected.clone());
            async move {
                let (pid, watch) = sleeper(2, overflow.clone());
                assert_eq!(try_send(pid, 0u32), Ok(()));
                assert_eq!(send_async(pid, 1u32).await, Ok(()));
                assert_eq!(try_send(pid, 9u32), answer, "{overflow:?}");
                let waited = future::select(
                    Box::pin(send_async(pid, 9u32)),
                    Box::pin(sleep(Duration::from_secs(1))),
                );
                let waits = matches!(waited.await, Either::Right(_));
                assert_eq!(waits, answer.is_err(), "{overflow:?}");
                assert_eq!(found(watch).await, expected, "{overflow:?}");
            }
        });
    }
}

/// R-15, style: what was refused comes back; the dead and names that nobody has are told.
#[test]
fn try_send_gives_the_message_back() {
    worlds(10, || async {
        let (pid, watch) = sleeper(0, Overflow::Refuse);
        let refused = try_send(pid, String::from("refused"));
        assert_eq!(
            refused.map_err(SendError::into_message),
            Err("refused".into())
        );
        exit_signal(pid, "kill");
        down(watch).await;
        assert_eq!(try_send(pid, 1u8), Err(SendError::NoProc(1)));
        assert_eq!(send_async(pid, 1u8).await, Err(SendError::NoProc(1)));
        assert_eq!(try_send("nobody", 1u8), Err(SendError::NoProc(1)));
        assert_eq!(send_async("nobody", 1u8).await, Err(SendError::NoProc(1)));
        // Where there is no limit they are plain sends.
        assert_eq!(try_send(self_pid(), 1u8), Ok(()));
        register("me", self_pid()).unwrap();
        assert_eq!(send_async("me", 2u8).await, Ok(()));
        assert_eq!(drain::<u8>().await, [1, 2]);
    });
}

/// what is not a message of the user's comes in any case, and does not count.
#[test]
fn r_15_signals_timers_replies_and_ports_are_exempt() {
    worlds(20, || async {
        let me = self_pid();
        let (full, watch) = Spawn::new()
            .monitor()
            .trap_exit()
            .mailbox_limit(MailboxLimit::new(1, Overflow::Kill))
            .spawn(async move {
                let (port, _) = bell::open();
                monitor(me);
                let watch = monitor("nobody has this name");
                let reply_to = alias(AliasMode::Reply);
                send_after(Duration::from_secs(1), self_pid(), 'a');
                start_timer(Duration::from_secs(2), self_pid(), 'b');
                send(me, reply_to);
                send(self_pid(), 0u32);
                sleep(Duration::from_secs(10)).await;
                bell::fail(port, "broken").unwrap();
                assert_eq!(down(watch).await, Reason::NoProc);
                let info = process_info(self_pid()).await.expect("I am alive");
                // The number, two timers, two exits and the reply.
                assert_eq!(info.message_queue_len, 6, "{info}");
                send(me, drain::<u32>().await);
            })
            .expect("there is room");
        let reply_to: Ref = receive().await;
        send(reply_to, "reply");
        exit_signal(full, "trapped");
        assert_eq!(found(watch).await, [0]);
    });
}

/// senders that wait are served in the order in which they came, and only when there is room.
#[test]
fn r_15_waiting_senders_are_served_in_order() {
    worlds(30, || async {
        let me = self_pid();
        let limit = MailboxLimit::new(2, Overflow::Block);
        let (slow, watch) = Spawn::new()
            .monitor()
            .mailbox_limit(limit)
            .spawn(async move {
                for _ in 0..12 {
                    sleep(Duration::from_secs(2)).await;
                    let info = process_info(self_pid()).await.expect("I am alive");
                    assert!(info.message_queue_len <= 2, "{info}");
                    send(me, receive::<u32>().await);
                }
            })
            .expect("there is room");
        for n in 0..12u32 {
            spawn(async move { send_async(slow, n).await.unwrap() });
            // One after the other, so that their order is known.
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(
            try_send(slow, 99u32),
            Err(SendError::Full(99)),
            "they came first"
        );
        down(watch).await;
        assert_eq!(drain::<u32>().await, (0..12).collect::<Vec<_>>());
    });
}

/// R-15, cancel safety: a sender that gives up, or dies, loses its place to the next; nothing was
/// sent.
#[test]
fn r_15_a_place_is_not_lost_with_its_sender() {
    worlds(50, || async {
        let me = self_pid();
        let limit = MailboxLimit::new(1, Overflow::Block);
        let (slow, watch) = Spawn::new()
            .monitor()
            .mailbox_limit(limit)
            .spawn(async move {
                sleep(Duration::from_secs(50)).await;
                for _ in 0..4 {
                    send(me, receive::<u32>().await);
                }
            })
            .expect("there is room");
        let senders: Vec<Pid> = (0..6u32)
            .map(|n| spawn(async move { send_async(slow, n + 10).await.unwrap() }))
            .collect();
        send_async(slow, 0u32).await.unwrap();
        sleep(Duration::from_secs(40)).await;
        // At the moment at which places become free.
        let impatient = send_async(slow, 1u32);
        let time = sleep(Duration::from_secs(10));
        drop(future::select(Box::pin(impatient), Box::pin(time)).await);
        exit_signal(senders[2], "kill");
        exit_signal(senders[4], "kill");
        assert_eq!(down(watch).await, Reason::Normal);
        let got = drain::<u32>().await;
        assert_eq!(got.len(), 4, "{got:?}");
    });
}

/// who waits for room learns of the receiver's death.
#[test]
fn r_15_the_receivers_death_ends_the_waiting() {
    everywhere(|| async {
        let (full, _) = sleeper(0, Overflow::Block);
        let waiting: Vec<Puppet> = (0..5).map(|_| Puppet::new()).collect();
        let (me, to) = (self_pid(), full);
        for puppet in &waiting {
            puppet.told(async move { send(me, send_async(to, 7u32).await) });
        }
        yield_now().await;
        exit_signal(full, "kill");
        for _ in &waiting {
            let end = receive_timeout::<Result<(), SendError<u32>>>(LIMIT).await;
            assert_eq!(end, Some(Err(SendError::NoProc(7))));
        }
    });
}

/// a request that is refused is told at once.
#[test]
fn r_15_a_call_of_a_full_server() {
    struct Ask;
    impl Request for Ask {
        type Reply = u32;
    }
    worlds(5, || async {
        let (full, _) = sleeper(0, Overflow::Refuse);
        assert_eq!(call(full, Ask, LIMIT).await, Err(CallError::Full));
        let info = process_info(full).await.expect("it is alive");
        assert_eq!(
            info.monitored_by.len(),
            1,
            "the call has left nothing: {info}"
        );
    });
}

/// the limit can be set, changed and taken away; those who wait profit.
#[test]
fn r_15_a_process_sets_its_own_limit() {
    worlds(10, || async {
        let me = self_pid();
        let narrow = MailboxLimit::new(1, Overflow::Refuse);
        assert_eq!(set_mailbox_limit(None), None);
        send(me, 0u32);
        assert_eq!(set_mailbox_limit(Some(narrow.clone())), None);
        assert_eq!(try_send(me, 1u32), Ok(()), "what was there does not count");
        assert_eq!(try_send(me, 2u32), Err(SendError::Full(2)));
        assert_eq!(receive::<u32>().await, 0);
        assert_eq!(try_send(me, 2u32), Err(SendError::Full(2)));
        assert_eq!(receive::<u32>().await, 1);
        assert_eq!(try_send(me, 2u32), Ok(()));
        let sender = Puppet::new();
        sender.told(async move { send_async(me, 3u32).await.unwrap() });
        settle().await;
        assert_eq!(set_mailbox_limit(None), Some(narrow));
        settle().await;
        assert_eq!(drain::<u32>().await, [2, 3]);
        assert_eq!(set_mailbox_limit(None), None);
    });
}

/// R-15, I-1: many senders on threads that wait for room: everything arrives once, each sender's in
/// order.
#[test]
fn r_15_back_pressure_on_threads() {
    real(3, async {
        const SENDERS: usize = 8;
        const EACH: u32 = 500;
        set_mailbox_limit(Some(MailboxLimit::new(3, Overflow::Block)));
        let me = self_pid();
        for sender in 0..SENDERS {
            spawn(async move {
                for n in 0..EACH {
                    send_async(me, (sender, n)).await.unwrap();
                }
            });
        }
        let mut next = [0; SENDERS];
        for _ in 0..SENDERS as u32 * EACH {
            let got = receive_timeout::<(usize, u32)>(LIMIT).await;
            let (sender, n) = got.expect("nothing is lost");
            assert_eq!(n, next[sender]);
            next[sender] += 1;
        }
        assert!(drain::<(usize, u32)>().await.is_empty());
        assert_eq!(try_send(me, 0u8), Ok(()), "the count is right again");
        assert_eq!(try_send(me, 1u8), Ok(()));
        assert_eq!(try_send(me, 2u8), Ok(()));
        assert_eq!(try_send(me, 3u8), Err(SendError::Full(3)));
    });
}

/// one event when a mailbox has grown long, and one when it has shrunk.
#[test]
fn r_16_a_long_queue_is_reported_each_way() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let noted = events.clone();
    let builder = Runtime::builder().workers(1).long_message_queue(2, 5);
    let builder = builder.on_event(move |event| noted.lock().unwrap().push(event.clone()));
    let runtime = builder.build().expect("a runtime starts");
    tests::run::on(runtime, async move {
        let pid = self_pid();
        let told = || std::mem::take(&mut *events.lock().unwrap());
        for _ in 0..2 {
            for n in 0..4u32 {
                send(pid, n);
            }
            receive_timeout::<()>(Duration::ZERO).await;
            assert!(told().is_empty());
            for n in 4..8u32 {
                send(pid, n);
            }
            receive_timeout::<()>(Duration::ZERO).await;
            let (len, long) = (8, true);
            assert_eq!(told(), [Event::LongMessageQueue { pid, len, long }]);
            for _ in 0..5 {
                receive::<u32>().await;
            }
            assert!(told().is_empty());
            receive::<u32>().await;
            let (len, long) = (2, false);
            assert_eq!(told(), [Event::LongMessageQueue { pid, len, long }]);
            assert_eq!(drain::<u32>().await, [6, 7]);
        }
        assert!(told().is_empty());
    });
}
