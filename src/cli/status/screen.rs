//! `fanfare status --watch`: looks again every second, until Ctrl-C.
//!
//! On a terminal it is one picture that changes in place, on the alternate screen, so that what
//! stood there before is there again afterwards. Elsewhere it is one text or one line of JSON after
//! the other. A daemon that is away for a while is waited for.

use std::{
    io::{self, Write},
    sync::mpsc::{self, TryRecvError},
    thread,
    time::{Duration, Instant},
};

use anstyle::AnsiColor;
use anyhow::Context;
use console::truncate_str;
use jiff::SignedDuration;
use serde_json::{json, value::RawValue};

use super::{
    command::text_of,
    looks::{Looks, Size},
    words::{lasting, many, painted},
};
use crate::{
    cli::{
        Ended, Form,
        client::{AskError, Client},
        form::print_json,
        interrupt::Interrupt,
    },
    model::OneLine,
};

/// From one look to the next.
const PACE: Duration = Duration::from_secs(1);
/// How often to see whether there is an answer.
const LOOK: Duration = Duration::from_millis(20);
/// From when on the lack of an answer is told.
const PATIENCE: Duration = Duration::from_secs(3);

/// To the alternate screen and without a cursor, and back.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// The cursor to the upper left; the rest of a line away; the rest of the screen away.
const HOME: &str = "\u{1b}[H";
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";

type Answer = Result<Box<RawValue>, AskError>;

/// Asks in a thread of its own: who waits for a daemon that hangs still hears Ctrl-C.
struct Asker {
    questions: mpsc::SyncSender<()>,
    answers: mpsc::Receiver<Answer>,
}

impl Asker {
    /// The thread ends with the process, or when nobody asks any more.
    fn start(client: Client) -> io::Result<Self> {
        let (questions, asked) = mpsc::sync_channel(1);
        let (answering, answers) = mpsc::sync_channel(1);
        thread::Builder::new().name("ask".into()).spawn(move || {
            while let Ok(()) = asked.recv() {
                if answering.send(client.get("status", &[])).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { questions, answers })
    }

    /// The answer to a new question; none if Ctrl-C came first. `late` is called from time to time
    /// while there is none.
    fn ask(
        &self,
        interrupt: &Interrupt,
        mut late: impl FnMut(Duration) -> io::Result<()>,
    ) -> anyhow::Result<Option<Answer>> {
        const GONE: &str = "the thread that asks is gone";
        self.questions.send(()).context(GONE)?;
        let asked = Instant::now();
        loop {
            match self.answers.try_recv() {
                Ok(answer) => return Ok(Some(answer)),
                Err(TryRecvError::Empty) if interrupt.came_within(LOOK) => return Ok(None),
                Err(TryRecvError::Empty) if asked.elapsed() > PATIENCE => late(asked.elapsed())?,
                Err(TryRecvError::Empty) => {}
                Err(gone @ TryRecvError::Disconnected) => return Err(gone).context(GONE),
            }
        }
    }
}

/// Prints how the daemon is doing every second until Ctrl-C.
pub(super) fn watch(
    client: Client,
    form: Form,
    looks: &Looks,
    out: &mut impl Write,
) -> anyhow::Result<Ended> {
    let interrupt = Interrupt::watch().context("cannot watch for Ctrl-C")?;
    let asker = Asker::start(client).context("cannot start the thread that asks")?;
    if form.json {
        return follow(&asker, &interrupt, |answer| match answer {
            Ok(answer) => writeln!(out, "{answer}").and_then(|()| out.flush()),
            Err(problem) => {
                print_json(&json!({ "problem": problem }), out).and_then(|()| out.flush())
            }
        });
    }
    if looks.size().is_some() {
        return Picture::open(looks, out)?.show(&asker, &interrupt);
    }
    follow(&asker, &interrupt, |answer| {
        let text = match answer {
            Ok(answer) => text_of(answer, None)?,
            Err(problem) => format!("{problem}; retrying\n"),
        };
        writeln!(out, "{}", looks.finish(&text))?;
        out.flush()
    })
}

/// Hands over every answer, or why there is none, until Ctrl-C.
fn follow(
    asker: &Asker,
    interrupt: &Interrupt,
    mut print: impl FnMut(Result<&RawValue, String>) -> io::Result<()>,
) -> anyhow::Result<Ended> {
    while let Some(answer) = asker.ask(interrupt, |_| Ok(()))? {
        match absence(answer)? {
            Ok(answer) => print(Ok(&answer))?,
            Err(problem) => print(Err(problem))?,
        }
        if interrupt.came_within(PACE) {
            break;
        }
    }
    Ok(Ended::Done)
}

/// Tells what passes from what does not: who is away may come back, but who does not let us in, or
/// is no fanfare, stays so.
fn absence(answer: Answer) -> Result<Result<Box<RawValue>, String>, AskError> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(away) if away.is_absence() => Ok(Err(away.to_string())),
        Err(cause) => Err(cause),
    }
}

/// The alternate screen of a terminal; dropped, it gives the other one back.
struct Picture<'a, W: Write> {
    looks: &'a Looks,
    out: &'a mut W,
    /// What the daemon said last, and when.
    last: Option<(Box<RawValue>, Instant)>,
}

impl<'a, W: Write> Picture<'a, W> {
    fn open(looks: &'a Looks, out: &'a mut W) -> io::Result<Self> {
        out.write_all(ENTER.as_bytes())?;
        Ok(Self { looks, out, last: None })
    }

    fn show(mut self, asker: &Asker, interrupt: &Interrupt) -> anyhow::Result<Ended> {
        loop {
            let late = |waited: Duration| {
                let waited = lasting(SignedDuration::try_from(waited).unwrap_or_default());
                self.draw(Some(&format!("the daemon has not answered for {waited}")))
            };
            let Some(answer) = asker.ask(interrupt, late)? else { break };
            match absence(answer)? {
                Ok(answer) => {
                    self.last = Some((answer, Instant::now()));
                    self.draw(None)?;
                }
                Err(problem) => self.draw(Some(&format!("{problem}; retrying")))?,
            }
            if interrupt.came_within(PACE) {
                break;
            }
        }
        Ok(Ended::Done)
    }

    /// Draws what is known, below what is wrong with knowing it.
    fn draw(&mut self, problem: Option<&str>) -> io::Result<()> {
        // A terminal that has been taken away has no size.
        let size = self.looks.size().unwrap_or(Size { rows: 24, columns: 80 });
        let trouble = problem.map(|problem| {
            let style = AnsiColor::Red.on_default().bold();
            painted(style, &OneLine(problem).to_string()) + "\n\n"
        });
        let age = self.last.as_ref().filter(|_| problem.is_some()).map(|(_, time)| {
            let age = SignedDuration::try_from(time.elapsed()).unwrap_or_default();
            format!("{} ago:\n", lasting(age))
        });
        let last = self.last.as_ref().map(|(answer, _)| text_of(answer, Some(size.columns)));
        let text = [trouble, age, last.transpose()?].into_iter().flatten().collect::<String>();
        self.out.write_all(frame(&self.looks.finish(&text), size).as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Picture<'_, W> {
    fn drop(&mut self) {
        // Nobody is left to be told that the terminal is gone.
        drop(self.out.write_all(LEAVE.as_bytes()).and_then(|()| self.out.flush()));
    }
}

/// The text as one picture, over the one before. What does not fit is counted in the last line.
fn frame(text: &str, size: Size) -> String {
    let lines: Vec<_> = text.lines().collect();
    let room = size.rows.max(2);
    let shown = if lines.len() <= room { lines.len() } else { room - 1 };
    let more = lines.len() - shown;
    let more = (more > 0).then(|| format!("… {} below", many(more as u64, "line")));
    let shown = lines.into_iter().take(shown).map(str::to_owned).chain(more);
    let fitting =
        shown.map(|line| format!("{}{CLEAR_LINE}", truncate_str(&line, size.columns, "…")));
    // Without a line break at the end, which would move the picture up by a line.
    format!("{HOME}{}{CLEAR_BELOW}", fitting.collect::<Vec<_>>().join("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_fits_the_screen_and_says_what_does_not() {
        let size = Size { rows: 3, columns: 5 };
        assert_eq!(frame("one\ntwo\n", size), "\u{1b}[Hone\u{1b}[K\r\ntwo\u{1b}[K\u{1b}[J");
        let three = "\u{1b}[Ha\u{1b}[K\r\nb\u{1b}[K\r\nc\u{1b}[K\u{1b}[J";
        assert_eq!(frame("a\nb\nc\n", size), three);
        let wide = Size { rows: 3, columns: 20 };
        let four = "\u{1b}[Ha\u{1b}[K\r\nb\u{1b}[K\r\n… 2 lines below\u{1b}[K\u{1b}[J";
        assert_eq!(frame("a\nb\nc\nd\n", wide), four);
        assert_eq!(frame("abcdefgh\n", size), "\u{1b}[Habcd…\u{1b}[K\u{1b}[J");
    }
}
