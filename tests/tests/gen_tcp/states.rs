//! Line 21: the matrix of 1.21, what every call says when a connection is over or half over.
//!
//! Each cell is a socket of its own, brought into its state by a real history. A cell is written as
//! what the first call says and, behind a comma, what all later ones say. Rules: 1.21, part 9 rows
//! 9, 23, 28.

use std::future::Future;
use std::time::Duration;

use gen_tcp::{Error, How, Name, Opt, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::{connected, narrow};
use tests::puppet::drain;
use tests::sockets::{fill, listen, message, recv, until_reset, until_unread, word};
use tests::{Foreign, LIMIT, Stream, real};

/// The rows, by their numbers in the contract.
#[derive(Clone, Copy, Debug)]
enum State {
    PortClosed = 1,
    Listening,
    Passive,
    Active,
    RecvSaidClosed,
    RecvSaidClosedOpen,
    ActiveClosed,
    ActiveClosedOpen,
    RecvSaidReset,
    RecvSaidResetOpen,
    SendSaidClosed,
    SendSaidReset,
    ActiveThenSendSaidClosed,
    ShutWrite,
    ShutRead,
    ShutBoth,
    SendTimedOut,
    RecvSaidEmsgsize,
    RecvSaidEmsgsizeOpen,
}

use State::*;

/// A row: send, recv, unrecv, shutdown, accept, peername, sockname, kernel options, once, states.
type Row = (State, [&'static str; 10]);

/// The columns.
const CALLS: [&str; 10] = [
    "send", "recv", "unrecv", "shutdown", "accept", "peername", "sockname", "kernel", "once",
    "states",
];

const GONE: [&str; 5] = ["enotconn", "enotconn", "einval", "enotconn", "ebadf"];

/// A row whose descriptor is gone: what differs is send, recv and what a switch to active tells.
const fn gone(state: State, send: &'static str, recv: &'static str, once: &'static str) -> Row {
    let [unrecv, shutdown, accept, peername, sockname] = GONE;
    let row = [
        send, recv, unrecv, shutdown, accept, peername, sockname, "ok out", once, "",
    ];
    (state, row)
}

/// A row whose descriptor is there and connected.
const fn open(state: State, send: &'static str, recv: &'static str, once: &'static str) -> Row {
    let states = "connected open";
    let row = [
        send, recv, "ok", "ok", "einval", "ok", "ok", "ok in", once, states,
    ];
    (state, row)
}

const ENDS: &str = "ok Closed, port ends";

const ROWS: [Row; 19] = [
    (
        PortClosed,
        [
            "closed",
            "closed",
            "closed",
            "closed",
            "closed",
            "einval",
            "einval",
            "einval einval",
            "einval, port ends",
            "closed",
        ],
    ),
    (
        Listening,
        [
            "enotconn",
            "enotconn",
            "enotconn",
            "enotconn",
            "ok, timeout",
            "enotconn",
            "ok",
            "ok in",
            "ok",
            "listen open",
        ],
    ),
    open(Passive, "ok", "ok, timeout", "ok"),
    open(Active, "ok", "einval", "ok"),
    gone(RecvSaidClosed, "closed, enotconn", "enotconn", ENDS),
    open(RecvSaidClosedOpen, "ok", "closed", "ok Closed"),
    (
        ActiveClosed,
        [
            "closed",
            "closed",
            "closed",
            "closed",
            "closed",
            "einval",
            "einval",
            "einval einval",
            "einval, port ends",
            "closed",
        ],
    ),
    open(ActiveClosedOpen, "ok", "einval", "ok"),
    gone(RecvSaidReset, "enotconn", "enotconn", ENDS),
    (
        RecvSaidResetOpen,
        [
            "econnreset, enotconn",
            "closed",
            "ok",
            "enotconn",
            "einval",
            "enotconn",
            "ok",
            "ok in",
            "ok Closed",
            "connected open",
        ],
    ),
    gone(SendSaidClosed, "enotconn", "closed, enotconn", ENDS),
    gone(
        SendSaidReset,
        "enotconn",
        "econnreset, enotconn",
        "ok Error Closed, port ends",
    ),
    gone(
        ActiveThenSendSaidClosed,
        "closed, enotconn",
        "enotconn",
        "ok",
    ),
    open(ShutWrite, "closed, enotconn", "ok, timeout", "ok"),
    open(ShutRead, "ok", "closed, enotconn", ENDS),
    open(ShutBoth, "closed, enotconn", "closed, enotconn", ENDS),
    gone(SendTimedOut, "enotconn", "enotconn", ENDS),
    gone(RecvSaidEmsgsize, "enotconn", "enotconn", ENDS),
    open(RecvSaidEmsgsizeOpen, "ok", "emsgsize", "ok"),
];

/// A socket in a state, and what keeps it there.
async fn make(state: State) -> (Socket, Option<Foreign>) {
    let open = exit_on_close(false);
    match state {
        PortClosed => {
            let (socket, foreign) = connected([]).await;
            gen_tcp::close(socket).await.expect("close does not fail");
            (socket, Some(foreign))
        }
        Listening => {
            let (listener, port) = listen([]);
            (listener, Some(Foreign::connect(port)))
        }
        Passive => connected([]).await.kept(),
        Active => connected([active(true)]).await.kept(),
        RecvSaidClosed => after_fin([]).await.kept(),
        RecvSaidClosedOpen => after_fin([open]).await.kept(),
        ActiveClosed => active_after_fin([active(true)]).await.kept(),
        ActiveClosedOpen => active_after_fin([active(true), open]).await.kept(),
        RecvSaidReset => (after_reset(Error::Econnreset, [], false).await, None),
        RecvSaidResetOpen => (after_reset(Error::Econnreset, [open], false).await, None),
        SendSaidClosed => (after_reset(Error::Closed, [], true).await, None),
        SendSaidReset => (after_reset(Error::Econnreset, [], true).await, None),
        ActiveThenSendSaidClosed => {
            let (socket, foreign) = active_after_fin([active(true), open]).await;
            foreign.reset();
            until_reset(socket).await;
            assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Closed));
            (socket, None)
        }
        ShutWrite => shut(How::Write).await.kept(),
        ShutRead => shut(How::Read).await.kept(),
        ShutBoth => shut(How::ReadWrite).await.kept(),
        SendTimedOut => {
            let options = [send_timeout(1), send_timeout_close(true), high_watermark(1)];
            let (socket, foreign) = narrow(options).await;
            fill(socket, &mut Stream::default()).await;
            assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Timeout));
            (socket, Some(foreign))
        }
        RecvSaidEmsgsize => after_emsgsize([]).await.kept(),
        RecvSaidEmsgsizeOpen => after_emsgsize([open]).await.kept(),
    }
}

/// A pair of which the second is kept open.
trait Kept {
    fn kept(self) -> (Socket, Option<Foreign>);
}

impl Kept for (Socket, Foreign) {
    fn kept(self) -> (Socket, Option<Foreign>) {
        (self.0, Some(self.1))
    }
}

async fn after_fin(options: impl IntoIterator<Item = Opt>) -> (Socket, Foreign) {
    let (socket, foreign) = connected(options).await;
    foreign.finish();
    assert_eq!(recv(socket, 0).await, Err(Error::Closed));
    (socket, foreign)
}

async fn active_after_fin(options: impl IntoIterator<Item = Opt>) -> (Socket, Foreign) {
    let (socket, foreign) = connected(options).await;
    foreign.finish();
    assert_eq!(message(socket).await, Tcp::Closed(socket));
    (socket, foreign)
}

/// Behind a reset that a recv or a send has found, and that is shown where it says `econnreset`.
async fn after_reset(says: Error, options: impl IntoIterator<Item = Opt>, by_send: bool) -> Socket {
    let shown = [show_econnreset(says == Error::Econnreset)];
    let (socket, foreign) = connected(shown.into_iter().chain(options)).await;
    foreign.reset();
    until_reset(socket).await;
    if by_send {
        assert_eq!(gen_tcp::send(socket, "x").await, Err(says));
    } else {
        assert_eq!(recv(socket, 0).await, Err(says));
    }
    socket
}

async fn shut(how: How) -> (Socket, Foreign) {
    let (socket, foreign) = connected([]).await;
    gen_tcp::shutdown(socket, how).expect("it is connected");
    (socket, foreign)
}

async fn after_emsgsize(options: impl IntoIterator<Item = Opt>) -> (Socket, Foreign) {
    let limits = [packet(1), packet_size(3)];
    let (socket, foreign) = connected(limits.into_iter().chain(options)).await;
    foreign.write(b"\x04");
    assert_eq!(recv(socket, 0).await, Err(Error::Emsgsize));
    (socket, foreign)
}

/// What a call says the first time, and each time after.
async fn three_times<T, F>(mut call: impl FnMut() -> F) -> String
where
    F: Future<Output = Result<T, Error>>,
{
    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(word(&call().await));
    }
    said.dedup();
    said.join(", ")
}

/// What a switch to active says, what it sends, and whether the port is open then.
async fn switch(socket: Socket, mode: Opt) -> String {
    let mut words = vec![word(&inet::setopts(socket, [mode]))];
    // Sockets of other cells may have ended late.
    let told = drain::<Tcp>().await;
    for message in told.into_iter().filter(|told| told.socket() == socket) {
        words.push(match message {
            Tcp::Closed(_) => "Closed",
            Tcp::Error(_, Error::Econnreset) => "Error",
            other => panic!("came {other:?}"),
        });
    }
    let open = if inet::is_open(socket) {
        ""
    } else {
        ", port ends"
    };
    words.join(" ") + open
}

/// Setting and reading an option of the kernel; `out`: it is left out of the answer.
fn kernel(socket: Socket) -> String {
    let set = inet::setopts(socket, [nodelay(true)]);
    let got = match inet::getopts(socket, [Name::Nodelay]).as_deref() {
        Ok([Opt::Nodelay(_)]) => "in",
        Ok([]) => "out",
        Ok(other) => panic!("{other:?}"),
        Err(error) => error.atom(),
    };
    format!("{} {got}", word(&set))
}

/// One cell.
async fn cell(state: State, call: &str) -> String {
    let (socket, foreign) = make(state).await;
    let soon = Duration::from_millis(5);
    match call {
        "send" => three_times(|| gen_tcp::send(socket, "x")).await,
        "recv" => {
            if let (Passive | ShutWrite, Some(foreign)) = (state, &foreign) {
                foreign.write(b"x");
                until_unread(socket, 1).await;
            }
            three_times(|| gen_tcp::recv_timeout(socket, 0, soon)).await
        }
        "unrecv" => three_times(|| async { gen_tcp::unrecv(socket, "") }).await,
        // Once: where the peer has finished, too, the connection is over with the first.
        "shutdown" => word(&gen_tcp::shutdown(socket, How::Write)).to_string(),
        "accept" => three_times(|| gen_tcp::accept_timeout(socket, soon)).await,
        "peername" => three_times(|| async { inet::peername(socket) }).await,
        "sockname" => three_times(|| async { inet::sockname(socket) }).await,
        "kernel" => kernel(socket),
        "once" => switch(socket, active(ONCE)).await,
        "true" => switch(socket, active(true)).await,
        "count" => switch(socket, active(2)).await,
        "port" => three_times(|| async { inet::port(socket) }).await,
        _ => inet::states(socket).join(" "),
    }
}

// 1.21
#[test]
fn t21_the_matrix_of_states_and_calls() {
    real(2, async {
        let mut wrong = Vec::new();
        for (state, row) in ROWS {
            for (call, expected) in CALLS.iter().zip(row) {
                let said = cell(state, call).await;
                if said != expected {
                    let number = state as u8;
                    wrong.push(format!(
                        "{number} {state:?}, {call}: {said:?}, not {expected:?}"
                    ));
                }
                drain::<Tcp>().await;
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

// 1.21: `true` and a count are as `once`, and `port` is as `sockname`.
#[test]
fn t21_the_columns_that_are_as_others() {
    real(2, async {
        let column = |name| CALLS.iter().position(|call| *call == name);
        let mut wrong = Vec::new();
        for (state, row) in ROWS {
            for (call, same) in [("true", "once"), ("count", "once"), ("port", "sockname")] {
                let expected = row[column(same).expect("a column")];
                let said = cell(state, call).await;
                if said != expected {
                    wrong.push(format!("{state:?}, {call}: {said:?}, not {expected:?}"));
                }
                drain::<Tcp>().await;
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

// 1.21: what works in every state whose port lives.
#[test]
fn t21_with_a_living_port_the_drivers_calls_work() {
    real(2, async {
        for (state, row) in ROWS {
            let (socket, _foreign) = make(state).await;
            if row[9] == "closed" {
                continue;
            }
            assert_eq!(
                inet::setopts(socket, [active(false), header(3)]),
                Ok(()),
                "{state:?}"
            );
            let names = [Name::Header, Name::Active];
            let expected = Ok(vec![header(3), active(false)]);
            assert_eq!(inet::getopts(socket, names), expected, "{state:?}");
            let told = drain::<Tcp>().await;
            let own = told.iter().filter(|told| told.socket() == socket);
            assert_eq!(own.count(), 0, "{state:?}: {told:?}");
            assert!(
                inet::getstat(socket, [inet::Stat::SendPend]).is_ok(),
                "{state:?}"
            );
            assert!(runtime::port::port_info(socket.port()).is_some());
            let heir = tests::Puppet::new();
            assert_eq!(
                gen_tcp::controlling_process(socket, heir.pid),
                Ok(()),
                "{state:?}"
            );
            let watch = inet::monitor(socket);
            assert_eq!(gen_tcp::close(socket).await, Ok(()));
            let down = receive_match_timeout(|down: &Down| down.monitor == watch, LIMIT);
            assert!(down.await.is_some(), "{state:?}");
        }
    });
}
