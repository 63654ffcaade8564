//! What a column's name says about it.

/// The words of a name, in lower case: `userCity_id2` gives user, city, id, 2.
pub(super) fn words(name: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut before = ' ';
    for c in name.chars() {
        let turn = (before.is_lowercase() && c.is_uppercase()) || (before.is_numeric() != c.is_numeric());
        if (turn || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

const TIMES: &[&str] = &["time", "timestamp", "date", "datetime", "ts", "day"];

const QUANTITIES: &[&str] = &[
    "age",
    "amount",
    "avg",
    "average",
    "cnt",
    "cost",
    "count",
    "counts",
    "days",
    "distance",
    "dur",
    "duration",
    "fee",
    "freq",
    "frequency",
    "gain",
    "height",
    "hours",
    "income",
    "len",
    "length",
    "loss",
    "max",
    "mean",
    "min",
    "minutes",
    "ms",
    "num",
    "number",
    "percent",
    "price",
    "prob",
    "quantity",
    "rate",
    "ratio",
    "sales",
    "score",
    "sec",
    "seconds",
    "size",
    "std",
    "sum",
    "temperature",
    "time",
    "total",
    "value",
    "views",
    "weeks",
    "weight",
    "width",
    "years",
];

const LABELS: &[&str] = &[
    "app", "author", "brand", "campaign", "category", "channel", "city", "class", "code", "country", "county",
    "device", "gender", "genre", "hash", "key", "language", "model", "music", "os", "platform", "province", "region",
    "sex", "shop", "sku", "state", "store", "tag", "tags", "topic", "type", "user", "zip", "zipcode",
];

const ITEM_STARTS: &[&str] = &["item", "author", "music", "video", "goods", "product", "channel", "category"];

const IDS: &[&str] =
    &["id", "ids", "uid", "uids", "gid", "pid", "iid", "aid", "vid", "sid", "uuid", "guid", "userid", "itemid", "adid"];

const USERS: &[&str] =
    &["age", "customer", "gender", "member", "sex", "uid", "uids", "user", "userid", "users", "viewer", "visitor"];

/// What users do with what they are shown.
const EVENTS: &[&str] = &[
    "buy",
    "cart",
    "click",
    "clicked",
    "comment",
    "conversion",
    "convert",
    "download",
    "favorite",
    "favourite",
    "finish",
    "finished",
    "follow",
    "forward",
    "install",
    "like",
    "liked",
    "order",
    "play",
    "purchase",
    "rated",
    "save",
    "share",
    "shared",
    "subscribe",
    "upvote",
    "view",
    "watched",
];

/// What users do for a while, and how long or how often that was.
const DOINGS: &[&str] = &["dwell", "play", "played", "playing", "read", "stay", "watch", "watched", "watching"];
const MEASURES: &[&str] =
    &["count", "duration", "hours", "length", "minutes", "ms", "ratio", "sec", "seconds", "time", "times"];

/// Whether the name is a measure of what a user did with what they were shown (`watch_time`, `play_time_ms`).
pub(super) fn says_outcome(name: &str) -> bool {
    let words = words(name);
    let Some((doing, measures)) = words.split_first() else { return false };
    // `user_watch_time` or `avg_play_time` are of the past.
    DOINGS.contains(&doing.as_str())
        && !measures.is_empty()
        && measures.iter().all(|word| MEASURES.contains(&word.as_str()))
}

/// Whether the name is that of what one of these labels was drawn from, as `polyrank synth` writes it.
pub(super) fn says_truth(name: &str, labels: &[&str]) -> bool {
    let told = |rest: &str| {
        let rest = rest.strip_prefix("_probability").or_else(|| rest.strip_prefix("_mean"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    labels.iter().any(|label| name.strip_prefix(label).is_some_and(told))
}

/// Whether the name is an event's: one word, or one with what tells yes from no (`is_click`, `long_view`, `like_flag`).
pub(super) fn says_event(name: &str) -> bool {
    let words = words(name);
    // `user_like_count`, `click_id` and the like are about events.
    words.iter().any(|w| EVENTS.contains(&w.as_str()))
        && !says_quantity(name)
        && !says_identity(name)
        && words.len() <= 3
}

/// Whether the name speaks of the user.
pub(super) fn says_user(name: &str) -> bool {
    words(name).iter().any(|w| USERS.contains(&w.as_str())) && !says_item(name)
}

/// Whether the name speaks of the session.
pub(super) fn says_session(name: &str) -> bool {
    words(name).iter().any(|w| w == "session" || w == "sid")
}

/// Whether the name says that its values are names themselves.
pub(super) fn says_id(name: &str) -> bool {
    words(name).iter().any(|w| IDS.contains(&w.as_str()))
}

/// Whether the name speaks of a point in time.
pub(super) fn says_time(name: &str) -> bool {
    words(name).iter().any(|w| TIMES.contains(&w.as_str()) || w.ends_with("timestamp"))
}

/// Whether the name speaks of how much or how many.
pub(super) fn says_quantity(name: &str) -> bool {
    words(name).iter().any(|w| QUANTITIES.contains(&w.as_str()))
}

/// Whether the name speaks of who, what or where: of a number that only tells things apart.
pub(super) fn says_identity(name: &str) -> bool {
    // A quantity of something (`user_count`) is a quantity; an id of something (`price_id`) is an id.
    says_id(name) || (!says_quantity(name) && words(name).iter().any(|w| LABELS.contains(&w.as_str())))
}

/// Whether the name speaks of the candidate rather than of the user or the request.
pub(super) fn says_item(name: &str) -> bool {
    let lower = name.trim_start_matches('_').to_lowercase();
    // `ad` begins many other words (address, adult), so it counts only as a word.
    let ad = words(name).first().is_some_and(|w| matches!(w.as_str(), "ad" | "ads" | "adid"));
    ad || ITEM_STARTS.iter().any(|start| lower.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(words("userCity_id2"), ["user", "city", "id", "2"]);
        assert_eq!(words("\"a\"\n--B"), ["a", "b"]);
        assert!(words("…").is_empty());
    }

    #[test]
    fn what_names_say() {
        assert!(says_time("event_time") && says_time("Date") && !says_time("sometimes"));
        assert!(says_quantity("duration_time") && !says_quantity("uid"));
        assert!(says_identity("price_id") && says_identity("user_city") && !says_identity("user_count"));
        assert!(says_item("item_id") && says_item("adId") && says_item("ad_type") && says_item("videoLength"));
        assert!(["click", "is_like", "longView", "like"].into_iter().all(says_event));
        assert!(
            ["click_count", "like_id", "watch_time", "likes_the_other_one_too"].into_iter().all(|n| !says_event(n))
        );
        assert!(says_user("user_city") && says_user("uid") && !says_user("item_user") && !says_user("city"));
        assert!(["watching_times", "play_time_ms", "watchTime"].into_iter().all(says_outcome));
        assert!(
            ["user_watch_time", "avg_play_time", "play", "duration", "play_id"].into_iter().all(|n| !says_outcome(n))
        );
        let truth = |name| says_truth(name, &["like"]);
        assert!(
            ["like_probability", "like_mean", "like_probability_after_click", "like_probability_3"].map(truth)
                == [true; 4]
        );
        assert!(!truth("like") && !truth("like_count") && !truth("click_probability"));
        assert!(says_session("session_id") && says_id("sessionId") && !says_id("city"));
        assert!(!says_item("address") && !says_item("user_item"));
    }
}
