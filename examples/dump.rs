use rdpwhy::{analyzer::*, capture::*};
fn main() {
    for file in std::env::args().skip(1) {
        println!("== {file}");
        let mut capture = match Capture::open(Source::Path(file.clone().into()), 0) {
            Ok(c) => c,
            Err(e) => {
                println!("{e}");
                continue;
            }
        };
        let mut analyzer = Analyzer::new(Options::default());
        while let Some(frame) = capture.next_frame() {
            analyzer.push(&frame);
        }
        analyzer.finish();
        while let Some(d) = analyzer.poll() {
            let v = &d.diagnosis.verdict;
            println!(
                "  {} -> {} phase {} outcome {} code {} side {} conf {} others {:?}",
                d.session.tcp.client,
                d.session.tcp.server,
                d.session.phase().as_str(),
                v.outcome.as_str(),
                v.code,
                v.side.as_str(),
                v.confidence.as_str(),
                d.diagnosis.others.iter().map(|v| v.code).collect::<Vec<_>>()
            );
            println!("     {}", v.explanation);
            for e in &v.evidence {
                println!("     #{}: {}", e.span.first.at.number(), e.text);
            }
            if std::env::var_os("T").is_some() {
                for e in rdpwhy::session::timeline(&d.session) {
                    println!(
                        "       {:>5} {:?} {} {} {}",
                        e.span.first.at.number(),
                        e.dir.map(|d| d.sender()),
                        e.phase.as_str(),
                        e.kind,
                        e.summary
                    );
                }
            }
        }
    }
}
