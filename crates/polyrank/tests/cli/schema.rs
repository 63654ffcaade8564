//! A schema decides a configuration, and comes back out of it and of its bundle.

use std::fmt::Write as _;

use crate::support::Place;

const CONFIG: &str = r#"
[data]
train  = ["rows.csv"]
schema = "schema.pbtxt"

[train]
epochs = 1
"#;

const SCHEMA: &str = r#"
feature { name: "uid" type: INT int_domain { max: 19 is_categorical: true } annotation { tag: "user_id" } }
feature { name: "item" type: BYTES annotation { tag: "item_id" tag: "categorical" } }
feature { name: "age" type: FLOAT annotation { tag: "continuous" tag: "user" } }
feature { name: "at" type: INT annotation { tag: "time" } }
feature { name: "click" type: INT int_domain { max: 1 } annotation { tag: "target" } }
feature { name: "watch" type: FLOAT annotation { tag: "target" tag: "regression" } }
"#;

#[test]
fn a_schema_alone_trains_and_is_exported_again() {
    let place = Place::new();
    let mut rows = "uid,item,age,at,click,watch\n".to_owned();
    for i in 0..200u32 {
        let _ = writeln!(rows, "{},i{},{}.5,{i},{},{}", i % 20, i % 7, i % 50, u32::from(i % 3 == 0), i % 11);
    }
    place.write("rows.csv", &rows);
    place.write("schema.pbtxt", SCHEMA);
    place.write("c.toml", CONFIG);
    let explained = place.run(&["explain", "c.toml"]).ok().out;
    let line = explained.lines().find(|line| line.contains("features.item.side")).unwrap_or_default().to_owned();
    assert!(line.contains("\"item\"") && line.contains("tag item"), "{explained}");
    place.run(&["train", "c.toml", "--out", "run"]).ok();
    let before = place.run(&["schema", "c.toml"]).ok().out;
    place.run(&["schema", "run/bundle", "-o", "again.pbtxt"]).ok();
    assert_eq!(place.read("again.pbtxt").trim_end(), before.trim_end());
    // What comes out decides the same network.
    place.write("d.toml", &CONFIG.replace("schema.pbtxt", "again.pbtxt"));
    assert_eq!(place.run(&["explain", "d.toml"]).ok().out.lines().next(), explained.lines().next());

    place.write("e.toml", &CONFIG.replace("schema.pbtxt", "none.pbtxt"));
    place.run(&["explain", "e.toml"]).failed(2, &["e.toml:4: data.schema: ", "none.pbtxt: No such file"]);
}
