//! Sends that are gathered while their sender has more input: whatever the sender does next, the
//! peer gets all of them, in order.

use gen_tcp::{How, Name, Opt, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::{connected, narrow};
use tests::sockets::{queued, until_it_waits, until_unread};
use tests::{Foreign, Stream, next, real};

/// Requests that are there before the first is read.
const REQUESTS: usize = 3;

/// A process that owns a socket with packets in its buffer, has answered the first, and does `next`
/// in the same slice.
async fn answers_then<F>(next: impl FnOnce(Socket) -> F + Send + 'static) -> (Pid, Foreign)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (socket, foreign) = connected([packet(1)]).await;
    foreign.write(b"\x01a".repeat(REQUESTS));
    until_unread(socket, 2 * REQUESTS).await;
    let owner = spawn(async move {
        receive! { () => {} }
        let first = gen_tcp::recv(socket, 0).await.expect("it is there");
        gen_tcp::send(socket, first).await.expect("it is connected");
        next(socket).await;
    });
    gen_tcp::controlling_process(socket, owner).expect("it is open");
    send(owner, ());
    (owner, foreign)
}

async fn first_answer(foreign: &Foreign) {
    let got = foreign.read(2).await.expect("it was sent");
    assert_eq!(got, b"\x01a");
}

// 5.1, gathering
#[test]
fn what_was_gathered_leaves_whatever_its_sender_does_next() {
    real(2, async {
        let (_, foreign) = answers_then(|_| async {
            receive! { () => {} }
        })
        .await;
        first_answer(&foreign).await;
        let (_, foreign) = answers_then(|_| async {
            loop {
                yield_now().await
            }
        })
        .await;
        first_answer(&foreign).await;
        let (_, foreign) = answers_then(|_| async {}).await;
        first_answer(&foreign).await;
        let (_, foreign) = answers_then(|_| async { panic!("it ends here") }).await;
        first_answer(&foreign).await;
        let (_, foreign) = answers_then(|_| async { exit(Reason::Kill).await }).await;
        first_answer(&foreign).await;
        let close = |socket| async move { gen_tcp::close(socket).await.expect("always") };
        let (_, foreign) = answers_then(close).await;
        first_answer(&foreign).await;
        let shut = |socket| async move {
            gen_tcp::shutdown(socket, How::Write).expect("it is connected");
            receive! { () => {} }
        };
        let (_, foreign) = answers_then(shut).await;
        assert_eq!(foreign.read_to_end().await.0, b"\x01a");
        let hand_over = |socket| async move {
            let heir = spawn(async {
                receive! { () => {} }
            });
            gen_tcp::controlling_process(socket, heir).expect("it is open");
            receive! { () => {} }
        };
        let (_, foreign) = answers_then(hand_over).await;
        first_answer(&foreign).await;
    });
}

/// Segments with data that the kernel has sent for a socket.
fn segments(socket: Socket) -> u32 {
    let name = Name::Raw {
        level: libc::IPPROTO_TCP,
        option: libc::TCP_INFO,
        size: 256,
    };
    let got = inet::getopts(socket, [name]).expect("it is connected");
    let [Opt::Raw { value, .. }] = &got[..] else {
        panic!("came {got:?}")
    };
    // `tcpi_data_segs_out` of the system's structure.
    let field = value.get(156..160).expect("the system tells it");
    u32::from_ne_bytes(field.try_into().expect("four bytes"))
}

// What it is for: several requests that are there together are answered together.
#[test]
fn answers_to_several_requests_leave_in_one_segment() {
    real(1, async {
        let (socket, foreign) = connected([packet(1)]).await;
        foreign.write(b"\x01a".repeat(REQUESTS));
        until_unread(socket, 2 * REQUESTS).await;
        let before = segments(socket);
        for _ in 0..REQUESTS {
            let request = gen_tcp::recv(socket, 0).await.expect("it is there");
            gen_tcp::send(socket, request)
                .await
                .expect("it is connected");
        }
        let got = foreign.read(2 * REQUESTS).await.expect("all is answered");
        assert_eq!(got, b"\x01a".repeat(REQUESTS));
        assert_eq!(segments(socket) - before, 1);
    });
}

// 1.14
#[test]
fn getstat_sees_no_gathered_bytes() {
    real(1, async {
        let ask = |socket| async move {
            let pending = inet::getstat(socket, [inet::Stat::SendPend]).expect("it is open");
            assert_eq!(pending, [(inet::Stat::SendPend, 0)]);
            receive! { () => {} }
        };
        let (_, foreign) = answers_then(ask).await;
        first_answer(&foreign).await;
    });
}

// ACT-1: the messages of one's own socket are such input, too.
#[test]
fn answers_to_many_messages_come_in_order() {
    real(2, async {
        let (socket, foreign) = connected([packet(2), active(true)]).await;
        let count: u16 = 1000;
        let all: Vec<u8> = (0..count)
            .flat_map(|n| [[0, 2], n.to_be_bytes()].concat())
            .collect();
        let (writer, sent) = (foreign.clone(), all.clone());
        spawn_link(async move { writer.write_all(sent).await.expect("it is read") });
        for _ in 0..count {
            receive! {
                Tcp::Data(s, data) if s == socket => {
                    gen_tcp::send(socket, data).await.expect("it is connected");
                }
            }
        }
        assert_eq!(foreign.read(all.len()).await.expect("all comes"), all);
    });
}

/// A send is over.
struct Sent;

// SEN-2: nothing is gathered while the kernel takes no more, so the mark holds.
#[test]
fn behind_a_full_kernel_a_sender_with_more_to_do_waits_at_the_mark() {
    real(2, async {
        let marks = [high_watermark(4000), low_watermark(1000)];
        let (socket, foreign) = narrow(marks).await;
        let mut stream = Stream::default();
        // Into an empty queue a send never waits, so the kernel is full and the queue short.
        while queued(socket) == 0 {
            gen_tcp::send(socket, stream.take(2000))
                .await
                .expect("it is connected");
        }
        let me = self_pid();
        let pieces: Vec<Vec<u8>> = (0..10).map(|_| stream.take(1500)).collect();
        let sender = spawn(async move {
            // It always has more to do.
            send(self_pid(), ());
            for piece in pieces {
                gen_tcp::send(socket, piece).await.expect("it is connected");
                send(me, Sent);
            }
        });
        until_it_waits(sender).await;
        assert!(
            (4000..4000 + 1500).contains(&queued(socket)),
            "it waits at the mark"
        );
        Stream::default().check(&foreign.read(stream.at).await.expect("all of it comes"));
        for _ in 0..10 {
            next::<Sent>().await;
        }
    });
}
