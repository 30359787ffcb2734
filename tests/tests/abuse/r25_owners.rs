//! R25: hand-overs that race with a death. R26: owners that die in every state of a socket.

use gen_tcp::{Error, How, Socket, Tcp, inet, opt::*};
use runtime::port;
use runtime::prelude::*;
use tests::alone::{alone, descriptors};
use tests::foreign::{connected, narrow};
use tests::sockets::{
    HOST, connect, eventually, fill, listen, message, passive, quiet, recv, until_it_waits,
};
use tests::{Foreign, LIMIT, Random, Stream, down, next, real};

/// Packets that the peer sends in each round.
const PACKETS: u8 = 20;

/// Checks that these packets come, in order.
async fn all_come(socket: Socket, numbers: impl Iterator<Item = u8>) {
    for number in numbers {
        assert_eq!(tests::sockets::data(socket).await, [number]);
    }
}

#[test]
fn r25_a_hand_over_to_a_process_that_is_dying_is_either_done_or_not() {
    real(3, async {
        let (mut done, mut refused) = (0, 0);
        let mut random = Random(25);
        for _ in 0..400 {
            let (socket, foreign) = connected([packet(1), active(true)]).await;
            let watch = inet::monitor(socket);
            let heir = spawn(async { receive::<()>().await });
            let pause = random.below(3);
            let killer = spawn(async move {
                for _ in 0..pause {
                    yield_now().await;
                }
                exit_signal(heir, Reason::Kill);
            });
            for number in 0..PACKETS {
                foreign.write([1, number]);
            }
            let before = random.below(usize::from(PACKETS)) as u8;
            all_come(socket, 0..before).await;
            match gen_tcp::controlling_process(socket, heir) {
                Ok(()) => {
                    done += 1;
                    // It dies with its new owner, who may have been dead when the link came.
                    let reason = down(watch).await;
                    assert!(
                        matches!(reason, Reason::Killed | Reason::NoProc),
                        "{reason}"
                    );
                    assert_eq!(inet::states(socket), ["closed"]);
                    // Nothing of it is left here.
                    assert!(
                        receive_timeout::<Tcp>(std::time::Duration::ZERO)
                            .await
                            .is_none()
                    );
                    let _ = foreign.read_to_end().await;
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(error, Error::BadArg);
                    all_come(socket, before..PACKETS).await;
                    gen_tcp::send(socket, "x").await.expect("it is as it was");
                    assert_eq!(foreign.read(2).await.expect("it comes"), b"\x01x");
                    gen_tcp::close(socket).await.expect("close does not fail");
                }
            }
            runtime::is_alive(killer).await;
        }
        println!("{done} hand-overs were done, {refused} refused");
        assert!(done > 0);
    });
}

// Only the owner may, whoever tries at the same time.
#[test]
fn r25_of_many_who_try_only_the_owner_hands_over() {
    real(3, async {
        for _ in 0..100 {
            let (socket, _foreign) = connected([]).await;
            let me = self_pid();
            let thieves: Vec<Pid> = (0..3)
                .map(|_| {
                    spawn(async move {
                        let stolen = gen_tcp::controlling_process(socket, self_pid());
                        send(me, (self_pid(), stolen));
                        receive::<()>().await;
                    })
                })
                .collect();
            let heir = thieves[0];
            assert_eq!(gen_tcp::controlling_process(socket, heir), Ok(()));
            for _ in 0..3 {
                let (thief, stolen) = next::<(Pid, Result<(), Error>)>().await;
                // The heir's own try is one to the owner where it comes after.
                let fine = stolen == Err(Error::Eperm) || (thief == heir && stolen == Ok(()));
                assert!(fine, "{stolen:?}");
            }
            assert_eq!(port::owner(socket.port()), Some(heir));
            for thief in thieves {
                exit_signal(thief, Reason::Kill);
            }
        }
    });
}

/// A state of a socket in which its owner is killed.
#[derive(Clone, Copy, Debug)]
enum State {
    Connecting,
    Listening,
    Accepted,
    InRecv,
    Active,
    InSend,
    Suspended,
    InSendfile,
    InClose,
    ShutdownPending,
    HalfClosed,
    AfterReset,
}

use State::*;

const STATES: [State; 12] = [
    Connecting,
    Listening,
    Accepted,
    InRecv,
    Active,
    InSend,
    Suspended,
    InSendfile,
    InClose,
    ShutdownPending,
    HalfClosed,
    AfterReset,
];

/// What an owner tells before it is killed. A socket that connects has no handle yet.
struct Ready(Option<(Socket, Option<Foreign>)>);

/// The life of an owner, up to the state.
async fn owner(state: State, full: u16, tell: Pid) {
    let queue = matches!(
        state,
        InSend | InSendfile | Suspended | InClose | ShutdownPending
    );
    let (socket, foreign) = match state {
        Connecting => {
            send(tell, Ready(None));
            let connected = gen_tcp::connect(HOST, full, passive([])).await;
            return send(tell, connected);
        }
        Listening => (listen([]).0, None),
        Accepted => {
            let (listener, port) = listen([]);
            let foreign = Foreign::connect(port);
            let accepted = gen_tcp::accept_timeout(listener, LIMIT).await;
            (accepted.expect("it is there"), Some(foreign))
        }
        _ if queue => {
            let (socket, foreign) = narrow([]).await;
            fill(socket, &mut Stream::default()).await;
            (socket, Some(foreign))
        }
        _ => {
            let options = [active(matches!(state, Active)), exit_on_close(false)];
            let (socket, foreign) = connected(options).await;
            (socket, Some(foreign))
        }
    };
    if let AfterReset = state {
        send(tell, Ready(Some((socket, None))));
        foreign.expect("it has a peer").reset();
        let _ = recv(socket, 0).await;
        return receive::<()>().await;
    }
    send(tell, Ready(Some((socket, foreign.clone()))));
    match state {
        InRecv => drop(gen_tcp::recv(socket, 10).await),
        InSend => {
            let _ = gen_tcp::send(socket, vec![0; 10_000]).await;
        }
        InSendfile => {
            let file = std::env::current_exe().expect("this program has a path");
            let _ = gen_tcp::sendfile(file, socket).await;
        }
        Suspended => {
            let first = spawn(async move {
                let _ = gen_tcp::send(socket, vec![0; 10_000]).await;
            });
            until_it_waits(first).await;
            let _ = gen_tcp::send(socket, vec![0; 10_000]).await;
        }
        InClose => gen_tcp::close(socket).await.expect("close does not fail"),
        ShutdownPending => gen_tcp::shutdown(socket, How::Write).expect("it is connected"),
        HalfClosed => {
            foreign.expect("it has a peer").finish();
            drop(recv(socket, 0).await);
        }
        _ => drop(foreign),
    }
    receive::<()>().await;
}

/// Kills an owner in a state; everybody and everything that had to do with the socket is told.
async fn killed_in(state: State, full: u16) {
    let (pid, watch) = spawn_monitor(owner(state, full, self_pid()));
    let Ready(made) = next().await;
    until_it_waits(pid).await;
    let others = made
        .as_ref()
        .map(|(socket, _)| (inet::monitor(*socket), *socket));
    if let (Some((_, socket)), Listening) = (&others, state) {
        let (me, socket) = (self_pid(), *socket);
        let waiter = spawn(async move {
            send(me, gen_tcp::accept(socket).await);
        });
        until_it_waits(waiter).await;
    }
    exit_signal(pid, Reason::Kill);
    assert_eq!(down(watch).await, Reason::Killed, "{state:?}");
    if let Listening = state {
        let told: Result<Socket, Error> = next().await;
        assert_eq!(told, Err(Error::Closed));
    }
    if let Some((watch, socket)) = others {
        assert_eq!(down(watch).await, Reason::Killed, "{state:?}");
        assert!(!inet::is_open(socket), "{state:?}");
        if let Some((_, Some(foreign))) = made {
            // To the end, whatever is flushed before it.
            let (_, end) = foreign.read_to_end().await;
            assert!(end.is_ok(), "{state:?}: {end:?}");
        }
        eventually(|| !port::port_exists(socket.port())).await;
    }
}

#[test]
fn r26_an_owner_may_die_in_any_state() {
    alone("r25_owners::r26_an_owner_may_die_in_any_state", || {
        real(2, async {
            // A listener whose backlog is full: who connects to it waits.
            let (_full, full) = listen([backlog(0)]);
            let _held = connect(full, []).await;
            // Another listener with an acceptor, which has nothing to do with any of it.
            let (bystander, port) = listen([]);
            let me = self_pid();
            let acceptor = spawn_link(async move {
                let socket = gen_tcp::accept(bystander)
                    .await
                    .expect("nothing happens to it");
                gen_tcp::controlling_process(socket, me).expect("it is open");
                send(me, socket);
            });
            until_it_waits(acceptor).await;
            let mut before = descriptors();
            for (round, state) in STATES.into_iter().chain(STATES).enumerate() {
                killed_in(state, full).await;
                if round + 1 == STATES.len() {
                    before = descriptors();
                } else if round > STATES.len() {
                    eventually(|| descriptors().len() <= before.len()).await;
                }
            }
            quiet::<Result<Socket, Error>>().await;
            let client = Foreign::connect(port);
            let socket: Socket = next().await;
            client.write(b"x");
            assert_eq!(recv(socket, 1).await, Ok(b"x".to_vec()));
            // An active socket of an owner who is alive was not touched either.
            inet::setopts(socket, [active(true)]).expect("it is open");
            drop(client);
            assert_eq!(message(socket).await, Tcp::Closed(socket));
        });
    });
}
