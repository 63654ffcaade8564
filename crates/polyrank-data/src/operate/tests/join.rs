use super::*;

const USERS: &str = "id,age,city\n7,20,Ulm\n,99,none\nbob,31,\n8,,Bonn\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| std::fs::write(dir.path().join(name), text).unwrap());
    dir
}

fn trial(files: &[&str]) -> Trial {
    let options = [
        ("files", names(files)),
        ("on", names(&["user"])),
        ("files_on", names(&["id"])),
        ("columns", names(&["age", "city"])),
        ("prefix", text("user_")),
    ];
    Trial::new("join", &options).unwrap()
}

fn joined(fitted: &Fitted<'_>, user: ArrayRef) -> Vec<(Option<String>, Option<String>)> {
    let made = fitted.score(&rows(vec![("user", user)]));
    let texts = |name: &str| -> Vec<Option<String>> {
        made.column_by_name(name).unwrap().as_string::<i32>().iter().map(|t| t.map(str::to_owned)).collect()
    };
    texts("user_age").into_iter().zip(texts("user_city")).collect()
}

fn pair(age: &str, city: &str) -> (Option<String>, Option<String>) {
    let present = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (present(age), present(city))
}

#[test]
fn columns_come_by_canonical_key_and_the_file_is_no_longer_needed() {
    let dir = folder(&[("users.csv", USERS)]);
    let trial = trial(&["users.csv"]);
    let fitted = trial.ready(dir.path()).unwrap();
    drop(dir);
    for fitted in [fitted.reloaded(), fitted] {
        let want = [pair("20", "Ulm"), pair("", "Bonn"), pair("", ""), pair("", "")];
        assert_eq!(joined(&fitted, ints([Some(7), Some(8), Some(9), None])), want);
        assert_eq!(joined(&fitted, floats([Some(7.0)])), [pair("20", "Ulm")]);
        assert_eq!(joined(&fitted, texts(&["bob", "7", "Bob"])), [pair("31", ""), pair("20", "Ulm"), pair("", "")]);
        assert_rows_are_alone(&fitted, &rows(vec![("user", texts(&["bob", "7", ""]))]), |_| Phase::Scoring);
    }
}

#[test]
fn several_files_are_one_table() {
    let dir = folder(&[("a.csv", USERS), ("b.jsonl", "{\"id\": 10, \"age\": 5, \"city\": \"Rom\"}\n")]);
    let trial = trial(&["a.csv", "b.jsonl"]);
    let fitted = trial.ready(dir.path()).unwrap();
    assert_eq!(joined(&fitted, ints([Some(10), Some(7)])), [pair("5", "Rom"), pair("20", "Ulm")]);
}

#[test]
fn lists_and_numbers_keep_their_types() {
    let dir =
        folder(&[("items.jsonl", "{\"id\": 1, \"tags\": [3, 5], \"n\": 2}\n{\"id\": 2, \"tags\": [], \"n\": null}\n")]);
    let options = [("files", names(&["*.jsonl"])), ("on", names(&["id"])), ("columns", names(&["tags", "n"]))];
    let trial = Trial::new("join", &options).unwrap();
    let fitted = trial.ready(dir.path()).unwrap();
    for fitted in [fitted.reloaded(), fitted] {
        let made = fitted.score(&rows(vec![("id", texts(&["1", "2", "3"]))]));
        assert_eq!(lists(&made, "tags"), [vec![Some(3), Some(5)], vec![], vec![]]);
        assert!(made.column_by_name("tags").unwrap().is_null(2));
        assert_eq!(numbers(&made, "n"), [Some(2.0), None, None]);
    }
}

#[test]
fn a_key_that_stands_twice_is_an_error_with_its_line() {
    let dir = folder(&[("users.csv", "id,age,city\n7,1,a\n07,2,b\n7,3,c\n")]);
    let error = trial(&["users.csv"]).ready(dir.path()).err().unwrap().to_string();
    assert!(error.contains("users.csv:4") && error.contains("`7`") && error.contains("`id`"), "{error}");
}

#[test]
fn files_that_do_not_fit() {
    let dir = folder(&[("users.csv", "id,age\n7,1\n")]);
    let error = |files: &[&str]| trial(files).ready(dir.path()).err().unwrap().to_string();
    assert!(error(&["users.csv"]).contains("no column `city`"));
    assert!(error(&["none.csv"]).contains("matches no file"));
    let options =
        [("files", names(&["a"])), ("on", names(&["a", "b"])), ("files_on", names(&["a"])), ("columns", names(&["c"]))];
    assert!(Trial::new("join", &options).err().unwrap().contains("1 names for 2 columns"));
}
