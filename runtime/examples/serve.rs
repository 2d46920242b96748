//! Answers over HTTP what pictures show: a POST of a picture (PNG, JPEG, WebP, …) gives a line a class, the likeliest first.
//!
//! Some threads take requests, each with a session of its own over the same packed weights. Run it where `models/` is, with the
//! address to listen at or else at any free port, and then: `curl --data-binary @models/sample.png ADDRESS`.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use cnnc_runtime::{Device, Error, Model, PrepareOptions, Preprocess, Session, Weights};
use httparse::{EMPTY_HEADER, Request, Status};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Threads, each of which answers a request at a time.
const THREADS: usize = 4;
/// Bytes of the longest head of a request.
const MOST_HEAD_BYTES: usize = 16 << 10;
/// Bytes of the largest picture.
const MOST_BYTES: usize = 16 << 20;
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let model = Model::from_file("models/lenet.cnn")?;
    let weights = Weights::from_file("models/lenet.safetensors", &model)?;
    // Requests run side by side, so each is computed by one thread.
    let prepared = model.prepare(&weights, &Device::cpu(1), PrepareOptions::default())?;
    let preprocess = Preprocess::of(&model, 0)?;
    let listener = TcpListener::bind(std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:0"))?;
    println!("http://{}", listener.local_addr()?);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let (mut session, listener, preprocess) = (prepared.session(), &listener, &preprocess);
            scope.spawn(move || {
                for stream in listener.incoming().flatten() {
                    // Who does not wait for the answer misses it.
                    let _ = answer(stream, &mut session, preprocess);
                }
            });
        }
    });
    Ok(())
}

fn answer(mut stream: TcpStream, session: &mut Session, preprocess: &Preprocess) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (status, text) = match picture(&mut stream).map(|picture| classes(&picture, session, preprocess)) {
        Ok(Ok(classes)) => ("200 OK", classes),
        Ok(Err(error)) => ("422 Unprocessable Content", error.to_string()),
        Err(error) => ("400 Bad Request", error.to_string()),
    };
    let kind = "Content-Type: text/plain; charset=utf-8\r\nConnection: close";
    write!(stream, "HTTP/1.1 {status}\r\n{kind}\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

/// The likeliest classes of a picture.
fn classes(picture: &[u8], session: &mut Session, preprocess: &Preprocess) -> Result<String, Error> {
    let top = session.run(&[preprocess.encoded(&[picture])?])?.top(5)?;
    let line = |likely: &cnnc_runtime::answer::Likely<'_>| {
        format!("{:6.2} %  {}\n", 100.0 * likely.probability, likely.label.unwrap_or("?"))
    };
    Ok(top[0].iter().map(line).collect())
}

/// The body of a request.
fn picture(stream: &mut TcpStream) -> Outcome<Vec<u8>> {
    let mut received = Vec::new();
    let mut more = |received: &mut Vec<u8>| -> Outcome<()> {
        let mut part = [0; 16 << 10];
        let count = stream.read(&mut part)?;
        received.extend_from_slice(&part[..count]);
        if count == 0 { Err("the request is cut off".into()) } else { Ok(()) }
    };
    let (head, length) = loop {
        if let Some(found) = lengths(&received)? {
            break found;
        }
        if received.len() > MOST_HEAD_BYTES {
            return Err("the head of the request is too long".into());
        }
        more(&mut received)?;
    };
    while received.len() - head < length {
        more(&mut received)?;
    }
    received.truncate(head + length);
    Ok(received.split_off(head))
}

/// The bytes of a request's head and body, once the head is there.
fn lengths(received: &[u8]) -> Outcome<Option<(usize, usize)>> {
    let mut headers = [EMPTY_HEADER; 64];
    let mut request = Request::new(&mut headers);
    let Status::Complete(head) = request.parse(received)? else { return Ok(None) };
    if request.method != Some("POST") {
        return Err("a picture is to be sent by POST".into());
    }
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = std::str::from_utf8(length.ok_or("the request does not say its Content-Length")?.value)?.trim();
    match length.parse()? {
        length @ 0..=MOST_BYTES => Ok(Some((head, length))),
        length => Err(format!("a picture of {length} bytes, and {MOST_BYTES} are the most").into()),
    }
}
