//! What is exported is read back with the readers of these formats.

use super::*;
use crate::audit::tests::{record, sealed, small};
use crate::audit::{Folder, Recorder, query::Filter, query::Log};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;

/// A small school's log, part of it sealed, with one address that a spreadsheet would run.
async fn rows() -> Vec<Row> {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    drop(record(&recorder, 0..350).await);
    sealed(&folder);
    let mut rows = Vec::new();
    let log = Log::open(&folder).expect("opened");
    let page = log.scan(&Filter::default(), |stretch| {
        rows.extend(stretch);
        Ok::<_, LogError>(())
    });
    assert!(page.expect("read").passed_over.is_empty());
    rows
}

fn written(format: Format, rows: &[Row]) -> Vec<u8> {
    let mut out = Exporter::begin(format, Vec::new()).expect("begun");
    for stretch in rows.chunks(100) {
        out.write(stretch.to_vec()).expect("written");
    }
    out.finish().expect("finished")
}

#[tokio::test]
async fn a_scan_finds_every_record_once() {
    let mut numbers: Vec<_> = rows().await.iter().map(|row| row.path.clone()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 350);
}

#[tokio::test]
async fn json_lines_are_the_records() {
    let rows = rows().await;
    let text = String::from_utf8(written(Format::JsonLines, &rows)).expect("text");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines, rows.iter().map(|row| serde_json::to_value(row).expect("an object")).collect::<Vec<_>>());
}

#[tokio::test]
async fn csv_is_read_back_and_runs_nothing() {
    let mut rows = rows().await;
    let wrong =
        [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"), ("\rx", "'\rx"), ("a,\"b\"\r\nc", "a,\"b\"\r\nc")];
    for ((typed, _), row) in wrong.iter().zip(&mut rows) {
        row.term = Some((*typed).to_owned());
    }
    let bytes = written(Format::Csv, &rows);
    let mut reader = ::csv::ReaderBuilder::new().from_reader(&bytes[..]);
    let heads: Vec<_> = reader.headers().expect("a head").iter().map(str::to_owned).collect();
    let at = |name: &str| heads.iter().position(|head| head == name).unwrap_or_else(|| panic!("no column {name}"));
    let records: Vec<_> = reader.records().map(|record| record.expect("a record")).collect();
    assert_eq!(records.len(), rows.len());
    for (record, row) in records.iter().zip(&rows) {
        let term = row.term.as_deref().map(|term| wrong.iter().find(|(typed, _)| *typed == term).map_or(term, |(_, safe)| safe));
        assert_eq!(&record[at("id")], row.id);
        assert_eq!(&record[at("time")], row.time);
        assert_eq!(&record[at("user")], row.user.as_deref().unwrap_or_default());
        assert_eq!(&record[at("term")], term.unwrap_or_default());
        assert_eq!(&record[at("path")], row.path);
        assert_eq!(&record[at("bytes_down")], row.bytes_down.map(|bytes| bytes.to_string()).unwrap_or_default());
        assert_eq!(&record[at("list_line")], row.entry.as_ref().map(|entry| entry.line.to_string()).unwrap_or_default());
    }
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.lines().next().is_some_and(|head| head.starts_with("id,time,user,")) && text.contains("\r\n"));
}

#[tokio::test]
async fn parquet_is_read_back_with_its_types() {
    let rows = rows().await;
    let reader = SerializedFileReader::new(bytes::Bytes::from(written(Format::Parquet, &rows))).expect("a Parquet file");
    assert_eq!(reader.metadata().file_metadata().num_rows(), i64::try_from(rows.len()).expect("few"));
    let text = |text: &str| Field::Str(text.to_owned());
    let maybe = |value: &Option<String>| value.as_deref().map_or(Field::Null, text);
    for (found, row) in reader.get_row_iter(None).expect("rows").zip(&rows) {
        let found: std::collections::HashMap<_, _> = found.expect("a row").into_columns().into_iter().collect();
        assert_eq!(found["id"], text(&row.id));
        assert_eq!(found["time"], Field::TimestampMillis(row.time_ms.cast_signed()));
        assert_eq!((&found["user"], &found["term"], &found["note"]), (&maybe(&row.user), &maybe(&row.term), &maybe(&row.note)));
        assert_eq!((&found["host"], &found["path"], &found["port"]), (&text(&row.host), &text(&row.path), &Field::Long(i64::from(row.port))));
        assert_eq!(found["status"], row.status.map_or(Field::Null, |status| Field::Long(i64::from(status))));
        assert_eq!(found["duration_ms"], row.duration_ms.map_or(Field::Null, Field::Double));
        assert_eq!(found["list_line"], row.entry.as_ref().map_or(Field::Null, |entry| Field::Long(i64::from(entry.line))));
    }
}

#[test]
fn an_export_of_nothing_is_whole() {
    assert_eq!(written(Format::JsonLines, &[]), b"");
    assert!(written(Format::Csv, &[]).starts_with(b"id,time,user"));
    let reader = SerializedFileReader::new(bytes::Bytes::from(written(Format::Parquet, &[]))).expect("a Parquet file");
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}
