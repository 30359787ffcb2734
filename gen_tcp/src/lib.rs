//! Erlang's `gen_tcp`: TCP sockets as ports.
//!
//! A socket is a port of the [`runtime`]: it is owned by and linked to the process that opened or
//! accepted it, dies with it, sends its data to it, and only it may hand it over.
//!
//! ```
//! use gen_tcp::{Tcp, opt::*};
//! use runtime::prelude::*;
//!
//! runtime::run(async {
//!     let listener = gen_tcp::listen(0, [binary(), active(false), ip([127, 0, 0, 1])])?;
//!     let port = gen_tcp::inet::port(listener)?;
//!     spawn_link(async move {
//!         let socket = gen_tcp::accept(listener).await?;
//!         let data = gen_tcp::recv(socket, 0).await?;
//!         gen_tcp::send(socket, data).await?;
//!         gen_tcp::close(socket).await
//!     });
//!     let socket = gen_tcp::connect([127, 0, 0, 1], port, [binary(), active(true)]).await?;
//!     gen_tcp::send(socket, "Some Data").await?;
//!     receive! {
//!         Tcp::Data(s, data) if s == socket => assert_eq!(&data[..], b"Some Data"),
//!     }
//!     receive! {
//!         Tcp::Closed(s) if s == socket => {}
//!     }
//!     Ok(())
//! })
//! .unwrap();
//! ```
//!
//! The contract is in `docs/SEMANTICS.md`; rules that comments name (CON-6, SEN-2, 1.21, …) stand
//! there.

mod api;
mod data;
mod defaults;
mod driver;
mod either;
mod error;
pub mod inet;
mod io;
mod open;
mod options;
pub mod packet;
mod sendfile;
mod socket;

pub use api::{
    How, RecvFuture, RecvTimeoutFuture, SendFuture, close, controlling_process, lingering_close,
    recv, recv_timeout, send, shutdown, take_fd, try_send, unrecv, with_fd,
};
pub use data::{Data, Headed, Http, IoData, SslTls, Tcp};
pub use defaults::{
    default_connect_options, default_listen_options, set_default_connect_options,
    set_default_listen_options,
};
pub use either::{connect_either, connect_first};
pub use error::Error;
pub use inet::Host;
pub use inet::{getopts, setopts};
pub use open::{accept, accept_timeout, connect, connect_timeout, fdopen, listen};
pub use options::{
    Active, Address, Backend, Deliver, Family, FdNumber, Mode, Name, Opt, Packet, PacketType,
    Protocol, SendTimeout, opt,
};
pub use sendfile::{sendfile, sendfile_range};
pub use socket::Socket;
