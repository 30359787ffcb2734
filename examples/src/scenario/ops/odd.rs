//! What a typed interface cannot express, with what Erlang answers: one table.
//!
//! Called by the calls of `socket` and by the reading of their options, where an argument has no
//! value in gen_tcp's face. Invariant: nothing is called then. Left out: what gen_tcp itself
//! refuses.

use super::super::convert::Term;
use super::{CallResult, Raise};

/// What the typed interface has no arguments for.
pub(super) enum Odd<'a> {
    ListenOptions,
    ListenBacklog,
    ListenModule { atom: bool },
    ConnectModule,
    Backend,
    ListenPortNumber,
    ListenPort,
    ConnectOptions,
    ConnectPort,
    ConnectService,
    ConnectHost,
    ConnectHostKind,
    ConnectTime,
    ConnectLocalPort,
    ConnectLocalFamily,
    SetoptsOptions(&'a Term),
    Names,
    UnknownStat,
    Data,
    Argument,
    Socket,
    Monitored,
}

/// The one table of what the typed interface cannot express, with what Erlang answers. A negative
/// time in accept and recv has no row: it waits for ever (`socket::Limit`).
pub(super) fn inexpressible(odd: Odd<'_>) -> CallResult {
    let exit = |word: &str| Err(Raise::exit(Term::atom(word)));
    match odd {
        // listen(0, foo), listen(0, [binary|foo]): not a list (0.3, class 3).
        Odd::ListenOptions => Err(Raise::function_clause()),
        // listen(0, [{backlog,none}]): the last backlog is no integer, and nothing else is wrong
        // (LIS-6).
        Odd::ListenBacklog => Err(Raise::function_clause()),
        // listen(0, [{tcp_module,foo}]), listen(0, [{tcp_module,5}]): there is no such module.
        Odd::ListenModule { atom } => {
            let word = if atom { "undef" } else { "badarg" };
            Err(Raise::error(Term::atom(word)))
        }
        // connect(L, [{tcp_module,foo}]): there is no such module.
        Odd::ConnectModule => exit("undef"),
        // listen(0, [{inet_backend,foo}]), connect(L, [{inet_backend,5}]): in the first place.
        Odd::Backend => Err(Raise::function_clause()),
        // listen(-1, []), listen(65536, []), listen(no_such_service, []); no service is known
        // (LIS-3).
        Odd::ListenPortNumber => exit("badarg"),
        // listen("80", []), listen(1.5, []): neither a number nor a name.
        Odd::ListenPort => Err(Raise::function_clause()),
        // connect(L, foo): not a list.
        Odd::ConnectOptions => exit("function_clause"),
        // connect(-1, []), connect(65536, []), connect("80", []) (CON-13).
        Odd::ConnectPort => exit("function_clause"),
        // connect(no_such_service, []); no service is known (CON-13).
        Odd::ConnectService => exit("badarg"),
        // connect_to({300,0,0,1}, ..), connect_to({1,2,3}, ..): no address (CON-10).
        Odd::ConnectHost => exit("badarg"),
        // connect_to(5, ..): nothing that could be one.
        Odd::ConnectHostKind => Err(Raise::function_clause()),
        // connect(L, [], soon), connect(L, [], -1) (CON-8).
        Odd::ConnectTime => Err(Raise::badarg()),
        // connect_to({local,Path}, 7, []): a path has no port (CON-14).
        Odd::ConnectLocalPort => exit("function_clause"),
        // connect_to({127,0,0,1}, 7, [local]): an address where a path has to be (CON-14).
        Odd::ConnectLocalFamily => exit("function_clause"),
        // setopts(S, foo), setopts(S, [list|foo]): not a list.
        Odd::SetoptsOptions(rest) => {
            let reason = [Term::atom("bad_generator"), rest.clone()];
            Err(Raise::error(Term::tuple(reason)))
        }
        // getopts(S, active), getstat(S, recv_oct): not a list (1.12).
        Odd::Names => Err(Raise::function_clause()),
        // getstat(S, [nosuch]), getstat(S, [recv_oct|foo]) (1.14).
        Odd::UnknownStat => Ok(Term::error("einval")),
        // send(S, foo), send(S, [256]), unrecv(S, [1|2]): no iodata (SND-3, 1.6).
        Odd::Data => Ok(Term::error("einval")),
        // accept(L, soon), recv(S, -1), recv(S, 0, soon), shutdown(S, sideways),
        // controlling_process(S, foo) (ACC-5, RCV-7, 1.7, 1.9).
        Odd::Argument => Err(Raise::function_clause()),
        // accept(foo), close(pid(a)) and the like: no socket (0.3, class 3).
        Odd::Socket => Err(Raise::function_clause()),
        // monitor_socket(foo), cancel_monitor(foo): no socket, no reference.
        Odd::Monitored => Err(Raise::badarg()),
    }
}
