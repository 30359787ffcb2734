//! The priority of a process: whose turn comes first where several are ready (process C-5).
//!
//! Kept in the marks of a process, read by the scheduler when it queues one. Not inherited (P-10).

/// See the file's header. `High` comes before `Normal`, but for one turn after 64 of them; `Low`
/// has one turn after 8 of `Normal`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Priority {
    /// After the others.
    Low,
    /// As nearly all have it.
    #[default]
    Normal,
    /// Before the others: for short work that others wait for.
    High,
}
