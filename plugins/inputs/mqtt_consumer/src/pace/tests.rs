use super::*;

const LONGEST: Duration = Duration::from_millis(5);

/// A broker that makes `rate` messages a second and allows `window` unacknowledged ones; acknowledgements go out
/// after each gulp. Gives gulps a second and messages a second over the last of `seconds`.
fn simulate(rate: f64, window: usize, told: Option<usize>, qos: u8, seconds: f64) -> (f64, f64) {
    let (mut pace, origin) = (Pace::new(LONGEST, told), Instant::now());
    let (mut t, mut read, mut gulps, mut counted) = (0.0, 0.0, 0, 0.0);
    let round_trip = 0.000_1;
    while t < seconds {
        let there = (t * rate).floor() - read;
        let n = if qos > 0 { there.min(window as f64) } else { there };
        if n < 1.0 {
            t = (read + 1.0) / rate + 1e-9;
            continue;
        }
        read += n;
        if t > seconds - 1.0 {
            gulps += 1;
            counted += n;
        }
        let n = n as usize;
        let gulp = Gulp {
            messages: n,
            bytes: n * 100,
            metrics: n,
            acknowledged: if qos > 0 { n } else { 0 },
            full: n >= 600,
            ..Gulp::default()
        };
        let now = origin + Duration::from_secs_f64(t);
        t += pace.after(gulp, Slack::default, now).as_secs_f64() + round_trip;
    }
    (f64::from(gulps), counted)
}

#[test]
fn rare_messages_are_never_kept_waiting() {
    let (gulps, messages) = simulate(100.0, 1000, None, 0, 3.0);
    assert!(gulps >= messages * 0.95, "{gulps} gulps for {messages}");
    let mut pace = Pace::new(LONGEST, None);
    let (now, one) = (
        Instant::now(),
        Gulp {
            messages: 1,
            bytes: 100,
            ..Gulp::default()
        },
    );
    assert_eq!(pace.after(one, Slack::default, now), Duration::ZERO);
    assert_eq!(
        pace.after(one, Slack::default, now + Duration::from_secs(60)),
        Duration::ZERO
    );
    assert!(pace.rate() < 1.0);
}

#[test]
fn a_steady_rate_is_read_in_gulps() {
    let (gulps, messages) = simulate(20_000.0, 1000, None, 0, 3.0);
    assert!((150.0..260.0).contains(&gulps), "{gulps} gulps for {messages}");
    let (gulps, _) = simulate(20_000.0, 1000, Some(1000), 1, 3.0);
    assert!((150.0..400.0).contains(&gulps), "{gulps} gulps with QoS 1");
    let (gulps, _) = simulate(1_000.0, 1000, Some(1000), 1, 3.0);
    assert!(gulps < 500.0, "{gulps} gulps at 1,000 a second");
}

/// The pause, in milliseconds, at a steady rate of messages of 50 bytes, with this slack after each gulp.
fn steady(rate: f64, slack: Slack, gulp: Gulp) -> u32 {
    let (mut pace, mut now, mut pause) = (Pace::new(LONGEST, None), Instant::now(), LONGEST);
    for _ in 0..400 {
        let messages = (rate * pause.as_secs_f64()).ceil().max(1.0) as usize;
        now += pause.max(Duration::from_secs_f64(1.0 / rate));
        let gulp = Gulp {
            messages,
            bytes: messages * 50,
            metrics: messages * gulp.metrics,
            ..gulp
        };
        pause = pace.after(gulp, || slack, now);
    }
    (pause.as_secs_f64() * 1000.0).round() as u32
}

#[test]
fn it_is_longer_where_nobody_waits_for_what_comes() {
    let slack = |ms, metrics| Slack {
        time: Duration::from_millis(ms),
        metrics,
    };
    let gulp = Gulp {
        metrics: 1,
        room: 100_000,
        ..Gulp::default()
    };
    let much = slack(1000, 5000);
    assert_eq!(steady(20_000.0, Slack::default(), gulp), 5);
    assert_eq!(steady(20_000.0, much, gulp), 40);
    assert_eq!(steady(200.0, much, gulp), 40, "eight messages at a time");
    assert_eq!(steady(200.0, Slack::default(), gulp), 0);
    assert_eq!(steady(40.0, much, gulp), 0, "rare messages");
    // It ends before the next write, whatever makes that come.
    assert_eq!(steady(20_000.0, slack(14, 5000), gulp), 12);
    assert_eq!(steady(20_000.0, slack(1, 5000), gulp), 5);
    assert_eq!(steady(20_000.0, slack(1000, 240), gulp), 12);
    let three_each = Gulp { metrics: 3, ..gulp };
    assert_eq!(steady(20_000.0, slack(1000, 720), three_each), 12);
    // Nor does it fill what may be under way, nor the socket.
    assert_eq!(steady(20_000.0, much, Gulp { room: 1000, ..gulp }), 12);
    assert_eq!(steady(100_000.0, much, gulp), 13);
    // The time of the arrival shall be right.
    let stamped = Gulp {
        stamped: true,
        ..gulp
    };
    assert_eq!(steady(20_000.0, much, stamped), 5);
}

#[test]
fn the_window_of_a_broker_is_never_waited_for() {
    for (rate, window, told) in [
        (20_000.0, 20, None),
        (20_000.0, 20, Some(1000)),
        (20_000.0, 32, Some(65_535)),
        (3_000.0, 4, None),
        (2_000.0, 1, None),
    ] {
        let (_, messages) = simulate(rate, window, told, 1, 8.0);
        assert!(
            messages > rate * 0.97,
            "{messages} of {rate} with a window of {window}"
        );
    }
}

/// A hundred such gulps, one every `step`, of which none is followed by a pause. Gives the time of the last.
fn never_paused(pace: &mut Pace, gulp: Gulp, step: Duration) -> Instant {
    let mut now = Instant::now();
    for _ in 0..100 {
        now += step;
        assert_eq!(pace.after(gulp, Slack::default, now), Duration::ZERO);
    }
    now
}

#[test]
fn a_flood_is_not_paused() {
    let mut pace = Pace::new(LONGEST, None);
    let step = Duration::from_micros(500);
    let full = Gulp {
        messages: 600,
        bytes: 65_536,
        full: true,
        ..Gulp::default()
    };
    let last = never_paused(&mut pace, full, step);
    let quick = Gulp {
        messages: 500,
        bytes: 50_000,
        ..Gulp::default()
    };
    assert_eq!(pace.after(quick, Slack::default, last + step), Duration::ZERO);
}

#[test]
fn nothing_pauses_where_it_is_switched_off() {
    let steady = Gulp {
        messages: 20,
        bytes: 2000,
        ..Gulp::default()
    };
    never_paused(
        &mut Pace::new(Duration::ZERO, None),
        steady,
        Duration::from_millis(1),
    );
}
