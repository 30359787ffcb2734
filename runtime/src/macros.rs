//! `receive!`: Erlang's `receive ... after ... end`.
//!
//! A token muncher turns the arms into (kind, guard, body), then expands to a scan, an await and a
//! dispatch. In the scan each arm tests the message in a match whose guard never holds: that way
//! its bindings are values in the guard and nothing is moved. The chosen arm matches once more, in
//! the user's own function, so that its body may await, break, return and use `?`.

/// Takes the oldest message that one of the arms matches, and runs that arm; waits for one.
///
/// An arm is `PATTERN => body` where the pattern names its type (`Tcp::Data(s, data)`), or
/// `NAME: TYPE => body`; both with an optional `if GUARD`. A message that matches no arm stays
/// where it is. The last arm may be `after(DURATION) => body`. `since(REFERENCE);` in front starts
/// the search where the mailbox ended when the reference was made (process 5.2 to 5.4).
///
/// ```
/// use runtime::prelude::*;
/// use std::time::Duration;
///
/// struct Add(u64, u64);
///
/// runtime::run(async {
///     send(self_pid(), Add(3, 4));
///     send(self_pid(), "words");
///     let sum = receive! {
///         Add(a, b) if a < b => a + b,
///         n: u64 => n,
///         after(Duration::from_secs(5)) => 0,
///     };
///     assert_eq!(sum, 7);
///     Ok(())
/// })
/// .unwrap();
/// ```
///
/// A bare literal names no type, so it is refused:
///
/// ```compile_fail
/// # use runtime::prelude::*;
/// # async fn f() {
/// receive! { 7 => () }
/// # }
/// ```
#[macro_export]
macro_rules! receive {
    (since($mark:expr); $($arms:tt)+) => {
        $crate::__receive!(@arm [since $mark] [] $($arms)+)
    };
    ($($arms:tt)+) => {
        $crate::__receive!(@arm [] [] $($arms)+)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __receive {
    // One arm off the front.
    (@arm [$($head:tt)*] [$($done:tt)*]) => {
        $crate::__receive!(@out [$($head)*] [] [$($done)*])
    };
    (@arm [$($head:tt)*] [$($done:tt)*] after($time:expr) => $body:block $(,)?) => {
        $crate::__receive!(@out [$($head)*] [$time, $body] [$($done)*])
    };
    (@arm [$($head:tt)*] [$($done:tt)*] after($time:expr) => $body:expr $(,)?) => {
        $crate::__receive!(@out [$($head)*] [$time, $body] [$($done)*])
    };
    (@arm $head:tt $done:tt after $($rest:tt)*) => {
        ::core::compile_error!("`after(DURATION) => body` has to be the last arm")
    };
    (@arm $head:tt $done:tt $literal:literal $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "a bare literal names no type of message: write `x: u64 if x == ",
            ::core::stringify!($literal), "`"
        ))
    };
    (@arm $head:tt $done:tt $name:ident : $($rest:tt)+) => {
        $crate::__receive!(@type $head $done [$name] [] $($rest)+)
    };
    (@arm $head:tt $done:tt _ : $($rest:tt)+) => {
        $crate::__receive!(@type $head $done [_] [] $($rest)+)
    };
    (@arm $head:tt $done:tt $pattern:pat if $guard:expr => $($rest:tt)+) => {
        $crate::__receive!(@body $head $done [{ $pattern } { _ } { $guard }] $($rest)+)
    };
    (@arm $head:tt $done:tt $pattern:pat => $($rest:tt)+) => {
        $crate::__receive!(@body $head $done [{ $pattern } { _ } { true }] $($rest)+)
    };
    // The type of `NAME: TYPE`, token by token up to `if` or the arrow.
    (@type $head:tt $done:tt [$name:tt] [$($type:tt)+] if $guard:expr => $($rest:tt)+) => {
        $crate::__receive!(@body $head $done [{ $name } { $($type)+ } { $guard }] $($rest)+)
    };
    (@type $head:tt $done:tt [$name:tt] [$($type:tt)+] => $($rest:tt)+) => {
        $crate::__receive!(@body $head $done [{ $name } { $($type)+ } { true }] $($rest)+)
    };
    (@type $head:tt $done:tt [$name:tt] [$($type:tt)*] $token:tt $($rest:tt)+) => {
        $crate::__receive!(@type $head $done [$name] [$($type)* $token] $($rest)+)
    };
    // The body: a block, or an expression up to the comma.
    (@body $head:tt [$($done:tt)*] [$($arm:tt)+] $body:block , $($rest:tt)*) => {
        $crate::__receive!(@arm $head [$($done)* [$($arm)+ { $body }]] $($rest)*)
    };
    (@body $head:tt [$($done:tt)*] [$($arm:tt)+] $body:block $($rest:tt)*) => {
        $crate::__receive!(@arm $head [$($done)* [$($arm)+ { $body }]] $($rest)*)
    };
    (@body $head:tt [$($done:tt)*] [$($arm:tt)+] $body:expr , $($rest:tt)*) => {
        $crate::__receive!(@arm $head [$($done)* [$($arm)+ { $body }]] $($rest)*)
    };
    (@body $head:tt [$($done:tt)*] [$($arm:tt)+] $body:expr) => {
        $crate::__receive!(@arm $head [$($done)* [$($arm)+ { $body }]])
    };
    // All arms are there.
    (@out
        [$(since $mark:expr)?]
        [$($time:expr, $late:expr)?]
        [$([{ $pattern:pat } { $type:ty } { $guard:expr } { $body:expr }])*]
    ) => {{
        let mut receiver = $crate::__private::Receiver::new()$(.since($mark))?$(.after($time))?;
        let outcome = loop {
            let scanned = receiver.scan(|probe| {
                let mut arm = 0usize;
                $(
                    if let ::core::option::Option::Some(value) = probe.take::<$type>() {
                        let mut hit = false;
                        #[allow(unused_variables, unused_mut)]
                        match value {
                            $pattern if { hit = $guard; false } => ::core::unreachable!(),
                            _ => {}
                        }
                        probe.put(value);
                        if hit {
                            return ::core::option::Option::Some(arm);
                        }
                    }
                    arm += 1;
                )*
                let _ = arm;
                ::core::option::Option::None
            });
            match scanned {
                $crate::__private::Scanned::Hit(arm, message) => {
                    break ::core::option::Option::Some((arm, message));
                }
                $crate::__private::Scanned::Timeout => break ::core::option::Option::None,
                $crate::__private::Scanned::Wait => receiver.wait().await,
            }
        };
        ::core::mem::drop(receiver);
        match outcome {
            ::core::option::Option::Some((arm, message)) => {
                $crate::__receive!(@run arm message
                    $([{ $pattern } { $type } { $body }])*)
            }
            ::core::option::Option::None => $crate::__receive!(@late $($late)?),
        }
    }};
    (@late $late:expr) => { $late };
    (@late) => { ::core::unreachable!("a receive without `after` does not time out") };
    (@run $arm:ident $message:ident) => { ::core::unreachable!("no such arm") };
    (@run $arm:ident $message:ident
        [{ $pattern:pat } { $type:ty } { $body:expr }] $($rest:tt)*) => {
        if $arm == 0 {
            #[allow(unused_variables, unreachable_patterns)]
            match $message.open::<$type>() {
                $pattern => $body,
                _ => ::core::unreachable!("the guard's match held"),
            }
        } else {
            let $arm = $arm - 1;
            $crate::__receive!(@run $arm $message $($rest)*)
        }
    };
}
