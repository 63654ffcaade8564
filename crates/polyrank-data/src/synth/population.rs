//! Who and what appears in a row: its session, its user and its item.

use super::design::{Content, Design, Owner};
use super::random::Stream;

/// Rows of one session; they have the user in common.
const SESSION_ROWS: u64 = 8;
/// Appearances of a newcomer, on average.
const APPEARANCES: f64 = 2.5;

/// Draws users or items.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    established: u64,
    /// Newcomers come back after so many; `None`: never.
    newcomers: Option<u64>,
    cold: f64,
    /// Draws among which a newcomer's appearances lie.
    window: u64,
    who: Stream,
    whether_new: Stream,
}

/// Draws the users and items of rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Population {
    users: Crowd,
    items: Crowd,
    session_rows: u64,
}

/// Who appears in each of some rows.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) sessions: Vec<u64>,
    pub(super) users: Vec<u64>,
    pub(super) items: Vec<u64>,
}

impl Population {
    /// Of a design; `seed` is that of the rows, not of who is what.
    pub(super) fn new(design: &Design, seed: u64) -> Population {
        let limit = |owner: Owner| {
            design.columns.iter().find_map(|column| match column.content {
                Content::Id { limit, .. } if column.owner == owner => limit,
                _ => None,
            })
        };
        let crowd = |owner: Owner, count: u64, stream: u64| Crowd {
            established: limit(owner).map_or(count, |limit| count.min(limit)).max(1),
            newcomers: limit(owner).map(|limit| limit.saturating_sub(count)),
            cold: design.knobs.cold,
            window: (APPEARANCES / design.knobs.cold).ceil() as u64,
            who: Stream::new(seed, stream),
            whether_new: Stream::new(seed, stream + 1),
        };
        let sessions = design.columns.iter().any(|column| is_session(column.owner, &column.content));
        Population {
            users: crowd(Owner::User, design.users, 0),
            items: crowd(Owner::Item, design.items, 2),
            session_rows: if sessions { SESSION_ROWS } else { 1 },
        }
    }

    /// Who appears in `rows` rows from `first` on.
    pub(super) fn cast(&self, first: u64, rows: usize) -> Cast {
        let numbers = || (0..rows as u64).map(|r| first.wrapping_add(r));
        let sessions: Vec<u64> = numbers().map(|i| i / self.session_rows).collect();
        let users = sessions.iter().map(|session| self.users.draw(*session)).collect();
        Cast { users, sessions, items: numbers().map(|i| self.items.draw(i)).collect() }
    }

    /// An item that was there from the start, drawn by `stream`.
    pub(super) fn established_item(&self, stream: Stream, n: u64) -> u64 {
        stream.skewed(n, self.items.established)
    }
}

impl Crowd {
    fn draw(&self, n: u64) -> u64 {
        let newcomer = n / self.window;
        match self.newcomers {
            Some(0) => {}
            _ if self.whether_new.uniform(n) >= self.cold => {}
            limit => return self.established + limit.map_or(newcomer, |limit| newcomer % limit),
        }
        self.who.skewed(n, self.established)
    }
}

fn is_session(owner: Owner, content: &Content) -> bool {
    owner == Owner::Context && matches!(content, Content::Id { .. })
}
