//! What passed through a socket (1.14).
//!
//! Counted by delivery and by send; asked by getstat. Invariant: a delivery counts one and its
//! length, a send one and its length with the packet header, when it is accepted; the counters have
//! 64 bits.

/// What getstat can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stat {
    /// Bytes received.
    RecvOct,
    /// Packets or chunks received.
    RecvCnt,
    /// Length of the largest.
    RecvMax,
    /// Mean length.
    RecvAvg,
    /// Mean deviation of the length.
    RecvDvi,
    /// Bytes sent.
    SendOct,
    /// Sends.
    SendCnt,
    /// Length of the largest.
    SendMax,
    /// Mean length.
    SendAvg,
    /// Bytes in the output queue.
    SendPend,
}

impl Stat {
    /// All of them, in Erlang's order.
    pub const ALL: [Stat; 10] = [
        Stat::RecvOct,
        Stat::RecvCnt,
        Stat::RecvMax,
        Stat::RecvAvg,
        Stat::RecvDvi,
        Stat::SendOct,
        Stat::SendCnt,
        Stat::SendMax,
        Stat::SendAvg,
        Stat::SendPend,
    ];

    /// Erlang's word for it: `recv_oct`.
    #[must_use]
    pub const fn atom(self) -> &'static str {
        match self {
            Stat::RecvOct => "recv_oct",
            Stat::RecvCnt => "recv_cnt",
            Stat::RecvMax => "recv_max",
            Stat::RecvAvg => "recv_avg",
            Stat::RecvDvi => "recv_dvi",
            Stat::SendOct => "send_oct",
            Stat::SendCnt => "send_cnt",
            Stat::SendMax => "send_max",
            Stat::SendAvg => "send_avg",
            Stat::SendPend => "send_pend",
        }
    }
}

impl std::fmt::Display for Stat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.atom())
    }
}

#[derive(Clone, Copy, Default)]
struct Count {
    octets: u64,
    number: u64,
    max: u64,
    avg: f64,
    dvi: f64,
}

impl Count {
    fn add(&mut self, length: usize) {
        let length = length as u64;
        self.octets += length;
        self.number += 1;
        self.max = self.max.max(length);
        let before = self.avg;
        // Of a signed number it is one instruction, and neither comes to 2^63.
        let (length, number) = (length as i64 as f64, self.number as i64 as f64);
        self.avg += (length - self.avg) / number;
        self.dvi += ((length - before).abs() - self.dvi) / number;
    }
}

/// See the file's header.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stats {
    recv: Count,
    send: Count,
}

impl Stats {
    pub(super) fn received(&mut self, length: usize) {
        self.recv.add(length);
    }

    pub(super) fn sent(&mut self, length: usize) {
        self.send.add(length);
    }

    pub(super) fn get(&self, stat: Stat, pending: usize) -> u64 {
        match stat {
            Stat::RecvOct => self.recv.octets,
            Stat::RecvCnt => self.recv.number,
            Stat::RecvMax => self.recv.max,
            Stat::RecvAvg => self.recv.avg as u64,
            Stat::RecvDvi => self.recv.dvi as u64,
            Stat::SendOct => self.send.octets,
            Stat::SendCnt => self.send.number,
            Stat::SendMax => self.send.max,
            Stat::SendAvg => self.send.avg as u64,
            Stat::SendPend => pending as u64,
        }
    }
}
