//! Runs an ONNX file in tract for the comparison: `tract-runner FILE.onnx N,C,H,W THREADS INPUT.f32`.
//! Comes in: commands, a line each, on standard input: `measure SECONDS`, `answer FILE`.
//! Goes out: a line each on standard output: `ready`, the median in milliseconds, `written` (raw little-endian floats).
//! It speaks as `runner.py` does, so that one driver can take turns between all peers.
use std::io::{BufRead, Write};
use std::time::Instant;

use tract_onnx::prelude::*;

fn main() -> TractResult<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, model, shape, threads, input] = arguments.as_slice() else {
        eprintln!("usage: tract-runner FILE.onnx N,C,H,W THREADS INPUT.f32");
        std::process::exit(2);
    };
    let shape = shape.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    let threads: usize = threads.parse()?;
    if threads > 1 {
        let executor = tract_linalg::multithread::Executor::multithread(threads);
        tract_linalg::multithread::set_default_executor(executor);
    }
    let values: Vec<f32> = std::fs::read(input)?
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let input: TValue = Tensor::from_shape(&shape, &values)?.into();
    let model = tract_onnx::onnx()
        .model_for_path(model)?
        .with_input_fact(0, f32::fact(&shape).into())?
        .into_optimized()?
        .into_runnable()?;
    let mut run = || model.run(tvec!(input.clone()));
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        match line?.split_once(' ') {
            Some(("measure", seconds)) => println!("{}", median_ms(&mut run, seconds.parse()?)?),
            Some(("answer", path)) => {
                let mut file = std::fs::File::create(path)?;
                for value in run()?[0].to_plain_array_view::<f32>()?.iter() {
                    file.write_all(&value.to_le_bytes())?;
                }
                println!("written");
            }
            _ => break,
        }
    }
    Ok(())
}

/// The median time of a run, in milliseconds: warms up, then runs for `seconds`, and three times at the least.
fn median_ms<T>(mut run: impl FnMut() -> TractResult<T>, seconds: f64) -> TractResult<f64> {
    for _ in 0..2 {
        run()?;
    }
    let start = Instant::now();
    let mut times = vec![];
    while start.elapsed().as_secs_f64() < seconds || times.len() < 3 {
        let before = Instant::now();
        run()?;
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
