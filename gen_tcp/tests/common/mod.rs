//! Connections and files for the tests of this crate.
//!
//! Invariant: what has to come is waited for, with a limit that only a hanging test reaches; a file
//! has a name of its own and goes with its value.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary has a copy of its own and uses a part"
)]

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gen_tcp::{Error, Opt, Socket, opt::*};
use runtime::prelude::*;

/// How long anything may take.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Where the tests are.
pub const HOST: [u8; 4] = [127, 0, 0, 1];

/// Runs a test's main process.
pub fn main(test: impl Future<Output = ()> + Send + 'static) {
    let main = async {
        test.await;
        Ok(())
    };
    runtime::run(main).expect("the test's process ends well");
}

/// A listener on the loopback address, and its port. Binaries, passive.
pub fn listen(options: impl IntoIterator<Item = Opt>) -> (Socket, u16) {
    let own = [binary(), active(false), ip(HOST)];
    let options = own.into_iter().chain(options);
    let listener = gen_tcp::listen(0, options).expect("a listener opens");
    (
        listener,
        gen_tcp::inet::port(listener).expect("it has a port"),
    )
}

/// Both ends of a connection. Binaries, passive; the options are for both.
pub async fn pair(options: impl IntoIterator<Item = Opt>) -> (Socket, Socket) {
    let options: Vec<Opt> = options.into_iter().collect();
    let (listener, port) = listen(options.clone());
    let options = [binary(), active(false)].into_iter().chain(options);
    let client = gen_tcp::connect_timeout(HOST, port, options, LIMIT).await;
    let server = gen_tcp::accept_timeout(listener, LIMIT).await;
    gen_tcp::close(listener).await.expect("it closes");
    (client.expect("connected"), server.expect("accepted"))
}

/// So many bytes, or what came before the end, and the end.
pub async fn read(socket: Socket, length: usize) -> (Vec<u8>, Option<Error>) {
    let mut all = Vec::new();
    while all.len() < length {
        match gen_tcp::recv_timeout(socket, 0, LIMIT).await {
            Ok(data) => all.extend_from_slice(&data),
            Err(error) => return (all, Some(error)),
        }
    }
    (all, None)
}

/// What a process gives that was told to do something, in the caller's own time.
pub struct Given<T>(Pid, Ref, std::marker::PhantomData<T>);

/// Has another process do this.
pub fn elsewhere<T: Send + 'static>(job: impl Future<Output = T> + Send + 'static) -> Given<T> {
    let (me, mark) = (self_pid(), make_ref());
    let pid = spawn(async move { send(me, (mark, job.await)) });
    Given(pid, mark, std::marker::PhantomData)
}

impl<T: Send + 'static> Given<T> {
    /// Who does it.
    pub fn pid(&self) -> Pid {
        self.0
    }

    /// What it gave.
    pub async fn get(self) -> T {
        let (_, value) = self.within(LIMIT).await.expect("it is done in time");
        value
    }

    /// Whether it is still at it, after so long.
    pub async fn goes_on(&self, time: Duration) -> bool {
        self.within(time).await.is_none()
    }

    async fn within(&self, time: Duration) -> Option<(Ref, T)> {
        receive_match_timeout(|(mark, _): &(Ref, T)| *mark == self.1, time).await
    }
}

/// Waits for what tells nobody that it has come about.
pub async fn eventually(mut condition: impl FnMut() -> bool) {
    for _ in 0..LIMIT.as_millis() {
        if condition() {
            return;
        }
        sleep(Duration::from_millis(1)).await;
    }
    panic!("it did not come about");
}

/// A file that is there as long as this value is.
#[derive(Debug)]
pub struct Temp(pub PathBuf);

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Temp {
    /// A place where nothing is yet.
    pub fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gen_tcp_test_{}_{number}", std::process::id());
        Temp(std::env::temp_dir().join(name))
    }

    /// A file with these bytes.
    pub fn with(bytes: &[u8]) -> Self {
        let temp = Temp::new();
        fs::write(&temp.0, bytes).expect("a file can be written");
        temp
    }

    /// The file, open for reading.
    pub fn open(&self) -> File {
        File::open(&self.0).expect("the file is there")
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Bytes of which no two stretches look alike.
pub fn pattern(length: usize) -> Vec<u8> {
    let words = (0u32..).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    words.flatten().take(length).collect()
}
