//! Erlang's packet types: bytes in, packets out.
//!
//! What: a [`Decoder`] is the parser state of one stream. The socket's driver shows it the bytes
//! that were received and not yet consumed; it answers with one packet, with "more", or with
//! the refusal that Erlang calls `emsgsize`. [`header`] makes what send puts in front.
//! Who calls it: the driver on receive and on send; a program that wants [`decode`].
//! Invariant: every packet consumes at least one byte and never more than there are. The work is
//! linear in the bytes received, even when they come one at a time: how far a line or a header
//! has been searched is remembered. No input panics; nothing is allocated for a length that
//! is only announced.
//! Not here: the bytes themselves, sockets, time, the option `{header,N}`, and what becomes of
//! a connection after a refusal.
//!
//! State: only http has more than the search position, namely whether a start line or a header
//! is due. A start line leads to headers, the empty line behind them leads back; `httph` knows
//! headers only.

mod asn1;
mod fixed;
mod frame;
mod http;
mod http_fields;
mod http_uri;
mod length;
mod line;
mod ssl_tls;
#[cfg(test)]
mod tests;

use core::fmt;
use core::ops::Range;

use frame::Frame;

pub use http::{HttpPacket, Method};
pub use http_fields::Field;
pub use http_uri::Uri;
pub use length::{Header, header};
pub use ssl_tls::{SslData, SslTls};

/// The packet types, the values of the option `packet` (6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `raw` or 0: whatever is there.
    Raw,
    /// 1: one byte of length.
    One,
    /// 2: two bytes of length.
    Two,
    /// 4: four bytes of length.
    Four,
    /// `asn1`: BER tag and length.
    Asn1,
    /// `cdr`: CORBA's GIOP messages.
    Cdr,
    /// `sunrm`: Sun RPC's record marking.
    SunRm,
    /// `fcgi`: FastCGI records.
    Fcgi,
    /// `tpkt`: RFC 1006.
    Tpkt,
    /// `line`: up to a delimiter byte (6.4).
    Line,
    /// `ssl_tls`: records of TLS, and the hello of SSLv2.
    SslTls,
    /// `http`: a start line, then headers (6.5).
    Http,
    /// `httph`: headers only (HTP-2).
    HttpHeader,
    /// `http_bin`: as `http`; the caller makes binaries of the strings.
    HttpBin,
    /// `httph_bin`: as `httph`, likewise.
    HttpHeaderBin,
}

/// The parser state of one stream. The bytes stay with the caller.
#[derive(Clone, Debug)]
pub struct Decoder {
    kind: Kind,
    delimiter: u8,
    /// Http: a header is due, not a start line.
    in_headers: bool,
    /// 0: no limit.
    packet_size: u32,
    line_max: usize,
    /// Packets of all types are delivered as the bytes that they are, unparsed.
    plain: bool,
    /// So many bytes of the present packet have been searched in vain.
    scanned: usize,
}

impl Decoder {
    /// A decoder without `packet_size`, with newline as the delimiter and lines of 64 KiB.
    pub fn new(kind: Kind) -> Self {
        Decoder {
            kind,
            delimiter: b'\n',
            in_headers: kind.is_http_header(),
            packet_size: 0,
            line_max: LINE_MAX_BYTES,
            plain: false,
            scanned: 0,
        }
    }

    /// The packet type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many bytes more say, or come nearer to saying, how long a packet is of which so many are
    /// there: what may be read without reading beyond its end. `None`: this type does not say it.
    pub fn header_rest(&self, there: usize) -> Option<usize> {
        let header = match self.kind {
            Kind::One => 1,
            // Behind tag and length of one byte each it takes one more at a time.
            Kind::Two | Kind::Asn1 => 2,
            Kind::Four | Kind::SunRm | Kind::Tpkt => 4,
            Kind::SslTls => 5,
            Kind::Fcgi => 8,
            Kind::Cdr => 12,
            Kind::Raw
            | Kind::Line
            | Kind::Http
            | Kind::HttpBin
            | Kind::HttpHeader
            | Kind::HttpHeaderBin => return None,
        };
        Some(usize::max(1, header - there.min(header)))
    }

    /// Changes the packet type; what has not been consumed is parsed anew with it (3.4).
    ///
    /// From another type the parser starts afresh: `http` with a start line, `httph` with
    /// headers (section 9, 36). The same type again changes nothing. `http` and `http_bin`
    /// are the same type here, and so are `httph` and `httph_bin`: they differ in the form of
    /// the result alone, and changing that in the middle of headers goes on with headers,
    /// as in OTP.
    pub fn set_kind(&mut self, kind: Kind) {
        if kind == self.kind {
            return;
        }
        if !kind.parses_like(self.kind) {
            self.in_headers = kind.is_http_header();
        }
        self.kind = kind;
        self.rescan();
    }

    /// The longest body, 0 for no limit (2.2).
    pub fn packet_size(&self) -> u32 {
        self.packet_size
    }

    /// Sets the longest body, 0 for no limit; it counts from the next [`decode`](Self::decode).
    pub fn set_packet_size(&mut self, bytes: u32) {
        self.packet_size = bytes;
    }

    /// The last byte of a line of type `line`.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Sets the last byte of a line; allowed at any time (LIN-5).
    pub fn set_delimiter(&mut self, delimiter: u8) {
        if delimiter != self.delimiter {
            self.delimiter = delimiter;
            self.rescan();
        }
    }

    /// Sets the length of the user buffer: the longest piece of a line (LIN-2, LIN-7), the
    /// longest http line without `packet_size` (HTP-9). 0 is taken as 1.
    pub fn set_line_max(&mut self, bytes: usize) {
        self.line_max = bytes.max(1);
    }

    /// Whether http lines and TLS records come as the bytes that they are; http then does not go on
    /// from a start line to headers (`{deliver,port}`).
    pub fn set_plain(&mut self, plain: bool) {
        self.plain = plain;
    }

    /// Forgets how far the input has been searched. To be called when bytes that were shown
    /// before have changed or have others in front of them (unrecv).
    pub fn rescan(&mut self) {
        self.scanned = 0;
    }

    /// Takes the next packet off `input`: all bytes that were received and not yet consumed.
    ///
    /// After [`Step::More`] it is called again with the same bytes and more behind them, after
    /// [`Step::Packet`] with the consumed bytes taken off the front.
    ///
    /// # Errors
    /// [`TooLong`] when the packet has a bad header or is longer than allowed; the refusal comes
    /// as soon as that is known (6.3).
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, TooLong> {
        if input.is_empty() {
            return Ok(Step::More { total: None });
        }
        let frame = match self.kind {
            Kind::Raw => return Ok(Step::bytes(input.len(), 0..input.len())),
            Kind::Line => return self.decode_line(input),
            Kind::Http | Kind::HttpBin | Kind::HttpHeader | Kind::HttpHeaderBin => {
                return self.decode_http(input);
            }
            Kind::One => length::frame(1, input),
            Kind::Two => length::frame(2, input),
            Kind::Four => length::frame(4, input),
            Kind::Asn1 => asn1::frame(input, self.line_max, &mut self.scanned)?,
            Kind::Cdr => fixed::cdr(input)?,
            Kind::SunRm => fixed::sunrm(input),
            Kind::Fcgi => fixed::fcgi(input)?,
            Kind::Tpkt => fixed::tpkt(input)?,
            Kind::SslTls => ssl_tls::frame(input)?,
        };
        self.decode_framed(frame, input)
    }

    fn decode_line(&mut self, input: &[u8]) -> Result<Step, TooLong> {
        let limit = line::Limit::new(self.packet_size, self.line_max);
        let Some(end) = line::end(input, self.delimiter, limit, &mut self.scanned)? else {
            return Ok(Step::More { total: None });
        };
        self.rescan();
        Ok(Step::bytes(end, 0..end))
    }

    fn decode_http(&mut self, input: &[u8]) -> Result<Step, TooLong> {
        let limit = line::Limit::new(self.packet_size, self.line_max).bytes();
        let end = http::line_end(input, self.in_headers, limit, &mut self.scanned)?;
        let Some(line) = end.and_then(|end| input.get(..end)) else {
            return Ok(Step::More { total: None });
        };
        self.rescan();
        if self.plain {
            return Ok(Step::bytes(line.len(), 0..line.len()));
        }
        let packet = http::parse(line, self.in_headers);
        match packet {
            HttpPacket::Request { .. } | HttpPacket::Response { .. } => self.in_headers = true,
            HttpPacket::EndOfHeaders => self.in_headers = self.kind.is_http_header(),
            HttpPacket::Header { .. } | HttpPacket::Error(_) => {}
        }
        Ok(Step::Packet(Packet {
            consumed: line.len(),
            content: Content::Http(packet),
        }))
    }

    fn decode_framed(&mut self, frame: Option<Frame>, input: &[u8]) -> Result<Step, TooLong> {
        let Some(frame) = frame else {
            return Ok(Step::More { total: None });
        };
        let total = frame.total(self.packet_size)?;
        let Some(packet) = input.get(..total) else {
            return Ok(Step::More { total: Some(total) });
        };
        self.rescan();
        if self.kind == Kind::SslTls && self.plain {
            return Ok(Step::bytes(total, 0..total));
        }
        if self.kind == Kind::SslTls {
            let content = Content::SslTls(ssl_tls::record(packet));
            return Ok(Step::Packet(Packet {
                consumed: total,
                content,
            }));
        }
        Ok(Step::bytes(total, frame.delivered()))
    }
}

/// What [`Decoder::decode`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// No whole packet yet.
    More {
        /// The length of the packet with its header, when the header is complete and tells it.
        total: Option<usize>,
    },
    /// One packet.
    Packet(Packet),
}

impl Step {
    fn bytes(consumed: usize, delivered: Range<usize>) -> Self {
        Step::Packet(Packet {
            consumed,
            content: Content::Bytes(delivered),
        })
    }
}

/// One packet off the front of the input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// So many bytes of the input belong to it: at least 1.
    pub consumed: usize,
    /// What is delivered.
    pub content: Content,
}

/// What a packet delivers. Ranges are of the input that was shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Plain bytes: with or without the header, as the type has it (6.3).
    Bytes(Range<usize>),
    /// A parsed line of http.
    Http(HttpPacket),
    /// A record of `ssl_tls`.
    SslTls(SslTls),
}

/// The refusal `emsgsize`: the packet is longer than allowed, or its header is none of its type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("packet longer than allowed, or with a bad header")
    }
}

impl core::error::Error for TooLong {}

/// Takes one packet off a slice that stands alone, as `erlang:decode_packet/3` does: lines of
/// any length, `packet_size` 0 for no limit.
///
/// # Errors
/// [`TooLong`] as [`Decoder::decode`].
pub fn decode(kind: Kind, input: &[u8], packet_size: u32) -> Result<Step, TooLong> {
    let mut decoder = Decoder::new(kind);
    decoder.set_packet_size(packet_size);
    decoder.set_line_max(usize::MAX);
    decoder.decode(input)
}

impl Kind {
    /// `httph` and its binary form.
    fn is_http_header(self) -> bool {
        matches!(self, Kind::HttpHeader | Kind::HttpHeaderBin)
    }

    /// The two types differ at most in the form of the result.
    fn parses_like(self, other: Kind) -> bool {
        self.without_form() == other.without_form()
    }

    fn without_form(self) -> Kind {
        match self {
            Kind::HttpBin => Kind::Http,
            Kind::HttpHeaderBin => Kind::HttpHeader,
            kind => kind,
        }
    }
}

/// The user buffer's default size (section 9, 19).
const LINE_MAX_BYTES: usize = 65_536;
