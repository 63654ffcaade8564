//! The configurations in `examples/`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::support::Place;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Each is understood; its rows need not be there.
#[test]
fn every_configuration_is_valid() {
    let files = std::fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap().path());
    let configurations: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    assert!(configurations.iter().any(|path| path.ends_with("kuairand.toml")));
    for path in configurations {
        let text = std::fs::read_to_string(&path).unwrap();
        polyrank_schema::parse(&text, &path.display().to_string(), &polyrank_model::registry(), &[]).unwrap();
    }
}

/// `kuairand.toml` on few rows of the same columns, made up: joins, a history for DIN, a task of its own space.
#[test]
fn kuairand_trains_and_is_evaluated() {
    let place = Place::new();
    let config = std::fs::read_to_string(examples().join("kuairand.toml")).unwrap();
    place.write("kuairand.toml", &config.replace("data/kuairand-pure/", "").replace(".parquet", ".csv"));
    let mut log = "user_id,video_id,hourmin,is_click,is_like,long_view,play_time_ms,duration_ms,tab\n".to_owned();
    let mut history = "user_id,video_id,seq_pos,is_like,long_view\n".to_owned();
    for i in 0..400 {
        let (user, video) = (i % 19, i * 7 % 23);
        let [click, like, long] = [user + video, user * video, i / 2].map(|n| u32::from(n % 2 == 0));
        let time = click * (i % 40) * 1000;
        writeln!(log, "{user},{video},{},{click},{like},{long},{time},{},1", i % 24 * 100, 1000 * video + 7).unwrap();
        writeln!(history, "{user},{video},{},{like},{long}", i / 19).unwrap();
    }
    place.write("log_val.csv", &log);
    place.write("log_test.csv", &log);
    place.write("train_history.csv", &history);
    let table = |key: &str, columns: &str, keys: u32| {
        let names: Vec<&str> = columns.split_whitespace().collect();
        let row = |k| format!("{k}{}\n", format!(",v{}", k % 3).repeat(names.len()));
        format!("{key},{}\n{}", names.join(","), (0..keys).map(row).collect::<String>())
    };
    let users = "user_active_degree is_live_streamer is_video_author follow_user_num_range fans_user_num_range \
                 friend_user_num_range register_days_range onehot_feat0 onehot_feat1 onehot_feat2 onehot_feat3 \
                 onehot_feat4 onehot_feat5 onehot_feat6 onehot_feat7 onehot_feat8 onehot_feat9 onehot_feat10 \
                 onehot_feat11";
    place.write("user_features.csv", &table("user_id", users, 19));
    let videos = "author_id music_id video_type upload_type upload_dt tag music_type";
    place.write("video_features_basic.csv", &table("video_id", videos, 23));

    place.run(&["train", "kuairand.toml", "--out", "run", "--set", "train.epochs=1"]).ok();
    let json = place.run(&["evaluate", "run/bundle", "log_test.csv", "--json"]).ok().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["tasks"]["click"]["gauc"].is_f64(), "{json}");
    let clicks = log.lines().skip(1).filter(|line| line.split(',').nth(3) == Some("1")).count();
    assert_eq!(json["tasks"]["play_time"]["rows"].as_f64(), Some(clicks as f64));
}
