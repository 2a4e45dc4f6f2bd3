//! What leaves the log for other programs is what is in it, in forms they read, and runs nothing on the machine of who opens it.

use crate::kit::{Files, World, skipped};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

/// A school where somebody typed what a spreadsheet would run.
async fn records() -> Files {
    let school = World::new().start().await;
    for path in ["/one", "/two?=1+1", "/three,%22quoted%22"] {
        school.pupil().get(&format!("http://games.example{path}")).await.is_blocked_because("category");
        school.after(1);
    }
    school.teacher().with("User-Agent", "=HYPERLINK(1)").get("http://adult.example/staff").await.is_blocked_because("category");
    school.stopped().await
}

fn export(files: &Files, format: &str, more: &[&str]) -> String {
    let path = files.path(&format!("export.{format}")).display().to_string();
    let said = files.usher(&[&["log", "export", "--format", format, "--output", &path], more].concat());
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.err.contains("records written"), "{said:?}");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600, "for its owner only");
    path
}

#[tokio::test]
async fn every_format_holds_the_same_records() {
    let files = records().await;
    let searched = files.usher(&["log", "search", "--json"]);
    let lines = fs::read_to_string(export(&files, "jsonl", &[])).expect("text");
    assert_eq!(lines, searched.out, "JSON lines are what a search prints");
    assert_eq!(files.usher(&["log", "export", "--format", "jsonl", "--output", "-"]).out, searched.out);
    let mut here = Command::new(env!("CARGO_BIN_EXE_usher"));
    here.current_dir(files.path("")).args(["--config", "usher.toml", "log", "export", "--format", "jsonl", "--output", "here.jsonl"]);
    assert!(here.output().expect("usher runs").status.success());
    assert_eq!(fs::read_to_string(files.path("here.jsonl")).expect("a file in the folder one is in"), lines);
    let ids: Vec<_> = searched.json().iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect();
    let mut csv = csv::Reader::from_path(export(&files, "csv", &[])).expect("a file");
    let column = csv.headers().expect("a head").iter().position(|head| head == "user_agent").expect("a column");
    let rows: Vec<_> = csv.records().map(|record| record.expect("a record")).collect();
    assert_eq!(rows.iter().map(|row| &row[0]).collect::<Vec<_>>(), ids);
    assert_eq!(&rows[0][column], "'=HYPERLINK(1)");
    let parquet = SerializedFileReader::new(File::open(export(&files, "parquet", &[])).expect("a file")).expect("a Parquet file");
    let found: Vec<_> = parquet.get_row_iter(None).expect("rows").map(|row| row.expect("a row").into_columns()[0].1.to_string().replace('"', "")).collect();
    assert_eq!(found, ids);
}

#[tokio::test]
async fn an_export_is_of_what_was_searched_for_and_says_what_it_left_out() {
    let files = records().await;
    let text = fs::read_to_string(export(&files, "csv", &["--host", "adult.example"])).expect("text");
    assert!(text.lines().count() == 2 && text.contains("/staff") && text.contains("device-"), "{text}");
    let named = fs::read_to_string(export(&files, "csv", &["--client", "127.0.9.1", "--reason", "asked for by the head"])).expect("text");
    assert!(named.lines().count() == 2 && named.contains("127.0.9.1"), "{named}");
    let looks = files.usher(&["log", "lookups", "--json"]).json();
    assert_eq!((looks.len(), &looks[0]["client"]), (1, &"127.0.9.1".into()));
    let none = files.usher(&["log", "export", "--format", "csv", "--output", "-", "--host", "news.example"]);
    assert!(none.code == Some(1) && none.err.contains("nothing found") && none.out.starts_with("id,time,user,"), "{none:?}");
    files.put("mine.new", "not to be lost");
    let mine = files.path("mine.csv").display().to_string();
    for (format, output, words) in
        [("xlsx", "-", "it is csv, jsonl or parquet"), ("csv", "/nowhere/x.csv", "/nowhere/x.csv"), ("csv", mine.as_str(), "mine.new is in the way")]
    {
        let said = files.usher(&["log", "export", "--format", format, "--output", output]);
        assert!(said.code == Some(2) && said.err.contains(words), "{said:?}");
    }
}

#[tokio::test]
async fn an_export_that_cannot_be_finished_leaves_the_last_one() {
    let school = World::new().start().await;
    for number in 0..80 {
        school.pupil().get(&format!("http://games.example/{number}?{}", "x".repeat(900))).await.is_blocked_because("category");
    }
    let files = school.stopped().await;
    let path = export(&files, "csv", &["--text", "7"]);
    let before = fs::read(&path).expect("a file");
    // Enough for SQLite to look into the log.
    let said = files.usher_with_little_disk(&["log", "export", "--format", "csv", "--output", &path], 70);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("export.csv"), "{said:?}");
    assert_eq!(fs::read(&path).expect("a file"), before);
    assert!(!files.path("export.new").exists(), "nothing half written is left");
}

/// Reads a Parquet file with DuckDB or PyArrow and prints what this test asks for.
const READ: &str = r#"
import sys
try:
    import duckdb
    ask = "SELECT id, CAST(epoch_ms(time) AS VARCHAR), host, port, coalesce(CAST(status AS VARCHAR), '') FROM read_parquet(?)"
    rows = duckdb.execute(ask, [sys.argv[1]]).fetchall()
except ImportError:
    import pyarrow.parquet
    table = pyarrow.parquet.read_table(sys.argv[1], columns=["id", "time", "host", "port", "status"]).to_pylist()
    rows = [(r["id"], str(round(r["time"].timestamp() * 1000)), r["host"], r["port"], "" if r["status"] is None else str(r["status"])) for r in table]
for row in rows:
    print(" ".join(str(value) for value in row).rstrip())
"#;

#[tokio::test]
async fn parquet_is_read_by_a_program_that_is_not_ours() {
    let python = std::env::var("USHER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let is_there = |module: &str| {
        let tried = Command::new(&python).args(["-c", &format!("import {module}")]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    // PyArrow serves as well.
    if !is_there("duckdb") && !is_there("pyarrow.parquet") {
        return skipped("duckdb");
    }
    let files = records().await;
    let path = export(&files, "parquet", &[]);
    let read = Command::new(&python).args(["-c", READ, &path]).output().expect("Python runs");
    let rows = files.usher(&["log", "search", "--json"]).json();
    let wanted: Vec<_> = rows
        .iter()
        .map(|row| {
            let time: jiff::Timestamp = row["time"].as_str().and_then(|time| time.parse().ok()).expect("a time");
            let (id, host) = (row["id"].as_str().expect("an id"), row["host"].as_str().expect("a host"));
            format!("{id} {} {host} {} {}", time.as_millisecond(), row["port"], row["status"])
        })
        .collect();
    assert_eq!(String::from_utf8_lossy(&read.stdout).lines().collect::<Vec<_>>(), wanted, "{}", String::from_utf8_lossy(&read.stderr));
}
