//! Names: one name for one actor, one actor for one name (process 7).
//!
//! Asked by `register`, by sends and monitors by name, and by the exit sequences. Invariant (N-1,
//! N-2, N-4): registering is one step under a lock; an actor that ends sets its own mark first, so
//! no name can be given to it any more, and its name is free before anybody is told of its end.

use std::collections::HashMap;

use parking_lot::RwLock;

use crate::hash::FixedState;
use crate::marks::{Marks, NoName};
use crate::name::Name;
use crate::pid::ActorId;
use crate::trace;

/// Why a name could not be given (`badarg` in Erlang).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegisterError {
    /// The name is in use by this actor.
    Taken(ActorId),
    /// The actor has a name already.
    AlreadyNamed,
    /// The actor is dead.
    NoProc,
    /// `undefined` is no name (N-5).
    NotAName,
}

impl std::fmt::Display for RegisterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RegisterError::Taken(by) => write!(f, "the name is taken by {by}"),
            RegisterError::AlreadyNamed => f.write_str("the actor has a name already"),
            RegisterError::NoProc => f.write_str("noproc"),
            RegisterError::NotAName => f.write_str("undefined is no name"),
        }
    }
}

impl std::error::Error for RegisterError {}

#[derive(Default)]
struct Maps {
    actors: HashMap<Name, ActorId, FixedState>,
    names: HashMap<ActorId, Name, FixedState>,
}

/// See the file's header.
pub(crate) struct Registry(RwLock<Maps>);

impl Registry {
    pub(crate) fn new() -> Self {
        Registry(RwLock::new(Maps::default()))
    }

    /// `marks` are the actor's own; kept alive by the caller's pin.
    pub(crate) fn register(
        &self,
        name: Name,
        actor: ActorId,
        marks: &Marks,
    ) -> Result<(), RegisterError> {
        if name.as_str() == "undefined" {
            return Err(RegisterError::NotAName);
        }
        let mut maps = self.0.write();
        if let Some(by) = maps.actors.get(&name) {
            return Err(RegisterError::Taken(*by));
        }
        match marks.name() {
            Ok(()) => {}
            Err(NoName::Ended) => return Err(RegisterError::NoProc),
            Err(NoName::AlreadyNamed) => return Err(RegisterError::AlreadyNamed),
        }
        trace::register(actor, &name);
        maps.actors.insert(name.clone(), actor);
        maps.names.insert(actor, name);
        Ok(())
    }

    /// Takes a name back. `mark` finds the mark of the actor that had it, if that is alive.
    pub(crate) fn unregister(
        &self,
        name: &Name,
        reset: impl FnOnce(ActorId, &dyn Fn(&Marks)),
    ) -> bool {
        let mut maps = self.0.write();
        let Some(actor) = maps.actors.remove(name) else {
            return false;
        };
        trace::unregister(actor, name);
        maps.names.remove(&actor);
        reset(actor, &Marks::unname);
        true
    }

    pub(crate) fn whereis(&self, name: &Name) -> Option<ActorId> {
        self.0.read().actors.get(name).copied()
    }

    pub(crate) fn name_of(&self, actor: ActorId) -> Option<Name> {
        self.0.read().names.get(&actor).cloned()
    }

    pub(crate) fn registered(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.0.read().actors.keys().cloned().collect();
        names.sort();
        names
    }

    /// An actor that had a name has ended: the name is free.
    pub(crate) fn forget(&self, actor: ActorId) {
        let mut maps = self.0.write();
        if let Some(name) = maps.names.remove(&actor) {
            trace::unregister(actor, &name);
            maps.actors.remove(&name);
        }
    }
}
