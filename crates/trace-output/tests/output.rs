//! Every line arrives whole or is counted, whatever the writer does.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    fs,
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use parallax_trace_output::{Background, Output, WhenFull, append};

/// A text that outlives its writer.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    fn get(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes so many bytes, at most 7 at a time, and then fails.
struct Full(usize, Text);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.0).min(7);
        if fits == 0 {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no room left"));
        }
        self.0 -= fits;
        self.1.write(&bytes[..fits])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits for leave before every piece.
struct Gate(Receiver<()>, Text);

impl Gate {
    fn new() -> (Sender<()>, Text, Self) {
        let ((leave, gate), text) = (mpsc::channel(), Text::default());
        (leave, text.clone(), Self(gate, text))
    }
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever gives leave no more has opened the gate.
        let _ = self.0.recv();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines of many lengths.
fn lines(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number}{}\n", "x".repeat(number * number % 97))).collect()
}

/// What arrived is whole lines in their order, perhaps with one behind them that has no end, and the others are counted.
#[track_caller]
fn check(lines: &[String], arrived: &[u8], lost: u64) {
    let mut expected = lines.iter();
    let mut missed = 0;
    for line in
        std::str::from_utf8(arrived).unwrap().split_inclusive('\n').filter(|line| line.ends_with('\n'))
    {
        missed += expected.position(|expected| expected == line).expect("a line in its order");
    }
    missed += expected.count();
    assert_eq!(missed as u64, lost);
}

#[test]
fn what_is_appended_begins_on_a_line_of_its_own() {
    let path = std::env::temp_dir().join(format!("parallax-trace-output-{}", std::process::id()));
    for (there, expected) in [
        (None, "new\n"),
        (Some(""), "new\n"),
        (Some("old\n"), "old\nnew\n"),
        (Some("old\nto"), "old\nto\nnew\n"),
    ] {
        match there {
            Some(text) => fs::write(&path, text).unwrap(),
            None => {
                let _ = fs::remove_file(&path);
            }
        }
        append(&path).unwrap().write_all(b"new\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }
    fs::remove_file(&path).unwrap();
    assert!(append(path.join("below a file")).is_err());
}

#[test]
fn what_a_failing_writer_does_not_take_is_counted() {
    let lines = lines(3000);
    let whole: usize = lines.iter().map(String::len).sum();
    // Fewer than one piece, a line's end, within the second piece, all of it.
    for room in [0, 1, 2, 100, 65_536, 90_000, whole - 1, whole] {
        let text = Text::default();
        let mut output = Output::new(Full(room, text.clone()));
        for line in &lines {
            output.text().extend_from_slice(line.as_bytes());
            output.end_line();
        }
        output.flush();
        assert_eq!(output.failed().is_some(), room < whole, "told at once: {room}");
        check(&lines, &text.get(), output.lost());
        assert_eq!(
            output.finish().err().map(|error| error.kind()),
            (room < whole).then_some(io::ErrorKind::StorageFull)
        );
        assert_eq!(text.get().len(), room, "what fits is written");

        let text = Text::default();
        let mut background = Background::new(Full(room, text.clone()), WhenFull::Wait, 2).unwrap();
        let losses = background.losses();
        // Behind the error, what is refused is not counted: whoever has it still knows.
        let refused = lines.iter().position(|line| background.write_all(line.as_bytes()).is_err());
        let error = background.finish().err();
        check(&lines[..refused.unwrap_or(lines.len())], &text.get(), losses.lines());
        assert_eq!(error.map(|error| error.to_string()), (room < whole).then(|| "no room left".into()));
    }
}

/// Fails once, in the middle of a line, and would take everything from then on.
struct Once(bool, Text);

impl Write for Once {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.0) {
            return Ok(self.1.write(&bytes[..1])?.min(1));
        }
        if self.1.get().len() == 1 {
            self.1.write_all(b"!")?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_has_failed_is_not_written_to_again() {
    let text = Text::default();
    let mut output = Output::new(Once(true, text.clone()));
    for _ in 0..3 {
        output.text().extend_from_slice(b"line\n");
        output.flush();
    }
    assert_eq!((output.lost(), text.get()), (3, b"l!".to_vec()));
    // Both pieces are in the queue when the first one fails.
    let text = Text::default();
    let (leave, gate) = mpsc::channel::<()>();
    let gated = Gate(gate, Text::default());
    let mut background = Background::new(Both(gated, Once(true, text.clone())), WhenFull::Wait, 2).unwrap();
    let losses = background.losses();
    background.write_all(b"line\n").unwrap();
    background.write_all(b"line\nline\n").unwrap();
    drop(leave);
    assert_eq!(background.finish().err().map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
    assert_eq!((losses.lines(), text.get()), (3, b"l!".to_vec()));
}

/// Waits at the first one, and writes to the second.
struct Both(Gate, Once);

impl Write for Both {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(b"")?;
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_gathered_arrives_when_it_is_dropped() {
    let text = Text::default();
    let mut output = Output::new(Background::new(text.clone(), WhenFull::Wait, 1).unwrap());
    output.text().extend_from_slice(b"a line\n");
    assert_eq!(text.get(), b"");
    let unwound = panic::catch_unwind(AssertUnwindSafe(|| {
        let _dropped = output;
        panic!("as a run may");
    }));
    assert!(unwound.is_err());
    assert_eq!(text.get(), b"a line\n");
}

#[test]
fn a_writer_that_panics_is_not_asked_again() {
    struct Panics;
    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("the writer's own");
        }
        fn flush(&mut self) -> io::Result<()> {
            panic!("asked again");
        }
    }
    let mut output = Output::new(Panics);
    output.text().push(b'\n');
    assert!(panic::catch_unwind(AssertUnwindSafe(|| output.flush())).is_err());
    output.flush();
    assert_eq!(output.lost(), 1);
    assert!(output.finish().is_err());
    let mut background = Background::new(Panics, WhenFull::Wait, 1).unwrap();
    assert!(background.write(b"\n").and_then(|_| background.flush()).is_err());
    assert!(background.finish().is_err());
}

#[test]
fn a_flush_that_waits_has_everything_written() {
    let (leave, text, gate) = Gate::new();
    let mut background = Background::new(gate, WhenFull::Wait, 8).unwrap();
    for line in lines(5) {
        background.write_all(line.as_bytes()).unwrap();
    }
    let before = text.get();
    drop(leave);
    background.flush().unwrap();
    assert_eq!(text.get(), lines(5).concat().as_bytes());
    assert_eq!((before, background.losses().lines()), (Vec::new(), 0), "it had no leave before");
}

#[test]
fn a_writer_that_stands_still_costs_lines_and_stops_nobody() {
    let mut lines = lines(100);
    let (leave, text, gate) = Gate::new();
    let mut background = Background::new(gate, WhenFull::Drop, 4).unwrap();
    let losses = background.losses();
    for line in &lines {
        background.write_all(line.as_bytes()).unwrap();
        background.flush().unwrap();
    }
    let lost = losses.lines();
    // Nobody is left waiting where an assertion fails.
    drop(leave);
    // It goes on, and so there is room again.
    for number in 0.. {
        let before = losses.lines();
        lines.push(format!("again {number}\n"));
        background.write_all(lines[lines.len() - 1].as_bytes()).unwrap();
        if losses.lines() == before {
            break;
        }
        thread::yield_now();
    }
    background.finish().unwrap();
    assert!(lost >= 95, "one is being written and four wait, at most: {lost}");
    check(&lines, &text.get(), losses.lines());
}

/// Pieces that end anywhere, to a writer that is at times too slow.
#[test]
fn lines_are_dropped_whole_wherever_pieces_end() {
    let lines = lines(120);
    let text = lines.concat();
    for when_full in [WhenFull::Drop, WhenFull::Wait] {
        for size in [1, 2, 13, 64, 500] {
            let (leave, arrived, gate) = Gate::new();
            let mut background = Background::new(gate, when_full, 2).unwrap();
            let losses = background.losses();
            let opens = thread::spawn(move || {
                while leave.send(()).is_ok() {
                    thread::yield_now();
                }
            });
            for piece in text.as_bytes().chunks(size) {
                background.write_all(piece).unwrap();
            }
            background.finish().unwrap();
            opens.join().unwrap();
            check(&lines, &arrived.get(), losses.lines());
            assert!(when_full == WhenFull::Drop || losses.lines() == 0);
            assert!(
                arrived.get().ends_with(b"\n") || arrived.get().is_empty(),
                "the last line is whole, too"
            );
        }
    }
}
