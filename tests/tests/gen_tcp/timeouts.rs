//! Lines 43 to 45: send_timeout.

use std::time::{Duration, Instant};

use gen_tcp::{Error, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::narrow;
use tests::sockets::{assert_mailbox_empty, fill, message, queued, quiet, until_it_waits};
use tests::{LIMIT, Stream, next, real};

/// What a process tells of its send or recv.
#[derive(Debug, PartialEq)]
struct Told(u8, Result<(), Error>);

/// Marks so low that every send into a queue waits.
fn marks() -> [gen_tcp::Opt; 2] {
    [high_watermark(1000), low_watermark(500)]
}

// STM-2, STM-5, STM-6, STM-9, REC-7
#[test]
fn t43_after_a_send_timeout_the_data_arrives_in_order_and_no_message_is_left() {
    real(2, async {
        let options = [send_timeout(300)].into_iter().chain(marks());
        let (socket, foreign) = narrow(options).await;
        let mut stream = Stream::default();
        fill(socket, &mut stream).await;
        for _ in 0..2 {
            let begun = Instant::now();
            let sent = gen_tcp::send(socket, stream.take(5000)).await;
            assert_eq!(sent, Err(Error::Timeout));
            assert!(
                begun.elapsed() >= Duration::from_millis(290),
                "{:?}",
                begun.elapsed()
            );
        }
        // A recv with a time of its own is not disturbed by it.
        let me = self_pid();
        let reader = spawn(async move {
            let got = gen_tcp::recv_timeout(socket, 1, LIMIT).await;
            send(me, Told(0, got.map(|_| ())));
        });
        until_it_waits(reader).await;
        let sent = gen_tcp::send(socket, stream.take(5000)).await;
        assert_eq!(sent, Err(Error::Timeout));
        quiet::<Told>().await;
        foreign.write(b"x");
        assert_eq!(next::<Told>().await, Told(0, Ok(())));
        // The peer reads again, and later sends are as usual.
        let mut reader = Stream::default();
        reader.check(&foreign.read(stream.at).await.expect("all of it comes"));
        gen_tcp::send(socket, stream.take(777))
            .await
            .expect("there is room");
        reader.check(&foreign.read(777).await.expect("it comes"));
        assert_mailbox_empty().await;
        gen_tcp::close(socket).await.expect("close does not fail");
        assert_eq!(foreign.read_to_end().await.0, b"");
    });
}

// STM-4
#[test]
fn t44_a_send_timeout_of_0_is_a_timeout_at_once_with_the_data_queued() {
    real(2, async {
        let options = [send_timeout(0)].into_iter().chain(marks());
        let (socket, foreign) = narrow(options).await;
        let mut stream = Stream::default();
        fill(socket, &mut stream).await;
        for _ in 0..3 {
            let before = queued(socket);
            let sent = gen_tcp::send(socket, stream.take(5000)).await;
            assert_eq!(sent, Err(Error::Timeout));
            assert_eq!(queued(socket), before + 5000);
        }
        Stream::default().check(&foreign.read(stream.at).await.expect("all of it comes"));
        gen_tcp::send(socket, stream.take(10))
            .await
            .expect("there is room");
        assert_mailbox_empty().await;
    });
}

/// A process that sends this byte 5000 times and tells; it waits when this returns.
async fn begin_send(socket: Socket, number: u8) {
    let me = self_pid();
    let sender = spawn(async move {
        send(
            me,
            Told(number, gen_tcp::send(socket, vec![number; 5000]).await),
        );
    });
    until_it_waits(sender).await;
}

/// A process that receives and tells, under the number 0; it waits when this returns.
async fn begin_recv(socket: Socket) {
    let me = self_pid();
    let reader = spawn(async move {
        let got = gen_tcp::recv_timeout(socket, 0, LIMIT).await;
        send(me, Told(0, got.map(|_| ())));
    });
    until_it_waits(reader).await;
}

// STM-3, section 9 row 10
#[test]
fn t45_two_senders_both_time_out() {
    real(2, async {
        let options = [send_timeout(200)].into_iter().chain(marks());
        let (socket, foreign) = narrow(options).await;
        let filled = fill(socket, &mut Stream::default()).await;
        begin_recv(socket).await;
        begin_send(socket, 1).await;
        begin_send(socket, 2).await;
        for _ in 0..2 {
            let Told(number, result) = next().await;
            assert!(number > 0);
            assert_eq!(result, Err(Error::Timeout));
        }
        quiet::<Told>().await;
        foreign.write(b"x");
        assert_eq!(next::<Told>().await, Told(0, Ok(())));
        // All of it is queued, in either order: each times out on its own.
        let got = foreign.read(filled + 10_000).await.expect("it comes");
        let (first, second) = got[filled..].split_at(5000);
        assert_eq!((first[0].min(second[0]), first[0].max(second[0])), (1, 2));
        assert!(first.iter().all(|byte| *byte == first[0]));
        assert!(second.iter().all(|byte| *byte == second[0]));
    });
}

// STM-1, STM-2, section 9 rows 10 and 12: one that was suspended all the time has its data queued,
// too.
#[test]
fn t45_a_suspended_sender_times_out_with_its_data_queued() {
    real(2, async {
        let (socket, foreign) = narrow(marks()).await;
        let filled = fill(socket, &mut Stream::default()).await;
        begin_send(socket, 1).await;
        inet::setopts(socket, [send_timeout(50)]).expect("it is connected");
        begin_send(socket, 2).await;
        assert_eq!(next::<Told>().await, Told(2, Err(Error::Timeout)));
        quiet::<Told>().await;
        let got = foreign.read(filled + 10_000).await.expect("it comes");
        assert_eq!(got[filled..], [[1; 5000], [2; 5000]].concat());
        assert_eq!(next::<Told>().await, Told(1, Ok(())));
    });
}

// STM-7, STM-8, STM-13, section 9 row 9
#[test]
fn t45_with_send_timeout_close_the_second_sender_and_the_reader_are_released() {
    real(2, async {
        let options = [send_timeout(200), send_timeout_close(true)]
            .into_iter()
            .chain(marks());
        let (socket, foreign) = narrow(options).await;
        let filled = fill(socket, &mut Stream::default()).await;
        begin_recv(socket).await;
        begin_send(socket, 1).await;
        // The second has time left when the first strikes.
        inet::setopts(socket, [send_timeout(20_000)]).expect("it is connected");
        begin_send(socket, 2).await;
        let mut told: Vec<Told> = Vec::new();
        for _ in 0..3 {
            told.push(next().await);
        }
        told.sort_by_key(|Told(number, _)| *number);
        let expected = [
            Told(0, Err(Error::Closed)),
            Told(1, Err(Error::Timeout)),
            Told(2, Err(Error::Enotconn)),
        ];
        assert_eq!(told, expected);
        assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Enotconn));
        assert_eq!(inet::states(socket), [""; 0]);
        // Nothing of it can be taken for the whole.
        let (got, end) = foreign.read_to_end().await;
        assert!(
            end.is_err() && got.len() < filled,
            "{} bytes, {end:?}",
            got.len()
        );
    });
}

// STM-8, section 9 row 9
#[test]
fn t45_with_send_timeout_close_an_active_owner_is_told() {
    real(2, async {
        for exit in [true, false] {
            let options = [
                active(true),
                send_timeout(100),
                send_timeout_close(true),
                exit_on_close(exit),
            ];
            let (socket, _foreign) = narrow(options.into_iter().chain(marks())).await;
            let filled = fill(socket, &mut Stream::default()).await;
            assert!(filled > 0);
            let sent = gen_tcp::send(socket, vec![0; 5000]).await;
            assert_eq!(sent, Err(Error::Timeout));
            assert_eq!(message(socket).await, Tcp::Error(socket, Error::Timeout));
            assert_eq!(message(socket).await, Tcp::Closed(socket));
            let states = inet::states(socket);
            assert_eq!(states, if exit { vec!["closed"] } else { vec![] });
            quiet::<Tcp>().await;
        }
    });
}
