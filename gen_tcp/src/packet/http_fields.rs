//! The names of http header fields.
//!
//! What: finds the 52 names that Erlang knows, with their index, and spells the others (HTP-6).
//! Who calls it: the header line's parser.
//! Invariant: a field's index is its place in the table, counted from 1; programs rely on it.
//! Not here: what the fields mean.

/// The name of a header field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Field {
    /// One of the 52 known names, in its usual spelling: an atom in Erlang.
    Known(&'static str),
    /// Any other, words beginning with a capital; unchanged when longer than 50 bytes.
    Other(Vec<u8>),
}

/// Index and field of a name in any case; the index of an unknown one is 0.
pub(super) fn field(name: &[u8]) -> (u8, Field) {
    let known = (1..)
        .zip(FIELDS)
        .find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(name));
    match known {
        Some((index, known)) => (index, Field::Known(known)),
        None if name.len() > RESPELLED_MAX_BYTES => (0, Field::Other(name.to_vec())),
        None => (0, Field::Other(respelled(name))),
    }
}

/// The first letter of each word in upper case, the others in lower. A hyphen ends a word, but
/// one that stands where a word should begin is itself taken for its first letter.
fn respelled(name: &[u8]) -> Vec<u8> {
    let mut respelled = name.to_ascii_lowercase();
    let mut begins = true;
    for byte in &mut respelled {
        if begins {
            byte.make_ascii_uppercase();
        }
        begins = !begins && *byte == b'-';
    }
    respelled
}

/// Longer names are not respelled.
const RESPELLED_MAX_BYTES: usize = 50;

const FIELDS: [&str; 52] = [
    "Cache-Control",
    "Connection",
    "Date",
    "Pragma",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "From",
    "Host",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Max-Forwards",
    "Proxy-Authorization",
    "Range",
    "Referer",
    "User-Agent",
    "Age",
    "Location",
    "Proxy-Authenticate",
    "Public",
    "Retry-After",
    "Server",
    "Vary",
    "Warning",
    "Www-Authenticate",
    "Allow",
    "Content-Base",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Md5",
    "Content-Range",
    "Content-Type",
    "Etag",
    "Expires",
    "Last-Modified",
    "Accept-Ranges",
    "Set-Cookie",
    "Set-Cookie2",
    "X-Forwarded-For",
    "Cookie",
    "Keep-Alive",
    "Proxy-Connection",
];
