//! One job from bytes to files: recognise, open, decide, decode small, run the steps, encode.

use std::ops::ControlFlow;

use tokio::time::Instant;

use super::encode::{Encoding, encode};
use super::error::EngineError;
use super::express;
use super::job::{Broken, Job, Limits, Outcome, Output, Rendered, Timings};
use super::load::{Frames, Opened, check_frames, check_result};
use super::metadata::{Keep, scrubbed, upright};
use super::sniff::{is_truncated, sniff};
use super::steps::{self, Context};
use super::svg;
use super::vips::{Image, Op, Value, VipsError, Watch};
use crate::telemetry::clock;
use crate::transform::geometry::{Orientation, Plan, Point, Reload, Size};
use crate::transform::{Choice, Format, Transform, choose};

/// Delay of a frame that names none, in milliseconds.
const DELAY_MS: i32 = 40;

/// Quality where neither the URL nor the settings give one.
const QUALITY: u8 = 80;

/// Runs a job on this thread; `ready` gets each result as it is finished and may end the job.
pub fn run(job: &Job, watch: &Watch, mut ready: impl FnMut(Outcome) -> ControlFlow<()>) {
    for (index, output) in job.outputs.iter().enumerate() {
        let result = job
            .inputs
            .first()
            .ok_or(EngineError::NotAnImage)
            .and_then(|bytes| one(bytes.clone(), output, &job.limits, watch));
        // A pipeline that the watch stopped fails with whatever libvips says to that.
        let result = if watch.has_stopped() { Err(EngineError::Deadline) } else { result };
        if ready((index, result)).is_break() {
            return;
        }
    }
}

fn one(bytes: bytes::Bytes, output: &Output, limits: &Limits, watch: &Watch) -> Result<Rendered, EngineError> {
    let started = clock::instant();
    let format = sniff(&bytes).ok_or(EngineError::NotAnImage)?;
    let truncated = is_truncated(format, &bytes);
    if truncated && limits.broken == Broken::Refuse {
        return Err(EngineError::Truncated);
    }
    let bytes = if format == Format::Svg { svg::sanitised(&bytes)? } else { bytes };
    let opened = Opened::new(bytes, format, limits)?;
    let facts = opened.facts;
    let transform = &output.transform;
    let orientation = Orientation::new(facts.orientation, transform);
    let shown = orientation.shown(Size::new(facts.width, facts.height));
    let plan = Plan::new(shown, transform, format == Format::Svg);
    let result = plan.result(transform);
    let (format, animated) = match choose(&output.candidates, &facts, transform, result) {
        Choice::Encode { format, animated } => (format, animated),
        Choice::Impossible => return Err(EngineError::RasterToSvg),
        Choice::PassThrough(format) => {
            let bytes = opened.bytes();
            let (width, height, frames) = (facts.width, facts.height, facts.frames);
            let timings = Timings { decode: started.elapsed(), ..Timings::default() };
            return Ok(Rendered { bytes, format, width, height, frames, original: facts, truncated, timings });
        }
    };
    let frames = if animated { facts.frames } else { 1 };
    if animated {
        check_frames(&facts, limits)?;
    }
    check_result(result, frames, limits)?;
    let reload = Reload::none(&plan);
    let mut context = Context { transform, plan, reload, orientation, format, linear_light: limits.linear_light };
    let express =
        if animated { None } else { express::scaled(&opened, &context, watch).map_err(EngineError::reading)? };
    let decoded;
    let image = if let Some(image) = express {
        decoded = clock::instant();
        steps::run_scaled(image, &context)
    } else {
        let wanted = if animated { Frames::All } else { Frames::First };
        let (image, reload) = opened.decode(&context.plan, orientation, wanted, limits)?;
        context.reload = reload;
        decoded = clock::instant();
        if animated {
            animation(&image, Size::new(facts.width, facts.height), frames, &context, watch)
        } else {
            steps::run(image, &context)
        }
    };
    let (image, metadata) = finished(image.map_err(EngineError::reading)?, transform, format)?;
    let transformed = clock::instant();
    let quality = transform.quality.get(&format).copied().unwrap_or(QUALITY);
    let encoding = Encoding { format, quality, max_bytes: transform.max_bytes, metadata };
    let bytes = encode(&image, &encoding, watch).map_err(|error| match error {
        // Pixels are made while they are encoded: what fails there is the original, unless it opened whole.
        EngineError::Failed(error) => EngineError::reading(error),
        error => error,
    })?;
    let timings = timings(started, decoded, transformed);
    let (width, height) = (image.width(), image.height() / frames);
    Ok(Rendered { bytes, format, width, height, frames, original: facts, truncated, timings })
}

fn timings(started: Instant, decoded: Instant, transformed: Instant) -> Timings {
    Timings { decode: decoded - started, transform: transformed - decoded, encode: transformed.elapsed() }
}

/// Colour and metadata as they leave, and whether the file must carry any.
fn finished(image: Image, transform: &Transform, format: Format) -> Result<(Image, bool), EngineError> {
    let keep_profile = !transform.strip_color_profile && format.has_profile();
    let image = steps::to_output(image, keep_profile).map_err(EngineError::reading)?;
    let keep = match (transform.strip_metadata, transform.keep_copyright) {
        (false, _) => Keep::All,
        (true, true) => Keep::Copyright,
        (true, false) => Keep::Nothing,
    };
    let (image, metadata) = scrubbed(&image, keep, format)?;
    let metadata = metadata || image.has("icc-profile-data");
    // The pixels stand upright now, whatever the original's header said.
    let image = if transform.auto_rotate { upright(&image)? } else { image };
    Ok((image, metadata))
}

/// Every frame runs the steps on its own, then they are stacked again with their delays.
fn animation(
    strip: &Image,
    frame: Size,
    frames: u32,
    context: &Context<'_>,
    watch: &Watch,
) -> Result<Image, VipsError> {
    let strip = watch.over(strip)?.in_memory()?;
    let mut done = Vec::with_capacity(frames as usize);
    for index in 0..frames {
        let at = Point { left: 0, top: index * frame.height };
        let one = steps::extract(&strip, at, frame)?;
        done.push(watch.over(&steps::run(one, context)?)?.in_memory()?);
    }
    let height = done.first().map_or(0, Image::height);
    let stacked =
        Op::new("arrayjoin")?.set("in", Value::Images(&done.iter().collect::<Vec<_>>()))?.set("across", 1)?.image()?;
    let mut delays = strip.ints("delay").unwrap_or_default();
    delays.resize(frames as usize, DELAY_MS);
    let loops = strip.int("loop").unwrap_or(0);
    stacked.edited(|header| {
        header.set_int("page-height", i32::try_from(height).unwrap_or(i32::MAX));
        header.set_int("n-pages", i32::try_from(frames).unwrap_or(i32::MAX));
        header.set_ints("delay", &delays);
        header.set_int("loop", loops);
    })
}
