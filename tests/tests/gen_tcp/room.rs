//! Section 9, rows 11 and 12: a limit to the output queue, and sends that take all or nothing.

use gen_tcp::{Error, Name, Socket, Tcp, inet, opt::*};
use runtime::port::{PortSignal, signal_port_async};
use runtime::prelude::*;
use tests::foreign::{connected, narrow};
use tests::sockets::{assert_mailbox_empty, fill, message, pair, queued, until_it_waits};
use tests::{Foreign, Random, Stream, down, next, real};

/// More than a queue with little room has, even where the kernel still takes something.
const FAR_TOO_MUCH: usize = 100_000;

/// A socket whose peer does not read, with room for so many bytes in its queue, and what was sent.
async fn with_room(room: u64, options: [gen_tcp::Opt; 2]) -> (Socket, Foreign, Stream) {
    let (socket, foreign) = narrow(options).await;
    let mut stream = Stream::default();
    fill(socket, &mut stream).await;
    inet::setopts(socket, [send_queue_limit(queued(socket) + room)]).expect("it is open");
    (socket, foreign, stream)
}

/// The peer reads what was accepted, and nothing else comes.
async fn check_all(socket: Socket, foreign: Foreign, sent: usize) {
    let (_, closed) = spawn_monitor(gen_tcp::close(socket));
    let (got, end) = foreign.read_to_end().await;
    assert_eq!((got.len(), end.is_ok()), (sent, true));
    Stream::default().check(&got);
    assert_eq!(down(closed).await, Reason::Normal);
}

// Row 11, STM-2
#[test]
fn row_11_a_send_for_which_the_queue_has_no_room_is_refused_and_not_queued() {
    real(2, async {
        let options = [send_timeout(0), high_watermark(1000)];
        let (socket, foreign, mut stream) = with_room(5000, options).await;
        assert_eq!(
            gen_tcp::send(socket, stream.take(5000)).await,
            Err(Error::Timeout),
            "it fits, and is queued"
        );
        let full = queued(socket);
        // The kernel may still take a little of it.
        for length in [FAR_TOO_MUCH, 1_000_000] {
            let sent = gen_tcp::send(socket, vec![0; length]).await;
            assert_eq!(sent, Err(Error::Enobufs), "{length}");
            assert_eq!(
                gen_tcp::try_send(socket, vec![0; length]),
                Err(Error::Eagain)
            );
        }
        // A command in message form is a send, too.
        let command = PortSignal::Command(self_pid(), vec![0; FAR_TOO_MUCH]);
        signal_port_async(socket.port(), command).await;
        let Tcp::Reply(_, reply) = message(socket).await else {
            panic!("a reply comes first");
        };
        assert_eq!(reply, Err(Error::Enobufs));
        assert!(queued(socket) <= full);
        // Without the limit it is as ever.
        inet::setopts(socket, [send_queue_limit(0)]).expect("it is open");
        assert_eq!(
            gen_tcp::send(socket, stream.take(1)).await,
            Err(Error::Timeout)
        );
        assert_mailbox_empty().await;
        check_all(socket, foreign, stream.at).await;
    });
}

// Row 11, row 10, SEN-4: who is suspended is looked at when his turn comes, or his time is over.
#[test]
fn row_11_a_suspended_send_without_room_is_not_queued_when_its_time_is_over() {
    real(2, async {
        let options = [send_timeout(200), high_watermark(1000)];
        let (socket, foreign, mut stream) = with_room(5000, options).await;
        let me = self_pid();
        let waiting = stream.take(5000);
        let first = spawn(async move { send(me, ('w', gen_tcp::send(socket, waiting).await)) });
        until_it_waits(first).await;
        let second = spawn(async move {
            send(
                me,
                ('s', gen_tcp::send(socket, vec![0; FAR_TOO_MUCH]).await),
            )
        });
        until_it_waits(second).await;
        let mut told = [next().await, next().await];
        told.sort_by_key(|(name, _): &(char, Result<(), Error>)| *name);
        assert_eq!(
            told,
            [('s', Err(Error::Enobufs)), ('w', Err(Error::Timeout))]
        );
        check_all(socket, foreign, stream.at).await;
    });
}

// Row 11: a send that is larger than the limit is refused whatever the queue holds.
#[test]
fn row_11_no_send_may_be_larger_than_the_limit() {
    real(2, async {
        let (socket, foreign) = connected([send_queue_limit(10_000), packet(4)]).await;
        let own = |length| vec![7; length];
        let refused = gen_tcp::send(socket, own(9997)).await;
        assert_eq!(
            refused,
            Err(Error::Enobufs),
            "with its header it has 10,001 bytes"
        );
        assert_eq!(gen_tcp::send(socket, own(9996)).await, Ok(()));
        assert_eq!(
            foreign.read(10_000).await.expect("it comes")[4..],
            own(9996)
        );
        // Nor does a refusal count as sent.
        let stats = inet::getstat(socket, [inet::Stat::SendCnt]).expect("it is open");
        assert_eq!(stats, [(inet::Stat::SendCnt, 1)]);
    });
}

// Row 11, 5.1, 5.6: what is only kept to leave with more counts as gone.
#[test]
fn row_11_what_is_gathered_or_delayed_takes_no_room_from_others() {
    for delayed in [false, true] {
        real(1, async move {
            let options = [send_queue_limit(10_000), delay_send(delayed)];
            let (socket, foreign) = connected(options).await;
            let mut stream = Stream::default();
            // With a message to look at the sender has more to do.
            send(self_pid(), "more");
            for _ in 0..20 {
                let sent = gen_tcp::send(socket, stream.take(4000)).await;
                assert_eq!(sent, Ok(()), "delayed: {delayed}");
            }
            let got = foreign.read(stream.at).await.expect("all of it comes");
            Stream::default().check(&got);
        });
    }
}

// Row 11, 2.2
#[test]
fn row_11_the_limit_is_inherited_and_can_be_read() {
    real(2, async {
        let read = |socket| inet::getopts(socket, [Name::SendQueueLimit]);
        let (client, server) = pair([], [send_queue_limit(77_000)]).await;
        assert_eq!(read(client), Ok(vec![send_queue_limit(0)]));
        assert_eq!(read(server), Ok(vec![send_queue_limit(77_000)]));
        let bad = inet::setopts(client, [send_queue_limit(-1)]);
        assert_eq!(bad, Err(Error::Einval));
    });
}

// Row 12
#[test]
fn row_12_a_send_that_need_not_wait_takes_all_or_nothing() {
    real(2, async {
        let (socket, foreign) = narrow([high_watermark(300_000), low_watermark(1)]).await;
        let (mut stream, mut random) = (Stream::default(), Random(12));
        // Into an empty queue any amount goes, as with `send`.
        assert_eq!(gen_tcp::try_send(socket, stream.take(1_000_000)), Ok(()));
        assert!(queued(socket) > 300_000);
        assert_eq!(gen_tcp::try_send(socket, "x"), Err(Error::Eagain));
        assert_eq!(gen_tcp::try_send(socket, ""), Err(Error::Eagain));
        // While the peer reads now and then, what is taken is there, and what is not is not.
        let (mut reader, mut taken, mut refused) = (Stream::default(), 0, 0);
        while taken < 50 || refused < 50 {
            let (before, length) = (stream.at, 1 + random.below(60_000));
            match gen_tcp::try_send(socket, stream.take(length)) {
                Ok(()) => {
                    taken += 1;
                    assert!(queued(socket) < 300_000);
                }
                Err(error) => {
                    assert_eq!(error, Error::Eagain);
                    refused += 1;
                    stream.at = before;
                    let left = (stream.at - reader.at).min(20_000);
                    reader.check(&foreign.read(left).await.expect("it is on its way"));
                }
            }
        }
        let left = stream.at - reader.at;
        reader.check(&foreign.read(left).await.expect("all of it comes"));
        gen_tcp::close(socket).await.expect("close does not fail");
        assert_eq!(foreign.read_to_end().await.0, b"");
        assert_eq!(gen_tcp::try_send(socket, "x"), Err(Error::Closed));
    });
}

// Row 12, SEN-5: it overtakes nobody, and its errors are those of `send`.
#[test]
fn row_12_it_overtakes_nobody_who_waits() {
    real(2, async {
        let (socket, foreign) = narrow([high_watermark(1000)]).await;
        let mut stream = Stream::default();
        fill(socket, &mut stream).await;
        let (me, data) = (self_pid(), stream.take(2000));
        let waiting = spawn(async move { send(me, gen_tcp::send(socket, data).await) });
        until_it_waits(waiting).await;
        inet::setopts(socket, [high_watermark(100_000_000)]).expect("it is open");
        assert_eq!(gen_tcp::try_send(socket, "x"), Err(Error::Eagain));
        Stream::default().check(&foreign.read(stream.at).await.expect("it comes"));
        assert_eq!(next::<Result<(), Error>>().await, Ok(()));
        assert_eq!(gen_tcp::try_send(socket, "x"), Ok(()));
        inet::setopts(socket, [packet(1)]).expect("it is open");
        assert_eq!(
            gen_tcp::try_send(socket, vec![0; 256]),
            Err(Error::Emsgsize)
        );
        assert_eq!(foreign.read(1).await.expect("it comes"), b"x");
        foreign.reset();
        // The first to find the reset is told `closed`, whoever comes then `enotconn` (1.21).
        tests::sockets::until_reset(socket).await;
        assert_eq!(gen_tcp::try_send(socket, "x"), Err(Error::Closed));
        assert_eq!(gen_tcp::try_send(socket, "x"), Err(Error::Enotconn));
    });
}
