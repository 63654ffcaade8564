use polyrank_engine::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let dim: usize = a[1].parse().unwrap();
    let batch: usize = a[2].parse().unwrap();
    let full = a[3] == "full";
    let threads: usize = a[4].parse().unwrap();
    let card = [73974usize, 396, 4122689, 850308, 456, 5, 89778, 75085];
    let card: Vec<usize> = card.iter().map(|&v| if full || v < 1000 { v } else { (v / 100).max(1000) }).collect();
    let mut g = Graph::default();
    let mut parts = vec![];
    for (i, c) in card.iter().enumerate() {
        let t = g.table(&format!("t{i}"), *c, dim, Init::Normal(0.01)).unwrap();
        parts.push(g.lookup(&format!("e{i}"), i, t, Pooling::One).unwrap());
    }
    parts.push(g.dense("d", 0, 1).unwrap());
    let x = g.concat("x", &parts).unwrap();
    let relu = |units| Layer { units, weight: Init::Uniform(0.1), bias: Some(Init::Constant(0.0)), relu: true };
    let mut experts = vec![];
    for e in 0..3 {
        let h = g.linear(&format!("e{e}.0"), x, relu(256)).unwrap();
        experts.push(g.linear(&format!("e{e}.1"), h, relu(128)).unwrap());
    }
    for t in 0..2 {
        let h = g.linear(&format!("g{t}.0"), x, relu(64)).unwrap();
        let o = g.linear(&format!("g{t}.o"), h, Layer { units: 3, weight: Init::Uniform(0.1), bias: None, relu: false }).unwrap();
        let s = g.softmax("s", o, 1.0).unwrap();
        let m = g.mixture("m", s, &experts).unwrap();
        let h = g.linear(&format!("t{t}.0"), m, relu(64)).unwrap();
        let o = g.linear(&format!("t{t}.o"), h, Layer { units: 1, weight: Init::Uniform(0.1), bias: Some(Init::Constant(0.0)), relu: false }).unwrap();
        g.head(&format!("t{t}"), o, Loss::BinaryCrossEntropy, 1.0).unwrap();
    }
    let ada = Optimizer::Adagrad { learning_rate: 0.01, initial_accumulator: 0.0, epsilon: 1e-10 };
    let net = Network::<f32>::new(&g, 1, Some(ada));
    let flops: u64 = g.summary().iter().map(|s| s.flops).sum();
    let mut tr = Trainer::new(net, TrainerOptions { optimizer: ada, embedding_optimizer: ada, normaliser: Normaliser::Count, layer_penalty: (0.0, 0.0), embedding_penalty: (0.0, 0.0), penalise_whole_tables: false, clip_norm: None, seed: 1, threads }).unwrap();
    let n = batch.max(65536).min(batch * 4000);
    let mut s = 12345u64;
    let mut r = || { s ^= s << 13; s ^= s >> 7; s ^= s << 17; (s >> 11) as f64 / (1u64 << 53) as f64 };
    let cols: Vec<Vec<u32>> = card.iter().map(|&c| (0..n).map(|_| ((c as f64 * r().powi(3)) as u32).min(c as u32 - 1)).collect()).collect();
    let dense: Vec<f32> = (0..n).map(|_| r() as f32).collect();
    let labels: Vec<f32> = (0..2 * n).map(|_| (r() < 0.3) as u8 as f32).collect();
    let mut best = 0.0f64; let mut all = vec![];
    for _ in 0..7 {
        let t = std::time::Instant::now();
        let steps = (n / batch).min(400);
        for k in 0..steps {
            let (a, b) = (k * batch, (k + 1) * batch);
            let feed = Feed { rows: batch, slots: cols.iter().map(|c| SlotIds::One(&c[a..b])).collect(), dense: &dense[a..b] };
            tr.step(&feed, &labels[2 * a..2 * b]).unwrap();
        }
        let rate = (steps * batch) as f64 / t.elapsed().as_secs_f64();
        best = best.max(rate); all.push(rate);
    }
    all.sort_by(f64::total_cmp);
    println!("dim {dim} batch {batch} {} threads {threads}: median {:.0} best {:.0} rows/s, {:.1} GFLOP/s", a[3], all[3], best, best * 3.0 * flops as f64 / 1e9);
}
