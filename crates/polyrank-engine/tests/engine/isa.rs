//! Training gives the same bits with every instruction set.

use std::process::Command;

use polyrank_engine::{Graph, Isa, Optimizer, Precision};

use crate::invariants::{batch, model_in, model_of_half_rows, with};
use crate::support::{trainer, weights};

/// Where the child process writes what it trained.
const OUT: &str = "POLYRANK_TEST_WEIGHTS";

fn trained(graph: &Graph) -> Vec<u8> {
    let adam = Optimizer::Adam { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
    let adagrad = Optimizer::Adagrad { learning_rate: 0.05, initial_accumulator: 0.0, epsilon: 1e-10 };
    let mut trainer = trainer::<f32>(graph, with(adam, adagrad));
    for step in 0..5 {
        let batch = batch::<f32>(step, 200);
        trainer.step(&batch.feed(), &batch.labels).unwrap();
    }
    weights(trainer.network()).iter().flat_map(|t| &t.data).flat_map(|v| v.to_le_bytes()).collect()
}

// The instruction set is chosen once a process, so each one gets a process of its own: this test again.
#[test]
fn every_instruction_set_trains_the_same_bits() {
    if let Ok(path) = std::env::var(OUT) {
        let mut bytes = vec![Isa::current() as u8];
        let full = [model_of_half_rows(true), model_in(Precision::Fp32, false), model_in(Precision::Fp32, true)];
        let half = [false, true].map(|batch_wide| model_in(Precision::Bf16, batch_wide));
        full.iter().for_each(|graph| bytes.extend(trained(graph)));
        // AMX adds products of bf16 in an order of its own.
        if Isa::current() != Isa::Amx {
            half.iter().for_each(|graph| bytes.extend(trained(graph)));
        }
        std::fs::write(path, bytes).unwrap();
        return;
    }
    let mut results = Vec::new();
    for isa in Isa::ALL {
        let path = std::env::temp_dir().join(format!("polyrank-{}-{}", std::process::id(), isa.name()));
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "isa::every_instruction_set_trains_the_same_bits"])
            .env("POLYRANK_ISA", isa.name())
            .env(OUT, &path)
            .output()
            .unwrap();
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
        let mut bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(bytes.remove(0) <= isa as u8, "POLYRANK_ISA={} caps the instruction set", isa.name());
        results.push((isa, bytes));
    }
    assert!(results[0].1.len() > 10_000);
    for (isa, bytes) in &results {
        let expected = &results[0].1;
        assert!(*isa == Isa::Amx || bytes.len() == expected.len());
        assert!(*bytes == expected[..bytes.len()], "{} trains other bits than {}", isa.name(), results[0].0.name());
    }
}
