//! What a network needs of the machine's memory, compared with what is free before anything is allocated: an error can
//! say what to lower, a failed allocation only ends the program.

use polyrank_engine::{Graph, Optimizer, Precision, TrainerOptions, held};

use crate::error::ModelError;

/// Bytes of a number.
const NUMBER: u128 = 4;

/// What something needs.
struct Need {
    what: String,
    bytes: u128,
    lower: &'static str,
}

const LOWER_TABLE: &str =
    "the feature's dim, or the values that its encoder keeps (buckets, size, or a higher min_count)";
const LOWER_LAYERS: &str = "the units or the number of hidden layers under model";
const LOWER_VALUES: &str = "train.batch_size, train.threads, or the units of hidden layers under model";

/// Refuses a network that cannot be trained in the memory that is free, with batches of `batch_rows` rows; `averaged` if an
/// average of its weights is held beside it.
pub fn check_training(
    graph: &Graph,
    options: &TrainerOptions,
    batch_rows: usize,
    averaged: bool,
) -> Result<(), ModelError> {
    let mut needs = training(graph, options, batch_rows);
    for (need, average) in needs.iter_mut().zip(numbers(graph)).filter(|_| averaged) {
        need.bytes += average.bytes;
    }
    compare("training", needs, free())
}

/// Refuses a network that cannot be loaded in the memory that is free, where its largest file has `file` bytes.
pub(crate) fn check_loading(graph: &Graph, file: u64) -> Result<(), ModelError> {
    let mut needs = numbers(graph);
    // A file's bytes, and the 32-bit numbers read from it, before they are put in place.
    let half = graph.tables().iter().any(|t| t.precision == Precision::Bf16);
    let bytes = if half { 3 } else { 2 } * u128::from(file);
    needs.push(Need { what: "reading its largest file".to_owned(), bytes, lower: LOWER_TABLE });
    compare("loading", needs, free())
}

/// Bytes of the numbers in layers and tables, as files hold them.
pub(crate) fn stored(graph: &Graph) -> u128 {
    numbers(graph).iter().map(|need| need.bytes).sum()
}

/// Bytes of a weight in a table.
fn weight(precision: Precision) -> u128 {
    match precision {
        Precision::Fp32 => NUMBER,
        Precision::Bf16 => NUMBER / 2,
    }
}

fn numbers(graph: &Graph) -> Vec<Need> {
    let tables = graph.tables().iter().map(|t| Need {
        what: format!("`{}` ({} rows × {})", t.name, t.rows, t.dim),
        bytes: weight(t.precision) * t.rows as u128 * t.dim as u128,
        lower: LOWER_TABLE,
    });
    let layers: u128 = graph.params().iter().map(|p| p.shape.len() as u128).sum();
    let layers = Need { what: format!("{layers} numbers in layers"), bytes: NUMBER * layers, lower: LOWER_LAYERS };
    tables.chain([layers]).collect()
}

fn training(graph: &Graph, options: &TrainerOptions, batch_rows: usize) -> Vec<Need> {
    let (rows_a_thread, gradients) = held(graph, batch_rows);
    let mut needs = numbers(graph);
    let mut states = Vec::new();
    let penalised = options.penalise_whole_tables && options.embedding_penalty != (0.0, 0.0);
    for (need, table) in needs.iter_mut().zip(graph.tables()) {
        let (rows, dim) = (table.rows as u128, table.dim as u128);
        let state = match options.embedding_optimizer {
            _ if table.frozen => 0,
            Optimizer::Sgd { .. } => 0,
            Optimizer::RowWiseAdagrad { .. } => 1,
            Optimizer::Adam { .. } => 2 * dim,
            _ => dim,
        };
        let gradient = if penalised && !table.frozen { dim } else { 0 };
        need.bytes += NUMBER * rows * (state + gradient);
        states.push(NUMBER * rows * state);
    }
    if let Some(layers) = needs.last_mut() {
        let state = match options.optimizer {
            Optimizer::Sgd { .. } => 0,
            Optimizer::Adam { .. } => 2,
            _ => 1,
        };
        // The weights and their transpose, state, and a gradient for each part of the batch.
        layers.bytes *= 2 + state + gradients as u128;
    }
    // A checkpoint has all state beside, then one table after the other as numbers, their bytes, and a file.
    let largest = graph.tables().iter().enumerate().max_by_key(|(_, t)| t.rows as u128 * t.dim as u128);
    if let Some((i, table)) = largest {
        let state = states.iter().sum::<u128>() + 2 * states.iter().max().copied().unwrap_or(0);
        needs[i].bytes += state.max(3 * NUMBER * table.rows as u128 * table.dim as u128);
    }
    let nodes = graph.summary();
    let columns: u128 = nodes.iter().map(|n| n.width as u128 * n.space.most() as u128).sum();
    let batch_wide = nodes.iter().any(|n| n.batch_wide);
    let rows = if batch_wide { batch_rows as u128 } else { rows_a_thread as u128 * options.threads as u128 };
    needs.push(Need { what: "the values of a batch".to_owned(), bytes: NUMBER * rows * columns, lower: LOWER_VALUES });
    needs
}

fn compare(doing: &str, needs: Vec<Need>, free: Option<u64>) -> Result<(), ModelError> {
    let total: u128 = needs.iter().map(|need| need.bytes).sum();
    let Some(free) = free.filter(|free| u128::from(*free) < total) else { return Ok(()) };
    let Some(most) = needs.iter().max_by_key(|need| need.bytes) else { return Ok(()) };
    Err(ModelError::Memory(format!(
        "{doing} this network takes at least {}, but {} of memory are free; {} for {}: lower {}",
        size(total),
        size(free.into()),
        size(most.bytes),
        most.what,
        most.lower
    )))
}

fn size(bytes: u128) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", units[unit]) }
}

/// Bytes that can be allocated without swapping; `None` where the system does not say.
fn free() -> Option<u64> {
    let machine = available(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
    // A container's limit; "max" is none.
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(limit.map_or(machine, |limit: u64| limit.min(machine)))
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use polyrank_engine::{Init, Normaliser, Pooling};

    use super::*;

    fn graph() -> Graph {
        let mut graph = Graph::default();
        let table = graph.table("table.uid", 1000, 8, Init::Constant(0.0)).unwrap();
        let x = graph.lookup("embedding.uid", 0, table, Pooling::One).unwrap();
        let layer = polyrank_engine::Layer { units: 5, weight: Init::Constant(0.0), bias: None, relu: false };
        graph.linear("layer", x, layer).unwrap();
        graph
    }

    fn options(embedding_optimizer: Optimizer) -> TrainerOptions {
        TrainerOptions {
            optimizer: Optimizer::Sgd { learning_rate: 0.1 },
            embedding_optimizer,
            normaliser: Normaliser::Count,
            layer_penalty: (0.0, 0.0),
            embedding_penalty: (0.0, 0.0),
            penalise_whole_tables: false,
            clip_norm: None,
            seed: 1,
            threads: 2,
        }
    }

    #[test]
    fn counts_weights_state_and_gradients() {
        assert_eq!(stored(&graph()), 4 * (1000 * 8 + 8 * 5));
        let bytes = |optimizer| training(&graph(), &options(optimizer), 64).iter().map(|n| n.bytes).collect::<Vec<_>>();
        let plain = bytes(Optimizer::Sgd { learning_rate: 0.1 });
        // A batch of 64 rows is two micro-batches: each has its gradients of the layer.
        let (rows, lanes) = held(&graph(), 64);
        assert_eq!(lanes, 2);
        let values = 4 * rows as u128 * 2 * (8 + 5);
        assert_eq!(plain, [4 * 8000 + 3 * 4 * 8000, 4 * 40 * (2 + 2), values]);
        let row_wise = Optimizer::RowWiseAdagrad { learning_rate: 0.1, initial_accumulator: 0.0, epsilon: 1e-10 };
        assert_eq!(bytes(row_wise)[0], 4 * 9000 + 3 * 4 * 8000);
        assert_eq!(bytes(Optimizer::Momentum { learning_rate: 0.1, momentum: 0.9 })[0], 4 * 16_000 + 3 * 4 * 8000);
    }

    #[test]
    fn rows_in_bf16_take_half() {
        let mut graph = Graph::default().with_tables_in(Precision::Bf16);
        graph.table("table.uid", 1000, 8, Init::Constant(0.0)).unwrap();
        assert_eq!(stored(&graph), 2 * 8000);
        let adagrad = Optimizer::Adagrad { learning_rate: 0.1, initial_accumulator: 0.0, epsilon: 1e-10 };
        // State stays in 32 bits, and a checkpoint has it beside.
        assert_eq!(training(&graph, &options(adagrad), 64)[0].bytes, (2 + 4) * 8000 + 3 * 4 * 8000);
    }

    #[test]
    fn says_how_much_and_what_to_lower() {
        let needs = || training(&graph(), &options(Optimizer::Sgd { learning_rate: 0.1 }), 64);
        assert!(compare("training", needs(), None).is_ok(), "nothing is known");
        assert!(compare("training", needs(), Some(1 << 20)).is_ok());
        let message = compare("training", needs(), Some(1 << 16)).unwrap_err().to_string();
        for part in ["132.", "KiB", "64.0 KiB of memory are free", "lower the feature's dim"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn reads_what_is_available() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:   24 kB\n"), Some(24 * 1024));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
    }
}
