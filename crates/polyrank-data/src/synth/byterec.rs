//! Rows shaped as those of a short-video feed: who saw which video, whether it was watched to its end, and liked.
//!
//! Users, cities, authors, videos and music have fixed tastes and appeals, functions of the seed and the id. A row draws
//! a user and a video (popular ones more often) and a context; its two probabilities follow, and its labels are drawn
//! from them. `like` depends on `finish` besides, so the tasks are correlated even where all features are known.
//! About one row in 25 has a user, and one in 25 a video, from a stream of newcomers who appear in a few rows each:
//! in any later part of the rows most newcomers were never seen before.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int8Array, Int32Array, Int64Array, RecordBatch, StructArray};
use arrow_schema::{Field, FieldRef};

use super::Rows;
use super::random::{Stream, sigmoid};

/// A stream of rows; row i is a function of (seed, i) alone.
#[derive(Debug, Clone, Copy)]
pub struct ByteRec {
    seed: u64,
}

const USERS: u64 = 2_000;
const VIDEOS: u64 = 3_000;
const AUTHORS: u64 = 300;
const MUSIC: u64 = 300;
const CITIES: u64 = 100;
const DEVICES: u64 = 40;
/// What a channel adds to the logits of finish and like: too few channels to leave their effect on the shares to the seed.
const CHANNEL_APPEALS: [(f64, f64); 5] = [(-0.3, 0.4), (0.6, -0.3), (-0.6, -1.2), (0.9, 1.2), (0.1, -0.9)];
/// Rows among which a newcomer's few appearances lie.
const NEWCOMER_ROWS: u64 = 64;
/// 2020-01-01, in seconds of the Unix epoch.
const FIRST_TIME: i64 = 1_577_836_800;

/// Numbers of a taste or a topic.
const FACTORS: usize = 3;

/// What a random number is for; each purpose has a stream of its own.
#[derive(Clone, Copy)]
enum Purpose {
    User,
    UserNewcomer,
    Video,
    VideoNewcomer,
    Channel,
    Device,
    Time,
    FinishLabel,
    LikeLabel,
    UserCity,
    VideoAuthor,
    VideoMusic,
    VideoLength,
    AuthorCity,
    Taste,
    CityTaste,
    Topic,
    AuthorTopic,
    FinishAppeal,
    LikeAppeal,
}

/// What has an appeal of its own.
#[derive(Clone, Copy)]
enum Entity {
    User,
    UserCity,
    Video,
    Author,
    Music,
    Device,
}

/// One row.
struct Row {
    user: u64,
    user_city: i64,
    video: u64,
    author: u64,
    video_city: i64,
    channel: u64,
    music: u64,
    device: u64,
    time: i64,
    seconds: i32,
    finish: bool,
    like: bool,
    finish_probability: f64,
    like_probability: f64,
}

impl ByteRec {
    /// The stream with this seed.
    pub fn new(seed: u64) -> ByteRec {
        ByteRec { seed }
    }

    /// The rows with these numbers. Columns: uid, user_city, item_id, author_id, item_city, channel (64-bit integers),
    /// finish, like (0 or 1), music_id, device, time (64-bit integers; seconds), duration_time (32-bit; seconds), and on
    /// request finish_probability and like_probability, from which the labels were drawn.
    pub fn rows(&self, range: Range<u64>, with_probabilities: bool) -> RecordBatch {
        let rows: Vec<Row> = range.map(|i| self.row(i)).collect();
        let ints = |name: &str, of: fn(&Row) -> i64| -> (FieldRef, ArrayRef) {
            column(name, Arc::new(Int64Array::from_iter_values(rows.iter().map(of))))
        };
        let bits = |name: &str, of: fn(&Row) -> bool| -> (FieldRef, ArrayRef) {
            column(name, Arc::new(Int8Array::from_iter_values(rows.iter().map(|row| i8::from(of(row))))))
        };
        let floats = |name: &str, of: fn(&Row) -> f64| -> (FieldRef, ArrayRef) {
            column(name, Arc::new(Float64Array::from_iter_values(rows.iter().map(of))))
        };
        let mut columns = vec![
            ints("uid", |row| row.user as i64),
            ints("user_city", |row| row.user_city),
            ints("item_id", |row| row.video as i64),
            ints("author_id", |row| row.author as i64),
            ints("item_city", |row| row.video_city),
            ints("channel", |row| row.channel as i64),
            bits("finish", |row| row.finish),
            bits("like", |row| row.like),
            ints("music_id", |row| row.music as i64),
            ints("device", |row| row.device as i64),
            ints("time", |row| row.time),
            column("duration_time", Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.seconds)))),
        ];
        if with_probabilities {
            columns.push(floats("finish_probability", |row| row.finish_probability));
            columns.push(floats("like_probability", |row| row.like_probability));
        }
        RecordBatch::from(StructArray::from(columns))
    }

    fn row(&self, i: u64) -> Row {
        let user = if self.uniform(Purpose::UserNewcomer, i) < 0.04 {
            USERS + i / NEWCOMER_ROWS
        } else {
            self.skewed(Purpose::User, i, USERS)
        };
        let video = if self.uniform(Purpose::VideoNewcomer, i) < 0.04 {
            VIDEOS + i / NEWCOMER_ROWS
        } else {
            self.skewed(Purpose::Video, i, VIDEOS)
        };
        let city = self.skewed(Purpose::UserCity, user, CITIES);
        let author = self.skewed(Purpose::VideoAuthor, video, AUTHORS);
        let music = self.skewed(Purpose::VideoMusic, video, MUSIC);
        let channel = self.skewed(Purpose::Channel, i, CHANNEL_APPEALS.len() as u64);
        let (channel_finish, channel_like) = CHANNEL_APPEALS[channel as usize];
        let device = self.skewed(Purpose::Device, user.wrapping_mul(2) + (i & 1), DEVICES);
        let author_city = self.skewed(Purpose::AuthorCity, author, CITIES);
        let length = self.uniform(Purpose::VideoLength, video);

        let affinity: f64 = (0..FACTORS as u64)
            .map(|k| {
                let at = |id: u64| id * FACTORS as u64 + k;
                let taste =
                    0.9 * self.normal(Purpose::CityTaste, at(city)) + 0.4 * self.normal(Purpose::Taste, at(user));
                let topic =
                    0.9 * self.normal(Purpose::AuthorTopic, at(author)) + 0.4 * self.normal(Purpose::Topic, at(video));
                taste * topic
            })
            .sum();
        let appeals = [
            (Entity::User, user, 0.40, 0.20),
            (Entity::UserCity, city, 0.40, 0.50),
            (Entity::Video, video, 0.25, 0.15),
            (Entity::Author, author, 0.55, 0.50),
            (Entity::Music, music, 0.40, 0.30),
            (Entity::Device, device, 0.40, 0.50),
        ];
        let mut finish = -0.43 + channel_finish + 0.30 * affinity + 2.0 * (0.5 - length);
        let mut like = -4.15 + channel_like + 0.15 * affinity + 1.5 * (length - 0.5);
        for (entity, id, finish_share, like_share) in appeals {
            let of = (entity as u64) << 56 | id;
            finish += finish_share * self.normal(Purpose::FinishAppeal, of);
            like += like_share * self.normal(Purpose::LikeAppeal, of);
        }
        // Whoever finishes likes more often; from the features alone, either outcome of `finish` is possible.
        let finish_probability = sigmoid(finish);
        let like_if = [sigmoid(like - 0.5), sigmoid(like + 0.7)];
        let finished = self.uniform(Purpose::FinishLabel, i) < finish_probability;
        Row {
            user,
            user_city: known(city),
            video,
            author,
            video_city: known(author_city),
            channel,
            music,
            device,
            time: FIRST_TIME + (i as i64).wrapping_mul(3) + (2.0 * self.uniform(Purpose::Time, i)) as i64,
            seconds: 3 + (57.0 * length) as i32,
            finish: finished,
            like: self.uniform(Purpose::LikeLabel, i) < like_if[usize::from(finished)],
            finish_probability,
            like_probability: like_if[0] + finish_probability * (like_if[1] - like_if[0]),
        }
    }

    fn uniform(&self, purpose: Purpose, n: u64) -> f64 {
        Stream::new(self.seed, purpose as u64).uniform(n)
    }

    fn skewed(&self, purpose: Purpose, i: u64, n: u64) -> u64 {
        Stream::new(self.seed, purpose as u64).skewed(i, n)
    }

    fn normal(&self, purpose: Purpose, n: u64) -> f64 {
        Stream::new(self.seed, purpose as u64).normal(n)
    }
}

impl Rows for ByteRec {
    fn rows(&self, range: Range<u64>, truth: bool) -> RecordBatch {
        ByteRec::rows(self, range, truth)
    }

    fn width(&self) -> u64 {
        14
    }
}

/// A city as logs hold it: the rarest are not known, −1.
fn known(city: u64) -> i64 {
    if city + 5 < CITIES { city as i64 } else { -1 }
}

fn column(name: &str, array: ArrayRef) -> (FieldRef, ArrayRef) {
    (Arc::new(Field::new(name, array.data_type().clone(), false)), array)
}
